"""How far a learner is, in this lecture and in the whole course. Nothing leaves the machine."""

from pathlib import Path

from genlib.course import exercises
from genlib.course.check import kept, shown
from genlib.lectures import MY, Lecture, available, find

_seen: dict[str, str] = {}  # {exercise: mark}, of the checks that ran in this process


def note(name: str, mark: str) -> dict[str, str]:
    """Remembers the verdict of a check, here and in the learner's file; returns the marks of all exercises so far."""
    _seen[name] = mark
    return kept.better(kept.keep(_seen, kept.place()), _seen)


def marks_in(path: Path) -> dict[str, str]:
    """{exercise: mark} as the outputs of a saved notebook say; a notebook that can't be read has none."""
    from genlib.course.build import role
    from genlib.course.check.outside import ValidateError, read_notebook

    try:
        notebook = read_notebook(path)
    except ValidateError:
        return {}
    marks = {}
    for cell in notebook.cells:
        owner = role(cell)
        if owner and owner[1] == "check":
            text = "".join(output.get("text", "") for output in cell.get("outputs", []))
            marks[owner[0]] = next((line[0] for line in text.splitlines() if line[:1] in "✓○✗"), "○")
    return marks


def line(lecture: str, marks: dict[str, str]) -> str:
    """A lecture's exercises as marks, and how many are solved."""
    all_of_it = "".join(marks.get(exercise.name, "○") for exercise in exercises.of_lecture(lecture))
    return f"{all_of_it}  {all_of_it.count('✓')} of {len(all_of_it)} solved"


def progress(lecture: str | None = None) -> None:
    """Prints how far you are in a lecture, or, without one, in the whole course, and how to take that along.

    It counts the checks that ran in this notebook, and what your file of progress remembers.
    """
    marks = kept.better(kept.read(kept.place()), _seen)
    print(f"Lecture {lecture}: {line(lecture, marks)}" if lecture else course(marks))
    if shown.watched():
        box = shown.after(find(lecture), marks) if lecture else shown.whole_course(marks)
        if box:
            shown.show(box)


def course(marks: dict[str, str]) -> str:
    """How far the whole course is, a line a lecture."""
    lines = []
    for lecture in _lectures():
        names = [exercise.name for exercise in exercises.of_lecture(lecture.number)]
        if names:
            state = line(lecture.number, marks) if any(name in marks for name in names) else "not begun"
            lines.append(f"{lecture.number}  {lecture.title:32}  {state}")
    return "\n".join(lines)


def _lectures() -> list[Lecture]:
    """Those that are there; of an installed package, which has no sources, those with exercises."""
    return available() or [find(number) for number in exercises.lectures()]


def overview(folder: Path = MY) -> str:
    """How far the whole course is: by the progress.json of a folder, and by the notebooks there as they were saved."""
    marks = kept.read(folder / kept.FILE)
    for lecture in _lectures():
        marks = kept.better(marks, marks_in(folder / lecture.handed_out.name))
    if not marks and not available():
        return f"{folder} holds no notebook of the course and no {kept.FILE}: {_WHERE}"
    return course(marks)


_WHERE = "call `genlib progress` in the folder where yours are, or bring a file with --take FILE"


def take(file: Path, folder: Path = MY) -> str:
    """Adds a progress file from elsewhere to the one in folder, and tells.

    Raises: ValueError where it is none; OSError where the folder can't be written to.
    """
    marks = kept.read(file)
    if not marks:
        raise ValueError(f"{file} holds no progress of this course")
    own = folder / kept.FILE
    if kept.keep(marks, own) != kept.read(own):
        raise OSError(f"{own} can't be written; nothing was taken over")
    return f"{sum(mark == '✓' for mark in marks.values())} solved exercises taken over from {file.name}"
