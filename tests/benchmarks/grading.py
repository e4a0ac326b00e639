"""A class of 60, of whom 15 hand in something that disturbs or cheats: python -m tests.benchmarks.grading [jobs]

45 notebooks of lecture 01 hold right answers to a random half of the exercises, so that their points are known before.
Prints how long a notebook takes, and what each of the 15 got; fails where anybody gets other points than earned.
"""

import copy
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import v4

from genlib.course.build import role
from genlib.course.grade.folder import grade_all
from genlib.course.grade.one import points_of
from genlib.lectures import find
from tests.course.test_grade import CHEATS, DISTURBING, notebook

LECTURE = "01"
PROMISE = "check = lambda name: print('✓', name)"


def answers() -> dict[str, str]:
    solved = nbformat.read(find(LECTURE).solution, as_version=4)
    return {role(cell)[0]: cell.source for cell in solved.cells if role(cell) and role(cell)[1] == "answer"}


def handed_in(right: dict[str, str], extra: str = "") -> nbformat.NotebookNode:
    """Lecture 01 with these answers, and a cell of the learner's own in front of the first of them."""
    result = copy.deepcopy(nbformat.read(find(LECTURE).handed_out, as_version=4))
    places = [i for i, cell in enumerate(result.cells) if role(cell) and role(cell)[1] == "answer"]
    for i in places:
        result.cells[i].source = right.get(role(result.cells[i])[0], result.cells[i].source)
    if extra:
        result.cells.insert(places[0], v4.new_code_cell(extra))
    return result


def renamed(content: nbformat.NotebookNode) -> nbformat.NotebookNode:
    del content.metadata["genlib"]
    for i, cell in enumerate(content.cells):
        cell.id = f"cell-{i}"
        if role(cell) and role(cell)[1] == "answer":
            cell.metadata = {}
    return content


def hostile(right: dict[str, str]) -> dict[str, tuple]:
    """{name: (what is handed in, whether its answers earn all points)}."""
    disturbing = ("an endless loop", "exit()", "os._exit", "a killed kernel", "100 GB", "a flood of output")
    disturbing += ("a fork bomb", "a syntax error", "10 MB of text")
    cases = {name: (handed_in(right, DISTURBING[name][0]), True) for name in disturbing}
    cases["not JSON"] = ("no JSON at all", False)
    cases["wrong lecture"] = (notebook("pass"), False)
    cases["renamed cells"] = (renamed(handed_in(right)), True)
    cases["own check"] = (handed_in({}, PROMISE), False)
    cases["printed mark"] = (handed_in({}, CHEATS["a printed mark"]), False)
    cases["patched stdout"] = (handed_in({}, CHEATS["a patched stdout"]), False)
    return cases


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    right, worth, chance = answers(), points_of(find(LECTURE)), random.Random(0)
    expected = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for i in range(45):
            some = chance.sample(sorted(right), len(right) // 2)
            expected[f"student {i:02}"] = sum(worth[name] for name in some)
            nbformat.write(handed_in({name: right[name] for name in some}), folder / f"student {i:02}.ipynb")
        for name, (content, earns) in hostile(right).items():
            expected[name] = sum(worth.values()) if earns else 0
            text = content if isinstance(content, str) else nbformat.writes(content)
            (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
        start = time.monotonic()
        grades = grade_all(folder, lecture=LECTURE, jobs=jobs)
        seconds = time.monotonic() - start
    each, slowest = statistics.median(g.seconds for g in grades), max(g.seconds for g in grades)
    print(
        f"{len(grades)} notebooks in {seconds:.0f} s with {jobs} at a time; one: {each:.1f} s, {slowest:.1f} s at most"
    )
    wrong = [(g.student, g.points, expected[g.student]) for g in grades if g.points != expected[g.student]]
    for g in grades:
        if not g.student.startswith("student"):
            print(f"{g.student:20} {g.points:2}/{g.of:<2} {g.seconds:5.1f} s  {g.notes[0][:90] if g.notes else ''}")
    if wrong:
        raise SystemExit(f"(student, points, points that were earned): {wrong}")


if __name__ == "__main__":
    main()
