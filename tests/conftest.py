"""What all tests share."""

import os
from pathlib import Path

import pytest

# Parallel workers run with one thread each: two threads each on two cores is ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
# What tests solve is nobody's progress; those of progress itself name a file.
os.environ["GENLIB_PROGRESS"] = ""

# Files that take a minute or more, the longest first: workers that begin with them end together.
LONG = (
    "notebooks/solutions/*.ipynb",
    "tests/browser/test_slides.py",
    "tests/lectures/test_0*.py",
    "tests/browser/test_lecture_*.py",
    "tests/course/test_grade*.py",
    "tests/course/test_cheating.py",
    "tests/models/*.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts long files first where workers share them; ``--no-loadscope-reorder`` gives files out in this order."""
    if hasattr(config, "workerinput"):
        place = {path: _place(path.relative_to(config.rootpath)) for path in {item.path for item in items}}
        items.sort(key=lambda item: place[item.path])


def _place(path: Path) -> int:
    return next((i for i, pattern in enumerate(LONG) if path.match(pattern)), len(LONG))
