"""Every numbered equation runs: both sides are computed and compared."""

from typing import Any

import torch

_RELATIONS = ("==", "<=", ">=")


class EquationError(AssertionError):
    """An equation of the course does not hold for the numbers that it was given."""


def _values(side: Any, name: str) -> torch.Tensor:
    try:
        values = torch.as_tensor(side).detach().cpu().to(torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the {name} side is a {type(side).__name__}; verify compares tensors and numbers") from error
    if values.numel() == 0:
        raise EquationError(f"the {name} side is empty: nothing was compared")
    return values


def verify(number: str, lhs: Any, relation: str, rhs: Any, *, tol: float = 1e-6) -> None:
    """Compares the two sides of equation ``number`` and prints the verdict; raises where the equation is false.

    Arguments: lhs, rhs, tensors or numbers, of one shape, or one of them a single number; relation, "==", "<=" or ">=";
    tol, how far each entry may be off, times the size of rhs where that is above 1.
    Raises: EquationError with the worst entry; ValueError for an unknown relation or shapes that do not match (nothing
    is broadcast: a sum over the wrong axis must not pass).
    """
    if relation not in _RELATIONS:
        raise ValueError(f'relation {relation!r}: choose one of "==", "<=", ">="')
    left, right = _values(lhs, "left"), _values(rhs, "right")
    if left.shape != right.shape and left.numel() > 1 and right.numel() > 1:
        raise ValueError(f"({number}) compares shape {tuple(left.shape)} with {tuple(right.shape)}: make them the same")
    left, right = torch.broadcast_tensors(left, right)
    slack = tol * right.abs().clamp(min=1).nan_to_num(posinf=0)  # an infinite right side gives no slack
    if relation == "==":
        holds = ((left - right).abs() <= slack) | (left == right)  # the second: infinities can be equal
    elif relation == "<=":
        holds = left <= right + slack
    else:
        holds = left >= right - slack
    if not holds.all():
        gap = torch.where(holds, -1.0, (left - right).abs().nan_to_num(nan=float("inf"))).flatten()
        worst = int(gap.argmax())
        raise EquationError(
            f"({number}) does not hold: the left side {left.flatten()[worst].item():.9g} should be "
            f"{relation} the right side {right.flatten()[worst].item():.9g} within {tol:g} "
            f"({int((~holds).sum())} of {holds.numel()} entries fail)"
        )
    print(f"✓ ({number}) holds")
