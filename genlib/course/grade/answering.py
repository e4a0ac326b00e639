"""One learner's answers, run in a process of their own: `python -m genlib.course.grade.marking JOB`.

JOB is a JSON file: {lecture, cells: [source], skip: [index], out, seconds}. Cells run in order in one namespace, each
with a soft time limit, but for the first, which is the course's own; one that fails is written down, and the next one
runs. Then every exercise of the lecture is checked with the functions that are there. What was seen is appended to
``out``, a line of JSON at a time, so that whoever waits knows how far it came if this process ends early.

This process is where foreign code runs. It has a limit on memory and on the size of files, starts no others, and
prints nothing. It protects the rest of the class from accidents; it is no prison for someone who wants to break out.
"""

import builtins
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from genlib.course.exercise import Exercise

MEMORY = 6 * 2**30  # bytes of address space; torch alone maps about two
FILES = 200 * 2**20  # bytes of the largest file that may be written
FORBIDDEN = ("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system", "os.kill", "os.killpg")


class ForbiddenError(RuntimeError):
    """Something that has no place in an answer, and that could disturb others."""


def protect() -> None:
    """Limits for this process and all that it starts; Windows knows none of them, there the time limit must do."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILES, FILES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def watch(event: str, _arguments: tuple) -> None:
        if event in FORBIDDEN or event == "subprocess.Popen":
            raise ForbiddenError(f"an answer may not call {event}")

    sys.addaudithook(watch)


def fingerprint(asked: list[Exercise]) -> int:
    """Of the code that judges and of what it judges by; it must be the same after the answers ran."""
    import torch

    from genlib.course.exercise import calling, comparing, declaring, judging, limits

    modules = (calling, comparing, declaring, judging, limits)
    classes = [c for m in modules for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__]
    functions = [f for owner in (*modules, *classes) for f in vars(owner).values()]
    codes = tuple(f.__code__ for f in functions if hasattr(f, "__code__"))
    known = (id(f) for e in asked for f in (e, e.reference, e.observe, e._right, *e.properties, *e.mistakes))
    return hash((codes, *known, id(torch.equal), id(torch.allclose), id(torch.Tensor)))


def plain(source: str) -> str:
    """A cell without IPython's magics and shell commands, which have no place in an answer."""
    return re.sub(r"^(\s*)([%!].*)$", r"\1pass  # \2", source, flags=re.M)


def run(job: dict, tell: Callable[[dict], None]) -> None:
    """Runs the cells and checks the exercises; tells {"cell": i} before and {"error": …} after each that fails."""
    from genlib.course import exercises

    asked = exercises.of_lecture(job["lecture"])
    for exercise in asked:
        exercise.check(exercise.reference)  # so that what is right is known before foreign code runs
    judges = fingerprint(asked)
    namespace = _run_cells(job, tell)
    for exercise in asked:
        tell({"cell": f"check of {exercise.name}"})
        if exercise.name in job["skip"]:
            continue
        there = exercise.name in namespace
        verdict = exercise.check(namespace[exercise.name]) if there else exercise.not_solved()
        if fingerprint(asked) != judges:
            tell({"tampered": True})
            return
        tell({"exercise": exercise.name, "solved": verdict.mark == "✓", "line": str(verdict)})
    tell({"done": True})


def _run_cells(job: dict, tell: Callable[[dict], None]) -> dict:
    """The namespace in which the cells ran, one after the other."""
    from genlib.course.exercise.calling import one_line
    from genlib.course.exercise.limits import TimeLimitError, time_limit

    namespace = {"__name__": "__main__", "display": lambda *_, **__: None, "get_ipython": lambda: None}
    for index, source in enumerate(job["cells"]):
        if index in job["skip"]:
            continue
        tell({"cell": index})
        error = None
        try:
            with time_limit(job["seconds"] if index else 60.0):
                exec(compile(plain(source), f"cell {index}", "exec"), namespace)
        except TimeLimitError:
            error = f"it was still running after {job['seconds']:g} seconds"
        except BaseException as raised:  # exit() and a stop by hand as well
            error = f"{type(raised).__name__}: {one_line(raised)}"
        if error and "NotImplementedError" not in error:
            tell({"cell": index, "error": error})
    return namespace


def main() -> None:
    """Reads the job and a token from its starter, and sees to it that nothing is printed."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    token = sys.stdin.readline().strip()  # what is not marked with it was not written here
    channel = os.open(job["out"], os.O_WRONLY | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    builtins.input = lambda *_: ""

    def tell(what: dict) -> None:
        os.write(channel, (json.dumps(what | {"token": token}) + "\n").encode())

    import torch

    torch.set_num_threads(1)
    protect()
    run(job, tell)
    os._exit(0)  # whatever was left running in threads


if __name__ == "__main__":
    main()
