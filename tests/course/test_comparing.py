"""What differs is told so that it can be seen, and what a call does to its inputs is noticed, whatever they are."""

import pytest
import torch

from genlib.course.exercise import Exercise
from genlib.course.exercise.comparing import differs

DOUBLE = torch.float64
APART = {  # (value, right, what must be read)
    "beyond six digits": (torch.tensor([1.0000001], dtype=DOUBLE), torch.ones(1, dtype=DOUBLE), "1.0000001, exp"),
    "beyond nine, of a large one": (
        torch.tensor([2.0, 12345.678901234], dtype=DOUBLE),
        torch.tensor([2.0, 12345.678901], dtype=DOUBLE),
        "entry [1] of your result is 12345.6789012, expected 12345.678901",
    ),
    "the last bit": (torch.tensor([1 + 2**-52], dtype=DOUBLE), torch.ones(1, dtype=DOUBLE), "1.0000000000000002, exp"),
    "float32": (torch.tensor([16777216.0]), torch.tensor([16777218.0]), "16777216, expected 16777218"),
    "six digits are enough": (torch.tensor([1.25]), torch.tensor([1.5]), "1.25, expected 1.5"),
    "integers": (torch.tensor([1234567]), torch.tensor([1234568]), "1234567, expected 1234568"),
    "integers that no float holds": (
        torch.tensor([2**53 + 1]), torch.tensor([2**53]), "9007199254740993, expected 9007199254740992"
    ),
    "truth": (torch.tensor([True, True]), torch.tensor([True, False]), "entry [1] of your result is True, exp"),
    "a number": (1.0000001, 1.0, "your value is 1.0000001, which is not right"),
    "a count": (1234567, 1234568, "your value is 1234567, which is not right"),
    "the imaginary part": (torch.tensor([1 + 2j]), torch.tensor([1 + 3j]), "1+2j, expected 1+3j"),
}  # fmt: skip


@pytest.mark.parametrize("what", APART)
def test_two_numbers_that_differ_are_printed_so_that_they_look_different(what):
    value, right, words = APART[what]
    assert words in differs(value, right, 1e-20, True)


def test_a_tensor_of_counts_is_right_or_wrong_as_one_count_is():
    right = torch.tensor([1_000_000, 3])
    assert differs(right.clone(), right, 1e-5, False) is None
    assert differs(right + 1, right, 1e-5, False)
    off = torch.tensor([1_000_001.0, 3.0])
    assert differs(off, right.float(), 1e-5, False) is None, "a float of that size may be off by one"
    assert differs(1_000_001, 1_000_000, 1e-5, False)


# In place -------------------------------------------------------------------------------------------------------------


def exercise(reference, *arguments, gradients=False, **keywords) -> Exercise:
    return Exercise("9.1", "it", reference=reference, inputs=lambda g: arguments, gradients=gradients, **keywords)


def total(values):
    return float(sum(values))


def popped(values):
    result = 0.0
    while values:
        result += values.pop()
    return result


def ordered(values):
    values.sort()
    return total(values)


def rewritten(values):
    result = total(values)
    values[0] = [values]  # a list that holds itself
    return result


@pytest.mark.parametrize("answer", [popped, ordered, rewritten, lambda v: (total(v), v.append(0.0))[0]])
def test_a_list_that_is_changed_in_place_is_seen(answer):
    asked = exercise(total, [3.0, 1.0, 2.0])
    assert asked.check(total).mark == "✓"
    assert "changes argument 1 in place" in asked.check(answer).text
    assert asked.example() == ([3.0, 1.0, 2.0],), "the exercise's own list stays as it is"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(a=2.0),
        lambda d: d.pop("b"),
        lambda d: d.update(c=0.0),
        lambda d: d["b"].append(0),
        lambda d: d["b"][0].zero_(),
        lambda d: d.update(a=d.pop("a")),  # another order
        lambda d: d.update(a=1),  # an integer in place of a float
    ],
)
def test_a_dictionary_that_is_changed_in_place_is_seen_however_deep(change):
    def reference(d):
        return d["a"] + float(d["b"][0].sum())

    def answer(d):
        result = reference(d)
        change(d)
        return result

    asked = exercise(reference, {"a": 1.0, "b": [torch.ones(2)]})
    assert asked.check(reference).mark == "✓"
    assert "changes argument 1 in place" in asked.check(answer).text


class Any(float):
    """A number that equals anything."""

    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def test_what_equals_anything_is_a_change_all_the_same():
    def answer(values):
        values[0] = Any(7)
        return 6.0

    assert "changes argument 1 in place" in exercise(total, [3.0, 1.0, 2.0]).check(answer).text


@pytest.mark.parametrize("given", [(1, [float("nan"), 2.0]), ({}, []), (("a", (None, True)), {"f": max, "g": [b"x"]})])
def test_what_is_left_alone_is_no_change(given):
    assert exercise(lambda a, b: 1.0, *given).check(lambda a, b: 1.0).mark == "✓"


def test_a_mistake_that_empties_a_list_is_told_by_its_own_hint():
    asked = exercise(total, [3.0, 1.0], mistakes={"you empty the list": popped})
    assert asked.check(popped).text == "you empty the list"


def test_infinity_that_becomes_the_largest_number_is_a_change():
    def answer(x):
        x.nan_to_num_()
        return 1.0

    asked = exercise(lambda x: 1.0, torch.tensor([float("inf"), 1.0]))
    assert "changes argument 1 in place" in asked.check(answer).text


def there_and_back(x):
    x -= 1
    y = x.square()
    x += 1
    return y


def no_change_at_all(x):
    x.clamp_(min=-1e9)
    return (x - 1).square()


def on_a_view(x):
    flat = x.view(-1)
    flat *= 1
    return (x - 1).square()


def on_what_lies_between(x):
    y = (x - 1).exp()
    y *= 1  # the gradient of exp needs what it was
    return y.log().square()


@pytest.mark.parametrize("answer", [there_and_back, no_change_at_all, on_a_view, on_what_lies_between])
def test_a_change_in_place_that_undoes_itself_is_told_as_what_it_is(answer):
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    asked = exercise(lambda x: (x - 1).square(), x, gradients=True)
    said = asked.check(answer).text
    assert "an operation in place, such as x -= 1" in said
    assert "detach" not in said, "nothing was detached"
    assert "no gradient flows" in asked.check(lambda x: (x.detach() - 1).square()).text
    values_only = exercise(lambda x: (x - 1).square(), x)
    assert values_only.check(answer).mark == "✓", "where no gradient is asked for, it harms nobody"
