"""Every exercise: the reference passes, every mistake gets its own hint, the stub waits, junk gets a clear line.

And the machinery itself: what it says of gradients, inputs changed in place, endless loops, exceptions, prints.
"""

import ast
import importlib
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from genlib.course import check, exercises
from genlib.course.build import read_source, stub
from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.lectures import available
from tests import mutants

ALL = [e for lecture in exercises.lectures() for e in exercises.of_lecture(lecture)]
MISTAKES = [(e, hint, mistake) for e in ALL for hint, mistake in e.mistakes]
JUNK = {
    "None": None,
    "a string": "42",
    "a number": 42,
    "a list": [1, 2],
    "a tensor": torch.ones(3),
    "returns None": lambda *_: None,
    "returns a string": lambda *_: "x",
    "returns a list of strings": lambda *_: ["x", "y", "z"],
    "returns NaN": lambda *_: float("nan"),
    "returns a NaN tensor": lambda *_: torch.tensor(float("nan")),
    "returns a wrong shape": lambda *_: torch.ones(2, 7, 1, 3),
    "returns nothing of it": lambda *_: (),
    "returns a complex number": lambda *_: 1j,
    "returns itself": lambda *_: print,
    "divides by zero": lambda *_: 1 / 0,
    "returns a number too large for a float": lambda *_: 17**4000,
    "returns a tensor without values": lambda *_: torch.ones(4, 3, device="meta"),
    "returns a sparse tensor": lambda *_: torch.eye(3).to_sparse(),
    "returns an object": lambda *_: object(),
    "takes no arguments": lambda: 0.123,
    "takes too many": lambda a, b, c, d, e, f, g: 0.123,
    "calls exit": lambda *_: sys.exit(0),
    "recurses": lambda *a: JUNK["recurses"](*a),
}


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_the_reference_passes(exercise):
    verdict = exercise.check(exercise.reference)
    assert verdict.mark == "✓", verdict
    assert str(verdict) == str(exercise.solved())


@pytest.mark.parametrize(("exercise", "hint", "mistake"), MISTAKES, ids=[f"{e.name}-{h[:40]}" for e, h, _ in MISTAKES])
def test_every_mistake_is_refused_with_its_own_hint(exercise, hint, mistake):
    verdict = exercise.check(mistake)
    assert (verdict.mark, verdict.text) == ("✗", hint)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_there_are_at_least_three_mistakes_with_different_hints(exercise):
    assert len({hint for hint, _ in exercise.mistakes}) >= 3


@pytest.mark.parametrize("lecture", exercises.lectures())
def test_the_exercises_of_a_lecture_are_listed_in_order(lecture):
    listed = exercises.of_lecture(lecture)
    assert [e.number for e in listed] == [f"{int(lecture)}.{i + 1}" for i in range(len(listed))]
    assert set(exercises.names()) >= {e.name for e in listed}
    module = sys.modules[f"genlib.course.exercises.lecture_{lecture}"]
    assert {e for e in vars(module).values() if isinstance(e, Exercise)} == set(listed)


def imports_of(source) -> str:
    """What a lecture's cells import, checks aside: an answer may use it."""
    trees = [
        ast.parse(c.source) for c in source.cells if c.cell_type == "code" and c.source and c.source[0] not in "%!"
    ]
    found = [node for tree in trees for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in found if "genlib.course" not in ast.unparse(node)) + "\n"


@pytest.mark.parametrize("lecture", available(), ids=lambda lecture: lecture.number)
def test_the_answer_in_the_source_passes_and_its_stub_waits(lecture):
    source = read_source(lecture)
    setup = "import math, torch, torch.nn.functional as F\n" + imports_of(source)
    for cell in source.cells:
        name = cell.metadata.get("exercise")
        if name and "check" not in cell.metadata.get("tags", []):
            exercise = exercises.find(name)
            for code, mark in ((cell.source, "✓"), (stub(cell), "○")):
                namespace = {}
                exec(setup + code, namespace)
                assert exercise.check(namespace[name]).mark == mark, (name, exercise.check(namespace[name]))


@pytest.mark.parametrize("kind", JUNK)
@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_junk_gets_one_clear_line(exercise, kind, capfd):
    verdict = exercise.check(JUNK[kind])
    line = str(verdict)
    assert verdict.mark == "✗", line
    assert "\n" not in line
    assert len(line) < 400
    assert "Traceback" not in line
    assert capfd.readouterr() == ("", "")
    hints = {hint for hint, _ in exercise.mistakes}
    assert verdict.text not in hints, f"junk was taken for a mistake that it is not: {line}"


