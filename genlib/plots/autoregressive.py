"""Autoregressive models: masks, what a pixel sees, pictures while they are drawn, texts that go on."""

from collections.abc import Mapping, Sequence

import matplotlib
import torch
from matplotlib import patches, ticker
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, STYLE, canvas, draw_picture, images

ORANGE = "#E69F00"


def _grid(ax: Axes, values: Tensor, colours: Sequence[str]) -> None:
    """Cells (H, W) of the integers 0.. in the given colours, with thin lines between them."""
    H, W = values.shape
    ax.imshow(values.cpu().numpy(), cmap=ListedColormap(list(colours)), vmin=-0.5, vmax=len(colours) - 0.5)
    ax.set(xticks=[], yticks=[])
    for r in range(H + 1):
        ax.axhline(r - 0.5, color="#999999", linewidth=0.6)
    for c in range(W + 1):
        ax.axvline(c - 0.5, color="#999999", linewidth=0.6)
    ax.spines[:].set_visible(False)


def _frame(ax: Axes, row: int, column: int) -> None:
    ax.add_patch(
        patches.Rectangle(
            (column - 0.42, row - 0.42), 0.84, 0.84, fill=False, edgecolor=ORANGE, linewidth=2.4, zorder=4
        )
    )


def kernels(masks: Mapping[str, Tensor]) -> Figure:
    """Masks of kernels side by side: {title: (k, k)}, 1 lets through; the centre is framed, the numbers are shown."""
    with canvas(1.9 * len(masks), 2.1, 1, len(masks)) as (figure, axes):
        for ax, (title, mask) in zip(axes[0], masks.items(), strict=True):
            _grid(ax, (mask > 0).long(), ["white", COLOURS[0]])
            for r in range(mask.shape[0]):
                for c in range(mask.shape[1]):
                    colour = "white" if mask[r, c] > 0 else "#333333"
                    ax.text(c, r, int(mask[r, c] > 0), ha="center", va="center", color=colour, fontsize=10)
            _frame(ax, mask.shape[0] // 2, mask.shape[1] // 2)
            ax.set_title(title, fontsize=10)
    return figure


def connections(
    matrices: Mapping[str, Tensor],
    *,
    rows: str,
    columns: str,
    ticks: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None,
) -> Figure:
    """Matrices side by side: {title: (n, m)} of values >= 0, dark where large; rows, columns: what they are.

    ticks: for each matrix, numbers for its n rows and its m columns.
    """
    with canvas(2.9 * len(matrices), 2.9, 1, len(matrices)) as (figure, axes):
        for k, (title, matrix) in enumerate(matrices.items()):
            ax = axes[0, k]
            ax.imshow(matrix.detach().float().cpu().numpy(), cmap="Blues", vmin=0)
            ax.set(xticks=[], yticks=[], xlabel=columns, ylabel=rows)
            if ticks is not None:
                ax.set_yticks(range(len(ticks[k][0])), ticks[k][0], fontsize=6.5)
                ax.set_xticks(range(len(ticks[k][1])), ticks[k][1], fontsize=6.5)
                ax.tick_params(length=0, pad=2)
            ax.set_title(title, fontsize=10)
            ax.spines[:].set(visible=True, color="#BBBBBB", linewidth=0.6)
    return figure


def effective_receptive_field(fields: Mapping[str, tuple[Tensor, int]]) -> Figure:
    """Sizes of gradients (H, W) with respect to each pixel, side by side: {title: (sizes, position of the output)}.

    Dark where large, on a logarithmic scale of four decades; white where exactly 0; the output's own pixel is framed.
    """
    with canvas(2.3 * len(fields), 2.75, 1, len(fields)) as (figure, axes):
        figure.supxlabel("darker: stronger (log scale)", fontsize=8.5, color="#555555")
        for ax, (title, (size, position)) in zip(axes[0], fields.items(), strict=True):
            size = size.detach().float().cpu().reshape(-1, *size.shape[-2:]).sum(0)  # (H, W)
            H, W = size.shape
            share = (size / size.max().clamp(min=1e-30)).clamp(min=1e-30)
            shade = torch.where(size > 0, (1 + share.log10() / 4).clamp(0.12, 1), torch.tensor(torch.nan))
            ax.imshow(shade.numpy(), cmap="Blues", vmin=0, vmax=1.25)  # NaN stays white
            for r in range(H + 1):
                ax.axhline(r - 0.5, color="#BBBBBB", linewidth=0.5)
            for c in range(W + 1):
                ax.axvline(c - 0.5, color="#BBBBBB", linewidth=0.5)
            earlier = torch.arange(H * W).view(H, W) < position
            for r, c in (earlier & (size == 0)).nonzero().tolist():
                ax.add_patch(
                    patches.Rectangle(
                        (c - 0.5, r - 0.5), 1, 1, fill=False, hatch="////", edgecolor=COLOURS[1], linewidth=0
                    )
                )
            _frame(ax, *divmod(position, W))
            ax.set(xticks=[], yticks=[], xlim=(-0.6, W - 0.4), ylim=(H - 0.4, -0.6))  # no line is cut
            ax.set_title(title, fontsize=10)
            ax.spines[:].set_visible(False)
    return figure


def receptive_field(seen: Tensor, ever: Tensor, position: tuple[int, int]) -> Figure:
    """What a pixel's prediction depends on: seen now, with more layers (ever), or never; all (H, W) bool."""
    H, W = seen.shape
    earlier = torch.arange(H * W).view(H, W) < position[0] * W + position[1]
    kind = torch.zeros(H, W, dtype=torch.long)  # 0: later, not seen
    kind[earlier] = 1  # 1: earlier and never seen
    kind[earlier & ever] = 2
    kind[earlier & seen] = 3
    kind[~earlier & seen] = 4
    with canvas(6.4, 3.5, 1, 2, width_ratios=(3.5, 2.7)) as (figure, axes):
        ax, legend = axes[0]
        colours = ["#EFEFEF", "white", "#BBD9EA", COLOURS[0], COLOURS[4]]
        _grid(ax, kind, colours)
        for r, c in (kind == 1).nonzero().tolist():
            ax.add_patch(
                patches.Rectangle((c - 0.5, r - 0.5), 1, 1, fill=False, hatch="////", edgecolor=COLOURS[1], linewidth=0)
            )
        _frame(ax, *position)
        count = torch.bincount(kind.flatten(), minlength=5).tolist()
        handles = [
            patches.Patch(facecolor="white", edgecolor=ORANGE, linewidth=2, label="the pixel that is predicted"),
            patches.Patch(color=COLOURS[0], label=f"seen: {count[3]} of {int(earlier.sum())} earlier pixels"),
            patches.Patch(color="#BBD9EA", label=f"seen with more layers: {count[2]}"),
            patches.Patch(facecolor="white", hatch="////", edgecolor=COLOURS[1], label=f"never seen: {count[1]}"),
            patches.Patch(color=COLOURS[4], label=f"seen and must not be: {count[4]}"),
        ]
        legend.axis("off")
        legend.legend(handles=handles, loc="center left", fontsize=9, handlelength=1.4, borderaxespad=0)
    return figure


def diagonals(height: int, width: int) -> Figure:
    """A picture's pixels numbered by the step in which each can be computed; the same, with skewed rows."""
    with canvas(7.2, 2.6, 1, 2, width_ratios=(width, height + width - 1)) as (figure, axes):
        plain = torch.arange(height)[:, None] + torch.arange(width)[None, :]
        skewed = torch.full((height, height + width - 1), -1)
        for r in range(height):
            skewed[r, r : r + width] = plain[r]
        for ax, steps, title in (
            (axes[0, 0], plain, "the picture"),
            (axes[0, 1], skewed, "each row moved one further"),
        ):
            colours = matplotlib.colormaps["Blues"](torch.linspace(0.15, 0.75, height + width - 1).numpy())
            for r in range(steps.shape[0]):
                for c in range(steps.shape[1]):
                    step = int(steps[r, c])
                    if step < 0:
                        continue
                    ax.add_patch(
                        patches.Rectangle((c - 0.5, r - 0.5), 1, 1, facecolor=colours[step], edgecolor="white")
                    )
                    colour = "white" if step > 0.6 * (height + width) else "#222222"
                    ax.text(c, r, step + 1, ha="center", va="center", fontsize=9, color=colour)
            ax.set(xlim=(-0.6, steps.shape[1] - 0.4), ylim=(height - 0.4, -0.6), aspect="equal", xticks=[], yticks=[])
            ax.set_title(title, fontsize=10)
            ax.spines[:].set_visible(False)
    return figure


def _covered(x: Tensor, known: Tensor) -> Tensor:
    """The picture with NaN in the places of what is not known."""
    return x.float().where(known.to(x.device), torch.nan)


def covered(
    x: Tensor, known: Tensor, *, levels: int, columns: int = 10, rows: Sequence[str] | None = None, size: float = 0.75
) -> Figure:
    """A grid of pictures x (n, 1, H, W) of which only the pixels in known (n, 1, H, W) bool are shown."""
    return images(_covered(x, known), levels=levels, columns=columns, rows=rows, size=size)


def under_the_cover(
    x: Tensor, known: Tensor, drawn: Tensor, *, levels: int, rows: Sequence[str] | None = None, size: float = 0.75
) -> Figure:
    """A row for each picture of x (n, 1, H, W): it, what is known of it (1, H, W) bool, and drawn (n, m, 1, H, W)."""
    pictures = torch.cat([x[:, None], x[:, None], drawn], 1)  # (n, 2 + m, 1, H, W)
    shown = torch.ones_like(pictures, dtype=torch.bool)
    shown[:, 1] = known
    columns = pictures.shape[1]
    return covered(pictures.flatten(0, 1), shown.flatten(0, 1), levels=levels, columns=columns, rows=rows, size=size)


def sampling_step(x: Tensor, probabilities: Tensor, step: int, *, levels: int) -> Figure:
    """A picture x (H, W) of which ``step`` pixels are drawn, and the next one's distribution, from (H * W, levels)."""
    H, W = x.shape
    with canvas(6.6, 2.7, 1, 2, width_ratios=(1, 1.6)) as (figure, axes):
        ax, bars = axes[0]
        draw_picture(ax, _covered(x, torch.arange(H * W).view(H, W) < step), levels)
        ax.set_title(f"{step} of {H * W} pixels are drawn", fontsize=10)
        bars.set(ylim=(0, 1), xlabel="level (0 is paper)", ylabel="probability")
        if step < H * W:
            bars.set_ylim(0, min(1, max(0.2, 1.2 * float(probabilities[step].max()))))
            r, c = divmod(step, W)
            _frame(ax, r, c)
            drawn = int(x[r, c])
            colours = [COLOURS[1] if v == drawn else COLOURS[0] for v in range(levels)]
            bars.bar(range(levels), probabilities[step].tolist(), color=colours, width=0.85)
        bars.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True))
        bars.set_title("the next pixel; orange: the level that is drawn", fontsize=10)
    return figure


