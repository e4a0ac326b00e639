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
        (1e9, "==", 1e9 + 1e-3),  # the tolerance is absolute, whatever the size
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


# Near misses ----------------------------------------------------------------------------------------------------------


def test_near_misses_are_named_in_the_verdict(capsys):
    verify("3.4", 2.0, "==", 2.0, unless={"without the ½": 4.0})
    verify("3.4", [1, 2], "==", [1, 2], unless={"with the sign flipped": [-1, -2], "reversed": [2, 1], "halved": 0.5})
    verify("3.4", [1, 2], "<=", [1, 3], unless={"the other way round": ([1, 2], ">=", [1, 3])})
    assert capsys.readouterr().out.splitlines() == [
        "✓ (3.4) holds; without the ½ it would not",
        "✓ (3.4) holds; with the sign flipped it would not, nor reversed, nor halved",
        "✓ (3.4) holds; the other way round it would not",
    ]


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs", "atol", "false"),
    [
        (2.0, "==", 2.0, 0.1, 2.05),  # closer than the tolerance
        ([1, 2], "==", [1, 2], 1e-6, [1, 2]),
        ([0, 0], "<=", [1, 1], 1e-6, [0.5, 0.5]),  # far from equality, a tightened inequality holds as well
        (0.0, "==", 0.0, 1e-6, ([0.0], "<=", [1.0])),
    ],
)
def test_a_check_without_teeth_is_refused(lhs, relation, rhs, atol, false, capsys):
    with pytest.raises(EquationError, match="without teeth: without the ½ it holds as well"):
        verify("3.4", lhs, relation, rhs, atol=atol, unless={"without the ½": false})
    assert capsys.readouterr().out == ""


def test_one_entry_that_differs_rejects_a_near_miss():
    verify("3.4", [1, 2, 3], "==", [1, 2, 3], unless={"in the last entry": [1, 2, 3.1]})


def test_a_tolerance_may_be_one_for_each_entry():
    verify("3.4", [1.0, 2.0], "==", [1.05, 2.0], atol=torch.tensor([0.1, 1e-6]))
    with pytest.raises(EquationError):
        verify("3.4", [1.0, 2.0], "==", [1.0, 2.05], atol=torch.tensor([0.1, 1e-6]))


def test_a_near_miss_of_another_shape_is_a_slip_and_not_a_rejection():
    with pytest.raises(ValueError, match="make them the same"):
        verify("3.4", [1, 2], "==", [1, 2], unless={"transposed": [1, 2, 3]})
