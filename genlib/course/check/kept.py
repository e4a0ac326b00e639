"""The learner's progress in a file, progress.json, beside their notebooks: it outlives the kernel, for all lectures.

It can be taken along: downloaded from Colab or Binder and taken over at home with `genlib progress --take FILE`.
Nothing leaves the machine.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

from genlib.course import exercises
from genlib.files import placed, write

FILE = "progress.json"
OFF_OR_FILE = "GENLIB_PROGRESS"  # an environment variable: another file; empty: keep nothing (builds, marking, tests)
BEST = "○✗✓"  # what was solved once stays solved


def place() -> Path | None:
    """Where this kernel keeps progress; None where the notebook is nobody's (a build, a test, a class being marked).

    That is the folder of learner's copies that `genlib start` made; in Colab and on a hub, such as Binder, the folder
    that the kernel works in.
    """
    if OFF_OR_FILE in os.environ:
        return Path(os.environ[OFF_OR_FILE]) if os.environ[OFF_OR_FILE] else None
    here = Path.cwd()
    away = "google.colab" in sys.modules or "JUPYTERHUB_USER" in os.environ
    return here / FILE if away or (here / ".handed_out.json").exists() else None


def read(path: Path | None) -> dict[str, str]:
    """{exercise: mark} of a file; empty where there is none that can be read. What no exercise has is left out."""
    try:
        marks = json.loads(placed(path).read_text(encoding="utf-8"))["exercises"] if path else {}
        return {name: marks[name] for name in exercises.names() if marks.get(name) in tuple(BEST)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def better(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """The better of two marks for each exercise."""
    names = [*first, *(name for name in second if name not in first)]
    return {name: max(first.get(name, "○"), second.get(name, "○"), key=BEST.index) for name in names}


def text_of(marks: dict[str, str]) -> str:
    """The text of the file: exercises in the order of the course."""
    ordered = {name: marks[name] for name in exercises.names() if name in marks}
    return json.dumps({"genlib": "progress", "exercises": ordered}, ensure_ascii=False, indent=1) + "\n"


def keep(marks: dict[str, str], path: Path | None) -> dict[str, str]:
    """Adds these marks to the file and returns what it holds; a folder that can't be written to stops nobody.

    The file is read each time, so that two notebooks that are open at once do not undo each other's marks.
    """
    if path is None:
        return marks
    kept = better(read(path), marks)
    with contextlib.suppress(OSError):
        write(path, text_of(kept))
    return kept
