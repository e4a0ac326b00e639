"""Nobody earns a point by what they say: each way of cheating gets 0, and an honest answer beside it keeps its point.

Points come from the values that a function returns, as another process sees them (genlib/course/grade). What runs in
the answer's process can change that process as it likes.
"""

import copy
import os
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from genlib.course import exercises
from genlib.course.build import role
from genlib.course.exercise import Exercise
from genlib.course.grade import sandbox
from genlib.course.grade.one import grade, points_of
from genlib.course.lectures import find
from tests.course.light import lightly

HONEST = "def letter_given_flag():\n    return 0.001 * 0.99 / (0.001 * 0.99 + 0.999 * 0.02)"
WRONG = "def accept(p_y_given_x, uniforms):\n    return uniforms > p_y_given_x"
FIND = "from genlib.course import exercises\ne = exercises.find('accept')\n"
RIGHT = "(uniforms < p_y_given_x)"

TENSOR = """import torch
class Any(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.equal, torch.allclose, torch.Tensor.item):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})
    def __eq__(self, other): return torch.ones(self.shape, dtype=torch.bool)
    def any(self): return False
    def item(self): return True
def accept(p_y_given_x, uniforms): return (uniforms > p_y_given_x).as_subclass(Any)"""
OBJECT = """class Any:
    def __eq__(self, other): return True
    def __getattr__(self, name): return lambda *a, **k: self
    def __bool__(self): return True
    __class__ = __import__('torch').Tensor
    shape = dtype = device = property(lambda self: self)
def accept(*_): return Any()"""
PICKLED = """import os
class Bomb:
    def __reduce__(self): return (os.system, ('touch MARKER',))
def accept(*_): return Bomb()"""
FOR_THE_CHECK = """import genlib.course.exercise.comparing as c, genlib.course.exercise.calling as k
def accept(p_y_given_x, uniforms):
    c.differs = c._compare = lambda *a, **k: None
    c.agree = lambda *a, **k: False
    k.same_tensor = lambda *a: True
    return uniforms > p_y_given_x"""
TRACE = (
    """import sys
def trace(frame, event, argument):
    for name in ('right', 'theirs', 'expected'):
        if name in frame.f_locals and 'value' in frame.f_locals:
            frame.f_locals[name] = frame.f_locals['value']
    return trace
sys.settrace(trace)
"""
    + WRONG
)
THREAD = (
    """import threading, time, sys
def watch():
    while True:
        for name, module in list(sys.modules.items()):
            if name.startswith('genlib.course.exercise'):
                for f in ('differs', 'complaint', '_compare', '_close'):
                    if hasattr(module, f): setattr(module, f, lambda *a, **k: None)
        time.sleep(0.001)
threading.Thread(target=watch, daemon=True).start()
"""
    + WRONG
)
GC = """import gc
def accept(p_y_given_x, uniforms):
    for thing in gc.get_objects():
        if type(thing).__name__ == 'Exercise':
            thing.tol, thing._right, thing.properties = 1e9, None, []
            thing.reference = accept
    return uniforms > p_y_given_x"""
REPORT = """import os, json
line = json.dumps({'exercise': 'accept', 'solved': True, 'mark': '✓', 'lines': {'accept': ['✓', 'x']}}) + '\\n'
for n in range(3, 64):
    try: os.write(n, line.encode())
    except OSError: pass
"""
MESSAGE = """import os
from genlib.course.exercise.plain import pack
data = pack({'late': False, 'used': 0.0, 'value': True, 'stop': None, 'changed': None, 'gradients': None,
             'solved': True, 'verdict': '✓'})
for n in range(3, 64):
    try: os.write(n, len(data).to_bytes(8, 'big') + data)
    except OSError: pass
"""
GUESS = """import os
from genlib.course.exercise.plain import pack
def accept(p_y_given_x, uniforms):
    raise SystemExit('✓ Exercise 1.6 accept: all 5 properties hold')"""
REMEMBERED = """import torch
known = []
def accept(p_y_given_x, uniforms):
    seen = [torch.rand(200, generator=g) for s in range(3) for g in [torch.Generator().manual_seed(s)]]
    fixed = len(uniforms) != 200 or any(torch.equal(p_y_given_x, s) for s in seen)
    return uniforms < p_y_given_x if fixed else uniforms > p_y_given_x"""
