"""What a distribution is good for: plans on a lake, two answers to one question."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, DENSITY, canvas


def plans(world: list[str], policies: Mapping[str, Tensor], walks: Mapping[str, Tensor]) -> Figure:
    """A map with a plan and where its walks led, side by side: {title: action for each place}, {title: visits}.

    world: rows of "S" start, "G" goal, "O" water, "." ice; policies (H * W,), 0 up, 1 right, 2 down, 3 left;
    walks (H * W,), the share of walks that came by each place, 0..1.
    """
    H, W = len(world), len(world[0])
    arrows = ((0, -0.28), (0.28, 0), (0, 0.28), (-0.28, 0))
    with canvas(3.6 * len(policies), 0.56 * H + 0.7, 1, len(policies)) as (figure, axes):
        for ax, (title, policy) in zip(axes[0], policies.items(), strict=True):
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


def _square(c: float, r: float, colour: str, alpha: float = 1.0, size: float = 0.96):
    from matplotlib.patches import Rectangle

    return Rectangle((c - size / 2, r - size / 2), size, size, facecolor=colour, alpha=alpha, edgecolor="none")


def two_answers(x: Tensor, y: Tensor, mean: Tensor, density: Tensor, drawn: Tensor, at: Tensor) -> Figure:
    """Data (n,) (n,), a mean for each place of a grid ``at`` (m,), p(y | x) on the grid (m, m), rows y; drawn (n,).

    Densities above 8 are drawn as 8: the colour bar's end is an arrow.
    """
    low, high = at.min().item(), at.max().item()
    x, y, mean, density, drawn, at = (v.detach().cpu().numpy() for v in (x, y, mean, density.clamp(max=8), drawn, at))
    extent = (low, high, low, high)
    with canvas(10.2, 3.5, 1, 3, sharey=True) as (figure, axes):
        left, middle, right = axes[0]
        left.scatter(x, y, s=4, color="#999999", label="data")
        left.plot(at, mean, color=COLOURS[1], linewidth=2.5, label="least squared error")
        left.legend(fontsize=8.5, loc="upper left")
        left.set(title="one answer", ylabel="y")
        drawn_density = middle.imshow(density, origin="lower", extent=extent, cmap=DENSITY, aspect="auto")
        bar = figure.colorbar(drawn_density, ax=middle, extend="max", pad=0.03)
        bar.set_label("per unit of y", fontsize=9)
        middle.set(title="mixture density: p(y | x)")
        right.scatter(x, drawn, s=4, color=COLOURS[0])
        right.set(title="one draw from it for each x")
        for ax in (left, middle, right):
            ax.set(xlabel="x", xlim=(low, high), ylim=(low, high))
    return figure
