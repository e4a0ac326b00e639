"""Games: the best discriminator, clouds of real points and fakes, fields of arrows with their orbits."""

from collections.abc import Callable, Mapping

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, canvas, lattice

REAL, FAKE, OTHER = COLOURS[:3]
# What a discriminator says: fake is orange, real is blue, 1/2 is white.
SAYS = LinearSegmentedColormap.from_list("says", ["#E8A07A", "#FFFFFF", "#7AB5D8"])


def samples(
    panels: Mapping[str, Tensor],
    real: Tensor,
    *,
    extent: tuple[float, float, float, float] = (-3, 3, -3, 3),
    columns: int = 4,
) -> Figure:
    """Fakes over real points in the plane: {title: (n, 2)} and (m, 2)."""
    rows = -(-len(panels) // columns)
    columns = min(columns, len(panels))
    with canvas(2.35 * columns, 2.6 * rows + 0.15, rows, columns) as (figure, axes):
        for k, ax in enumerate(axes.flat):
            if k >= len(panels):
                ax.axis("off")
                continue
            title, fake = list(panels.items())[k]
            ax.plot(*real.cpu().T.tolist(), "o", color=REAL, markersize=2.2, alpha=0.3, mew=0, label="data")
            ax.plot(*fake.detach().cpu().T.tolist(), "o", color=FAKE, markersize=2.2, alpha=0.6, mew=0, label="fakes")
            ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
            ax.set_title(title, fontsize=10)
            ax.tick_params(labelsize=8)
        if len(real):
            handles = axes[0, 0].get_lines()
            figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9, markerscale=2.5)
    return figure


def optimal_discriminator(x: Tensor, p_data: Tensor, p_g: Tensor, D: Tensor, own: Tensor | None = None) -> Figure:
    """Two densities on a line, and below them what the best discriminator says; all (n,)."""
    with canvas(6.4, 4.4, 2, 1, sharex=True, height_ratios=(3, 2)) as (figure, axes):
        above, below = axes[0, 0], axes[1, 0]
        for name, p, colour in (("$p_{data}(x)$", p_data, REAL), ("$p_g(x)$", p_g, FAKE)):
            above.fill_between(x.tolist(), p.tolist(), color=colour, alpha=0.18, linewidth=0)
            above.plot(x.tolist(), p.tolist(), color=colour, linewidth=2, label=name)
        above.set(ylabel="density (1 / unit of $x$)", ylim=(0, None))
        above.legend()
        below.plot(x.tolist(), D.tolist(), color="#222222", linewidth=2, label="$D^*(x)$")
        if own is not None:
            below.plot(x.tolist(), own.tolist(), color=OTHER, linewidth=2, linestyle="--", label="your $D(x)$")
        below.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
        below.set(xlabel="$x$", ylabel="probability of real", ylim=(-0.05, 1.05), xlim=(x.min().item(), x.max().item()))
        below.legend()
    return figure


def arena(
    real: Tensor, fake: Tensor, says: Callable[[Tensor], Tensor], pull: Tensor | None = None, *, reach: float = 3.0
) -> Figure:
    """Real points (n, 2), fakes (m, 2), what D says of the plane, and arrows at the first fakes, (k, 2) with k <= m.

    says: (B, 2) -> (B,), probabilities of being real; reach: half the side of the plane.
    """
    grid = lattice((-reach, reach, -reach, reach), 100)
    with canvas(5.2, 4.4) as (figure, axes):
        ax = axes[0, 0]
        with torch.no_grad():
            values = says(grid).view(100, 100).tolist()
        drawn = ax.imshow(
            values,
            origin="lower",
            extent=(-reach, reach, -reach, reach),
            cmap=SAYS,
            vmin=0,
            vmax=1,
            interpolation="bilinear",
        )
        figure.colorbar(drawn, ax=ax, shrink=0.8, label="$D(x)$, probability of real")
        ax.plot(*real.T.tolist(), "o", color=REAL, markersize=3, mew=0.3, mec="white", label="real points")
        ax.plot(*fake.T.tolist(), "o", color=FAKE, markersize=3, mew=0.3, mec="white", label="fakes")
        if pull is not None:
            start = fake[: len(pull)]
            ax.quiver(
                *start.T.tolist(), *pull.T.tolist(), angles="xy", scale_units="xy", scale=1, width=0.004, color="#111"
            )
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$x_1$", ylabel="$x_2$")
        ax.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.8)
    return figure


