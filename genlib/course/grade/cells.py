"""Which cells of a notebook are run when it is marked: the course's setup, the answers, and what the learner added."""

import ast
import textwrap

from nbformat import NotebookNode

from genlib.course.build import exercise_of, is_check, read
from genlib.course.check.notebook import ValidateError
from genlib.course.lectures import Lecture

LARGEST_CELL = 2**20  # characters


def pristine(lecture: Lecture) -> NotebookNode:
    """The notebook as it was handed out. Raises: ValidateError where the course's notebooks are not there."""
    notebook = read(lecture.handed_out)
    if notebook is None:
        raise ValidateError("the course's own notebooks are not there: mark from a clone of the course")
    return notebook


def definitions(source: str) -> str:
    """The imports, functions and classes of a cell, without what it computes; those that need that are left out."""
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    nodes = [textwrap.indent(ast.unparse(n), "    ") for n in ast.parse(source).body if isinstance(n, kept)]
    return "\n".join(f"try:\n{node}\nexcept NameError:\n    pass" for node in nodes)


def cells_to_run(notebook: NotebookNode, lecture: Lecture) -> tuple[list[str], list[str]]:
    """(sources, notes): the course's setup, then the learner's answers and whatever else they wrote themselves.

    The setup is the pristine setup cell, and what the other pristine cells import and define: an answer may use it.
    """
    code = [cell for cell in pristine(lecture).cells if cell.cell_type == "code"]
    ours = {cell.source.strip() for cell in code}
    setup, *others = (cell for cell in code if "bootstrap" not in cell.metadata.get("tags", []))
    defined = [definitions(cell.source) for cell in others if exercise_of(cell) is None]
    sources, notes = ["\n".join([setup.source, *defined])], []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip() or cell.source.strip() in ours:
            continue
        if is_check(cell):
            continue
        if len(cell.source) > LARGEST_CELL:
            notes.append(f"a cell of {len(cell.source):,} characters was left out")
            continue
        sources.append(cell.source)
    return sources, notes


def free_texts(notebook: NotebookNode) -> dict[str, str]:
    """{question: answer} of the cells tagged "free-text"; they are collected and not judged."""
    tagged = (cell for cell in notebook.cells if "free-text" in cell.metadata.get("tags", []))
    return {str(cell.metadata.get("question", cell.get("id", "")))[:80]: cell.source[:20_000] for cell in tagged}
