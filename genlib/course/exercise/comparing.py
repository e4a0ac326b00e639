"""Comparing what an answer did with what it should have done: what differs, in words, and which mistake it is.

``tol`` is how far a value may be off, times its size where that is above 1; ``exact``, whether a floating dtype must be
the same. What is compared are plain values (see plain.py): no object of a learner's own meets an operator of ours.
"""

import math
from typing import Any

import torch
from torch import Tensor

from genlib.course.exercise.calling import Outcome, describe, is_float


def complaint(outcome: Outcome, right: Outcome, situation: str, tol: float, exact: bool) -> str | None:
    """What is wrong with the outcome in one situation, in words; None where it is right."""
    if outcome.stop is not None:
        return outcome.stop.told(f"on {situation}")
    difference = differs(outcome.value, right.value, tol, exact)
    if difference:
        return difference if situation == "its call" else f"on {situation}, {difference}"
    if outcome.changed:
        return f"your function changes {outcome.changed} in place; work on a copy, the caller still needs it"
    if right.gradients is not None:
        if outcome.gradients is None and outcome.in_place:
            return (
                "the values are right, but an operation in place, such as x -= 1, works on what gradients are taken "
                "through; make a new tensor: x = x - 1"
            )
        if outcome.gradients is None:
            return "the values are right but no gradient flows to the inputs; use torch, without detach or item"
        if not _all_close(outcome.gradients, right.gradients, tol):
            return f"on {situation}, the values are right but their gradients are not"
    return None


def agree(mine: list[Outcome], theirs: list[Outcome], tol: float, exact: bool) -> bool:
    """Whether two functions did the same on every input."""
    return all(_same(a, b, tol, exact) for a, b in zip(mine, theirs, strict=True))


def _same(a: Outcome, b: Outcome, tol: float, exact: bool) -> bool:
    if _how(a) != _how(b):
        return False
    if a.stop is None and differs(a.value, b.value, tol, exact):
        return False
    if a.gradients is None or b.gradients is None:
        return a.gradients is b.gradients
    return _all_close(a.gradients, b.gradients, tol)


def _how(outcome: Outcome) -> tuple:
    """How a call ended: with which exception, and whether its inputs are still what they were."""
    return outcome.stop and (outcome.stop.kind, outcome.stop.message), bool(outcome.changed)


def differs(value: object, right: object, tol: float, exact: bool) -> str | None:
    """How a value differs from the right one, in words; None where it does not. Whatever the value is, it is told."""
    try:
        return _compare(value, right, tol, exact)
    except Exception as error:
        return f"your value, {describe(value)}, can't be compared with the right one ({type(error).__name__})"


def _compare(value: Any, right: Any, tol: float, exact: bool) -> str | None:
    if value is None and right is not None:
        return "your function returns None; is a `return` missing?"
    value = as_asked(value, right)
    if isinstance(right, tuple):
        return _compare_tuples(value, right, tol, exact)
    if isinstance(right, str):
        if not isinstance(value, str):
            return f"your function returns {describe(value)}, asked was a string"
        return None if value.strip().lower() == right.strip().lower() else f"{value[:60]!r} is not right"
    if isinstance(right, Tensor):
        return _compare_tensors(value, right, tol, exact)
    return _compare_numbers(value, right, tol)


def as_asked(value: Any, right: Any) -> Any:
    """The same values in the form of the right ones: a list as a tensor, a stack as a tuple, one entry as a number.

    What can't be read that way stays as it is, and is told.
    """
    if isinstance(right, tuple) and isinstance(value, Tensor) and value.dim() and len(value) == len(right):
        return tuple(value.unbind())
    if isinstance(right, Tensor) and not isinstance(value, Tensor):
        return _stacked(value, right)
    one = isinstance(value, Tensor) and value.numel() == 1
    return value.item() if one and isinstance(right, int | float) else value


