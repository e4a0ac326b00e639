"""Figures of flows: mass on a line, parallelograms, bent grids, the zeros of Jacobians."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

import torch
from matplotlib import ticker
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, canvas

BLUE, ORANGE, GREEN = COLOURS[:3]
# The plane shrinks: blue; it swells: orange; nothing happens: nearly white.
SWELLING = LinearSegmentedColormap.from_list("swelling", [BLUE, "#F5F5F5", ORANGE])
# A turn around the middle ends at the colour that it began with.
DIRECTIONS = LinearSegmentedColormap.from_list("directions", [BLUE, GREEN, "#E69F00", "#CC79A7", BLUE])
LETTER = ((0.3, 0.15), (0.3, 0.85), (0.72, 0.85), (0.3, 0.85), (0.3, 0.53), (0.62, 0.53))


def histogram(
    samples: Tensor,
    curves: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    extent: tuple[float, float],
    bins: int = 80,
    name: str = "$x$",
) -> Figure:
    """Samples (n,) on a line as a histogram, and densities {title: function from (B,) to (B,)} as curves over it."""
    x = torch.linspace(*extent, 800)
    with canvas(7, 3) as (figure, axes):
        ax = axes[0, 0]
        inside = samples[(samples >= extent[0]) & (samples <= extent[1])]
        counts = torch.histc(inside.cpu().float(), bins, *extent)
        width = (extent[1] - extent[0]) / bins
        left = [extent[0] + k * width for k in range(bins)]
        heights = (counts / (len(samples) * width)).tolist()
        ax.bar(left, heights, width, align="edge", color="#CCCCCC", label=f"{len(samples):,} samples")
        for (title, function), dashes in zip(curves.items(), cycle(("-", (0, (4, 2)), ":")), strict=False):
            ax.plot(x.tolist(), function(x).tolist(), label=title, linewidth=2, linestyle=dashes)
        ax.set(xlabel=name, ylabel=f"density (1 / unit of {name})", xlim=extent)
        ax.set_ylim(top=1.3 * ax.get_ylim()[1])  # room for the legend
        ax.legend(ncols=3, loc="upper center")
    return figure


def mass_on_a_line(
    z: Tensor, x: Tensor, slope: Tensor, *, interval: tuple[float, float] = (0.5, 1.0), title: str = ""
) -> Figure:
    """A bell curve over z, where x(z) takes it, and the density there; an interval of z and its image are marked.

    Arguments: z, x = G(z) and slope = dG/dz on a grid, (n,) each.
    """
    p_z = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    p_x = p_z / slope.abs().clamp(min=1e-9)
    marked = (z >= interval[0]) & (z <= interval[1])
    with canvas(7.4, 4.8, 2, 1) as (figure, axes):
        figure.set_layout_engine("constrained", hspace=0.25)
        for ax, where, density, name in ((axes[0, 0], z, p_z, "p_Z(z)"), (axes[1, 0], x, p_x, "p(x)")):
            ax.fill_between(where.tolist(), density.tolist(), color=BLUE, alpha=0.22)
            ax.plot(where.tolist(), density.tolist(), color=BLUE, linewidth=2)
            ax.fill_between(where[marked].tolist(), density[marked].tolist(), color=ORANGE, alpha=0.8)
            ax.set(xlim=(-4, 4), ylim=(0, 1.3), ylabel=f"${name}$")
            ax.set_xlabel(f"${name[-2]}$", labelpad=1)
        axes[0, 0].set_title(title)
        for value in torch.arange(-3, 3.01, 0.5):
            i = int((z - value).abs().argmin())
            if x[i].abs() <= 4:
                ends = {"xyA": (z[i].item(), -0.32), "coordsA": axes[0, 0].transData}
                ends |= {"xyB": (x[i].item(), 1.3), "coordsB": axes[1, 0].transData}
                axes[0, 0].annotate(
                    "",
                    xy=ends["xyB"],
                    xycoords=ends["coordsB"],
                    xytext=ends["xyA"],
                    textcoords=ends["coordsA"],
                    arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.7},
                )
    return figure


def parallelogram(matrix: Tensor) -> Figure:
    """The unit square with an F in it, and what a 2x2 matrix makes of both and of dots spread over the square."""
    matrix = matrix.double().cpu()
    square = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=torch.float64)
    letter = torch.tensor(LETTER, dtype=torch.float64)
    dots = torch.tensor([[_halton(i, 2), _halton(i, 3)] for i in range(1, 151)], dtype=torch.float64)
    with canvas(4.6, 4.6) as (figure, axes):
        ax = axes[0, 0]
        ax.plot(*square.T.tolist(), "--", color="#555555", linewidth=1)
        ax.plot(*letter.T.tolist(), color="#BBBBBB", linewidth=3)
        image = square @ matrix.T
        ax.fill(*image.T.tolist(), color=COLOURS[3], alpha=0.22)
        ax.plot(*image.T.tolist(), color=COLOURS[3], linewidth=2)
        ax.plot(*(letter @ matrix.T).T.tolist(), color="#8A6100", linewidth=3, alpha=0.8)
        ax.scatter(*(dots @ matrix.T).T.tolist(), s=3, color="#333333", linewidths=0, zorder=3)
        for column, colour, name in zip(matrix.T.tolist(), (BLUE, ORANGE), ("first", "second"), strict=True):
            ax.annotate(
                "",
                xy=column,
                xytext=(0, 0),
                arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.5, "shrinkA": 0, "shrinkB": 0},
            )
            ax.plot([], [], color=colour, linewidth=2.5, label=f"{name} column")
        ax.set(xlim=(-2.7, 2.7), ylim=(-2.7, 2.7), aspect="equal")
        ax.set_title(f"det A = {torch.linalg.det(matrix):.2f}".replace("-", "−"))
        ax.axhline(0, color="#DDDDDD", zorder=0)
        ax.axvline(0, color="#DDDDDD", zorder=0)
        ax.legend(loc="lower left")
    return figure


def _halton(i: int, base: int) -> float:
    """The i-th of Halton's numbers: they fill [0, 1) evenly."""
    value, place = 0.0, 1.0
    while i:
        place /= base
        value += place * (i % base)
        i //= base
    return value


