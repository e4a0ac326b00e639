"""A cell of a lecture: whose exercise it belongs to, and how an answer becomes a stub or a solution."""

from nbformat import NotebookNode

from genlib.course import exercises

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class BuildError(Exception):
    """A source that can't be built, or a notebook that is not what its source says."""


def role(cell: NotebookNode) -> tuple[str, str] | None:
    """(exercise, "answer" or "check") of a cell that belongs to an exercise, else None."""
    name = exercise_of(cell)
    if name is None:
        return None
    return name, "check" if "check" in (cell.metadata.get("tags") or []) else "answer"


def exercise_of(cell: NotebookNode) -> str | None:
    """The exercise that a cell belongs to."""
    return cell.metadata.get("exercise") or None


def is_check(cell: NotebookNode) -> bool:
    """Whether it is the check cell of an exercise."""
    owner = role(cell)
    return owner is not None and owner[1] == "check"


def check_source(name: str) -> str:
    """What the check cell of an exercise says."""
    return f'from genlib.course import check; check("{name}")'


def stub(cell: NotebookNode) -> str:
    """An answer cell's source with what stands between the markers replaced by `raise NotImplementedError`."""
    name = exercise_of(cell)
    if name is None or name not in exercises.names():
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


def answer(cell: NotebookNode) -> str:
    """An answer cell's source without the markers."""
    return "\n".join(line for line in cell.source.splitlines() if line.strip() not in (BEGIN, END))
