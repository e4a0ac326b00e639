"""`genlib grade` says of a notebook what `genlib check` says of it, line by line, however odd it is."""

import json

import nbformat
import pytest
from nbformat import v4

from genlib.course import exercises
from genlib.course.build import exercise_of, role
from genlib.course.check.notebook import check_cell, validate
from genlib.course.grade.one import grade
from genlib.course.lectures import find
from tests.course.light import lightly
from tests.course.odd_notebooks import CHECK, ODD

LECTURE = find("01")
NAMES = [exercise.name for exercise in exercises.of_lecture("01")]
KINDS = list(ODD)
NOTEBOOKS = [KINDS[i : i + len(NAMES)] for i in range(0, len(KINDS), len(NAMES))]


def test_there_are_enough_of_them():
    assert len(ODD) >= 60


def right_answers() -> dict[str, str]:
    """The cells of the solutions, each with what it needs of the notebook's setup."""
    cells = nbformat.read(LECTURE.solution, as_version=4).cells
    return {role(cell)[0]: cell.source for cell in cells if role(cell) and role(cell)[1] == "answer"}


def notebook(kinds: list[str]):
    """Lecture 01 without its text: imports, and one odd answer an exercise."""
    imports = v4.new_code_cell("import math\nimport torch\nimport torch.nn.functional as F")  # as its cells do
    result = v4.new_notebook(metadata={"genlib": {"lecture": "01"}}, cells=[imports])
    right = right_answers()
    for name, kind in zip(NAMES, kinds, strict=False):
        for source in ODD[kind](name, right[name]):
            cell = check_cell(exercises.find(name)) if source == CHECK else v4.new_code_cell(source)
            if source != CHECK:
                cell.metadata["exercise"] = name
            result.cells.append(cell)
        after = [c for c in result.cells if exercise_of(c) == name]
        for cell in after[next(i for i, c in enumerate(after) if role(c)[1] == "check") + 1 :]:
            del cell.metadata["exercise"]  # a cell of one's own, below the check
    for cell in result.cells:
        cell.pop("id", None)
    result.nbformat_minor = 4
    return result


@pytest.mark.parametrize("kinds", NOTEBOOKS, ids=lambda kinds: kinds[0])
def test_grade_says_what_check_says(tmp_path, kinds, monkeypatch):
    lightly(monkeypatch)
    path = tmp_path / "01_mine.ipynb"
    nbformat.write(notebook(kinds), path)
    (tmp_path / "beside.txt").write_text("lies here", encoding="utf-8")
    (tmp_path / "beside_me.py").write_text("value = 7", encoding="utf-8")
    checked = {result.exercise.name: result.line for result in validate(path)[0]}
    graded = grade("mine", path)
    found = dict(zip(NAMES, graded.lines, strict=True))
    differ = {kind: (checked[n], found[n]) for n, kind in zip(NAMES, kinds, strict=False) if checked[n] != found[n]}
    assert not differ, json.dumps(differ, indent=1, ensure_ascii=False)
    if kinds != NOTEBOOKS[-1]:  # which holds wrong answers
        solved = sum(line.startswith("✓") for line in graded.lines)
        assert solved > 0.6 * len(kinds), "most are right, and what they use was there"
