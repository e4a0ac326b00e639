r"""Levels and reals: integers 0..V-1 as numbers for a network, as points of a density, and back.

A density of reals can be infinite at integers, and then says nothing about them. Dequantization gives each integer a
cell of volume one:

.. math:: \log P(v) = \log \int_{[0,1)^D} p(v + u)\, du \;\ge\; \mathbb E_{u \sim U[0,1)^D} \log p(v + u)

so that the mean log-density of v + u is a lower bound on the log-probability of the integers v (Jensen).

References: Uria, Murray, Larochelle. RNADE: The real-valued neural autoregressive density-estimator. 2013.
arXiv:1306.0186. Theis, van den Oord, Bethge. A note on the evaluation of generative models. 2016. arXiv:1511.01844
"""

import torch
from torch import Tensor, nn


def to_unit(x: Tensor, levels: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Integers 0..levels-1 as numbers 0..1."""
    return x.to(dtype) / (levels - 1)


def to_signed(x: Tensor, levels: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Integers 0..levels-1 as numbers -1..1, as networks like them."""
    return 2 * x.to(dtype) / (levels - 1) - 1


def from_unit(x: Tensor, levels: int) -> Tensor:
    """Numbers 0..1 to the nearest of the integers 0..levels-1."""
    return (x * (levels - 1)).round().clamp(0, levels - 1).long()


def dequantize(v: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """v + u, u uniform on [0, 1) and drawn anew: integers become points of their cells."""
    return v + torch.rand(v.shape, dtype=dtype, device=v.device)


def quantize(x: Tensor, levels: int) -> Tensor:
    """The integers in whose cells x lies; beyond the first and the last one, these."""
    return x.floor().clamp(0, levels - 1).long()


class Dequantize(nn.Module):
    """The way from integers 0..levels-1 to reals and back, in the precision of the model that holds it."""

    zero: Tensor

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # knows device and precision

    def forward(self, v: Tensor) -> Tensor:
        """v + u, u drawn anew."""
        return dequantize(v, self.zero.dtype)

    def middle(self, v: Tensor) -> Tensor:
        """v + 1/2: the middle of each cell, where nothing shall be random."""
        return v + torch.full_like(self.zero, 0.5)

    def quantize(self, x: Tensor) -> Tensor:
        """The integers in whose cells x lies."""
        return quantize(x, self.levels)
