"""A notebook that runs and judges itself in one process, for benchmarks.marking: a job comes in, seconds go out."""

import json
import sys
import time
from typing import Any

from genlib.course import exercises
from genlib.course.grade.shell import Shell


def main() -> None:
    job: dict[str, Any] = json.load(sys.stdin)
    out, shell, wrong = sys.stdout, Shell(commands=False), []
    for step in job["steps"]:
        ((kind, source),) = step.items()
        if kind == "check":
            verdict = exercises.find(source).check(shell.names[source])
            wrong += [str(verdict)] * (verdict.mark != "✓")
        elif kind == "theirs":
            shell.theirs(source, job["cell_seconds"])
        else:
            getattr(shell, kind)(source)
    if wrong:
        raise ValueError(f"a right notebook is not right: {wrong}")
    print(time.process_time(), file=out, flush=True)


if __name__ == "__main__":
    main()
