"""Latent variables drawn: codes and posteriors in the plane, bounds, and noise that becomes samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from matplotlib import patches
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, DENSITY, canvas, draw_picture, images

BLUE, RED, GREEN, PINK, GREY = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[4], COLOURS[6]
TEN = (*COLOURS, "#7A3E9D", "#8C510A")  # a colour for each of ten classes


def codes(
    panels: Mapping[str, Tensor | tuple[Tensor, Tensor]],
    labels: Tensor,
    *,
    classes: Sequence[str] = (),
    extent: float | None = None,
    prior: bool = True,
    size: float = 4.2,
) -> Figure:
    """Codes in the plane side by side: {title: means (n, 2), or (means, standard deviations (n, 2)) for ellipses}.

    labels (n,): colours; classes: their names; extent: the axes' reach, else as far as each panel's codes; prior:
    around ellipses, circles that hold 39 % and 86 % of N(0, I), one and two standard deviations.
    """
    with canvas(size * len(panels) + 0.7, size, 1, len(panels)) as (figure, axes):
        for column, (ax, (title, points)) in enumerate(zip(axes[0], panels.items(), strict=True)):
            means, sds = points if isinstance(points, tuple) else (points, None)
            means = means.cpu()
            for k in sorted(set(labels.tolist())):
                chosen = (labels == k).nonzero()[:, 0].tolist()
                colour, name = TEN[k % 10], classes[k] if classes else str(k)
                ax.plot(*means[chosen].T.tolist(), "o", color=colour, markersize=2.5, mew=0, alpha=0.8, label=name)
                if sds is not None:
                    for centre, (w, h) in zip(means[chosen].tolist(), (2 * sds[chosen]).tolist(), strict=True):
                        ax.add_patch(patches.Ellipse(centre, w, h, color=colour, alpha=0.18, linewidth=0))
            circles = (1, 2) if prior and sds is not None else ()
            for radius in circles:
                ax.add_patch(patches.Circle((0, 0), radius, fill=False, color="black", linewidth=1, linestyle="--"))
            wide = 0 if sds is None else sds.cpu()
            low, high = (means - wide).amin(0), (means + wide).amax(0)
            if circles:
                low, high = low.clamp(max=-2), high.clamp(min=2)
            middle, reach = (low + high) / 2, 0.54 * (high - low).max().item()
            if extent:
                middle, reach = torch.zeros(2), extent
            (x0, y0), (x1, y1) = (middle - reach).tolist(), (middle + reach).tolist()
            ax.set(title=title, xlabel="$z_1$", xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
            if column == 0:
                ax.set_ylabel("$z_2$")
        axes[0, -1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), markerscale=2.5, handletextpad=0.1)
    return figure


def densities(axis: Tensor, density: Tensor, titles: Sequence[str], *, reach: float) -> Figure:
    """Densities over the plane on one scale: axis (G,) along both, density (n, G, G), whose second axis is z1.

    Thin parts are drawn lighter than in proportion, in colours that give a round hill no rim.
    """
    n, end, top = len(density), axis[-1].item(), density.max().item()
    with canvas(3.3 * n + 0.8, 3.7, 1, n) as (figure, axes):
        for i, ax in enumerate(axes[0]):
            drawn = ax.imshow(
                density[i].T.numpy(),
                origin="lower",
                extent=(-end, end, -end, end),
                norm=PowerNorm(0.7, 0, top),
                cmap="viridis",
                interpolation="bilinear",
            )
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="" if i else "$z_2$")
            ax.set_title(titles[i], pad=10)
        figure.colorbar(drawn, ax=list(axes[0]), shrink=0.8, pad=0.02).set_label(
            "density, 1 / area (thin parts stretched)", fontsize=9
        )
    return figure


def posteriors(axis: Tensor, density: Tensor, means: Tensor, sds: Tensor, titles: Sequence[str]) -> Figure:
    """True posteriors over the plane, each with a Gaussian's ellipses of one and two standard deviations.

    axis (G,), the grid along both latents; density (n, G, G), the second axis is z1; means, sds (n, 2).
    """
    n = len(density)
    reach = axis[-1].item()
    with canvas(2.3 * n, 3.0, 1, n) as (figure, axes):
        for i, ax in enumerate(axes[0]):
            # One window for each: as wide as what there is to see, the density and the ellipses.
            where = (density[i] > density[i].max() * 1e-2).nonzero()
            low = torch.minimum(axis[where.amin(0)], means[i] - 2.2 * sds[i])
            high = torch.maximum(axis[where.amax(0)], means[i] + 2.2 * sds[i])
            centre, half = ((low + high) / 2).tolist(), 0.55 * (high - low).max().item()
            ax.imshow(
                density[i].T.numpy(),
                origin="lower",
                extent=(-reach, reach, -reach, reach),
                cmap=DENSITY,
                interpolation="bilinear",
            )
            for times in (1, 2):
                w, h = (2 * times * sds[i]).tolist()
                mean = (means[i, 0].item(), means[i, 1].item())
                ax.add_patch(patches.Ellipse(mean, w, h, fill=False, color="#FF9D5C", linewidth=1.8))
            ax.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half))
            ax.set(xlabel="$z_1$", ylabel="" if i else "$z_2$")
            ax.set_title(titles[i], fontsize=10)
            ax.locator_params(nbins=4)
    return figure


def elbo(z: Tensor, lines: Mapping[str, Tensor], numbers: Mapping[str, float], *, terms: bool = False) -> Figure:
    """Densities over one latent, the second one q; below, log p(x) and the ELBO as bars that hang from 0, in nats.

    lines: {name: density at z}, three of them: posterior, q, prior; numbers: "logp", "elbo", "gap", and with terms
    "reconstruction" and "kl".
    """
    with canvas(6.8, 4.3 if terms else 3.9, 2, 1, height_ratios=(2, 1.2 if terms else 0.85)) as (figure, axes):
        top, low = axes[:, 0]
        styles = ((BLUE, "-", 1.5), (RED, "-", 2), (GREY, "--", 1))
        for (name, density), (colour, dashes, thick) in zip(lines.items(), styles, strict=True):
            top.plot(z.tolist(), density.tolist(), label=name, color=colour, linestyle=dashes, linewidth=thick)
        first, second = (density.tolist() for density in list(lines.values())[:2])
        top.fill_between(z.tolist(), first, color=BLUE, alpha=0.25, linewidth=0)
        top.fill_between(z.tolist(), second, color=RED, alpha=0.12, linewidth=0)
        highest = max(1.1, *first, *second)
        top.set(xlabel="z", ylabel="density", xlim=(z[0].item(), z[-1].item()), ylim=(0, 1.05 * highest))
        top.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=9)

        def bar(row: str, start: float, end: float, colour: str, text: str) -> None:
            low.barh(row, end - start, left=start, color=colour, height=0.7)
            if start - end > 0.55:
                low.text((start + end) / 2, row, text, ha="center", va="center", color="white", fontsize=9)

        def nats(value: float) -> str:
            return f"{value:.2f}".replace("-", "−")

        logp, bound = numbers["logp"], numbers["elbo"]
        bar(f"log p(x)   {nats(logp)}", 0, logp, BLUE, "")
        bar(f"ELBO   {nats(bound)}", 0, logp, BLUE, "")
        bar(f"ELBO   {nats(bound)}", logp, bound, RED, f"gap {nats(numbers['gap'])}")
        if terms:
            green, pink = numbers["reconstruction"], numbers["kl"]
            bar("its two terms", 0, green, GREEN, "")
            bar("its two terms", green, bound, PINK, "")
            handles = [
                patches.Patch(color=GREEN, label=f"reconstruction {nats(green)}"),
                patches.Patch(color=PINK, label=f"rate {nats(pink)}, subtracted"),
            ]
            low.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.35), ncols=2, fontsize=9)
        low.set(xlabel="nats", xlim=(min(1.05 * bound, -4), 0))
        low.invert_yaxis()
        low.tick_params(left=False)
    return figure


def threads(noise: Tensor, built: Mapping[str, Tensor]) -> Figure:
    """Noise ε (n,) side by side with what was built of it, {title: z (n,)}: from each ε a thread leads to its z."""
    with canvas(3.0 * len(built), 1.9, 1, len(built), sharex=True) as (figure, axes):
        for ax, (title, z) in zip(axes[0], built.items(), strict=True):
            for e, end in zip(noise.tolist(), z.tolist(), strict=True):
                ax.plot([e, end], [1, 0], "-", color="#999999", linewidth=0.8)
            ax.plot(noise.tolist(), [1] * len(noise), "o", color=GREY, markersize=4)
            ax.plot(z.tolist(), [0] * len(z), "o", color=RED, markersize=5)
            ax.set(title=title, yticks=[0, 1], yticklabels=["$z$", "$\\varepsilon$"], ylim=(-0.2, 1.2))
            ax.tick_params(left=False)
            ax.spines["left"].set_visible(False)
    return figure


def climb(bound: Tensor, gap: Tensor, top: float) -> Figure:
    """A bound at each step of a training (n,), above it shaded its gap (n,), and the height ``top`` that both make."""
    steps, both = range(len(bound)), bound + gap
    with canvas(6.0, 3.4) as (figure, axes):
        ax = axes[0, 0]
        ax.axhline(top, color="black", linestyle="--", linewidth=1, label="log p(x)")
        ax.plot(steps, both.tolist(), color=RED, label="ELBO + KL(q ‖ p(z|x))")
        ax.plot(steps, bound.tolist(), color=BLUE, label="ELBO")
        ax.fill_between(steps, bound.tolist(), both.tolist(), color=RED, alpha=0.15, linewidth=0)
        ax.set(xlabel="step", ylabel="nats")
        ax.legend(loc="lower right", fontsize=9)
    return figure


def side_by_side(pictures: Tensor, models: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """The pictures (n, C, H, W), in 0..1, and below them a row a model: its reconstructions of them, and n draws.

    models: {name: (reconstructions, draws)}.
    """
    n, gap = len(pictures), torch.zeros_like(pictures[:1])
    rows = [(pictures, torch.zeros_like(pictures)), *models.values()]
    shown = torch.cat([part for left, right in rows for part in (left, gap, right)])
    columns = 2 * n + 1
    gaps = {*range(n, columns), *range(n, len(shown), columns)}  # above the draws, and left of them
    figure = images(shown, columns=columns, rows=["test digit", *models], gaps=gaps)
    above = figure.axes[0].texts[0].get_position()[1]  # as high as the first row's name
    middle = figure.axes[0].get_xlim()[1] * (1 - n / (2 * columns))
    figure.axes[0].text(middle, above, "draws from the prior:", ha="center", va="center")
    return figure


def water(values: Tensor, numbers: Mapping[str, float], curve: Tensor, pictures: Tensor) -> Figure:
    """Eigenvalues (L,) under water; the curve (n, 2) of rate and distortion with the point of ``numbers``; pictures.

    numbers: "water", "rate", "distortion", in nats, "beta", "sigma", and "values", how many eigenvalues there are, some
    of them not shown; pictures (3 · n, 1, H, W) in 0..1: data, reconstructions, draws.
    """
    n = len(pictures) // 3
    with canvas(7.4, 5.6) as (figure, axes):
        axes[0, 0].remove()
        halves: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1))
        top, low = halves
        left, right = top.subplots(1, 2)
        shown = values[values > 1e-4].tolist()
        colours = [RED if value > numbers["water"] else GREY for value in shown]
        left.bar(range(1, len(shown) + 1), shown, color=colours)
        left.axhspan(1e-4, max(numbers["water"], 1e-4), color=BLUE, alpha=0.25)
        left.set(yscale="log", ylim=(1e-4, 2 * shown[0]), ylabel="eigenvalue; water at βσ²")
        left.set(xlabel=f"latent, {len(values)} for {numbers['values']} eigenvalues")
        right.plot(*curve.T.tolist(), color=BLUE)
        right.plot(numbers["rate"], numbers["distortion"], "o", color=RED, markersize=8)
        right.set(xlabel="rate, nats", ylabel="distortion, nats")
        left.set_title(f"β = {numbers['beta']:.3g}, σ = {numbers['sigma']:.3g}", fontsize=10)
        R, D = numbers["rate"], numbers["distortion"]
        right.set_title(f"R {R:.1f} + D {D:.1f} = −ELBO {R + D:.1f} nats".replace("-", "−"), fontsize=10)
        grid = low.subplots(3, n)
        for i, ax in enumerate(grid.flat):
            draw_picture(ax, pictures[i], None)
        for ax, name in zip(grid[:, 0], ("data", "reconstruction", "draw"), strict=True):
            ax.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def reparameterization(
    noise: Tensor,
    mean: float,
    sd: float,
    f: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
    estimates: Mapping[str, Mapping[str, Tensor]],
) -> Figure:
    """Noise ε, the samples z = mean + sd ε on the curve f with its slopes, and below each draw's two gradients.

    estimates: {"mean" and "sd": {"path": (n,), "score": (n,), "exact": scalar}}, derivatives of E[f(z)].
    """
    z, reach = mean + sd * noise, 12
    with canvas(6.8, 5.2, 3, 1, height_ratios=(0.7, 1.6, 1.4)) as (figure, axes):
        threads, curve, low = axes[:, 0]
        for e, sample in zip(noise.tolist(), z.tolist(), strict=True):
            threads.plot([e, sample], [1, 0], "-", color="#999999", linewidth=0.8)
        threads.plot(noise.tolist(), [1] * len(noise), "o", color=GREY, markersize=3.5)
        threads.plot(z.tolist(), [0] * len(z), "o", color=RED, markersize=4)
        threads.set(yticks=[0, 1], yticklabels=["$z=\\mu+\\sigma\\varepsilon$", "$\\varepsilon$"], xlim=(-4, 4))
        threads.spines[:].set_visible(False)
        threads.tick_params(bottom=False, labelbottom=False, left=False)
        u = torch.linspace(-4, 4, 300, dtype=torch.float64)
        curve.plot(u.tolist(), f(u).tolist(), color=BLUE)
        curve.plot(z.tolist(), f(z).tolist(), "o", color=RED, markersize=4)
        for at, height, rise in zip(z.tolist(), f(z).tolist(), slope(z).tolist(), strict=True):
            half = 0.25 / (1 + (rise / 2) ** 2) ** 0.5
            ends = [at - half, at + half], [height - half * rise, height + half * rise]
            curve.plot(*ends, color=RED, linewidth=2)
        curve.set(xlim=(-4, 4), xlabel="z", ylabel="f(z)")
        rows = [(key, way) for key in ("mean", "sd") for way in ("path", "score")]
        names = [f"$\\partial/\\partial\\{'mu' if key == 'mean' else 'sigma'}$, by the {way}" for key, way in rows]
        for y, (key, way) in enumerate(rows):
            values, colour = estimates[key][way], RED if way == "path" else GREEN
            shown = values.clamp(-reach, reach).tolist()
            low.plot(shown, [y] * len(shown), "o", color=colour, alpha=0.45, markersize=5, mew=0)
            low.plot([values.mean().item()] * 2, [y - 0.35, y + 0.35], color=colour, linewidth=3.5)
            low.plot([estimates[key]["exact"].item()] * 2, [y - 0.45, y + 0.45], "--", color="black", linewidth=1.2)
        low.set(yticks=range(4), yticklabels=names, xlim=(-reach - 0.5, reach + 0.5))
        low.set_xlabel("one estimate a draw (dots), their mean (bar), the true derivative (dashed)")
        low.invert_yaxis()
        low.tick_params(left=False)
    return figure


def plane(
    points: Tensor,
    picture: Tensor,
    *,
    at: Tensor,
    labels: Sequence[int] | None = None,
    classes: Sequence[str] = (),
    extent: Sequence[float],
    names: Sequence[str] = ("z1", "z2"),
    grid: Tensor | None = None,
    note: str = "",
    shares: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """Codes (n, 2) in the plane, the point ``at`` (2,), and the picture (C, H, W) that is decoded there, in 0..1.

    labels: one for each code; classes: their names, with colours and a legend where they are at most ten; extent
    (x0, x1, y0, y1); names: of the directions, the axes' first; grid: pictures (rows, columns, C, H, W) in 0..1 that
    tile the plane from its lower left corner, where there are no codes to show; note: what stands below the picture;
    shares: {factor: how much each direction tells of it, 0..1}, as a table.
    """
    ratios, wide = ((3, 2, 2.4), 9.6) if shares else ((3, 2), 6.6)
    with canvas(wide, 3.9, 1, len(ratios), width_ratios=ratios) as (figure, axes):
        ax, out = axes[0, :2]
        if shares:
            _share_table(axes[0, 2], shares, names)
        if len(classes) > len(TEN):
            labels, classes = None, ()  # colours that repeat tell nothing
        if grid is not None:
            x0, x1, y0, y1 = extent
            tiles = grid.flip(0).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).clamp(0, 1)
            tiles = tiles if tiles.shape[-1] == 3 else 1 - 0.75 * tiles[..., 0]  # paler than the picture beside
            ax.imshow(tiles.tolist(), extent=(x0, x1, y0, y1), aspect="auto", cmap="gray", vmin=0, vmax=1)
        for k in sorted(set(labels if labels is not None else [0] * len(points))):
            chosen = [i for i in range(len(points)) if labels is None or labels[i] == k]
            colour = TEN[k % 10]
            name = classes[k] if classes else None
            ax.plot(*points[chosen].T.tolist(), "o", color=colour, markersize=3, alpha=0.7, label=name, mew=0)
        ax.plot(*at.tolist(), "o", color="white", mec="#222222", mew=2, markersize=9)
        ax.set(xlim=extent[:2], ylim=extent[2:], xlabel=names[0], ylabel=names[1])
        if classes and len(points):
            style = {"fontsize": 8, "markerscale": 1.8, "handletextpad": 0, "columnspacing": 0.8}
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=min(5, len(classes)), **style)
        draw_picture(out, picture, None)
        out.set_title("decoded at the white point")
        out.set_xlabel(note)
    return figure


def _share_table(ax: Any, shares: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """A row a direction, a column a factor, in per cent, the darker the more."""
    table = 100 * torch.tensor(list(shares.values())).T  # (m, factors)
    ax.imshow(table.tolist(), cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for k, row in enumerate(table.tolist()):
        for j, value in enumerate(row):
            ax.text(
                j, k, f"{value:.0f}", ha="center", va="center", fontsize=8, color="white" if value > 60 else "black"
            )
    ax.set_xticks(range(len(shares)), list(shares), rotation=60, ha="right")
    ax.set_yticks(range(len(names)), list(names))
    ax.set_title("share it tells, in %")