# Right answers in other clothes, and mutants: tests/lectures has both ------------------------------------------------


def right_answers() -> list:
    """(exercise, in which form, answer, words) of tests/lectures/right_NN.py: RIGHT = {exercise: {form: answer}}.

    An answer may be a pair (answer, words): then it is not accepted, and the line that is told says these words.
    """
    found = []
    for path in sorted((Path(__file__).parents[1] / "lectures").glob("right_*.py")):
        for name, forms in importlib.import_module(f"tests.lectures.{path.stem}").RIGHT.items():
            assert len(forms) >= 4, f"{name}: four forms of a right answer, please"
            for form, answer in forms.items():
                found.append((exercises.find(name), form, *(answer if isinstance(answer, tuple) else (answer, None))))
    return found


RIGHT = right_answers()


@pytest.mark.parametrize(("exercise", "form", "answer", "words"), RIGHT, ids=[f"{e.name}-{f}" for e, f, *_ in RIGHT])
def test_a_right_answer_is_accepted_however_it_is_written(exercise, form, answer, words):
    verdict = exercise.check(answer)
    assert (verdict.mark == "✓") if words is None else (verdict.mark == "✗" and words in verdict.text), verdict


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_every_mutant_of_the_reference_is_refused_or_equal(exercise):
    lecture = f"{int(exercise.number.split('.')[0]):02}"
    listed = mutants.equal(lecture)
    if not listed:
        return  # a lecture whose exercises were not taken apart yet
    passed, count = mutants.survivors(exercise)
    assert count >= 1
    assert sorted(passed) == sorted(listed.get(exercise.name, {})), "not listed as equal, or listed and refused"


# The machinery, on an exercise of its own ---------------------------------------------------------------------------


def double(x):
    return 2 * x


def is_linear(answer):
    x = torch.randn(4)
    assert torch.allclose(answer(3 * x), 3 * answer(x)), "three times x"


def make(properties=None, mistakes=None, **keywords) -> Exercise:
    return Exercise(
        "9.1",
        "double",
        reference=double,
        inputs=lambda g: (torch.randn(3, 2, generator=g),),
        properties={"is linear": is_linear, **(properties or {})},
        mistakes={"you halved": lambda x: x / 2, **(mistakes or {})},
        **keywords,
    )


def test_the_line_of_each_kind():
    exercise = make()
    assert str(exercise.check(double)) == "✓ Exercise 9.1 double: all 3 properties hold"
    assert str(exercise.check(lambda x: x / 2)) == "✗ Exercise 9.1 double: you halved"
    assert str(exercise.not_solved()) == "○ Exercise 9.1 double: not solved yet"


def test_verdicts_are_deterministic():
    lines = {str(make().check(lambda x: x + 1)) for _ in range(3)}
    assert len(lines) == 1
    assert "expected" in lines.pop()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: 2 * x[0], "your result has shape (2,), asked was (3, 2)"),
        (lambda x: (2 * x).double(), "dtype torch.float64, asked was torch.float32"),
        (lambda x: (2 * x).long(), "dtype torch.int64"),
        (lambda x: 2 * x / 0 * 0, "NaN (not a number) in 6 of 6"),
        (lambda x: x / 0, "infinite in 6 of 6"),
        (lambda x: {"x": 2 * x}, "a dict, asked was a torch.Tensor of shape (3, 2)"),
        (lambda x: x.mul_(2), "changes argument 1 in place"),
        (lambda x: torch.where(x.abs() > 1e9, x, 2 * x) if x.dim() == 2 else x**2, "does not hold: is linear (three"),
        (lambda x: undefined, "NameError: name 'undefined' is not defined"),  # noqa: F821
    ],
)
def test_each_fault_is_told_in_words(answer, words):
    verdict = make().check(answer)
    assert verdict.mark == "✗"
    assert words in verdict.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (2 * x).numpy(),
        lambda x: list(2 * x),
        lambda x: 2 * np.asarray(x),
    ],
)
def test_arrays_and_lists_are_values_too(answer):
    assert make().check(answer).mark == "✓", make().check(answer)


