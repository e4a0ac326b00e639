"""Densities of the plane under noise: how they look, where their scores point, and what is sampled from them."""

from collections.abc import Callable, Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, DENSITY, canvas, lattice

Plane = Callable[[Tensor], Tensor]  # (B, 2) -> (B,), or (B, 2) for arrows


def fields(
    densities: Mapping[str, Plane],
    arrows: Sequence[Mapping[str, Plane]] = (),
    *,
    points: Sequence[Tensor | None] = (),
    reach: float = 3.0,
    across: int = 15,
) -> Figure:
    """Panels {title: density}, the root of each on its own scale; over them arrows, and points (n, 2).

    arrows: {name: directions} a panel, each (B, 2) -> (B, 2); the longest of a panel is as long as the space between
    two. reach: half the side of the plane; across: arrows a side.
    """
    extent, fine = (-reach, reach, -reach, reach), 120
    with canvas(3.0 * len(densities), 3.3, 1, len(densities)) as (figure, axes):
        named: set[str] = set()
        for i, (ax, (title, density)) in enumerate(zip(axes[0], densities.items(), strict=True)):
            with torch.no_grad():
                values = density(lattice(extent, fine)).view(fine, fine).sqrt().tolist()
            ax.imshow(values, origin="lower", extent=extent, cmap=DENSITY, interpolation="bilinear", alpha=0.85)
            at = lattice(extent, across)
            for k, (name, directions) in enumerate(arrows[i].items() if i < len(arrows) else ()):
                with torch.no_grad():
                    steps = directions(at)
                steps = steps * (2 * reach / across / steps.norm(dim=1).max().clamp(min=1e-9))
                label = name if name not in named else None
                named.add(name)
                colour = ("#FFFFFF", COLOURS[3])[k % 2]
                ax.quiver(
                    *at.T.tolist(), *steps.T.tolist(), angles="xy", scale_units="xy", scale=1, width=0.006,
                    color=colour, label=label,
                )  # fmt: skip
            here = points[i] if i < len(points) else None
            if here is not None:
                ax.plot(*here.T.tolist(), "o", color=COLOURS[1], markersize=3, mew=0.4, mec="white")
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach), title=title, xlabel="$x_1$", ylabel="" if i else "$x_2$")
        if len(named) > 1:
            axes[0, 0].legend(loc="lower right", fontsize=8, frameon=True, facecolor="#555555", labelcolor="white")
    return figure
