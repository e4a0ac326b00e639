"""check("name"): looks the learner's answer up where check was called, and prints one line.

Below the line of an exercise that is solved, a notebook that somebody looks at shows points and what comes next.
"""

import difflib
import sys
from typing import Any

from genlib.course import exercises
from genlib.course.check import shown
from genlib.course.check.defined import stale
from genlib.course.check.progress import note
from genlib.course.exercise import Exercise, Verdict


def check(name: str) -> None:
    """Prints the verdict on the exercise ``name`` for the function of that name in the caller's namespace.

    Raises: ValueError for a name that no exercise has (a slip in the call, not in an answer).
    """
    if name not in exercises.names():
        close = difflib.get_close_matches(name, exercises.names(), n=1)
        raise ValueError(f"there is no exercise {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    verdict = _verdict(exercises.find(name), sys._getframe(1).f_globals)
    marks = note(name, verdict.mark)
    print(verdict)
    if verdict.mark == "✓" and shown.watched():
        shown.show(shown.solved(name, marks))


def _verdict(exercise: Exercise, namespace: dict[str, Any]) -> Verdict:
    """Of the answer in a namespace, if it is the one that the learner wrote last."""
    if fault := stale(exercise.name, namespace):
        return Verdict(exercise, "✗", fault)
    return exercise.check(namespace[exercise.name]) if exercise.name in namespace else exercise.not_solved()
