"""`genlib grade --full`: every cell of a notebook, by a kernel, in a sandbox that hides nothing but this machine."""

import copy
import socket
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from genlib.course import exercises
from genlib.course.build import role
from genlib.course.check.notebook import ValidateError
from genlib.course.grade import sandbox, whole
from genlib.course.grade.one import grade
from genlib.course.lectures import find
from tests.course.test_cheating import needs_a_sandbox, processes

# Each cell stops, and so is noted, where the sandbox lets it do what it tries.
TRIES = {
    "the network": """
import socket
for host, port in (("127.0.0.1", SERVER), ("1.1.1.1", 53)):
    try: socket.create_connection((host, port), timeout=2)
    except OSError: continue
    raise RuntimeError("there is a network")""",
    "the names of other interfaces": """
import socket
assert [name for _, name in socket.if_nameindex()] == ["lo"]""",
    "writing the library": """
import pathlib, genlib
try: (pathlib.Path(genlib.__file__).parent / "course/exercise/comparing.py").write_text("def differs(*_): pass")
except OSError: pass
else: raise RuntimeError("the library was written")""",
    "writing where packages lie": """
import pathlib, torch
try: (pathlib.Path(torch.__file__).parents[1] / "left.pth").write_text("import nothing")
except OSError: pass
else: raise RuntimeError("a package was written")""",
    "files of this machine": """
import pathlib
assert not pathlib.Path("OUTSIDE").exists(), "files of this machine are seen"
for name in ("/etc/shadow", "/etc/hosts", "/var/log", "/beside/../OUTSIDE"):
    assert not pathlib.Path(name).exists(), name""",
    "the environment": """
import os
assert "A_SECRET" not in os.environ and "GENLIB_QUICK" not in os.environ""",
    "others' processes": """
import os
commands = [open(f"/proc/{name}/cmdline").read() for name in os.listdir("/proc") if name.isdigit()]
assert not any("test_grade_full" in command for command in commands), "processes of this machine are seen"
""",
    "staying behind": """
import subprocess
subprocess.Popen(["sleep", "4711"], start_new_session=True)""",
    "filling the disk": """
try:
    for number in range(6):
        with open(f"large{number}", "wb") as file: file.write(bytes(150 * 2**20))
except OSError: pass
else: raise RuntimeError("there is no quota")
import glob, os
for name in glob.glob("large*"): os.remove(name)""",
    "a large file": """
try:
    with open("larger", "wb") as file: file.write(bytes(250 * 2**20))
except OSError: pass
else: raise RuntimeError("a file may have any size")
import os; os.remove("larger")""",
    "much memory": """
import torch
try: torch.empty(7 * 2**30, dtype=torch.uint8)
except RuntimeError: pass
else: raise RuntimeError("there is as much memory as one likes")""",
    "what lies beside": """
assert open("mine.txt").read() == "mine"
import torch
assert torch.nn.Linear, "a torch.py beside the notebook is not what the course means"
open("made.txt", "w").write("made")""",
}
BESIDE = {
    "conftest.py": "import os, pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
    "    call.excinfo = None\nraise SystemExit(0)",
    "torch.py": "raise SystemExit('not torch')",
    "genlib/__init__.py": "raise SystemExit('not genlib')",
    "sitecustomize.py": "raise SystemExit('no site of ours')",
    "pytest.ini": "[pytest]\naddopts = --collect-only",
    "mine.txt": "mine",
}


def notebook(folder: Path, cells: list[str], answer: str | None = None) -> Path:
    """Lecture 00 with these cells of a learner's own in the front, and an answer, its stub without."""
    source = find("00").solution if answer is None else find("00").handed_out
    content = copy.deepcopy(nbformat.read(source, as_version=4))
    content.cells[1:1] = [v4.new_code_cell(cell.strip()) for cell in cells]
    for cell in content.cells:
        if answer is not None and role(cell) == ("uniform_log_prob", "answer"):
            cell.source = answer
    path = folder / "00_start_here.ipynb"
    nbformat.write(content, path)
    return path