def test_a_stack_is_a_pair_and_one_entry_is_a_number():
    pair = Exercise(
        "9.2", "pair", reference=lambda x: (x.sum(), x.mean()), inputs=lambda g: (torch.rand(3, generator=g),)
    )
    for answer in (
        lambda x: torch.stack([x.sum(), x.mean()]),
        lambda x: [x.sum().item(), np.float32(x.mean())],
        lambda x: np.array([x.sum(), x.mean()]),
    ):
        assert pair.check(answer).mark == "✓", pair.check(answer)
    number = Exercise("9.3", "number", reference=lambda: 0.5)
    for answer in (lambda: torch.tensor([0.5]), lambda: np.float64(0.5), lambda: torch.tensor(0.5)):
        assert number.check(answer).mark == "✓"
    assert number.check(lambda: torch.tensor([0.5, 0.5])).mark == "✗"


def test_gradients_of_pairs_are_compared_and_no_entry_changes_places():
    def reference(x):
        return x.square(), 3 * x

    exercise = Exercise(
        "9.4", "both", reference=reference, inputs=lambda g: (torch.rand(3, generator=g),), gradients=True
    )
    assert exercise.check(reference).mark == "✓"
    assert "gradient" in exercise.check(lambda x: (x.square().detach(), 3 * x)).text
    assert "gradient" in exercise.check(lambda x: (x.square(), (3 * x).detach())).text


def test_a_zero_that_requires_a_gradient_is_a_zero():
    def reference(x):
        return x.square(), torch.zeros_like(x)

    inputs = {"inputs": lambda g: (torch.rand(3, generator=g),), "gradients": True}
    exercise = Exercise("9.4", "both", reference=reference, **inputs)
    assert exercise.check(lambda x: (x.square(), 0 * x)).mark == "✓"


def test_numpy_where_gradients_are_asked_is_told_that_none_flow():
    exercise = make(gradients=True)
    assert "no gradient flows" in exercise.check(lambda x: 2 * x.numpy()).text
    assert "changes argument 1 in place" in exercise.check(lambda x: x.mul_(2)).text


def test_judgements_are_read_in_any_form_and_for_these_letters_only():
    right = {"A": True, "B": False, "C": True}
    exercise = Exercise(
        "9.5",
        "bugs",
        reference=lambda: right,
        observe=judged(right),
        mistakes=misjudged(right, {letter: f"why {letter}" for letter in right}),
    )
    for answer in (right, {"c": True, "b": False, "a": True}, [True, False, True], np.array([True, False, True])):
        assert exercise.check(lambda answer=answer: answer).mark == "✓", answer
    assert exercise.check(lambda: {"A": True, "B": True, "C": False}).text == "B: why B"  # the first that is wrong
    blank = exercise.check(lambda: {"A": True, "B": None, "C": True})
    assert blank.text == "value 2 of your 3 is None: it is still to be filled in"
    assert "missing" in exercise.check(lambda: None).text
    twice = {"A": True, "a": False, "B": False, "C": True}
    for answer in ({"B": True, "C": False, "D": True}, {"A": True, "B": False}, (True, False), twice):
        assert exercise.check(lambda answer=answer: answer).mark == "✗", answer
    assert len(exercise.mistakes) == 2**3 - 1


def test_waiting_for_the_processor_is_not_computing():
    exercise = make(seconds=0.2)
    verdict = exercise.check(lambda x: time.sleep(0.04) or 2 * x)  # the clock says more than 0.2 s in all
    assert verdict.mark == "✓", verdict


def test_the_failing_line_of_the_learner_is_quoted():
    def answer(x):
        return x @ x

    assert "`return x @ x`" in make().check(answer).text


def test_a_missing_gradient_is_noticed_and_a_wrong_one_too():
    exercise = make(gradients=True)
    assert exercise.check(double).mark == "✓"
    assert "no gradient flows" in exercise.check(lambda x: 2 * x.detach()).text
    assert "gradients are not" in exercise.check(lambda x: x + x.detach()).text


def test_a_mistake_may_be_one_of_gradients_or_an_exception():
    mistakes = {"you detached one of the two": lambda x: x + x.detach(), "you divided by zero": lambda x: 1 / 0}
    exercise = make(gradients=True, mistakes=mistakes)
    assert exercise.check(lambda x: x.detach() + x).text == "you detached one of the two"
    assert exercise.check(lambda x: x * (1 / 0)).text == "you divided by zero"


