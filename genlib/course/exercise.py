"""An exercise: what is true of a right answer, and the wrong answers that people give.

A learner's answer is a function. It is called with the same inputs as the reference, and its outcomes (values,
exceptions, gradients) are compared. Where they differ from the reference, they are compared with each known mistake: a
match tells the learner what went wrong, not only that it did. Then come the exercise's own properties.
"""

import contextlib
import copy
import dataclasses
import io
import linecache
import math
import numbers
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from genlib.course.limits import TimeLimitError, time_limit


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a check: ✓ right, ○ not solved yet, ✗ wrong; its string is the one line that a learner sees."""

    exercise: "Exercise"
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.mark} Exercise {self.exercise.number} {self.exercise.name}: {self.text}"


@dataclasses.dataclass
class Outcome:
    """What a function did with one input."""

    situation: str  # "a random input", or the name of an edge case
    value: object = None
    error: BaseException | None = None
    changed: str | None = None  # what it did to its input, if it changed it in place
    gradients: list[Tensor | None] | None = None  # of the sum of the values, for each floating input


class Exercise:
    """One exercise.

    Arguments: number, such as "3.2", and name, the name of the function asked for; reference, a right answer;
    inputs, from a seeded torch.Generator to the tuple of arguments; edges, {description: arguments}, inputs at which
    wrong answers show; observe, (answer, *arguments) -> values, where calling the answer is not enough (a module, an
    update step); tol, how far a value may be off, times its size where that is above 1; gradients, whether gradients
    with respect to the floating inputs must agree as well; seconds, after which an answer is taken to never end.
    """

    def __init__(
        self,
        number: str,
        name: str,
        *,
        reference: Callable,
        inputs: Callable = lambda generator: (),
        edges: dict[str, tuple] | None = None,
        observe: Callable | None = None,
        tol: float = 1e-5,
        gradients: bool = False,
        seconds: float = 5.0,
    ):
        self.number, self.name, self.reference = number, name, reference
        self.observe = observe or (lambda answer, *arguments: answer(*arguments))
        self.tol, self.gradients, self.seconds = tol, gradients, seconds
        self.properties: list[tuple[str, Callable]] = []
        self.mistakes: list[tuple[str, Callable]] = []
        self._situations = [("a random input", inputs(torch.Generator().manual_seed(seed))) for seed in range(3)]
        if not self._situations[0][1]:
            self._situations = [("its call", ())]  # a number found by hand: one call tells all
        self._situations += list((edges or {}).items())
        # With floating inputs the result keeps their precision; from integers either one will do.
        self._exact = any(_is_float(a) for _, arguments in self._situations for a in arguments)
        self._right: list[Outcome] | None = None

    def property(self, text: str):
        """Decorates a function (answer) -> None that asserts something true of every right answer."""
        return lambda function: self.properties.append((text, function)) or function

    def mistake(self, hint: str):
        """Decorates a wrong answer that people give; the hint says what is wrong, never only that it is."""
        return lambda function: self.mistakes.append((hint, function)) or function

    def example(self) -> tuple:
        """The arguments of one call."""
        return self._situations[0][1]

    def count(self) -> int:
        """How many properties a right answer has: its values, its inputs left alone, its gradients, its own."""
        has_inputs = bool(self._situations[0][1])
        return len({name for name, _ in self._situations}) + has_inputs + self.gradients + len(self.properties)

    def solved(self) -> Verdict:
        """The verdict on a right answer; it is also what a solved notebook must print."""
        return Verdict(self, "✓", f"all {self.count()} properties hold")

    def not_solved(self) -> Verdict:
        return Verdict(self, "○", "not solved yet")

    def check(self, answer) -> Verdict:
        """The verdict on an answer. Never raises for what a learner can do wrong, and prints nothing."""
        quiet = _Quiet()
        try:
            with (
                time_limit(self.seconds),
                torch.random.fork_rng(),
                warnings.catch_warnings(),
                contextlib.redirect_stdout(quiet),
                contextlib.redirect_stderr(quiet),
            ):
                warnings.simplefilter("ignore")
                return self._judge(answer)
        except TimeLimitError:
            return self._wrong(
                f"your code was still running after {self.seconds:g} seconds; is there a loop that never ends?"
            )

    def _wrong(self, text: str) -> Verdict:
        return Verdict(self, "✗", text)

    def _judge(self, answer) -> Verdict:
        if not callable(answer):
            return self._wrong(
                f"{self.name} is {_describe(answer)}, not a function; define it with `def {self.name}(…):`"
            )
        outcomes = self._outcomes(answer)
        if any(isinstance(o.error, NotImplementedError) and "Exercise" in str(o.error) for o in outcomes):
            return self.not_solved()
        if self._right is None:
            self._right = self._outcomes(self.reference)
        complaints = [self._complaint(o, right) for o, right in zip(outcomes, self._right, strict=True)]
        complaint = next((c for c in complaints if c), None)
        if complaint:
            for hint, mistake in self.mistakes:
                if self._agree(outcomes, self._outcomes(mistake)):
                    return self._wrong(hint)
            return self._wrong(complaint)
        for text, holds in self.properties:
            try:
                torch.manual_seed(0)
                holds(answer)
            except AssertionError as error:
                return self._wrong(f"this does not hold: {text}" + (f" ({_one_line(error)})" if str(error) else ""))
            except (Exception, SystemExit) as error:
                return self._wrong(_stopped(error, f"where this was tried: {text}"))
        return self.solved()

    def _outcomes(self, function: Callable) -> list[Outcome]:
        return [self._outcome(function, name, arguments) for name, arguments in self._situations]

    def _outcome(self, function: Callable, situation: str, arguments: tuple) -> Outcome:
        outcome = Outcome(situation)
        given = copy.deepcopy(arguments)
        try:
            torch.manual_seed(0)
            outcome.value = _detached(self.observe(function, *given))
            for index, (before, after) in enumerate(zip(arguments, given, strict=True)):
                if isinstance(before, Tensor) and not _same_tensor(before, after):
                    outcome.changed = f"argument {index + 1}"
            if self.gradients:
                leaves = [a.detach().clone().requires_grad_() if _is_float(a) else copy.deepcopy(a) for a in arguments]
                torch.manual_seed(0)
                value = self.observe(function, *leaves)
                floats = [leaf for leaf in leaves if _is_float(leaf)]
                if isinstance(value, Tensor) and value.requires_grad:
                    outcome.gradients = list(torch.autograd.grad(value.sum(), floats, allow_unused=True))
        except (Exception, SystemExit) as error:
            outcome.error = error
        return outcome

    def _complaint(self, outcome: Outcome, right: Outcome) -> str | None:
        """What is wrong with one outcome, in words; None where it is right."""
        if outcome.error is not None:
            return _stopped(outcome.error, f"on {outcome.situation}")
        complaint = _differs(outcome.value, right.value, self.tol, self._exact)
        if complaint:
            return complaint if outcome.situation == "its call" else f"on {outcome.situation}, {complaint}"
        if outcome.changed:
            return f"your function changes {outcome.changed} in place; work on a copy, the caller still needs it"
        if right.gradients is not None:
            if outcome.gradients is None:
                return "the values are right but no gradient flows to the inputs; use torch, without detach or item"
            if not all(_close(a, b, self.tol) for a, b in zip(outcome.gradients, right.gradients, strict=True)):
                return f"on {outcome.situation}, the values are right but their gradients are not"
        return None

    def _agree(self, mine: list[Outcome], theirs: list[Outcome]) -> bool:
        """Whether two functions did the same on every input."""
        for a, b in zip(mine, theirs, strict=True):
            if (type(a.error), str(a.error)) != (type(b.error), str(b.error)) or bool(a.changed) != bool(b.changed):
                return False
            if a.error is None and _differs(a.value, b.value, self.tol, self._exact):
                return False
            if (a.gradients is None) != (b.gradients is None):
                return False
            if a.gradients and not all(_close(x, y, self.tol) for x, y in zip(a.gradients, b.gradients, strict=True)):
                return False
        return True


class _Quiet(io.TextIOBase):
    """Swallows what an answer prints: it is called many times, and the verdict is one line."""

    def write(self, text: str) -> int:
        return len(text)


def _is_float(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _detached(value):
    if isinstance(value, tuple | list):
        return type(value)([_detached(v) for v in value])
    return value.detach().clone() if isinstance(value, Tensor) else value


def _same_tensor(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())


def _close(a: Tensor | None, b: Tensor | None, tol: float) -> bool:
    """Whether two tensors agree; a gradient of None is a gradient of zero."""
    if a is None or b is None:
        other = a if b is None else b
        return other is None or not bool(other.count_nonzero())
    if a.shape != b.shape:
        return False
    a, b = a.double(), b.double()
    near = (a - b).abs() <= tol * b.abs().clamp(min=1).nan_to_num(posinf=0)
    return bool((near | (a == b) | (a.isnan() & b.isnan())).all())


def _one_line(error: BaseException, limit: int = 160) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _describe(value) -> str:
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _stopped(error: BaseException, where: str) -> str:
    """An exception in the learner's code as one line: the line that raised it, and the message."""
    if isinstance(error, SystemExit):
        return "your code calls exit(); return a value instead"
    if isinstance(error, RecursionError):
        return "your function calls itself without end"
    if isinstance(error, TypeError) and "positional argument" in str(error) and not _frames(error):
        return f"your function can't be called as asked: {_one_line(error)}"
    frames = _frames(error)
    line = linecache.getline(frames[-1].filename, frames[-1].lineno).strip() if frames else ""
    at = f" at `{line}`" if line else ""
    message = f"{type(error).__name__}: {_one_line(error)}".rstrip(": ")
    return f"your code stopped {where}{at}: {message}"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The part of the traceback that lies in the learner's own code."""
    ours = (str(Path(__file__).parent), torch.__path__[0])
    return [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)]


