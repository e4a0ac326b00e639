"""What a machine can see wrong in a lecture: equations not verified, broken links, headings out of order, no alt."""

import ast
import itertools
import json
import re

from nbformat import NotebookNode

from genlib.course import exercises
from genlib.course.build.cells import BEGIN, END, BuildError, check_source, exercise_of, role, stub
from genlib.course.build.reading import EXERCISE, headings, prose
from genlib.course.lectures import map_in_words
from genlib.lectures import LECTURES, Lecture

_TAG = re.compile(r"\\tag\{([^}]*)\}")
_VERIFY = re.compile(r"""\bverify\(\s*["']([\d.]+)["']""")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
_MEGABYTE = 1_000_000
_SHOWS = re.compile(r"\b(?:plots|widgets)\.\w|\.show\(|\.plot\(")  # in code: a figure or a widget
LONGEST = 500  # words that a reader may have to read without a figure, a widget or an exercise


def lint(lecture: Lecture, source: NotebookNode, executed: NotebookNode | None = None) -> list[str]:
    """The faults of a lecture, in words, worst first; with the executed solution, its outputs are looked at too."""
    faults = _equations(lecture, source) + _exercises(lecture, source) + _headings(source) + _links(source)
    faults += _tables(source)
    return faults + (_outputs(executed) if executed is not None else [])


def _equations(lecture: Lecture, source: NotebookNode) -> list[str]:
    """Every \\tag is followed by its verify, before the next tag; none is verified that is not there."""
    faults: list[str] = []
    seen: list[str] = []
    waiting = None  # the number whose verify has not come yet
    for cell in source.cells:
        if cell.cell_type == "markdown":
            for number in _TAG.findall(cell.source):
                if waiting:
                    faults.append(f"equation ({waiting}) is not verified before ({number})")
                if number in seen:
                    faults.append(f"two equations have the number ({number})")
                expected = f"{int(lecture.number)}.{len(seen) + 1}"
                if number != expected:
                    faults.append(f"equation ({number}) should have the number ({expected})")
                waiting = number
                seen.append(number)
        else:
            for number in _VERIFY.findall(cell.source):
                if number != waiting:
                    faults.append(f"verify({number!r}) does not follow an equation of that number")
                elif "nbval-check-output" not in cell.metadata.get("tags", []):
                    faults.append(f"the cell that verifies ({number}) is not tagged nbval-check-output")
                if number not in _with_near_misses(cell.source):
                    faults.append(f"verify({number!r}) names no near miss: unless={{…}}, the nearest false equations")
                waiting = None if number == waiting else waiting
    return [*faults, f"equation ({waiting}) is not verified"] if waiting else faults


def _with_near_misses(code: str) -> list[str]:
    """The numbers of the equations whose ``verify`` names at least one false equation."""
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a cell with IPython's own words
        return []
    verifying = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "verify" and call.args]
    return [
        str(call.args[0].value)
        for call in verifying
        if isinstance(call.args[0], ast.Constant)
        and any(k.arg == "unless" and not (isinstance(k.value, ast.Dict) and not k.value.keys) for k in call.keywords)
    ]


def _exercises(lecture: Lecture, source: NotebookNode) -> list[str]:
    """Every exercise has a heading, an answer that becomes a stub, a check and a definition; and vice versa."""
    defined = {e.name: e.number for e in exercises.of_lecture(lecture.number)}
    faults = _stated(lecture, source, defined)
    for name in defined:
        faults += _cells_of(name, source)
    owners = [exercise_of(cell) for cell in source.cells]
    strangers = [name for name in owners if name and name not in defined]
    return faults + [f"a cell belongs to the exercise {name}, which is not defined" for name in strangers]


def _stated(lecture: Lecture, source: NotebookNode, defined: dict[str, str]) -> list[str]:
    """The headings of the exercises say what the definitions, {name: number}, say, in order."""
    found = [EXERCISE.match(text) for _, text in headings(source) if text.startswith("Exercise ")]
    stated = {match[2]: match[1] for match in found if match}
    numbers = [match[1] for match in found if match]
    faults = []
    if None in found:
        faults.append("an exercise's heading is not `### Exercise 3.2 · `name` · 8 minutes · ●●○`")
    if numbers != [f"{int(lecture.number)}.{i + 1}" for i in range(len(numbers))]:
        faults.append(f"the exercises are not numbered in order: {', '.join(numbers)}")
    for name, number in stated.items():
        if name not in defined:
            faults.append(f"exercise {name} has no definition in lecture_{lecture.number}.py")
        elif defined[name] != number:
            faults.append(f"exercise {name} is {number} in its heading and {defined[name]} in its definition")
    return faults + [f"exercise {name} is defined but not in the lecture" for name in defined if name not in stated]


def _cells_of(name: str, source: NotebookNode) -> list[str]:
    """An exercise has one answer cell with its markers, and one check cell that compares."""
    answers = [cell for cell in source.cells if role(cell) == (name, "answer")]
    checks = [cell for cell in source.cells if role(cell) == (name, "check")]
    if len(answers) != 1 or answers[0].source.count(BEGIN) != 1 or answers[0].source.count(END) != 1:
        faults = [f"exercise {name} needs one answer cell with {BEGIN} and {END}"]
    else:
        faults = _stub(name, answers[0])
    if [cell.source for cell in checks] != [check_source(name)]:
        faults.append(f"exercise {name} needs one check cell that says: {check_source(name)}")
    elif "nbval-check-output" not in checks[0].metadata.tags:
        faults.append(f"the check cell of {name} is not tagged nbval-check-output")
    return faults


