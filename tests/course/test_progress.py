"""A learner's progress: the check judges what was written last, a file remembers, and success shows in colour."""

import errno
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from genlib.course import check, exercises
from genlib.course.check import kept, shown
from genlib.course.check import progress as so_far
from genlib.course.start import hand_out
from genlib.lectures import ROOT, available, find

NAME = "uniform_log_prob"
RIGHT = "def uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)"
WRONG = "def uniform_log_prob(dimensions, levels):\n    return dimensions * math.log(levels)"
BROKEN = "def uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels"


# What was written last ------------------------------------------------------------------------------------------------


@pytest.fixture
def cells(capsys):
    """cells(*sources): runs them one after another in one shell; the line that the check prints after them."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False

    def run(*sources, name=NAME):
        for source in ("import math, functools", *sources):
            shell.run_cell(source, store_history=True)
        capsys.readouterr()
        shell.run_cell(f"from genlib.course import check; check('{name}')", store_history=True)
        return capsys.readouterr().out.strip().splitlines()[-1]

    yield run
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


STOPPED = {
    "a bracket that does not close": (BROKEN, "SyntaxError"),
    "a colon that is missing": ("def uniform_log_prob(dimensions, levels)\n    return 0", "SyntaxError in line 1"),
    "an indentation that is off": (RIGHT + "\n  more = 1", "IndentationError"),
    "a return outside": ("uniform_log_prob = 1\nreturn 2", "SyntaxError"),
    "an error above it": ("1 / 0\n" + RIGHT + "\n", "stopped before it was defined"),
    "a decorator that is not there": ("@nothing\n" + RIGHT, "stopped before it was defined"),
    "a default that is not there": (RIGHT.replace("levels):", "levels=nothing):"), "stopped before it was defined"),
}


@pytest.mark.parametrize("what", STOPPED)
def test_a_cell_that_fails_does_not_pass_by_the_function_that_it_was_to_replace(cells, what):
    source, words = STOPPED[what]
    assert cells(RIGHT).startswith("✓")
    line = cells(source)
    assert line.startswith(f"✗ Exercise 0.1 {NAME}: the last cell that defines {NAME} "), line
    assert words in line
    assert "an older one" in line
    assert cells(RIGHT).startswith("✓"), "mended, it counts again"


def test_a_first_answer_that_does_not_compile_is_told_as_such(cells):
    line = cells(BROKEN)
    assert line.startswith("✗"), line
    assert "SyntaxError" in line
    assert "older" not in line, "there is no older one"


ELSEWHERE = {
    "the same cell twice": (RIGHT, RIGHT),
    "first wrong, then right": (WRONG, RIGHT),
    "an error after it": (RIGHT + "\n1 / 0",),
    "an older one by name": (RIGHT, "mine = uniform_log_prob", WRONG, "uniform_log_prob = mine"),
    "a lambda": (WRONG, "uniform_log_prob = lambda dimensions, levels: -dimensions * math.log(levels)"),
    "a wrapped function": (WRONG, "@functools.wraps(print)\n" + RIGHT, RIGHT),
    "a magic": (WRONG, "%%time\n" + RIGHT),
    "a broken cell about something else": (RIGHT, "def another(:"),
    "a broken cell that only calls it": (RIGHT, "print(uniform_log_prob(1, 2)"),
    "a function made elsewhere": (WRONG, "uniform_log_prob = eval('lambda d, v: -d * math.log(v)')"),
}  # fmt: skip


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_right_answer_is_taken_wherever_it_came_from(cells, what):
    assert cells(*ELSEWHERE[what]).startswith("✓")


# The file -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def my(tmp_path, monkeypatch):
    """A learner's folder, where a kernel works; nothing was checked in this process."""
    hand_out(tmp_path / "my")
    monkeypatch.chdir(tmp_path / "my")
    monkeypatch.delenv("GENLIB_PROGRESS", raising=False)
    monkeypatch.setattr(so_far, "_seen", {})
    return tmp_path / "my"


def test_progress_outlives_the_kernel_and_covers_the_course(my, monkeypatch, capsys):
    so_far.note(NAME, "✓")
    so_far.note("log_posterior", "✗")
    monkeypatch.setattr(so_far, "_seen", {})  # the kernel starts anew
    so_far.progress("00")
    assert capsys.readouterr().out == "Lecture 00: ✓  1 of 1 solved\n"
    so_far.progress()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == [e.number for e in available() if exercises.of_lecture(e.number)]
    assert "1 of 1 solved" in lines[0]
    assert "✗" in lines[1]
    assert all("not begun" in line for line in lines[2:])


