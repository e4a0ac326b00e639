"""Two answers to one question: the mean of what may follow, and its density."""

from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, DENSITY, canvas


def mixture_density(x: Tensor, y: Tensor, mean: Tensor, density: Tensor, drawn: Tensor, at: Tensor) -> Figure:
    """Data (n,) (n,), a mean for each place of a grid ``at`` (m,), p(y | x) on the grid (m, m), rows y; drawn (n,).

    Densities above 8 are drawn as 8: the colour bar's end is an arrow.
    """
    low, high = at.min().item(), at.max().item()
    x_n, y_n, drawn_n, grid, line = (v.detach().tolist() for v in (x, y, drawn, at, mean))
    extent = (low, high, low, high)
    with canvas(10.2, 3.5, 1, 3, sharey=True) as (figure, axes):
        left, middle, right = axes[0]
        left.scatter(x_n, y_n, s=4, color="#999999", label="data")
        left.plot(grid, line, color=COLOURS[1], linewidth=2.5, label="least squared error")
        left.legend(fontsize=8.5, loc="upper left")
        left.set(title="one answer", ylabel="y")
        shade = density.detach().clamp(max=8).tolist()
        shown = middle.imshow(shade, origin="lower", extent=extent, cmap=DENSITY, aspect="auto")
        bar = figure.colorbar(shown, ax=middle, extend="max", pad=0.03)
        bar.set_label("per unit of y", fontsize=9)
        middle.set(title="mixture density: p(y | x)")
        right.scatter(x_n, drawn_n, s=4, color=COLOURS[0])
        right.set(title="one draw from it for each x")
        for ax in (left, middle, right):
            ax.set(xlabel="x", xlim=(low, high), ylim=(low, high))
    return figure
