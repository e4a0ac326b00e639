"""Calling an answer: what it did with one input, and how it stopped, in plain values and words."""

import contextlib
import copy
import dataclasses
import io
import linecache
import math
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genlib.course.exercise.limits import TimeLimitError
from genlib.course.exercise.plain import Other, plain, text
from genlib.course.exercise.state import as_expected

# Lines of these folders are not a learner's: the course's own, and torch's.
_NOT_THEIRS = (str(Path(__file__).parents[1]), torch.__path__[0])


@dataclasses.dataclass(frozen=True)
class Stop:
    """An exception in an answer: its type, its message, and the learner's line that raised it."""

    kind: str
    message: str = ""
    line: str = ""
    not_callable: bool = False  # it could not be called as asked: too few or too many arguments

    @classmethod
    def of(cls, error: BaseException) -> "Stop":
        """What is told of an exception."""
        frames = _frames(error)
        line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip() if frames else ""
        message = one_line(error)
        wrong_call = isinstance(error, TypeError) and "positional argument" in message and not frames
        kind = next(k for k in (SystemExit, RecursionError, type(error)) if isinstance(error, k)).__name__
        return cls(text(kind, 80), message, text(line, 120), wrong_call)

    def unsolved(self) -> bool:
        """Whether it is the stub that was handed out."""
        return self.kind == "NotImplementedError" and "Exercise" in self.message

    def told(self, where: str) -> str:
        """In one line: which line stopped, and why."""
        if self.kind == "SystemExit":
            return "your code calls exit(); return a value instead"
        if self.kind == "RecursionError":
            return "your function calls itself without end"
        if self.not_callable:
            return f"your function can't be called as asked: {self.message}"
        at = f" at `{self.line}`" if self.line else ""
        return f"your code stopped {where}{at}: {f'{self.kind}: {self.message}'.rstrip(': ')}"


@dataclasses.dataclass
class Outcome:
    """What a function did with one input: only plain values (see plain.py)."""

    value: Any = None
    stop: Stop | None = None
    changed: str | None = None  # which of its inputs it changed in place, if any
    gradients: list[Any] | None = None  # of the sum of the values, for each floating input
    in_place: bool = False  # no gradients, since an operation in place works on what they are taken through


class Quiet(io.TextIOBase):
    """Swallows what an answer prints: it is called many times, and the verdict is one line."""

    def write(self, text: str) -> int:
        return len(text)


def called(answer: Callable, *arguments: Any, **keywords: Any) -> Any:
    """How an answer is looked at, unless an exercise says otherwise: its value."""
    return answer(*arguments, **keywords)


def run(
    function: Callable,
    arguments: tuple,
    *,
    keywords: dict[str, Any] | None = None,
    observe: Callable = called,
    gradients: bool = False,
) -> Outcome:
    """Calls ``observe(function, *arguments)`` on copies, from a fixed state; an exception is part of the outcome.

    Raises only what stops the judge as well: the learner's own stop button, and the end of the time.
    """
    result, quiet = Outcome(), Quiet()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            given = copy.deepcopy(arguments)
            with as_expected():
                result.value = plain(observe(function, *given, **(keywords or {})))
                result.changed = _changed(arguments, given)
            if gradients:
                with as_expected():
                    result.gradients, result.in_place = _gradients(function, arguments, observe)
        except (KeyboardInterrupt, TimeLimitError):
            raise
        except BaseException as error:
            result.stop = Stop.of(error)
    return result


def _changed(arguments: tuple, given: tuple) -> str | None:
    """The last argument that the call changed in place, as "argument 2"; None where there is none."""
    changed = None
    for index, (before, after) in enumerate(zip(arguments, given, strict=True)):
        if not _same(before, after):
            changed = f"argument {index + 1}"
    return changed


def _same(before: Any, after: Any) -> bool:
    """Whether an input still holds what it held: tensors, numbers, texts, and lists and dictionaries of these.

    Functions and objects are not looked into. Kinds are compared first, so that what somebody put in says nothing.
    """
    if type(before) is not type(after):
        return False
    if isinstance(before, Tensor):
        return same_tensor(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        return _same(list(before), list(after)) and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, float) and math.isnan(before):
        return math.isnan(after)
    return not isinstance(before, bool | int | float | complex | str | bytes) or before == after


def _gradients(function: Callable, arguments: tuple, observe: Callable) -> tuple[list[Any] | None, bool]:
    """(of a weighted sum of the values, for each floating input, or None where nothing flows; whether that is so since
    an operation in place works on an input, or on what lies between).

    Each entry has a weight of its own: in a plain sum, entries that have changed places would not show.
    """
    leaves = [a.detach().clone().requires_grad_() if is_float(a) else copy.deepcopy(a) for a in arguments]
    try:
        value = observe(function, *leaves)
    except RuntimeError as error:
        if "requires grad" in str(error):  # .numpy(), or a change in place: it works on values, and not in training
            return None, "in-place" in str(error)
        raise
    values = [v for v in (value if isinstance(value, tuple | list) else [value]) if is_float(v)]
    if not any(v.requires_grad for v in values):
        return None, False
    flat = torch.cat([v.flatten().double() for v in values])
    total = (flat * torch.linspace(1, 2, len(flat), dtype=torch.double)).sum()
    try:
        found = torch.autograd.grad(total, [leaf for leaf in leaves if is_float(leaf)], allow_unused=True)
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return None, True
        raise
    return [plain(gradient) for gradient in found], False


def is_float(value: object) -> bool:
    """Whether it is a tensor of floating-point numbers."""
    return isinstance(value, Tensor) and value.is_floating_point()


def same_tensor(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors hold the same; NaN is NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())


def one_line(error: BaseException, limit: int = 160) -> str:
    """An exception's message without line breaks, and not longer than ``limit`` characters."""
    try:
        message = str(error)
    except Exception:  # a message that is none
        message = ""
    return text(" ".join(message[:4000].split()), limit)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The part of the traceback that lies in the learner's own code."""
    return [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_NOT_THEIRS)]


def describe(value: object) -> str:
    """What a plain value is, as "a tensor of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, Other):
        return value.what
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
