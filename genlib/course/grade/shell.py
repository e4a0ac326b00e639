"""The notebook's cells, run one after the other as JupyterLab runs them: IPython itself, in a module `__main__`.

The course's own cells stand in between. Of these only what they import and define is run at first; the rest, trainings
among it, is run when a cell of the learner's needs a name that only it makes.
"""

import ast
import builtins
import contextlib
import re
import symtable
import traceback
import types
import warnings
from collections.abc import Iterator
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

from genlib.course.check.defined import stale
from genlib.course.exercise.calling import one_line
from genlib.course.exercise.limits import TimeLimitError, time_limit

FETCHES = ("pip", "pip3", "conda", "mamba", "apt", "apt-get", "npm", "git", "wget", "curl", "uv")  # needs a network
DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ALL_THE_SAME = "; what it defines below that line was defined all the same, which JupyterLab does not do"
SETUP_SECONDS = 120.0  # of the processor, for the course's own cells


class Shell:
    """One notebook: its namespace, and what of the course's cells has not run yet."""

    def __init__(self, commands: bool):
        self.ip = _interactive_shell(commands)
        self._waiting: list[tuple[str, set[str]]] = []  # (source, names that it makes), of the course's cells
        self._theirs: set[str] = set()  # names that the learner's own cells have made

    @property
    def names(self) -> dict[str, Any]:
        """The notebook's globals."""
        return self.ip.user_ns

    def ours(self, source: str) -> None:
        """A cell of the course's own: what it imports and defines, and the rest when it is needed."""
        tree = self._parsed(source)
        for node in tree.body if tree else []:
            if isinstance(node, DEFINES):
                self._execute(node, "<course>")
        self._waiting.append((source, set(_made(tree)) if tree else set()))

    def setup(self, source: str) -> str | None:
        """The course's first cell, the whole of it; returns the error it stops with, if any."""
        return self._run(source, SETUP_SECONDS)

    def theirs(self, source: str, seconds: float) -> str | None:
        """A cell of the learner's own; returns the error it stops with, if any, in one line.

        What it defines below the line that stops is defined nevertheless: here a line may stop that runs at home.
        """
        self._provide(_used(self._python(source)))
        before = dict(self.names)
        error = self._run(source, seconds)
        self._theirs |= {name for name in self.names if self.names[name] is not before.get(name, self)}
        return error

    def stale(self, name: str) -> str | None:
        """See check/defined.py: what `check` says of an answer that is not the one written last."""
        return stale(name, self.names)

    def _run(self, source: str, seconds: float) -> str | None:
        try:
            with time_limit(seconds):
                result = self.ip.run_cell(source, store_history=True)
        except TimeLimitError as error:
            raised: BaseException | None = error
        else:
            raised = result.error_before_exec or result.error_in_exec
        if raised is None:
            return None
        late = isinstance(raised, TimeLimitError)
        why = f"{type(raised).__name__}: {one_line(raised)}".rstrip(": ")
        why = f"it was still running after {seconds:g} seconds" if late else why
        return why + (ALL_THE_SAME if self._define_the_rest(source, raised) else "")

    def _define_the_rest(self, source: str, raised: BaseException) -> bool:
        """The imports, functions and classes that stand below the line that stopped; returns whether there are any."""
        tree = self._parsed(source)
        if tree is None:
            return False
        line, file = self._place(raised) or (0, self.ip.compile.cache(self.ip.transform_cell(source)))
        rest = [node for node in tree.body if node.lineno > line and isinstance(node, DEFINES)]
        for node in rest:
            self._execute(node, file)
        return bool(rest)

    def _place(self, raised: BaseException | None) -> tuple[int, str] | None:
        """The line of the cell that stopped, and the cell's file name; None where an interrupt came twice."""
        while raised is not None:
            for frame, line in traceback.walk_tb(raised.__traceback__):
                if frame.f_globals is self.names and frame.f_code.co_name == "<module>":
                    return line, frame.f_code.co_filename
            raised = raised.__context__
        return None

    def _provide(self, wanted: set[str]) -> None:
        """Runs those of the course's cells so far that alone make a wanted name; names of the learner's own stay."""
        for name in sorted(wanted):
            if name in self.names or hasattr(builtins, name):
                continue
            cell = next((cell for cell in reversed(self._waiting) if name in cell[1]), None)
            if cell is not None:
                self._waiting.remove(cell)
                self._provide(_used(self._python(cell[0])) - {name})
                kept = {own: self.names[own] for own in self._theirs if own in self.names}
                with contextlib.suppress(TimeLimitError), time_limit(SETUP_SECONDS):
                    self.ip.run_cell(cell[0], store_history=False)
                self.names.update(kept)

    def _python(self, source: str) -> str:
        """What IPython makes of a cell; of one with a magic such as %%time, what stands below that."""
        first, _, rest = source.lstrip().partition("\n")
        try:
            return self.ip.transform_cell(rest if re.match(r"%%(time|timeit|capture|prun)\b", first) else source)
        except SyntaxError:
            return ""

    def _parsed(self, source: str) -> ast.Module | None:
        """A cell's code as a tree; None where it is no Python."""
        try:
            with warnings.catch_warnings(action="ignore"):
                return ast.parse(self.ip.transform_cell(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    def _execute(self, node: ast.stmt, filename: str) -> None:
        """One statement, in the notebook's namespace; one that fails is passed over."""
        with contextlib.suppress(Exception):
            exec(compile(ast.Module([node], []), filename, "exec"), self.names)


def _made(tree: ast.AST) -> Iterator[str]:
    """The names that a cell's code makes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]


def _used(source: str) -> set[str]:
    """The global names that a cell's code uses and does not make before; in its functions as well."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tables, tree = [symtable.symtable(source, "<cell>", "exec")], ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    used: set[str] = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        used |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return used - _made_first(tree)


def _made_first(tree: ast.Module) -> set[str]:
    """The names that a cell makes before any of its lines mentions them."""
    made: set[str] = set()
    mentioned: set[str] = set()
    for node in tree.body:
        mentioned |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - made
        made |= set(_made(node)) - mentioned
    return made


class _Shell(InteractiveShell):
    """IPython without a screen: no history on disk, no colours, nothing printed of an error."""

    commands = True

    def ask_exit(self) -> None:
        raise SystemExit("a notebook's cell calls exit()")

    def showtraceback(self, *_: Any, **__: Any) -> None:
        pass

    showsyntaxerror = showtraceback

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> str:
        return ""  # nobody looks at it, and it takes as long as a traceback in colour

    def system(self, cmd: str) -> None:
        if self._runs(cmd):
            super().system(cmd)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        return super().getoutput(cmd, split, depth + 1) if self._runs(cmd) else SList() if split else ""

    def _runs(self, cmd: str) -> bool:
        """Whether a shell command is run: within a sandbox, and if it does not ask for what is not there, a network."""
        words = cmd.split()
        return self.commands and bool(words) and words[0] not in FETCHES and words[1:3] != ["-m", "pip"]


def _interactive_shell(commands: bool) -> InteractiveShell:
    """IPython's shell, with the module `__main__` as its namespace."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.ast_node_interactivity = "last_expr"
    module = types.ModuleType("__main__", "A notebook's cells.")
    shell = _Shell.instance(config=config, user_module=module)
    shell.commands = commands
    # Functions of the notebook are called outside of cells too, when they are judged.
    builtins.get_ipython = shell.get_ipython  # type: ignore[attr-defined]
    from IPython.display import display

    builtins.display = display  # type: ignore[attr-defined]
    return shell
