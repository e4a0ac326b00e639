"""What a run was like: its losses, step by step."""

import dataclasses
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genlib.model import Trainable
from genlib.training.processes import OneProcess

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclasses.dataclass
class History:
    """What a run was like. A game's names have the player in front: "discriminator.loss".

    train: {name: one value a step}.
    test: {name: {step: value}}.
    test_averaged: the same with the averaged weights, where there are some.
    stopped: whether it was ended before its last step.
    averaged: the model with exponentially averaged weights, if asked for.
    seconds: how long the steps took.
    """

    train: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    test: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)
    test_averaged: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)
    stopped: bool = False
    averaged: Trainable | None = None
    seconds: float = 0.0

    def __len__(self) -> int:
        return max((len(values) for values in self.train.values()), default=0)

    def __getitem__(self, name: str) -> Tensor:
        return self.train[name]

    def add(self, name: str, values: Tensor) -> None:
        """The values of some more steps, (steps,)."""
        self.train[name] = torch.cat([self.train.get(name, torch.empty(0)), values])

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.train.items() if len(values))
        return f"History({len(self)} steps{', stopped early' if self.stopped else ''}; last: {last or 'nothing'})"

    def plot(self, smooth: int = 25, unit: str = "") -> "Figure":
        """A figure with a panel for each name: values, their mean over the ``smooth`` steps around, test values. unit,
        of all of them, such as "nats per digit"."""
        from matplotlib.figure import Figure

        names = list(self.train) or ["loss"]
        figure = Figure(figsize=(3.6 * len(names), 2.7), layout="constrained")
        for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            self._plot_training(ax, name, smooth)
            self._plot_test(ax, name)
            ax.set(title=name, xlabel="step", ylabel=unit)
            ax.spines[["top", "right"]].set_visible(False)
        return figure

    def _plot_training(self, ax: "Axes", name: str, smooth: int) -> None:
        values = self.train.get(name, torch.empty(0))
        ax.plot(range(1, len(values) + 1), values.numpy(), color="#56B4E9", alpha=0.5, linewidth=0.8)
        width = min(smooth, len(values))
        if width < 2:
            return
        mean = values.unfold(0, width, 1).mean(-1)
        middle = range((width + 1) // 2, (width + 1) // 2 + len(mean))  # of the steps that a mean is taken over
        ax.plot(middle, mean.numpy(), color="#0072B2", label=f"training, mean of {width} steps")
        first = len(values) // 20  # the first steps would squeeze all the others
        tests = [*self.test.get(name, {}).items(), *self.test_averaged.get(name, {}).items()]
        late = mean[first:].tolist() + [value for step, value in tests if step > first]
        ax.set_ylim(*_padded(min(late), max(late)))

    def _plot_test(self, ax: "Axes", name: str) -> None:
        curves = {"test": (self.test, "#D55E00"), "test, averaged weights": (self.test_averaged, "#009E73")}
        for label, (tests, colour) in curves.items():
            if name in tests:
                steps, values = list(tests[name]), list(tests[name].values())
                ax.plot(steps, values, "o-", color=colour, markersize=3, label=label)
                ax.legend(frameon=False)


class Losses:
    """The losses of the steps since the last look, still on the device: no step waits for them."""

    def __init__(self) -> None:
        self.names: list[tuple[str, str]] = []  # (player, part)
        self.rows: list[Tensor] = []  # each (parts,)

    def add(self, parts: dict[tuple[str, str], Tensor]) -> None:
        """Those of one step. Raises: ValueError where they are not the parts that there were before."""
        if self.names and self.names != list(parts):
            raise ValueError(f"the parts of the loss were {self.names}, and now are {list(parts)}: name all, each time")
        self.names = list(parts)
        self.rows.append(torch.stack(list(parts.values())))

    def read(self, processes: OneProcess) -> Tensor:
        """(steps, parts), on the CPU: this is where the device is waited for."""
        values = processes.average(torch.stack(self.rows).float()).cpu()
        self.rows = []
        return values


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
