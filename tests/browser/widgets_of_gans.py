"""Small widgets of lecture 08 for several tests: networks whose result is known, or that are not trained."""

import torch
from torch import nn

from genlib import data, widgets
from genlib.gan import CycleGAN
from genlib.nets import Affine

DIGITS = data.digits()[1].x[:4]


def paler():
    """G halves the ink, F doubles it; of what is black, G(x) is grey."""
    forth, back = nn.Sequential(Affine(0.5, -0.5)), nn.Sequential(Affine(2.0, 1.0))
    return widgets.there_and_back(forth, back, DIGITS / 16, DIGITS / 32, levels=33, names=("black", "grey"))


def translators():
    """Two of CycleGAN's, of the lecture's size, as they start."""
    torch.manual_seed(0)
    model = CycleGAN((1, 16, 16), levels=16, channels=12)
    x = torch.rand(3, 1, 16, 16)
    return widgets.there_and_back(model.forth, model.back, x, 1 - x)
