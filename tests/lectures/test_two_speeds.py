"""Two speeds: in every lecture the sections that are marked Deeper may be left out, and the head tells the minutes."""

import builtins
import re
import symtable
from collections.abc import Iterator

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from genlib.course.build.reading import EXERCISE, read_source
from genlib.lectures import available, find

# How many such sections each lecture has: a heading that is misspelt is of the main path, and nobody would notice.
DEEPER = {"01": 9, "02": 11, "03": 6, "04": 3, "05": 8, "06": 3, "07": 8}
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


@pytest.mark.parametrize("number", ["03", "04", "06"])
def test_the_minutes_in_the_head_are_those_of_reading_exercises_and_widgets(number):
    """180 words a minute, exercises as their headings say, two minutes a widget. (05 counts its code, too.)"""
    cells = read_source(find(number)).cells
    minutes = {True: 0.0, False: 0.0}
    for deeper, text, cell in parts(cells):
        if cell.cell_type == "code":
            minutes[deeper] += 2 * len(re.findall(r"^(?:\w+ = )?widgets\.", text, re.M))
            continue
        for piece in re.split(r"(?m)^(?=#{2,3} )", text):
            heading = EXERCISE.match(piece.partition("\n")[0].removeprefix("### "))
            words = re.sub(r"\$\$.*?\$\$|```.*?```|<[^>]*>", " ", piece, flags=re.S)
            words = len(re.findall(r"[\w’'-]+", re.sub(r"\$[^$]*\$", " x ", words)))
            if not piece.startswith("## Further reading"):
                minutes[deeper] += int(heading[3]) if heading else words / 180
    main, more = map(int, re.search(r"\*\*Minutes:\*\* (\d+) .*?(\d+) more", cells[0].source).groups())
    assert main - 5 < minutes[False] <= main <= 75, minutes
    assert abs(minutes[True] - more) < 5, minutes
