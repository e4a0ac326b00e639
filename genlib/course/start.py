"""The learner's own copies, in my/: what is missing is copied, what is theirs is never overwritten."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from genlib.files import write
from genlib.lectures import MY, ROOT, available, choose

_RECORD = ".handed_out.json"  # {file: hash of the version that was copied}


class StartError(Exception):
    """The course can't be opened from here; the message says what to do."""


def _hash(path: Path) -> str:
    """Of the text, so that the line endings of Windows make no difference."""
    return _hash_of(path.read_text(encoding="utf-8", errors="replace"))


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _recorded(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / _RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}  # lost or damaged: every file then counts as touched, and none is replaced


def hand_out(folder: Path = MY) -> list[str]:
    """Brings folder up to date with the notebooks and returns what to tell the learner; solutions stand in solutions/.

    Missing: copied. Changed by us and untouched by them: replaced. Changed by us and touched by them: the new version
    is put beside theirs as NAME.new.ipynb. Touched by them and not changed by us: left alone.
    """
    handed_out = [lecture for lecture in available() if lecture.handed_out.exists()]
    if not handed_out:
        raise StartError(f"there are no notebooks in {ROOT / 'notebooks'}; start from a clone of the course")
    record, news = _recorded(folder), []
    for lecture in handed_out:
        news += _bring(lecture.handed_out, folder, lecture.handed_out.name, record)
    solutions = []
    for lecture in handed_out:
        if lecture.solution.exists():
            solutions += _bring(lecture.solution, folder, f"solutions/{lecture.solution.name}", record)
    news += [line for line in solutions if not line.endswith((_NEW, _UPDATED))]
    if any(line.endswith(_NEW) for line in solutions):
        news.append("solutions/: the same notebooks, solved. You learn more if you look there last.")
    return news


_NEW, _UPDATED = ": here for you", ": brought up to date"


def _bring(ours: Path, folder: Path, name: str, record: dict[str, str]) -> list[str]:
    """Brings one of the learner's copies up to date; returns what to tell, and notes in the record what was copied."""
    from genlib.course.copies import changes, local, with_changes

    theirs, text = folder / name, local(ours.read_text(encoding="utf-8"))
    version, before, news = _hash_of(text), record.get(name), []
    if not theirs.exists() or (_hash(theirs) == before != version):
        news = [f"{name}{_UPDATED if theirs.exists() else _NEW}"]
        write(theirs, text)
        record[name] = version
    elif before != version and _hash(theirs) != version:
        beside = theirs.with_suffix(".new.ipynb")
        key = str(beside.relative_to(folder).as_posix())
        if beside.exists() and _hash(beside) != record.get(key):
            return [f"{name} has changed, but {beside.name} holds work of yours: move it away first"]
        changed = changes(theirs.read_text(encoding="utf-8", errors="replace"), text)
        noted = with_changes(text, theirs.name, changed)
        write(beside, noted)
        record[name], record[key] = version, _hash_of(noted)
        where = f" under {', '.join(f'“{heading}”' for heading in changed[:4])}" if changed else ""
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        news = [f"{name} has changed{where}{more}. Yours is untouched; the new version is beside it: {beside.name}"]
    else:
        record[name] = version
    write(folder / _RECORD, json.dumps(record, indent=1) + "\n")
    return news


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
            write(there, text)
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
    notebook = MY / chosen.handed_out.name
    say(f"JupyterLab opens on {notebook.name}, in your browser; the address is below. Ctrl-C here ends it.")
    command = lab_command(notebook) + ([] if browser else ["--no-browser"])
    try:
        return subprocess.run(command, cwd=MY, env=lab_environment(), check=False).returncode
    except KeyboardInterrupt:
        return 0  # Ctrl-C is how one leaves JupyterLab
