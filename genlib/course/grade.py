"""`genlib grade FOLDER`: points for a class, a feedback file for each learner; resumable.

Each notebook is marked in a process of its own (see marking.py). Its answers and what the learner added are run after
the course's own setup, imports and functions; the long trainings in between are not, so that a notebook takes seconds.
A cell that ends the process or never ends is left out, and the rest is marked without it. Points come from the values
of the functions alone: what a notebook prints, or says of itself, counts for nothing.
"""

import ast
import csv
import dataclasses
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nbformat import NotebookNode

from genlib.course import exercises
from genlib.course.build import read, role
from genlib.course.lectures import Lecture, find
from genlib.course.lint import EXERCISE, headings
from genlib.course.validate import ValidateError, lecture_of, read_learner, validate
from genlib.files import write

MARKS = "_marks"  # the folder beside the learners' notebooks that holds what we write
CELL_SECONDS, NOTEBOOK_SECONDS = 10.0, 90.0
LARGEST_FILE, LARGEST_CELL = 100 * 2**20, 2**20  # bytes, characters
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


def pristine(lecture: Lecture) -> NotebookNode:
    """The notebook as it was handed out. Raises: ValidateError where the course's notebooks are not there."""
    notebook = read(lecture.handed_out)
    if notebook is None:
        raise ValidateError("the course's own notebooks are not there: mark from a clone of the course")
    return notebook


def points_of(lecture: Lecture) -> dict[str, int]:
    """{exercise: points}: the filled circles of its heading."""
    matches = (EXERCISE.match(text) for _, text in headings(pristine(lecture)))
    return {m[2]: m[4].count("●") for m in matches if m}


def notebooks(folder: Path) -> Iterator[tuple[str, Path]]:
    """(student, notebook) of all below the folder: the student is the first folder on the way, or the file's name."""
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if MARKS in parts or ".ipynb_checkpoints" in parts:
            continue
        yield (parts[0] if len(parts) > 1 else path.stem), path


def definitions(source: str) -> str:
    """The imports, functions and classes of a cell, without what it computes; those that need that are left out."""
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    nodes = [textwrap.indent(ast.unparse(n), "    ") for n in ast.parse(source).body if isinstance(n, kept)]
    return "\n".join(f"try:\n{node}\nexcept NameError:\n    pass" for node in nodes)


def cells_to_run(notebook, lecture: Lecture) -> tuple[list[str], list[str]]:
    """(sources, notes): the course's setup, then the learner's answers and whatever else they wrote themselves.

    The setup is the pristine setup cell, and what the other pristine cells import and define: an answer may use it.
    """
    code = [cell for cell in pristine(lecture).cells if cell.cell_type == "code"]
    ours = {cell.source.strip() for cell in code}
    setup, *others = (cell for cell in code if "bootstrap" not in cell.metadata.get("tags", []))
    defined = [definitions(cell.source) for cell in others if not role(cell)]
    sources, notes = ["\n".join([setup.source, *defined])], []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip() or cell.source.strip() in ours:
            continue
        if role(cell) and role(cell)[1] == "check":
            continue
        if len(cell.source) > LARGEST_CELL:
            notes.append(f"a cell of {len(cell.source):,} characters was left out")
            continue
        sources.append(cell.source)
    return sources, notes


def free_texts(notebook) -> dict[str, str]:
    """{question: answer} of the cells tagged "free-text"; they are collected and not judged."""
    tagged = (cell for cell in notebook.cells if "free-text" in cell.metadata.get("tags", []))
    return {str(cell.metadata.get("question", cell.get("id", "")))[:80]: cell.source[:20_000] for cell in tagged}


def grade(student: str, path: Path, *, expected: str | None = None, full: bool = False) -> Grade:
    """Marks one notebook. Never raises for what a notebook can be."""
    result, start = Grade(student, path.name), time.monotonic()
    try:
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
    except (ValidateError, OSError, ValueError, RecursionError) as error:
        result.notes.append(str(error) or type(error).__name__)
    result.seconds = round(time.monotonic() - start, 1)
    return result


def _mark(result: Grade, sources: list[str]) -> None:
    """Runs the answers until they come to their end, each time without the cell that stopped them before."""
    skip: list = []
    for _ in range(TRIES):
        seen, why = _one_run({"lecture": result.lecture, "cells": sources, "skip": skip, "seconds": CELL_SECONDS})
        errors = {line["cell"]: line["error"] for line in seen if "error" in line}
        verdicts = [line for line in seen if "exercise" in line]
        result.solved = {line["exercise"]: line["solved"] for line in verdicts}
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
    result.notes += [f"`{_first_line(sources[cell])}` stops: {error}" for cell, error in errors.items()]
    said = {line["exercise"]: line["line"] for line in verdicts}
    for exercise in exercises.of_lecture(result.lecture):
        missing = f"✗ Exercise {exercise.number} {exercise.name}: it could not be marked, see the notes"
        result.lines.append(said.get(exercise.name, missing))


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:70]


