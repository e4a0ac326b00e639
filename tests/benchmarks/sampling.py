"""Cached against naive sampling: 28×28, 16 images at once, pairs in one run, ratios. One thread.

Naive sampling runs the whole network for each of the 784 values, and every such step costs the same: a few are timed,
evenly spread, and their mean is taken 784 times. Cached sampling is timed in full.

python tests/benchmarks/sampling.py [repeats]
"""

import statistics
import sys
import time

import torch

from genlib.autoregressive import MADE, GatedPixelCNN, PixelCNN, PixelRNN, Transformer

torch.set_num_threads(1)
SHAPE, N, NAIVE_STEPS = (1, 28, 28), 16, 6
MODELS = {  # (model, the ratio that is asked for); 8 layers with the first, 32 channels
    "PixelCNN 8×32": (lambda: PixelCNN(SHAPE, channels=32, layers=7), 40),
    "GatedPixelCNN 8×32": (lambda: GatedPixelCNN(SHAPE, channels=32, layers=7), 60),
    "Transformer 4×64": (lambda: Transformer(SHAPE, width=64, layers=4), 15),
    "PixelRNN, diagonal, 2×32": (lambda: PixelRNN(SHAPE, channels=32, layers=2), None),
    "PixelRNN, raster, 2×32": (lambda: PixelRNN(SHAPE, channels=32, layers=2, recurrence="raster"), None),
    "MADE 512": (lambda: MADE(SHAPE), None),
}


def cached(model, uniforms):
    start = time.perf_counter()
    x = model.sample(N, uniforms=uniforms)
    return time.perf_counter() - start, x


@torch.no_grad()
def naive(model, x):
    """Seconds for all 784 steps, from a few of them; x, the images as they were drawn."""
    step, D = model.naive(N, None), len(model.order)
    seconds = 0.0
    for t in range(0, D, D // NAIVE_STEPS):
        start = time.perf_counter()
        step(t, x.flatten(1)[:, model.order[t - 1]])
        seconds += time.perf_counter() - start
    return seconds / len(range(0, D, D // NAIVE_STEPS)) * D


def compare(name, make, asked, repeats):
    torch.manual_seed(0)
    model = make().eval()
    uniforms = torch.rand(N, len(model.order), dtype=torch.double)
    _, x = cached(model, uniforms)
    pairs = [(cached(model, uniforms)[0], naive(model, x)) for _ in range(repeats)]
    ratios = [b / a for a, b in pairs]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    bar = f"; asked: at least {asked}" if asked else ""
    spread = f"{statistics.median(ratios):.0f}× ({min(ratios):.0f} to {max(ratios):.0f})"
    print(f"{name}: cached {ours:.2f} s, naive {theirs:.1f} s, {spread}{bar}", flush=True)


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name, (make, asked) in MODELS.items():
        compare(name, make, asked, repeats)
