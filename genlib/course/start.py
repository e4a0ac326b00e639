"""The learner's own copies, in my/: what is missing is copied, what is theirs is never overwritten."""

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from genlib import files
from genlib.lectures import MY, MY_FOLDER, NOTEBOOKS, ROOT, available, choose

_RECORD = ".handed_out.json"  # {file: hash of the version that was copied}


class StartError(Exception):
    """The course can't be opened from here; the message says what to do."""


def _hash(path: Path) -> str:
    return _hash_of(path.read_bytes())


def _hash_of(content: bytes) -> str:
    """Of the text, so that the line endings of Windows make no difference."""
    text = content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(text.encode()).hexdigest()


def _recorded(folder: Path) -> dict[str, str]:
    """{} where it is lost or damaged: every file then counts as touched, and none is replaced."""
    try:
        record = json.loads(files.placed(folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: value for name, value in record.items() if isinstance(value, str)} if isinstance(record, dict) else {}


def hand_out(folder: Path = MY) -> list[str]:
    """Brings folder up to date with the notebooks and returns what to tell the learner; solutions stand in solutions/.

    Missing: copied. Changed by us and untouched by them: replaced. Changed by us and touched by them: the new version
    is put beside theirs as NAME.new.ipynb. Touched by them and not changed by us: left alone. Raises: StartError where
    the folder can't be written to.
    """
    handed_out = [lecture for lecture in available() if lecture.handed_out.exists()]
    if not handed_out:
        raise StartError(f"there are no notebooks in {ROOT / 'notebooks'}; start from a clone of the course")
    if not folder.is_dir() and (folder.exists() or folder.is_symlink()):
        what = f"a link to {os.readlink(folder)}, which is not there" if folder.is_symlink() else "no folder"
        raise StartError(f"{folder} is {what}: move it away, and a folder is made")
    record, news, solutions = _recorded(folder), [], []
    try:
        for part in (folder, folder / "solutions"):
            files.clear(part)
        for lecture in handed_out:
            news += _bring(lecture.handed_out, folder, lecture.handed_out.name, record)
        for lecture in handed_out:
            if lecture.solution.exists():
                solutions += _bring(lecture.solution, folder, f"solutions/{lecture.solution.name}", record)
    except OSError as error:
        raise StartError(_refused(folder, error)) from error
    news += [line for line in solutions if not line.endswith((_NEW, _UPDATED))]
    if any(line.endswith(_NEW) for line in solutions):
        news.append("solutions/: the same notebooks, solved. You learn more if you look there last.")
    return news


def _refused(folder: Path, error: OSError) -> str:
    """Why the folder can't be written to, and what to do."""
    space = "free some space and start again"
    elsewhere = f"name a folder of yours in the environment variable {MY_FOLDER} and start again"
    advice = {
        errno.ENOSPC: space,
        errno.EDQUOT: space,
        errno.EROFS: elsewhere,
        errno.EACCES: elsewhere,
        errno.EPERM: elsewhere,
    }.get(error.errno or 0, "mend that and start again")
    where, what = error.filename if error.errno in (errno.EISDIR, errno.EINVAL) else folder, "written to"
    if error.filename and NOTEBOOKS in Path(os.fsdecode(error.filename)).parents:
        where, what, advice = error.filename, "read", "mend that and start again"
    return f"{where} can't be {what} ({error.strerror or error}); nothing of yours was changed: {advice}"


_NEW, _UPDATED = ": here for you", ": brought up to date"


def _bring(ours: Path, folder: Path, name: str, record: dict[str, str]) -> list[str]:
    """Brings one of the learner's copies up to date; returns what to tell, and notes in the record what was copied."""
    from genlib.course.copies import local

    theirs, text = folder / name, local(ours.read_text(encoding="utf-8"))
    version, before, news = _hash_of(text.encode()), record.get(name), []
    if odd := _odd(theirs):
        return [f"{name} {odd}"]
    files.put_back(theirs)
    if not theirs.exists():
        with contextlib.suppress(FileExistsError):  # saved this very moment
            files.create(theirs, text)
            record[name], news = version, [f"{name}{_NEW}"]
    elif before == version or _hash(theirs) == version:
        record[name] = version
    elif _hash(theirs) == before and files.exchange(theirs, text, lambda content: _hash_of(content) == before):
        record[name], news = version, [f"{name}{_UPDATED}"]
    else:
        news = _beside(theirs, text, folder, name, record)
    files.write(folder / _RECORD, json.dumps(record, indent=1) + "\n")
    return news


def _beside(theirs: Path, text: str, folder: Path, name: str, record: dict[str, str]) -> list[str]:
    """Puts a new version beside the one that the learner works in; returns what to tell."""
    from genlib.course.copies import changes, with_changes

    beside = theirs.with_suffix(".new.ipynb")
    key = str(beside.relative_to(folder).as_posix())
    if odd := _odd(beside):
        return [f"{key} {odd}"]
    changed = changes(theirs.read_text(encoding="utf-8", errors="replace"), text)
    noted = with_changes(text, theirs.name, changed)
    try:
        if not beside.exists():
            files.create(beside, noted)
        elif _hash(beside) != record.get(key) or not files.exchange(
            beside, noted, lambda c: _hash_of(c) == record[key]
        ):
            raise FileExistsError
    except FileExistsError:
        return [f"{name} has changed, but {beside.name} holds work of yours: move it away first"]
    record[name], record[key] = _hash_of(text.encode()), _hash_of(noted.encode())
    where = f" under {', '.join(f'“{heading}”' for heading in changed[:4])}" if changed else ""
    more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
    return [f"{name} has changed{where}{more}. Yours is untouched; the new version is beside it: {beside.name}"]


def _odd(path: Path) -> str:
    """What is wrong with a learner's file that is no file, in words; empty where it is one, or not there."""
    if path.is_symlink() and not path.exists():
        return f"is a link to {os.readlink(path)}, which is not there (is a cloud not connected?): nothing was copied"
    if path.exists() and not path.is_file():
        return "is a folder, a device or a pipe: move it away, and you get the notebook"
    return ""


def write_handout(folder: Path) -> list[str]:
    """Writes the notebooks without solutions into folder and returns what to tell the lecturer.

    What is there already and is something else stays as it is, and is told. Raises: StartError where there is nothing
    to write, or where that is not possible.
    """
    ours = [lecture.handed_out for lecture in available() if lecture.handed_out.exists()]
    if not ours:
        raise StartError(f"there are no notebooks in {ROOT / 'notebooks'}; start from a clone of the course")
    if folder.exists() and not folder.is_dir():
        raise StartError(f"{folder} is a file; give the name of a folder, and it is made")
    news = []
    for path in ours:
        text, there = path.read_text(encoding="utf-8"), folder / path.name
        try:
            if os.path.lexists(there) and not _holds(there, text):
                news.append(f"{there.name}: another version is there already, left as it is")
                continue
            files.write(there, text)
        except OSError as error:
            raise StartError(f"{there} can't be written: {error.strerror}") from error
        news.append(f"{there.name}: written")
    return news


def _holds(path: Path, text: str) -> bool:
    """Whether a file says this; a folder, a pipe or a link that leads nowhere does not."""
    from genlib.course.check.outside import ValidateError, bytes_of

    try:
        return bytes_of(path).replace(b"\r\n", b"\n") == text.encode()
    except ValidateError:
        return False


def lab_command(notebook: Path) -> list[str]:
    """The command that opens JupyterLab on a notebook, on loopback only."""
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command += [f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container
    return command


def lab_environment() -> dict[str, str]:
    """The environment for it, from the folder jupyter/, and so that `genlib` is found in its terminal.

    labconfig: it asks nobody for news, and saves the state of widgets. labextensions: how notebooks look.
    """
    tools, settings = Path(sys.executable).parent, Path(__file__).parent / "jupyter"
    before = {"PATH": tools, "JUPYTER_CONFIG_PATH": settings, "JUPYTER_PATH": settings}
    paths = {name: [str(path), *filter(None, [os.environ.get(name)])] for name, path in before.items()}
    return {**os.environ, **{name: os.pathsep.join(parts) for name, parts in paths.items()}}


def start(lecture: str = "00", *, browser: bool = True, say: Callable[[str], object] = print) -> int:
    """Hands out what is missing and opens JupyterLab on a lecture; returns its exit status."""
    (chosen,) = choose([lecture], available(), "notebook")
    for line in hand_out():
        say(line)
    if MY != ROOT / "my":
        say(f"Your copies are in {MY}.")
    notebook = MY / chosen.handed_out.name
    say(f"JupyterLab opens on {notebook.name}, in your browser; the address is below. Ctrl-C here ends it.")
    command = lab_command(notebook) + ([] if browser else ["--no-browser"])
    try:
        return subprocess.run(command, cwd=MY, env=lab_environment(), check=False).returncode
    except KeyboardInterrupt:
        return 0  # Ctrl-C is how one leaves JupyterLab
