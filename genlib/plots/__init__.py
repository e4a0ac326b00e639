"""Figures of the course: functions that take tensors and return a matplotlib Figure.

What every lecture needs is in base.py; what one lecture draws, in a module named after its subject.
"""

from genlib.plots.autoregressive import (
    completion,
    contexts,
    continuations,
    covered,
    diagonals,
    kernels,
    receptive_field,
    sampling_step,
    sees,
    weights,
)
from genlib.plots.base import (
    COLOURS,
    DENSITY,
    INK,
    STYLE,
    Live,
    bars,
    competition,
    densities,
    graph,
    images,
    pixels,
    png,
    show,
)
from genlib.plots.comparing import histograms, learning_curves
from genlib.plots.divergence import two_divergences
from genlib.plots.games import best_answer, clouds, curve_panels, game, orbits
from genlib.plots.latent import bound_by_hand, codes, curves, hills, posteriors, reparameterized
from genlib.plots.latent_plane import latent_plane
from genlib.plots.why_generate import plans, two_answers

__all__ = [
    "COLOURS",
    "DENSITY",
    "INK",
    "STYLE",
    "Live",
    "bars",
    "best_answer",
    "bound_by_hand",
    "clouds",
    "codes",
    "competition",
    "completion",
    "contexts",
    "continuations",
    "covered",
    "curve_panels",
    "curves",
    "densities",
    "diagonals",
    "game",
    "graph",
    "hills",
    "histograms",
    "images",
    "kernels",
    "latent_plane",
    "learning_curves",
    "orbits",
    "pixels",
    "plans",
    "png",
    "posteriors",
    "receptive_field",
    "reparameterized",
    "sampling_step",
    "sees",
    "show",
    "two_answers",
    "two_divergences",
    "weights",
]
