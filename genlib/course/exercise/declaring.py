"""An exercise: what is true of a right answer, and the wrong answers that people give.

A learner's answer is a function. It is called with the same inputs as the reference, and its outcomes (values,
exceptions, gradients) are compared. Where they differ from the reference, they are compared with each known mistake: a
match tells the learner what went wrong, not only that it did. Then come the exercise's own properties.

Who judges sees plain values alone (plain.py, answer.py). In a notebook the answer runs in the same process; in marking
in another one, and the judge draws inputs that nobody else knows.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from genlib.course.exercise.answer import Answer, AnswerError
from genlib.course.exercise.calling import Outcome, Stop, called, is_float, one_line
from genlib.course.exercise.comparing import agree, complaint
from genlib.course.exercise.limits import TimeLimitError, time_limit
from genlib.course.exercise.state import as_expected

RANDOM = "a random input"


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
            it holds. It calls the answer as the function that it is, and gets plain values: no gradient flows through
            them. What has to be seen from beside (a gradient, the work done) is an observer:
            ``answer.watched(observer, *arguments)``.
        mistakes: {hint: a wrong answer that people give, or several}; the hint says what is wrong, never only that it
            is. The first that did what the learner's answer does is told.
        observe: (answer, *arguments) -> values, where calling the answer is not enough (a module, an update step). It
            runs beside the answer, so it stands in genlib/course/given, and knows nothing of what is right.
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
        self.observe = observe or called
        self.tol, self.gradients, self.seconds = tol, gradients, seconds
        self._inputs = inputs
        self._situations = [(RANDOM, arguments) for arguments in self._random(range(3))]
        if not self._situations[0][1]:
            self._situations = [("its call", ())]  # a number found by hand: one call tells all
        self._situations += list((edges or {}).items())
        # With floating inputs the result keeps their precision; from integers either one will do.
        self._exact = any(is_float(a) for _, arguments in self._situations for a in arguments)
        self._right: list[Outcome] | None = None
        self._mistaken: list[list[Outcome]] = []  # of the first few mistakes, as far as they were needed

    def _random(self, seeds: Sequence[int]) -> list[tuple]:
        """The arguments that random numbers of these seeds give."""
        return [self._inputs(torch.Generator().manual_seed(seed)) for seed in seeds]

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

    def check(self, function: object) -> Verdict:
        """The verdict on a function of this process. Never raises for what a learner can do wrong; prints nothing."""
        try:
            with time_limit(self.seconds):
                return self.judge(Answer(function))
        except TimeLimitError:
            return self.too_long()

    def too_long(self) -> Verdict:
        """The verdict on an answer that never ends."""
        return self.wrong(
            f"your code was still running after {self.seconds:g} seconds; is there a loop that never ends?"
        )

    def wrong(self, text: str) -> Verdict:
        """The verdict ✗, and why."""
        return Verdict(self, "✗", text)

    def judge(self, answer: Answer, secret: int | None = None) -> Verdict:
        """The verdict on an answer; secret: a seed for more random inputs, which the answer can't have seen before."""
        if fault := answer.fault():
            return self.wrong(f"{self.name} is {fault}, not a function; define it with `def {self.name}(…):`")
        with as_expected():
            outcomes = self._outcomes(answer, self._situations)
            if any(o.stop and o.stop.unsolved() for o in outcomes):
                return self.not_solved()
            fault = (
                self._first_difference(outcomes)
                or self._first_broken_property(answer)
                or (None if secret is None else self._first_surprise(answer, secret))
            )
        return self.wrong(fault) if fault else self.solved()

    def _first_difference(self, outcomes: list[Outcome]) -> str | None:
        """The hint of the mistake that was made, or else what differs from the reference; None where nothing does."""
        if self._right is None:
            self._right = self._outcomes(Answer(self.reference), self._situations)
        different = self._complaint(outcomes, self._right, self._situations)
        if different is None:
            return None
        for index, (hint, mistake) in enumerate(self.mistakes):
            if index == len(self._mistaken):  # what a mistake does is the same each time
                self._mistaken.append(self._outcomes(Answer(mistake), self._situations))
            if agree(outcomes, self._mistaken[index], self.tol, self._exact):
                return hint
        return different

    def _complaint(self, outcomes: list[Outcome], right: list[Outcome], situations: list) -> str | None:
        """What differs first, in words; None where nothing does."""
        each = zip(outcomes, right, situations, strict=True)
        complaints = (complaint(mine, theirs, name, self.tol, self._exact) for mine, theirs, (name, _) in each)
        return next((c for c in complaints if c), None)

    def _first_surprise(self, answer: Answer, secret: int) -> str | None:
        """What differs from the reference on inputs drawn from a secret seed, two of them after the first."""
        situations = [(RANDOM, arguments) for arguments in self._random(range(secret, secret + 3)) if arguments]
        right = self._outcomes(Answer(self.reference), situations)
        return self._complaint(self._outcomes(answer, situations), right, situations)

    def _first_broken_property(self, answer: Answer) -> str | None:
        # As long as nothing observes it, its values have the form of the reference's.
        answer.form = self._right[0].value if self._right and not self._observed else None
        for text, holds in self.properties:
            try:
                result = holds(answer)
                if result is not None and not result:
                    raise AssertionError
            except AssertionError as error:
                return f"this does not hold: {text}" + (f" ({one_line(error)})" if str(error) else "")
            except AnswerError as error:
                return error.stop.told(f"where this was tried: {text}")
            except Exception as error:  # the property could not go on with what it got
                return Stop.of(error).told(f"where this was tried: {text}")
        return None

    def _outcomes(self, answer: Answer, situations: list) -> list[Outcome]:
        return [answer.run(given, observe=self.observe, gradients=self.gradients) for _, given in situations]


def _one_by_one(mistakes: Mapping[str, Callable | Sequence[Callable]]) -> Iterator[tuple[str, Callable]]:
    """(hint, wrong answer) of each, also where a hint has several."""
    for hint, answers in mistakes.items():
        for answer in [answers] if callable(answers) else answers:
            yield hint, answer
