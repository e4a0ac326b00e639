"""Encoders and decoders that keep the picture's layout: each place of a small grid becomes a token.

Plain strided convolutions, as in ``genlib.vae``: on a CPU several times as fast as residual networks.
"""

import itertools

from torch import nn

from genlib.arguments import as_picture, whole
from genlib.likelihoods import LevelsLast


def make_encoder(shape: tuple[int, ...], outputs: int, *, channels: int, stages: int) -> nn.Module:
    """(B, C, H, W) -> (B, outputs, H / 2^stages, W / 2^stages): each stage halves the size."""
    C, _, _ = checked(shape, channels, stages)
    widths = [channels * 2**k for k in range(stages)]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise([C, *widths]):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.SiLU()]
    layers += [nn.Conv2d(widths[-1], widths[-1], 3, padding=1), nn.SiLU(), nn.Conv2d(widths[-1], outputs, 1)]
    return nn.Sequential(*layers)


def make_decoder(inputs: int, shape: tuple[int, ...], per_value: int, *, channels: int, stages: int) -> nn.Module:
    """(B, inputs, h, w) -> ``per_value`` numbers for each value of x, those of one value side by side."""
    C, _, _ = checked(shape, channels, stages)
    widths = [channels * 2**k for k in range(stages - 1, -1, -1)]
    layers: list[nn.Module] = [nn.Conv2d(inputs, widths[0], 3, padding=1), nn.SiLU()]
    layers += [nn.Conv2d(widths[0], widths[0], 3, padding=1)]
    for before, after in itertools.pairwise([*widths, C * per_value]):
        layers += [nn.SiLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
    return nn.Sequential(*layers, LevelsLast(per_value))


def checked(shape: tuple[int, ...], channels: int, stages: int) -> tuple[int, int, int]:
    """Raises ValueError for what is no picture, or can't be halved so often."""
    whole(channels=channels, stages=stages)
    C, H, W = as_picture(shape)
    if H % 2**stages or W % 2**stages:
        raise ValueError(f"{H}x{W} can't be halved {stages} times: pass fewer stages, or encoder= and decoder=")
    return C, H, W