def _stub(name: str, cell: NotebookNode) -> list[str]:
    try:
        tree = ast.parse(stub(cell))
    except (SyntaxError, BuildError) as error:
        return [f"the stub of {name} does not parse: {error}"]
    if not any(getattr(node, "name", None) == name for node in tree.body):
        return [f"the answer cell of {name} does not define {name}"]
    return []


def _headings(source: NotebookNode) -> list[str]:
    levels = headings(source)
    faults = (
        [] if [text for level, text in levels if level == 1] == [levels[0][1]] else ["there is not one title, first"]
    )
    for (before, _), (level, text) in itertools.pairwise(levels):
        if level > before + 1:
            faults.append(f"the heading “{text}” skips a level")
    return faults


def anchor(text: str) -> str:
    """The anchor that JupyterLab gives a heading: its text with hyphens for spaces."""
    return text.replace(" ", "-")


def _links(source: NotebookNode) -> list[str]:
    """Pictures have an alt text; links lead to a lecture that is there, to a heading of this one, or to https."""
    faults = []
    anchors = {anchor(text) for _, text in headings(source)}
    files = {e.handed_out.name for e in LECTURES if e.source.exists()}
    for cell in (cell for cell in source.cells if cell.cell_type == "markdown"):
        if "<img" in cell.source:
            faults.append("a picture is written as <img>; write ![alt text](file)")
        for picture, text, target in _LINK.findall(prose(cell)):
            if not text.strip():
                faults.append(f"{'a picture has no alt text' if picture else 'a link has no text'}: {target}")
            if target.startswith("#"):
                if target[1:] not in anchors:
                    faults.append(f"the link {target} leads to no heading")
            elif not target.startswith("https://") and target not in files:
                faults.append(f"the link {target} leads nowhere")
    return faults


def ragged(text: str) -> list[str]:
    """The lines of a text's tables, as GitHub reads them, that have more or fewer cells than the table's header."""
    lines, faults, columns = text.splitlines(), [], 0
    for before, line in itertools.pairwise(["", *lines]):
        if not line.lstrip().startswith("|"):
            columns = 0
        elif not columns and re.fullmatch(r"\s*\|(\s*:?-+:?\s*\|)+\s*", line):
            columns = _cells(line)
            faults += [before] if _cells(before) != columns else []
        elif columns and _cells(line) != columns:
            faults.append(line)
    return faults


def _cells(line: str) -> int:
    """The cells of a table's line; an escaped bar ends none, also not within code."""
    return len(re.split(r"(?<!\\)\|", line.strip().strip("|")))


def _tables(source: NotebookNode) -> list[str]:
    cells = [cell for cell in source.cells if cell.cell_type == "markdown"]
    return [f"this line has other cells than its table's header: {line}" for c in cells for line in ragged(c.source)]


def stretches(source: NotebookNode) -> list[tuple[str, int]]:
    """(where it begins, words) of each stretch of prose that is longer than LONGEST without anything to look at or do.

    A figure, a widget and an exercise end a stretch; a formula counts as one word, an answer that is folded away, a
    table, the statement of an exercise and the list of what to read further not at all.
    """
    found: list[tuple[str, int]] = []
    words, heading = 0, ""
    start = heading
    for cell in source.cells:
        shows = exercise_of(cell) is not None or (cell.cell_type == "code" and _SHOWS.search(cell.source))
        parts = [cell.source] if cell.cell_type == "code" else re.split(r"^(?=#{1,6} )", cell.source, flags=re.M)
        for part in parts:
            if cell.cell_type == "markdown" and part.startswith("#"):
                heading = part.splitlines()[0].lstrip("# ")
            if shows or "![" in part or heading.startswith("Exercise "):
                found += [(start, words)] if words > LONGEST else []
                words = 0
            if cell.cell_type == "markdown" and not heading.startswith(("Exercise ", "Further reading")):
                start = heading if words == 0 else start
                words += _words(part)
    return [*found, (start, words)] if words > LONGEST else found


def _words(text: str) -> int:
    """How many words a reader reads."""
    text = re.sub(r"^(```+|~~~+).*?^\1[^\n]*$|<details>.*?</details>|^\|.*$", "", text, flags=re.M | re.S)
    return len(re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "x", text, flags=re.S).split())


def stale_map(executed: NotebookNode) -> bool:
    """Whether a stored map of the course shows other lectures than those that are there: its alt text lists them."""
    drawn = [cell for cell in executed.cells if "course_map()" in cell.source and cell.cell_type == "code"]
    words = [o.metadata.get("image/png", {}).get("alt", "") for cell in drawn for o in cell.outputs if "data" in o]
    return any(alt != map_in_words() for alt in words)


def _outputs(executed: NotebookNode) -> list[str]:
    """Figures have alt texts, nothing was written to stderr, and the notebook stays small."""
    faults = []
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                faults.append(f"cell {cell.id} writes to stderr: {output.text[:200]}")
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                faults.append(f"a figure of cell {cell.id} has no alt text; show it with plots.show(figure, alt)")
    if stale_map(executed):
        faults.append("the map of the course is not the one of today: build the lecture with --force")
    size = sum(len(json.dumps(cell.get("outputs", []))) for cell in executed.cells)
    if size > 1.5 * _MEGABYTE:
        faults.append(f"the outputs take {size / _MEGABYTE:.1f} MB; at most 1.5 MB, please")
    return faults
