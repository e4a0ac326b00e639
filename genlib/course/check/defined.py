"""Is the function that answers the one the learner wrote last? A cell that failed leaves an older one in its place."""

import ast
import inspect
import linecache
import re
import sys
import warnings
from typing import Any


def stale(name: str, namespace: dict[str, Any]) -> str | None:
    """Why what stands under ``name`` is not what the learner ran last; None where it is, or where that can't be told.

    The kernel remembers the source of every cell that was run, also of those that failed.
    """
    cells = _defining(name)
    if not cells:
        return None
    last = cells[-1]
    if last.lstrip().startswith("%%"):
        return None  # a magic runs the cell in its own way
    if fault := _does_not_compile(last):
        older = f"; the {name} that is there is an older one" if name in namespace else ""
        return f"the last cell that defines {name} does not run: {fault}{older}"
    source = _cell_of(namespace.get(name))
    others = {_plain(cell) for cell in cells[:-1]}
    if re.search(_def(name), last, re.M) and source is not None and source != _plain(last) and source in others:
        return (
            f"the last cell that defines {name} stopped before it was defined; the {name} that is there is an older one"
        )
    return None


def _def(name: str) -> str:
    return rf"^(?:async\s+def|def|class)\s+{name}\b"


def _defining(name: str) -> list[str]:
    """The cells run so far that define the name at their top level, as they were typed, in order."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return []
    pattern = re.compile(rf"{_def(name)}|^{name}\s*(?::[^=\n]+)?=(?!=)", re.M)
    return [cell for cell in shell.history_manager.input_hist_raw if pattern.search(cell)]


def _does_not_compile(cell: str) -> str | None:
    """The error of a cell that is not Python, in words; None where it is."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        with warnings.catch_warnings(action="ignore"):
            source = TransformerManager().transform_cell(cell)
            compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        return f"{type(error).__name__}{where}: {error.msg}"
    return None


def _cell_of(answer: object) -> str | None:
    """The source of the cell in which a function or class was written; None where it came from elsewhere."""
    answer = inspect.unwrap(answer) if callable(answer) else answer
    if inspect.isclass(answer):
        answer = next((value for value in vars(answer).values() if inspect.isfunction(value)), None)
    code = getattr(answer, "__code__", None)
    return _plain("".join(linecache.getlines(code.co_filename))) if code else None


def _plain(source: str) -> str:
    """A source without what IPython changes at its ends."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
