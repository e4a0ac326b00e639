"""Odd but valid ways to write an answer down: what `grade` says of each has to be what `check` says.

Each is a function (name, source of a right answer) -> cells: strings, and "CHECK" where the check of the exercise
stands. They are dealt out to the exercises of a lecture, so that a notebook holds eleven of them.
"""

from collections.abc import Callable

CHECK = "CHECK"
ODD: dict[str, Callable[[str, str], list[str]]] = {}


def before(*cells: str) -> Callable[[str, str], list[str]]:
    """These cells, then the answer, then its check."""
    return lambda name, right: [*(cell.replace("NAME", name) for cell in cells), right, CHECK]


def after(*cells: str) -> Callable[[str, str], list[str]]:
    """The answer, its check, and then these cells."""
    return lambda name, right: [right, CHECK, *(cell.replace("NAME", name) for cell in cells)]


def below(text: str) -> Callable[[str, str], list[str]]:
    """The answer, with this text in the same cell below it."""
    return lambda name, right: [f"{right}\n{text.replace('NAME', name)}", CHECK]


def above(text: str) -> Callable[[str, str], list[str]]:
    """The answer, with this text in the same cell above it."""
    return lambda name, right: [f"{text.replace('NAME', name)}\n{right}", CHECK]


def instead(text: str) -> Callable[[str, str], list[str]]:
    """This cell in place of the answer; NAME stands for its name."""
    return lambda name, right: [text.replace("NAME", name), CHECK]


def _indented(right: str) -> str:
    return "\n".join("    " + line for line in right.splitlines())


