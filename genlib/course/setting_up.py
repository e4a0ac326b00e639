"""Installs the course and says what happens meanwhile: `make lab` takes minutes the first time, and shows them.

Run as a program, with the words that pip gets. One line counts packages and seconds; on a terminal it is rewritten in
place, elsewhere it comes every ten seconds. It runs before anything is installed: only Python's own is imported here.
"""

from __future__ import annotations

import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import IO

_COLLECTING = re.compile(r"\s*(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
_DOWNLOADING = re.compile(r"\s*(?:Downloading|Using cached) (?:\S*/)?([A-Za-z0-9_.]+?)-\d\S*(?: \(([^)]+)\))?")
_INSTALLING = re.compile(r"\s*Installing collected packages: (.*)")


class Steps:
    """What pip has said so far, in one line."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.text = "asking which packages are needed"

    def read(self, line: str) -> None:
        """Takes in a line of pip's."""
        if match := _COLLECTING.match(line):
            self.found.add(match[1].lower())
            self.text = f"packages found: {len(self.found)}, the last is {match[1]}"
        elif match := _DOWNLOADING.match(line):
            size = f" ({match[2]})" if match[2] else ""
            self.text = f"packages found: {len(self.found)}, fetching {match[1]}{size}"
        elif match := _INSTALLING.match(line):
            self.text = f"installing {match[1].count(',') + 1} packages"

    def line(self, seconds: float) -> str:
        """What to show after so many seconds."""
        return f"  {seconds:4.0f} s  {self.text}"


def follow(command: Sequence[str], out: IO[str], *, terminal: bool, every: float = 10.0) -> int:
    """Runs pip and shows where it is; its own words only where it fails. Returns its exit status."""
    start, steps, said, shown = time.monotonic(), Steps(), [], -every
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    )
    assert process.stdout is not None
    for line in _lines(process.stdout):
        seconds = time.monotonic() - start
        if line:
            steps.read(line)
            said.append(line)
        if terminal or seconds - shown >= every:
            shown = seconds
            out.write(f"\r{steps.line(seconds)[:79]:79}" if terminal else f"{steps.line(seconds)}\n")
            out.flush()
    status = process.wait()
    if terminal:
        out.write("\n")
    out.write("".join(said[-40:]) if status else f"  {time.monotonic() - start:4.0f} s  done\n")
    return status


def _lines(stream: IO[str]) -> Iterable[str]:
    """The lines of a stream as they come, and an empty one each second in which none does."""
    waiting: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            waiting.put(line)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = waiting.get(timeout=1.0)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line


if __name__ == "__main__":
    pip = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", *sys.argv[1:]]
    raise SystemExit(follow(pip, sys.stdout, terminal=sys.stdout.isatty()))
