"""Which cells of a notebook are run when it is marked: the course's setup, the answers, and what the learner added."""

import re
from pathlib import Path

from nbformat import NotebookNode

from genlib.course import exercises
from genlib.course.build import exercise_of, is_check, read
from genlib.course.check.notebook import ValidateError, overlay
from genlib.lectures import Lecture

LARGEST_CELL = 2**20  # characters
MOST_FILES, ALL_FILES = 200, 100 * 2**20  # number and bytes of the files beside a notebook


def pristine(lecture: Lecture) -> NotebookNode:
    """The notebook as it was handed out. Raises: ValidateError where the course's notebooks are not there."""
    notebook = read(lecture.handed_out)
    if notebook is None:
        raise ValidateError("the course's own notebooks are not there: mark from a clone of the course")
    return notebook


def steps(notebook: NotebookNode, lecture: Lecture) -> tuple[list[dict[str, str]], list[str]]:
    """(what is done one after the other, notes): see judge.py. The order is that of `genlib check`.

    Course's own cells that are missing are there from the start: an answer may use what they define.
    """
    code = [cell for cell in pristine(lecture).cells if cell.cell_type == "code"]
    setup, *others = (cell for cell in code if "bootstrap" not in cell.metadata.get("tags", []))
    # What of ours stands in the notebook: True where it may be needed, False for stubs, the setup, what Colab needs.
    ours = {cell.source.strip(): cell in others and exercise_of(cell) is None for cell in code if not is_check(cell)}
    cells = [cell for cell in overlay(notebook).cells if cell.cell_type == "code" and cell.source.strip()]
    there = {cell.source.strip() for cell in cells}
    missing = [cell.source for cell in others if exercise_of(cell) is None and cell.source.strip() not in there]
    result, notes = [{"setup": setup.source}, *({"ours": source} for source in missing)], []
    for cell in cells:
        source = cell.source
        if is_check(cell):
            result.append({"check": str(exercise_of(cell))})
        elif len(source) > LARGEST_CELL:
            notes.append(f"a cell of {len(source):,} characters was left out")
        elif source.strip() not in ours:
            result.append({"theirs": source})
        elif ours[source.strip()]:
            result.append({"ours": source})
    return result, notes


def misplaced(notebook: NotebookNode, lecture: Lecture) -> dict[str, str]:
    """{exercise: why an answer that is there does not count}: it stands where nothing runs it, or below its check."""
    found: dict[str, str] = {}
    checked: set[str] = set()
    for cell in overlay(notebook).cells:
        if is_check(cell):
            checked.add(str(exercise_of(cell)))
        elif cell.cell_type == "code":
            for name in checked & _defined(cell.source, lecture):
                found[name] = f"{name} is defined below its check; move it above, where the check can see it"
    for cell in notebook.cells:
        for name in _defined(cell.source, lecture):
            if cell.cell_type != "code":
                found[name] = f"{name} is written in a text cell, which runs nothing; make it a code cell (press Y)"
            elif is_check(cell):
                found[name] = f"{name} is written in a check cell, which is replaced; move it to the cell above"
    return found


def _defined(source: str, lecture: Lecture) -> set[str]:
    """The exercises of a lecture for which a cell has a function, whether it runs or not."""
    names = {match[1] for match in re.finditer(r"^[ \t]*(?:def|class)\s+(\w+)", source, re.M)}
    return names & {exercise.name for exercise in exercises.of_lecture(lecture.number)}


def beside(path: Path) -> dict[str, str]:
    """{name: path} of the files that lie beside a notebook: none where others' notebooks lie there too.

    A learner's own folder may hold notebooks of other lectures, as they were named when they were handed out.
    """
    folder, number = path.parent, re.compile(r"\d\d(?=_)")
    notebooks = [number.match(other.name) for other in folder.glob("*.ipynb")]
    lectures = {match[0] for match in notebooks if match}
    if len(notebooks) > 1 and len(lectures) < len(notebooks):
        return {}
    files: dict[str, str] = {}
    left = ALL_FILES
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".ipynb" or file.is_symlink() or not file.is_file() or len(files) == MOST_FILES:
            continue
        left -= file.stat().st_size
        if left >= 0:
            files[file.relative_to(folder).as_posix()] = str(file)
    return files


def free_texts(notebook: NotebookNode) -> dict[str, str]:
    """{question: answer} of the cells tagged "free-text"; they are collected and not judged."""
    tagged = (cell for cell in notebook.cells if "free-text" in cell.metadata.get("tags", []))
    return {str(cell.metadata.get("question", cell.get("id", "")))[:80]: cell.source[:20_000] for cell in tagged}
