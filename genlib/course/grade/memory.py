"""What was marked before, so that a run that was interrupted goes on where it ended.

It lies beside what the lecturer reads, outside the folder that was handed in, and is believed only if it is whole: its
hash is right, and everything in it has the type that it should have.
"""

import dataclasses
import hashlib
import json
import typing
from pathlib import Path
from typing import Any

from genlib.course.check.outside import ValidateError, bytes_of
from genlib.course.grade.one import Grade
from genlib.files import write

FILE = "grades.json"
_MOST = 256 * 2**20  # bytes


def remembered(path: Path) -> dict[str, Grade]:
    """{row: grade} as it was kept; empty where there is nothing, or nothing that is whole: all are marked again."""
    try:
        content = json.loads(bytes_of(path, _MOST, follow=False))
        if content["sha256"] != _hash(content["grades"]):
            return {}
        return {row: _grade(entry) for row, entry in content["grades"].items()}
    except (ValidateError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def keep(path: Path, grades: dict[str, Grade]) -> None:
    """Writes it down, in one step. Raises: OSError where it can't be written."""
    entries = {row: dataclasses.asdict(grade) for row, grade in grades.items()}
    if path.is_symlink() or (path.exists() and not path.is_file()):  # what a link leads to is not ours to change
        path.unlink()
    write(path, json.dumps({"sha256": _hash(entries), "grades": entries}, indent=1) + "\n")


def _hash(entries: dict) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def _grade(entry: dict) -> Grade:
    """A grade, if it is one. Raises: TypeError where it is none."""
    grade = Grade(**entry)
    for name, kind in typing.get_type_hints(Grade).items():
        if not _is(getattr(grade, name), kind):
            raise TypeError(f"{name} is no {kind}")
    if not 0 <= grade.points <= grade.of:
        raise TypeError("more points than there are")
    return grade


def _is(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a type, also of list[str] and dict[str, bool]."""
    parts = typing.get_args(kind)
    if typing.get_origin(kind) is list:
        return isinstance(value, list) and all(_is(part, parts[0]) for part in value)
    if typing.get_origin(kind) is dict:
        return isinstance(value, dict) and all(_is(k, parts[0]) and _is(v, parts[1]) for k, v in value.items())
    return type(value) is kind
