"""A class: every notebook below a folder is marked, several at a time; what was marked before is not marked again."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from genlib.course.check.notebook import ValidateError, lecture_of, read_learner
from genlib.course.grade.feedback import MARKS, write_all
from genlib.course.grade.one import Grade, grade
from genlib.files import write
from genlib.lectures import Lecture, available, choose, find


def notebooks(folder: Path) -> Iterator[tuple[str, Path]]:
    """(student, notebook) of all below the folder: the student is the first folder on the way, or the file's name."""
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if MARKS in parts or ".ipynb_checkpoints" in parts:
            continue
        yield (parts[0] if len(parts) > 1 else path.stem), path


def key_of(path: Path, full: bool) -> str:
    """What decides about a grade: the notebook, and the exercises as they are."""
    digest = hashlib.sha256(path.read_bytes())
    for source in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest() + (" full" if full else "")


def asked_for(number: str, found: list[Path]) -> Lecture:
    """The lecture of that number, if one of the notebooks is of it.

    Raises: ValidateError, which says what the notebooks are; a wrong number must not end as a table of zeros.
    """
    (lecture,) = choose([number], available(), "notebook")
    kinds = Counter(_kind(path) for path in found)
    if lecture.number not in kinds:
        kinds_told = ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items()))
        raise ValidateError(f"no notebook here is of lecture {lecture.number}; they are {kinds_told}")
    return lecture


def _kind(path: Path) -> str:
    """The number of a notebook's lecture, or "no lecture"."""
    try:
        return find(lecture_of(read_learner(path))).number
    except (ValidateError, OSError, ValueError, RecursionError):
        return "no lecture"


def grade_all(
    folder: Path,
    *,
    lecture: str | None = None,
    jobs: int = 1,
    full: bool = False,
    say: Callable[[str], object] = print,
) -> list[Grade]:
    """Marks all notebooks below the folder and writes table, feedback and free texts into FOLDER/_marks.

    What was marked before and has not changed is not marked again, so that an interrupted run goes on where it ended.
    """
    found = list(notebooks(folder))
    if not found:
        raise ValidateError(f"there are no notebooks in {folder}")
    if lecture is not None:
        lecture = asked_for(lecture, [path for _, path in found]).number
    memory = folder / MARKS / "grades.json"
    known, grades = _remembered(memory), {}
    keys = {path: key_of(path, full) + (lecture or "") for _, path in found}
    for _, path in found:
        before = known.get(str(path.relative_to(folder)))
        if before is not None and before.key == keys[path]:
            grades[path] = before
    if grades:
        say(f"{len(grades)} notebooks were marked before and have not changed")
    unmarked = [(student, path) for student, path in found if path not in grades]

    def one(student: str, path: Path) -> tuple[Path, Grade]:
        result = grade(student, path, expected=lecture, full=full)
        result.key, result.file = keys[path], str(path.relative_to(folder))
        return path, result

    def keep(path: Path, result: Grade) -> None:
        grades[path] = result
        _remember(memory, [grades[p] for _, p in found if p in grades])

    _several_at_a_time(one, unmarked, keep, jobs)
    ordered = [grades[path] for _, path in found]
    write_all(folder / MARKS, ordered)
    return ordered


def _several_at_a_time(
    one: Callable[[str, Path], tuple[Path, Grade]],
    unmarked: list[tuple[str, Path]],
    keep: Callable[[Path, Grade], None],
    jobs: int,
) -> None:
    """Marks, with a bar, and keeps each grade as it comes. After a stop, what has not begun is not begun any more."""
    from tqdm import tqdm

    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(unmarked), unit="notebook", disable=None, leave=False) as bar:
        waiting = [pool.submit(one, *entry) for entry in unmarked]
        try:
            for done in as_completed(waiting):
                keep(*done.result())
                bar.update()
        finally:
            for future in waiting:
                future.cancel()


def _remembered(path: Path) -> dict[str, Grade]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["file"]: Grade(**entry) for entry in entries}
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # none yet, or damaged: all are marked again


def _remember(path: Path, grades: list[Grade]) -> None:
    write(path, json.dumps([dataclasses.asdict(grade) for grade in grades], indent=1, ensure_ascii=False) + "\n")
