"""From one source, notebooks/source/NAME.md, two notebooks: `genlib build`.

reading: a lecture's source as a notebook. cells: whose exercise a cell belongs to, and stubs. lint: what is wrong with
a lecture. running: the one runner of notebooks. writing: the notebook handed out, the solution, and their drift.
"""

from genlib.course.build.cells import BuildError, exercise_of, is_check, role, stub
from genlib.course.build.reading import EXERCISE, headings, hosted, read, read_source, repository
from genlib.course.build.writing import build, drift

__all__ = [
    "EXERCISE", "BuildError", "build", "drift", "exercise_of", "headings", "hosted", "is_check", "read",
    "read_source", "repository", "role", "stub",
]  # fmt: skip
