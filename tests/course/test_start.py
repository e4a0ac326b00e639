"""`genlib start`: whatever my/ is and whoever writes at the same moment, nothing is lost, and it is told in words."""

import errno
import functools
import json
import os
import threading
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import v4
from typer.testing import CliRunner

from genlib import files, lectures
from genlib.cli import app
from genlib.course import start
from genlib.course.start import hand_out
from genlib.files import write

NAME = "00_start_here.ipynb"


def version(folder, text):
    """Our notebooks say this from now on."""
    for path in (folder / NAME, folder / "solutions" / NAME):
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell(f"# Start\n\n{text}", id="ma-start")])
        write(path, nbformat.writes(notebook) + "\n")


@pytest.fixture
def ours(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    version(folder, "first")
    lecture = SimpleNamespace(handed_out=folder / NAME, solution=folder / "solutions" / NAME)
    monkeypatch.setattr(start, "available", lambda: [lecture])
    return folder


@pytest.fixture
def my(tmp_path):
    return tmp_path / "my"


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_save_while_a_new_version_comes_is_not_replaced(ours, my, monkeypatch):
    """At every step of the operating system at which it can come."""
    for name in ("replace", "link", "fsync"):
        for after in (False, True):
            version(ours, f"before {name} {after}")
            (my / NAME).unlink(missing_ok=True)
            (my / "00_start_here.new.ipynb").unlink(missing_ok=True)
            start.hand_out(my)
            version(ours, f"after {name} {after}")
            real, mine = getattr(os, name), (my / NAME).read_text().replace("before", "I wrote before")

            def disturbed(*arguments, real=real, name=name, after=after, mine=mine, **keywords):
                monkeypatch.setattr(os, name, real)
                if not after:
                    (my / NAME).write_text(mine)
                result = real(*arguments, **keywords)
                if after:
                    (my / NAME).write_text(mine)
                return result

            monkeypatch.setattr(os, name, disturbed)
            start.hand_out(my)
            monkeypatch.setattr(os, name, real)
            assert (my / NAME).read_text() == mine
            start.hand_out(my)
            assert (my / NAME).read_text() == mine


def test_saves_all_the_time_are_never_lost(ours, my):
    for number in range(20):
        version(ours, f"version {number}")
        (my / NAME).unlink(missing_ok=True)
        (my / "00_start_here.new.ipynb").unlink(missing_ok=True)
        start.hand_out(my)
        mine = (my / NAME).read_text().replace("# Start", f"# Mine {number}")
        version(ours, f"version {number} and a half")
        saved = threading.Thread(target=write, args=(my / NAME, mine))
        saved.start()
        start.hand_out(my)
        saved.join()
        assert (my / NAME).read_text() == mine


def test_what_a_killed_start_left_is_tidied_and_put_back(ours, my):
    start.hand_out(my)
    mine = (my / NAME).read_text().replace("first", "my work")
    (my / NAME).write_text(mine)
    os.rename(my / NAME, my / f".{NAME}.before")  # killed between two steps
    for left in (my / ".genlib-abc", my / "solutions" / ".genlib-def"):
        left.write_text("half of it")
    start.hand_out(my)
    assert (my / NAME).read_text() == mine
    assert sorted(map(str, everything(my))) == [".handed_out.json", NAME, f"solutions/{NAME}"]


def test_a_link_into_a_cloud_folder_stays_one(ours, my, tmp_path):
    start.hand_out(my)
    cloud = tmp_path / "cloud" / "work.ipynb"
    cloud.parent.mkdir()
    os.rename(my / NAME, cloud)
    (my / NAME).symlink_to(cloud)
    version(ours, "second")
    assert start.hand_out(my) == [f"{NAME}: brought up to date"]
    assert (my / NAME).is_symlink()
    assert "second" in cloud.read_text()
    cloud.write_text(cloud.read_text().replace("second", "mine"))
    version(ours, "third")
    assert "Yours is untouched" in start.hand_out(my)[0]
    assert "mine" in cloud.read_text()
    cloud.unlink()
    assert "a link to" in start.hand_out(my)[0]
    assert "which is not there" in start.hand_out(my)[0]
    assert not cloud.exists()


def test_my_itself_may_be_a_link(ours, my, tmp_path):
    (tmp_path / "cloud").mkdir()
    my.symlink_to(tmp_path / "cloud")
    assert start.hand_out(my)[0] == f"{NAME}: here for you"
    assert (tmp_path / "cloud" / NAME).exists()


@pytest.mark.parametrize("odd", ["folder", "pipe"])
@pytest.mark.parametrize("name", [NAME, f"solutions/{NAME}", ".handed_out.json"])
def test_odd_files_in_my_stop_nobody_and_stay(ours, my, odd, name):
    (my / "solutions").mkdir(parents=True)
    (my / name).mkdir() if odd == "folder" else os.mkfifo(my / name)
    before = (my / name).stat().st_mode
    if name == ".handed_out.json":
        with pytest.raises(start.StartError, match=r"handed_out\.json can't be written to"):
            start.hand_out(my)
    else:
        assert any(name in line and "move it away" in line for line in start.hand_out(my))
    assert (my / name).stat().st_mode == before
    assert (my / NAME).is_file() == (name != NAME)


@pytest.mark.parametrize(
    "damage", ["", "[1, 2", "{}", "[]", "null", '{"00_start_here.ipynb": 3}', "[" * 100_000, "\0", "[[1, [2]]]"]
)
def test_a_damaged_record_replaces_nothing(ours, my, damage):
    start.hand_out(my)
    (my / NAME).write_text("mine")
    (my / ".handed_out.json").write_text(damage)
    version(ours, "second")
    start.hand_out(my)
    assert (my / NAME).read_text() == "mine"
    assert isinstance(json.loads((my / ".handed_out.json").read_text()), dict)


@pytest.mark.parametrize("mine", [b"", b"\xff\xfe\0", b"[]", b'{"cells": null}', b'"\\ud800"', b"[" * 50_000])
def test_a_copy_that_is_no_notebook_any_more_stays_as_it_is(ours, my, mine):
    start.hand_out(my)
    (my / NAME).write_bytes(mine)
    version(ours, "second")
    assert "Yours is untouched" in start.hand_out(my)[0]
    assert (my / NAME).read_bytes() == mine
    assert "second" in (my / "00_start_here.new.ipynb").read_text()


REFUSALS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "name a folder of yours in the environment variable GENLIB_MY",
    errno.EACCES: "name a folder of yours in the environment variable GENLIB_MY",
    errno.EIO: "mend that",
}


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("step", ["fsync", "link", "replace"])
def test_a_disk_that_takes_nothing_is_told_and_nothing_is_replaced(ours, my, monkeypatch, number, step):
    start.hand_out(my)
    version(ours, "second")
    before = everything(my)

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, refuse)
    if step == "link" and number in (errno.EACCES, errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT):
        monkeypatch.setattr(os, "rename", refuse)  # without links it would go by a new name
    with pytest.raises(start.StartError, match=r"nothing of yours was changed") as told:
        start.hand_out(my)
    assert REFUSALS[number] in str(told.value)
    assert os.strerror(number) in str(told.value)
    monkeypatch.undo()
    files.put_back(my / NAME)  # what could not even be given its name back comes with the next start
    files.clear(my)
    assert everything(my) == before


