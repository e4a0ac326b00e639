"""verify: true equations pass silently but for their verdict, false ones never do."""

import math

import pytest
import torch

from genlib.course.verify import EquationError, verify

inf, nan = math.inf, math.nan


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs"),
    [
        (1, "==", 1.0 + 5e-7),
        (torch.ones(3), "==", [1, 1, 1]),
        (torch.ones(3), "==", 1),
        (torch.tensor([1e9]), "==", torch.tensor([1e9 + 100])),  # relative for large values
        ([-inf, 0], "==", [-inf, 0]),
        ([1, 2], "<=", [1, 3]),
        (5, ">=", 4),
        (-inf, "<=", 0),
    ],
)
def test_true_equations_pass_and_print_only_the_verdict(lhs, relation, rhs, capsys):
    verify("3.4", lhs, relation, rhs)
    assert capsys.readouterr().out == "✓ (3.4) holds\n"


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs"),
    [
        (1, "==", 1.00001),
        ([1, 2, 3], "==", [1, 2, 3.1]),
        (nan, "==", nan),
        (nan, "<=", 1),
        (5, "==", inf),
        (inf, "<=", 5),
        (2, "<=", 1),
        (1, ">=", 2),
        ([], "==", []),
    ],
)
def test_false_equations_raise_and_say_where(lhs, relation, rhs, capsys):
    with pytest.raises(EquationError):
        verify("3.4", lhs, relation, rhs)
    assert capsys.readouterr().out == ""


def test_the_error_names_the_equation_and_the_worst_entry():
    with pytest.raises(EquationError, match=r"\(3\.4\) .* 9 should be == the right side 2 .*1 of 3 entries"):
        verify("3.4", [1, 9, 3], "==", [1, 2, 3])


def test_nothing_is_broadcast():
    with pytest.raises(ValueError, match="make them the same"):
        verify("3.4", torch.ones(3, 1), "==", torch.ones(3))


def test_bad_calls_say_what_to_do():
    with pytest.raises(ValueError, match='choose one of "=="'):
        verify("3.4", 1, "=", 1)
    with pytest.raises(TypeError, match="left side is a str"):
        verify("3.4", "one", "==", 1)