def test_what_was_solved_stays_solved(my):
    for mark in "○✓✗○":
        so_far.note(NAME, mark)
    assert kept.read(my / kept.FILE) == {NAME: "✓"}


def test_two_notebooks_that_are_open_keep_each_others_marks(my, monkeypatch):
    so_far.note(NAME, "✓")
    monkeypatch.setattr(so_far, "_seen", {})  # another kernel
    so_far.note("log_posterior", "✓")
    assert kept.read(my / kept.FILE) == {NAME: "✓", "log_posterior": "✓"}


@pytest.mark.parametrize(
    "damage", ["", "[1", "{}", '{"exercises": [1]}', '{"exercises": {"uniform_log_prob": 3}}', "[" * 100_000, "\0"]
)
def test_a_damaged_file_stops_nobody(my, damage):
    (my / kept.FILE).write_text(damage)
    assert kept.read(my / kept.FILE) == {}
    so_far.note(NAME, "✓")
    assert kept.read(my / kept.FILE) == {NAME: "✓"}


def test_a_file_that_cannot_be_written_stops_nobody(my, monkeypatch, capsys):
    monkeypatch.setenv("GENLIB_PROGRESS", str(my / "there.json" / "is" / "none"))
    (my / "there.json").write_text("a file where a folder is needed")
    so_far.note(NAME, "✓")
    so_far.progress("00")
    assert "1 of 1 solved" in capsys.readouterr().out


def test_builds_tests_and_marked_notebooks_leave_no_progress(tmp_path, monkeypatch):
    """Only a learner's folder keeps it, and that of Colab and of a hub."""
    assert kept.place() is None, "conftest.py switches it off"
    monkeypatch.delenv("GENLIB_PROGRESS")
    monkeypatch.chdir(tmp_path)
    assert kept.place() is None
    monkeypatch.setenv("JUPYTERHUB_USER", "someone")
    assert kept.place() == tmp_path / kept.FILE
    monkeypatch.delenv("JUPYTERHUB_USER")
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert kept.place() == tmp_path / kept.FILE


def test_progress_can_be_taken_home(my, tmp_path):
    away = tmp_path / "progress.json"
    away.write_text(kept.text_of({NAME: "✓", "log_posterior": "✗"}))
    so_far.note("accept", "✓")
    assert so_far.take(away, my) == "1 solved exercises taken over from progress.json"
    assert kept.read(my / kept.FILE) == {NAME: "✓", "log_posterior": "✗", "accept": "✓"}
    away.write_text("no such thing")
    with pytest.raises(ValueError, match="holds no progress"):
        so_far.take(away, my)


def test_the_overview_reads_the_file_and_saved_notebooks(my):
    assert "1 of 1" not in so_far.overview(my)
    path = my / find("00").handed_out.name
    notebook = nbformat.read(path, as_version=4)
    cell = next(c for c in notebook.cells if "check" in c.metadata.get("tags", []))
    cell.outputs = [nbformat.v4.new_output("stream", text=f"✓ Exercise 0.1 {NAME}: right\n")]
    nbformat.write(notebook, path)
    assert "✓  1 of 1 solved" in so_far.overview(my)
    kept.keep({"log_posterior": "✓"}, my / kept.FILE)
    assert "1 of 11 solved" in so_far.overview(my)


ODD_CELLS = {
    "null tags": {"metadata": {"tags": None}},
    "null tags of an exercise": {"metadata": {"tags": None, "exercise": "accept"}},
    "no text in an output": {"outputs": [{"output_type": "stream", "text": None}]},
    "text that is a number": {"outputs": [{"output_type": "stream", "text": 3}]},
    "an empty line": {"outputs": [{"output_type": "stream", "text": "\n\n"}]},
    "no outputs": {"outputs": None},
    "a lone surrogate": {"source": "\ud800", "outputs": [{"output_type": "stream", "text": "\ud800"}]},
    "metadata that are null": {"metadata": None},
}