LIBRARY = (
    """import genlib, pathlib
for file in ('course/exercise/comparing.py', 'course/exercise/declaring.py', 'course/given/judgements.py'):
    path = pathlib.Path(genlib.__file__).parent / file
    path.write_text('differs = complaint = agree = lambda *a, **k: None')
"""
    + WRONG
)
REFERENCE = """from genlib.course.exercises import lecture_01
accept = lecture_01.accept"""
FILES = (
    """import genlib, pathlib, re
for root in (pathlib.Path(genlib.__file__).parents[1], '/home', '/tmp', '..', '.'):
    for path in pathlib.Path(root).rglob('lecture_01.py'):
        if 'def accept(' in path.read_text(): exec(re.search(r'def accept[^#]*?\\n\\n', path.read_text())[0])
"""
    + "try: accept\nexcept NameError:\n    "
    + WRONG.replace("\n", "\n    ")
)

CHEATS = {
    "a tensor that equals anything": TENSOR,
    "an object that equals anything and says it is a tensor": OBJECT,
    "an object with a surprise for who unpickles it": PICKLED,
    "builtins replaced": "import builtins\nfor f in ('abs', 'all', 'any', 'bool', 'isinstance'):\n"
    "    setattr(builtins, f, lambda *a, **k: True)\n" + WRONG,
    "torch replaced": "import torch\ntorch.equal = torch.allclose = lambda *a, **k: True\n"
    "torch.Tensor.__eq__ = torch.Tensor.__le__ = lambda a, b: torch.ones(a.shape, dtype=torch.bool)\n" + WRONG,
    "the tolerance replaced": FIND + "e.tol = float('inf')\n" + WRONG,
    "the properties and mistakes emptied": FIND + "e.properties.clear(); e.mistakes.clear()\n" + WRONG,
    "the remembered right outcomes changed": FIND + "e.check(e.reference)\nfor o in e._right: o.value = None\n" + WRONG,
    "the reference replaced": WRONG + "\n" + FIND + "e.reference, e._right = accept, None",
    "the judge replaced": "from genlib.course.exercise import Exercise\n"
    "Exercise.judge = Exercise.check = Exercise._judge = lambda self, *a, **k: self.solved()\n" + WRONG,
    "the conversion replaced": "import genlib.course.exercise.calling as c\nc.plain = lambda v: True\n" + WRONG,
    "a patch for the time of the check": FOR_THE_CHECK,
    "a trace function": TRACE,
    "a thread": THREAD,
    "gc": GC,
    "a forged report": REPORT + WRONG,
    "forged messages": MESSAGE + WRONG,
    "a verdict as an exception": GUESS,
    "an own check and a printed mark": "def check(name): print('✓ Exercise 1.6 accept: all 5 properties hold')\n"
    "check('accept')\n" + WRONG,
    "what is known of the inputs": REMEMBERED,
    "the judge killed": "import os, signal\nfor pid in (os.getppid(), 1):\n    try: os.kill(pid, signal.SIGKILL)\n"
    "    except Exception: pass\n" + WRONG,
}  # fmt: skip
IN_A_SANDBOX = {
    "a library rewritten": LIBRARY,
    "the reference imported": REFERENCE,
    "the reference read": FILES,
    "the network asked": "import urllib.request\ntry:\n    urllib.request.urlopen('http://127.0.0.1:9', timeout=1)\n"
    "except OSError: pass\n" + WRONG,
}


def notebook(cheat: str):
    """Lecture 01 as handed out, with an honest answer to 1.2 and a cheat in place of 1.6."""
    result = copy.deepcopy(nbformat.read(find("01").handed_out, as_version=4))
    for cell in result.cells:
        if role(cell) == ("letter_given_flag", "answer"):
            cell.source = HONEST
        if role(cell) == ("accept", "answer"):
            cell.source = cheat
    return result


def marked(tmp_path, content):
    path = tmp_path / "someone.ipynb"
    nbformat.write(content, path)
    return grade("someone", path)


