"""What a notebook shows beside the plain line of a check: points in colour, how many are solved, and what comes next.

Only where somebody looks. A frontend says which cell it runs; the build, nbval and marking do not, and get the plain
line alone: so a notebook's reference output is the same everywhere.
"""

import base64
import functools
import html
import re
import sys
from pathlib import Path

from genlib.course import exercises
from genlib.course.check.kept import text_of
from genlib.lectures import Lecture, available, find

GREEN = "#009E73"  # of genlib.plots.COLOURS, which would import matplotlib


def watched() -> bool:
    """Whether somebody looks at this notebook: JupyterLab, Notebook 7, VS Code or Colab asked for this cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "get_parent"):
        return False
    return "google.colab" in sys.modules or bool((shell.get_parent() or {}).get("metadata", {}).get("cellId"))


def show(markup: str) -> None:
    """Displays HTML below a cell."""
    from IPython.display import HTML, display

    display(HTML(markup))


@functools.cache
def points_of(lecture: Lecture) -> dict[str, int]:
    """{exercise: points}, the filled circles of its heading; empty where our notebooks are not there (Colab)."""
    from genlib.course.build import EXERCISE, headings, read

    notebook = read(lecture.handed_out)
    matches = [EXERCISE.match(text) for _, text in headings(notebook)] if notebook else []
    return {match[2]: match[4].count("●") for match in matches if match}


@functools.cache
def abilities(lecture: Lecture) -> list[str]:
    """What you can do after a lecture, as it says itself; without its notebook, what the course says of it."""
    from genlib.course.build import read

    notebook = read(lecture.handed_out)
    cells = notebook.cells if notebook else []
    text = "\n".join(cell.source + "\n" for cell in cells if cell.cell_type == "markdown")
    found = re.search(r"Afterwards you can\n\n((?:- .+\n)+)", text)
    return [line[2:].rstrip(",.") for line in found[1].splitlines()] if found else [lecture.learn]


def solved(name: str, marks: dict[str, str]) -> str:
    """Below the verdict on an exercise that is right: its points, how many are solved, what comes next."""
    lecture = find(exercises.lecture_of(name))
    worth = points_of(lecture).get(name)
    points = f"<b style='color: {GREEN}'>✓ {_points(worth)}</b> " if worth else ""
    return _box(f"{points}{_bar(lecture, marks)}{_next(lecture, marks)}") + after(lecture, marks)


def after(lecture: Lecture, marks: dict[str, str]) -> str:
    """When all exercises of a lecture are solved: what you can do now, and where to go; else nothing."""
    names = [exercise.name for exercise in exercises.of_lecture(lecture.number)]
    if any(marks.get(name) != "✓" for name in names):
        return ""
    can = "".join(f"<li>{_inline(line)}</li>" for line in abilities(lecture))
    total = sum(points_of(lecture).values())
    whole = f"All of lecture {lecture.number} is solved{f': {_points(total)}' if total else ''}."
    following = [other for other in available() if lecture.number in other.needs] or [
        other for other in available() if other.number > lecture.number
    ]
    links = [_link(f"solutions/{lecture.name}.ipynb", "compare with our solution")]
    links += [_link(f"{other.name}.ipynb", f"{other.number} {other.title}") for other in following[:4]]
    ways = " · ".join(link for link in links if link)
    return _box(f"<b style='color: {GREEN}'>{whole}</b> You can now<ul>{can}</ul>{f'Go on: {ways}' if ways else ''}")


def whole_course(marks: dict[str, str]) -> str:
    """A link that downloads the progress of the whole course as a file, to be taken to another machine."""
    data = base64.b64encode(text_of(marks).encode()).decode()
    name = "progress.json"
    link = f"<a download='{name}' href='data:application/json;base64,{data}'>Download {name}</a>"
    return _box(f"{link} to go on elsewhere: <code>genlib progress --take {name}</code> adds it to what is there.")


def _box(content: str) -> str:
    return f"<div style='border-left: 4px solid {GREEN}; padding: 4px 0 4px 12px; margin: 2px 0'>{content}</div>"


def _points(count: int) -> str:
    return f"{count} point{'s' if count > 1 else ''}"


def _bar(lecture: Lecture, marks: dict[str, str]) -> str:
    """A dot for each exercise of a lecture, and "5 of 11"."""
    names = [exercise.name for exercise in exercises.of_lecture(lecture.number)]
    done = sum(marks.get(name) == "✓" for name in names)
    dots = f"<span style='color: {GREEN}; letter-spacing: 2px'>{'●' * done}</span>{'○' * (len(names) - done)}"
    return f"{dots} <b>{done} of {len(names)}</b>"


def _next(lecture: Lecture, marks: dict[str, str]) -> str:
    """The first exercise of the lecture that is not solved."""
    waiting = (e for e in exercises.of_lecture(lecture.number) if marks.get(e.name) != "✓")
    first = next(waiting, None)
    return f" · next: Exercise {first.number} <code>{first.name}</code>" if first else ""


def _link(target: str, text: str) -> str:
    """A link to a file beside the notebook, where it is there."""
    return f"<a href='{target}'>{html.escape(text)}</a>" if Path(target).exists() else ""


def _inline(text: str) -> str:
    """A line of Markdown as HTML: code, and links as their text. Mathematics stays: the notebook typesets it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", html.escape(text, quote=False))
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", text)
