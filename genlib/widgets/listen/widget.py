"""Sounds of several models from the same spectrogram, seen and heard side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from genlib.widgets.drawing import Asking, module
from genlib.widgets.network import packed, unpacked

Speak = Callable[[int, float, int], Tensor | tuple[Tensor, float]]
SpeakPainted = Callable[[Tensor, float, int], Tensor]


class Listen(Asking):
    """See ``listen``. ``sounds`` are those that can be heard now, {name: (T,)}."""

    _esm = module("listen")
    alt = "Spectrograms and waves of a sound and of what each model makes of its spectrogram."

    def __init__(
        self,
        state: dict,
        players: Mapping[str, Speak],
        painters: Mapping[str, SpeakPainted],
        spectrogram: Callable[[Tensor], Tensor],
    ):
        self._players, self._painters = dict(players), dict(painters)
        super().__init__(state, spectrogram)

    @property
    def sounds(self) -> dict[str, Tensor]:
        return {name: unpacked(text) for name, text in self.state["sounds"].items()}

    def reply(self, request: dict) -> dict:
        """The sounds for the choice and the temperature, their spectrograms, how far these are off, the time; of what
        is painted, those of who can say it."""
        first, heat, seed = next(iter(self._players)), float(request["temperature"]), int(request["seed"])
        sounds, seconds, heard = {}, {}, {}
        speakers: dict[str, Callable[[float, int], Tensor | tuple[Tensor, float]]]
        if request.get("painted") is None:
            speakers = {name: partial(speak, int(request["choice"])) for name, speak in self._players.items()}
        else:
            heard[first] = self._as_painted(request["painted"])
            speakers = {name: partial(speak, heard[first]) for name, speak in self._painters.items()}
        for name, speak in speakers.items():
            began = time.perf_counter()
            said = speak(heat, seed)
            sound, took = said if isinstance(said, tuple) else (said, time.perf_counter() - began)
            sounds[name] = sound.detach().float().flatten()
            seconds[name] = took * self.state["rate"] / len(sounds[name])
            heard[name] = self._ask(sounds[name].view(1, 1, -1))[0, 0]
        return {
            "sounds": {name: packed(x) for name, x in sounds.items()},
            "heard": {name: (100 * s).round().div(100).tolist() for name, s in heard.items()},
            "errors": {name: round((s - heard[first]).abs().mean().item(), 3) for name, s in heard.items()},
            "seconds": {name: float(f"{value:.3g}") for name, value in seconds.items()},
        }

    def _as_painted(self, painted: list) -> Tensor:
        """(bands, frames), natural logarithms. Raises: ValueError for another shape than what is heard of a sound."""
        bands = torch.tensor(painted, dtype=torch.float32)
        expected = torch.tensor(next(iter(self.state["heard"].values()))).shape
        if bands.shape != expected or not bands.isfinite().all():
            raise ValueError(f"a painted spectrogram must be {tuple(expected)} numbers")
        return bands

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
    painters: Mapping[str, SpeakPainted] | None = None,
) -> Listen:
    """What does a spectrogram sound like? Choose one and a temperature, see what each model makes of it, and listen.

    Arguments: players, {name: a function (choice, temperature, seed) -> the sound, (T,) in -1..1}, the sound itself
    first, which errors are counted from; one that was made before comes with the seconds that it took, (sound, took);
    spectrogram, (1, 1, T) -> (1, 1, bands, frames), natural logarithms; names of the choices; rate, samples a second,
    3,000 or more; temperature, 0..1.2, to begin with; painters, {name of a player: a function (spectrogram (bands,
    frames), temperature, seed) -> the sound}: with them the first spectrogram can be painted on, and they say what is
    painted. Errors are the mean of the absolute differences of spectrograms, shown as a factor of loudness; times are
    seconds for one second of sound.
    Raises: ValueError for less than two players, no name, a number out of range, or a painter who is no player.
    """
    if len(players) < 2 or not names:
        raise ValueError(f"{len(players)} players and {len(names)} names: give two or more, and at least one name")
    if not 0 <= temperature <= 1.2 or rate < 3000:
        raise ValueError(f"temperature={temperature}, rate={rate}: 0 to 1.2, and at least 3000 samples a second")
    painters = painters or {}
    if unknown := set(painters) - set(list(players)[1:]):
        raise ValueError(f"painters has {sorted(unknown)}; they must be players, and not the first, that is painted on")
    state = {
        "names": list(names),
        "rate": int(rate),
        "players": list(players),
        "painters": list(painters),
        "request": {"choice": 0, "temperature": temperature, "seed": 0, "painted": None},
    }
    return Listen(state, players, painters, spectrogram)
