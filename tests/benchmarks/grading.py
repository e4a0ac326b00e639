"""A class: half of it honest, a quarter odd, a quarter hostile: python -m tests.benchmarks.grading [--size 200] …

The honest hold right answers to a random half of the exercises, so that their points are known before. The odd hand in
what people hand in: archives, exports, other endings, cells that IPython alone understands. The hostile want points
that they have not earned, or that nobody gets any. Prints how long it took, how much memory, and every row that is not
what it should be; fails where there is one.
"""

import argparse
import dataclasses
import io
import json
import os
import random
import resource
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from genlib.course.build import role
from genlib.course.grade.folder import grade_all
from genlib.course.grade.one import Grade, points_of
from genlib.lectures import find


@dataclasses.dataclass
class Case:
    """What somebody does: hand(class, name) puts it there. earns: all points, or none; note: what the row must say."""

    hand: Callable[[Path, str], object]
    earns: bool
    note: str = ""
    shown: str = "{name}"  # how the row names the student


class Course:
    """One lecture's notebooks, with whatever answers."""

    def __init__(self, number: str):
        lecture = find(number)
        self.number = number
        self.worth = points_of(lecture)
        self._stubs = nbformat.read(lecture.handed_out, as_version=4)
        solved = nbformat.read(lecture.solution, as_version=4)
        self.answers = {role(c)[0]: c.source for c in solved.cells if role(c) and role(c)[1] == "answer"}

    def notebook(self, names: list[str] | None = None, first: str = "", last: str = "") -> NotebookNode:
        """The notebook with right answers to these exercises, all without; cells of one's own around the answers."""
        result = nbformat.from_dict(json.loads(nbformat.writes(self._stubs)))
        places = [i for i, cell in enumerate(result.cells) if role(cell) and role(cell)[1] == "answer"]
        for i in places:
            name = role(result.cells[i])[0]
            if names is None or name in names:
                result.cells[i].source = self.answers[name]
        for place, source in ((places[-1] + 1, last), (places[0], first)):
            if source:
                result.cells.insert(place, v4.new_code_cell(source))
        return result

    def bytes(self, *arguments, change: Callable[[dict], object] = lambda content: None, **keywords) -> bytes:
        content = json.loads(nbformat.writes(self.notebook(*arguments, **keywords)))
        change(content)
        return json.dumps(content, ensure_ascii=True).encode()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def short(name: str) -> str:
    """As Canvas writes a name."""
    return name.replace(" ", "")


def file(content: bytes, name: str = "work.ipynb", **beside: bytes) -> Callable[[Path, str], None]:
    """A folder of the student's with this file, and with others: a__py is a.py."""

    def hand(folder: Path, student: str) -> None:
        put(folder / student / name, content)
        for other, text in beside.items():
            put(folder / student / other.replace("__", "."), text)

    return hand


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


# Odd ------------------------------------------------------------------------------------------------------------------

SOURCES = {  # what stands in a cell before the answers
    "a magic and a shell command": "%matplotlib inline\n!echo hello\nwhere = !pwd",
    "an operator at the start of a line": "rest = (10\n        % 3)",
    "a question to IPython": "import math\nmath.log?",
    "time in a cell": "%%time\nx = 1",
    "await": "import asyncio\nawait asyncio.sleep(0)",
    "a dataclass": "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: 'int' = 1\nP()",
    "no gradients": "import torch; torch.set_grad_enabled(False)",
    "another precision": "import torch; torch.set_default_dtype(torch.float64)",
    "warnings that are errors": "import warnings; warnings.simplefilter('error')",
    "an error of one's own": "1 / 0",
    "a syntax error": "def f(:\n  pass",
    "a file that is not there": "open('nothing.txt')",
    "exit": "exit()",
    "a slow cell": "import time; time.sleep(3)",
    "much output": "for _ in range(3000): print('x' * 1000)",
}


