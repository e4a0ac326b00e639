"""From one source, notebooks/source/NAME.md, two notebooks: the one handed out, and the solution, executed.

The handed-out notebook has every answer replaced by a stub; the solution keeps it, and stores its outputs. Both are
functions of the source alone, apart from the outputs: ids come from content, so an edit in one cell leaves the others
as they were. A solution is executed when its code differs from the code whose outputs are stored, and not otherwise.
"""

import copy
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4
from tqdm import tqdm

from genlib.course import exercises
from genlib.course.lectures import ROOT, Lecture
from genlib.files import write
from genlib.quick import quick

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_WIDGET = "application/vnd.jupyter.widget-view+json"


class BuildError(Exception):
    """A source that can't be built, or a notebook that is not what its source says."""


def role(cell: NotebookNode) -> tuple[str, str] | None:
    """(exercise, "answer" or "check") of a cell that belongs to an exercise, else None."""
    name = cell.metadata.get("exercise")
    if not name:
        return None
    return name, "check" if "check" in cell.metadata.get("tags", []) else "answer"


def read_source(lecture: Lecture) -> NotebookNode:
    """The source as a notebook with ids, answers in full and no outputs."""
    import jupytext

    notebook = jupytext.reads(lecture.source.read_text(encoding="utf-8"), fmt="md:myst")
    _stamp(notebook, lecture)
    taken: set[str] = set()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, taken)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(_KERNEL),
        language_info=NotebookNode(name="python"),
        genlib=NotebookNode(lecture=lecture.number),
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def repository() -> str:
    """The address of the course's repository, from pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


BOOTSTRAP = """\
# In Colab, this cell installs the course's library; the torch that is there stays. Elsewhere it does nothing.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("genlib") is None:
    source = os.environ.get("GENLIB_SOURCE", "git+{repository}")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)
    importlib.invalidate_caches()
if "google.colab" in sys.modules:
    from google.colab import output

    output.enable_custom_widget_manager()
    # A GPU: Runtime > Change runtime type > T4. To keep your work: File > Save a copy in Drive."""


def _stamp(notebook: NotebookNode, lecture: Lecture) -> None:
    """What every lecture has: the way to Colab under its title and as its first cell, and at its end what is solved."""
    address = repository()
    colab = address.replace("https://github.com", "https://colab.research.google.com/github")
    title, _, rest = notebook.cells[0].source.partition("\n")
    link = f"[Open in Colab]({colab}/blob/main/notebooks/{lecture.name}.ipynb)"
    notebook.cells[0].source = f"{title}\n\n{link}\n{rest}".rstrip()
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first, v4.new_code_cell(BOOTSTRAP.format(repository=address)))
    notebook.cells[first].metadata = NotebookNode(jupyter={"source_hidden": True}, tags=["bootstrap"])
    if exercises.of_lecture(lecture.number):
        source = f'from genlib.course import progress; progress("{lecture.number}")'
        notebook.cells.append(v4.new_code_cell(source))
        notebook.cells[-1].metadata = NotebookNode(tags=["nbval-check-output"])


def _cell_id(cell: NotebookNode, taken: set[str]) -> str:
    """An id from content: exercise and role, or the first words of the cell; a number only tells namesakes apart."""
    if role(cell):
        words = "-".join(role(cell))
    else:
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        words = re.sub(r"[^a-z0-9]+", "-", f"{cell.cell_type[:2]}-{first}".lower()).strip("-")
    base = words[:56].rstrip("-")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


def handed_out(source: NotebookNode) -> NotebookNode:
    """The notebook that learners get: every answer is a stub that says which exercise it is."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        if BEGIN in cell.source:
            cell.source = stub(cell)
    return notebook


def stub(cell: NotebookNode) -> str:
    """An answer cell's source with what stands between the markers replaced by `raise NotImplementedError`."""
    name, _ = role(cell) or (None, None)
    if name not in exercises.names():
        raise BuildError(f"a cell with {BEGIN} belongs to no known exercise (:exercise: {name})")
    lines, inside = [], False
    for line in cell.source.splitlines():
        if line.strip() == BEGIN:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f'{indent}raise NotImplementedError("Exercise {exercises.find(name).number}")')
        elif line.strip() == END:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise BuildError(f"the solution of {name} has no {END}")
    return "\n".join(lines)


def solution(source: NotebookNode) -> NotebookNode:
    """The notebook with its answers, not executed yet."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        if BEGIN in cell.source:
            cell.source = "\n".join(line for line in cell.source.splitlines() if line.strip() not in (BEGIN, END))
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
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    result = copy.deepcopy(notebook)
    lecture = notebook.metadata.genlib.lecture
    with tqdm(
        total=sum(cell.cell_type == "code" for cell in result.cells), desc=lecture, unit="cell", leave=False
    ) as bar:
        client = NotebookClient(
            result,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=False,
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise BuildError(f"a cell of lecture {lecture} fails:\n{error}") from error
    for cell in result.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.get("data", {}).pop(_WIDGET, None) and set(output.data) == {"text/plain"}:
                    output.data.clear()  # a progress bar, which is over
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
    result.metadata = copy.deepcopy(notebook.metadata)  # without the versions of whoever ran it
    return result


def read(path: Path) -> NotebookNode | None:
    """The notebook stored there, or None where there is none."""
    return nbformat.read(path, as_version=4) if path.exists() else None


def text_of(notebook: NotebookNode) -> str:
    """A notebook as the text of its file: the same notebook gives the same bytes."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def build(lectures: Iterable[Lecture], *, force: bool = False, say=print) -> None:
    """Makes the notebooks of these lectures; does nothing for what has not changed.

    With GENLIB_QUICK the solutions are run to see that they run, and their stored outputs stay as they are.
    Raises: BuildError where a source is faulty, or a cell fails.
    """
    from genlib.course.lint import lint

    for lecture in lectures:
        source = read_source(lecture)
        faults = lint(lecture, source)
        if faults:
            raise BuildError(f"{lecture.source.name}:\n  " + "\n  ".join(faults))
        solved, stored = solution(source), read(lecture.solution)
        if quick():
            execute(solved, lecture.source.parent.parent)
            say(f"{lecture.name}: runs (quick; nothing stored)")
            continue
        changed = write(lecture.handed_out, text_of(handed_out(source)))
        if force or not is_current(solved, stored):
            stored = execute(solved, lecture.source.parent.parent)
            faults = lint(lecture, source, stored)
            if faults:
                raise BuildError(f"{lecture.name}, executed:\n  " + "\n  ".join(faults))
        changed |= write(lecture.solution, text_of(with_outputs_of(solved, stored)))
        say(f"{lecture.name}: {'written' if changed else 'nothing to do'}")


def drift(lecture: Lecture) -> list[str]:
    """How the stored notebooks differ from what their source says; empty where they do not.

    Sources, ids and metadata must be the same byte for byte. Outputs are compared elsewhere, by running the notebook.
    """
    source = read_source(lecture)
    advice = f"run `genlib build {lecture.number}`"
    faults = []
    for path, expected in ((lecture.handed_out, handed_out(source)), (lecture.solution, solution(source))):
        stored = read(path)
        if stored is None:
            faults.append(f"{path.name} is missing: {advice}")
            continue
        if path == lecture.solution:
            if not is_current(expected, stored):
                faults.append(f"the solution {path.name} was not run with this source: {advice}")
                continue
            expected = with_outputs_of(expected, stored)
        if text_of(expected) != path.read_text(encoding="utf-8"):
            faults.append(f"{path.parent.name}/{path.name} differs from its source: {advice}; never edit a notebook")
    return faults
