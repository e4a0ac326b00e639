"""The denoising scrubber: noisy pictures, what a denoiser takes for the picture in them, and what for noise."""

import base64
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

REACHES = {"x_t": 4.5, "x": 1.25, "eps": 4.0}  # the largest numbers that are stored, as bytes; beyond, they are cut
LEVELS_OF_NOISE = 21


class Denoising(Drawing):
    """See ``denoising``. ``mode``, ``steps`` and ``at``, the share of the way, are as they stand; ``frames`` are x_t, x̂
    and ε̂ there, (n, 1, H, W) each, without the last two after the last step."""

    _esm = module("denoising")
    alt = (
        "Rows of pictures that get clearer from left to right: noisy x_t, the picture that the network sees in it, and "
        "the noise."
    )

    @property
    def mode(self) -> str:
        return self.now("mode")

    @property
    def at(self) -> float:
        return self.now("at")

    @property
    def steps(self) -> int:
        """Evaluations of the sampler that is chosen."""
        return len(self.state["walks"]["from noise"][self.now("choice")]["alphas"]) - 1

    @property
    def frames(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        walk = self._walk()
        return self._frame(walk, int(self.at * (len(walk["alphas"]) - 1) + 0.5))

    def _walk(self) -> dict:
        return self.state["walks"][self.mode][self.now("choice") if self.mode == "from noise" else 0]

    def _frame(self, walk: dict, i: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        count = len(self.state["truths"])
        each = {name: _numbers(walk[name], REACHES[name]).view(-1, count, 1, *self.state["size"]) for name in REACHES}
        guessed = i < len(each["x"])
        return each["x_t"][i], each["x"][i] if guessed else None, each["eps"][i] if guessed else None

    def still(self) -> bytes:
        from genlib import plots

        walk = self.state["walks"]["from noise"][-1]
        n = len(walk["alphas"]) - 1
        shown = sorted({round(k * (n - 1) / 7) for k in range(8)})
        rows = []
        for k in range(3):
            for i in shown:
                frame = self._frame(walk, i)[k]
                reach = (walk["alphas"][i] + 1.3 * walk["sigmas"][i], 1, 3)[k]
                rows += [] if frame is None else [(frame[0] / reach + 1) / 2]
        pictures = torch.stack(rows).clamp(0, 1)
        return plots.png(plots.images(pictures, columns=len(shown), rows=["x_t", "x̂", "ε̂"], size=0.8))


def denoising(
    pictures: Tensor,
    denoiser: Callable[[Tensor, Tensor], Any],
    *,
    steps: Sequence[int] = (1, 2, 4, 10, 50),
    levels: int | None = None,
    seed: int = 0,
    hint: str = (
        "Scrub along the way: when is it settled which digit it becomes? Take fewer steps, down to one. Then noise a "
        "known picture, and watch which noise level is hard."
    ),
) -> Denoising:
    """Noisy pictures and a denoiser's two guesses in them, along a sampler's way and at each noise level.

    "From noise": as many samples as there are pictures, by DDIM with each number of steps, all from the same noise.
    "A known picture": the pictures under one draw of noise at 21 levels, with one guess each, and its error. All of it
    is computed here, once, and stored as bytes; nothing is asked of the kernel later.

    Arguments: pictures (n, 1, H, W), n ≤ 12, reals in −1..1, or integers 0..levels−1; denoiser, with a ``schedule``
    (``alpha(t)`` and ``sigma(t)`` of times 0..1) and called with x_t (n, 1, H, W) and t (n,): a guess that has ``x``
    and ``eps``; steps, rising.
    Returns: a widget; its ``mode``, ``steps``, ``at`` and ``frames`` are as it stands.
    Raises: ValueError for pictures of another shape or values, and numbers of steps that do not rise.
    """
    if pictures.ndim != 4 or pictures.shape[1] != 1 or not 1 <= len(pictures) <= 12:
        raise ValueError(f"pictures has shape {tuple(pictures.shape)}; it must be (n, 1, H, W) with n in 1..12")
    if not steps or steps[0] < 1 or any(a >= b for a, b in itertools.pairwise(steps)):
        raise ValueError(f"steps={tuple(steps)} must rise, from 1 at least")
    x = pictures.float() if levels is None else 2 * pictures.float() / (levels - 1) - 1
    if not bool((x.abs() <= 1).all()):
        raise ValueError(f"pictures hold {x.min():g}..{x.max():g}; reals must lie in −1..1, or say levels=")
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(x.shape, generator=g)
    walks = [_sampled(denoiser, noise, n) for n in steps]
    state = {
        "size": list(x.shape[2:]),
        "walks": {"from noise": walks, "a known picture": [_noised(denoiser, x, noise)]},
        "truths": [[round(v, 4) for v in row] for row in x.flatten(1).tolist()],
        "noises": [[round(v, 4) for v in row] for row in noise.flatten(1).tolist()],
        "reaches": REACHES,
        "mode": "from noise",
        "choice": len(steps) - 1,
        "at": 0.5,
        "hint": hint,
    }
    return Denoising(state=state)


@torch.no_grad()
def _sampled(denoiser: Any, noise: Tensor, n: int) -> dict:
    """DDIM with n steps: where it was, and what was guessed there."""
    times = torch.linspace(1, 0, n + 1)
    alphas, sigmas = denoiser.schedule.alpha(times), denoiser.schedule.sigma(times)
    x_t, seen = noise * torch.hypot(alphas[0], sigmas[0]), []
    for i in range(n):
        guess = denoiser(x_t, times[i].expand(len(x_t)))
        seen.append((x_t, guess.x, guess.eps))
        x_t = alphas[i + 1] * guess.x + sigmas[i + 1] * guess.eps
    return _stored(alphas, sigmas, seen, last=x_t / alphas[-1])


@torch.no_grad()
def _noised(denoiser: Any, x: Tensor, noise: Tensor) -> dict:
    """One guess at each noise level, of the same pictures under the same noise."""
    times = torch.linspace(1, 0, LEVELS_OF_NOISE)
    alphas, sigmas = denoiser.schedule.alpha(times), denoiser.schedule.sigma(times)
    seen = []
    for alpha, sigma, t in zip(alphas, sigmas, times, strict=True):
        x_t = alpha * x + sigma * noise
        guess = denoiser(x_t, t.expand(len(x)))
        seen.append((x_t, guess.x, guess.eps))
    return _stored(alphas, sigmas, seen, last=x)


def _stored(alphas: Tensor, sigmas: Tensor, seen: list[tuple[Tensor, Tensor, Tensor]], last: Tensor) -> dict:
    """All of it as text; after the steps x_t is ``last``."""
    x_t, x, eps = (torch.stack(values) for values in zip(*seen, strict=True))
    values = {"x_t": torch.cat([x_t, last[None]]), "x": x, "eps": eps}
    packed = {name: _bytes(v, REACHES[name]) for name, v in values.items()}
    noise = {"alphas": [round(v, 5) for v in alphas.tolist()], "sigmas": [round(v, 5) for v in sigmas.tolist()]}
    return noise | packed


def _bytes(values: Tensor, reach: float) -> str:
    levels = ((values.float().cpu().clamp(-reach, reach) / reach + 1) * 127.5).round().to(torch.uint8)
    return base64.b64encode(levels.contiguous().numpy().tobytes()).decode()


def _numbers(text: str, reach: float) -> Tensor:
    levels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
    return (levels.float() / 127.5 - 1) * reach
