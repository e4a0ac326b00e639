"""The judges, seen from the grader: processes that mark one notebook after the other (judge.py)."""

import atexit
import hashlib
import json
import os
import queue
import subprocess
import sys

from genlib.course.grade import sandbox
from genlib.course.grade.process import MachineError

_idle: queue.LifoQueue[subprocess.Popen] = queue.LifoQueue()


def marked(job: dict) -> dict:
    """What a judge found in a notebook; see judge.py. One is started where none is free.

    Raises: MachineError where that is no verdict on the notebook.
    """
    before = None if sandbox.works() else _library()
    result = _asked(job)
    if before is not None and _library() != before:  # the next notebook would answer with what this one left
        raise MachineError(f"a notebook changed the library in {sandbox.LIBRARY}; install it anew before you go on")
    if result["machine"]:
        raise MachineError(result["machine"])
    return result


def _library() -> str:
    """A hash of the library's files."""
    digest = hashlib.sha256()
    for path in sorted(sandbox.LIBRARY.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _asked(job: dict) -> dict:
    """What a judge says. Raises: MachineError where it says nothing."""
    judge = _free()
    assert judge.stdin is not None  # pipes were asked for
    assert judge.stdout is not None
    try:
        judge.stdin.write(json.dumps(job) + "\n")
        judge.stdin.flush()
        line = judge.stdout.readline()
        result = json.loads(line) if line.endswith("\n") else None
    except OSError:
        result = None
    except BaseException:  # a stop by hand: what it is still busy with is of no use to the next one
        judge.kill()
        raise
    if not isinstance(result, dict):
        judge.kill()
        raise MachineError(f"the judge's process ended (status {judge.wait()})")
    _idle.put(judge)
    return result


def _free() -> subprocess.Popen:
    """A judge that waits, or a new one."""
    while True:
        try:
            judge = _idle.get_nowait()
        except queue.Empty:
            break
        if judge.poll() is None:
            return judge
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(p for p in (str(sandbox.LIBRARY.parent), os.environ.get("PYTHONPATH", "")) if p)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "genlib.course.grade.judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | threads | {"PYTHONPATH": path, "PYTHONUTF8": "1", "GENLIB_PROGRESS": ""},
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"a judge can't be started: {error}") from None


@atexit.register
def end_all() -> None:
    """Ends the judges that wait."""
    while not _idle.empty():
        judge = _idle.get()
        judge.kill()
        judge.wait()
