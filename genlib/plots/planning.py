"""Plans in a small world, and where they lead."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from genlib.plots.base import COLOURS, canvas


def policies(world: list[str], plans: Mapping[str, Tensor], walks: Mapping[str, Tensor]) -> Figure:
    """A map with a plan and where its walks led, side by side: {title: action for each place}, {title: visits}.

    world: rows of "S" start, "G" goal, "O" water, "." ice; plans (H * W,), 0 up, 1 right, 2 down, 3 left;
    walks (H * W,), the share of walks that came by each place, 0..1.
    """
    H, W = len(world), len(world[0])
    arrows = ((0, -0.28), (0.28, 0), (0, 0.28), (-0.28, 0))
    with canvas(3.6 * len(plans), 0.56 * H + 0.7, 1, len(plans)) as (figure, axes):
        for ax, (title, policy) in zip(axes[0], plans.items(), strict=True):
            for place in range(H * W):
                r, c = divmod(place, W)
                kind, share = world[r][c], float(walks[title][place])
                water = kind == "O"
                ax.add_patch(
                    _square(c, r, "#56B4E9" if water else "#F4F4F4"),
                )
                if share > 0.005:
                    ax.add_patch(_square(c, r, COLOURS[1], alpha=0.65 * share, size=0.9))
                if kind in "SG":
                    ax.text(c, r + 0.45, {"S": "start", "G": "goal"}[kind], fontsize=8, ha="center", va="bottom")
                if water and share > 0.005:
                    ax.text(c, r, f"{share:.0%}", ha="center", va="center", fontsize=9)
                if kind in ".S":
                    dx, dy = arrows[int(policy[place])]
                    up = 0.16 if kind == "S" else 0  # above the word
                    style = {"arrowstyle": "-|>", "color": "#222222", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
                    ax.annotate("", xy=(c + dx, r + dy - up), xytext=(c - dx, r - dy - up), arrowprops=style)
            ax.set(xlim=(-0.55, W - 0.45), ylim=(H - 0.45, -0.55), xticks=[], yticks=[], title=title, aspect="equal")
            ax.spines[:].set_visible(False)
    return figure


def _square(c: float, r: float, colour: str, alpha: float = 1.0, size: float = 0.96) -> Rectangle:
    return Rectangle((c - size / 2, r - size / 2), size, size, facecolor=colour, alpha=alpha, edgecolor="none")