def grid(grids: Tensor, points: Tensor | None, titles: Sequence[str], *, extent: float = 3.2, every: int = 2) -> Figure:
    """How a flow bends a grid: panels with cells coloured by log|det| so far, lines, and points.

    Arguments: grids (k, s, s, 3), for each panel where each grid point is and its log|det|, nats; points (k, n, 2).
    """
    k, s = grids.shape[:2]
    grids = grids.float().cpu()
    with canvas(2.55 * k + 0.7, 3.2, 1, k) as (figure, axes):
        for i, (ax, title) in enumerate(zip(axes[0], titles, strict=True)):
            where, log_det = grids[i, ..., :2], grids[i, ..., 2]
            corners = torch.stack(
                [where[:-1, :-1], where[1:, :-1], where[1:, 1:], where[:-1, 1:]], 2
            )  # (s-1, s-1, 4, 2)
            mean = (log_det[:-1, :-1] + log_det[1:, :-1] + log_det[1:, 1:] + log_det[:-1, 1:]) / 4
            cells = PolyCollection(corners.reshape(-1, 4, 2).tolist(), cmap=SWELLING, edgecolors="none")
            cells.set_array(mean.flatten().numpy())
            cells.set_clim(-3, 3)
            ax.add_collection(cells)
            for line in range(0, s, every):
                for points_of_line in (where[line], where[:, line]):
                    ax.plot(*points_of_line.T.tolist(), color="#3C3C3C", linewidth=0.5, alpha=0.5)
            if points is not None:
                ax.scatter(*points[i].float().cpu().T.tolist(), s=2.5, color="#141414", zorder=3)
            ax.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
            ax.set_title(title, fontsize=10)
            if i:
                ax.set_yticklabels([])
        bar = figure.colorbar(cells, ax=axes[0].tolist(), shrink=0.75, pad=0.01)
        bar.set_label("log |det| so far (nats)", fontsize=9)
    return figure


