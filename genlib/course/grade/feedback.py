"""What is written about a class, into FOLDER/_marks: a table for spreadsheets, feedback, and free texts to read."""

import csv
import unicodedata
from pathlib import Path

from genlib.course.grade.one import Grade
from genlib.files import write

MARKS = "_marks"  # the folder beside the learners' notebooks that holds what we write


def write_all(marks: Path, grades: list[Grade]) -> None:
    """The table marks.csv, a feedback file for each notebook, and free_text.md where there is some."""
    rows: list[tuple] = [("student", "lecture", "points", "of", "solved", "exercises", "notes", "seconds", "file")]
    for g in grades:
        rows.append((
            g.student, g.lecture, g.points, g.of, f"{sum(g.solved.values())}/{len(g.lines)}",
            " ".join(f"{line[0]}{line.split()[2]}" for line in g.lines), " | ".join(g.notes), g.seconds, g.file,
        ))  # fmt: skip
    marks.mkdir(exist_ok=True)
    with open(marks / "marks.csv", "w", newline="", encoding="utf-8-sig") as file:  # the mark tells spreadsheets UTF-8
        csv.writer(file).writerows([[_harmless(value) for value in row] for row in rows])
    for g in grades:
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in Path(g.file).with_suffix("").as_posix())
        write(marks / "feedback" / f"{name}.md", feedback(g))
    texts = [f"## {g.student}, lecture {g.lecture}: {q}\n\n{t}\n" for g in grades for q, t in g.texts.items()]
    if texts:
        write(marks / "free_text.md", "# Free text, to be read by you\n\n" + "\n".join(texts))


def _harmless(value: object) -> object:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def feedback(g: Grade) -> str:
    """What a learner is told."""
    lines = [f"# Lecture {g.lecture or '?'}: {g.student}", ""]
    if g.lines:
        solved = f"{sum(g.solved.values())} of {len(g.lines)} exercises"
        lines += [f"You solved {solved}: **{g.points} of {g.of} points**.", ""]
        lines += [f"- {line}" for line in g.lines] + [""]
    if g.notes:
        lines += ["What got in the way:", "", *(f"- {note}" for note in g.notes), ""]
    if g.lines and all(g.solved.values()) and len(g.solved) == len(g.lines):
        lines.append("All of it is right. Well done!")
    elif g.lines:
        lines.append(f"The hints say what to look at next. `genlib check {g.lecture}` tells you the same at home.")
    else:
        lines.append("This file could not be marked. Save the notebook in JupyterLab and hand it in again.")
    return "\n".join(lines) + "\n"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, marks above others none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def table(grades: list[Grade]) -> str:
    """The grades as text, a line each."""
    width = max([columns(g.student) for g in grades] + [7])
    lines = [f"{'student':{width}}  lecture  points   exercises"]
    for g in grades:
        note = f"   {g.notes[0][:60]}" if g.notes else ""
        marks = "".join(line[0] for line in g.lines)
        name = g.student + " " * (width - columns(g.student))
        points = f"{g.points}/{g.of}"
        lines.append(f"{name}  {g.lecture or '?':7}  {points:7}  {marks}{note}")
    return "\n".join(lines)
