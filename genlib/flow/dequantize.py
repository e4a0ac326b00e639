r"""Dequantization: a density for integers, by giving each of them a cell of volume one.

A density of reals can be infinite at integers, and then says nothing about them. With noise it can't:

.. math:: \log P(v) = \log \int_{[0,1)^D} p(v + u)\, du \;\ge\; \mathbb E_{u \sim U[0,1)^D} \log p(v + u)

so that the mean log-density of v + u is a lower bound on the log-probability of the integers v (Jensen).

Reference: Theis, van den Oord, Bethge. A note on the evaluation of generative models. 2016. arXiv:1511.01844
"""

import torch
from torch import Tensor, nn


class Dequantize(nn.Module):
    """Integers 0..levels-1 to reals and back: v -> v + u, u uniform on [0, 1); and down to the next integer."""

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels
        self.register_buffer("zero", torch.zeros(()), persistent=False)  # knows device and precision

    def forward(self, v: Tensor) -> Tensor:
        """v + u, u drawn anew."""
        return v + torch.rand(v.shape, dtype=self.zero.dtype, device=v.device)

    def middle(self, v: Tensor) -> Tensor:
        """v + 1/2: the middle of each cell, where nothing shall be random."""
        return v + torch.full_like(self.zero, 0.5)

    def quantize(self, x: Tensor) -> Tensor:
        """The integers in whose cells x lies; beyond the first and the last one, these."""
        return x.floor().clamp(0, self.levels - 1).long()
