r"""The one standard normal of the course, and the one rule for generators.

.. math:: \log \mathcal N(z; 0, I) = -\tfrac12 \sum_i z_i^2 - \tfrac D2 \log 2\pi

The rule: a generator draws on its own device, and what it drew moves to the model's. So a seed means the same numbers
on every machine. Without a generator the model's own device draws.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from genlib.arguments import as_vectors


def device_of(generator: torch.Generator | None, otherwise: torch.device | None = None) -> torch.device | None:
    """Where to draw: on the generator's device, which need not be the model's."""
    return otherwise if generator is None else generator.device


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard normal values of that shape, with the device and the precision of ``like``."""
    return torch.randn(shape, **_where(like, generator)).to(like.device)


def uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Values uniform on [0, 1) of that shape, with the device and the precision of ``like``."""
    return torch.rand(shape, **_where(like, generator)).to(like.device)


def bernoulli(p: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Coins that show 1 with probability p: (…) -> (…), integers."""
    return torch.bernoulli(p.to(device_of(generator, p.device)), generator=generator).long().to(p.device)


def categorical(p: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Values 0..V-1 from probabilities or weights p: (…, V) -> (…), integers."""
    flat = p.reshape(-1, p.shape[-1]).to(device_of(generator, p.device))
    return torch.multinomial(flat, 1, generator=generator).view(p.shape[:-1]).to(p.device)


def _where(like: Tensor, generator: torch.Generator | None) -> dict[str, Any]:
    return {"generator": generator, "dtype": like.dtype, "device": device_of(generator, like.device)}


class StandardNormal(nn.Module):
    """N(0, I) over vectors (D,): the prior of a VAE, the base of a flow, the noise of a GAN."""

    classes: int | None = None  # it knows no labels
    zero: Tensor

    def __init__(self, D: int):
        super().__init__()
        self.D = D
        self.register_buffer("zero", torch.zeros(D), persistent=False)  # knows device and precision

    def log_prob(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log N(z; 0, I), (..., D) -> (...), nats."""
        z = as_vectors("z", z, self.D)
        return -0.5 * (z.square().sum(-1) + self.D * math.log(2 * math.pi))

    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """(n, D); temperature multiplies the distance from the mean."""
        return temperature * normal((n, self.D), self.zero, generator)
