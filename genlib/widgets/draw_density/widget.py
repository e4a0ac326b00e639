"""Draw a density in the plane; a small network learns its score in the browser, and stands beside the exact one."""

import math

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.mixture import FIRST, LAST, best_eps, log_density, noise_at
from genlib.widgets.network import packed, unpacked

OWN = "your own"
HIDDEN, INPUTS = 48, 17
MOST = 300  # points
STILL = (0.75, 0.5, 0.25)  # times of the still picture


def _eight() -> Tensor:
    angle = torch.arange(8) * math.pi / 4
    return 2 * torch.stack([angle.cos(), angle.sin()], 1)


def _moons() -> Tensor:
    angle = torch.linspace(0, math.pi, 30)
    upper = torch.stack([1.4 * angle.cos() - 0.7, 1.4 * angle.sin() - 0.35], 1)
    return torch.cat([upper, -upper])


def _letter() -> Tensor:
    """An S: three quarters of a circle, and the same turned by half a turn."""
    angle = torch.linspace(0.1 * math.pi, 1.5 * math.pi, 32)
    upper = torch.stack([1.05 * angle.cos(), 1.05 + 1.05 * angle.sin()], 1)
    return torch.cat([upper, -upper])


PRESETS = {"eight Gaussians": (_eight, 0.15), "two moons": (_moons, 0.12), "the letter S": (_letter, 0.12)}


class DrawDensity(Drawing):
    """See ``draw_density``. ``points`` are the centres of the data as they stand, (K, 2), and ``width`` the standard
    deviation around each; ``steps``, how long the network has learned."""

    _esm = module("draw_density")

    @property
    def preset(self) -> str:
        return self.now("preset")

    @property
    def points(self) -> Tensor:
        given = self.now("points") if self.preset == OWN else self.state["presets"][self.preset]
        return torch.tensor(given, dtype=torch.float32).reshape(-1, 2)

    @property
    def width(self) -> float:
        return self.state["width"] if self.preset == OWN else self.state["widths"][self.preset]

    @property
    def steps(self) -> int:
        return self.value.get("steps", 0)

    def exact(self, x_t: Tensor, t: float) -> Tensor:
        """E[ε | x_t] of the data as they stand, (B, 2) -> (B, 2)."""
        return best_eps(x_t, t, self.points, self.width)

    def learned(self, x_t: Tensor, t: float) -> Tensor:
        """The network's ε̂, (B, 2) -> (B, 2): σ x_t + α F."""
        alpha, sigma = noise_at(torch.tensor(t))
        h = torch.cat([x_t, self._time(t).expand(len(x_t), -1), _waves(1.5 * x_t[:, :1]), _waves(1.5 * x_t[:, 1:])], 1)
        flat, H = unpacked(self.now("weights")), self.state["hidden"]
        at = 0
        for k, (inputs, outputs) in enumerate(((INPUTS, H), (H, H), (H, 2))):
            weight = flat[at : at + inputs * outputs].view(outputs, inputs)
            at += inputs * outputs
            h = h @ weight.T + flat[at : at + outputs]
            at += outputs
            if k < 2:
                h = 0.5 * h * (1 + h / (1 + h.square()).sqrt())
        return sigma * x_t + alpha * h

    @staticmethod
    def _time(t: float) -> Tensor:
        waves = [f(k * math.pi * t) for k in (1, 2, 3) for f in (math.sin, math.cos)]
        return torch.tensor([(FIRST + (LAST - FIRST) * t) / 4, *waves])

    @property
    def alt(self) -> str:
        times = ", ".join(f"{t:g}" for t in STILL)
        learned = f"; beside them those of the network after {self.steps} steps" if self.steps else ""
        if len(self.points) == 0:
            return "An empty plane, to be drawn on."
        return (
            f"The density of the data ({self.preset}) under less and less noise, t = {times}, and arrows of its exact "
            f"score{learned}."
        )

    def still(self) -> bytes:
        from genlib import plots

        if len(self.points) == 0:
            return plots.png(plots.noised.fields({"nothing is drawn yet": lambda x: torch.zeros(len(x))}))
        panels, arrows = {}, []
        for t in STILL:
            panels[f"t = {t:g}"] = lambda x, t=t: log_density(x, t, self.points, self.width).exp()
            each = {"exact score": lambda x, t=t: -self.exact(x, t)}
            if self.steps:
                each[f"learned, {self.steps} steps"] = lambda x, t=t: -self.learned(x, t)
            arrows.append(each)
        return plots.png(plots.noised.fields(panels, arrows))


def _rounded(points: Tensor) -> list[list[float]]:
    return [[round(v, 3) for v in row] for row in points.tolist()]


def _waves(a: Tensor) -> Tensor:
    return torch.cat([a.sin(), a.cos(), (2 * a).sin(), (2 * a).cos()], 1)


def draw_density(
    points: Tensor | None = None,
    *,
    preset: str = "eight Gaussians",
    width: float = 0.12,
    seed: int = 0,
    hint: str = (
        "Press Train, then From noise to data. Where is the learned score wrong, and does it matter there? Then draw "
        "data of your own on a plane."
    ),
) -> DrawDensity:
    """A density in the plane, its noised versions, and a network that learns their score in the browser.

    The data are equal Gaussians of standard deviation ``width`` around points; x_t = αx + σε with α² + σ² = 1 and a log
    signal-to-noise ratio that falls from 6 to −6. So the best ε̂, which is E[ε | x_t] = −σ ∇ log p_t, is known, and the
    network's error beside it. Points walk from noise to data by DDIM's steps, "ODE" (η = 0) and "SDE" (η = 1).

    Arguments: points (n, 2), n ≤ 300, the data at the start; without them the preset, "eight Gaussians", "two moons",
    "the letter S" or "your own", which is empty; seed, of the network's first weights; hint, what to try.
    Returns: a widget; when it rests, its ``points``, ``steps``, ``exact`` and ``learned`` are as they stand.
    Raises: ValueError for an unknown preset, points that are none or beyond the plane −3..3, a width not in 0.05..1.
    """
    if preset not in (*PRESETS, OWN):
        raise ValueError(f"preset={preset!r} is not one of {', '.join((*PRESETS, OWN))}")
    if not 0.05 <= width <= 1:
        raise ValueError(f"width={width} must lie in 0.05..1")
    if points is not None:
        points = torch.as_tensor(points, dtype=torch.float32)
        if points.ndim != 2 or points.shape[1] != 2 or not 0 < len(points) <= MOST:
            raise ValueError(f"points has shape {tuple(points.shape)}; it must be (n, 2), with n in 1..{MOST}")
        if not bool((points.abs() <= 3).all()):
            raise ValueError(f"points reach to {points.abs().max():g}; the plane shows −3..3")
        preset = OWN
    g = torch.Generator().manual_seed(seed)
    weights = []
    for inputs, outputs in ((INPUTS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2)):  # as torch starts a linear layer
        weights.append((2 * torch.rand(inputs * outputs + outputs, generator=g) - 1) / inputs**0.5)
    state = {
        "presets": {name: _rounded(make()) for name, (make, _) in PRESETS.items()},
        "widths": {name: wide for name, (_, wide) in PRESETS.items()},
        "preset": preset,
        "points": [] if points is None else _rounded(points),
        "width": width,
        "hidden": HIDDEN,
        "weights": packed(torch.cat(weights)),
        "seed": seed,
        "t": 1.0,
        "hint": hint,
    }
    return DrawDensity(state=state)