ODD |= {
    # What IPython understands and Python does not
    "a remainder on a line of its own": below("rest = (10\n        % 3)"),
    "an exclamation mark that negates": below("flag = (1\n    != 2)"),
    "help on a function": below("import math\nmath.log?"),
    "help on the answer": below("NAME??"),
    "the output of a command": above("where = !pwd\nwhere = where[0]"),
    "a command over two lines": above("!echo a \\\n  b"),
    "a magic with a result": below("t = %timeit -n1 -r1 -o pass\nassert t.best >= 0"),
    "a magic line": above("%matplotlib inline"),
    "a cell magic": lambda name, right: [f"%%time\n{right}", CHECK],
    "a captured cell": lambda name, right: [f"%%capture heard\n{right}\nprint('x')", CHECK],
    "a written file and its import": before(
        "%%writefile written_NAME.py\nvalue = 3", "import written_NAME\nassert written_NAME.value == 3"
    ),
    "top-level await": below("import asyncio\nslept = await asyncio.sleep(0, 'well')\nassert slept == 'well'"),
    "an async helper": above("async def wait():\n    return 1\none = await wait()"),
    "get_ipython": below("assert get_ipython() is not None\nget_ipython().run_line_magic('pwd', '')"),
    "In and Out": before("5 + 6", "assert len(In) > 1 and _ == 11\nassert 11 in Out.values()"),
    "display": below("display({'a': 1})\nfrom IPython.display import Markdown\ndisplay(Markdown('x'))"),
    "an alias of a magic": above("%alias_magic now_NAME pwd\n%now_NAME"),
    "an environment variable": below("%env GENLIB_ODD=1\nimport os\nassert os.environ['GENLIB_ODD'] == '1'"),
    "autoreload": above("%load_ext autoreload\n%autoreload 2"),
    "a semicolon": below("NAME;"),
    # A real module
    "a dataclass with hints as text": below(
        "import dataclasses, typing\n@dataclasses.dataclass\nclass Pair:\n    a: 'int'\n    b: 'Pair' = None\n"
        "assert typing.get_type_hints(Pair)['a'] is int"
    ),
    "pickle": below(
        "import pickle\nclass Kept:\n    pass\nassert type(pickle.loads(pickle.dumps(Kept()))) is Kept"
    ),
    "the module itself": below("import __main__\nassert __main__.NAME is NAME"),
    "if name is main": lambda name, right: [f'if __name__ == "__main__":\n{_indented(right)}', CHECK],
    "annotations from the future": above("from __future__ import annotations"),
    "an enumeration": above("import enum\nclass Kind(enum.Enum):\n    A = 1\nassert Kind['A'].value == 1"),
    "inspect": below("import inspect\nassert 'NAME' in inspect.getsource(NAME)"),
    "torch.jit.script": above(
        "import torch\n@torch.jit.script\ndef helper_NAME(x: torch.Tensor) -> torch.Tensor:\n    return x + 1"
    ),
    "a named tuple": above("import typing\nclass Point(typing.NamedTuple):\n    x: int = 1"),
    # How it is written
    "a string with magics": below('text = """\n%timeit\n!ls\n? what\n"""\nassert text.count("\\n") == 4'),
    "a string with the markers": below('text = """### BEGIN SOLUTION\n### END SOLUTION"""'),
    "Windows' line ends": lambda name, right: [right.replace("\n", "\r\n"), CHECK],
    "a comment in front": above("# an answer\n\n"),
    "letters of other languages": below("größe = 1; π = 3\nassert größe < π"),
    "exec": lambda name, right: [f"exec({right!r})", CHECK],
    "globals": below("globals()['other_NAME'] = NAME\nNAME = globals()['other_NAME']"),
    "an assignment with a hint": below("import typing\nNAME: typing.Callable = NAME"),
    "a lambda around it": below("inner_NAME = NAME\nNAME = lambda *a, **k: inner_NAME(*a, **k)"),
    "functools.partial": below("import functools\nNAME = functools.partial(NAME)"),
    "a decorator": below(
        "import functools\ndef traced(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        return f(*a, **k)\n"
        "    return g\nNAME = traced(NAME)"
    ),
    "a class with a call": below(
        "kept_NAME = NAME\nclass Answer_NAME:\n    def __call__(self, *a):\n        return kept_NAME(*a)\n"
        "NAME = Answer_NAME()"
    ),
    "in a try": lambda name, right: [f"try:\n{_indented(right)}\nfinally:\n    pass", CHECK],
    "in a with": lambda name, right: [f"import contextlib\nwith contextlib.nullcontext():\n{_indented(right)}", CHECK],
    "match": above("match 3:\n    case int(n):\n        three = n\nassert three == 3"),
    "prints": below("printed_NAME = NAME\ndef NAME(*a):\n    print('called', a)\n    return printed_NAME(*a)"),
    # In which order
    "redefined after its check": after("def NAME(*a):\n    return 'what if'"),
    "deleted after its check": after("del NAME"),
    "wrong, then right": before("def NAME(*a):\n    return None"),
    "right, then wrong": lambda name, right: [right, f"def {name}(*a):\n    return None", CHECK],
    "a helper's name used again": lambda name, right: [
        f"def helper():\n    return 0\n{right}\nuses_{name} = {name}\ndef {name}(*a):\n    helper() + 0\n"
        f"    return uses_{name}(*a)", CHECK, "helper = 5 - 5",
    ],
    "what it needs comes too late": lambda name, right: [
        f"{right}\nlate_{name} = {name}\ndef {name}(*a):\n    return late_{name}(*a, *needed_{name})", CHECK,
        f"needed_{name} = ()",
    ],
    "an error below it": below("1 / 0"),
    "an error in a cell further up": before("undefined_name + 1"),
    "a syntax error in a cell further up": before("def oh(:"),
    "a syntax error in the last cell of it": lambda name, right: [right, f"def {name}(:\n    pass", CHECK],
    # What is around it
    "a file beside the notebook": above("assert open('beside.txt').read() == 'lies here'"),
    "a module beside the notebook": above("import beside_me\nassert beside_me.value == 7"),
    "a figure": above("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
    "a warning": below("import warnings\nwarnings.warn('careful')"),
    "an answer that warns": below(
        "import warnings\nloud_NAME = NAME\ndef NAME(*a):\n    warnings.warn('careful')\n    return loud_NAME(*a)"
    ),
    "gradients switched off": before("import torch\ntorch.set_grad_enabled(False)"),
    "float64 as the default": before("import torch\ntorch.set_default_dtype(torch.float64)"),
    "NumPy told to raise": before("import numpy as np\nnp.seterr(all='raise')"),
    "warnings told to raise": before("import warnings\nwarnings.simplefilter('error')"),
    "a seed": before("import torch, random\ntorch.manual_seed(3); random.seed(4)"),
    # Wrong in the same words
    "a stub": instead('def NAME(*a):\n    raise NotImplementedError("Exercise 1.1")'),
    "no return": instead("def NAME(*a):\n    pass"),
    "an exception": instead("def NAME(*a):\n    return a[17]"),
    "another kind of not implemented": instead("def NAME(*a):\n    raise NotImplementedError('later')"),
    "no function": instead("NAME = 3"),
    "nothing at all": instead("pass"),
    "too many arguments": instead("def NAME(a, b, c, d, e, f, g, h):\n    return a"),
    "a complex number": instead("def NAME(*a):\n    return 1j"),
    "an endless recursion": instead("def NAME(*a):\n    return NAME(*a)"),
    # (Not IPython's own exit(): in JupyterLab it ends the kernel, and every check below it.)
    "an exit": instead("import sys\ndef NAME(*a):\n    sys.exit(2)"),
    "a string": instead("def NAME(*a):\n    return 'a'"),
}  # fmt: skip
