"""Figures of codes and tokens: cells in the plane, how codes are used, and a picture that comes token by token."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, FRAME, canvas, draw_picture, lattice


def cells(
    points: Tensor, codes: Tensor, assigned: Tensor, *, edge: float = 4.0, distortion: float | None = None
) -> Figure:
    """Points (n, 2) in the colour of the code that each was given (n,), the codes (K, 2), and the ground in that of the
    nearest one; distortion, for the title."""
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(codes))]
    n = 200
    ground = torch.cdist(lattice((-edge, edge, -edge, edge), n).double(), codes.double()).argmin(1).view(n, n)
    with canvas(4.4, 4.4) as (figure, axes):
        ax = axes[0, 0]
        extent = (-edge, edge, -edge, edge)
        how = {"vmin": -0.5, "vmax": len(codes) - 0.5, "interpolation": "nearest", "alpha": 0.16}
        ax.imshow(ground.numpy(), extent=extent, origin="lower", cmap=ListedColormap(colours), **how)
        for k, (x, y) in enumerate(codes.tolist()):
            own = points[assigned == k]
            ax.plot(*own.T.tolist(), "o", color=colours[k], markersize=5)
            ax.plot(x, y, "o", color="white", markeredgecolor=colours[k], markeredgewidth=3, markersize=14)
            ax.text(x, y, str(k + 1), ha="center", va="center_baseline", fontsize=9)
        ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
        if distortion is not None:
            ax.set_title(f"distortion: mean of $|x - e|^2$ = {distortion:.2f}", fontsize=10)
    return figure


def usage(runs: Mapping[str, Tensor], steps: Sequence[int], frame: int = -1) -> Figure:
    """Of runs {name: counts (steps, K)}: the share of every code at one of the steps, the most used first, and the
    perplexity over all of them."""
    with canvas(3.1 * (len(runs) + 1), 2.8, 1, len(runs) + 1) as (figure, axes):
        chart = axes[0, -1]
        for k, (name, counts) in enumerate(runs.items()):
            share = counts.double() / counts.sum(-1, keepdim=True).clamp(min=1)
            K = counts.shape[1]
            ax = axes[0, k]
            ax.bar(range(K), share[frame].sort(descending=True).values.tolist(), width=1.0, color=COLOURS[k])
            ax.axhline(1 / K, color="#444444", linewidth=1, linestyle="--")
            ax.set(title=f"{name}, step {steps[frame]}", xlabel="codes, the most used first", xlim=(-0.5, K - 0.5))
            chart.plot(steps, torch.special.entr(share).sum(1).exp().tolist(), color=COLOURS[k], label=name)
            chart.set(xlabel="step", ylabel="perplexity", ylim=(0, K))
        axes[0, 0].set_ylabel("share of all tokens")
        chart.legend(fontsize=9)
    return figure


def captioned(
    picture: Tensor, caption: str, right: Mapping[str, bool], attention: Tensor | None, *, grid: tuple[int, int]
) -> Figure:
    """A picture (C, H, W) in 0..1 of a caption, which of its words a judge finds right, and, where attention (T, L) is
    given, how much each token of the grid (h, w) looked at each word."""
    words = caption.split()
    n = 0 if attention is None else len(words)
    with canvas(2.0 + 0.95 * n, 2.3, 1, 1 + n, width_ratios=[1.8] + [1.0] * n) as (figure, axes):
        draw_picture(axes[0, 0], picture, None)
        verdict = ", ".join(f"{what} {'✓' if ok else '✗'}" for what, ok in right.items())
        figure.suptitle(f"{caption}\n{verdict}", fontsize=10)
        for k in range(n):
            assert attention is not None
            ax = axes[0, 1 + k]
            ax.imshow(attention[:, k].view(grid).numpy(), cmap="Oranges", vmin=0, vmax=float(attention[:, :n].max()))
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(visible=True, color=FRAME, linewidth=0.6)
            ax.set_title(words[k], fontsize=9)
    return figure