def test_edge_cases_are_told_by_name():
    exercise = make(edges={"an empty tensor": (torch.ones(0),)})
    verdict = exercise.check(lambda x: 2 * x if len(x) else torch.ones(1))
    assert verdict.text == "on an empty tensor, your result has shape (1,), asked was (0,)"


def test_leaving_in_the_middle_of_a_property_is_told():
    exercise = make(properties={"holds for five": lambda answer: answer(torch.ones(5)).sum() == 10})
    assert "calls exit()" in exercise.check(lambda x: sys.exit() if len(x) == 5 else 2 * x).text


def test_a_property_asserts_or_returns_whether_it_holds():
    properties = {"of ones it is twos": lambda answer: bool((answer(torch.ones(5)) == 2).all())}
    answers = (double, lambda x: 3 * x if len(x) == 5 else 2 * x)
    right, wrong = (make(properties=properties).check(answer) for answer in answers)
    assert right.mark == "✓"
    assert wrong.text == "this does not hold: of ones it is twos"


def test_one_hint_may_have_several_wrong_answers_and_the_first_match_speaks():
    exercise = make(mistakes={"no multiple": (lambda x: x + 1, lambda x: x + 2), "you added two": lambda x: x + 2})
    for answer in (lambda x: 1 + x, lambda x: 2 + x):
        assert exercise.check(answer).text == "no multiple"


def test_infinity_and_counts_are_compared_exactly():
    endless = Exercise("9.3", "endless", reference=lambda: float("inf"))
    assert endless.check(lambda: 3.0).mark == "✗"
    assert endless.check(lambda: float("inf")).mark == "✓"
    counting = Exercise("9.4", "counting", reference=lambda: 16**64)
    assert counting.check(lambda: 16**64 - 1).mark == "✗"
    assert counting.check(lambda: 16**64).mark == "✓"


def test_a_mistake_that_can_not_be_compared_is_passed_over():
    exercise = make(mistakes={"nothing": lambda x: None, "an object": lambda x: object()})
    assert "shape" in exercise.check(lambda x: x[:1]).text


def test_observe_turns_a_module_into_values():
    exercise = Exercise(
        "9.2",
        "Doubler",
        reference=lambda: torch.nn.Identity(),
        inputs=lambda g: (torch.randn(3, generator=g),),
        observe=lambda answer, x: answer()(x),
    )
    assert exercise.check(torch.nn.Identity).mark == "✓"
    assert exercise.check(torch.nn.Tanh).mark == "✗"


def _endless(x):
    while True:
        pass


def _endless_and_deaf(x):
    while True:
        try:  # noqa: SIM105
            time.sleep(0.001)
        except:  # noqa: E722 what a learner may write
            pass


@pytest.mark.parametrize("answer", [_endless, _endless_and_deaf, lambda x: time.sleep(60)])
def test_an_endless_loop_is_ended(answer):
    exercise = make(seconds=0.3)
    start = time.monotonic()
    assert "still running after 0.3 seconds" in exercise.check(answer).text
    assert time.monotonic() - start < 10
    assert exercise.check(double).mark == "✓", "the next check is not disturbed"


def test_the_learners_own_stop_button_still_stops():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make().check(answer)


def test_prints_are_swallowed_and_the_random_state_is_left_alone(capfd):
    def answer(x):
        print("I was here")
        print("and here", file=sys.stderr)
        torch.rand(3)
        return 2 * x

    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    assert make().check(answer).mark == "✓"
    assert torch.equal(torch.rand(2), expected)
    assert capfd.readouterr() == ("", "")


def test_check_looks_where_it_was_called(capsys):
    for namespace, mark in (({}, "○"), ({"accept": lambda p, u: u < p}, "✓"), ({"accept": 3}, "✗")):
        exec("check('accept')", {**namespace, "check": check})
        assert capsys.readouterr().out.startswith(f"{mark} Exercise 1.6 accept: ")


def test_check_of_an_unknown_name_suggests_one():
    with pytest.raises(ValueError, match="did you mean 'accept'"):
        check("acept")


def test_only_the_lecture_asked_for_is_loaded():
    import subprocess

    code = "import sys; from genlib.course import exercises; exercises.find('uniform_log_prob'); "
    code += "print([m for m in sys.modules if 'exercises.lecture' in m])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['genlib.course.exercises.lecture_00']"
