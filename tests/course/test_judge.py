"""Who judges and who answers: what they say to each other, what counts, and what is the machine's fault."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from genlib.course import exercises
from genlib.course.exercise.calling import Outcome, Stop, called, run
from genlib.course.exercise.plain import pack
from genlib.course.grade import answering, judge, judges, process, sandbox
from genlib.course.grade.channel import Channel, EndedError
from genlib.course.grade.judge import LateError, Marking, _outcome
from genlib.course.grade.process import MachineError


class Replies:
    """A process that gives these replies to calls, and remembers what it was asked."""

    def __init__(self, *replies, look=None):
        self.replies, self.asked, self.why = list(replies), [], "ended its process"
        self.look = {"there": True, "stale": None, "fault": None} if look is None else look

    def ask(self, message, seconds):
        self.asked.append((message, seconds))
        if message["do"] == "look":
            return self.look
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply(message) if callable(reply) else reply


def verdict(name: str, answering: Replies):
    marking = Marking({"lecture": exercises.lecture_of(name), "steps": [], "beside": {}})
    return marking._verdict(answering, exercises.find(name))


def as_reply(function):
    """What a process says of a call of this function."""

    def reply(message):
        outcome = run(
            function,
            message["arguments"],
            keywords=message["keywords"],
            observe=message["observe"] or called,
            gradients=message["gradients"],
        )
        return value(outcome.value, changed=outcome.changed, gradients=outcome.gradients)

    return reply


def value(of, **more):
    return {"late": False, "used": 0.01, "stop": None, "value": of, "changed": None, "gradients": None, **more}


# Messages -------------------------------------------------------------------------------------------------------------


def test_a_message_goes_there_and_what_is_none_is_refused():
    there = io.BytesIO()
    Channel(io.BytesIO(), there).send({"do": "call", "arguments": (torch.ones(2), 3)})
    message = Channel(io.BytesIO(there.getvalue()), there).receive()
    assert message["do"] == "call"
    assert torch.equal(message["arguments"][0], torch.ones(2))
    size = (5).to_bytes(8, "big")
    for data in (b"", size, size + b"ab", size + b"abcde", (2**60).to_bytes(8, "big"), framed(pack([1])), b"\xff" * 99):
        with pytest.raises(EndedError):
            Channel(io.BytesIO(data), there).receive()


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data


def test_an_answer_can_not_name_what_the_course_gives():
    from genlib.course.given.lecture_05 import Cubic

    with pytest.raises(EndedError):
        Channel(io.BytesIO(framed(pack({"value": Cubic(1.0)}))), io.BytesIO()).receive()


REPLIES = {
    "nothing": {},
    "a failure": {"failed": "MemoryError"},
    "a failure that is none": {"failed": 3, "value": 1},
    "a stop that is none": {"value": 1, "stop": {"kind": 5, "message": [1], "line": None}},
    "gradients that are none": {"value": 1, "gradients": "all"},
    "a change that is none": {"value": 1, "changed": 7},
    "lists in place of tensors": {"value": 1, "gradients": [1, "x", None]},
    "a long message": {"value": 1, "stop": {"kind": "E", "message": "x\n" * 900, "line": "y" * 999}},
}


@pytest.mark.parametrize("what", REPLIES)
def test_a_strange_reply_is_a_wrong_answer(what):
    outcome = _outcome(REPLIES[what])
    assert isinstance(outcome, Outcome)
    assert outcome.stop is None or isinstance(outcome.stop, Stop)
    line = str(verdict("kl_of_gaussians", Replies(REPLIES[what])))
    assert line.startswith("✗")
    assert len(line) < 400
    assert "\n" not in line


# What counts ----------------------------------------------------------------------------------------------------------


def test_inputs_are_drawn_from_a_seed_that_only_the_judge_knows():
    right = exercises.find("accept").reference
    seen = []

    def reply(message):
        seen.append(message["arguments"][0].tolist())
        return value(right(*message["arguments"]))

    for _ in range(2):
        assert verdict("accept", Replies(reply)).mark == "✓"
    half = len(seen) // 2
    assert seen[:3] == seen[half : half + 3], "the first are those of `check`"
    assert seen[half - 3 : half] != seen[-3:], "the last ones are secret"


def test_the_verdict_is_the_one_of_check_word_for_word():
    exercise = exercises.find("kl_of_gaussians")
    for hint, mistake in exercise.mistakes[:6]:
        told = verdict("kl_of_gaussians", Replies(as_reply(mistake)))
        assert told.text in (hint, exercise.check(mistake).text)
        assert str(told) == str(exercise.check(mistake))


@pytest.mark.parametrize(
    ("look", "line"),
    [
        ({}, "○"),
        ({"there": "yes"}, "○"),
        ({"there": True, "stale": "the last cell\nis older", "fault": None}, "✗ Exercise 1.6 accept: the last cell is"),
        ({"there": True, "stale": 3, "fault": "a list"}, "✗ Exercise 1.6 accept: accept is a list, not a function"),
    ],
)
def test_an_answer_that_is_not_there_or_none(look, line):
    assert str(verdict("accept", Replies(value(1), look=look))).startswith(line)


def test_the_time_of_all_calls_counts_together_and_only_the_processors():
    answering = Replies(lambda m: value(exercises.find("accept").reference(*m["arguments"]), used=2.0))
    assert verdict("accept", answering).mark == "✓"
    allowed = [seconds for message, seconds in answering.asked if message["do"] == "call"]
    assert allowed[:3] == [5.0, 3.0, 1.0]
    assert "still running after 5 seconds" in verdict("accept", Replies({"late": True})).text
    with pytest.raises(LateError):
        judge.Elsewhere(Replies({"late": True}), exercises.find("accept")).run(())


def job(*steps, **more) -> dict:
    return {"lecture": "00", "steps": list(steps), "cell_seconds": 2.0, "seconds": 40.0, "beside": {}, **more}


RIGHT = "import math\ndef uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)"
CHECK = {"check": "uniform_log_prob"}
END = "import os; os._exit(3)"
DEAF = "sum(range(10**13))"  # no interrupt reaches it before it ends


def test_what_was_judged_before_the_end_counts():
    found = Marking(job({"setup": "x = 1"}, {"theirs": RIGHT}, CHECK, {"theirs": END}, {"theirs": "y = 2"})).result()
    assert found["lines"]["uniform_log_prob"][0] == "✓"
    assert "`import os; os._exit(3)` ended its process" in found["notes"][0]


def test_what_no_interrupt_reaches_is_ended_by_the_judge():
    found = Marking(job({"setup": ""}, {"theirs": DEAF}, {"theirs": RIGHT}, CHECK)).result()
    assert found["lines"]["uniform_log_prob"][0] == "✓"
    assert found["notes"][0].startswith(f"`{DEAF}` ")
    assert found["notes"][0].endswith("; the rest was marked without it")


def test_a_cell_of_the_courses_runs_when_a_name_of_it_is_needed_and_not_before():
    ours = "def helper():\n    return 2\nimport math\ntable = [open('ran', 'a').write('1') for _ in range(3)]"
    uses = "assert open('ran').read() == '111' and helper() == 2\nassert table[0] == 1"
    steps = [{"setup": ""}, {"ours": ours}, {"theirs": "import os\nassert not os.path.exists('ran')"}]
    found = Marking(job(*steps, {"theirs": uses}, {"theirs": uses})).result()
    assert found["stops"] == []


@pytest.mark.parametrize("line", ["1 / 0", "undefined_name", "while True: pass", "import no_such_library"])
def test_a_line_that_stops_does_not_take_the_function_below_it_along_and_that_is_said(line):
    found = Marking(job({"setup": ""}, {"theirs": f"{line}\n{RIGHT}"}, CHECK)).result()
    assert found["lines"]["uniform_log_prob"][0] == "✓"
    assert "all the same, which JupyterLab does not do" in found["stops"][0][1]


def test_names_of_the_learners_own_stay_when_a_cell_of_the_courses_is_run_late():
    steps = [{"setup": ""}, {"ours": "size = 3\ntable = size + 1"}, {"theirs": "size = 50"}]
    found = Marking(job(*steps, {"theirs": "assert (table, size) == (4, 50), (table, size)"})).result()
    assert found["stops"] == []


def test_what_a_cell_uses_are_the_names_that_it_does_not_make_itself():
    from genlib.course.grade.shell import _used

    assert _used("x = 1\nprint(x, y)") == {"print", "y"}
    assert _used("x = x + 1") == {"x"}
    assert _used("def f(a, b=c):\n    d = a\n    return d + e + f(b)") == {"c", "e", "f"}
    assert _used("def f():\n    return x\nx = 1") == {"x"}
    assert _used("[i for i in z]\nimport m\nm.k") == {"z"}
    assert _used("class A:\n    size = n\n    def g(self):\n        return self.size + k") == {"n", "k"}
    assert _used("for t in s:\n    t") >= {"s"}
    assert _used("no Python") == _used("") == set()


# The machine's fault --------------------------------------------------------------------------------------------------


def test_a_process_that_does_not_start_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr(process.sandbox, "command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    assert "did not start" in Marking(job(CHECK)).result()["machine"]
    monkeypatch.setattr(process.sandbox, "command", lambda *_: ["/nowhere/python"])
    assert "can't be started" in Marking(job(CHECK)).result()["machine"]


LOW = {"RLIMIT_AS": "memory (ulimit -v)", "RLIMIT_FSIZE": "the size of a file", "RLIMIT_CPU": "(ulimit -t)"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
@pytest.mark.parametrize("what", LOW)
def test_a_limit_of_the_lecturers_shell_is_told_and_not_passed_on(what, monkeypatch):
    import resource

    most = {"RLIMIT_AS": 6 * 2**30, "RLIMIT_FSIZE": 200 * 2**20, "RLIMIT_CPU": 90, "RLIMIT_CORE": 0}
    number, held = {getattr(resource, name): name for name in most}, {}
    monkeypatch.setattr(resource, "getrlimit", lambda w: (0, most[what] - 1) if number[w] == what else (0, -1))
    monkeypatch.setattr(resource, "setrlimit", lambda w, bounds: held.update({number[w]: bounds}))
    (told,) = answering.limit(most["RLIMIT_AS"], most["RLIMIT_FSIZE"], most["RLIMIT_CPU"])
    assert LOW[what] in told
    assert held == {name: (bound, bound) for name, bound in most.items() if name != what}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_where_the_shell_allows_too_little_nobody_is_marked(monkeypatch):
    command, shell = process.sandbox.command, ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh"]
    monkeypatch.setattr(process.sandbox, "command", lambda *how: [*shell, *command(*how)])
    told = Marking(job({"setup": ""}, {"theirs": RIGHT}, CHECK)).result()
    assert told["machine"].startswith("this shell allows too little of the size of a file (ulimit -f)")
    assert told["lines"] == {}


def test_a_full_disk_and_a_setup_of_ours_that_stops_are_too(monkeypatch):
    assert "setup stops: ZeroDivisionError" in Marking(job({"setup": "1 / 0"}, CHECK)).result()["machine"]

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(process.tempfile, "mkdtemp", full)
    assert "No space left" in Marking(job(CHECK)).result()["machine"]


class Dead:
    """A judge whose process is gone."""

    stdin, stdout = io.StringIO(), io.StringIO()

    def kill(self):
        pass

    def wait(self):
        return -9


def test_a_judge_that_dies_is_the_machines_fault_and_no_grade(monkeypatch):
    monkeypatch.setattr(judges, "_free", Dead)
    with pytest.raises(MachineError, match="the judge's process ended"):
        judges.marked(job(CHECK))
    assert issubclass(MachineError, OSError), "grade/folder.py remembers nothing of it"


def test_a_library_that_was_changed_marks_nobody(monkeypatch):
    monkeypatch.setattr(sandbox, "works", lambda: False)
    hashes = iter(["as it was", "changed"])
    monkeypatch.setattr(judges, "_library", lambda: next(hashes))
    monkeypatch.setattr(judges, "_asked", lambda job: {"machine": None, "lines": {}})
    with pytest.raises(MachineError, match="changed the library"):
        judges.marked(job(CHECK))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks processes up in /proc")
def test_when_the_grader_is_gone_its_notebooks_end():
    from genlib.course.grade.process import _taken

    judging = judges._free()
    judging.stdin.write(json.dumps(job({"setup": ""}, {"theirs": "while True: pass"}, cell_seconds=60.0)) + "\n")
    judging.stdin.flush()
    deadline = time.monotonic() + 120
    while _taken(judging.pid)[2] < 2 and time.monotonic() < deadline:  # the judge, and what it started
        time.sleep(0.1)
    begun = [
        int(pid) for path in Path(f"/proc/{judging.pid}/task").glob("*/children") for pid in path.read_text().split()
    ]
    assert begun
    judging.stdin.close()
    judging.wait(60)
    while any(_taken(pid)[2] for pid in begun) and time.monotonic() < deadline + 60:
        time.sleep(0.1)
    assert not any(_taken(pid)[2] for pid in begun)


# What is said ---------------------------------------------------------------------------------------------------------


def test_what_protects_a_run_is_said_in_one_line(monkeypatch):
    for there in (True, False):
        monkeypatch.setattr(sandbox, "works", lambda there=there: there)
        line = sandbox.protection()
        assert "\n" not in line
        assert ("in a sandbox of its own" in line) == there
        assert ("as you" in line) == (not there)
    assert sandbox.FULL in sandbox.protection(full=True)


@pytest.mark.skipif(os.name == "nt", reason="the coding of the output is set by a variable that Windows may ignore")
def test_marks_can_be_written_where_the_output_has_another_coding(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    says = "print('✓ ○ ✗'); import sys; print('✗', file=sys.stderr)"
    for first, works in (("", False), ("from genlib.cli import main; main(); ", True)):
        done = subprocess.run([sys.executable, "-c", first + says], env=environment, capture_output=True)
        assert (done.returncode == 0) == works, done.stderr
    assert (done.stdout.decode("utf-8").strip(), done.stderr.decode("utf-8").strip()) == ("✓ ○ ✗", "✗")
