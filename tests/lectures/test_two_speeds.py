"""Two speeds: in every lecture the sections that are marked Deeper may be left out, and the head tells the minutes."""

import ast
import builtins
import re
import symtable
from collections.abc import Iterator

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from genlib.course.build.reading import EXERCISE, FOLDED, read_source
from genlib.lectures import available, find

# How many such sections each lecture has: a heading that is misspelt is of the main path, and nobody would notice.
DEEPER = {"01": 9, "02": 14, "03": 7, "04": 4, "05": 8, "06": 5, "07": 10, "08": 6, "10": 5}
LONGEST = 75  # minutes of a main path
KNOWN = {*dir(builtins), "display", "get_ipython"}
Part = tuple[bool, str, NotebookNode]


def parts(cells: list[NotebookNode]) -> Iterator[Part]:
    """(whether it is Deeper, text, cell), in order; a Markdown cell that holds both is cut at its headings."""
    deeper = False
    for cell in cells:
        texts = [cell.source] if cell.cell_type == "code" else re.split(r"(?m)^(?=## )", cell.source)
        for text in texts:
            if cell.cell_type == "markdown" and text.startswith("## "):
                deeper = text.startswith("## Deeper: ")
            yield deeper, text, cell


def names_of(code: str) -> tuple[set[str], set[str]]:
    """(names that a cell defines for others, names that it takes from others)."""
    block = symtable.symtable(code, "cell", "exec")

    def taken(table: symtable.SymbolTable) -> set[str]:
        own = {s.get_name() for s in table.get_symbols() if s.is_global() or (table is block and s.is_referenced())}
        return own.union(*(taken(child) for child in table.get_children()))

    return {s.get_name() for s in block.get_symbols() if s.is_assigned() or s.is_imported()}, taken(block)


def leans_on(cells: list[NotebookNode]) -> list[str]:
    """What the main path takes from Deeper sections: names that are not defined, or last defined, on the main path; and
    numbers of equations and exercises."""
    found: list[str] = []
    of_main: dict[str, bool] = {}  # {name: whether its last definition is on the main path}
    text = {deeper: "\n".join(t for d, t, cell in parts(cells) if d == deeper and cell.cell_type == "markdown")
            for deeper in (True, False)}  # fmt: skip
    for deeper, code, cell in parts(cells):
        if cell.cell_type == "code":
            defined, taken = names_of(code)
            if not deeper:
                found += [name for name in sorted(taken - defined - KNOWN) if not of_main.get(name)]
            of_main |= dict.fromkeys(defined, not deeper)
    for made, named in (
        (r"\\tag\{(\d+\.\d+)\}", r"\((\d+\.\d+)(?! nat| bit)"),
        (r"### Exercise (\d+\.\d+)", r"[Ee]xercise (\d+\.\d+)"),
    ):
        found += sorted(set(re.findall(made, text[True])) & set(re.findall(named, text[False])))
    return found


@pytest.mark.parametrize("number", DEEPER)
def test_the_main_path_takes_nothing_from_a_deeper_section(number):
    cells = read_source(find(number)).cells
    assert sum(text.startswith("## Deeper: ") for _, text, _ in parts(cells)) == DEEPER[number]
    assert leans_on(cells) == []


def test_every_lecture_is_walked():
    assert {lecture.number for lecture in available()} - {"00"} == set(DEEPER)


@pytest.mark.parametrize(
    ("cell", "taken"),
    [
        (new_code_cell("def c():\n    return b"), ["b"]),
        (new_code_cell("print(f(1))"), ["f"]),
        (new_code_cell("print(a, y)"), ["y"]),  # defined on the main path, and then anew
        (new_code_cell("print(pi)"), ["pi"]),
        (new_code_cell("b = 2\nprint(b, a, [x for x in range(a)])"), []),
        (new_markdown_cell("by (9.1)"), []),
        (new_markdown_cell("by (9.2) and (9.3)"), ["9.2"]),
        (new_markdown_cell("as in exercise 9.4"), ["9.4"]),
    ],
)
def test_what_leans_on_a_deeper_section_is_found(cell, taken):
    before = [new_markdown_cell("## 1. a\n\n\\tag{9.1}"), new_code_cell("a = y = 1"),
              new_markdown_cell("## Deeper: b\n\n\\tag{9.2}\n\n### Exercise 9.4"),
              new_code_cell("from math import pi\nb = y = a\ndef f(t): return t")]  # fmt: skip
    assert leans_on([*before, new_markdown_cell("## 2. c"), cell]) == taken


