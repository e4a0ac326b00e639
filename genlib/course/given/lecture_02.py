"""Beside the answers to lecture 02."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class _Written(TorchDispatchMode):
    """Counts the numbers that torch writes; a view writes none."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor) and t.untyped_storage().data_ptr() not in given]
        self.numbers += sum(t.numel() for t in made)
        return out


def work(answer: Callable, *arguments: Any) -> tuple[int, int]:
    """How many operations a call takes, and how many numbers it writes."""
    with FlopCounterMode(display=False) as counter, _Written() as written:
        answer(*arguments)
    return counter.get_total_flops(), written.numbers
