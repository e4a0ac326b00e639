"""The process in which one learner's notebook runs and answers: `python -m genlib.course.grade.answering`.

Foreign code runs here, so this process knows nothing of what is right, and nobody believes it: it runs the cells that
it is sent, calls the functions that it is asked for, and sends back what came of it, as plain values. Who judges is
another process (judge.py). Where there is a sandbox, this process is in it (sandbox.py).
"""

import builtins
import dataclasses
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

FORBIDDEN = ("os.posix_spawn", "os.spawn", "os.exec", "os.system", "os.kill", "os.killpg")
TEXT, ERRORS = 1500, 100  # characters of a line that is sent, and how many of what stopped
FORKS = 60  # of the first process; what it forked may not fork again


class ForbiddenError(RuntimeError):
    """Something that could disturb others, where no sandbox keeps it in."""


def streams() -> tuple[Any, Any]:
    """What the judge sends and where it listens: the standard streams, which lead nowhere from now on."""
    read, write = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return read, write


def limit(memory: int, files: int, seconds: float) -> list[str]:
    """Bounds of this process: its address space, the largest file, the processor's time. Windows knows none of them.

    Returns those that the lecturer's shell has set lower already, in words: a right answer could stop at them.
    """
    try:
        import resource
    except ImportError:
        return []
    bounds = {
        "memory (ulimit -v)": (resource.RLIMIT_AS, memory),
        "the size of a file (ulimit -f)": (resource.RLIMIT_FSIZE, files),
        "core files (ulimit -c)": (resource.RLIMIT_CORE, 0),
        "the processor's time (ulimit -t)": (resource.RLIMIT_CPU, int(seconds)),
    }
    lower = []
    for name, (what, most) in bounds.items():
        hard = resource.getrlimit(what)[1]
        if hard == resource.RLIM_INFINITY or most <= hard:
            resource.setrlimit(what, (most, most))
        else:
            lower.append(name)
    return lower


def forbid(sandboxed: bool) -> None:
    """Refuses what starts or ends other processes, where no sandbox keeps them in; in one, only forks without end."""
    first, forks = os.getpid(), 0

    def watch(event: str, _arguments: tuple) -> None:
        nonlocal forks
        if event in ("os.fork", "os.forkpty"):
            forks += 1
            if not sandboxed or forks > FORKS or os.getpid() != first:
                raise ForbiddenError(f"an answer may not call {event}" + (" so often" if sandboxed else ""))
        elif not sandboxed and (event in FORBIDDEN or event == "subprocess.Popen"):
            raise ForbiddenError(f"an answer may not call {event}")

    sys.addaudithook(watch)


class Answering:
    """Does what the judge asks for."""

    def __init__(self, start: dict[str, Any]):
        import genlib.course
        from genlib.course.grade.shell import Shell

        # A check in a cell of the learner's own says nothing here, nor does it know anything.
        genlib.course.check = genlib.course.progress = lambda *_, **__: None  # type: ignore[assignment]
        builtins.input = lambda *_: ""
        self.shell = Shell(commands=start["sandboxed"])

    def reply(self, message: dict[str, Any]) -> dict[str, Any]:
        """What came of one message."""
        return getattr(self, f"on_{message['do']}")(message)

    def on_setup(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"error": self.shell.setup(message["source"])}

    def on_ours(self, message: dict[str, Any]) -> dict[str, Any]:
        self.shell.ours(message["source"])
        return {}

    def on_theirs(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"error": self.shell.theirs(message["source"], message["seconds"])}

    def on_full(self, message: dict[str, Any]) -> dict[str, Any]:
        """The whole notebook, run by a kernel as `genlib check` runs it: what that said."""
        from genlib.course.check.notebook import ValidateError, validate

        try:
            found, errors = validate(Path.cwd() / message["name"])
        except ValidateError as error:
            return {"refused": str(error)[:TEXT]}
        lines = [(result.exercise.name, result.solved, result.line[:TEXT]) for result in found]
        return {"lines": lines, "errors": [error[:TEXT] for error in errors[:ERRORS]]}

    def on_look(self, message: dict[str, Any]) -> dict[str, Any]:
        """Whether there is an answer, whether it is the one written last, and whether it can be called."""
        from genlib.course.exercise.answer import Answer

        name = message["name"]
        there = name in self.shell.names
        fault = Answer(self.shell.names[name]).fault() if there else None
        return {"there": there, "stale": self.shell.stale(name), "fault": fault}

    def on_call(self, message: dict[str, Any]) -> dict[str, Any]:
        """What an answer does with some arguments: an Outcome, as a dictionary; late where it did not end."""
        from genlib.course.exercise.calling import called, run
        from genlib.course.exercise.limits import TimeLimitError, time_limit

        start = time.process_time()
        try:
            with time_limit(message["seconds"]):
                outcome = run(
                    self.shell.names[message["name"]],
                    message["arguments"],
                    keywords=message["keywords"],
                    observe=message["observe"] or called,
                    gradients=message["gradients"],
                )
        except TimeLimitError:
            return {"late": True}
        stop = dataclasses.asdict(outcome.stop) if outcome.stop else None
        fields = {"value": outcome.value, "changed": outcome.changed, "gradients": outcome.gradients}
        fields |= {"in_place": outcome.in_place}
        return {"late": False, "used": time.process_time() - start, "stop": stop, **fields}


def main() -> None:
    """Answers until the judge is gone."""
    from genlib.course.grade.channel import Channel, EndedError

    channel = Channel(*streams(), ours=True)
    start = channel.receive()
    if start["files"]:  # what lay beside the notebook
        shutil.copytree(start["files"], Path.cwd(), dirs_exist_ok=True)
    sys.path.append(os.getcwd())  # modules beside the notebook can be imported, and hide none of the course's
    answering = Answering(start)
    lower = limit(start["memory"], start["largest"], start["seconds"])
    forbid(start["sandboxed"])
    channel.send({"ready": not lower, "lower": ", ".join(lower)})
    first = os.getpid()
    while True:
        try:
            message = channel.receive()
        except EndedError:
            break
        try:
            reply = answering.reply(message)
        except BaseException as error:  # a stop that came late, or memory that is gone: the judge is told all the same
            reply = {"failed": f"{type(error).__name__}"}
        if os.getpid() != first:  # a fork of the notebook's came back as well
            os._exit(0)
        try:
            channel.send(reply)
        except EndedError:
            break
    os._exit(0)  # whatever was left running in threads


if __name__ == "__main__":
    main()
