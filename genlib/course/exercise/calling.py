"""Calling an answer: what it did with one input, and how it stopped, in words."""

import copy
import dataclasses
import io
import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# Lines of these folders are not a learner's: the course's own, and torch's.
_NOT_THEIRS = (str(Path(__file__).parents[1]), torch.__path__[0])


@dataclasses.dataclass
class Outcome:
    """What a function did with one input."""

    situation: str  # "a random input", or the name of an edge case
    value: object = None
    error: BaseException | None = None
    changed: str | None = None  # what it did to its input, if it changed it in place
    gradients: list[Tensor | None] | None = None  # of the sum of the values, for each floating input


class Quiet(io.TextIOBase):
    """Swallows what an answer prints: it is called many times, and the verdict is one line."""

    def write(self, text: str) -> int:
        return len(text)


def outcome(function: Callable, situation: str, arguments: tuple, observe: Callable, gradients: bool) -> Outcome:
    """Calls ``observe(function, *arguments)`` on copies, from a fixed seed; an exception is part of the outcome."""
    result = Outcome(situation)
    given = copy.deepcopy(arguments)
    try:
        torch.manual_seed(0)
        result.value = _detached(observe(function, *given))
        result.changed = _changed(arguments, given)
        if gradients:
            result.gradients = _gradients(function, arguments, observe)
    except (Exception, SystemExit) as error:
        result.error = error
    return result


def _changed(arguments: tuple, given: tuple) -> str | None:
    """The last tensor that the call changed in place, as "argument 2"; None where there is none."""
    changed = None
    for index, (before, after) in enumerate(zip(arguments, given, strict=True)):
        if isinstance(before, Tensor) and not same_tensor(before, after):
            changed = f"argument {index + 1}"
    return changed


def _gradients(function: Callable, arguments: tuple, observe: Callable) -> list[Tensor | None] | None:
    """Of a weighted sum of the values, for each floating input; None where nothing flows.

    Each entry has a weight of its own: in a plain sum, entries that have changed places would not show.
    """
    leaves = [a.detach().clone().requires_grad_() if is_float(a) else copy.deepcopy(a) for a in arguments]
    torch.manual_seed(0)
    try:
        value = observe(function, *leaves)
    except RuntimeError as error:
        if "requires grad" in str(error):  # .numpy(), or a change in place: it works on values, and not in training
            return None
        raise
    values = [v for v in (value if isinstance(value, tuple | list) else [value]) if is_float(v)]
    if not any(v.requires_grad for v in values):
        return None
    flat = torch.cat([v.flatten().double() for v in values])
    total = (flat * torch.linspace(1, 2, len(flat), dtype=torch.double)).sum()
    return list(torch.autograd.grad(total, [leaf for leaf in leaves if is_float(leaf)], allow_unused=True))


def _detached(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)([_detached(v) for v in value])
    return value.detach().clone() if isinstance(value, Tensor) else value


def is_float(value: object) -> bool:
    """Whether it is a tensor of floating-point numbers."""
    return isinstance(value, Tensor) and value.is_floating_point()


def same_tensor(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors hold the same; NaN is NaN."""
    return a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())


def stopped(error: BaseException, where: str) -> str:
    """An exception in the learner's code as one line: the line that raised it, and the message."""
    if isinstance(error, SystemExit):
        return "your code calls exit(); return a value instead"
    if isinstance(error, RecursionError):
        return "your function calls itself without end"
    frames = _frames(error)
    if isinstance(error, TypeError) and "positional argument" in str(error) and not frames:
        return f"your function can't be called as asked: {one_line(error)}"
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip() if frames else ""
    at = f" at `{line}`" if line else ""
    message = f"{type(error).__name__}: {one_line(error)}".rstrip(": ")
    return f"your code stopped {where}{at}: {message}"


def one_line(error: BaseException, limit: int = 160) -> str:
    """An exception's message without line breaks, and not longer than ``limit`` characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The part of the traceback that lies in the learner's own code."""
    return [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_NOT_THEIRS)]
