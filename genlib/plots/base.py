"""The style of all figures, how they are shown, and the figures that every lecture needs.

One colour-safe style for all (the palette of Okabe and Ito, and cividis for densities). Show a figure with
``plots.show(figure, alt)``: the alt text says in words what there is to see, for those who can't see it.
"""

import contextlib
import io
import math
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from cycler import cycler
from matplotlib import patches, ticker
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#5A5A5A", "#B8A500")
DENSITY = "cividis"
FRAME = "#BBBBBB"  # around a picture
HIDDEN = "#D7E6EF"  # a pixel that is not known
INK = "gray_r"  # pictures: 0 is paper, the highest level is ink
PER_INCH = 110  # pixels of a page; twice as many are drawn, which screens of high resolution show
STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "savefig.dpi": 2 * PER_INCH,
}


def show(figure: Figure, alt: str) -> None:
    """Displays a figure under a cell as a PNG with an alt text."""
    from IPython.display import display

    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    display(_picture(figure, alt))


def _picture(figure: Figure, alt: str) -> Any:
    from IPython.display import Image as Picture

    picture = png(figure)
    return Picture(picture, format="png", alt=alt, width=shown_width(picture))


class Live:
    """A figure that is drawn anew in place, while a model trains.

    live = plots.Live("samples of the model")
    fit(model, train, callback=lambda step, model: live.show(plots.images(model.sample(10), levels=17)))
    """

    def __init__(self, alt: str):
        self.alt, self.handle = alt, None

    def show(self, figure: Figure) -> None:
        """Displays the figure; from the second time on, in place of the one before."""
        from IPython.display import display

        picture = _picture(figure, self.alt)
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file with 256 colours: a third of the bytes, and the eye misses nothing."""
    drawn, file = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(drawn, format="png", pil_kwargs={"compress_level": 1})
    picture = Image.open(drawn).convert("RGB")
    # The colours are chosen by every fourth pixel, which is faster; one round of k-means keeps those that few pixels
    # have, and without dithering flat areas stay flat.
    fewer = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.NEAREST)
    colours = fewer.quantize(256, kmeans=1, dither=Image.Dither.NONE)
    picture.quantize(palette=colours, dither=Image.Dither.NONE).save(file, format="png")
    return file.getvalue()


def shown_width(picture: bytes) -> int:
    """How wide a PNG from here stands on a page, in its pixels: half of its own, as on paper."""
    return Image.open(io.BytesIO(picture)).width // 2


@contextlib.contextmanager
def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, **keywords: Any
) -> Iterator[tuple[Figure, np.ndarray]]:
    """A Figure and its axes (rows, columns) in the style of the course; the sizes are inches."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **keywords)


def lattice(extent: tuple[float, float, float, float], n: int) -> Tensor:
    """Points (n², 2) that are spread evenly over left, right, bottom, top; row by row from below."""
    left, right, bottom, top = extent
    u, v = torch.linspace(left, right, n), torch.linspace(bottom, top, n)
    return torch.stack(torch.meshgrid(u, v, indexing="xy"), -1).view(-1, 2)


def draw_picture(ax: Axes, x: Tensor, levels: int | None) -> None:
    """One image (C, H, W) or (H, W) on axes without ticks, with a thin frame; NaN is a grey level that is not known."""
    _imshow(ax, x, levels)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=FRAME, linewidth=0.6)


def _imshow(ax: Axes, x: Tensor, levels: int | None, **where: Any) -> None:
    x = x.detach().float().cpu()
    x = x.reshape(-1, *x.shape[-2:])  # (C, H, W)
    if len(x) == 3:
        ax.imshow((x.permute(1, 2, 0) / ((levels or 2) - 1)).clamp(0, 1).numpy(), **where)
    else:
        cmap = matplotlib.colormaps[INK].with_extremes(bad=HIDDEN)
        ax.imshow(x[0].numpy(), cmap=cmap, vmin=0, vmax=(levels or 2) - 1, **where)


