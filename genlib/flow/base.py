"""Where latents come from: a density p_Z(z) of vectors, simple enough to be drawn from."""

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import whole
from genlib.noise import normal, uniform


class Base(Protocol):
    """What a flow asks of p_Z: how many dimensions it has, of how many labels it knows, a density, and draws."""

    D: int

    @property
    def classes(self) -> int | None:
        """None: it knows no labels."""

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p_Z(z), or log p_Z(z | y), (B, D) -> (B,), nats."""

    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """(n, D)."""


class Logistic(nn.Module):
    r"""Independent standard logistic values, the base of NICE: rounder at the top and heavier in the tails.

    .. math:: \log p_Z(z) = -\sum_i \log(1 + e^{z_i}) + \log(1 + e^{-z_i})
    """

    classes: int | None = None
    zero: Tensor

    def __init__(self, D: int):
        super().__init__()
        self.D = D
        self.register_buffer("zero", torch.zeros(()), persistent=False)

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p_Z(z), (B,), nats."""
        return -(F.softplus(z) + F.softplus(-z)).sum(1)

    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """(n, D), by the inverse CDF, the logit; temperature multiplies the distance from the mean."""
        tiny = torch.finfo(self.zero.dtype).eps / 2  # a draw may be 0, whose logit is infinite
        u = uniform((n, self.D), self.zero, generator).clamp(tiny, 1 - tiny)
        return temperature * (u.log() - torch.log1p(-u))


class ClassGaussian(nn.Module):
    r"""A Gaussian for each label, with a learned mean and a learned width in each direction.

    .. math:: \log p_Z(z \mid y) = \sum_i -\tfrac12 \Big(\frac{z_i - \mu_{y,i}}{\sigma_{y,i}}\Big)^2
              - \log \sigma_{y,i} - \tfrac12 \log 2\pi

    All that the flow learns of labels is here: they share one bijection, and each has its own place in the latents.
    Arguments: D; classes K. Learned: mean (K, D), log_std (K, D).
    Reference: Izmailov, Kirichenko, Finzi, Wilson. Semi-Supervised Learning with Normalizing Flows. 2020.
    arXiv:1912.13025
    """

    def __init__(self, D: int, classes: int):
        super().__init__()
        whole(D=D, classes=classes)
        self.D, self.classes = D, classes
        self.mean, self.log_std = nn.Parameter(torch.zeros(classes, D)), nn.Parameter(torch.zeros(classes, D))

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p_Z(z | y), (B,), nats."""
        assert y is not None, "a density given labels needs them"
        mean, log_std = self.mean.index_select(0, y), self.log_std.index_select(0, y)
        standard = (z - mean) * (-log_std).exp()
        return -(0.5 * standard.square() + log_std).sum(1) - 0.5 * self.D * math.log(2 * math.pi)

    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """(n, D) given labels y (n,); temperature multiplies the distance from the label's mean."""
        assert y is not None, "draws given labels need them"
        y = y.to(self.mean.device)
        noise = normal((n, self.D), self.mean, generator)
        return self.mean.index_select(0, y) + temperature * self.log_std.index_select(0, y).exp() * noise
