"""Data as a run takes them: all on the device, so that a batch is an index."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from genlib.model import Trainable
from genlib.training.processes import OneProcess

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# What the model and its data become; the other precisions leave them as they are, and compute in half of it at most.
DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16}


class Data(Protocol):
    """What ``fit`` takes besides a plain tensor: ``genlib.data.Dataset`` is one."""

    @property
    def x(self) -> Tensor: ...

    @property
    def y(self) -> Tensor | None: ...

    def __len__(self) -> int: ...

    def __getitem__(self, i: Tensor, /) -> tuple[Tensor, Tensor | None]: ...

    def to(self, device: torch.device, /) -> Any: ...


class Examples:
    """Data as this model takes them: on its device, in its precision, with y only where it is conditional."""

    def __init__(self, name: str, data: Tensor | Data, model: Trainable, fabric: "Fabric"):
        if not isinstance(data, Tensor) and not hasattr(data, "x"):
            raise ValueError(f"{name} must be a tensor or one data set: train, test = data.digits()")
        self.data, self.device = data.to(fabric.device), fabric.device
        self.dtype = DTYPES.get(fabric.strategy.precision.precision)
        self.conditional = model.condition is not None
        try:
            self.check(model)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """x (B, *shape) and y, for indices (B,)."""
        x, y = (self.data.index_select(0, index), None) if isinstance(self.data, Tensor) else self.data[index]
        return self._cast(x), self._cast(y) if self.conditional and y is not None else None

    def _cast(self, values: Tensor) -> Tensor:
        return values if self.dtype is None or not values.is_floating_point() else values.to(self.dtype)

    def in_order(self, size: int = 1000) -> Iterator[tuple[Tensor, Tensor | None]]:
        """All of them, ``size`` at a time."""
        for index in torch.arange(len(self), device=self.device).split(size):
            yield self[index]

    def check(self, model: Trainable) -> None:
        """Looks at all of them, once. Raises: ValueError where they are not what the model takes."""
        if len(self) == 0:
            raise ValueError("the data set is empty")
        for x, y in self.in_order(10_000):
            model.check(x, y)
            if x.is_floating_point() and not bool(x.isfinite().all()):
                raise ValueError("x holds values that are not finite")


class Batches:
    """Batches without end, a new order for each pass over the data (what is left over of a pass is left out).

    Which batch comes next depends on the seed and on how many were drawn, alone: so a run can go on where it ended.
    """

    def __init__(self, examples: Examples, size: int, seed: int, processes: OneProcess):
        self.examples, self.size, self.seed, self.processes = examples, min(size, len(examples)), seed, processes
        if self.size % processes.count:
            raise ValueError(f"a batch of {self.size} can't be shared by {processes.count} processes evenly")
        self.drawn, self.epoch = 0, -1
        self.order = torch.empty(0)

    def first(self) -> tuple[Tensor, Tensor | None]:
        """The first examples as they stand, for a start that depends on data; the same in all processes."""
        return self.examples[torch.arange(self.size, device=self.examples.device)]

    def draw(self) -> tuple[Tensor, Tensor | None]:
        """The next batch, or this process's share of it."""
        epoch, place = divmod(self.drawn, len(self.examples) // self.size)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            order = torch.randperm(len(self.examples), generator=generator)
            self.order, self.epoch = order.to(self.examples.device), epoch
        self.drawn += 1
        index = self.order[place * self.size : (place + 1) * self.size]
        return self.examples[self.processes.share(index)]