@pytest.mark.parametrize("odd", ["a file", "a link to nowhere", "a pipe", "below a file"])
def test_an_odd_my_is_one_line(ours, my, tmp_path, monkeypatch, odd):
    if odd == "a file":
        my.write_text("mine")
    elif odd == "a link to nowhere":
        my.symlink_to(tmp_path / "nowhere" / "at all")
    elif odd == "a pipe":
        os.mkfifo(my)
    else:
        (tmp_path / "file").write_text("mine")
        my = tmp_path / "file" / "my"
    monkeypatch.setattr(start, "hand_out", functools.partial(hand_out, my))
    monkeypatch.setattr(start, "choose", lambda *_: start.available())
    done = CliRunner().invoke(app, ["start", "--no-browser"])
    assert done.exit_code == 2
    assert done.stderr.startswith("genlib: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.output
    assert not (tmp_path / "nowhere").exists()


# A clone that is to be read only --------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """clone(kind): a clone of the course that one may write to, or may not, and a home."""
    root, home = tmp_path / "clone", tmp_path / "home"
    (root / "notebooks" / "source").mkdir(parents=True)
    (root / "notebooks" / "source" / "00_start_here.md").touch()
    home.mkdir()
    monkeypatch.setattr(lectures, "ROOT", root)
    monkeypatch.setattr(lectures, "NOTEBOOKS", root / "notebooks")
    monkeypatch.setattr(lectures.Path, "home", lambda: home)
    monkeypatch.delenv("GENLIB_MY", raising=False)
    monkeypatch.setattr(os, "access", lambda path, mode: path != root)
    return root


def test_where_copies_go(clone, tmp_path, monkeypatch):
    assert lectures.place_of_copies() == tmp_path / "home" / "genlib" / "my"
    (clone / "my").symlink_to("nowhere")  # theirs, whatever it is: told by `genlib start`
    assert lectures.place_of_copies() == clone / "my"
    (clone / "my").unlink()
    (clone / "my").mkdir()
    assert lectures.place_of_copies() == clone / "my"
    (clone / "my").rmdir()
    monkeypatch.setenv("GENLIB_MY", str(tmp_path / "there"))
    assert lectures.place_of_copies() == tmp_path / "there"
    monkeypatch.setenv("GENLIB_MY", "")
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    assert lectures.place_of_copies() == clone / "my"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lectures, "NOTEBOOKS", tmp_path / "none")
    assert lectures.place_of_copies() == tmp_path, "installed: where one works"