def images(
    x: Tensor,
    *,
    levels: int | None = None,
    columns: int = 10,
    titles: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    size: float = 0.75,
    gaps: Collection[int] = (),
) -> Figure:
    """A grid of images x (n, C, H, W), one channel or three, values 0..levels-1 (0..1 without levels; NaN: not known).

    titles: one above each image; rows: one to the left of each row; size: the width of an image in inches;
    gaps: the numbers of those that are left out, without a frame.
    """
    if x.dim() != 4 or len(x) == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; images take (n, C, H, W) with n > 0")
    columns = min(columns, len(x))
    left = max((0.085 * len(r) + 0.03 * sum(map(str.isupper, r)) for r in rows), default=0) + 0.05 if rows else 0.02
    titles = [textwrap.fill(title, max(4, int(13 * size))) for title in titles or ()]  # a line is as wide as its image
    above = 0.05 + 0.165 * max((title.count("\n") + 1 for title in titles), default=0)
    width = left + columns * (size + 0.05)
    height = math.ceil(len(x) / columns) * (size + above) + 0.02
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        ax = figure.add_axes((0, 0, 1, 1))  # in inches, for all images: axes for each take ten times as long
        ax.axis("off")
        corners = [
            (left + (i % columns) * (size + 0.05), height - (i // columns + 1) * (size + above)) for i in range(len(x))
        ]
        shown = [i for i in range(len(x)) if i not in gaps]
        for i in shown:
            u, v = corners[i]
            _imshow(ax, x[i], levels, extent=(u, u + size, v, v + size), aspect="auto")
        for title, (u, v) in zip(titles, corners, strict=False):
            ax.text(u + size / 2, v + size + 0.035, title, ha="center", va="bottom", fontsize=9)
        for name, (u, v) in zip(rows or (), corners[::columns], strict=False):
            ax.text(u - 0.055, v + size / 2, name, ha="right", va="center", fontsize=10)
        frames = [patches.Rectangle(corners[i], size, size) for i in shown]
        ax.add_collection(PatchCollection(frames, facecolor="none", edgecolor=FRAME, linewidth=0.6))
        ax.set(xlim=(0, width), ylim=(0, height))
    return figure


DASHES = ((0, (4, 3)), (0, (1, 1.5)))
Line = tuple[Tensor | Sequence[float], Tensor | Sequence[float]]  # x (n,), y (n,) or (n, repetitions)


def lines(
    panels: Mapping[str, Line] | Mapping[str, Mapping[str, Line]],
    *,
    xlabel: str,
    ylabel: str | Sequence[str],
    ylim: tuple[float, float] | Sequence[tuple[float, float] | None] | None = None,
    log: str = "",
    symlog: float | None = None,
    markers: bool = False,
    dots: Sequence[str] = (),
    heights: Mapping[str, float] | Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Lines over x: {name: (x, y)} in one panel, or {title: {name: (x, y)}} side by side; a name keeps its colour.

    x (n,) and y (n,), tensors or lists; with y (n, r) the means of r repetitions, and bars of two standard errors.

    ylabel, ylim: one for all panels, or a list with one for each.
    log: which axes are logarithmic, "x", "y" or "xy"; symlog: y is linear between -symlog and symlog and logarithmic
    beyond. markers: a mark at every point; dots: the names that are drawn as points without a line.
    heights: dashed lines across, {name: y} in every panel or {title: {name: y}}.
    Raises: ValueError for dots or heights of what is not there.
    """
    shown = _by_title(panels, [""])
    dashed = _by_title(heights or {}, list(shown))
    names, dashed_names = _names(shown), _names(dashed)
    if unknown := {*dots} - {*names} | {*dashed} - {*shown}:
        raise ValueError(f"no line or panel is named {', '.join(sorted(unknown))}")
    n = len(shown)
    ylabels = [ylabel] * n if isinstance(ylabel, str) else ylabel
    limits = [ylim] * n if ylim is None or isinstance(ylim[0], int | float) else ylim
    width = {1: 6.4, 2: 4.3}.get(n, max(2.6, 11 / n))  # of a panel, inches
    with canvas(n * width, 3.3, 1, n) as (figure, axes):
        for i, (ax, (title, panel)) in enumerate(zip(axes[0], shown.items(), strict=True)):
            for name, (x, y) in panel.items():
                _draw_line(ax, torch.as_tensor(x), torch.as_tensor(y), name, names.index(name), markers, name in dots)
            for name, height in dashed.get(title, {}).items():
                dashes = DASHES[dashed_names.index(name) % len(DASHES)]
                ax.axhline(height, color="#333333", linewidth=1.2, linestyle=dashes, label=name)
            _scale(ax, [torch.as_tensor(x) for x, _ in panel.values()], log, symlog, room=round(2 * width))
            ax.set(title=title, xlabel=xlabel, ylabel=ylabels[i], ylim=limits[i])
        _legend_below(figure)
    return figure


def _by_title(values: Mapping[str, Any], titles: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """{title: {name: …}} as it is; {name: …} for every title."""
    nested = values and all(isinstance(value, Mapping) for value in values.values())
    return values if nested else dict.fromkeys(titles, values)


def _names(panels: Mapping[str, Mapping]) -> list[str]:
    """What is drawn in any of the panels, each name once."""
    return list(dict.fromkeys(name for panel in panels.values() for name in panel))


def _legend_below(figure: Figure) -> None:
    """One legend for all panels, where it hides nothing, and room for it; none for a single line."""
    handles: dict[str, Any] = {}
    for ax in figure.axes:
        handles |= {name: handle for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    if len(handles) < 2:
        return
    width, height = figure.get_size_inches()
    needs = [0.6 + 0.07 * len(name) for name in handles]  # inches, about
    columns = len(needs) if sum(needs) < width else max(1, int(width / max(needs)))
    figure.set_size_inches(width, height + 0.2 * math.ceil(len(handles) / columns))
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns, fontsize=9)


def _draw_line(ax: Axes, x: Tensor, y: Tensor, name: str, k: int, markers: bool, dots: bool) -> None:
    """The k-th line, told apart from the others without colours, too: by its marks, or by dashes."""
    x, y = x.detach().cpu(), y.detach().cpu()
    style: dict[str, Any] = {"color": COLOURS[k % len(COLOURS)], "label": name}
    if dots:
        style |= {"linestyle": "none", "marker": "o", "markersize": 5, "mec": "white", "mew": 0.5, "zorder": 3}
    elif markers or y.dim() == 2:
        style |= {"linewidth": 1.5, "marker": "os^Dv"[k % 5], "markersize": 4}
    else:
        style |= {"linewidth": 2, "linestyle": (0, (5, 2)) if k % 2 else "-"}
    if y.dim() == 2:
        error = 2 * y.std(1) / y.shape[1] ** 0.5
        ax.errorbar(x.tolist(), y.mean(1).tolist(), error.tolist(), capsize=2, **style)
    else:
        ax.plot(x.tolist(), y.tolist(), **style)


def _scale(ax: Axes, xs: Sequence[Tensor], log: str, symlog: float | None, room: int) -> None:
    """Logarithmic axes, and ticks for x: counts have none at 2.5; a few places on a logarithmic axis are named."""
    if "y" in log:
        ax.set_yscale("log")
    if symlog:
        ax.set_yscale("symlog", linthresh=symlog)
    if log or symlog:
        ax.grid(alpha=0.25)
    if "x" not in log:
        if not any(x.is_floating_point() for x in xs):
            ax.xaxis.set_major_locator(ticker.MaxNLocator(nbins=room, integer=True))
        return
    ax.set_xscale("log")
    places = torch.cat([x.detach().flatten().cpu() for x in xs]).unique().tolist()
    if len(places) <= 20:
        ax.xaxis.set_major_locator(ticker.FixedLocator(places[:: math.ceil(len(places) / room)]))
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{float(f'{value:.7g}'):,.10g}"))
        ax.xaxis.set_minor_locator(ticker.NullLocator())


def densities(
    panels: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    extent: tuple[float, float, float, float] = (-3, 3, -3, 3),
    points: Tensor | None = None,
    colours: Tensor | None = None,
    resolution: int = 160,
    labels: Sequence[str] | None = None,
    shared: bool = False,
) -> Figure:
    """Functions of the plane side by side: {title: function from (B, 2) to (B,), values >= 0}, each on its own scale.

    extent: left, right, bottom, top; points (n, 2), drawn on every panel, with a class for each in colours (n,);
    labels: the name of each panel's unit, under its colour bar; shared, one scale for all panels.
    """
    left, right, bottom, top = extent
    grid = lattice(extent, resolution)
    with canvas(3.1 * len(panels), 3.7, 1, len(panels)) as (figure, axes):
        with torch.no_grad():
            panel_values = [function(grid).view(resolution, resolution).cpu().numpy() for function in panels.values()]
        scale = {"vmin": 0, "vmax": max(values.max() for values in panel_values)} if shared else {}
        for i, (ax, title, values) in enumerate(zip(axes[0], panels, panel_values, strict=True)):
            drawn = ax.imshow(
                values, origin="lower", extent=extent, cmap=DENSITY, aspect="equal", interpolation="bilinear", **scale
            )
            bar = figure.colorbar(drawn, ax=ax, location="bottom", shrink=0.85, pad=0.02)
            bar.set_label(labels[i] if labels else "density", fontsize=9)
            bar.locator = ticker.MaxNLocator(4)
            bar.update_ticks()
            ax.set(title=title, xlabel="$x_1$", ylabel="" if i else "$x_2$", xlim=(left, right), ylim=(bottom, top))
            if i:
                ax.set_yticklabels([])
            if points is not None:
                c = "white" if colours is None else [("#FFFFFF", "#D55E00")[int(k) % 2] for k in colours]
                ax.scatter(*points.T.cpu().numpy(), s=5, c=c, edgecolors="black", linewidths=0.3)
    return figure


def bars(
    values: Mapping[str, float], *, unit: str, note: str = "", highlight: Sequence[str] = (), decimals: int = 2
) -> Figure:
    """Horizontal bars with their numbers: {name: value}, the unit on the axis, some names set off by colour."""
    with canvas(7, 0.42 * len(values) + 0.9) as (figure, axes):
        ax = axes[0, 0]
        names = list(values)
        colours = [COLOURS[1] if name in highlight else COLOURS[0] for name in names]
        drawn = ax.barh(names, list(values.values()), color=colours, height=0.66)
        ax.bar_label(drawn, fmt=lambda v: f"{v:.0f}" if v >= 100 else f"{v:.{decimals}f}", padding=4)
        ax.invert_yaxis()
        ax.margins(x=0.12)
        ax.set_xlabel(unit + (f"  ({note})" if note else ""))
        ax.tick_params(left=False)
    return figure


def graph(
    nodes: Mapping[str, tuple[float, float, str]], edges: Sequence[tuple[str, str]], marked: Sequence[str] = ()
) -> Figure:
    """Boxes and arrows: nodes {name: (x, y, text)}, arrows from the first to the second; marked boxes are filled."""
    xs, ys = [x for x, _, _ in nodes.values()], [y for _, y, _ in nodes.values()]
    width, height = 1.7, 0.7
    with canvas((max(xs) - min(xs) + 1) * 2.1 + 0.1, (max(ys) - min(ys) + 1) * 0.95 + 0.1) as (figure, axes):
        ax = axes[0, 0]
        ax.set(xlim=(min(xs) * 2.1 - 1.0, max(xs) * 2.1 + 1.0), ylim=(min(ys) * 0.95 - 0.45, max(ys) * 0.95 + 0.45))
        ax.axis("off")
        for start, end in edges:
            (x0, y0, _), (x1, y1, _) = nodes[start], nodes[end]
            ax.annotate(
                "",
                xy=(x1 * 2.1 - width / 2, y1 * 0.95),
                xytext=(x0 * 2.1 + width / 2, y0 * 0.95),
                arrowprops={"arrowstyle": "-|>", "color": "#777777", "connectionstyle": "arc3,rad=0", "linewidth": 1},
            )
        for name, (x, y, text) in nodes.items():
            filled = name in marked
            box = patches.FancyBboxPatch(
                (x * 2.1 - width / 2, y * 0.95 - height / 2),
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=COLOURS[0] if filled else "white",
                edgecolor=COLOURS[0] if filled else "#999999",
                zorder=2,
            )
            ax.add_patch(box)
            colour = "white" if filled else "#444444"
            ax.text(
                x * 2.1,
                y * 0.95,
                textwrap.fill(text, 18),
                ha="center",
                va="center",
                fontsize=8.5,
                color=colour,
                zorder=3,
            )
    return figure


def pixels(x: Tensor, *, levels: int, readout: Mapping[str, Mapping[str, float]] | None = None) -> Figure:
    """An image (1, H, W) as a grid of its numbers, and beside it bars of values in 0..1: {title: {name: value}}."""
    readout = readout or {}
    _, H, W = x.shape
    with canvas(3.4 + 2.4 * len(readout), 3.4, 1, 1 + len(readout)) as (figure, axes):
        ax = axes[0, 0]
        draw_picture(ax, x, levels)
        for r in range(H):
            for c in range(W):
                level = int(x[0, r, c])
                colour = "#FFFFFF" if level > 0.4 * (levels - 1) else "#333333"
                ax.text(c, r, level, ha="center", va="center", fontsize=8, color=colour)
        for ax, (title, values) in zip(axes[0, 1:], readout.items(), strict=True):
            ax.barh(list(values), list(values.values()), color=COLOURS[0])
            ax.set(xlim=(0, 1), ylim=(max(len(values), 10) - 0.4, -0.6), title=title)
    return figure


def histograms(columns: Mapping[str, Mapping[str, Tensor]], *, units: Mapping[str, str], bins: int = 40) -> Figure:
    """Histograms of several sets, one below the other: {column: {set: values (n,)}}, the same axis in each column.

    units: {column: the name of its axis}. The first set is drawn in grey behind all the others.
    """
    sets = list(next(iter(columns.values())))
    with canvas(4.6 * len(columns), 0.78 * len(sets) + 0.9, len(sets), len(columns), sharex="col") as (figure, axes):
        for column, (title, values) in enumerate(columns.items()):
            values = {name: v.detach().cpu() for name, v in values.items()}
            everything = torch.cat(list(values.values()))
            edges = torch.linspace(everything.min().item(), everything.max().item(), bins + 1).tolist()
            for row, name in enumerate(sets):
                ax, usual, own = axes[row, column], values[sets[0]].numpy(), values[name].numpy()
                ax.hist(usual, edges, weights=[1 / len(usual)] * len(usual), color="#CCCCCC")
                if row:
                    ax.hist(own, edges, weights=[1 / len(own)] * len(own), color=COLOURS[(row - 1) % 6], alpha=0.8)
                ax.set(yticks=[])
                ax.spines["left"].set_visible(False)
                if column == 0:
                    ax.set_ylabel(name, rotation=0, ha="right", va="center")
                if row == 0:
                    ax.set_title(title)
            axes[-1, column].set_xlabel(units[title])
    return figure
