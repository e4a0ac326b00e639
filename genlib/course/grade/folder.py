"""A class: everything handed in is marked, several at a time; what was marked before is not marked again."""

import contextlib
import dataclasses
import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import torch

from genlib.course.check.notebook import learners, lecture_of
from genlib.course.check.outside import ValidateError, notebook_of
from genlib.course.grade import memory, safe, staging
from genlib.course.grade.collecting import HandIn, collect
from genlib.course.grade.feedback import write_all
from genlib.course.grade.one import Grade, grade
from genlib.lectures import available, choose

NO_LECTURE = "no lecture"
NOTES = 30  # of one row


@dataclasses.dataclass
class Row:
    """What somebody handed in, the lecture it is of, and what decides about its grade; no key: it can't be read."""

    handed_in: HandIn
    lecture: str = NO_LECTURE
    key: str = ""

    @property
    def id(self) -> str:
        return self.handed_in.id


def marks_of(folder: Path) -> Path:
    """Where is written what a class earned: beside its folder, since whatever lies within was handed in."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}_marks")


def grade_all(
    folder: Path,
    *,
    lecture: str | None = None,
    jobs: int = 1,
    full: bool = False,
    retry: bool = False,
    marks: Path | None = None,
    say: Callable[[str], object] = print,
) -> list[Grade]:
    """Marks all that lies below the folder, and writes table, feedback and free texts into ``marks``, beside it.

    What was marked before and has not changed is not marked again, so that an interrupted run goes on where it ended;
    with ``retry`` those of which something had to be noted are. Where the machine failed, nothing is remembered.
    Raises: ValidateError where there is nobody to mark, or no place to write to.
    """
    marks = _place(folder, marks)
    rows = _rows(folder, say)
    if lecture is not None:
        lecture, rows = _asked_for(lecture, rows, say)
    _make(marks)
    how = (_library(), lecture, full)
    for row in rows:
        row.key = hashlib.sha256(f"{row.key} {how}".encode()).hexdigest() if row.key else ""
    before = memory.remembered(marks / memory.FILE)
    known = {row.id: before[row.id] for row in rows if row.key and row.id in before and before[row.id].key == row.key}
    known = {id: grade for id, grade in known.items() if not (retry and grade.notes)}
    if known:
        say(f"{len(known)} notebooks were marked before and have not changed")
    grades = dict(known)

    def one(row: Row) -> tuple[Row, Grade, bool]:
        return row, *_mark(row, lecture, full)

    def keep(row: Row, result: Grade, whole: bool) -> None:
        grades[row.id] = result
        if whole:
            known[row.id] = result
            with contextlib.suppress(OSError):  # a full disk: what is written at the end will say so
                memory.keep(marks / memory.FILE, known)

    _several_at_a_time(one, [row for row in rows if row.id not in grades], keep, jobs)
    ordered = [grades[row.id] for row in rows]
    for line in write_all(marks, ordered, [row.id for row in rows]):
        say(line)
    return ordered


def _place(folder: Path, marks: Path | None) -> Path:
    """The folder to write to. Raises: ValidateError where there is nothing to mark, or that would be within it."""
    if not folder.is_dir():
        what = "is a file; unpack it where it is an archive, and" if folder.exists() else "is not there;"
        raise ValidateError(f"{folder} {what} give the folder with what the class handed in")
    marks = marks_of(folder) if marks is None else marks
    if marks.resolve().is_relative_to(folder.resolve()):
        raise ValidateError(f"{marks} lies within {folder}: marks stand outside of what was handed in")
    return marks


def _make(marks: Path) -> None:
    """Makes the folder to write to. Raises: ValidateError where it can't be made or written to."""
    try:
        (marks / "feedback").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=marks):
            pass
    except OSError as error:
        raise ValidateError(f"{marks} can't be written: {error.strerror}; give another place with --marks") from error