@pytest.mark.parametrize("what", ODD_CELLS)
def test_the_overview_stands_odd_notebooks(my, what):
    path = my / find("00").handed_out.name
    notebook = json.loads(path.read_text())
    solved = next(c for c in notebook["cells"] if "check" in c["metadata"].get("tags", []))
    solved["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["✓ Exercise 0.1: right\n"]}]
    bare = {"cell_type": "code", "source": "", "metadata": {"tags": ["check"], "exercise": "accept"}, "outputs": []}
    notebook["cells"].append(bare | ODD_CELLS[what])
    path.write_text(json.dumps(notebook))
    assert "✓  1 of 1 solved" in so_far.overview(my)


@pytest.mark.parametrize("content", ["", "[]", "null", '{"cells": 3}', '"\\ud800"', "[" * 50_000, None])
def test_the_overview_stands_what_is_no_notebook(my, content):
    path = my / find("00").handed_out.name
    path.unlink()
    path.write_text(content) if content is not None else os.mkfifo(path)
    kept.keep({NAME: "✓"}, my / kept.FILE)
    assert "✓  1 of 1 solved" in so_far.overview(my)


def test_the_command_takes_a_file_and_refuses_another(tmp_path):
    def genlib(*words):
        command = [sys.executable, "-m", "genlib.cli", "progress", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"})

    assert "Start here" in genlib().stdout
    refused = genlib("--take", str(tmp_path / "none.json"))
    assert refused.returncode == 2
    assert "holds no progress" in refused.stderr
    assert "Traceback" not in refused.stderr


# Installed, and no clone around ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """installed(folder, *words): `genlib` as a package among others, called in a folder, with no tools of tests."""
    library = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(ROOT / "genlib", library / "genlib", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('jupytext', 'nbclient', 'nbconvert', 'nbval', 'pytest')));"
        "import genlib.cli as cli; assert cli.__file__.startswith(sys.argv.pop(1)); cli.app()"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GENLIB")}

    def run(folder, *words, **environment):
        settings = {"PYTHONPATH": str(library), "PYTHONUTF8": "1", **environment}
        command = [sys.executable, "-P", "-c", code, str(library), *words]
        return subprocess.run(command, cwd=folder, env=kept | settings, capture_output=True, text=True)

    return run


def test_an_installed_package_reads_what_lies_where_one_works(installed, tmp_path):
    (tmp_path / kept.FILE).write_text(kept.text_of({NAME: "✓", "log_posterior": "✗"}))
    done = installed(tmp_path, "progress")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:2] for line in lines] == exercises.lectures()
    assert "✓  1 of 1 solved" in lines[0]
    assert "✗" in lines[1]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "1 of 1 solved" in installed(elsewhere, "progress", GENLIB_MY=str(tmp_path)).stdout


def test_an_installed_package_reads_the_notebooks_where_one_works(installed, tmp_path):
    notebook = nbformat.read(find("00").handed_out, as_version=4)
    cell = next(c for c in notebook.cells if "check" in c.metadata.get("tags", []))
    cell.outputs = [nbformat.v4.new_output("stream", text=f"✓ Exercise 0.1 {NAME}: right\n")]
    nbformat.write(notebook, tmp_path / find("00").handed_out.name)
    assert "✓  1 of 1 solved" in installed(tmp_path, "progress").stdout