def started(monkeypatch, my):
    """What `genlib start` says with my as the folder of copies; JupyterLab is not opened."""
    opened = []
    monkeypatch.setattr(start, "MY", my)
    monkeypatch.setattr(start, "hand_out", functools.partial(hand_out, my))
    monkeypatch.setattr(start, "choose", lambda *_: start.available())
    run = lambda command, cwd, **_: opened.append(cwd) or SimpleNamespace(returncode=0)  # noqa: E731
    monkeypatch.setattr(start.subprocess, "run", run)
    return CliRunner().invoke(app, ["start", "--no-browser"]), opened


def test_from_a_read_only_clone_the_copies_are_at_home_and_stay_as_they_are(ours, clone, monkeypatch):
    my = lectures.place_of_copies()
    done, opened = started(monkeypatch, my)
    assert done.exit_code == 0, done.output
    assert f"Your copies are in {my}." in done.stdout.splitlines()
    assert opened == [my]
    (my / NAME).write_text("mine")
    version(ours, "second")
    assert "Yours is untouched" in started(monkeypatch, my)[0].stdout
    assert (my / NAME).read_text() == "mine"
    assert list(clone.iterdir()) == [clone / "notebooks"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("step", ["mkdir", "open"])
def test_a_place_that_can_not_be_made_is_one_line_with_a_way_out(ours, my, monkeypatch, number, step):
    """As where the system says too late that one may not write: no my/ comes about, or nothing within it."""
    (my / "solutions").mkdir(parents=True) if step == "open" else None
    real = getattr(os, step)

    def refuse(path, *arguments, **keywords):
        if str(path).startswith(str(my)):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, step, refuse)
    done, opened = started(monkeypatch, my)
    assert done.exit_code == 2
    assert opened == []
    assert done.stderr == (
        f"genlib: {my} can't be written to ({os.strerror(number)}); nothing of yours was changed: "
        "name a folder of yours in the environment variable GENLIB_MY and start again\n"
    )
    monkeypatch.undo()
    assert not my.exists() or everything(my) == {}


def test_notebooks_of_ours_that_can_not_be_read_are_told_as_such(ours, my, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(start, "NOTEBOOKS", ours)
    monkeypatch.setattr(start.Path, "read_text", refuse)
    with pytest.raises(start.StartError, match=rf"{NAME} can't be read \(Permission denied\).*: mend that"):
        start.hand_out(my)
