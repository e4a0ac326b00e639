"""Densities in the plane whose truth is known, to learn on and to compare with."""

import functools
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.arguments import integer, needed, whole
from genlib.data.dataset import Dataset

# Each toy is two functions: draw(y, generator) -> x (n, 2), and log_prob(x) -> (B, K), log p(x | y) in nats.


def _circle(radius: float, points: int) -> Tensor:
    """Points at equal distances on a circle, (points, 2)."""
    angle = torch.arange(points) * (2 * math.pi / points)
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


def _rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Each point of x, (..., 2), turned about the origin by its angle, (...)."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], -1)


class _Gaussians:
    """Round Gaussians of one width; the label is the Gaussian."""

    def __init__(self, centres: Tensor, sigma: float):
        self.centres, self.sigma, self.classes = centres, sigma, len(centres)  # (K, 2)

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        return self.centres[y] + self.sigma * torch.randn(len(y), 2, generator=g)

    def log_prob(self, x: Tensor) -> Tensor:
        squared = ((x[:, None] - self.centres.to(x)) ** 2).sum(-1)  # (B, K)
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


class _Curves:
    """Two curves, the second the first turned by half a turn, blurred by a Gaussian (σ = 0.1); the label is the curve.

    No closed form: the mean over the curve is a Gauss-Legendre quadrature, its nodes closer together than σ.
    """

    classes, sigma, nodes = 2, 0.1, 100

    def curve(self, u: Tensor) -> Tensor:
        """The point of the first curve at u, which is uniform in [0, 1]: (..., 2)."""
        raise NotImplementedError

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes u in [0, 1] and weights that sum to one."""
        nodes, weights = np.polynomial.legendre.leggauss(self.nodes)
        return (nodes + 1) / 2, weights / 2

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        first = self.curve(torch.rand(len(y), generator=g))
        return torch.where((y == 0)[:, None], first, -first) + self.sigma * torch.randn(len(y), 2, generator=g)

    def log_prob(self, x: Tensor) -> Tensor:
        u, weights = (torch.from_numpy(values).to(x) for values in self.quadrature())
        first = self.curve(u)
        points = torch.stack([first, -first])  # (2, nodes, 2)
        squared = ((x[:, None, None] - points) ** 2).sum(-1)  # (B, 2, nodes)
        log_kernel = -squared / (2 * self.sigma**2) - math.log(2 * math.pi * self.sigma**2)
        return (log_kernel + weights.log()).logsumexp(-1)


class _Moons(_Curves):
    """Two interleaved half circles of radius 1."""

    def curve(self, u: Tensor) -> Tensor:
        t = math.pi * u
        return torch.stack([t.cos() - 0.5, t.sin() - 0.25], -1)


class _Spirals(_Curves):
    """Two interleaved spirals, one and a half turns each, out to radius 2.4."""

    nodes, turns, radius = 300, 1.5, 2.4

    def curve(self, u: Tensor) -> Tensor:
        s = u.sqrt()  # so that points do not crowd at the centre
        t = 2 * math.pi * self.turns * s
        return self.radius * s[..., None] * torch.stack([t.cos(), t.sin()], -1)

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        s, weights = super().quadrature()  # over s instead of u = s², where the curve is smooth; du = 2 s ds
        return s**2, 2 * s * weights


class _Pinwheel:
    """Five arms: long Gaussians that point outwards, bent by a turn that grows with the distance from the centre.

    Turning each circle |x| = r by its own angle keeps areas, so the determinant is 1 and the density is a formula.
    """

    classes, middle, sigma, bend = 5, 1.3, (0.3, 0.12), 0.9  # sigma: along the arm, across

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        arm = torch.randn(len(y), 2, generator=g) * torch.tensor(self.sigma) + torch.tensor([self.middle, 0.0])
        return _rotated(arm, y * (2 * math.pi / 5) + self.bend * arm.norm(dim=1))

    def log_prob(self, x: Tensor) -> Tensor:
        straight = _rotated(x, -self.bend * x.norm(dim=1))[:, None]  # (B, 1, 2)
        arm = _rotated(straight, -torch.arange(5).to(x) * (2 * math.pi / 5))  # (B, 5, 2)
        sigma = torch.tensor(self.sigma).to(x)
        z = (arm - torch.tensor([self.middle, 0.0]).to(x)) / sigma
        return -(z**2).sum(-1) / 2 - sigma.log().sum() - math.log(2 * math.pi)


class _Banana:
    """A Gaussian bent by x₂ = z₂ + x₁², which moves points up and down only and so keeps areas; one label."""

    classes, sigma = 1, (0.7, 0.3)

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        z = torch.randn(len(y), 2, generator=g) * torch.tensor(self.sigma)
        return torch.stack([z[:, 0], z[:, 1] + z[:, 0] ** 2 - 1], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        z = torch.stack([x[:, 0], x[:, 1] + 1 - x[:, 0] ** 2], 1) / torch.tensor(self.sigma).to(x)
        return -(z**2).sum(1, keepdim=True) / 2 - math.log(2 * math.pi * self.sigma[0] * self.sigma[1])


class _Checkerboard:
    """The eight dark squares, of side 1, of a board from -2 to 2; the label is the square. Outside log p is -inf."""

    classes = 8

    def corners(self) -> Tensor:
        """Lower left corners, (8, 2)."""
        return torch.tensor([[i, j] for j in range(-2, 2) for i in range(-2, 2) if (i + j) % 2 == 0])

    def draw(self, y: Tensor, g: torch.Generator) -> Tensor:
        return self.corners()[y] + torch.rand(len(y), 2, generator=g)

    def log_prob(self, x: Tensor) -> Tensor:
        where = x[:, None] - self.corners().to(x)  # (B, 8, 2)
        inside = ((where >= 0) & (where < 1)).all(-1)
        return torch.where(inside, 0.0, -math.inf).to(x)  # a square has area 1


_TOYS: dict[str, Any] = {
    "banana": _Banana(),
    "checkerboard": _Checkerboard(),
    "eight_gaussians": _Gaussians(_circle(2.0, 8), 0.2),
    "grid": _Gaussians(torch.cartesian_prod(torch.arange(-2.0, 3.0), torch.arange(-2.0, 3.0)), 0.1),
    "moons": _Moons(),
    "pinwheel": _Pinwheel(),
    "rings": _Rings(),
    "spirals": _Spirals(),
    "two_gaussians": _Gaussians(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.5),
}


def toy(name: str, n: int = 10_000, seed: int = 0) -> Dataset:
    """n points (n, 2) of a density in the plane with a label each.

    Names: "two_gaussians", "eight_gaussians" on a circle, "grid" (25 Gaussians), "moons", "rings", "spirals",
    "pinwheel" (5 bent arms), "banana" (one label), "checkerboard" (8 squares with sharp edges).
    Labels are equally likely. ``.log_prob(x)`` is the true log-density in nats, (B,), and ``.log_prob(x, y)`` that of
    one label's part; exact, for "moons" and "spirals" by quadrature. Raises: ValueError for another name.
    """
    if name not in _TOYS:
        raise ValueError(f"toy({name!r}): choose one of {', '.join(sorted(_TOYS))}")
    shape = _TOYS[name]
    needed(n=n, seed=seed)
    integer(seed=seed)
    whole(0, n=n)
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(shape.classes, (n,), generator=g)
    return Dataset(
        name=name,
        x=shape.draw(y, g),
        y=y,
        class_names=tuple(str(k) for k in range(shape.classes)),
        source="computed; the density is known",
        licence="none needed",
        log_prob=functools.partial(_log_prob, name),
    )


def _log_prob(name: str, x: Tensor, y: Tensor | None = None) -> Tensor:
    """log p(x), or log p(x | y), (B,), nats. A function of its own, so that a data set can be sent to a worker."""
    given = _TOYS[name].log_prob(x)  # (B, K)
    if y is None:
        return given.logsumexp(1) - math.log(_TOYS[name].classes)
    return given.gather(1, y[:, None])[:, 0]
