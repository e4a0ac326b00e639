"""A learner's copy of a notebook: without what only Colab needs, and, beside an older one, with what has changed."""

import re

import nbformat
from nbformat import NotebookNode, v4

from genlib.course.build.cells import role
from genlib.course.build.writing import text_of

_OURS = ("ma-", "co-")  # how the ids of our own cells begin; an id of a learner's cell is drawn at random


def local(text: str) -> str:
    """The text of a copy for this machine: the cell that installs the library in Colab is not there."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "bootstrap" not in cell.metadata.get("tags", [])]
    return text_of(notebook)


def changes(theirs: str, ours: str) -> list[str]:
    """The headings under which a new version differs from a learner's copy, their answers and own cells aside."""
    try:
        old = _by_heading(nbformat.reads(theirs, as_version=4))
    except Exception:  # whatever a damaged file raises
        return []
    new = _by_heading(nbformat.reads(ours, as_version=4))
    return [heading for heading in dict.fromkeys([*new, *old]) if old.get(heading) != new.get(heading)]


def with_changes(ours: str, name: str, changed: list[str]) -> str:
    """The text of a new version that begins with what changed since the copy called ``name``."""
    notebook = nbformat.reads(ours, as_version=4)
    where = "\n".join(f"> - {heading}" for heading in changed) or "> - (this can't be told: your copy can't be read)"
    note = f"> **A new version.** Yours, [{name}]({name}), is as you left it. Something changed under\n>\n{where}"
    notebook.cells.insert(0, v4.new_markdown_cell(note, id="what-changed"))
    return text_of(notebook)


def _by_heading(notebook: NotebookNode) -> dict[str, list[str]]:
    """{heading: what our cells say below it}, without answers."""
    sections: dict[str, list[str]] = {}
    current = ""
    for cell in notebook.cells:
        owner = role(cell)
        ours = cell.get("id", "").startswith(_OURS) or (owner is not None and owner[1] == "check")
        if not ours or "bootstrap" in cell.metadata.get("tags", []):
            continue
        prose = cell.cell_type == "markdown"
        for part in re.split(r"^(?=#{1,6} )", cell.source, flags=re.M) if prose else [cell.source]:
            if prose and part.startswith("#"):
                current = part.splitlines()[0].lstrip("# ").strip()
            sections.setdefault(current, []).append(part.strip())
    return sections