def odd(c: Course) -> dict[str, Case]:
    good = c.bytes()
    what_if = "\n".join(f"def {name}(*_, **__): return None" for name in c.worth)

    def in_text(content: dict) -> None:
        for cell in content["cells"]:
            if cell["metadata"].get("exercise") and "check" not in cell["metadata"].get("tags", []):
                cell["cell_type"] = "markdown"
                for key in ("outputs", "execution_count"):
                    cell.pop(key, None)

    def odd_metadata(content: dict) -> None:
        content["cells"][0]["metadata"]["tags"] = None
        content["cells"][1]["metadata"] = None

    def lost_metadata(content: dict) -> None:
        content["metadata"] = {}
        for i, cell in enumerate(content["cells"]):
            cell["id"] = f"cell-{i}"
            cell["metadata"] = {} if "check" not in (cell["metadata"] or {}).get("tags", []) else cell["metadata"]

    def half_letters(content: dict) -> None:
        content["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "\ud83d"})

    cases = {name: Case(file(c.bytes(first=source)), True) for name, source in SOURCES.items()}
    for name in ("an error of one's own", "a syntax error", "a file that is not there", "exit"):
        cases[name].note = "stops"
    helper = c.bytes(first="from my_helper import value; assert value == 7")
    return cases | {
        "a zip": Case(lambda d, n: put(d / f"{n}.zip", zipped(**{"a/00.ipynb": good, "a/data.csv": b"1"})), True),
        "a zip of macOS": Case(file(zipped(**{"0.ipynb": good, "__MACOSX/._0.ipynb": b"\0"}), "work.zip"), True),
        "a zip of Windows": Case(file(zipped(**{"a\\b\\00.ipynb": good}), "WORK.ZIP"), True),
        "a browser's ending": Case(file(good, "00.ipynb.txt"), True),
        "large letters": Case(file(good, "00.IPYNB"), True),
        "a copy": Case(file(good, "00 (1).ipynb"), True),
        "a file alone": Case(lambda d, n: put(d / f"{n}.ipynb", good), True),
        "Moodle": Case(
            lambda d, n: put(d / f"{n}_4711_assignsubmission_file_" / "a.ipynb", good), True, shown="{name} (4711)"
        ),
        "Canvas": Case(lambda d, n: put(d / f"{short(n)}_12_34567_a.ipynb", good), True, shown="{short} (12)"),
        "late": Case(lambda d, n: put(d / f"{short(n)}_LATE_12_34567_a.ipynb", good), True, "late", "{short} (12)"),
        "nothing": Case(lambda d, n: (d / n).mkdir(), False, "there is nothing"),
        "a report alone": Case(file(b"%PDF", "report.pdf"), False, "there is report.pdf"),
        "another archive": Case(file(b"Rar!", "work.rar"), False, "work.rar is not looked into"),
        "a download that broke off": Case(file(good[:-2000]), False, "not a notebook that can be read"),
        "the wrong lecture": Case(file(Course("00" if c.number != "00" else "01").bytes()), False, "asked was lecture"),
        "odd metadata": Case(file(c.bytes(change=odd_metadata)), True),
        "lost metadata": Case(file(c.bytes(change=lost_metadata)), True),
        "half letters": Case(file(c.bytes(change=half_letters)), True),
        "UTF-16": Case(file(good.decode().encode("utf-16")), True),
        "answers in text cells": Case(file(c.bytes(change=in_text)), False, "text cell"),
        "what if, further down": Case(lambda d, n: file(_at_the_end(c, what_if))(d, n), True),
        "a helper beside it": Case(file(helper, my_helper__py=b"value = 7"), True),
    }


def _at_the_end(c: Course, source: str) -> bytes:
    own = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return c.bytes(change=lambda content: content["cells"].append(own))


# Hostile --------------------------------------------------------------------------------------------------------------

FLOAT = """class Any(float):
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
    __hash__ = float.__hash__
    __sub__ = __rsub__ = __abs__ = __mul__ = lambda self, *other: self
    def item(self): return 0.0
lie = lambda *_, **__: Any()"""
TENSOR = """import torch
class Any(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True
lie = lambda *_, **__: torch.ones(3).as_subclass(Any)"""
FIND = "from genlib.course import exercises\nfor e in exercises.of_lecture('LECTURE'):\n    "
CHEATS = {  # what stands below the stubs; all exercises are then the function lie
    "a float that equals anything": FLOAT,
    "a tensor that equals anything": TENSOR,
    "builtins replaced": "import builtins\nbuiltins.abs = lambda x: 0.0\nbuiltins.all = lambda x: True",
    "torch replaced": "import torch\ntorch.equal = torch.allclose = lambda *a, **k: True",
    "the tolerance replaced": FIND + "e.tol = float('inf')",
    "the properties replaced": FIND + "e.properties.clear(); e.mistakes.clear()",
    "the reference replaced": FIND + "e.reference, e._right = (lambda *_, **__: 0.0), None",
    "the judge replaced": "from genlib.course.exercise import Exercise\nExercise.check = lambda self, a: self.solved()",
    "a trace": "import sys\nsys.settrace(lambda frame, event, arg: frame.f_locals.update(fault=None))",
    "a thread": "import threading, time, gc\ndef run():\n    while True:\n        time.sleep(.1)\n"
    "        for o in gc.get_objects():\n            if type(o).__name__ == 'Exercise': o.properties = []\n"
    "threading.Thread(target=run, daemon=True).start()",
    "a forged report": "import os, json\nfor fd in range(3, 30):\n    try: os.write(fd, b'{\"exercise\": \"NAME\", "
    "\"solved\": true, \"line\": \"\\u2713 Exercise 0.1 NAME: all\"}\\n{\"done\": true}\\n')\n    except OSError: pass",
    "a printed mark": "check = lambda name: print('✓ Exercise 0.1', name, ': all 6 properties hold')",
    "an own library": "import sys, types\nm = types.ModuleType('genlib.course')\nm.check = lambda n: print('✓', n)\n"
    "sys.modules['genlib.course'] = m",
    "an end with success": "import os; os._exit(0)",
}  # fmt: skip
DISTURBING = {  # what stands before right answers, and earns them all the same
    "an endless loop": "while True: pass",
    "a loop that swallows": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "the end of its process": "import os; os._exit(0)",
    "a signal to itself": "import signal; signal.raise_signal(signal.SIGKILL)",
    "a killed parent": "import os, signal\ntry: os.kill(os.getppid(), signal.SIGKILL)\nexcept Exception: pass",
    "a fork bomb": "import os\nwhile True:\n    os.fork()",
    "100 GB": "import torch; x = torch.ones(100 * 2**30 // 4)",
    "a large file": "with open('x', 'wb') as f:\n    while True: f.write(bytes(2**24))",
    "a flood": "for _ in range(300_000): print('x' * 1000)",
    "10 MB of text": "x = '" + "y" * 10_000_000 + "'",
}
NAMES = {
    "a formula": '=HYPERLINK("x";"y") {}',
    "codes of a terminal": "\x1b[2J\x1b]0;p\x07{}",
    "a page": "<script>alert(1)<!-- {}",
    "a row": "anna,01,99,99\n{}",
    "a section": "\n## anna, lecture 01: q\n{}",
    "a long one": "{}" + "x" * 200,
    "no UTF-8": "\udcff\udcfe{}",
}


def hostile(c: Course) -> dict[str, Case]:
    good, names = c.bytes(), list(c.worth)
    lies = "lie = globals().get('lie', lambda *_, **__: 0.123)\n" + "\n".join(f"{name} = lie" for name in names)
    forged = json.dumps([dataclasses.asdict(Grade("eve", "eve/work.ipynb", c.number, 99, 99))]).encode()
    fake = b"check = lambda name: print('\xe2\x9c\x93 Exercise 0.1', name, ': all 6 properties hold')"
    cases = {}
    for name, source in CHEATS.items():
        source = source.replace("LECTURE", c.number).replace("NAME", names[0])
        cases[name] = Case(file(c.bytes([], last=f"{source}\n{lies}")), False)
    for name, source in DISTURBING.items():
        cases[name] = Case(file(c.bytes(first=source)), True)
    for name, text in NAMES.items():
        cases[f"a name: {name}"] = Case(named(text, good), True, shown="")
    bomb = zipped(**{"00.ipynb": b" " * 2**27 + good})
    return cases | {
        "a link to another's": Case(link("../honest 000/work.ipynb"), False, "is a link"),
        "a link to a device": Case(link("/dev/zero"), False, "is a link"),
        "a link to a folder": Case(lambda d, n: (d / n).symlink_to("honest 000"), False, "is a link"),
        "a pipe": Case(lambda d, n: ((d / n).mkdir(), os.mkfifo(d / n / "a.ipynb")), False, "is a pipe"),
        "a bomb": Case(file(bomb, "work.zip"), False, "has more than"),
        "a way out": Case(file(zipped(**{"../../honest 001/work.ipynb": good}), "work.zip"), False, "lead outside"),
        "deep JSON": Case(file(b"[" * 10**6), False, "nested too deeply"),
        "many values": Case(file(b'{"cells": [' + b"{}," * 10**7 + b"{}]}"), False, "values"),
        "forged marks": Case(file(c.bytes([]), grades__json=forged, marks__csv=b"eve,01,99"), False),
        "a library beside it": Case(lambda d, n: (
            file(c.bytes([]), torch__py=b"raise SystemExit", conftest__py=b"x", sitecustomize__py=b"x")(d, n),
            put(d / n / "genlib" / "course" / "__init__.py", fake), put(d / n / "genlib" / "__init__.py", b""),
        ), False, "has the name of a library"),
    }  # fmt: skip


def named(pattern: str, content: bytes) -> Callable[[Path, str], None]:
    """A folder whose name does what the pattern says."""
    return lambda folder, student: put(folder / pattern.format(student) / "a.ipynb", content)


def link(target: str) -> Callable[[Path, str], None]:
    """A folder with a link in place of a notebook."""

    def hand(folder: Path, student: str) -> None:
        (folder / student).mkdir()
        (folder / student / "a.ipynb").symlink_to(target)

    return hand


# The class ------------------------------------------------------------------------------------------------------------


def handed_in(folder: Path, course: Course, size: int, only: str) -> Iterator[tuple[str, str, Case, int]]:
    """Puts everything there; (student as the row names them, what they did, its case, points that they earn)."""
    chance, total = random.Random(0), sum(course.worth.values())
    for i in range(size // 2 if not only else 2):
        some = chance.sample(sorted(course.worth), (len(course.worth) + 1) // 2)
        name = f"honest {i:03}"
        file(course.bytes(some))(folder, name)
        yield name, "honest", Case(file(b""), True), sum(course.worth[exercise] for exercise in some)
    for kind, cases in (("odd", odd(course)), ("hostile", hostile(course))):
        chosen = [entry for entry in cases.items() if only in entry[0]]
        for i in range(size // 4 if not only else len(chosen)):
            what, case = chosen[i % len(chosen)]
            name = f"{kind} {i:03}"
            case.hand(folder, name)
            shown = case.shown.format(name=name, short=short(name))
            yield shown or name, what, case, total * case.earns


def faults(expected: list[tuple[str, str, Case, int]], grades: list[Grade]) -> Iterator[str]:
    """The rows that are not what they should be."""
    by_name: dict[str, list[Grade]] = {}
    for grade in grades:
        by_name.setdefault(grade.student, []).append(grade)
    for name, what, case, points in expected:
        found = by_name.get(name) or [g for g in grades if name in g.student]
        if len(found) != 1:
            yield f"{name} ({what}): {len(found)} rows"
            continue
        notes = "; ".join(found[0].notes)
        if found[0].points != points:
            yield f"{name} ({what}): {found[0].points} points, earned were {points}; {notes[:200]!r}"
        elif case.note not in notes:
            yield f"{name} ({what}): the note says nothing of {case.note!r}: {notes[:200]!r}"
    if len(grades) != len(expected):
        yield f"{len(grades)} rows for {len(expected)} students"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.grading", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--lecture", default="01")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="two honest ones, and one of each case with this word in its name")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "class"
        folder.mkdir()
        expected = list(handed_in(folder, Course(chosen.lecture), chosen.size, chosen.only))
        start = time.monotonic()
        grades = grade_all(folder, lecture=chosen.lecture, jobs=chosen.jobs)
        minutes = (time.monotonic() - start) / 60
        wrong = list(faults(expected, grades))
        again = time.monotonic()
        if grade_all(folder, lecture=chosen.lecture) != grades:
            wrong.append("called again, it says something else")
        again = time.monotonic() - again
    seconds = [grade.seconds for grade in grades if grade.lines]
    own, children = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"{len(grades)} rows in {minutes:.1f} minutes with {chosen.jobs} at a time, and {again:.1f} s when called again"
    )
    print(f"a notebook: {statistics.median(seconds):.1f} s, {max(seconds):.1f} s at most")
    print(f"memory: {own:.1f} GB, and {children:.1f} GB at most in a process that was started")
    print(f"{len(expected) - len(wrong)} of {len(expected)} rows are what they should be", *wrong, sep="\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
