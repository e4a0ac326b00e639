"""A plane of a latent space beside a decoded picture."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, canvas, draw_picture

TEN = (*COLOURS, "#7A3E9D", "#8C510A")


def latent_plane(
    points: Tensor,
    picture: Tensor,
    *,
    at: Tensor,
    labels: Sequence[int] | None = None,
    classes: Sequence[str] = (),
    extent: Sequence[float],
    names: Sequence[str] = ("z1", "z2"),
    grid: Tensor | None = None,
) -> Figure:
    """Codes (n, 2) in the plane, the point ``at`` (2,), and the picture (C, H, W) that is decoded there, in 0..1.

    labels: one for each code; classes: their names, with colours and a legend where they are at most ten; extent
    (x0, x1, y0, y1); names: of the two axes; grid: pictures (rows, columns, C, H, W) in 0..1 that tile the plane from
    its lower left corner, where there are no codes to show.
    """
    with canvas(6.6, 3.9, 1, 2, width_ratios=(3, 2)) as (figure, axes):
        plane, out = axes[0]
        if len(classes) > len(TEN):
            labels, classes = None, ()  # colours that repeat tell nothing
        if grid is not None:
            x0, x1, y0, y1 = extent
            tiles = grid.flip(0).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).clamp(0, 1)
            tiles = tiles if tiles.shape[-1] == 3 else 1 - 0.75 * tiles[..., 0]  # paler than the picture beside
            plane.imshow(tiles.tolist(), extent=(x0, x1, y0, y1), aspect="auto", cmap="gray", vmin=0, vmax=1)
        for k in sorted(set(labels if labels is not None else [0] * len(points))):
            chosen = [i for i in range(len(points)) if labels is None or labels[i] == k]
            colour = TEN[k % 10]
            name = classes[k] if classes else None
            plane.plot(*points[chosen].T.tolist(), "o", color=colour, markersize=3, alpha=0.7, label=name, mew=0)
        plane.plot(*at.tolist(), "o", color="white", mec="#222222", mew=2, markersize=9)
        plane.set(xlim=extent[:2], ylim=extent[2:], xlabel=names[0], ylabel=names[1])
        if classes and len(points):
            style = {"fontsize": 8, "markerscale": 1.8, "handletextpad": 0, "columnspacing": 0.8}
            plane.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=min(5, len(classes)), **style)
        draw_picture(out, picture, None)
        out.set_title("decoded at the white point")
    return figure
