"""An exercise: what is true of a right answer, and the wrong answers that people give.

A learner's answer is a function. It is called with the same inputs as the reference, and its outcomes (values,
exceptions, gradients) are compared. Where they differ from the reference, they are compared with each known mistake: a
match tells the learner what went wrong, not only that it did. Then come the exercise's own properties.
"""

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from genlib.course.exercise.calling import Outcome, Quiet, is_float, one_line, outcome, stopped
from genlib.course.exercise.comparing import agree, as_asked, complaint, describe
from genlib.course.exercise.limits import TimeLimitError, time_limit


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a check: ✓ right, ○ not solved yet, ✗ wrong; its string is the one line that a learner sees."""

    exercise: "Exercise"
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.mark} Exercise {self.exercise.number} {self.exercise.name}: {self.text}"


class Exercise:
    """One exercise.

    Arguments:
        number: such as "3.2".
        name: the name of the function asked for.
        reference: a right answer.
        inputs: from a seeded torch.Generator to the tuple of arguments; none for a number found by hand.
        edges: {description: arguments}, inputs at which wrong answers show.
        properties: {what is true of every right answer: (answer) -> None}; the function asserts it, or returns whether
            it holds.
        mistakes: {hint: a wrong answer that people give, or several}; the hint says what is wrong, never only that it
            is. The first that did what the learner's answer does is told.
        observe: (answer, *arguments) -> values, where calling the answer is not enough (a module, an update step).
        tol: how far a value may be off, times its size where that is above 1.
        gradients: whether gradients with respect to the floating inputs must agree as well.
        seconds: of the processor, after which an answer is taken to never end.
    """

    def __init__(
        self,
        number: str,
        name: str,
        *,
        reference: Callable,
        inputs: Callable[[torch.Generator], tuple] = lambda generator: (),
        edges: Mapping[str, tuple] | None = None,
        properties: Mapping[str, Callable] | None = None,
        mistakes: Mapping[str, Callable | Sequence[Callable]] | None = None,
        observe: Callable | None = None,
        tol: float = 1e-5,
        gradients: bool = False,
        seconds: float = 5.0,
    ):
        self.number, self.name, self.reference = number, name, reference
        self.properties = list((properties or {}).items())
        self.mistakes = list(_one_by_one(mistakes or {}))
        self._observed = observe is not None
        self.observe = observe or (lambda answer, *arguments: answer(*arguments))
        self.tol, self.gradients, self.seconds = tol, gradients, seconds
        self._situations = [("a random input", inputs(torch.Generator().manual_seed(seed))) for seed in range(3)]
        if not self._situations[0][1]:
            self._situations = [("its call", ())]  # a number found by hand: one call tells all
        self._situations += list((edges or {}).items())
        # With floating inputs the result keeps their precision; from integers either one will do.
        self._exact = any(is_float(a) for _, arguments in self._situations for a in arguments)
        self._right: list[Outcome] | None = None
        self._mistaken: list[list[Outcome]] = []  # of the first few mistakes, as far as they were needed

    def example(self) -> tuple:
        """The arguments of one call."""
        return self._situations[0][1]

    def count(self) -> int:
        """How many properties a right answer has: its values, its inputs left alone, its gradients, its own."""
        has_inputs = bool(self._situations[0][1])
        return len({name for name, _ in self._situations}) + has_inputs + self.gradients + len(self.properties)

    def solved(self) -> Verdict:
        """The verdict on a right answer; it is also what a solved notebook must print."""
        return Verdict(self, "✓", f"all {self.count()} properties hold" if self.count() > 1 else "right")

    def not_solved(self) -> Verdict:
        """The verdict on a stub, and on an answer that is not there."""
        return Verdict(self, "○", "not solved yet")

    def check(self, answer: object) -> Verdict:
        """The verdict on an answer. Never raises for what a learner can do wrong, and prints nothing."""
        quiet = Quiet()
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

    def _judge(self, answer: object) -> Verdict:
        if not callable(answer):
            return self._wrong(
                f"{self.name} is {describe(answer)}, not a function; define it with `def {self.name}(…):`"
            )
        outcomes = self._outcomes(answer)
        if any(isinstance(o.error, NotImplementedError) and "Exercise" in str(o.error) for o in outcomes):
            return self.not_solved()
        fault = self._first_difference(outcomes) or self._first_broken_property(answer)
        return self._wrong(fault) if fault else self.solved()

    def _first_difference(self, outcomes: list[Outcome]) -> str | None:
        """The hint of the mistake that was made, or else what differs from the reference; None where nothing does."""
        if self._right is None:
            self._right = self._outcomes(self.reference)
        pairs = zip(outcomes, self._right, strict=True)
        different = next((c for o, right in pairs if (c := complaint(o, right, self.tol, self._exact))), None)
        if different is None:
            return None
        for index, (hint, mistake) in enumerate(self.mistakes):
            if index == len(self._mistaken):
                self._mistaken.append(self._outcomes(mistake))  # what a mistake does is the same each time
            if agree(outcomes, self._mistaken[index], self.tol, self._exact):
                return hint
        return different

    def _first_broken_property(self, answer: Callable) -> str | None:
        answer = self._in_form(answer)
        for text, holds in self.properties:
            try:
                torch.manual_seed(0)
                result = holds(answer)
                if result is not None and not result:
                    raise AssertionError
            except AssertionError as error:
                return f"this does not hold: {text}" + (f" ({one_line(error)})" if str(error) else "")
            except (Exception, SystemExit) as error:
                return stopped(error, f"where this was tried: {text}")
        return None

    def _in_form(self, answer: Callable) -> Callable:
        """The answer with its values in the form of the reference's, so that a property may count on tensors."""
        if self._observed or not self._right:
            return answer
        right = self._right[0].value
        return lambda *arguments, **keywords: as_asked(answer(*arguments, **keywords), right)

    def _outcomes(self, function: Callable) -> list[Outcome]:
        return [outcome(function, name, given, self.observe, self.gradients) for name, given in self._situations]


def _one_by_one(mistakes: Mapping[str, Callable | Sequence[Callable]]) -> Iterator[tuple[str, Callable]]:
    """(hint, wrong answer) of each, also where a hint has several."""
    for hint, answers in mistakes.items():
        for answer in [answers] if callable(answers) else answers:
            yield hint, answer
