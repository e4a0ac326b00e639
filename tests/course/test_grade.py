"""Marking: what is earned by values counts, whatever a notebook says, does, or breaks."""

import copy

import nbformat
import pytest
from nbformat import v4

from genlib.course.build import role
from genlib.course.grade import one, sandbox
from genlib.course.grade.feedback import feedback
from genlib.course.grade.one import Grade, grade, points_of
from genlib.lectures import available, find
from tests.course.light import lightly

RIGHT = "import math\ndef uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)"
WRONG = "import math\ndef uniform_log_prob(dimensions, levels):\n    return dimensions * math.log(levels)"


def notebook(answer: str, *, before: str = "", after: str = ""):
    """Lecture 00 as handed out, with an answer, and cells of the learner's own before and after it."""
    result = copy.deepcopy(nbformat.read(find("00").handed_out, as_version=4))
    index = next(i for i, cell in enumerate(result.cells) if role(cell) == ("uniform_log_prob", "answer"))
    result.cells[index].source = answer
    for place, source in ((index + 1, after), (index, before)):
        if source:
            result.cells.insert(place, v4.new_code_cell(source))
    return result


def marked(tmp_path, content) -> Grade:
    path = tmp_path / "someone.ipynb"
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return grade("someone", path)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(one, "CELL_SECONDS", 2.0)
    monkeypatch.setattr(one, "NOTEBOOK_SECONDS", 25.0)


def test_a_right_answer_earns_its_points_and_a_wrong_one_its_hint(tmp_path):
    right, wrong, none = (marked(tmp_path, notebook(a)) for a in (RIGHT, WRONG, "pass"))
    worth = points_of(find("00"))["uniform_log_prob"]
    assert (right.points, right.of, right.notes) == (worth, worth, [])
    assert wrong.points == 0
    assert "the sign is flipped" in wrong.lines[0]
    assert "not solved yet" in none.lines[0]
    assert "Well done" in feedback(right)
    assert "the sign is flipped" in feedback(wrong)


@pytest.mark.parametrize("lecture", available(), ids=lambda lecture: lecture.number)
def test_the_solutions_earn_every_point_in_the_notebook_as_it_was_handed_out(tmp_path, lecture, monkeypatch):
    """What an answer uses, an import further up for instance, is there, though the cells in between do not run."""
    monkeypatch.setattr(one, "NOTEBOOK_SECONDS", 90.0)
    solved = nbformat.read(lecture.solution, as_version=4).cells
    right = {role(cell)[0]: cell.source for cell in solved if role(cell) and role(cell)[1] == "answer"}
    content = nbformat.read(lecture.handed_out, as_version=4)
    for cell in content.cells:
        if role(cell) and role(cell)[1] == "answer":
            cell.source = right[role(cell)[0]]
    result = marked(tmp_path, content)
    assert (result.points, result.notes) == (result.of, []), result.lines


FORK = "import os\nwhile True:\n    os.fork()"
SHELLS = "import subprocess\nfor _ in range(99): subprocess.Popen('sleep 60', shell=True)\nimport time; time.sleep(9)"
SWALLOWS = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
KILL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
LEFT_OUT = "; the rest was marked without it"
# What stands before or after the answer, and what the notes must say of it.
DISTURBING = {
    "an endless loop": ("while True: pass", "still running after 2 seconds"),
    "a loop that swallows everything": (SWALLOWS, ""),
    "exit()": ("exit()", "stops"),
    "os._exit": ("import os; os._exit(0)", f"ended its process (status 0){LEFT_OUT}"),
    "a killed kernel": (
        KILL,
        f"ended its process (status 137){LEFT_OUT}" if sandbox.works() else "may not call os.kill",
    ),
    "a signal to itself": ("import signal; signal.raise_signal(signal.SIGKILL)", "ended its process (status"),
    "100 GB": ("import torch; x = torch.ones(100 * 2**30 // 4)", "stops"),
    "a flood of output": ("for _ in range(300_000): print('x' * 1000)", ""),
    "a fork bomb": (FORK, "may not call os.fork"),
    "a fork bomb of shells": (SHELLS, "too many processes" if sandbox.works() else "may not"),
    "a syntax error": ("def f(:\n  pass", "SyntaxError"),
    "10 MB of text": ("x = '" + "y" * 10_000_000 + "'", "characters was left out"),
    "names of the course's own cells": ("print(p.mean(), len(train), all_levels := train.levels)", None),
    "a shell command and a magic": ("!pip install nothing\n%matplotlib inline", None),
    "a file that is too large": ("with open('x', 'wb') as f:\n    while True: f.write(bytes(2**24))", "stops"),
}


@pytest.mark.parametrize("what", DISTURBING)
def test_what_disturbs_costs_no_point_and_earns_none(tmp_path, what, monkeypatch):
    source, said = DISTURBING[what]
    if "the course's own" not in what:
        lightly(monkeypatch)
    right = marked(tmp_path, notebook(RIGHT, before=source))
    assert right.points == right.of, right.notes
    assert " ".join(right.notes).find(said or "") >= 0, right.notes
    assert bool(right.notes) == (said is not None and what not in ("a flood of output",)), right.notes
    if what in ("an endless loop", "os._exit"):
        assert marked(tmp_path, notebook(WRONG, after=source)).points == 0


def test_an_answer_that_never_ends_or_kills_is_marked_alone(tmp_path, monkeypatch):
    lightly(monkeypatch)
    loop = marked(tmp_path, notebook("def uniform_log_prob(dimensions, levels):\n    while True: pass"))
    assert "is there a loop that never ends" in loop.lines[0]
    kill = marked(tmp_path, notebook("import os\ndef uniform_log_prob(dimensions, levels):\n    os._exit(0)"))
    assert kill.points == 0
    assert "it could not be marked" in kill.lines[0]
    assert "the check of uniform_log_prob ended its process" in kill.notes[0]


def test_lost_metadata_and_renamed_cells_cost_nothing(tmp_path):
    lost = notebook(RIGHT)
    del lost.metadata["genlib"]
    for cell in lost.cells:
        cell.id = f"x{cell.id}"[:60]
        if role(cell) == ("uniform_log_prob", "answer"):
            cell.metadata = {}
    result = marked(tmp_path, lost)
    assert result.points == result.of


@pytest.mark.parametrize(
    ("content", "said"),
    [("no JSON at all", "not a notebook"), ("{}", "not a"), ("[" * 100_000, "not a notebook"), ("\x00" * 99, "not a")],
)
def test_files_that_are_no_notebooks_are_told(tmp_path, content, said):
    result = marked(tmp_path, content)
    assert (result.points, result.lines) == (0, [])
    assert said in result.notes[0], result.notes
    assert "hand it in again" in feedback(result)


def test_the_wrong_lecture_is_told(tmp_path):
    path = tmp_path / "someone.ipynb"
    nbformat.write(notebook(RIGHT), path)
    result = grade("someone", path, expected="01")
    assert result.points == 0
    assert result.notes == ["this is lecture 00, asked was lecture 01"]