def orbits(
    field: Callable[[Tensor], Tensor],
    paths: Mapping[str, Tensor],
    *,
    eigenvalues: Mapping[str, Tensor] | None = None,
    names: tuple[str, str] = ("$\\theta$ (where the fake is)", "$\\psi$ (slope of D's logit)"),
    reach: float = 2.0,
) -> Figure:
    """A field of arrows in the plane, (B, 2) -> (B, 2), with paths {name: (n, 2)} and eigenvalues {name: (k,)}.

    The eigenvalues are those of one step at the equilibrium, drawn beside the unit circle.
    """
    inside = 0.95 * reach
    grid = lattice((-inside, inside, -inside, inside), 13)
    with canvas(8.2 if eigenvalues else 4.6, 4.2, 1, 2 if eigenvalues else 1) as (figure, axes):
        ax = axes[0, 0]
        arrows = field(grid)
        arrows = arrows / arrows.norm(dim=1, keepdim=True).clamp(min=0.5)
        ax.quiver(*grid.T.tolist(), *arrows.T.tolist(), color="#999999", width=0.0035, scale=22)
        for k, (name, path) in enumerate(paths.items()):
            ax.plot(*path.T.tolist(), "-o", color=COLOURS[k], markersize=2.2, linewidth=0.8, label=name)
        ax.plot(0, 0, "o", color="#222222", markersize=6)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=names[0], ylabel=names[1], aspect="equal")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=9)
        if eigenvalues:
            ring, angle = axes[0, 1], torch.linspace(0, 2 * torch.pi, 200)
            ring.plot(angle.cos().tolist(), angle.sin().tolist(), color="#222222", linewidth=1)
            for k, (name, values) in enumerate(eigenvalues.items()):
                size = f"{name}, |λ| = {values.abs().max().item():.3f}"
                at = values.real.tolist(), values.imag.tolist()
                ring.plot(*at, "os^D"[k % 4], color=COLOURS[k], markersize=5, alpha=0.8, label=size)
            every = torch.cat(list(eigenvalues.values()))
            middle = every.real.mean().item()
            wide = max(1.6 * (every - middle).abs().max().item(), 0.1)
            ring.set(xlim=(middle - wide, middle + wide), ylim=(-wide, wide), aspect="equal")
            ring.set(xlabel="real part of λ", ylabel="imaginary part of λ")
            title = "eigenvalues of a step and the circle |λ| = 1"
            ring.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9, title=title, title_fontsize=9)
    return figure


def plan(fakes: Tensor, partners: Tensor, *, edge: float = 4.0, distance: float | None = None) -> Figure:
    """Fakes and the data that each is carried to, both (n, 2), joined in pairs; distance, for the title."""
    with canvas(4.2, 4.4) as (figure, axes):
        ax = axes[0, 0]
        for (a, b), (c, d) in zip(fakes.tolist(), partners.tolist(), strict=True):
            ax.plot([a, c], [b, d], color="#444444", linewidth=1.3, zorder=1)
        ax.plot(*fakes.T.tolist(), "o", color=FAKE, markersize=8, label="fakes")
        ax.plot(*partners.T.tolist(), "o", color=REAL, markersize=8, label="data")
        ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
        if distance is not None:
            ax.set_title(f"mean length of the shortest plan: $W_1$ = {distance:.2f}", fontsize=10)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
