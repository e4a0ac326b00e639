"""One process or several: what they share, and where they wait for one another.

Each process takes its share of every batch, and gradients are averaged before they are used. This is done here, and not
by wrapping the model in DistributedDataParallel, since a player's loss is not its ``forward``.
"""

import threading
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class OneProcess:
    """Nobody to share with and nobody to wait for: the loop calls these all the same, and never asks how many."""

    rank, count = 0, 1

    def __init__(self) -> None:
        self.looked = time.monotonic()

    def start_alike(self, model: nn.Module) -> None:
        """All models get the weights and buffers of the first process."""

    def share(self, index: Tensor) -> Tensor:
        """This process's part of the indices of a batch."""
        return index

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """All gradients become their means over the processes."""

    def average(self, values: Tensor) -> Tensor:
        """The mean over the processes."""
        return values

    def time_to_look(self, step: int) -> bool:
        """Whether the losses should be read now: four times a second."""
        if time.monotonic() - self.looked < 0.25:
            return False
        self.looked = time.monotonic()
        return True

    def pressed(self, stop: threading.Event, step: int) -> bool:
        """Whether the stop button was pressed, in any of the processes."""
        return stop.is_set()

    def gather(self, state: Tensor) -> Tensor:
        """Everybody's tensor, on the CPU: (…) -> (processes, …)."""
        return state.cpu()[None]

    def told_by_the_first(self, words: dict[str, Any]) -> dict[str, Any]:
        """What the first process says, for all."""
        return words

    def wait(self) -> None:
        """Until all have come this far."""


class SeveralProcesses(OneProcess):
    """What differs from one to the other (clocks, a button) is asked for every 50 steps: all must do the same."""

    def __init__(self, fabric: "Fabric"):
        super().__init__()
        self.fabric, self.rank, self.count = fabric, fabric.global_rank, fabric.world_size

    def start_alike(self, model: nn.Module) -> None:
        for tensor in (*model.parameters(), *model.buffers()):
            torch.distributed.broadcast(tensor.data, 0)

    def share(self, index: Tensor) -> Tensor:
        return index[self.rank :: self.count]

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.average(torch.cat([gradient.flatten() for gradient in gradients]))  # sent in one go
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def average(self, values: Tensor) -> Tensor:
        mean = self.fabric.all_reduce(values, reduce_op="mean")
        assert isinstance(mean, Tensor)
        return mean

    def time_to_look(self, step: int) -> bool:
        return step % 50 == 0

    def pressed(self, stop: threading.Event, step: int) -> bool:
        if step % 50:
            return False
        return bool(self.average(torch.tensor(float(stop.is_set()), device=self.fabric.device)) > 0)

    def gather(self, state: Tensor) -> Tensor:
        state = state.to(self.fabric.device)
        parts = [torch.empty_like(state) for _ in range(self.count)]
        torch.distributed.all_gather(parts, state)
        return torch.stack(parts).cpu()

    def told_by_the_first(self, words: dict[str, Any]) -> dict[str, Any]:
        return self.fabric.broadcast(words)

    def wait(self) -> None:
        self.fabric.barrier()


def processes_of(fabric: "Fabric") -> OneProcess:
    """The processes that fabric has launched."""
    return SeveralProcesses(fabric) if fabric.world_size > 1 else OneProcess()
