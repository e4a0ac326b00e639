"""Every numbered equation runs: both sides are computed and compared, and the nearest false equations are rejected."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_RELATIONS = ("==", "<=", ">=")


class EquationError(AssertionError):
    """An equation of the course does not hold for the numbers that it was given, or a false one holds as well."""


def verify(
    number: str,
    lhs: Any,
    relation: str,
    rhs: Any,
    *,
    atol: float | Tensor = 1e-6,
    unless: Mapping[str, Any] | None = None,
) -> None:
    """Compares the two sides of equation ``number`` and prints the verdict; raises where the equation is false.

    Its two sides are computed by different ways. ``unless`` proves that the check has teeth: it names the nearest false
    equations, and each has to fail by the same comparison::

        verify("3.4", kl, "==", by_quadrature, unless={"without the ½": 2 * kl, "with the arguments swapped": swapped})

    prints "✓ (3.4) holds; without the ½ it would not, nor with the arguments swapped".

    Arguments: lhs, rhs, tensors or numbers, of one shape, or one of them a single number; relation, "==", "<=" or ">=";
    atol, how far each entry may be off: 1e-6 where there is a closed form or quadrature, four standard errors (a number
    or one for each entry) where there is Monte Carlo; unless, {name: what stands on the right of a false equation, or
    all of it as (lhs, relation, rhs)}, where the name completes "… it would not hold".
    Raises: EquationError with the worst entry, or with the false equation that holds; ValueError for an unknown
    relation or shapes that do not match (nothing is broadcast: a sum over the wrong axis must not pass).
    """
    fault = _fault(lhs, relation, rhs, atol)
    if fault:
        raise EquationError(f"({number}) does not hold: {fault}")
    for name, false in (unless or {}).items():
        left, other, right = false if isinstance(false, tuple) else (lhs, relation, false)
        if not _fault(left, other, right, atol):
            raise EquationError(
                f"({number}) is checked without teeth: {name} it holds as well. Choose numbers that tell the two apart"
            )
    names = list(unless or {})
    print(f"✓ ({number}) holds" + (f"; {names[0]} it would not" if names else "") + _nor(names[1:]))


def _nor(names: list[str]) -> str:
    return "".join(f", nor {name}" for name in names)


def _fault(lhs: Any, relation: str, rhs: Any, atol: float | Tensor) -> str:
    """What is wrong with an equation, in words; empty where it holds."""
    if relation not in _RELATIONS:
        raise ValueError(f'relation {relation!r}: choose one of "==", "<=", ">="')
    left, right = _values(lhs, "left"), _values(rhs, "right")
    if left.shape != right.shape and left.numel() > 1 and right.numel() > 1:
        raise ValueError(f"the sides have shape {tuple(left.shape)} and {tuple(right.shape)}: make them the same")
    left, right = torch.broadcast_tensors(left, right)
    slack = torch.as_tensor(atol).detach().cpu().to(torch.float64).expand_as(left)
    if relation == "==":
        holds = ((left - right).abs() <= slack) | (left == right)  # the second: infinities can be equal
    elif relation == "<=":
        holds = left <= right + slack
    else:
        holds = left >= right - slack
    if holds.all():
        return ""
    gap = torch.where(holds, -1.0, (left - right).abs().nan_to_num(nan=float("inf"))).flatten()
    worst = int(gap.argmax())
    return (
        f"the left side {left.flatten()[worst].item():.9g} should be {relation} "
        f"the right side {right.flatten()[worst].item():.9g} within {slack.flatten()[worst].item():g} "
        f"({int((~holds).sum())} of {holds.numel()} entries fail)"
    )


def _values(side: Any, name: str) -> Tensor:
    try:
        values = torch.as_tensor(side, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the {name} side is a {type(side).__name__}; verify compares tensors and numbers") from error
    if values.numel() == 0:
        raise EquationError(f"the {name} side is empty: nothing was compared")
    return values
