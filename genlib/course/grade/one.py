"""One notebook's grade.

Its answers and what the learner added are run in the order of the notebook, after the course's own setup, imports and
functions; the long trainings in between only where a cell needs what they make, so that a notebook takes seconds. A
cell that ends the process or never ends is left out, and the rest is marked without it. Points come from the values of
the functions alone: what a notebook prints, or says of itself, counts for nothing.
"""

import dataclasses
import time
from pathlib import Path

from nbformat import NotebookNode

from genlib.course import exercises
from genlib.course.build import EXERCISE, headings
from genlib.course.check.notebook import ValidateError, lecture_of, read_learner
from genlib.course.grade import judges, whole
from genlib.course.grade.cells import beside, free_texts, misplaced, pristine, steps
from genlib.course.grade.process import MachineError
from genlib.lectures import Lecture, find

LARGEST_FILE = 100 * 2**20  # bytes
CELL_SECONDS, NOTEBOOK_SECONDS = 20.0, 240.0  # of the processor


@dataclasses.dataclass
class Grade:
    """What one notebook earned. lines: what is said of each exercise; notes: what went wrong beside them."""

    student: str
    file: str
    lecture: str = ""
    points: int = 0
    of: int = 0
    solved: dict[str, bool] = dataclasses.field(default_factory=dict)
    lines: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    key: str = ""


def points_of(lecture: Lecture) -> dict[str, int]:
    """{exercise: points}: the filled circles of its heading."""
    matches = (EXERCISE.match(text) for _, text in headings(pristine(lecture)))
    return {m[2]: m[4].count("●") for m in matches if m}


def grade(student: str, path: Path, *, expected: str | None = None, full: bool = False) -> Grade:
    """Marks one notebook. Never raises for what a notebook can be.

    Raises: MachineError, an OSError, where this machine failed: then there is no grade, and nothing to remember.
    """
    result, start = Grade(student, path.name), time.monotonic()
    try:
        _grade(result, path, expected, full)
    except MachineError:
        raise
    except (ValidateError, OSError, ValueError, RecursionError) as error:
        result.notes.append(str(error) or type(error).__name__)
    result.seconds = round(time.monotonic() - start, 1)
    return result


def _grade(result: Grade, path: Path, expected: str | None, full: bool) -> None:
    """Fills in the grade. Raises: ValidateError and more, where the notebook can't be marked."""
    if path.stat().st_size > LARGEST_FILE:
        raise ValidateError(f"the file has {path.stat().st_size / 2**20:.0f} MB; clear its outputs")
    notebook = read_learner(path)
    result.lecture = lecture_of(notebook)
    lecture = find(result.lecture)
    worth = points_of(lecture)
    result.of = sum(worth.values())
    if expected and lecture.number != find(expected).number:
        raise ValidateError(f"this is lecture {lecture.number}, asked was lecture {find(expected).number}")
    result.texts = free_texts(notebook)
    if full:
        verdicts, result.notes = whole.run(path, lecture)
        result.lines = [line for _, line in verdicts.values()]
        result.solved = {name: solved for name, (solved, _) in verdicts.items()}
    else:
        _mark(result, notebook, path, lecture)
    result.points = sum(worth[name] for name, solved in result.solved.items() if solved)


def _mark(result: Grade, notebook: NotebookNode, path: Path, lecture: Lecture) -> None:
    """Has a judge mark the notebook, and adds what it said: a line for each exercise, and notes."""
    in_order, result.notes = steps(notebook, lecture)
    bounds = {"cell_seconds": CELL_SECONDS, "seconds": NOTEBOOK_SECONDS}
    job = {"lecture": lecture.number, "steps": in_order, "beside": beside(path)}
    seen = judges.marked(job | bounds)
    result.notes += seen["notes"]
    result.notes += [f"`{_first_line(*in_order[step].values())}` stops: {error}" for step, error in seen["stops"]]
    wrong_place = misplaced(notebook, lecture)
    for exercise in exercises.of_lecture(lecture.number):
        missing = f"✗ Exercise {exercise.number} {exercise.name}: it could not be marked, see the notes"
        mark, line = seen["lines"].get(exercise.name, ("✗", missing))
        result.lines.append(line)
        result.solved[exercise.name] = mark == "✓"
        if mark != "✓" and exercise.name in wrong_place:
            result.notes.append(wrong_place[exercise.name])


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:70]