def _rows(folder: Path, say: Callable[[str], object]) -> list[Row]:
    """Everything that was handed in, looked at; says once what was ignored. Raises: ValidateError where that is all."""
    try:
        handed_in, ignored = collect(folder)
    except OSError as error:
        raise ValidateError(f"{folder} can't be read: {error.strerror}") from error
    if ignored:
        first = [f"{name} ({count})" if count > 1 else name for name, count in sorted(ignored.items())[:12]]
        say(f"ignored: {', '.join(first)}{' and more' if len(ignored) > len(first) else ''}")
    if not handed_in:
        raise ValidateError(f"there are no notebooks in {folder}")
    return [_looked_at(row) for row in handed_in]


def _looked_at(handed_in: HandIn) -> Row:
    """A row with the lecture that its notebook is of."""
    row = Row(handed_in)
    if handed_in.notebook is not None:
        with contextlib.suppress(ValidateError):
            content = handed_in.notebook.read()
            row.key = staging.digest(handed_in, content)
            row.lecture = lecture_of(learners(notebook_of(content, ""), ""))
    return row


def _library() -> str:
    """A hash of what marks, and of what it marks by: the library, the exercises, the points in their headings."""
    digest = hashlib.sha256(torch.__version__.encode())
    for source in sorted(Path(__file__).parents[2].rglob("*.py")):
        digest.update(source.read_bytes())
    for lecture in available():
        digest.update(lecture.handed_out.read_bytes() if lecture.handed_out.exists() else b"")
    return digest.hexdigest()


def _asked_for(number: str, rows: list[Row], say: Callable[[str], object]) -> tuple[str, list[Row]]:
    """The lecture's number, and the rows without those that are beside it: of students who handed it in as well.

    Raises: ValidateError, which says what the notebooks are; a wrong number must not end as a table of zeros.
    """
    (lecture,) = choose([number], available(), "notebook")
    kinds = Counter(row.lecture for row in rows if row.handed_in.notebook is not None)
    if kinds and lecture.number not in kinds:
        told = ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items()))
        raise ValidateError(f"no notebook here is of lecture {lecture.number}; they are {told}")
    have = {row.handed_in.student for row in rows if row.lecture == lecture.number}
    kept = [row for row in rows if row.lecture == lecture.number or row.handed_in.student not in have]
    if len(kept) < len(rows):
        beside = len(rows) - len(kept)
        say(f"left out: {beside} other notebooks of students who handed in lecture {lecture.number} as well")
    return lecture.number, kept


def _mark(row: Row, lecture: str | None, full: bool) -> tuple[Grade, bool]:
    """The grade of a row, and whether it may be remembered: not where the machine failed."""
    handed_in, whole = row.handed_in, False
    result, notes = Grade(handed_in.student, handed_in.file), list(handed_in.notes)
    try:
        if handed_in.notebook is not None:
            with staging.laid_out(handed_in, handed_in.notebook.read(), notes) as path:
                result = grade(handed_in.student, path, expected=lecture, full=full)
            whole = True
    except ValidateError as error:
        notes.append(str(error))
    except (OSError, MemoryError) as error:
        notes.append(f"this machine failed, which is no mark: {safe.line(error, 200)}; call `genlib grade` again")
    except Exception as error:  # whatever it is about one student, the others are marked
        notes.append(f"marking stopped with {type(error).__name__}: {safe.line(error, 200)}")
    result.student, result.file, result.key = handed_in.student, handed_in.file, row.key
    notes += result.notes
    result.notes = notes[:NOTES] + [f"and {len(notes) - NOTES} notes more"] * (len(notes) > NOTES)
    return result, whole


def _several_at_a_time(
    one: Callable[[Row], tuple[Row, Grade, bool]],
    unmarked: list[Row],
    keep: Callable[[Row, Grade, bool], None],
    jobs: int,
) -> None:
    """Marks, with a bar, and keeps each grade as it comes. After a stop, what has not begun is not begun any more."""
    from tqdm import tqdm

    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(unmarked), unit="notebook", disable=None, leave=False) as bar:
        waiting = [pool.submit(one, row) for row in unmarked]
        try:
            for done in as_completed(waiting):
                keep(*done.result())
                bar.update()
        finally:
            for future in waiting:
                future.cancel()