def test_a_whole_notebook_reaches_nothing_outside_and_leaves_nothing_behind(tmp_path, monkeypatch):
    needs_a_sandbox()
    monkeypatch.setenv("A_SECRET", "1")
    monkeypatch.setenv("GENLIB_QUICK", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = {"SERVER": str(server.getsockname()[1]), "OUTSIDE": str(tmp_path)}
        cells = list(TRIES.values())
        for word, value in said.items():
            cells = [cell.replace(word, value) for cell in cells]
        for name, text in BESIDE.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        result = grade("someone", notebook(tmp_path, cells), full=True)
    assert result.notes == []
    assert result.points == result.of > 0, result.lines
    assert not any(b"sleep\x004711" in command() for command in processes())
    assert not (tmp_path / "made.txt").exists(), "it works in a copy"
    assert {path.name for path in tmp_path.iterdir()} == {name.split("/")[0] for name in BESIDE} | {
        "00_start_here.ipynb"
    }


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "could not be run: nbval did not run"),
        ("import os, signal\nfor p in os.listdir('/proc'):\n    if p.isdigit() and int(p) not in (1, os.getpid()):\n"
         "        os.kill(int(p), signal.SIGKILL)", "it was not marked"),
        ("import subprocess\nmany = [subprocess.Popen(['sleep', '60']) for _ in range(100)]\n"
         "import time; time.sleep(20)", "started too many processes; it was not marked"),
    ],
)  # fmt: skip
def test_a_notebook_that_ends_who_runs_it_earns_nothing_and_disturbs_nobody(tmp_path, cell, words):
    needs_a_sandbox()
    result = grade("someone", notebook(tmp_path, [cell]), full=True)
    assert result.points == 0
    assert words in " ".join(" ".join(result.notes).split()), result.notes


def test_a_wrong_answer_is_wrong_and_what_stops_is_noted(tmp_path):
    answer = "def uniform_log_prob(x, low, high):\n    return x * 0"
    result = grade("someone", notebook(tmp_path, ["1 / 0"], answer), full=True)
    assert (result.points, result.solved) == (0, {"uniform_log_prob": False})
    assert result.lines[0].startswith("✗ Exercise 0.1")
    assert any("ZeroDivisionError" in note for note in result.notes)


def test_without_a_sandbox_it_says_so(monkeypatch, tmp_path):
    assert ("no sandbox" in sandbox.protection(full=True)) != sandbox.works()
    assert sandbox.FULL in sandbox.protection(full=True)
    monkeypatch.setattr(sandbox, "works", lambda: False)
    assert "runs as you, in no sandbox" in sandbox.protection(full=True)
    assert sandbox.FULL in sandbox.protection(full=True)
    asked = []
    monkeypatch.setattr(whole, "validate", lambda path: asked.append(path) or ([], ["so it is"]))
    assert whole.run(tmp_path / "a.ipynb", find("00")) == ({}, ["so it is"])
    assert asked == [tmp_path / "a.ipynb"]


REPLIES = {
    "nothing": {},
    "a list of none": {"lines": 7, "errors": {}},
    "lines that are none": {"lines": [1, "x", (1, 2, 3), ("uniform_log_prob", True), None]},
    "another's exercise": {"lines": [("accept", True, "✓")]},
    "true enough": {"lines": [("uniform_log_prob", 1, "✓"), ("uniform_log_prob", "yes", "✓")]},
}


@pytest.mark.parametrize("what", REPLIES)
def test_a_strange_reply_solves_nothing(what):
    verdicts, errors = whole._told(REPLIES[what], exercises.of_lecture("00"))
    assert [solved for solved, _ in verdicts.values()] == [False]
    assert list(verdicts) == ["uniform_log_prob"]
    assert errors == []


def test_a_reply_is_told_in_one_line():
    reply = {"lines": [("uniform_log_prob", True, "✓ a\nb")], "errors": ["x\ny", 3]}
    assert whole._told(reply, exercises.of_lecture("00")) == ({"uniform_log_prob": (True, "✓ a b")}, ["x y"])
    for refused in ({"refused": "no\nnotebook"}, {"failed": "MemoryError"}):
        with pytest.raises(ValidateError, match="could not be run: "):
            whole._told(refused, exercises.of_lecture("00"))
