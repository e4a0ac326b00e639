"""Small widgets of lecture 10 for several tests: a denoiser and scores whose answers are known."""

import torch

from genlib import data, widgets
from genlib.diffusion import IdealDenoiser, LinearLogSNR

DIGITS = data.digits()[1].x[:6]


def ideal():
    """The denoiser that knows six digits and nothing else: what it samples is one of them."""
    return IdealDenoiser(DIGITS / 8 - 1, schedule=LinearLogSNR(6, -6))


def scrubber():
    return widgets.denoising(DIGITS, ideal(), steps=(1, 2, 10), levels=17)


def guided():
    pictures = torch.stack([DIGITS, 16 - DIGITS])
    return widgets.guidance(pictures, [0, 2], notes=["as they are", "turned"], w=2)