def _one_run(job: dict) -> tuple[list[dict], str]:
    """What a process saw of the job, and how it ended, in words."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, token = Path(temporary), secrets.token_hex(16)
        out, file = folder / "seen", folder / "job"
        out.touch()
        file.write_text(json.dumps(job | {"out": str(out)}), encoding="utf-8")
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        (folder / "work").mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "genlib.course.marking", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder / "work",
            env=os.environ | threads | {"GENLIB_QUICK": "1", "MPLBACKEND": "agg", "PYTHONUTF8": "1"},
            start_new_session=True,
        )
        process.stdin.write(f"{token}\n".encode())
        process.stdin.close()
        try:
            code = process.wait(NOTEBOOK_SECONDS)
            why = f"ended its process (status {code})"
        except subprocess.TimeoutExpired:
            why = f"was still running after {NOTEBOOK_SECONDS:g} seconds"
        _end(process)
        seen = []
        for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("token") == token:
                seen.append(entry)
    return seen, why


def _end(process: subprocess.Popen) -> None:
    """Ends the process and all that it started."""
    try:
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


def key_of(path: Path, full: bool) -> str:
    """What decides about a grade: the notebook, and the exercises as they are."""
    digest = hashlib.sha256(path.read_bytes())
    for source in sorted((Path(__file__).parent).rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest() + (" full" if full else "")


def grade_all(
    folder: Path, *, lecture: str | None = None, jobs: int = 1, full: bool = False, say: Callable[[str], None] = print
) -> list[Grade]:
    """Marks all notebooks below the folder and writes table, feedback and free texts into FOLDER/_marks.

    What was marked before and has not changed is not marked again, so that an interrupted run goes on where it ended.
    """
    from tqdm import tqdm

    found = list(notebooks(folder))
    if not found:
        raise ValidateError(f"there are no notebooks in {folder}")
    marks = folder / MARKS
    known = _remembered(marks / "grades.json")
    grades: dict[Path, Grade] = {}
    unmarked = []
    for student, path in found:
        name, key = str(path.relative_to(folder)), key_of(path, full) + (lecture or "")
        if name in known and known[name].key == key:
            grades[path] = known[name]
        else:
            unmarked.append((student, path, key))
    if len(unmarked) < len(found):
        say(f"{len(found) - len(unmarked)} notebooks were marked before and have not changed")

    def one(student: str, path: Path, key: str) -> tuple[Path, Grade]:
        result = grade(student, path, expected=lecture, full=full)
        result.key, result.file = key, str(path.relative_to(folder))
        return path, result

    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(unmarked), unit="notebook", disable=None, leave=False) as bar:
        waiting = [pool.submit(one, *entry) for entry in unmarked]
        try:
            for done in as_completed(waiting):
                path, result = done.result()
                grades[path] = result
                bar.update()
                _remember(marks / "grades.json", [grades[p] for _, p in found if p in grades])
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    ordered = [grades[path] for _, path in found]
    _write_all(marks, ordered)
    return ordered


def _remembered(path: Path) -> dict[str, Grade]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["file"]: Grade(**entry) for entry in entries}
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # none yet, or damaged: all are marked again


def _remember(path: Path, grades: list[Grade]) -> None:
    write(path, json.dumps([dataclasses.asdict(grade) for grade in grades], indent=1, ensure_ascii=False) + "\n")


def _write_all(marks: Path, grades: list[Grade]) -> None:
    rows = [("student", "lecture", "points", "of", "solved", "exercises", "notes", "seconds", "file")]
    for g in grades:
        rows.append((
            g.student, g.lecture, g.points, g.of, f"{sum(g.solved.values())}/{len(g.lines)}",
            " ".join(f"{line[0]}{line.split()[2]}" for line in g.lines), " | ".join(g.notes), g.seconds, g.file,
        ))  # fmt: skip
    marks.mkdir(exist_ok=True)
    with open(marks / "marks.csv", "w", newline="", encoding="utf-8-sig") as file:  # the mark tells spreadsheets UTF-8
        csv.writer(file).writerows([[_harmless(value) for value in row] for row in rows])
    for g in grades:
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in Path(g.file).with_suffix("").as_posix())
        write(marks / "feedback" / f"{name}.md", feedback(g))
    texts = [f"## {g.student}, lecture {g.lecture}: {q}\n\n{t}\n" for g in grades for q, t in g.texts.items()]
    if texts:
        write(marks / "free_text.md", "# Free text, to be read by you\n\n" + "\n".join(texts))


def _harmless(value):
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def feedback(g: Grade) -> str:
    """What a learner is told."""
    lines = [f"# Lecture {g.lecture or '?'}: {g.student}", ""]
    if g.lines:
        solved = f"{sum(g.solved.values())} of {len(g.lines)} exercises"
        lines += [f"You solved {solved}: **{g.points} of {g.of} points**.", ""]
        lines += [f"- {line}" for line in g.lines] + [""]
    if g.notes:
        lines += ["What got in the way:", "", *(f"- {note}" for note in g.notes), ""]
    if g.lines and all(g.solved.values()) and len(g.solved) == len(g.lines):
        lines.append("All of it is right. Well done!")
    elif g.lines:
        lines.append(f"The hints say what to look at next. `genlib check {g.lecture}` tells you the same at home.")
    else:
        lines.append("This file could not be marked. Save the notebook in JupyterLab and hand it in again.")
    return "\n".join(lines) + "\n"


def table(grades: list[Grade]) -> str:
    """The grades as text, a line each."""
    width = max([len(g.student) for g in grades] + [7])
    lines = [f"{'student':{width}}  lecture  points   exercises"]
    for g in grades:
        note = f"   {g.notes[0][:60]}" if g.notes else ""
        marks = "".join(line[0] for line in g.lines)
        lines.append(f"{g.student:{width}}  {g.lecture:7}  {g.points:>3}/{g.of:<3}  {marks}{note}")
    return "\n".join(lines)
