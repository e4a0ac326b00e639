"""Every call of plots in notebooks, slides and genlib names what is there, with arguments that it takes; and every
figure is called somewhere. Fast: nothing is run, and nothing drawn."""

import ast
import functools
import inspect
import re
from pathlib import Path

import pytest

from genlib import plots

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("notebooks/source/*.md"), *ROOT.glob("slides/*.md")])
MODULES = sorted({*ROOT.glob("genlib/**/*.py")} - {*ROOT.glob("genlib/plots/*.py")})
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.S | re.M)


def code_of(path: Path) -> str:
    """The Python in a file; in a page, its cells without their tags and magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = "\n".join(CELL.findall(text))
    return "\n".join("" if re.match(r"(:\w|%|!)", line) else line for line in cells.split("\n"))


def chain(node: ast.AST) -> tuple[str, ...]:
    """("flows", "grid") for the expression plots.flows.grid; nothing for another one."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return tuple(reversed(names)) if isinstance(node, ast.Name) and node.id == "plots" else ()


def resolve(names: tuple[str, ...]):
    """What the chain names. Raises: AttributeError."""
    found: object = plots
    for name in names:
        found = getattr(found, name)
    return found


def bind(signature: inspect.Signature, call: ast.Call) -> None:
    """Raises TypeError if the signature does not take the call's arguments; with * or ** some may be missing."""
    spread = any(isinstance(a, ast.Starred) for a in call.args) or any(not k.arg for k in call.keywords)
    positional = [None for argument in call.args if not isinstance(argument, ast.Starred)]
    keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
    (signature.bind_partial if spread else signature.bind)(*positional, **keywords)


def faults(code: str) -> list[str]:
    """What does not fit in the code's uses of plots."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genlib.plots"):
            found.append(f"{ast.unparse(node)}: say plots.…")
        try:
            if isinstance(node, ast.Attribute):
                resolve(chain(node))
            elif isinstance(node, ast.Call) and chain(node.func) in figures():
                bind(inspect.signature(resolve(chain(node.func))), node)
        except (AttributeError, TypeError) as fault:
            found.append(f"{ast.unparse(node)[:80]}: {fault}")
    return found


@functools.cache
def figures() -> set[tuple[str, ...]]:
    """The chain of every function that plots offers."""
    parts = {(): plots} | {(name,): part for name, part in vars(plots).items() if inspect.ismodule(part)}
    del parts[("base",)]
    return {
        (*place, name)
        for place, part in parts.items()
        for name, value in vars(part).items()
        if inspect.isfunction(value) and name[0] != "_" and (not place or value.__module__ == part.__name__)
    }


@pytest.mark.parametrize("path", PAGES + MODULES, ids=lambda path: path.name)
def test_plots_are_called_as_they_are(path):
    assert faults(code_of(path)) == []


def test_every_figure_is_called_somewhere():
    called = {chain(node) for path in PAGES + MODULES for node in ast.walk(ast.parse(code_of(path)))}
    assert figures() - called == set(), "nobody draws these"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("plots.line(a, b)", "no attribute 'line'"),
        ("plots.flows.lines", "no attribute 'lines'"),
        ("plots.lines(a, xlabel='x')", "missing a required argument: 'ylabel'"),
        ("plots.lines(a, xlabel='x', ylabel='y', levels={})", "unexpected keyword argument 'levels'"),
        ("plots.lines(*a, levels={})", "unexpected keyword argument 'levels'"),
        ("plots.lines(a, b, xlabel='x', ylabel='y')", "too many positional arguments"),
        ("from genlib.plots.flows import grid", "say plots."),
    ],
)
def test_a_wrong_call_is_found(code, fault):
    (found,) = faults(code)
    assert fault in found


def test_every_public_name_is_there():
    assert {names[0] for names in figures()} <= set(plots.__all__)
    assert all(hasattr(plots, name) for name in plots.__all__)
