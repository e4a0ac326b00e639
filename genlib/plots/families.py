"""The families of generative models on a tree: who gives p(x), and how exactly."""

from matplotlib.figure import Figure

from genlib.plots.base import graph

_NODES = {  # name: (column, row, text)
    "all": (0, -0.75, "models of p(x)"),
    "explicit": (1, 0.85, "explicit: gives p(x)"),
    "implicit": (1, -2.4, "implicit: only draws"),
    "exact": (2, 2.1, "tractable: exact"),
    "bound": (2, -0.4, "approximate"),
    "ar": (3, 2.6, "autoregressive models"),
    "flow": (3, 1.6, "normalizing flows"),
    "vae": (3, 0.6, "variational: VAEs"),
    "diffusion": (3, -0.4, "variational: diffusion"),
    "mcmc": (3, -1.4, "Markov chain: energy-based"),
    "gan": (3, -2.4, "adversarial: GANs"),
}
_EDGES = [
    ("all", "explicit"),
    ("all", "implicit"),
    ("implicit", "gan"),
    ("explicit", "exact"),
    ("explicit", "bound"),
    ("exact", "ar"),
    ("exact", "flow"),
    ("bound", "vae"),
    ("bound", "diffusion"),
    ("bound", "mcmc"),
]


def tree(*, fontsize: float | None = None, height: float = 1.0) -> Figure:
    """Models of p(x), sorted by two questions (after Goodfellow 2016); blue, the families that have a lecture.

    fontsize: of the words, for a slide; height: below 1, the rows move together.
    """
    nodes = {name: (column, height * row, text) for name, (column, row, text) in _NODES.items()}
    figure = graph(nodes, _EDGES, marked=["ar", "flow", "vae", "diffusion", "gan"])
    if fontsize is not None:
        for text in figure.axes[0].texts:
            text.set_fontsize(fontsize)
    return figure
