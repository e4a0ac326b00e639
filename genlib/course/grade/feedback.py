"""What is written about a class: a table for spreadsheets, feedback for each learner, and free texts to read.

Names, errors and answers in it come from outside: safe.py makes them harmless, for each place in its way.
"""

import csv
import io
import unicodedata
from pathlib import Path

from genlib.course.grade import safe
from genlib.course.grade.one import Grade
from genlib.files import write

COLUMNS = ("student", "lecture", "points", "of", "solved", "exercises", "notes", "seconds", "file", "feedback")


def write_all(marks: Path, grades: list[Grade], rows: list[str]) -> list[str]:
    """The table marks.csv, a feedback file for each row, and free_text.md where there is some; rows are their ids.

    Returns what could not be written, in words: one file that fails stops no other.
    """
    names = [_name(grade, row) for grade, row in zip(grades, rows, strict=True)]
    table = io.StringIO(newline="")
    csv.writer(table).writerows([COLUMNS, *(_csv_row(g, name) for g, name in zip(grades, names, strict=True))])
    files = {"marks.csv": table.getvalue().encode("utf-8-sig")}  # the mark tells spreadsheets UTF-8
    files |= {f"feedback/{name}": feedback(grade).encode() for grade, name in zip(grades, names, strict=True)}
    files |= {"free_text.md": texts.encode()} if (texts := free_texts(grades)) else {}
    failed = []
    for name, content in files.items():
        try:
            write(marks / name, content)
        except OSError as error:
            failed.append(f"{name} could not be written: {error.strerror}")
    return failed


def _name(grade: Grade, row: str) -> str:
    """The name of a feedback file: of letters that every system takes, and another one for each row."""
    words = f"{grade.student[:60]}-{Path(grade.file).stem[:40]}"
    plain = "".join(c if c.isalnum() or c in "-" else "_" for c in words)
    return plain.encode()[:200].decode(errors="ignore") + f"-{row[:8]}.md"  # systems take 255 bytes


def _csv_row(g: Grade, name: str) -> list:
    exercises = " ".join(f"{line[0]}{line.split()[2]}" for line in g.lines)
    solved = f"{sum(g.solved.values())} of {len(g.lines)}"  # 3/4 would become a day in April
    row = [g.student, g.lecture, g.points, g.of, solved, exercises, " | ".join(g.notes), g.seconds, g.file, name]
    return [safe.cell(value) for value in row]


def free_texts(grades: list[Grade]) -> str:
    """The answers in words, each below its question; nothing where there are none."""
    texts = [
        f"## {safe.heading(g.student)}, lecture {safe.heading(g.lecture)}: {safe.heading(q)}\n\n{safe.block(text)}\n"
        for g in grades
        for q, text in g.texts.items()
    ]
    return "# Free text, to be read by you\n\n" + "\n".join(texts) if texts else ""


def feedback(g: Grade) -> str:
    """What a learner is told."""
    parts = [f"# Lecture {safe.heading(g.lecture or '?')}: {safe.heading(g.student)}"]
    if g.lines:
        solved = f"{sum(g.solved.values())} of {len(g.lines)} exercises"
        parts.append(f"You solved {solved}: **{g.points} of {g.of} points**.")
        parts.append(safe.block("\n".join(map(safe.line, g.lines))))
    if g.notes:
        parts += ["To be noted:", safe.block("\n".join(map(safe.line, g.notes)))]
    if g.lines and all(g.solved.values()) and len(g.solved) == len(g.lines):
        parts.append("All of it is right. Well done!")
    elif g.lines:
        parts.append(f"The hints say what to look at next. `genlib check {g.lecture}` tells you the same at home.")
    else:
        parts.append("This could not be marked. Save the notebook in JupyterLab and hand it in again.")
    return "\n\n".join(parts) + "\n"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, marks above others none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    joins = sum(unicodedata.combining(letter) > 0 or letter in safe.JOINS for letter in text)
    return len(text) + wide - joins


def table(grades: list[Grade]) -> str:
    """The grades as text, a line each."""
    names = [safe.line(g.student, 40) for g in grades]
    width = max([columns(name) for name in names] + [7])
    lines = [f"{'student':{width}}  lecture  points   exercises"]
    for g, name in zip(grades, names, strict=True):
        note = f"   {safe.line(g.notes[0], 60)}" if g.notes else ""
        marks = "".join(line[0] for line in g.lines)
        name += " " * (width - columns(name))
        points = f"{g.points}/{g.of}"
        lines.append(f"{name}  {safe.line(g.lecture, 7) or '?':7}  {points:7}  {marks}{note}")
    return "\n".join(lines)