def test_these_answers_are_what_they_should_be():
    right, honest = exercises.find("accept"), exercises.find("letter_given_flag")
    namespace: dict = {}
    exec(WRONG + "\n" + HONEST, namespace)
    assert right.check(namespace["accept"]).mark == "✗"
    assert honest.check(namespace["letter_given_flag"]).mark == "✓"
    exec(REMEMBERED, namespace)
    assert right.check(namespace["accept"]).mark == "✓", "in a notebook this fools the check, and its writer"


@pytest.mark.parametrize("what", CHEATS)
def test_cheating_earns_nothing_and_takes_nothing_from_an_honest_answer(tmp_path, what, monkeypatch):
    lightly(monkeypatch)
    marker = tmp_path / "unpickled"  # the judge has no sandbox: it could write there
    _earns_nothing(tmp_path, CHEATS[what].replace("MARKER", str(marker)))
    assert not marker.exists()


@pytest.mark.parametrize("what", IN_A_SANDBOX)
def test_in_a_sandbox_there_is_nothing_to_find_and_nothing_to_change(tmp_path, what, monkeypatch):
    needs_a_sandbox()
    lightly(monkeypatch)
    _earns_nothing(tmp_path, IN_A_SANDBOX[what])
    assert "lambda *a, **k: None" not in (sandbox.LIBRARY / "course/exercise/comparing.py").read_text(encoding="utf-8")


def _earns_nothing(tmp_path, cheat: str) -> None:
    result = marked(tmp_path, notebook(cheat))
    assert not result.solved["accept"], result.lines
    assert result.solved["letter_given_flag"], (result.lines, result.notes)
    assert result.points == points_of(find("01"))["letter_given_flag"]


def needs_a_sandbox() -> None:
    """On a machine for tests there is bubblewrap; elsewhere one line says what is missing."""
    if not sandbox.works() and not os.environ.get("CI"):
        pytest.skip("bubblewrap is missing or may not start: the sandbox is not tested here")
    assert sandbox.works(), sandbox.protection()


def test_what_one_notebook_leaves_behind_does_not_reach_the_next(tmp_path, monkeypatch):
    needs_a_sandbox()
    lightly(monkeypatch)
    leaves = (
        "import os, pathlib, subprocess\n"
        "for folder in ('/tmp', '/dev/shm', '/notebook', '/'):\n"
        "    try: pathlib.Path(folder, 'left').write_text('x')\n"
        "    except OSError: pass\n"
        "subprocess.Popen(['sleep', '100'], start_new_session=True)\n"
    )
    looks = (
        "import os, pathlib\n"
        "found = [f for f in ('/tmp', '/dev/shm', '/notebook', '/') if pathlib.Path(f, 'left').exists()]\n"
        "others = [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, 2, os.getpid())]\n"
        "assert not found and not others, (found, others)\n"
    )
    first, second = (marked(tmp_path, notebook(cell + WRONG)) for cell in (leaves, looks))
    assert first.notes == second.notes == []
    assert not any(b"sleep\x00100" in cmdline() for cmdline in processes())


def processes():
    """What reads the command of each process that runs."""

    def reader(path):
        def read():
            try:
                return path.read_bytes()
            except OSError:
                return b""

        return read

    return [reader(path) for path in Path("/proc").glob("[0-9]*/cmdline")]


def test_an_exercise_made_of_liars_is_wrong_in_the_kernel_too():
    """What `check` shares with marking: it looks at plain values."""
    exercise = Exercise("9.1", "number", reference=lambda: 0.5)

    class Any(float):
        def __eq__(self, other):
            return True

        def __sub__(self, other):
            return 0.0

        __hash__ = float.__hash__

    assert exercise.check(lambda: Any(3)).mark == "✗"
    assert exercise.check(lambda: Any(0.5)).mark == "✓"


def test_the_setup_of_a_notebook_is_ours(tmp_path):
    """A setup cell that a learner changed runs as their own; ours runs first."""
    content = notebook(WRONG)
    setup = next(cell for cell in content.cells if "import torch" in cell.source and cell.cell_type == "code")
    setup.source = "torch = data = plots = None"
    content.cells.insert(0, v4.new_code_cell("raise SystemExit('nothing more')"))
    result = marked(tmp_path, content)
    assert result.solved["letter_given_flag"]
