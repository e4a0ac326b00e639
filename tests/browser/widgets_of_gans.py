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


def kinds_pad(decode=None):
    """Two latents of noise and three kinds: row k of the picture is black for kind k, and paler for less noise."""
    weight = torch.zeros(9, 5)
    for k in range(3):
        weight[3 * k : 3 * k + 3, 2 + k] = 0.5
    weight[:, 0] = 0.1
    net = nn.Sequential(nn.Linear(5, 9, bias=False), nn.Unflatten(1, (1, 3, 3))).eval()
    net[0].weight.data = weight
    return widgets.latent_pad(
        net if decode is None else lambda z: net(z),
        shape=(1, 3, 3),
        origin=torch.zeros(5),
        directions=torch.eye(5)[:2],
        kinds=torch.eye(5)[2:],
        kind_names=["a", "b", "c"],
        truncation=True,
        measured=True,
    )


def stored():
    """Runs of two seeds with one trick, as tests/benchmarks/gans.py stores them: frame by frame darker pictures."""
    from tests.benchmarks.gans import sprite

    levels = torch.arange(4 * 3 * 2).view(4, 6) % 16  # a row a run: three frames of two pictures
    runs = [
        [
            {"frechet": [900 - 100 * s, 300, 200 + 300 * v], "discriminator": [1.2, 0.9], "generator": [1.0, 2.5]}
            for s in range(2)
        ]
        for v in range(2)
    ]
    return {
        "steps": [10, 20, 20],
        "block": 10,
        "shown": 2,
        "size": [4, 4],
        "tricks": [{"name": "the trick", "instead": "nothing"}],
        "runs": runs,
        "sprite": sprite(levels[..., None, None].expand(4, 6, 4, 4).to(torch.uint8)),
    }
