"""Densities in the plane whose truth is known, to learn on and to compare with."""

import math

import numpy as np
import torch
from torch import Tensor

from genlib.data.dataset import Dataset

# Each toy is two functions: draw(n, generator) -> x (n, 2), y (n,), and log_prob(x) -> (B, K), log p(x | y) in nats.


def _angles(classes: int) -> Tensor:
    return torch.arange(classes) * (2 * math.pi / classes)


class _EightGaussians:
    """Eight Gaussians (σ = 0.2) on a circle of radius 2; the label is the Gaussian."""

    classes, sigma = 8, 0.2

    def centres(self, like: Tensor) -> Tensor:
        return 2 * torch.stack([_angles(8).cos(), _angles(8).sin()], 1).to(like)  # (8, 2)

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        noise = torch.randn(len(y), 2, generator=g)
        return self.centres(noise)[y] + self.sigma * noise

    def log_prob(self, x: Tensor) -> Tensor:
        squared = ((x[:, None] - self.centres(x)) ** 2).sum(-1)  # (B, 8)
        return -squared / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)


class _Rings:
    """Two rings of radius 1 and 2, blurred by a Gaussian (σ = 0.1); the label is the ring."""

    classes, sigma, radii = 2, 0.1, (1.0, 2.0)

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        angle = 2 * math.pi * torch.rand(len(y), generator=g)
        ring = torch.tensor(self.radii)[y, None] * torch.stack([angle.cos(), angle.sin()], 1)
        return ring + self.sigma * torch.randn(len(y), 2, generator=g)

    def log_prob(self, x: Tensor) -> Tensor:
        # The mean of N(x; r (cos t, sin t), σ² I) over the angle t is a Bessel function I₀ of |x| r / σ².
        r = torch.tensor(self.radii).to(x)
        s = x.norm(dim=1, keepdim=True)  # (B, 1)
        bessel = torch.special.i0e(s * r / self.sigma**2).log()  # log(I₀(z)) - z, which does not overflow
        return bessel - (s - r) ** 2 / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)


class _Moons:
    """Two interleaved half circles of radius 1, blurred by a Gaussian (σ = 0.1); the label is the half circle."""

    classes, sigma = 2, 0.1

    def arc(self, t: Tensor, y: Tensor) -> Tensor:
        """The point at angle t in [0, π] of half circle y, centred on the origin: (..., 2)."""
        upper = torch.stack([t.cos() - 0.5, t.sin() - 0.25], -1)
        return torch.where((y == 0)[..., None], upper, -upper)

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        t = math.pi * torch.rand(len(y), generator=g)
        return self.arc(t, y) + self.sigma * torch.randn(len(y), 2, generator=g)

    def log_prob(self, x: Tensor) -> Tensor:
        # No closed form: the mean over the arc is a Gauss-Legendre quadrature, its nodes far closer together than σ.
        nodes, weights = np.polynomial.legendre.leggauss(100)
        t = torch.from_numpy(math.pi * (nodes + 1) / 2).to(x)
        log_weight = torch.from_numpy(np.log(weights / 2)).to(x)
        points = torch.stack([self.arc(t, torch.full_like(t, k)) for k in (0, 1)])  # (2, nodes, 2)
        squared = ((x[:, None, None] - points) ** 2).sum(-1)  # (B, 2, nodes)
        log_kernel = -squared / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)
        return (log_kernel + log_weight).logsumexp(-1)


_TOYS = {"eight_gaussians": _EightGaussians(), "moons": _Moons(), "rings": _Rings()}


def toy(name: str, n: int = 10_000, seed: int = 0) -> Dataset:
    """n points (n, 2) of a density in the plane with a label each: "eight_gaussians", "moons" or "rings".

    Labels are equally likely. ``.log_prob(x)`` is the true log-density in nats, (B,), and ``.log_prob(x, y)`` that of
    one label's part; exact, for "moons" by quadrature. Raises: ValueError for another name.
    """
    if name not in _TOYS:
        raise ValueError(f"toy({name!r}): choose one of {', '.join(sorted(_TOYS))}")
    shape = _TOYS[name]
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(shape.classes, (n,), generator=g)

    def log_prob(x: Tensor, y: Tensor | None = None) -> Tensor:
        given = shape.log_prob(x)  # (B, K)
        if y is None:
            return given.logsumexp(1) - math.log(shape.classes)
        return given.gather(1, y[:, None])[:, 0]

    return Dataset(
        name=name,
        x=shape.draw(y, g),
        y=y,
        class_names=tuple(str(k) for k in range(shape.classes)),
        source="computed; the density is known",
        licence="none needed",
        log_prob=log_prob,
    )
