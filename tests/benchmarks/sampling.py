"""Cached against naive sampling: 28×28, 16 images at once.

Naive sampling runs the whole network for each of the 784 values, and every such step costs the same: a few are timed,
evenly spread, and their mean is taken 784 times. Cached sampling is timed in full.
"""

import torch

from genlib.autoregressive import MADE, GatedPixelCNN, PixelCNN, PixelRNN, Transformer
from tests.benchmarks.measure import PAIRS, milliseconds, pairs

NAIVE_STEPS = 6
MODELS = {  # (model, the ratio that is asked for); 8 layers with the first, 32 channels
    "PixelCNN 8×32": (lambda shape: PixelCNN(shape, channels=32, layers=7), 40),
    "GatedPixelCNN 8×32": (lambda shape: GatedPixelCNN(shape, channels=32, layers=7), 60),
    "Transformer 4×64": (lambda shape: Transformer(shape, width=64, layers=4), 15),
    "PixelRNN, diagonal, 2×32": (lambda shape: PixelRNN(shape, channels=32, layers=2), None),
    "PixelRNN, raster, 2×32": (lambda shape: PixelRNN(shape, channels=32, layers=2, recurrence="raster"), None),
    "MADE 512": (MADE, None),
}


@torch.no_grad()
def naive(model, x):
    """Milliseconds for all steps, from a few of them; x, the images as they were drawn."""
    step, D = model.naive(len(x), None), len(model.order)
    times = range(0, D, D // NAIVE_STEPS)
    spent = [milliseconds(lambda t=t: step(t, x.flatten(1)[:, model.order[t - 1]])) for t in times]
    return sum(spent) / len(spent) * D


def rows(quick=False):
    side, n = (6, 2) if quick else (28, 16)
    for name, (make, asked) in MODELS.items():
        model = make((1, side, side)).eval()
        uniforms = torch.rand(n, len(model.order), dtype=torch.double)
        x = model.sample(n, uniforms=uniforms)
        yield pairs(
            f"{name}: {n} samples of {side}×{side}, cached",
            lambda model=model, u=uniforms: milliseconds(lambda: model.sample(n, uniforms=u)),
            lambda model=model, x=x: naive(model, x),
            "naive",
            repeats=1 if quick else PAIRS,
            asked=asked,
            main=asked is not None or "diagonal" in name,
        )
