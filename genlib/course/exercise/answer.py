"""A learner's answer as its judge knows it: something that is called, and of which only plain values come back."""

from collections.abc import Callable
from typing import Any

from genlib.course.exercise.calling import Outcome, Stop, called, describe, run
from genlib.course.exercise.comparing import as_asked
from genlib.course.exercise.plain import plain


class AnswerError(Exception):
    """An answer stopped where a property called it."""

    def __init__(self, stop: Stop):
        super().__init__(stop.message)
        self.stop = stop


class Answer:
    """A function of this process. Marking has a kind that runs in another one (grade/judge.py).

    A property calls it like the function itself. What has to be watched while the answer runs (its gradients, the work
    it does) is an observer, which runs beside it: ``answer.watched(observer, *arguments)``.
    """

    form: Any = None  # a right value: that of a call is brought into its form, so that a property may count on tensors

    def __init__(self, function: object):
        self.function = function

    def fault(self) -> str | None:
        """What it is, such as "a list", where it can't be called."""
        if callable(self.function):
            return None
        return describe(plain(self.function))

    def run(
        self,
        arguments: tuple,
        *,
        keywords: dict[str, Any] | None = None,
        observe: Callable = called,
        gradients: bool = False,
    ) -> Outcome:
        """What it did with these arguments."""
        assert callable(self.function)
        return run(self.function, arguments, keywords=keywords, observe=observe, gradients=gradients)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        outcome = self.run(arguments, keywords=keywords)
        if outcome.stop is not None:
            raise AnswerError(outcome.stop)
        return outcome.value if self.form is None else as_asked(outcome.value, self.form)

    def watched(self, observe: Callable, *arguments: Any) -> Any:
        """The plain values of ``observe(function, *arguments)``."""
        outcome = self.run(arguments, observe=observe)
        if outcome.stop is not None:
            raise AnswerError(outcome.stop)
        return outcome.value
