"""Curves over the number of examples, and histograms of several kinds of pictures under several models."""

from collections.abc import Mapping

import torch
from matplotlib import ticker
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, canvas


def learning_curves(
    panels: Mapping[str, Mapping[str, Tensor]],
    sizes: Mapping[str, list[int]],
    *,
    xlabel: str = "training examples",
    ylabel: str = "right on new examples",
) -> Figure:
    """Means over repetitions with error bars of two standard errors: {panel: {name: values (sizes, repetitions)}}.

    sizes: {panel: the sizes}, drawn on a logarithmic axis. Values are shares, 0..1. A name keeps its colour.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    with canvas(3.9 * len(panels), 3.5, 1, len(panels)) as (figure, axes):
        for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
            for name, values in curves.items():
                k = names.index(name)
                error = 2 * values.std(1) / values.shape[1] ** 0.5
                ax.errorbar(
                    sizes[title],
                    values.mean(1).tolist(),
                    error.tolist(),
                    color=COLOURS[k],
                    marker="os^Dv"[k % 5],
                    markersize=4,
                    linewidth=1.5,
                    capsize=2,
                    label=name,
                )
            ax.set_xscale("log")
            ticks = sizes[title][:: max(1, round(len(sizes[title]) / 5))]
            ax.xaxis.set_major_locator(ticker.FixedLocator(ticks))
            ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{v:.0f}"))
            ax.xaxis.set_minor_locator(ticker.NullLocator())
            ax.yaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))  # whole percents
            ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
            ax.set(title=title, xlabel=xlabel)
            ax.legend(fontsize=8.5, loc="lower right")
        axes[0, 0].set_ylabel(ylabel)
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
