"""How far a learner is. Read off their own notebooks; nothing leaves the machine."""

from pathlib import Path

from genlib.course import exercises
from genlib.course.lectures import available
from genlib.course.start import MY

_seen: dict[str, str] = {}  # {exercise: mark}, of the checks that ran in this process


def note(name: str, mark: str) -> None:
    """Remembers the verdict of a check, for ``progress`` in the same notebook."""
    _seen[name] = mark


def marks_in(path: Path) -> dict[str, str]:
    """{exercise: mark} as the outputs of a saved notebook say; a notebook that can't be read has none."""
    from genlib.course.build import read, role

    try:
        notebook = read(path)
    except Exception:  # whatever a damaged file raises
        return {}
    marks = {}
    for cell in notebook.cells if notebook else []:
        owner = role(cell)
        if owner and owner[1] == "check":
            text = "".join(output.get("text", "") for output in cell.get("outputs", []))
            marks[owner[0]] = next((line[0] for line in text.splitlines() if line[:1] in "✓○✗"), "○")
    return marks


def line(lecture: str, marks: dict[str, str]) -> str:
    """A lecture's exercises as marks, and how many are solved."""
    all_of_it = "".join(marks.get(exercise.name, "○") for exercise in exercises.of_lecture(lecture))
    return f"{all_of_it}  {all_of_it.count('✓')} of {len(all_of_it)} solved"


def progress(lecture: str) -> None:
    """Prints how far you are in this lecture, by the checks that ran in this notebook since its kernel started."""
    print(f"Lecture {lecture}: {line(lecture, _seen)}")


def overview(folder: Path = MY) -> str:
    """How far the notebooks in a folder are, as they were saved, a line a lecture."""
    lines = []
    for lecture in available():
        if exercises.of_lecture(lecture.number):
            path = folder / lecture.handed_out.name
            state = line(lecture.number, marks_in(path)) if path.exists() else "not begun"
            lines.append(f"{lecture.number}  {lecture.title:32}  {state}")
    return "\n".join(lines)