def journey(stages: Sequence[Tensor], *, titles: Sequence[str] | None = None, extent: float | None = None) -> Figure:
    """Points of the plane on their way, (n, 2) at each stage: a point keeps the colour of its first direction.

    The direction is seen from the middle of the first stage; titles: one for each stage, by default they count;
    extent: what each panel shows, from -extent to extent, by default all of its points.
    """
    titles = titles or ["noise", *[f"after step {k}" for k in range(1, len(stages))]]
    first = stages[0].double().cpu() - stages[0].double().cpu().mean(0)
    angle = torch.atan2(first[:, 1], first[:, 0]).tolist()
    with canvas(max(1.95 * len(stages), 5), 2.4, 1, len(stages)) as (figure, axes):
        for ax, points, title in zip(axes[0], stages, titles, strict=True):
            colours = {"c": angle, "cmap": DIRECTIONS, "vmin": -math.pi, "vmax": math.pi}
            ax.scatter(*points.double().cpu().T.tolist(), s=3, linewidths=0, **colours)
            ax.set(aspect="equal", title=title)
            ax.xaxis.set_major_locator(ticker.MaxNLocator(3))
            ax.yaxis.set_major_locator(ticker.MaxNLocator(3))
            if extent is not None:
                ax.set(xlim=(-extent, extent), ylim=(-extent, extent))
    return figure


def spline(
    x: Tensor, curves: Mapping[str, tuple[Tensor, Tensor]], knots: Mapping[str, tuple[Tensor, Tensor]]
) -> Figure:
    """Rising curves over x (n,) with their knots, and below them their slopes on a logarithmic axis.

    Arguments: curves, {name: (z, logarithm of the slope)}, (n,) each; knots, {name: (x, z)} where its pieces meet.
    """
    with canvas(6.4, 5.2, 2, 1, sharex=True) as (figure, axes):
        above, below = axes[:, 0]
        for (name, (z, log_slope)), colour in zip(curves.items(), cycle(COLOURS), strict=False):
            above.plot(x.tolist(), z.tolist(), color=colour, linewidth=2, label=name)
            above.plot(*[places.tolist() for places in knots[name]], "o", color=colour, markersize=5)
            below.plot(x.tolist(), log_slope.exp().tolist(), color=colour, linewidth=2)
        above.set(ylabel="$z_b$", aspect="auto")
        above.legend(loc="upper left")
        below.set(xlabel="$x_b$", ylabel="slope $dz_b / dx_b$", yscale="log")
    return figure


def jacobians(panels: Mapping[str, Tensor], *, note: str = "") -> Figure:
    """Matrices side by side, {title: (m, n)}: orange above 0, blue below, white where an entry is exactly 0."""
    with canvas(2.5 * len(panels) + 0.6, 2.9, 1, len(panels)) as (figure, axes):
        for ax, (title, matrix) in zip(axes[0], panels.items(), strict=True):
            values = matrix.detach().double().cpu()
            colours = SWELLING((0.5 + 0.5 * (values.sign() * (0.25 + 0.75 * (values.abs() / 2).clamp(max=1)))).numpy())
            colours[(values == 0).numpy()] = (1, 1, 1, 1)
            ax.imshow(colours)
            ax.set(xticks=[], yticks=[])
            ax.set_title(title, fontsize=10)
            ax.spines[:].set_visible(True)
            ax.spines[:].set_color("#999999")
        if note:
            figure.supxlabel(note, fontsize=9)
    return figure


def linearization(
    function: Callable[[Tensor], Tensor], jacobian: Tensor, at: tuple[float, float], *, widths: Sequence[float]
) -> Figure:
    """A small square around a point, its image under a function of the plane, and under its Jacobian alone.

    Arguments: function (B, 2) -> (B, 2); jacobian (2, 2) at the point; widths of the square, one for each panel.
    """
    centre = torch.tensor([at])
    t = torch.linspace(-0.5, 0.5, 41)
    with canvas(3.0 * len(widths), 3.3, 1, len(widths)) as (figure, axes):
        for ax, width in zip(axes[0], widths, strict=True):
            for c in torch.linspace(-0.5, 0.5, 5):
                for line in (torch.stack([t, c.expand(41)], 1), torch.stack([c.expand(41), t], 1)):
                    h = width * line
                    exact = function(centre + h) - function(centre)
                    ax.plot(*exact.detach().T.tolist(), color=BLUE, linewidth=1.6, label="$G(z + h) - G(z)$")
                    linear = h @ jacobian.to(h).T
                    ax.plot(*linear.T.tolist(), "--", color=ORANGE, linewidth=1.2, label="$J h$")
            ax.set(aspect="equal", title=f"square of side {width:g}")
            ax.xaxis.set_major_locator(ticker.MaxNLocator(3))
            ax.yaxis.set_major_locator(ticker.MaxNLocator(3))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=2, fontsize=9)
    return figure
