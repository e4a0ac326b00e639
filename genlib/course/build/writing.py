"""From one source two notebooks: the one handed out, and the solution, executed; and whether they are what it says.

The handed-out notebook has every answer replaced by a stub; the solution keeps it, and stores its outputs. Both are
functions of the source alone, apart from the outputs. A solution is executed when its code differs from the code whose
outputs are stored, and not otherwise.
"""

import copy
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from genlib.course.build.cells import BEGIN, BuildError, answer, stub
from genlib.course.build.lint import lint, stale_map, stretches
from genlib.course.build.reading import read, read_source
from genlib.course.build.running import run
from genlib.files import write
from genlib.lectures import Lecture
from genlib.quick import quick

_WIDGET = "application/vnd.jupyter.widget-view+json"


def handed_out(source: NotebookNode) -> NotebookNode:
    """The notebook that learners get: every answer is a stub that says which exercise it is."""
    return _with_answers(source, stub)


def solution(source: NotebookNode) -> NotebookNode:
    """The notebook with its answers, not executed yet."""
    return _with_answers(source, answer)


def _with_answers(source: NotebookNode, change: Callable[[NotebookNode], str]) -> NotebookNode:
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        if BEGIN in cell.source:
            cell.source = change(cell)
    return notebook


def code_of(notebook: NotebookNode) -> list[tuple[str, str]]:
    """What decides about the outputs: (id, source) of every code cell."""
    return [(cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def with_outputs_of(notebook: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The notebook with the outputs stored in an executed one whose code is the same."""
    stored = {cell.id: cell for cell in executed.cells}
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.outputs = stored[cell.id].outputs
            cell.execution_count = stored[cell.id].execution_count
    return result


def is_current(notebook: NotebookNode, executed: NotebookNode | None) -> bool:
    """Whether the stored outputs were made by this very code."""
    if executed is None or code_of(executed) != code_of(notebook):
        return False
    return all(cell.execution_count is not None for cell in executed.cells if cell.cell_type == "code" and cell.source)


def execute(notebook: NotebookNode, folder: Path, timeout: int = 600) -> NotebookNode:
    """Runs every cell in a fresh kernel that works in ``folder`` and returns the notebook with its outputs.

    Widget views are dropped: without a kernel they show an error, and the still picture beside them shows.
    Raises: BuildError with the cell and its error.
    """
    result = run(notebook, folder, f"lecture {notebook.metadata.genlib.lecture}", timeout=timeout)
    for cell in result.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.get("data", {}).pop(_WIDGET, None) and set(output.data) == {"text/plain"}:
                    output.data.clear()  # a progress bar, which is over
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
    result.metadata = copy.deepcopy(notebook.metadata)  # without the versions of whoever ran it
    return result


def text_of(notebook: NotebookNode) -> str:
    """A notebook as the text of its file: the same notebook gives the same bytes."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def build(lectures: Iterable[Lecture], *, force: bool = False, say: Callable[[str], object] = print) -> None:
    """Makes the notebooks of these lectures; does nothing for what has not changed.

    With GENLIB_QUICK the solutions are run to see that they run, and their stored outputs stay as they are.
    Raises: BuildError where a source is faulty, or a cell fails.
    """
    for lecture in lectures:
        source = read_source(lecture)
        _refuse(lint(lecture, source), lecture.source.name)
        solved, stored = solution(source), read(lecture.solution)
        if quick():
            execute(solved, lecture.source.parent.parent)
            say(f"{lecture.name}: runs (quick; nothing stored)")
            continue
        changed = write(lecture.handed_out, text_of(handed_out(source)))
        for where, words in stretches(source):
            say(f"{lecture.name}: {words} words from “{where}” on without a figure, a widget or an exercise")
        if force or stored is None or not is_current(solved, stored) or stale_map(stored):
            stored = execute(solved, lecture.source.parent.parent)
            _refuse(lint(lecture, source, stored), f"{lecture.name}, executed")
        changed |= write(lecture.solution, text_of(with_outputs_of(solved, stored)))
        say(f"{lecture.name}: {'written' if changed else 'nothing to do'}")


def _refuse(faults: list[str], where: str) -> None:
    """Raises: BuildError where there are faults."""
    if faults:
        raise BuildError(f"{where}:\n  " + "\n  ".join(faults))


def drift(lecture: Lecture) -> list[str]:
    """How the stored notebooks differ from what their source says; empty where they do not.

    Sources, ids and metadata must be the same byte for byte. Outputs are compared elsewhere, by running the notebook.
    """
    source = read_source(lecture)
    solved, executed = solution(source), read(lecture.solution)
    faults = _differences(lecture.handed_out, handed_out(source))
    if executed is not None and not is_current(solved, executed):
        faults.append(f"the solution {lecture.solution.name} was not run with this source")
    else:
        faults += _differences(lecture.solution, with_outputs_of(solved, executed) if executed else solved)
    return [f"{fault}: run `genlib build {lecture.number}`" for fault in faults]


def _differences(path: Path, expected: NotebookNode) -> list[str]:
    """Whether a notebook is missing, or another than what is expected there."""
    if not path.exists():
        return [f"{path.name} is missing"]
    if text_of(expected) != path.read_text(encoding="utf-8"):
        return [f"{path.parent.name}/{path.name} differs from its source (never edit a notebook)"]
    return []
