"""The process in which one learner's answers are run, seen from outside: started, limited in time, and ended.

What is run in it is marking.py.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

CELL_SECONDS, NOTEBOOK_SECONDS = 10.0, 90.0


def run(job: dict) -> tuple[list[dict], str]:
    """What a process saw of the job (see marking.py), and how it ended, in words."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, token = Path(temporary), secrets.token_hex(16)
        out, file = folder / "seen", folder / "job"
        out.touch()
        file.write_text(json.dumps(job | {"out": str(out)}), encoding="utf-8")
        (folder / "work").mkdir()
        process = _start(file, folder / "work", token)
        try:
            why = f"ended its process (status {process.wait(NOTEBOOK_SECONDS)})"
        except subprocess.TimeoutExpired:
            why = f"was still running after {NOTEBOOK_SECONDS:g} seconds"
        _end(process)
        return _seen(out, token), why


def _start(job: Path, folder: Path, token: str) -> subprocess.Popen:
    """Starts marking a job in a folder; the token goes in where no answer can read it."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "genlib.course.grade.marking", str(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=os.environ | threads | {"GENLIB_QUICK": "1", "MPLBACKEND": "agg", "PYTHONUTF8": "1"},
        start_new_session=True,
    )
    assert process.stdin is not None  # a pipe was asked for
    process.stdin.write(f"{token}\n".encode())
    process.stdin.close()
    return process


def _seen(out: Path, token: str) -> list[dict]:
    """The lines that carry the token: what does not was not written by us."""
    entries = []
    for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("token") == token:
            entries.append(entry)
    return entries


def _end(process: subprocess.Popen) -> None:
    """Ends the process and all that it started."""
    try:
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
