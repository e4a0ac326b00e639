"""Sounds of several models from the same spectrogram, seen and heard side by side."""

import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Asking, module
from genlib.widgets.network import packed, unpacked

Speak = Callable[[int, float, int], Tensor | tuple[Tensor, float]]


class Listen(Asking):
    """See ``listen``. ``sounds`` are those that can be heard now, {name: (T,)}."""

    _esm = module("listen")
    alt = "Spectrograms and waves of a sound and of what each model makes of its spectrogram."

    def __init__(self, state: dict, players: Mapping[str, Speak], spectrogram: Callable[[Tensor], Tensor]):
        self._players, self._spectrogram = dict(players), spectrogram
        super().__init__(state, spectrogram)

    @property
    def sounds(self) -> dict[str, Tensor]:
        return {name: unpacked(text) for name, text in self.state["sounds"].items()}

    def reply(self, request: dict) -> dict:
        """The sounds for the choice and the temperature, their spectrograms, how far these are off, and the time."""
        asked = int(request["choice"]), float(request["temperature"]), int(request["seed"])
        sounds, seconds = {}, {}
        for name, speak in self._players.items():
            began = time.perf_counter()
            said = speak(*asked)
            sound, took = said if isinstance(said, tuple) else (said, time.perf_counter() - began)
            sounds[name] = sound.detach().float().flatten()
            seconds[name] = took * self.state["rate"] / len(sounds[name])
        heard = {name: self._ask(x.view(1, 1, -1))[0, 0] for name, x in sounds.items()}
        first = next(iter(heard.values()))
        return {
            "sounds": {name: packed(x) for name, x in sounds.items()},
            "heard": {name: (100 * s).round().div(100).tolist() for name, s in heard.items()},
            "errors": {name: round((s - first).abs().mean().item(), 3) for name, s in heard.items()},
            "seconds": {name: float(f"{value:.3g}") for name, value in seconds.items()},
        }

    def still(self) -> bytes:
        from genlib import plots

        T = min(600, len(next(iter(self.sounds.values()))))
        t = 1000 * torch.arange(T) / self.state["rate"]
        panels = {name: {name: (t, x[:T])} for name, x in self.sounds.items()}
        return plots.png(plots.lines(panels, xlabel="milliseconds", ylabel="sound"))


def listen(
    players: Mapping[str, Speak],
    spectrogram: Callable[[Tensor], Tensor],
    *,
    names: Sequence[str],
    rate: int,
    temperature: float = 0.8,
) -> Listen:
    """What does a spectrogram sound like? Choose one and a temperature, see what each model makes of it, and listen.

    Arguments: players, {name: a function (choice, temperature, seed) -> the sound, (T,) in -1..1}, the sound itself
    first, which errors are counted from; one that was made before comes with the seconds that it took, (sound, took);
    spectrogram, (1, 1, T) -> (1, 1, bands, frames), natural logarithms; names of
    the choices; rate, samples a second, 3,000 or more; temperature, 0..1.2, to begin with. Errors are the mean of the
    absolute differences of spectrograms, shown as a factor of loudness; times are seconds for one second of sound.
    Raises: ValueError for less than two players, no name, or a number out of range.
    """
    if len(players) < 2 or not names:
        raise ValueError(f"{len(players)} players and {len(names)} names: give two or more, and at least one name")
    if not 0 <= temperature <= 1.2 or rate < 3000:
        raise ValueError(f"temperature={temperature}, rate={rate}: 0 to 1.2, and at least 3000 samples a second")
    request = {"choice": 0, "temperature": temperature, "seed": 0}
    return Listen({"names": list(names), "rate": int(rate), "request": request}, players, spectrogram)
