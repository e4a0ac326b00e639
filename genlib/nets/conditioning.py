"""How a network is told a condition, and how late it is."""

import math

import torch
from torch import Tensor, nn

from genlib.condition import Condition


def beside(h: Tensor, features: Tensor) -> Tensor:
    """(B, C, …) and (B, K) -> (B, C + K, …): the features along axis 1, the same everywhere."""
    features = features.to(h.dtype).view(*features.shape, *[1] * (h.ndim - 2))
    return torch.cat([h, features.expand(-1, -1, *h.shape[2:])], 1)


class TimeFeatures(nn.Module):
    r"""t (…) in [0, 1] -> (…, 2K + 1): t itself, and sin and cos of π 2^k t, k = 0..K−1.

    The slowest goes through half a turn: frequencies made for t = 0..1000 would hardly move between 0 and 1.
    """

    frequencies: Tensor

    def __init__(self, K: int = 6):
        super().__init__()
        self.width = 2 * K + 1
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(K), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        angles = t[..., None] * self.frequencies
        return torch.cat([t[..., None], angles.sin(), angles.cos()], -1)


class TimeAndCondition(nn.Module):
    """(t (B,), y or None) -> (B, width) features for a network. y may be left out, for all, or for some: one network
    then learns p(x | y) and p(x) (Ho, Salimans 2022, arXiv:2207.12598).

    Arguments: condition, None without one; width; times, how many: with more than one, t is (B, times).
    """

    def __init__(self, condition: Condition | None, *, width: int = 64, times: int = 1):
        super().__init__()
        self.width = width
        self.time = TimeFeatures()
        self.condition = None if condition is None else condition.encoder()
        self.K = 0 if condition is None else condition.width
        told = times * self.time.width + (0 if condition is None else self.K + 1)
        self.mix = nn.Sequential(nn.Linear(told, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, t: Tensor, y: Tensor | None = None, shown: Tensor | None = None) -> Tensor:
        """shown (B,), truth values: for which examples y is told; without it, for all."""
        told = self.time(t).flatten(1)
        if self.condition is not None:
            known = told.new_ones(len(t), 1) if shown is None else shown.to(told.dtype)[:, None]
            known = known * (y is not None)
            features = told.new_zeros(len(t), self.K) if y is None else self.condition(y).to(told.dtype) * known
            told = torch.cat([told, features, known], 1)  # whether y is known is told, too: zeros may be a condition
        return self.mix(told)