def test_an_installed_package_with_nothing_around_says_what_to_do(installed, tmp_path):
    line = f"{tmp_path} holds no notebook of the course and no progress.json: call `genlib progress` in the folder "
    done = installed(tmp_path, "progress")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == line + "where yours are, or bring a file with --take FILE\n"
    (tmp_path / kept.FILE).write_text("[" * 100_000)
    assert installed(tmp_path, "progress").stdout.startswith(line), "a damaged file is none"
    away = tmp_path / "away"
    away.write_text(kept.text_of({NAME: "✓"}))
    done = installed(tmp_path, "progress", "--take", "away")
    assert done.stdout.startswith("1 solved exercises taken over from away\n00  Start here ")
    assert kept.read(tmp_path / kept.FILE) == {NAME: "✓"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("start",), "there is no notebook in "),
        (("build",), "there is no source in "),
        (("handout", "class"), "there are no notebooks in "),
        (("check", "00"), "00_start_here.ipynb is not in "),
        (("progress", "--take", "none.json"), "none.json holds no progress"),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_a_clone_or_a_file_says_so_in_one_line(installed, tmp_path, words, told):
    done = installed(tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"genlib: {told}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_progress_that_could_not_be_taken_over_is_not_said_to_be(my, tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    away = tmp_path / "away.json"
    away.write_text(kept.text_of({NAME: "✓"}))
    monkeypatch.setattr(kept, "write", refuse)
    with pytest.raises(OSError, match=r"progress\.json can't be written; nothing was taken over"):
        so_far.take(away, my)


# In colour ------------------------------------------------------------------------------------------------------------


def kernel(*sources, watched, folder):
    """The outputs of cells that run in a real kernel, as a frontend asks for them or as the build does."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(folder))
    outputs = []
    try:
        for source in sources:
            message = client.session.msg("execute_request", {"code": source, "silent": False, "store_history": True})
            message["metadata"] = {"cellId": "a"} if watched else {}
            client.shell_channel.send(message)
            while (reply := client.get_iopub_msg(timeout=60)) is not None:
                if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                if reply["msg_type"] in ("stream", "display_data", "error"):
                    outputs.append((reply["msg_type"], reply["content"]))
                if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                    break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return outputs


CHECK = f"import math\n{RIGHT}\nfrom genlib.course import check, progress\ncheck('{NAME}')\nprogress('00')"


def test_nbval_and_the_build_see_the_plain_line_alone(tmp_path):
    outputs = kernel(CHECK, watched=False, folder=tmp_path)
    assert {kind for kind, _ in outputs} == {"stream"}
    text = "".join(content["text"] for _, content in outputs)
    assert text == f"{exercises.find(NAME).solved()}\nLecture 00: ✓  1 of 1 solved\n"


def test_a_notebook_that_somebody_looks_at_shows_points_and_what_comes_next(tmp_path):
    outputs = kernel(CHECK, watched=True, folder=tmp_path)
    text = "".join(content["text"] for kind, content in outputs if kind == "stream")
    assert text == f"{exercises.find(NAME).solved()}\nLecture 00: ✓  1 of 1 solved\n", (
        "the plain lines stay as they are"
    )
    boxes = [content["data"]["text/html"] for kind, content in outputs if kind == "display_data"]
    assert len(boxes) == 2
    assert "✓ 1 point" in boxes[0]
    assert "1 of 1" in boxes[0]
    assert shown.GREEN in boxes[0]


@pytest.mark.parametrize("lecture", [e for e in available() if e.number != "00"], ids=lambda e: e.number)
def test_what_you_can_do_now_is_what_the_head_promised(lecture):
    names = [e.name for e in exercises.of_lecture(lecture.number)]
    _, promised = lecture.source.read_text(encoding="utf-8").split("Afterwards you can\n\n")
    can = shown.abilities(lecture)
    assert len(can) >= 3
    assert promised.startswith("\n".join(f"- {line}," for line in can[:-1]))
    done = dict.fromkeys(names, "✓")
    box = shown.after(lecture, done)
    assert "You can now" in box
    assert box.count("<li>") == len(can)
    assert "<" not in box.replace("<li>", "").split("<ul>")[1].split("</ul>")[0].replace("</li>", "").replace(
        "<code>", ""
    ).replace("</code>", ""), "what stands in a line is text"
    assert shown.after(lecture, {**done, names[2]: "✗"}) == ""
    part = shown.solved(names[0], {names[0]: "✓"})
    assert f"1 of {len(names)}" in part
    assert f"next: Exercise {exercises.find(names[1]).number} <code>{names[1]}</code>" in part
    assert all(shown.points_of(lecture)[name] in (1, 2, 3) for name in names)


def test_without_the_courses_notebooks_success_is_told_all_the_same(monkeypatch, tmp_path):
    """As in Colab: the library is installed, the notebooks are not beside it."""
    from genlib import lectures

    monkeypatch.setattr(lectures, "NOTEBOOKS", tmp_path)
    for function in (shown.abilities, shown.points_of):
        monkeypatch.setattr(shown, function.__name__, function.__wrapped__)
    names = [e.name for e in exercises.of_lecture("03")]
    box = shown.solved(names[-1], dict.fromkeys(names, "✓"))
    assert find("03").learn in box
    assert "None" not in box


def test_the_whole_course_can_be_downloaded():
    import base64
    import re

    box = shown.whole_course({NAME: "✓"})
    data = base64.b64decode(re.search(r"base64,([^']+)'", box)[1]).decode()
    assert json.loads(data)["exercises"] == {NAME: "✓"}
    assert "download='progress.json'" in box


def test_a_check_notes_what_it_says(my, capsys):
    namespace = {"check": check, "__name__": "elsewhere"}
    exec(f"import math\n{RIGHT}\ncheck('{NAME}')", namespace)
    assert capsys.readouterr().out.startswith("✓")
    assert kept.read(my / kept.FILE) == {NAME: "✓"}
