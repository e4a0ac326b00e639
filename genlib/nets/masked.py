"""A perceptron whose outputs know only what comes before them: masks on the weights of linear maps (MADE).

Each hidden unit gets a number, how many values it may know, the first ones in the order. A connection lives if it leads
to a unit that may know as much or more; the output for the t-th value takes units that know fewer than t.

Reference: Germain, Gregor, Murray, Larochelle. MADE: Masked Autoencoder for Distribution Estimation. 2015.
arXiv:1502.03509
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MaskedLinear(nn.Linear):
    """A linear map, some of whose connections are cut: mask (outputs, inputs)."""

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


def unit_degrees(D: int, hidden: int) -> Tensor:
    """How many values each hidden unit may know, (hidden,): spread evenly over 1..D-1, in ascending order."""
    return torch.linspace(1, max(D - 1, 1), hidden).round().long()


def made_masks(D: int, hidden: int, layers: int, order: Tensor | None = None) -> list[Tensor]:
    """Which connections live: layers + 1 masks, bool (to, from), between D values, hidden units …, D outputs."""
    order = torch.arange(D) if order is None else order
    rank = torch.empty(D, dtype=torch.long)
    rank[order] = torch.arange(D)  # how many values come before each
    m = unit_degrees(D, hidden)
    if layers == 0:
        return [rank[:, None] > rank[None, :]]
    first, last = m[:, None] > rank[None, :], rank[:, None] >= m[None, :]
    return [first, *[m[:, None] >= m[None, :]] * (layers - 1), last]