def _differs(value, right, tol: float, exact: bool) -> str | None:
    """How a value differs from the right one, in words; None where it does not. Whatever the value is, it is told."""
    try:
        return _compare(value, right, tol, exact)
    except Exception as error:
        return f"your value, {_describe(value)}, can't be compared with the right one ({type(error).__name__})"


def _compare(value, right, tol: float, exact: bool) -> str | None:
    if value is None and right is not None:
        return "your function returns None; is a `return` missing?"
    if isinstance(right, tuple):
        if not isinstance(value, tuple | list):
            return f"your function returns {_describe(value)}, asked were {len(right)} values"
        if len(value) != len(right):
            return f"your function returns {len(value)} values, asked were {len(right)}"
        complaints = (_compare(v, r, tol, exact) for v, r in zip(value, right, strict=True))
        return next((f"value {i + 1}: {c}" for i, c in enumerate(complaints) if c), None)
    if isinstance(right, str):
        if not isinstance(value, str):
            return f"your function returns {_describe(value)}, asked was a string"
        return None if value.strip().lower() == right.strip().lower() else f"{value!r} is not right"
    if isinstance(right, Tensor):
        return _compare_tensors(value, right, tol, exact)
    return _compare_numbers(value, right, tol)


def _compare_numbers(value, right: float, tol: float) -> str | None:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and abs(value) > 2**1000:
        return None if value == right else "your value is far too large"  # no float holds it
    if isinstance(value, bool) != isinstance(right, bool) or not isinstance(value, numbers.Number):
        asked = "True or False" if isinstance(right, bool) else "a number"
        return f"your function returns {_describe(value)}, asked was {asked}"
    if isinstance(value, complex) or (math.isnan(value) and not math.isnan(right)):
        return f"your value is {value}, which is not a real number"
    exact = isinstance(right, int) or math.isinf(right)  # a count is right or wrong; infinity gives no slack
    if value == right or (not exact and abs(value - right) <= tol * max(1.0, abs(right))):
        return None
    return f"your value is {value:.6g}, which is not right"


