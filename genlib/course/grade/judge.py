"""Who judges: references, edges, mistakes, properties and verdicts are in this process, and no foreign code ever is.

`python -m genlib.course.grade.judge` reads a job a line (JSON) and writes what it found, a line each; it goes on for a
whole class, so that what is right is computed once. Each notebook runs in a process of its own (process.py), which is
asked for plain values. Random inputs are drawn from a seed that only the judge knows.

A job is {lecture, steps, cell_seconds, seconds, beside}. Steps are {"setup": source}, {"ours": source}, {"theirs":
source} and {"check": exercise}, in the order of the notebook: an exercise is judged where its check stands. beside is
{name: path} of the files that lie beside the notebook.
"""

import json
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from genlib.course import exercises
from genlib.course.exercise import Exercise, Verdict
from genlib.course.exercise.answer import Answer
from genlib.course.exercise.calling import Outcome, Stop, called
from genlib.course.exercise.plain import PlainError
from genlib.course.grade.channel import EndedError
from genlib.course.grade.process import PATIENCE, RUNNING, MachineError, Process

TRIES = 4  # a notebook is run again without what ended it, so often at most


class LateError(Exception):
    """The answer did not end in time."""


class Elsewhere(Answer):
    """An answer in another process: what comes of it are plain values, whatever that process may claim."""

    def __init__(self, process: Process, exercise: Exercise):
        self.process, self.name, self.left = process, exercise.name, exercise.seconds
        self.until = time.monotonic() + PATIENCE * (exercise.seconds + 3)  # however little it computes
        self.looked = process.ask({"do": "look", "name": exercise.name}, 5.0)

    def fault(self) -> str | None:
        return _text(self.looked.get("fault"))

    def run(
        self,
        arguments: tuple,
        *,
        keywords: dict[str, Any] | None = None,
        observe: Callable = called,
        gradients: bool = False,
    ) -> Outcome:
        message: dict[str, Any] = {"do": "call", "name": self.name, "arguments": arguments, "keywords": keywords or {}}
        message |= {"observe": None if observe is called else observe, "gradients": gradients}
        reply = self.process.ask(message | {"seconds": float(max(self.left, 0.1))}, self.left)
        if reply.get("late") is True or time.monotonic() > self.until:
            raise LateError
        used = reply.get("used")
        self.left -= used if isinstance(used, float) and 0 <= used < 1e6 else 0.0
        return _outcome(reply)


def _outcome(reply: dict[str, Any]) -> Outcome:
    """A reply as an outcome; what is not as it should be becomes a stop."""
    stop, gradients = reply.get("stop"), reply.get("gradients")
    if "failed" in reply or "value" not in reply:
        return Outcome(stop=Stop(_text(reply.get("failed")) or "Error"))
    if isinstance(stop, dict):
        kind, message, line = (_text(stop.get(name)) or "" for name in ("kind", "message", "line"))
        return Outcome(stop=Stop(kind, message[:160], line[:120], stop.get("not_callable") is True))
    changed, in_place = _text(reply.get("changed")), reply.get("in_place") is True
    gradients = gradients if isinstance(gradients, list) else None
    return Outcome(reply["value"], None, changed and changed[:40], gradients, in_place)


def _text(value: Any) -> str | None:
    """A text, in one line; None where it is none."""
    return " ".join(value.split()) if isinstance(value, str) else None


# A notebook -----------------------------------------------------------------------------------------------------------


