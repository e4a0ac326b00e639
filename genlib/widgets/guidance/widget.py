"""Two classes in the plane with exact scores: what a guided score samples, beside p(x) p(y | x)^w; then pictures."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.mixture import best_eps, log_density, noise_at

CLASSES = (((-0.6, 1.2), (-0.6, -1.2)), ((0.6, 1.2), (2.0, -1.2)))
STEPS, MOST, REACH = 60, 8.0, 3.2


class Guidance(Drawing):
    """See ``guidance``. ``w`` and ``asked``, the class, are as they stand, and ``classes``, their centres, two (K, 2);
    ``samples`` come from the guided score, ``tilted`` is log p(x) + w log p(y | x)."""

    _esm = module("guidance")

    @property
    def w(self) -> float:
        return self.now("w")

    @property
    def asked(self) -> int:
        return self.now("asked")

    @property
    def classes(self) -> list[Tensor]:
        return [torch.tensor(centres, dtype=torch.float32) for centres in self.now("classes")]

    def eps(self, x_t: Tensor, t: float) -> Tensor:
        """The guided ε̂, (B, 2) -> (B, 2): ε̂(x_t) + w (ε̂(x_t | y) − ε̂(x_t)), by exact scores."""
        every, given = (best_eps(x_t, t, means, self.state["width"]) for means in self._both())
        return every + self.w * (given - every)

    def samples(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n points, (n, 2), by DDIM's steps with the guided ε̂."""
        x = torch.randn(n, 2, generator=generator)
        times = torch.linspace(1, 0, STEPS + 1)
        for t, s in itertools.pairwise(times):
            (alpha, sigma), (less, left) = noise_at(t), noise_at(s)
            eps = self.eps(x, float(t))
            x = less * (x - sigma * eps) / alpha + left * eps
        return x

    def tilted(self, x: Tensor) -> Tensor:
        """log p(x) + w log p(y | x), (B, 2) -> (B,): not normalised."""
        every, given = (self._log_p(x, means) for means in self._both())
        share = len(self.classes[self.asked]) / sum(map(len, self.classes))
        return every + self.w * (torch.tensor(share).log() + given - every)

    def _both(self) -> tuple[Tensor, Tensor]:
        return torch.cat(self.classes), self.classes[self.asked]

    def _log_p(self, x: Tensor, means: Tensor) -> Tensor:
        """log p(x), without noise: of a Gaussian mixture of this width."""
        width = self.state["width"]
        clean = -((x[:, None] - means) ** 2).sum(-1) / (2 * width**2)
        return clean.logsumexp(1) - torch.tensor(2 * torch.pi * width**2 * len(means)).log()

    @property
    def alt(self) -> str:
        shown = "samples of the guided score over the density of their class, beside p(x) p(y | x)^w"
        return f"Two planes for w = {self.w:g}, class {self.state['names'][self.asked]}: {shown}."

    def still(self) -> bytes:
        from genlib import plots

        given, width = self.classes[self.asked], self.state["width"]
        made = self.samples(160, generator=torch.Generator().manual_seed(0))
        panels = {
            f"samples with w = {self.w:g} over p(x | y)": lambda x: log_density(x, 0.0, given, width).exp(),
            f"p(x) p(y | x)$^{{{self.w:g}}}$": lambda x: (self.tilted(x) - self.tilted(x).max()).exp(),
        }
        return plots.png(plots.noised.fields(panels, points=[made, None], reach=REACH))


def guidance(
    pictures: Tensor | None = None,
    weights: Sequence[float] = (),
    *,
    levels: int = 17,
    notes: Sequence[str] = (),
    names: tuple[str, str] = ("class A", "class B"),
    classes: Sequence[Sequence[Sequence[float]]] = CLASSES,
    width: float = 0.4,
    w: float = 1.0,
    hint: str = (
        "Slide w. At which w do the samples leave their class, and what does p(x) p(y | x)^w do there? Then drag a "
        "centre of the other class closer."
    ),
) -> Guidance:
    """Guidance with exact scores in the plane, beside the density that it does not sample; then pictures of a model.

    Both classes are equal Gaussians of standard deviation ``width``. The guided score is s + w (s given y − s): w = 0
    is the model without the condition, w = 1 with it. Points walk from noise to data by 60 of DDIM's steps.

    Arguments: pictures (W, n, 1, H, W') integers, n samples of a model for each of W ``weights``, with a word on each
    in ``notes``; names of both classes; classes, the centres of both, each (K, 2) within ±2.6; w, 0..8, at the start.
    Returns: a widget; its ``w``, ``asked``, ``classes``, ``samples`` and ``tilted`` are as it stands.
    Raises: ValueError for pictures and weights that do not fit, and numbers out of range.
    """
    rows = [] if pictures is None else pictures[:, :, 0].tolist() if pictures.ndim == 5 else None
    if rows is None or len(rows) != len(weights) or (notes and len(notes) != len(weights)):
        shape = None if pictures is None else tuple(pictures.shape)
        raise ValueError(f"pictures {shape}, {len(weights)} weights, {len(notes)} notes: (W, n, 1, H, W'), W and W")
    if not 0 <= w <= MOST or not 0.1 <= width <= 1:
        raise ValueError(f"w={w} must lie in 0..{MOST:g}, width={width} in 0.1..1")
    centres = [torch.as_tensor(of, dtype=torch.float32) for of in classes]
    if len(centres) != 2 or any(c.ndim != 2 or c.shape[1] != 2 or c.abs().max() > 2.6 for c in centres):
        raise ValueError("classes must be two lists of centres (x, y) within ±2.6")
    state = {
        "classes": [[[round(v, 3) for v in place] for place in of.tolist()] for of in centres],
        "width": width,
        "asked": 0,
        "w": float(w),
        "t": 0.0,
        "rows": rows,
        "weights": [float(v) for v in weights],
        "notes": list(notes),
        "levels": levels,
        "names": list(names),
        "hint": hint,
    }
    return Guidance(state=state)
