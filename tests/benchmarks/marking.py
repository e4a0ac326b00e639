"""What it costs that the judge is another process: python -m tests.benchmarks.marking [--lectures 01 07] [--pairs 5]

A right notebook is marked as `genlib grade` marks it, by a judge that has marked one before, and by a single process
that runs the same cells and judges itself, as one could that trusts them. In turns; seconds of the processor, user and
system, of the judge and of all that the notebook's sandbox started. What a judge takes to start is told beside it: it
is paid once for a class.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from genlib.course.check.notebook import read_learner
from genlib.course.grade import judges, sandbox
from genlib.course.grade.cells import steps
from genlib.course.grade.one import CELL_SECONDS, NOTEBOOK_SECONDS
from genlib.lectures import find

ASKED = 1.0  # seconds a notebook more


def job_of(number: str) -> dict:
    """The solution of a lecture, to be marked."""
    lecture = find(number)
    bounds = {"cell_seconds": CELL_SECONDS, "seconds": NOTEBOOK_SECONDS}
    return {"lecture": number, "steps": steps(read_learner(lecture.solution), lecture)[0], "beside": {}} | bounds


def by_a_judge(job: dict) -> tuple[float, float]:
    """Seconds that the judge took, and the notebook's own processes. Raises: ValueError where it finds a fault."""
    result = judges.marked(job)
    if any(mark != "✓" for mark, _ in result["lines"].values()):
        raise ValueError(f"a right notebook is not right: {result['lines']}")
    judge, answers = result["processor"]
    return judge, answers


def alone(job: dict) -> float:
    """Seconds of one process that runs the notebook and judges itself."""
    environment = sandbox.environment(Path.cwd())
    environment["PYTHONPATH"] = f"{Path.cwd()}:{environment['PYTHONPATH']}"
    command = [sys.executable, "-P", "-m", "tests.benchmarks.marking_alone"]
    done = subprocess.run(command, env=environment, input=json.dumps(job), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure(number: str, pairs: int) -> tuple[float, float, float]:
    """Medians of pairs: (the judge, the notebook's processes, one process alone); the first of a judge is left out."""
    job = job_of(number)
    by_a_judge(job)
    taken = [(*by_a_judge(job), alone(job)) for _ in range(pairs)]
    return tuple(statistics.median(side) for side in zip(*taken, strict=True))  # type: ignore[return-value]


def start_of_a_judge() -> float:
    """Seconds of the processor until a judge can be asked."""
    code = "import genlib.course.grade.judge, time; print(time.process_time())"
    command = [sys.executable, "-P", "-c", code]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.marking", description=__doc__.splitlines()[0])
    parser.add_argument("--lectures", nargs="+", default=["01", "03", "05", "07"])
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args()
    more = []
    for number in chosen.lectures:
        judge, answers, one = measure(number, chosen.pairs)
        more.append(judge + answers - one)
        print(
            f"{number}: judge {judge:.2f} s, notebook {answers:.2f} s; one process {one:.2f} s: {more[-1]:+.2f} s",
            flush=True,
        )
    print(f"a judge starts in {start_of_a_judge():.2f} s, once for a class")
    raise SystemExit(max(more) > ASKED)


if __name__ == "__main__":
    main()
