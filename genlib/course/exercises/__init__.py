"""The exercises, one module a lecture: lecture_03.py holds those of lecture 03. Only the one asked for is imported.

Each module ends with EXERCISES, which holds them in their order. For how to write one see genlib/course/exercise.
"""

import functools
import importlib
import re
from pathlib import Path

from genlib.course.exercise import Exercise
from genlib.course.exercise.state import as_expected

_DEFINITION = re.compile(r'Exercise\(\s*"(\d+)\.\d+",\s*"(\w+)"')


@functools.cache
def _index() -> dict[str, str]:
    """{exercise name: lecture}, read off the text of the modules, so that none is imported for it."""
    index = {}
    for path in sorted(Path(__file__).parent.glob("lecture_*.py")):
        for _, name in _DEFINITION.findall(path.read_text(encoding="utf-8")):
            if name in index:
                raise ValueError(f"two exercises have the name {name!r}")
            index[name] = path.stem.removeprefix("lecture_")
    return index


def names() -> list[str]:
    """The names of all exercises, by lecture."""
    return list(_index())


def lectures() -> list[str]:
    """The lectures that have exercises: "00", "01"…"""
    return sorted(set(_index().values()))


def of_lecture(lecture: str) -> list[Exercise]:
    """The exercises of one lecture, in their order; none for a lecture without."""
    if lecture not in lectures():
        return []
    with as_expected():  # inputs are drawn when a lecture is loaded, whatever a learner has made the default
        module = importlib.import_module(f"{__name__}.lecture_{lecture}")
    return list(module.EXERCISES)


def lecture_of(name: str) -> str:
    """The lecture that an exercise belongs to. Raises: KeyError where there is none of that name."""
    return _index()[name]


def find(name: str) -> Exercise:
    """The exercise of that name. Raises: KeyError where there is none."""
    return next(e for e in of_lecture(lecture_of(name)) if e.name == name)
