"""Data as a run takes them: all on the device, so that a batch is an index."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from genlib.model import Trainable
from genlib.training.processes import OneProcess
from genlib.training.surroundings import dtype_of


class Data(Protocol):
    """What ``fit`` takes besides a plain tensor: ``genlib.data.Dataset`` is one."""

    @property
    def x(self) -> Tensor: ...

    @property
    def y(self) -> Tensor | None: ...

    def __len__(self) -> int: ...

    def __getitem__(self, i: Tensor, /) -> tuple[Tensor, Tensor | None]: ...

    def to(self, device: torch.device, /) -> Any: ...


Given = Any  # a tensor or array, a pair of them, data, or torch's TensorDataset and Subset; ``as_data`` says which


class Pairs:
    """Tensors as data: x (N, …) and, where there is one, y (N, …)."""

    def __init__(self, x: Any, y: Any = None):
        self.x, self.y = as_tensor(x), None if y is None else as_tensor(y)
        if self.x.dim() == 0 or (self.y is not None and (self.y.dim() == 0 or len(self.x) != len(self.y))):
            shapes = [tuple(v.shape) for v in (self.x, self.y) if v is not None]
            raise ValueError(f"its parts have shapes {shapes}; they must be (N, …), and equally many")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x.index_select(0, i), None if self.y is None else self.y.index_select(0, i)

    def to(self, device: torch.device) -> "Pairs":
        return Pairs(self.x.to(device), None if self.y is None else self.y.to(device))


class Part:
    """Some examples of a data set, as torch's Subset and random_split choose them."""

    def __init__(self, data: Data, indices: Tensor):
        self.data, self.indices = data, indices

    @property
    def x(self) -> Tensor:
        return self.data.x[self.indices]

    @property
    def y(self) -> Tensor | None:
        return None if self.data.y is None else self.data.y[self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.data[self.indices[i]]

    def to(self, device: torch.device) -> "Part":
        return Part(self.data.to(device), self.indices.to(device))


def as_tensor(values: Any) -> Tensor:
    """A tensor or array as a tensor, which no gradient leads out of. Raises: ValueError for what holds no numbers."""
    try:
        return torch.as_tensor(values if isinstance(values, Tensor) else np.ascontiguousarray(values)).detach()
    except TypeError as error:
        raise ValueError(f"it holds no numbers that torch knows: {error}") from error


def as_data(given: Given) -> Data:
    """Whatever holds tensors, as data. Raises: ValueError that says what to pass instead."""
    from torch.utils.data import DataLoader, Subset, TensorDataset

    if isinstance(given, Tensor | np.ndarray):
        return Pairs(given)
    if isinstance(given, TensorDataset):
        given = given.tensors
    if isinstance(given, Subset):
        return Part(as_data(given.dataset), torch.as_tensor(given.indices, dtype=torch.long))
    if isinstance(given, DataLoader):
        raise ValueError("it is a DataLoader; pass what it loads, loader.dataset, and batch_size=")
    if isinstance(given, tuple | list) and 1 <= len(given) <= 2:
        if all(isinstance(part, Tensor | np.ndarray) for part in given):
            return Pairs(*given)
        if all(hasattr(part, "x") for part in given):
            raise ValueError("it is several data sets; pass one: train, test = data.digits(), and test= the other")
    if not all(hasattr(given, name) for name in ("x", "y", "to", "__len__", "__getitem__")):
        raise ValueError(
            f"a {type(given).__name__} must be a tensor or one data set (train, test = data.digits()), a NumPy array, "
            "a pair (x, y), or torch's TensorDataset or Subset of these"
        )
    return given


class Examples:
    """Data as this model takes them: on its device, in its precision, with y only where it is conditional.

    dtype, what reals become; None for the model's own.
    """

    def __init__(self, name: str, data: Given, model: Trainable, device: torch.device, dtype: torch.dtype | None):
        try:
            self.data, self.device, self.conditional = as_data(data).to(device), device, model.condition is not None
            self.dtype = dtype or dtype_of(model)
            self.check(model)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """x (B, *shape) and y, for indices (B,)."""
        x, y = self.data[index]
        return self._cast(x), self._cast(y) if self.conditional and y is not None else None

    def _cast(self, values: Tensor) -> Tensor:
        """Reals in the model's precision, integers and truth values as int64."""
        if values.is_floating_point():
            return values if self.dtype is None else values.to(self.dtype)
        return values if values.is_complex() else values.long()

    def in_order(self, size: int = 1000) -> Iterator[tuple[Tensor, Tensor | None]]:
        """All of them, ``size`` at a time."""
        for index in torch.arange(len(self), device=self.device).split(size):
            yield self[index]

    def check(self, model: Trainable) -> None:
        """Looks at all of them, once. Raises: ValueError where they are not what the model takes."""
        if len(self) == 0:
            raise ValueError("the data set is empty")
        more = isinstance(self.data, Pairs) and self.data.y is not None and self.data.y.dim() > 1
        if more and not self.conditional:
            raise ValueError(
                "its y is more than labels, and this model takes none: pass x alone, other examples as test="
            )
        for x, y in self.in_order(10_000):
            model.check(x, y)


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
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            order = torch.randperm(len(self.examples), generator=generator)
            self.order, self.epoch = order.to(self.examples.device), epoch
        self.drawn += 1
        index = self.order[place * self.size : (place + 1) * self.size]
        return self.examples[self.processes.share(index)]