def completion(x: Tensor, drawn: Tensor, given: int, *, levels: int) -> Figure:
    """A picture x (H, W) of which the first ``given`` pixels are known, and continuations (n, 1, H, W)."""
    H, W = x.shape
    columns = (len(drawn) + 1) // 2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.3 + 0.95 * columns, 2.3), layout="constrained")
        grid = figure.add_gridspec(2, columns + 2, width_ratios=[2, 0.15] + [1] * columns)
        ax = figure.add_subplot(grid[:, 0])
        draw_picture(ax, _covered(x, torch.arange(H * W).view(H, W) < given), levels)
        ax.set_title(f"given: {given} of {H * W} pixels", fontsize=10)
        for k, picture in enumerate(drawn):
            draw_picture(figure.add_subplot(grid[k // columns, k % columns + 2]), picture, levels)
    return figure


def continuations(
    prompt: str, lines: Sequence[tuple[str, str]], following: Sequence[tuple[str, float]], width: int = 58
) -> Figure:
    """Texts that begin with ``prompt``, each with a note, and bars of the first new character's probabilities."""
    shown = [(text if len(text) <= width else text[: width - 1] + "…").replace("\n", "↵") for text, _ in lines]
    with canvas(9.2, 0.27 * max(len(lines), len(following)) + 0.7, 1, 2, width_ratios=(3.4, 1)) as (figure, axes):
        ax, bars = axes[0]
        ax.axis("off")
        ax.set(xlim=(0, 1), ylim=(len(lines) - 0.5, -0.5))
        mono = {"family": "DejaVu Sans Mono", "fontsize": 9, "va": "center"}
        for row, (text, (_, note)) in enumerate(zip(shown, lines, strict=True)):
            ax.text(0, row, text[: len(prompt)], color=COLOURS[0], **mono)
            ax.text(0, row, " " * len(prompt) + text[len(prompt) :], **mono)
            ax.text(0.95, row, note, ha="right", va="center", fontsize=8, color="#555555")
        names = [character for character, _ in following]
        bars.barh(range(len(names)), [p for _, p in following], color=COLOURS[0])
        bars.set(yticks=range(len(names)), yticklabels=names, ylim=(max(len(names), 1) - 0.4, -0.6), xlim=(0, 1))
        bars.set_xlabel("probability")
        bars.set_title("the first new character", fontsize=10)
    return figure


def attention(weights: Mapping[str, Tensor]) -> Figure:
    """What the place after a text attends to: {text: weights (heads, len(text))}, one below the other, dark where 1.

    A blank is drawn as ␣.
    """
    longest = max(len(text) for text in weights)
    heads = max(len(w) for w in weights.values())
    with canvas(0.215 * longest + 0.9, (0.215 * heads + 0.5) * len(weights) + 0.1, len(weights), 1) as (figure, axes):
        for ax, (text, weight) in zip(axes[:, 0], weights.items(), strict=True):
            ax.imshow(weight.detach().float().cpu().numpy(), cmap="Blues", vmin=0, vmax=1)
            ax.set_xticks(range(len(text)), ["␣" if c == " " else c for c in text], family="DejaVu Sans Mono")
            ax.set_yticks(range(len(weight)), [f"head {k + 1}" for k in range(len(weight))], fontsize=8)
            ax.set_xlim(-0.5, longest - 0.5)
            ax.tick_params(length=0)
            ax.set_xticks([k - 0.5 for k in range(1, len(text))], minor=True)
            ax.set_yticks([k - 0.5 for k in range(1, len(weight))], minor=True)
            ax.grid(which="minor", color="#DDDDDD", linewidth=0.5)
            ax.tick_params(which="minor", length=0)
            ax.spines[:].set_visible(False)
    return figure
