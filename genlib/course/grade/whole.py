"""A whole notebook, every cell of it, as `genlib check` runs it; in a sandbox where there is one.

Its checks run in its own kernel, beside its code: they need the references, and they say what that kernel says. So what
comes back is data from outside, and good enough for people who don't set out to cheat.
"""

from pathlib import Path
from typing import Any

from genlib.course import exercises
from genlib.course.check.notebook import ValidateError, validate
from genlib.course.exercise import Exercise
from genlib.course.grade import sandbox
from genlib.course.grade.cells import beside
from genlib.course.grade.channel import EndedError
from genlib.course.grade.process import Process
from genlib.lectures import Lecture

SECONDS = 1800.0  # of the processor, for every cell of a notebook
Verdicts = dict[str, tuple[bool, str]]


def run(path: Path, lecture: Lecture) -> tuple[Verdicts, list[str]]:
    """({exercise: (whether it is solved, its line)}, what else stopped with an error).

    Raises: ValidateError where the notebook can't be run; MachineError, an OSError, where this machine failed.
    """
    if sandbox.works():
        return _told(_sandboxed(path), exercises.of_lecture(lecture.number))
    found, errors = validate(path)
    return {result.exercise.name: (result.solved, result.line) for result in found}, errors


def _sandboxed(path: Path) -> dict[str, Any]:
    """What the process in a sandbox says of the notebook."""
    process = Process(beside(path) | {"notebook.ipynb": str(path)}, SECONDS, full=True)
    try:
        return process.ask({"do": "full", "name": "notebook.ipynb"}, SECONDS)
    except EndedError:
        raise ValidateError(f"the notebook {process.why}; it was not marked") from None
    finally:
        process.end()


def _told(reply: dict[str, Any], asked: list[Exercise]) -> tuple[Verdicts, list[str]]:
    """A reply as verdicts and errors; what is not as it should be is no verdict."""
    if why := _line(reply.get("refused")) or _line(reply.get("failed")):
        raise ValidateError(f"the notebook could not be run: {why}")
    said: Verdicts = {}
    for entry in _list(reply.get("lines")):
        name, solved, line = entry if isinstance(entry, tuple) and len(entry) == 3 else (None, None, None)
        if isinstance(name, str) and isinstance(line, str):
            said[name] = solved is True, _line(line)
    missing = "it could not be marked: the run said nothing of it"
    verdicts = {e.name: said.get(e.name, (False, str(e.wrong(missing)))) for e in asked}
    return verdicts, [_line(error) for error in _list(reply.get("errors")) if isinstance(error, str)]


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []


def _line(value: Any) -> str:
    """A text in one line; an empty one where it is none."""
    return " ".join(value.split()) if isinstance(value, str) else ""
