r"""A U-Net for pictures of 8x8 to 32x32: down, where it sees far, up again, where it sees sharp, and told something on
the way.

Reference: Ronneberger, Fischer, Brox. U-Net: convolutional networks for biomedical image segmentation. 2015.
arXiv:1505.04597
"""

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ToldBlock(nn.Module):
    """A residual block of two 3x3 convolutions; the features scale and shift what is between them."""

    def __init__(self, inputs: int, outputs: int, features: int, dropout: float = 0.0):
        super().__init__()
        self.norm1, self.norm2 = _norm(inputs), _norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.told = nn.Linear(features, 2 * outputs)
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        scale, shift = self.told(features)[..., None, None].chunk(2, 1)
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.norm2(h) * (1 + scale) + shift
        return self.skip(x) + self.conv2(self.dropout(F.silu(h)))


class UNet(nn.Module):
    """(B, C, H, W), (B, features) -> (B, C, H, W), or with per_value P > 1 (B, C, H, W, P).

    Arguments: shape; features, how many; channels of each level, the picture halved (rounded up) from one to the next;
    per_value; dropout.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        features: int,
        *,
        channels: Sequence[int] = (24, 48),
        per_value: int = 1,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.per_value = per_value
        self.start = nn.Conv2d(shape[0], channels[0], 3, padding=1)
        self.down = nn.ModuleList(ToldBlock(c, c, features, dropout) for c in channels)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in itertools.pairwise(channels))
        self.middle = ToldBlock(channels[-1], channels[-1], features, dropout)
        self.widen = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in itertools.pairwise(channels))
        self.up = nn.ModuleList(ToldBlock(2 * c, c, features, dropout) for c in channels)
        self.norm = _norm(channels[0])
        self.end = nn.Conv2d(channels[0], shape[0] * per_value, 3, padding=1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        h, kept = self.start(x), []
        for level, block in enumerate(self.down):
            h = block(h if level == 0 else self.narrow[level - 1](h), features)
            kept.append(h)
        h = self.middle(h, features)
        for level in reversed(range(len(self.up))):
            h = self.up[level](torch.cat([h, kept[level]], 1), features)
            if level:
                h = self.widen[level - 1](F.interpolate(h, size=kept[level - 1].shape[2:]))  # no checkerboard
        h = self.end(F.silu(self.norm(h)))
        return h if self.per_value == 1 else h.unflatten(1, (-1, self.per_value)).movedim(2, -1)


def _norm(channels: int) -> nn.GroupNorm:
    """Group normalisation: it does not mix the examples of a batch."""
    return nn.GroupNorm(math.gcd(8, channels), channels)
