"""Where latents come from: what a VAE asks of its prior. The usual one is ``genlib.noise.StandardNormal``."""

from typing import Protocol

import torch
from torch import Tensor


class Prior(Protocol):
    """Where z comes from: the standard normal, a flow, any model of points whose density is known."""

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log p(z), (n, L) -> (n,), nats."""

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n draws, (n, L)."""
