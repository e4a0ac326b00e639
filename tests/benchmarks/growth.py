"""How cost grows: sampling with the side of an image and with the batch, a training step with depth.

All points are measured in turns, round after round, and each is the median of its rounds. The slope is that of a line
through the logarithms: 2 means that twice the side takes four times as long.
"""

import statistics
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from genlib.autoregressive import GatedPixelCNN, PixelCNN, Transformer
from genlib.flow import Glow
from genlib.plots.base import canvas
from tests.benchmarks.measure import milliseconds
from tests.benchmarks.steps import cases

ROUNDS = 7
SAMPLERS = {
    "PixelCNN": lambda shape: PixelCNN(shape, channels=32, layers=7),
    "GatedPixelCNN": lambda shape: GatedPixelCNN(shape, channels=32, layers=7),
    "Transformer": lambda shape: Transformer(shape, width=64, layers=4),
    "Glow": lambda shape: Glow(shape, channels=32),
}
# Sides: a pixel costs the same wherever it stands, so the ideal is D = side². Attention to all D before would be 4.
PANELS = {
    "samples, over the side of the image": ("side", 2),
    "samples of 16×16, over the batch": ("batch", 1),
    "a training step, over the depth": ("layers", 1),
}
Curves = dict[str, tuple[list[int], list[float]]]


def curves(points: dict[str, dict[int, Callable]], quick: bool) -> Curves:
    """{name: {x: what to run}} -> {name: (all x, the milliseconds of each)}."""
    flat = [(name, x, run) for name, runs in points.items() for x, run in runs.items()]
    for *_, run in flat:
        run()
    rounds = [[milliseconds(run) for *_, run in flat] for _ in range(1 if quick else ROUNDS)]
    medians = iter(statistics.median(times) for times in zip(*rounds, strict=True))
    return {name: (list(runs), [next(medians) for _ in runs]) for name, runs in points.items()}


def sampler(make: Callable, side: int, n: int) -> Callable:
    """Draws n images of side×side."""
    model = make((1, side, side)).eval()
    return lambda: model.sample(n)


def measure(quick: bool = False) -> dict[str, Curves]:
    """{panel: curves}."""
    sides, batches, depths = ((4, 8), (1, 2), (1, 2)) if quick else ((8, 12, 16, 24, 32), (1, 4, 16, 64), (1, 2, 4, 8))
    middle = 4 if quick else 16

    by_side = {name: {side: sampler(make, side, 4) for side in sides} for name, make in SAMPLERS.items()}
    by_batch = {name: {n: sampler(make, middle, n) for n in batches} for name, make in SAMPLERS.items()}
    by_depth = {name: {depth: case.step(depth) for depth in depths} for name, case in cases(quick).items()}
    return dict(zip(PANELS, (curves(p, quick) for p in (by_side, by_batch, by_depth)), strict=True))


def slope(x: Sequence[int], y: Sequence[float]) -> float:
    """Of the line through the logarithms of the last three points, where what is paid once weighs least."""
    return float(np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0])


def figure(measured: dict[str, Curves]) -> Figure:
    """A panel for each kind of growth, both axes logarithmic, the ideal slope dashed."""
    with canvas(10.5, 3.4, 1, len(PANELS)) as (drawn, axes):
        for ax, (title, (label, ideal)) in zip(axes[0], PANELS.items(), strict=True):
            for name, (x, y) in measured[title].items():
                ax.plot(x, y, "o-", markersize=3, linewidth=1.2, label=name)
            x = np.array(x)
            bottom = min(min(y) for _, y in measured[title].values())
            ax.plot(x, bottom * (x / x[0]) ** ideal, "k--", linewidth=0.8, label=f"slope {ideal}")
            ax.set(title=title, xscale="log", yscale="log", xlabel=label, ylabel="milliseconds")
            ax.set_xticks(x, [str(v) for v in x])
            ax.minorticks_off()
            ax.legend(fontsize=7)
    return drawn
