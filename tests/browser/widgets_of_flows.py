"""Small widgets of lecture 06 for several tests: their models are functions that are known."""

import torch

from genlib import data, widgets

DIGITS = data.digits()[1].x[:4]


def shifted(_choice, values):
    """A bar whose place and width are factors."""
    line = torch.arange(28)
    near = (line - 14 - 8 * values["slant"]).abs() < 2 + 3 * values["bold"]
    return near.float().expand(1, 28, 28)


def editor():
    sliders = {"bold": (0.0, 0.5, 1.0), "slant": (-1.0, 0.0, 1.0)}
    values = {"bold": 0.9, "slant": 0.4}
    models = {"a flow": lambda k, v: 0.9 * shifted(k, v), "no model": lambda _k, _v: torch.full((1, 28, 28), 0.5)}
    return widgets.edit_by_arithmetic(shifted, models, sliders=sliders, names=["bar", "another"], values=values)


def mixer():
    pictures = DIGITS / 16
    scales = {"fine": 32, "middle": 16, "coarse": 16}
    return widgets.scale_mixer(pictures, pictures.flatten(1), lambda z: z.view(1, 1, 8, 8), scales)


def meter():
    seconds = {"stored": [0.1, 0.2, 0.4, 0.8], "rebuilt": [0.15, 0.3, 0.6, 1.2]}
    return widgets.memory_meter([4, 8, 16, 32], [22, 42, 82, 162], [9.6, 10.1, 11, 12.7], seconds=seconds)


def ear():
    t = torch.arange(1024) / 8000

    def speak(loud):
        return lambda k, temperature, seed: loud * torch.sin(6.283 * 200 * (k + 1) * t) + 0.01 * temperature * seed

    def paint(bands, temperature, seed):
        return 0.5 * bands.exp().flatten()[:1024] + 0.01 * temperature * seed

    players = {"recorded": speak(0.8), "WaveGlow": speak(0.5), "WaveNet": speak(0.3)}
    how = {"names": ["ee", "oo"], "rate": 8000, "painters": {"WaveGlow": paint}}
    return widgets.listen(players, lambda x: (0.1 + x.view(1, 1, 8, -1).abs()).log(), **how)
