r"""Reading a deck: slides/NAME.md as slides, and its numbered equations.

A deck is MyST Markdown, as the lectures are. Beyond that it knows:

- ``# Title`` is the title slide, and every ``## Heading`` begins a slide. ``## Heading {.split}`` names its kind.
- ``. . .`` on a line of its own: what follows appears with the next key. In a formula, ``\step{…}`` does the same.
- ``Note (2 min): …`` and all after it on that slide is for the speaker: minutes, and what to say and to ask.
- Code cells run, and their figures and widgets show. The code itself shows where the cell has the tag ``show-code``.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from nbformat import NotebookNode, v4

from genlib.course.build import BuildError

_HEADING = re.compile(r"^(#{1,2}) +(.*?)(?: +\{((?:\.[a-z]+ ?)+)\})?\s*$")
_NOTE = re.compile(r"^Note \((\d+(?:\.5)?) min\): *")
_PAUSE = ". . ."


@dataclasses.dataclass
class Slide:
    """A slide of a deck: its heading, its kinds, its minutes (None without a note) and its cells, the heading first."""

    title: str
    kinds: tuple[str, ...]
    minutes: float | None
    cells: list[NotebookNode]

    @property
    def text(self) -> str:
        """What its Markdown says, the speaker's note aside."""
        cells = [cell for cell in self.cells if cell.cell_type == "markdown" and slide_type(cell) != "notes"]
        return "\n\n".join(cell.source for cell in cells)


def read_deck(text: str) -> list[Slide]:
    """The slides of a deck. Raises: BuildError where something stands where it can't."""
    import jupytext

    slides: list[Slide] = []
    appears = False  # whether the next piece comes with the next key
    in_note = False
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        pieces: Iterable[tuple[str, Any]] = [("code", cell)] if cell.cell_type == "code" else _pieces(cell.source)
        for kind, piece in pieces:
            if kind == "heading":
                level, title, kinds = _HEADING.findall(piece)[0]
                names = tuple(name.lstrip(".") for name in kinds.split())
                heading = as_cell(v4.new_markdown_cell(f"{level} {title}"), "slide")
                slides.append(Slide(title, ("title",) if level == "#" else names, None, [heading]))
                appears = in_note = False
            elif not slides:
                raise BuildError("a deck begins with `# Title`")
            elif in_note:
                raise BuildError(f"slide “{slides[-1].title}”: the note stands last on its slide")
            elif kind == "pause":
                appears = True
            elif kind == "note":
                slides[-1].minutes, in_note = float(_NOTE.findall(piece)[0]), True
                # After the heading, because reveal.js shows a note inside a fragment only with that fragment.
                slides[-1].cells.insert(1, as_cell(v4.new_markdown_cell(_NOTE.sub("", piece)), "notes"))
            else:
                made = v4.new_markdown_cell(piece) if kind == "text" else piece
                slides[-1].cells.append(as_cell(made, "fragment" if appears else "-"))
                appears = False
    return slides


def _pieces(markdown: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of the headings, pauses, texts and notes of a Markdown cell; fenced blocks stay whole."""
    kind, lines, fence = "text", [], None
    for line in markdown.splitlines():
        mark = re.match(r"```+|~~~+", line)
        if mark:
            fence = None if fence == mark[0] else fence or mark[0]
        begins = None if fence else _begins(line)
        if begins is None:
            lines.append(line)
            continue
        yield from _text(kind, lines)
        if begins == "note":  # it has more lines
            kind, lines = "note", [line]
        else:
            kind, lines = "text", []
            yield begins, line
    yield from _text(kind, lines)


def _begins(line: str) -> str | None:
    """What begins with a line: a heading, a pause, a note, or nothing new."""
    if _HEADING.match(line):
        return "heading"
    if _NOTE.match(line):
        return "note"
    return "pause" if line == _PAUSE else None


def _text(kind: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    text = "\n".join(lines).strip()
    if text:
        yield kind, text


def as_cell(cell: NotebookNode, appears: str) -> NotebookNode:
    """The cell with the mark of how it appears, see ``slide_type``."""
    cell.metadata["slideshow"] = NotebookNode(slide_type=appears)
    cell.metadata.setdefault("tags", [])
    return cell


def slide_type(cell: NotebookNode) -> str:
    """How a cell appears: "slide", "fragment", "notes", "-" or "skip"."""
    return cell.metadata.slideshow.slide_type


def equations(markdown: str) -> dict[str, list[str]]:
    r"""{number: [TeX, …]} of the displayed formulas that have a \tag, without tag, white space and ``\step``."""
    found: dict[str, list[str]] = {}
    for formula in re.findall(r"\$\$(.+?)\$\$", markdown, re.S):
        for number in re.findall(r"\\tag\{([^}]*)\}", formula):
            tex = re.sub(r"\\tag\{[^}]*\}", "", _without_steps(formula))
            found.setdefault(number, []).append("".join(tex.split()))
    return found


def _without_steps(tex: str) -> str:
    r"""``\step{…}`` replaced by what is inside."""
    while (start := tex.find(r"\step{")) >= 0:
        opened = start + len(r"\step")
        depth = 0
        for end in range(opened, len(tex)):
            depth += {"{": 1, "}": -1}.get(tex[end], 0) if tex[end - 1] != "\\" else 0
            if depth == 0:
                break
        else:
            raise BuildError(f"\\step{{ is not closed: {tex[start : start + 60]}")
        tex = tex[:start] + tex[opened + 1 : end] + tex[end + 1 :]
    return tex
