"""Figures of the course: functions that take tensors and return a matplotlib Figure.

What every lecture needs is here (and stands in base.py): ``plots.lines``, ``plots.bars``, ``plots.images``. What one
subject draws is in a module named after it: ``plots.flows.grid``, ``plots.games.arena``, ``plots.latent.codes``.
"""

from genlib.plots import (
    autoregressive,
    bayes,
    divergences,
    families,
    flows,
    games,
    latent,
    noised,
    planning,
    quantization,
    regression,
)
from genlib.plots.base import (
    COLOURS,
    DENSITY,
    INK,
    STYLE,
    Live,
    bars,
    densities,
    graph,
    histograms,
    images,
    lines,
    pixels,
    png,
    show,
    shown_width,
)

__all__ = [
    "COLOURS",
    "DENSITY",
    "INK",
    "STYLE",
    "Live",
    "autoregressive",
    "bars",
    "bayes",
    "densities",
    "divergences",
    "families",
    "flows",
    "games",
    "graph",
    "histograms",
    "images",
    "latent",
    "lines",
    "noised",
    "pixels",
    "planning",
    "png",
    "quantization",
    "regression",
    "show",
    "shown_width",
]