class Marking:
    """One notebook being marked: what is known so far, also when its process ended and was started anew."""

    def __init__(self, job: dict):
        self.job = job
        self.asked = {exercise.name: exercise for exercise in exercises.of_lecture(job["lecture"])}
        self.verdicts: dict[str, Verdict] = {}
        self.stops: dict[int, str] = {}  # {step: the error it stops with}
        self.notes: list[str] = []
        self.left_out: set[int] = set()
        self.over = False  # the notebook has had its time
        self.secret = secrets.randbits(60)
        self.processor = 0.0  # seconds, of the processes for answers

    def result(self) -> dict:
        """Marks the notebook, each time without what ended its process before.

        processor: seconds of it that the judge took, and the notebook's own processes.
        """
        before = time.process_time()
        try:
            for _ in range(TRIES):
                culprit = self._run()
                if culprit is None or self.over:
                    break
                self.left_out.add(culprit)
        except MachineError as error:
            return {"machine": str(error), "lines": {}, "stops": [], "notes": []}
        lines = {name: [verdict.mark, str(verdict)] for name, verdict in self.verdicts.items()}
        taken = time.process_time() - before, self.processor
        stops = sorted(self.stops.items())
        return {"lines": lines, "stops": stops, "notes": self.notes, "machine": None, "processor": taken}

    def _run(self) -> int | None:
        """Goes through the notebook in a new process; returns the step that ended it, if any."""
        process = Process(self.job["beside"], self.job["seconds"])
        step = 0
        try:
            for step, what in enumerate(self.job["steps"]):
                if step not in self.left_out:
                    self._do(process, step, what)
        except EndedError:
            (what,) = self.job["steps"][step].items()
            if what[0] == "setup":
                raise MachineError(f"the course's own setup {process.why}") from None
            self.over = process.over
            rest = "; what comes after it was not marked" if self.over else "; the rest was marked without it"
            self.notes.append(f"{_named(*what)} {process.why}{rest}")
            return step
        finally:
            process.end()
            self.processor += process.processor
        return None

    def _do(self, process: Process, step: int, what: dict[str, str]) -> None:
        """One step; what is known already is not asked for again."""
        ((kind, source),) = what.items()
        if kind == "check":
            if source not in self.verdicts:
                self.verdicts[source] = self._verdict(process, self.asked[source])
            return
        message = {"do": kind, "source": source}
        seconds = self.job["cell_seconds"]
        theirs = kind == "theirs"
        reply = process.ask(message | ({"seconds": seconds} if theirs else {}), seconds if theirs else 120.0)
        error = _text(reply.get("error")) or _text(reply.get("failed"))
        if error and kind == "setup":
            raise MachineError(f"the course's own setup stops: {error}")
        if error and "NotImplementedError" not in error:
            self.stops[step] = error[:300]

    def _verdict(self, process: Process, exercise: Exercise) -> Verdict:
        """On one exercise, as its answer stands now. The verdicts are those of `check` in the notebook."""
        answer = Elsewhere(process, exercise)
        if stale := _text(answer.looked.get("stale")):
            return exercise.wrong(stale[:300])
        if answer.looked.get("there") is not True:
            return exercise.not_solved()
        try:
            return exercise.judge(answer, self.secret)
        except LateError:
            return exercise.too_long()


def _named(kind: str, source: str) -> str:
    """A step in words: its first line, or the exercise that is checked."""
    if kind == "check":
        return f"the check of {source}"
    return f"`{next((line.strip() for line in source.splitlines() if line.strip()), '')[:70]}`"


# The program ----------------------------------------------------------------------------------------------------------


def main() -> None:
    """Marks until nothing more is asked for; when the grader is gone, so is this process, and with it the sandbox."""
    read, write = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    jobs: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in read:
            jobs.put(line)
        for process in list(RUNNING):
            process.end()
        os._exit(0)

    import torch

    torch.set_num_threads(1)
    threading.Thread(target=listen, daemon=True).start()
    while True:
        result = _marked(json.loads(jobs.get()))
        write.write(json.dumps(result) + "\n")
        write.flush()


def _marked(job: dict) -> dict:
    try:
        return Marking(job).result()
    except (OSError, MemoryError, PlainError) as error:
        return {"machine": f"{type(error).__name__}: {error}", "lines": {}, "stops": [], "notes": []}


if __name__ == "__main__":
    main()