# The minutes in the head ----------------------------------------------------------------------------------------------


def lines_of(code: str) -> tuple[int, int]:
    """(lines of a cell that are read, lines that are skimmed), empty lines and what only draws left out.

    Skimmed are imports and what stands beside them, the check of an equation with its false neighbours, and printing.
    """
    tree = ast.parse(code)
    calls = [(node, ast.unparse(node.value.func)) for node in ast.walk(tree)
             if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]  # fmt: skip

    def places(*names: str) -> set[int]:
        return {i for node, name in calls if name.startswith(names) for i in range(node.lineno, node.end_lineno + 1)}

    written = {i for i, line in enumerate(code.splitlines(), 1) if line.strip()} - places("plots.")
    setup = "import verify" in code or any(name == "verify" for _, name in calls)
    skimmed = written if setup else written & places("print")
    return len(written - skimmed), len(skimmed)


def minutes_of(cells: list[NotebookNode]) -> dict[bool, float]:
    """{False: minutes of the main path, True: of what is Deeper}, for somebody who reads every word and line of code.

    180 words a minute, a formula in the line being one, a displayed one belonging to the words around it; exercises as
    their headings say; two minutes a widget; 20 lines of code a minute, 40 where they are skimmed. Cells that are
    folded are not read, nor is the list of further reading.
    """
    minutes = {False: 0.0, True: 0.0}
    for deeper, text, cell in parts(cells):
        tags = cell.metadata.get("tags") or []
        if cell.cell_type == "code":
            minutes[deeper] += 2 * len(re.findall(r"^(?:\w+ = )?widgets\.", text, re.M))
            if "exercise" not in cell.metadata and not {"bootstrap", FOLDED} & set(tags):
                read, skimmed = lines_of(text)
                minutes[deeper] += read / 20 + skimmed / 40
            continue
        for piece in re.split(r"(?m)^(?=#{2,3} )", text):
            heading = EXERCISE.match(piece.partition("\n")[0].removeprefix("### "))
            words = re.sub(r"\$\$.*?\$\$|```.*?```|<[^>]*>", " ", piece, flags=re.S)
            words = len(re.findall(r"[\w’'-]+", re.sub(r"\$[^$]*\$", " x ", words)))
            if not piece.startswith("## Further reading"):
                minutes[deeper] += int(heading[3]) if heading else words / 180
    return minutes


@pytest.mark.parametrize("number", DEEPER)
def test_the_minutes_in_the_head_are_those_of_who_reads_everything(number):
    cells = read_source(find(number)).cells
    minutes = minutes_of(cells)
    main, more = map(int, re.search(r"\*\*Minutes:\*\* (\d+)\b.*?(\d+) more", cells[0].source).groups())
    assert main == find(number).minutes <= LONGEST
    assert main - 4 < minutes[False] < main + 1, minutes
    assert abs(minutes[True] - more) < 5, minutes


def test_what_is_read_is_counted_and_what_is_folded_or_drawn_is_not():
    code = "x = 1\n\nprint(x)\nplots.show(\n    plots.lines(x),\n)"
    assert lines_of(code) == (1, 1)
    assert lines_of("a = 1\nverify('9.1', a, '==', 1)") == (0, 2)
    prose = new_markdown_cell("## 1. " + "word " * 358 + "\n\n### Exercise 9.1 · `f` · 5 minutes · ●○○\n\nSay it.")
    drawn = new_code_cell("widgets.paint()\n" + "y = 1\n" * 40, metadata={"tags": [FOLDED]})
    shown = new_code_cell("y = 1\n" * 40)
    assert minutes_of([prose])[False] == pytest.approx(2 + 5, abs=0.02)
    assert minutes_of([drawn])[False] == 2
    assert minutes_of([shown]) == {False: 2, True: 0}
    assert minutes_of([new_markdown_cell("## Deeper: a"), shown])[True] > 2


@pytest.mark.parametrize("number", DEEPER)
def test_what_is_folded_draws_measures_or_defines_and_checks_nothing(number):
    for cell in read_source(find(number)).cells:
        if FOLDED in (cell.metadata.get("tags") or []):
            assert cell.metadata["jupyter"]["source_hidden"]
            assert "exercise" not in cell.metadata
            assert "verify(" not in cell.source
            assert re.search(r"plots\.|print\(|widgets\.|^def |^class ", cell.source, re.M), cell.source
