"""Reading a lecture: its source, notebooks/source/NAME.md, as a notebook with ids; its headings and its prose.

The notebook is a function of the source alone. Ids come from content, so an edit in one cell leaves the others as they
were.
"""

import re
import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from genlib.course import exercises
from genlib.course.build.cells import role
from genlib.lectures import ROOT, Lecture

EXERCISE = re.compile(r"^Exercise (\d+\.\d+) · `(\w+)` · (\d+) minutes · ([●○]{3})$")
FOLDED = "hide-input"  # the tag of a cell that need not be read: it draws, measures, or writes out what the text says
_HIDDEN = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # as JupyterLab and Colab say it
_HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$", re.M)
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

BOOTSTRAP = """\
# @title In Colab, run this cell first: it installs the course's library. Elsewhere it does nothing.
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


def read(path: Path) -> NotebookNode | None:
    """The notebook stored there, or None where there is none."""
    return nbformat.read(path, as_version=4) if path.exists() else None


def repository() -> str:
    """The address of the course's repository, from pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def hosted(address: str) -> bool:
    """Whether the course has an address: pyproject.toml says OWNER until somebody hosts it."""
    return address.startswith("https://github.com/") and "/OWNER/" not in address


def _stamp(notebook: NotebookNode, lecture: Lecture) -> None:
    """What every lecture has: the way to Colab, and at its end what is solved; cells that only draw are folded.

    Under the title a link, where the course has an address that others can open, and a first cell, hidden in both
    Jupyter and Colab, that learners' own copies do not have (genlib/course/copies.py). A cell of the source that is
    tagged hide-input is folded there, too; the tag itself folds it on the web.
    """
    for cell in notebook.cells:
        if FOLDED in (cell.metadata.get("tags") or []):
            cell.metadata.update(_HIDDEN)
    address = repository()
    if hosted(address):
        colab = address.replace("https://github.com", "https://colab.research.google.com/github")
        title, _, rest = notebook.cells[0].source.partition("\n")
        link = f"[Open in Colab]({colab}/blob/main/notebooks/{lecture.name}.ipynb)"
        notebook.cells[0].source = f"{title}\n\n{link}\n{rest}".rstrip()
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first, v4.new_code_cell(BOOTSTRAP.format(repository=address)))
    notebook.cells[first].metadata = NotebookNode(**_HIDDEN, tags=["bootstrap"])
    if exercises.of_lecture(lecture.number):
        source = f'from genlib.course import progress; progress("{lecture.number}")'
        notebook.cells.append(v4.new_code_cell(source))
        notebook.cells[-1].metadata = NotebookNode(tags=["nbval-check-output"])


def _cell_id(cell: NotebookNode, taken: set[str]) -> str:
    """An id from content: exercise and role, or the first words of the cell; a number only tells namesakes apart."""
    owner = role(cell)
    if owner:
        words = "-".join(owner)
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


def prose(cell: NotebookNode) -> str:
    """A Markdown cell without its code: fenced blocks and code spans hold no headings and no links."""
    return re.sub(r"`[^`\n]*`", "", _unfenced(cell))


def _unfenced(cell: NotebookNode) -> str:
    return re.sub(r"^(```+|~~~+).*?^\1[^\n]*$", "", cell.source, flags=re.M | re.S)


def headings(source: NotebookNode) -> list[tuple[int, str]]:
    """(level, text) of every heading."""
    cells = [cell for cell in source.cells if cell.cell_type == "markdown"]
    return [(len(marks), text) for cell in cells for marks, text in _HEADING.findall(_unfenced(cell))]
