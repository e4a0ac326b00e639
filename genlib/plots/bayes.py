"""Bayes' rule: a joint table of what is seen and what it means, and its normalisations."""

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import STYLE, draw_picture


def joint_table(x: Tensor, mass: Tensor, labels: Sequence[str], *, levels: int) -> Figure:
    """A joint table of images and labels, and its three normalisations: p(y|x), p(x), p(x|y).

    Arguments: x (n, 1, H, W) images; mass (n, K), how much each pair weighs; labels, K names.
    """
    mass = mass.double()
    joint = mass / mass.sum()
    panels = [
        ("how often seen", mass, "%.0f"),
        ("$p(y\\,|\\,x)$\neach row sums to 1", joint / joint.sum(1, keepdim=True), "%.2f"),
        ("$p(x)$\nthe column\nsums to 1", joint.sum(1, keepdim=True), "%.2f"),
        ("$p(x\\,|\\,y)$\neach column sums to 1", joint / joint.sum(0, keepdim=True), "%.2f"),
    ]
    n, K = mass.shape
    widths = [0.8] + [1 if values.shape[1] == 1 else 0.75 * K for _, values, _ in panels]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(sum(widths) * 1.02 + 0.6, 0.62 * n + 1.0), layout="constrained")
        grid = figure.add_gridspec(n, len(widths), width_ratios=widths)
        for i in range(n):
            draw_picture(figure.add_subplot(grid[i, 0]), x[i], levels)
        for column, (title, values, number) in enumerate(panels, start=1):
            ax = figure.add_subplot(grid[:, column])
            values = values.nan_to_num()
            ax.imshow((values / values.max().clamp(min=1e-12)).numpy(), cmap="Blues", aspect="auto", vmin=0, vmax=1.4)
            for i in range(n):
                for k in range(values.shape[1]):
                    colour = "white" if values[i, k] > 0.6 * values.max() else "black"
                    ax.text(k, i, number % values[i, k], ha="center", va="center", fontsize=10, color=colour)
            ticks = [""] if values.shape[1] == 1 else [f"y = {label}" for label in labels]
            ax.set(yticks=[], xticks=range(values.shape[1]), xticklabels=ticks)
            ax.set_title(title, fontsize=10)
            ax.tick_params(bottom=False)
            ax.spines[:].set_visible(False)
    return figure
