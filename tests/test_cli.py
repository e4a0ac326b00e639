"""The command line's words: what is asked for and can't be had is told in one line, before anything is done."""

import inspect
import os
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from genlib import data
from genlib.cli import DATA, MODELS, app
from genlib.course import exercises
from genlib.course.check import notebook as checking
from genlib.course.grade.feedback import columns, table
from genlib.course.grade.folder import marks_of
from genlib.course.grade.one import Grade
from genlib.families import models
from genlib.launch import data_sets
from genlib.lectures import available, find


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("grade", "FOLDER", "--lecture", "3x"), "there is no lecture '3x'"),
        (("grade", "FOLDER", "--lecture", "-1"), "there is no lecture '-1'"),
        (("grade", "FOLDER", "--lecture", ""), "there is no lecture ''"),
        (("grade", "FOLDER", "--lecture", "99"), "there is no lecture '99'; the lectures are 00, 01"),
        (("grade", "FOLDER", "--lecture", "13"), "lecture 13 has no notebook yet; those that have one are 00, 01"),
        (("grade", "FOLDER", "--lecture", "3"), "no notebook here is of lecture 03; they are 2 of 00, 1 of 01"),
        (("grade", "FOLDER/nobody"), "is not there; give the folder"),
        (("grade", "FOLDER/one/a.ipynb"), "is a file; unpack it where it is an archive"),
        (("grade", "FOLDER", "--marks", "FOLDER/marks"), "marks stand outside of what was handed in"),
        (("grade", "FOLDER", "--marks", "FOLDER/../class/one"), "marks stand outside of what was handed in"),
        (("grade", "FOLDER", "--marks", "FOLDER/../class/one/a.ipynb/x"), "marks stand outside of what was handed in"),
        (("grade", "FOLDER", "--marks", "/dev/null"), "can't be written: "),
        (("slides", "13"), "lecture 13 has no deck yet; those that have one are 01"),
        (("slides", "00"), "lecture 00 has no deck yet"),
        (("slides", "01", "x"), "there is no lecture 'x'"),
        (("build", "13"), "lecture 13 has no source yet"),
        (("build", "--check", "13"), "lecture 13 has no source yet"),
        (("build", "99"), "there is no lecture '99'"),
        (("start", "99"), "there is no lecture '99'"),
        (("check", "99"), "there is no lecture '99'"),
        (("handout", "FOLDER/one/a.ipynb"), "is a file; give the name of a folder"),
        (("handout", "FOLDER/one/a.ipynb/deeper"), "00_start_here.ipynb can't be written: Not a directory"),
        (("handout", "/dev/null"), "is a file; give the name of a folder"),
        (("handout", "/proc/nothing"), "can't be written: No such file or directory"),
        (("train", "Nope"), "there is no model 'Nope'"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_a_wrong_word_ends_in_one_line_and_changes_nothing(tmp_path, words, told):
    folder = tmp_path / "class"
    for student, number in (("one", "00"), ("two", "00"), ("three", "01")):
        (folder / student).mkdir(parents=True)
        shutil.copy(find(number).handed_out, folder / student / "a.ipynb")
    done = run(*(word.replace("FOLDER", str(folder)) for word in words))
    assert done.exit_code == 2
    assert done.stderr.startswith("genlib: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not marks_of(folder).exists()


def test_what_is_there_already_and_is_something_else_stays_and_stops_nobody(tmp_path):
    first, second, third, fourth, *others = (lecture.handed_out.name for lecture in available())
    (tmp_path / first).write_text("mine")
    (tmp_path / second).mkdir()
    os.mkfifo(tmp_path / third)
    (tmp_path / fourth).symlink_to("nowhere")
    done = run("handout", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        *["another version is there already, left as it is"] * 4,
        *["written"] * len(others),
    ]
    assert (tmp_path / first).read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    again = tmp_path / others[0]
    again.write_bytes(again.read_bytes().replace(b"\n", b"\r\n"))  # as an editor on Windows saves it
    assert f"{others[0]}: written" in run("handout", tmp_path).stdout


def test_what_a_notebook_says_is_no_command_to_the_terminal(tmp_path, monkeypatch):
    """A lecturer may check a learner's notebook; errors and hints hold what its code raised."""
    exercise = exercises.find("uniform_log_prob")
    told = checking.Result(exercise, False, "✗ Exercise 0.1: your code raises \x1b[2J\x1b]0;p\x07 E\n✓ all hold (p‖q)")
    monkeypatch.setattr(checking, "validate", lambda path: ([told], ["a cell stops: \x9b31m\u202e\r\n✓ b"]))
    path = tmp_path / "\x1b[31m.ipynb"
    path.touch()
    done = run("check", path)
    assert done.exit_code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.output)
    first, second, _ = done.stdout.splitlines()
    assert first.endswith("✓ all hold (p‖q)")
    assert second.startswith("! a cell stops")


WRONG_NUMBERS = """
grade . --lecture 3x
grade . --lecture 99
grade . --lecture 13
grade . --lecture ²
slides 13
slides x
build 13
build --check 99
start 99
start 13
check 99
check 99.ipynb
"""
HEAVY = "import sys; heavy = {'torch', 'numpy', 'nbformat', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"


@pytest.mark.parametrize("words", WRONG_NUMBERS.strip().splitlines())
def test_a_wrong_number_is_answered_before_anything_heavy_is_imported(words):
    """The answer comes in about 0.3 s; importing torch takes seconds. No clock: what was imported is asked."""
    program = f"from genlib.cli import app\ntry: app({words.split()!r})\nfinally: {HEAVY}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=100)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("genlib: ")
    assert done.stderr.count("\n") == 1


def test_help_lists_every_model_and_every_data_set_that_there_are():
    shaped = {n for n, c in models().items() if next(iter(inspect.signature(c).parameters)) == "shape"}
    assert set(MODELS.replace("\n", " ").split(", ")) == shaped
    sets, points = (set(part.replace("\n", " ").split(", ")) for part in DATA.split("; points in the plane: "))
    assert sets == {*data_sets(), "english"}
    with pytest.raises(ValueError, match="choose one of") as refused:
        data.toy("nope")
    assert points == set(str(refused.value).split("choose one of ")[1].split(", "))
    told = " ".join(run("train", "--help").stdout.split())
    assert all(name in told for name in shaped | sets | points)


def test_a_table_is_aligned_whatever_the_names_are():
    names = ["Ana", "李小龙", "Zoe\u0301", "a name longer than all the others"]
    grades = [Grade(name, "x.ipynb", "01" if i else "", points=i * 9, of=19) for i, name in enumerate(names)]
    for grade in grades:
        grade.lines = ["✓ Exercise", "✗ Exercise"]
    head, *rows = table(grades).splitlines()
    for word, part in (("lecture", "01"), ("points", "18/19"), ("exercises", "✓✗")):
        assert columns(head[: head.index(word)]) == columns(rows[2][: rows[2].index(part)])
    assert len({columns(row) for row in rows}) == 1
