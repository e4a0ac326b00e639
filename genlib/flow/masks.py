"""Masks: which values pass a coupling layer unchanged. True passes, False is changed, and ~mask is the other half.

halves(4)   alternating(4)   checkerboard((1, 4, 4))   rows((1, 4, 4))
# # . .     # . # .          # . # .                   # # # #
                             . # . #                   . . . .
                             # . # .                   # # # #
                             . # . #                   . . . .
"""

import torch
from torch import Tensor


def halves(D: int) -> Tensor:
    """The first half of D features or channels (the larger one, if D is odd) passes: (D,) bool."""
    return torch.arange(D) < (D + 1) // 2


def alternating(D: int) -> Tensor:
    """Every other one of D features or channels passes, from the first on: (D,) bool."""
    return torch.arange(D) % 2 == 0


def checkerboard(shape: tuple[int, int, int]) -> Tensor:
    """Pixels pass like the dark squares of a board, the same in all channels: (C, H, W) bool."""
    C, H, W = shape
    return ((torch.arange(H)[:, None] + torch.arange(W)) % 2 == 0).expand(C, H, W)


def rows(shape: tuple[int, int, int]) -> Tensor:
    """Every other row of pixels passes, from the first on: (C, H, W) bool."""
    C, H, W = shape
    return (torch.arange(H)[:, None] % 2 == 0).expand(C, H, W)