def _compare_tensors(value, right: Tensor, tol: float, exact: bool) -> str | None:
    """exact: the floating dtype must be the same, float32 or float64."""
    if not isinstance(value, Tensor):
        return f"your function returns {_describe(value)}, asked was a torch.Tensor of shape {tuple(right.shape)}"
    if value.device != right.device or value.layout != right.layout:
        return f"your result is {value.layout} on {value.device}, asked was {right.layout} on {right.device}"
    if value.shape != right.shape:
        return f"your result has shape {tuple(value.shape)}, asked was {tuple(right.shape)}"
    kinds = [(t.is_floating_point(), t.is_complex(), t.dtype == torch.bool) for t in (value, right)]
    if kinds[0] != kinds[1] or (exact and _is_float(right) and value.dtype != right.dtype):
        return f"your result has dtype {value.dtype}, asked was {right.dtype}"
    if value.isnan().any() and not right.isnan().any():
        return f"your result has NaN (not a number) in {int(value.isnan().sum())} of {value.numel()} entries"
    if value.isinf().any() and not right.isinf().any():
        return f"your result is infinite in {int(value.isinf().sum())} of {value.numel()} entries"
    if _close(value, right, tol):
        return None
    gap = (value.double() - right.double()).abs().nan_to_num(nan=0.0).flatten()
    worst = int(gap.argmax())
    where = "" if right.dim() == 0 else f"entry {list(_unravel(worst, right.shape))} of "
    found, asked = (
        t.flatten()[worst].item() if t.dtype == torch.bool else f"{t.flatten()[worst]:.6g}" for t in (value, right)
    )
    return f"{where}your result is {found}, expected {asked}"


def _unravel(index: int, shape) -> tuple[int, ...]:
    where = []
    for size in reversed(shape):
        where.append(index % size)
        index //= size
    return tuple(reversed(where))
