"""One notebook's grade.

Its answers and what the learner added are run after the course's own setup, imports and functions; the long trainings
in between are not, so that a notebook takes seconds. A cell that ends the process or never ends is left out, and the
rest is marked without it. Points come from the values of the functions alone: what a notebook prints, or says of
itself, counts for nothing.
"""

import dataclasses
import time
from pathlib import Path

from genlib.course import exercises
from genlib.course.build import EXERCISE, headings
from genlib.course.check.notebook import ValidateError, lecture_of, read_learner, validate
from genlib.course.grade.cells import cells_to_run, free_texts, pristine
from genlib.course.grade.process import CELL_SECONDS, run
from genlib.course.lectures import Lecture, find

LARGEST_FILE = 100 * 2**20  # bytes
TRIES = 4  # a notebook is run again without the cell that ended it, so often at most


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
    """Marks one notebook. Never raises for what a notebook can be."""
    result, start = Grade(student, path.name), time.monotonic()
    try:
        _grade(result, path, expected, full)
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
        found, errors = validate(path)
        result.lines, result.notes = [f.line for f in found], errors
        result.solved = {f.exercise.name: f.solved for f in found}
    else:
        sources, result.notes = cells_to_run(notebook, lecture)
        _mark(result, sources)
    result.points = sum(worth[name] for name, solved in result.solved.items() if solved)


def _mark(result: Grade, sources: list[str]) -> None:
    """Runs the answers until they come to their end, each time without the cell that stopped them before."""
    skip: list[int | str] = []  # the numbers of cells, the names of exercises
    for _ in range(TRIES):
        seen, why = run({"lecture": result.lecture, "cells": sources, "skip": skip, "seconds": CELL_SECONDS})
        result.solved = {line["exercise"]: line["solved"] for line in seen if "exercise" in line}
        if any("tampered" in line for line in seen):
            result.solved = {}
            result.notes.append("this notebook changes the code that marks it; look at it yourself")
            break
        if any("done" in line for line in seen):
            break
        last = next((line["cell"] for line in reversed(seen) if "cell" in line), None)
        if last is None or last in skip:
            result.notes.append(f"marking {why} before the first cell")
            break
        skip.append(last if isinstance(last, int) else last.removeprefix("check of "))
        where = f"`{_first_line(sources[last])}`" if isinstance(last, int) else f"the {last}"
        result.notes.append(f"{where} {why}; the rest was marked without it")
    _tell(result, seen, sources)


def _tell(result: Grade, seen: list[dict], sources: list[str]) -> None:
    """Adds what the last run said: which cells stop with an error, and a line for each exercise."""
    errors = {line["cell"]: line["error"] for line in seen if "error" in line}
    result.notes += [f"`{_first_line(sources[cell])}` stops: {error}" for cell, error in errors.items()]
    said = {line["exercise"]: line["line"] for line in seen if "exercise" in line}
    for exercise in exercises.of_lecture(result.lecture):
        missing = f"✗ Exercise {exercise.number} {exercise.name}: it could not be marked, see the notes"
        result.lines.append(said.get(exercise.name, missing))


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:70]