def _stacked(value: Any, right: Tensor) -> Any:
    """A list of numbers or tensors as one tensor; a number, where one was asked for."""
    try:
        if isinstance(value, list | tuple) and value:
            return torch.stack(
                [torch.as_tensor(v, dtype=None if isinstance(v, Tensor) else right.dtype) for v in value]
            )
        if isinstance(value, int | float) and right.numel() == 1:
            return torch.full_like(right, value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        pass
    return value


def _compare_tuples(value: Any, right: tuple, tol: float, exact: bool) -> str | None:
    if not isinstance(value, tuple | list):
        return f"your function returns {describe(value)}, asked were {len(right)} values"
    if len(value) != len(right):
        return f"your function returns {len(value)} values, asked were {len(right)}"
    pairs = list(zip(value, right, strict=True))
    empty = [i + 1 for i, (v, r) in enumerate(pairs) if v is None and r is not None]
    if empty:
        return f"value {empty[0]} of your {len(right)} is None: it is still to be filled in"
    complaints = (_compare(v, r, tol, exact) for v, r in pairs)
    return next((f"value {i + 1}: {c}" for i, c in enumerate(complaints) if c), None)


def _compare_numbers(value: Any, right: float, tol: float) -> str | None:
    if type(value) is int and abs(value) > 2**1000:
        return None if value == right else "your value is far too large"  # no float holds it
    if isinstance(value, bool) != isinstance(right, bool) or not isinstance(value, int | float | complex):
        asked = "True or False" if isinstance(right, bool) else "a number"
        return f"your function returns {describe(value)}, asked was {asked}"
    if isinstance(value, complex) or (math.isnan(value) and not math.isnan(right)):
        return f"your value is {value}, which is not a real number"
    exact = isinstance(right, int) or math.isinf(right)  # a count is right or wrong; infinity gives no slack
    if value == right or (not exact and abs(value - right) <= tol * max(1.0, abs(right))):
        return None
    return f"your value is {_told_apart(value, right)[0]}, which is not right"


def _compare_tensors(value: Any, right: Tensor, tol: float, exact: bool) -> str | None:
    if not isinstance(value, Tensor):
        return f"your function returns {describe(value)}, asked was a torch.Tensor of shape {tuple(right.shape)}"
    if value.shape != right.shape:
        return f"your result has shape {tuple(value.shape)}, asked was {tuple(right.shape)}"
    kinds = [(t.is_floating_point(), t.is_complex(), t.dtype == torch.bool) for t in (value, right)]
    if kinds[0] != kinds[1] or (exact and is_float(right) and value.dtype != right.dtype):
        return f"your result has dtype {value.dtype}, asked was {right.dtype}"
    if value.isnan().any() and not right.isnan().any():
        return f"your result has NaN (not a number) in {int(value.isnan().sum())} of {value.numel()} entries"
    if value.isinf().any() and not right.isinf().any():
        return f"your result is infinite in {int(value.isinf().sum())} of {value.numel()} entries"
    return None if _close(value, right, tol) else _worst_entry(value, right)


def _worst_entry(value: Tensor, right: Tensor) -> str:
    """Where two tensors of one shape differ most, and by which numbers."""
    far = (value == right).logical_not() if _counts(right) else (_wide(value) - _wide(right)).abs()
    worst = int(far.double().nan_to_num(nan=0.0).argmax())
    place = [int(i) for i in torch.unravel_index(torch.tensor(worst), right.shape)]
    where = f"entry {place} of " if place else ""
    found, asked = _told_apart(value.flatten()[worst].item(), right.flatten()[worst].item())
    return f"{where}your result is {found}, expected {asked}"


def _told_apart(value: Any, right: Any) -> tuple[str, str]:
    """Two numbers with six digits, or as many as it takes to see that they differ; integers whole, if not too long."""
    if all(isinstance(number, int) and abs(number) < 10**17 for number in (value, right)):
        return str(value), str(right)
    for digits in range(6, 18):  # 17 tell any two floats apart
        told = f"{value:.{digits}g}", f"{right:.{digits}g}"
        if told[0] != told[1]:
            break
    return told


def _all_close(mine: list[Any], theirs: list[Any], tol: float) -> bool:
    return len(mine) == len(theirs) and all(_close(a, b, tol) for a, b in zip(mine, theirs, strict=True))


def _close(a: Any, b: Any, tol: float) -> bool:
    """Whether two tensors agree; a gradient of None is a gradient of zero."""
    if not all(t is None or isinstance(t, Tensor) for t in (a, b)):
        return False
    if a is None or b is None:
        other = a if b is None else b
        return other is None or not bool(other.count_nonzero())
    if a.shape != b.shape:
        return False
    if _counts(a) and _counts(b):
        return bool((a == b).all())
    a, b = _wide(a), _wide(b)
    near = (a - b).abs() <= tol * b.abs().clamp(min=1).nan_to_num(posinf=0)
    return bool((near | (a == b) | (a.isnan() & b.isnan())).all())


def _counts(tensor: Tensor) -> bool:
    """Whether it holds integers or truth values: these are right or wrong, as a single one is."""
    return not (tensor.is_floating_point() or tensor.is_complex())


def _wide(tensor: Tensor) -> Tensor:
    """The same numbers, as exact as they can be computed with."""
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
