"""The process in which one learner's notebook answers, seen from who judges: started, asked, watched, and ended.

What is run in it is answering.py.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

from genlib.course.grade import sandbox
from genlib.course.grade.channel import Channel, EndedError

MEMORY = 6 * 2**30  # bytes; torch alone maps about two
LARGEST = 200 * 2**20  # bytes of the largest file that may be written
PROCESSES = 64
PATIENCE = 20  # so many seconds on the clock for one of the processor, so that a busy machine refuses nobody
IN_ALL = 10  # likewise, for the whole notebook
WAITING = 60.0  # seconds on the clock in which a process computes nothing at all, and is asked for something


RUNNING: set["Process"] = set()


class MachineError(OSError):
    """The machine failed, not the notebook: that is no mark, and nothing to remember."""


class Process:
    """One process for answers, with a folder of its own."""

    def __init__(self, beside: dict[str, str], seconds: float, *, full: bool = False):
        """beside: {name: path} of the files that lie beside the notebook; seconds: of the processor, for all of it.

        full: a whole notebook is run in it by a kernel of its own, which needs the references.
        """
        self.why = "ended its process"  # what is told of its end
        self._seconds, self._used = seconds, 0.0  # of the processor: in all, and so far
        self._deadline, self._most, self._asked = time.monotonic() + 300.0, seconds, False  # of what is asked now
        self._end = time.monotonic() + IN_ALL * seconds
        self.processor = 0.0  # seconds that all of it took, known at its end
        self.over = False  # its time is over, so that it need not be tried again
        self._memory = MEMORY * (2 if full else 1)  # of all its processes together
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="genlib-grade-"))
            for name, path in beside.items():
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self._folder / name)
            if fonts := _fonts():
                (self._folder / ".matplotlib").mkdir()
                shutil.copyfile(fonts, self._folder / ".matplotlib" / fonts.name)
            self._process = _started(self._folder, full)
            RUNNING.add(self)
        except OSError as error:
            raise MachineError(f"a process for answers can't be started: {error}") from None
        read, write = cast(BinaryIO, self._process.stdout), cast(BinaryIO, self._process.stdin)
        self._channel = Channel(read, write)
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            start = {"sandboxed": sandbox.works(), "files": sandbox.FILES if sandbox.works() else None}
            bounds = {"memory": MEMORY, "largest": LARGEST, "seconds": float(seconds)}
            self._channel.send(start | bounds)
            ready = self._channel.receive()
        except EndedError as error:
            self.end()
            raise MachineError(f"the process for answers did not start ({error})") from None
        if not ready["ready"]:
            self.end()
            raise MachineError(f"this shell allows too little of {ready['lower']}: a right answer could stop at it")

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The reply to a message for which so many seconds of the processor are allowed.

        Raises: EndedError where the process ended over it; `why` says how.
        """
        self._deadline = time.monotonic() + PATIENCE * (seconds + 3)
        self._most = min(self._seconds, self._used + 3 * seconds + 5)  # for what no interrupt reaches
        self._asked = True
        try:
            self._channel.send(message)
            return self._channel.receive()
        except EndedError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self.end()
            raise
        finally:
            self._deadline, self._most, self._asked = time.monotonic() + 3600.0, self._seconds, False

    def end(self) -> None:
        """Ends the process and all that it started, and removes its folder."""
        self.processor = max(self._used, _taken(self._process.pid)[0])
        status = self._process.poll()
        if status is not None and self.why == "ended its process":
            self.why = f"ended its process (status {status})"
        _kill(self._process)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        RUNNING.discard(self)

    def _watch(self) -> None:
        """Ends it when it takes more than it may: time on the clock, of the processor, memory, processes."""
        busy = time.monotonic()  # when it last computed, was asked for nothing, or could not be looked into
        all_of_it = 3 if sandbox.works() else 1  # two of bubblewrap's, and Python
        while self._process.poll() is None:
            used, memory, count = _taken(self._process.pid)
            if used > self._used or not self._asked or count < all_of_it:
                self._used, busy = used, time.monotonic()
            self.over = self._used > self._seconds or time.monotonic() > self._end
            if self.over:
                self.why = f"was still running after {self._seconds:g} seconds of the processor"
                self.why += f", or {IN_ALL} times as many on the clock"
            elif self._used > self._most:
                self.why = "never came to an end"
            elif time.monotonic() > min(self._deadline, busy + WAITING):
                self.why = "was still running when its time was over"
            elif memory > self._memory:
                self.why = "took too much memory"
            elif count > PROCESSES:
                self.why = "started too many processes"
            else:
                time.sleep(0.3)
                continue
            _kill(self._process)
            return


@functools.cache
def _fonts() -> Path | None:
    """matplotlib's list of fonts: without it, each notebook would look for them anew, for seconds."""
    import matplotlib
    import matplotlib.font_manager  # it makes the list, where there is none

    return next(iter(sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"), reverse=True)), None)


def _started(folder: Path, full: bool) -> subprocess.Popen:
    """The process for answers, in a folder, with what lies there."""
    return subprocess.Popen(
        sandbox.command(folder, full),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=sandbox.environment(folder, full),
        start_new_session=True,
    )


def _kill(process: subprocess.Popen) -> None:
    """Ends a process and its group; of a sandbox all that is in it."""
    try:
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


def _taken(root: int) -> tuple[float, int, int]:
    """What a process and its descendants have taken: seconds of the processor, bytes, processes; 0 where that can't be
    seen."""
    seconds, size, count, waiting = 0.0, 0, 0, [root]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            children = [path.read_text() for path in folder.glob("task/*/children")]
        except OSError:  # gone meanwhile, or a system without /proc
            continue
        waiting += [int(child) for line in children for child in line.split()]
        seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        size += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        count += 1
    return seconds, size, count
