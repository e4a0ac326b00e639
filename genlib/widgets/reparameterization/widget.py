"""Noise that stays, samples that move along, and two estimates of the same gradient."""

import math

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

RANGES = {"mean": (-2.0, 2.0), "sd": (0.2, 1.4), "offset": (0.0, 5.0)}


def f(z: Tensor) -> Tensor:
    """What is averaged over z; the same function stands in draw.js."""
    return 2 * torch.sin(1.5 * z) - z**2 / 4


def slope(z: Tensor) -> Tensor:
    """The derivative of ``f``."""
    return 3 * torch.cos(1.5 * z) - z / 2


def estimates(noise: Tensor, mean: float, sd: float, offset: float) -> dict[str, dict[str, Tensor]]:
    """The derivatives of E[f(z) + offset], z = mean + sd noise, with respect to "mean" and "sd": {"path": one estimate
    a draw (n,), "score": likewise (n,), "exact": by quadrature}."""
    z = mean + sd * noise
    every = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    weight = torch.exp(-0.5 * every**2) / math.sqrt(2 * math.pi)
    at = slope(mean + sd * every)
    return {
        "mean": {
            "path": slope(z),
            "score": (f(z) + offset) * noise / sd,
            "exact": torch.trapezoid(weight * at, every),
        },
        "sd": {
            "path": slope(z) * noise,
            "score": (f(z) + offset) * (noise**2 - 1) / sd,
            "exact": torch.trapezoid(weight * at * every, every),
        },
    }


class Reparameterization(Drawing):
    """See ``reparameterization``. ``numbers``: the means of the estimates as they stand, and the true derivatives."""

    _esm = module("reparameterization")
    alt = (
        "Dots of noise on a line, threads from them to the samples z = mu + sigma epsilon, the samples on a curve f "
        "with its slopes; below, estimates of the derivatives by the path and by the score."
    )

    def _now(self) -> tuple[Tensor, float, float, float]:
        noise, mean, sd, offset = ({**self.state, **self.value}[k] for k in ("noise", "mean", "sd", "offset"))
        return torch.tensor(noise, dtype=torch.float64), mean, sd, offset

    @property
    def numbers(self) -> dict[str, dict[str, float]]:
        both = estimates(*self._now())
        return {key: {way: values.mean().item() for way, values in ways.items()} for key, ways in both.items()}

    def still(self) -> bytes:
        from genlib import plots

        noise, mean, sd, offset = self._now()
        return plots.png(
            plots.latent.reparameterization(noise, mean, sd, lambda z: f(z) + offset, slope, estimates(*self._now()))
        )


def reparameterization(
    *,
    mean: float = -0.5,
    sd: float = 0.7,
    offset: float = 0.0,
    draws: int = 16,
    seed: int = 0,
    revealed: bool = False,
) -> Reparameterization:
    """Move μ and σ: the noise stays, z = μ + σ ε moves along; in a second step, both estimates of the gradient.

    Arguments: mean, -2 to 2, sd, 0.2 to 1.4, and offset, 0 to 5, a constant added to f, to begin with; draws, how many
    samples, 2 to 64; seed, of their noise; revealed, whether it begins with the second step. Returns: a widget; its
    ``numbers`` are what it shows.
    Raises: ValueError for a number out of range.
    """
    for name, value in (("mean", mean), ("sd", sd), ("offset", offset)):
        low, high = RANGES[name]
        if not low <= value <= high:
            raise ValueError(f"{name}={value} is out of range: {low:g} to {high:g}")
    if not 2 <= draws <= 64:
        raise ValueError(f"draws={draws} is out of range: 2 to 64")
    noise = torch.randn(draws, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    state = {"noise": [round(e, 4) for e in noise.tolist()], "mean": mean, "sd": sd, "offset": offset}
    state["revealed"] = revealed
    return Reparameterization(state=state)
