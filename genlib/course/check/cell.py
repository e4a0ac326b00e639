"""check("name"): looks the learner's answer up where check was called, and prints one line."""

import difflib
import sys

from genlib.course import exercises
from genlib.course.check.progress import note


def check(name: str) -> None:
    """Prints the verdict on the exercise ``name`` for the function of that name in the caller's namespace.

    Raises: ValueError for a name that no exercise has (a slip in the call, not in an answer).
    """
    if name not in exercises.names():
        close = difflib.get_close_matches(name, exercises.names(), n=1)
        raise ValueError(f"there is no exercise {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    exercise = exercises.find(name)
    namespace = sys._getframe(1).f_globals
    verdict = exercise.check(namespace[name]) if name in namespace else exercise.not_solved()
    note(name, verdict.mark)
    print(verdict)
