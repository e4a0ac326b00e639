r"""Small convolutional networks for images of 8x8 to 32x32: residual blocks, an encoder, a decoder.

Reference: He, Zhang, Ren, Sun. Identity Mappings in Deep Residual Networks. 2016. arXiv:1603.05027
"""

import itertools
import math

import torch.nn.functional as F
from torch import Tensor, nn


def _norm(channels: int) -> nn.GroupNorm:
    """Group normalisation: it does not mix the examples of a batch, as batch normalisation would."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


class ResidualBlock(nn.Module):
    r"""x plus what two 3x3 convolutions make of it; at the start it is the identity.

    .. math:: y = x + f(f(x)), \qquad f = \mathrm{conv} \circ \mathrm{silu} \circ \mathrm{norm}

    (B, channels, H, W) -> the same shape.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.norm2 = _norm(channels), _norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.conv2.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))


def _sizes(shape: tuple[int, int, int], stages: int) -> list[tuple[int, int]]:
    """(H, W) after 0, 1, … halvings, rounded up."""
    _, H, W = shape
    return [(math.ceil(H / 2**k), math.ceil(W / 2**k)) for k in range(stages + 1)]


def _check(shape: tuple[int, ...], stages: int) -> None:
    if len(shape) != 3:
        raise ValueError(f"shape {tuple(shape)} is not that of an image, (C, H, W)")
    if min(shape[1:]) < 2**stages:
        raise ValueError(f"an image of {shape[1]}x{shape[2]} can't be halved {stages} times; pass fewer stages")


class ConvEncoder(nn.Module):
    """An image to a vector: (B, C, H, W) -> (B, outputs). Each stage halves the image and doubles the channels."""

    def __init__(self, shape: tuple[int, int, int], outputs: int, *, channels: int = 32, stages: int = 2):
        super().__init__()
        _check(shape, stages)
        widths = [channels * 2**k for k in range(stages + 1)]
        modules: list[nn.Module] = [nn.Conv2d(shape[0], channels, 3, padding=1)]
        for before, after in itertools.pairwise(widths):
            modules += [ResidualBlock(before), nn.Conv2d(before, after, 3, stride=2, padding=1)]
        H, W = _sizes(shape, stages)[-1]
        modules += [ResidualBlock(widths[-1]), nn.SiLU(), nn.Flatten(), nn.Linear(widths[-1] * H * W, outputs)]
        self.net = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class ConvDecoder(nn.Module):
    """A vector to an image: (B, inputs) -> (B, C, H, W), the mirror image of ConvEncoder."""

    def __init__(self, inputs: int, shape: tuple[int, int, int], *, channels: int = 32, stages: int = 2):
        super().__init__()
        _check(shape, stages)
        widths = [channels * 2**k for k in range(stages, -1, -1)]
        self.sizes = _sizes(shape, stages)[::-1]  # smallest first
        H, W = self.sizes[0]
        self.start = nn.Sequential(nn.Linear(inputs, widths[0] * H * W), nn.Unflatten(1, (widths[0], H, W)))
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in widths)
        self.narrow = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(widths)
        )
        self.end = nn.Conv2d(channels, shape[0], 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.blocks[0](self.start(z))
        for size, narrow, block in zip(self.sizes[1:], self.narrow, self.blocks[1:], strict=True):
            h = block(narrow(F.interpolate(h, size=size)))  # nearest neighbour: no checkerboard
        return self.end(F.silu(h))
