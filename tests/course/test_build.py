"""Source → handed-out notebook and solution; the lint; starting; checking a learner's notebook."""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import typer.testing

from genlib.cli import app
from genlib.course import build as builder
from genlib.course import lectures, start
from genlib.course.build import lint, writing
from genlib.course.check import notebook as checking
from genlib.lectures import available, find

LECTURES = available()
IDS = [lecture.number for lecture in LECTURES]
GENLIB = [sys.executable, "-m", "genlib.cli"]


@pytest.mark.parametrize("lecture", LECTURES, ids=IDS)
def test_the_notebooks_are_what_their_source_says(lecture):
    assert builder.drift(lecture) == []


@pytest.mark.parametrize("lecture", LECTURES, ids=IDS)
def test_the_lint_finds_nothing(lecture):
    assert lint.lint(lecture, builder.read_source(lecture), builder.read(lecture.solution)) == []


@pytest.mark.parametrize("lecture", LECTURES, ids=IDS)
def test_handed_out_notebooks_hold_no_answers_and_no_outputs(lecture):
    notebook, solved = builder.read(lecture.handed_out), builder.read(lecture.solution)
    nbformat.validate(notebook)
    nbformat.validate(solved)
    text = lecture.handed_out.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text + lecture.solution.read_text(encoding="utf-8")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
        if builder.role(cell) and builder.role(cell)[1] == "answer":
            assert "raise NotImplementedError" in cell.source
    assert "widgets" not in solved.metadata


@pytest.mark.parametrize("lecture", LECTURES, ids=IDS)
def test_ids_come_from_content_and_not_from_position(lecture):
    before = builder.read_source(lecture)
    assert len({cell.id for cell in before.cells}) == len(before.cells)
    moved = copy.copy(lecture)
    text = lecture.source.read_text(encoding="utf-8")
    edited = text.replace("\n## ", "\n```{code-cell} ipython3\nprint('a new cell')\n```\n\n## ", 1)
    after = _read_text(edited, moved)
    assert {cell.id for cell in before.cells} <= {cell.id for cell in after.cells}
    assert len(after.cells) == len(before.cells) + 1 or len(after.cells) == len(before.cells) + 2


def _read_text(text, lecture, tmp=None):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / lecture.source.name
        path.write_text(text, encoding="utf-8")

        class Moved(type(lecture)):
            source = path

        return builder.read_source(
            Moved(**{f: getattr(lecture, f) for f in ("number", "name", "title", "learn", "place")})
        )


FAULTS = {
    "an equation without its check": ('verify("1.2", each.sum()', 'dict("1.2", each.sum()', "(1.2) is not verified"),
    "a check without a near miss": (
        'verify("1.2", each.sum(), "==", 1, unless={name: (side, "==", 1) for name, side in false.items()})',
        'verify("1.2", each.sum(), "==", 1)',
        "verify('1.2') names no near miss",
    ),
    "a check without its equation": ('verify("1.2"', 'verify("1.99"', "verify('1.99') does not follow"),
    "a wrong number": ("\\tag{1.3}", "\\tag{1.4}", "equation (1.4) should have the number (1.3)"),
    "a check that nbval would not compare": (
        ":tags: [nbval-check-output]\neach = torch",
        ":tags: [other]\neach = torch",
        "(1.2) is not tagged nbval-check-output",
    ),
    "a link to nowhere": ("(00_start_here.ipynb)", "(00_begin.ipynb)", "the link 00_begin.ipynb leads nowhere"),
    "a link to no heading": ("[Start here](00_start_here.ipynb)", "[here](#Nothing)", "the link #Nothing leads to no"),
    "a picture without words": ("[Start here](00_start_here.ipynb)", "![](00_start_here.ipynb)", "has no alt text"),
    "a heading that skips a level": ("## 2. With labels", "#### 2. With labels", "skips a level"),
    "two titles": ("## 4. In the plane", "# 4. In the plane", "there is not one title"),
    "an exercise without a definition": ("`accept` · 4", "`acept` · 4", "exercise acept has no definition"),
    "an exercise that left the lecture": (
        "### Exercise 1.6 · `accept` · 4 minutes · ●○○",
        "### Accept",
        "exercise accept is defined but not in the lecture",
    ),
    "a malformed heading": ("`accept` · 4 minutes · ●○○", "`accept` · ●○○", "an exercise's heading is not"),
    "an edited check": ('check("accept")', 'print("✓")', "needs one check cell that says"),
    "a missing marker": (
        "    ### END SOLUTION\n```\n\n```{code-cell} ipython3\n:exercise: accept",
        "```\n\n```{code-cell} ipython3\n:exercise: accept",
        "exercise accept needs one answer cell",
    ),
    "a stub that does not parse": (
        "def accept(p_y_given_x, uniforms):",
        "def accept(p_y_given_x, uniforms:",
        "the stub of accept does not parse",
    ),
    "an answer under another name": ("def accept(", "def reject(", "does not define accept"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_lint_finds_planted_faults(fault):
    old, new, words = FAULTS[fault]
    lecture = find("01")
    text = lecture.source.read_text(encoding="utf-8")
    assert old in text, f"the lecture no longer holds {old!r}: plant the fault elsewhere"
    found = lint.lint(lecture, _read_text(text.replace(old, new, 1), lecture))
    assert any(words in line for line in found), found


@pytest.mark.parametrize("lecture", LECTURES, ids=IDS)
def test_nobody_reads_500_words_without_something_to_look_at_or_do(lecture):
    assert lint.stretches(builder.read_source(lecture)) == []


BREAKS = {
    "a figure": ("co", "plots.show(plots.images(x), alt='…')"),
    "a widget": ("co", "pad = widgets.paint(x)"),
    "a picture": ("ma", "![a drawing](drawing.png)"),
    "an exercise": ("exercise", "def accept(): ..."),
}
NO_BREAKS = {
    "a cell that prints": ("co", "print(1)"),
    "a check of an equation": ("co", "verify('1.1', 1, '==', 1)"),
    "a heading": ("ma", "## More"),
}


def _lines_around(what):
    kind, source = {**BREAKS, **NO_BREAKS}[what]
    cell = nbformat.v4.new_markdown_cell(source) if kind == "ma" else nbformat.v4.new_code_cell(source)
    if kind == "exercise":
        cell.metadata["exercise"] = "accept"
    prose = [nbformat.v4.new_markdown_cell(f"## {title}\n\n" + "word " * 300) for title in ("One", "Two")]
    return nbformat.v4.new_notebook(cells=[prose[0], cell, prose[1]])


@pytest.mark.parametrize("what", BREAKS)
def test_a_stretch_ends_where_there_is_something_to_look_at_or_do(what):
    assert lint.stretches(_lines_around(what)) == []


@pytest.mark.parametrize("what", NO_BREAKS)
def test_a_stretch_goes_on_where_there_is_not(what):
    ((where, words),) = lint.stretches(_lines_around(what))
    assert where == "One"
    assert 600 < words < 610


def test_what_is_folded_away_and_formulas_do_not_count():
    many = "word " * 600
    folded, table = f"<details><summary>?</summary>\n\n{many}</details>", f"| a |\n|---|\n| {many} |"
    for text in (folded, table, f"## Further reading\n\n{many}", f"$${many}$$", f"```\n{many}\n```"):
        assert lint.stretches(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])) == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("| a | b |", True),
        (r"| p(x\|y) | b |", True),
        ("| `a` | |", True),
        ("| p(x|y) | b |", False),
        ("| `p(x|y)` | b |", False),
        ("| a |", False),
        ("| a | b | c |", False),
    ],
)
def test_a_tables_lines_have_the_cells_of_its_header(line, right):
    text = f"Text with a | in it.\n\n| one | two |\n|:---|---|\n| 1 | 2 |\n{line}\n\nmore | text"
    assert (lint.ragged(text) == []) == right
    source = builder.read_source(find("00"))
    source.cells.append(nbformat.v4.new_markdown_cell(text))
    assert any("other cells than its table's header" in fault for fault in lint.lint(find("00"), source)) != right


def test_a_map_that_shows_other_lectures_is_stale_and_drawn_anew(monkeypatch):
    cell = nbformat.v4.new_code_cell("plots.show(course_map(), alt=map_in_words())")
    picture = {"image/png": {"alt": lectures.map_in_words()}}
    cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": ""}, metadata=picture)]
    executed = nbformat.v4.new_notebook(cells=[cell])
    assert not lint.stale_map(executed)
    monkeypatch.setattr(lectures, "available", lambda: LECTURES[:-1])  # as on the day before a lecture came
    assert lint.stale_map(executed)
    assert any("the map of the course" in fault for fault in lint._outputs(executed))


def test_the_lint_looks_at_outputs():
    lecture = find("00")
    executed = builder.read(lecture.solution)
    picture = next(o for c in executed.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {}))
    picture.metadata = nbformat.NotebookNode()
    executed.cells[-1].outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning")]
    picture.data["image/png"] = "x" * 1_600_000
    words = " ".join(lint.lint(lecture, builder.read_source(lecture), executed))
    assert "no alt text" in words
    assert "writes to stderr: a warning" in words
    assert "1.5 MB" in words


# A little course of one lecture in a temporary folder -----------------------------------------------------------------


@pytest.fixture
def little(tmp_path, monkeypatch):
    """Lecture 00 in a course of its own, so that building and starting can be tried without touching the real one."""
    root = tmp_path / "course"
    for folder in ("notebooks/source", "notebooks/solutions"):
        (root / folder).mkdir(parents=True)
    lecture = find("00")
    shutil.copy(lecture.source, root / "notebooks/source")
    shutil.copy(lecture.handed_out, root / "notebooks")
    shutil.copy(lecture.solution, root / "notebooks/solutions")
    words = lectures.map_in_words()  # as a kernel says them, which knows the real course
    monkeypatch.setattr(lint, "map_in_words", lambda: words)
    monkeypatch.setattr("genlib.lectures.NOTEBOOKS", root / "notebooks")
    # The link to lecture 01 leads nowhere in a course of one lecture.
    source = root / "notebooks/source" / lecture.source.name
    source.write_text(
        source.read_text().replace("[Discriminative vs generative](01_discriminative_vs_generative.ipynb)", "01")
    )
    return root


def test_a_build_does_nothing_when_nothing_changed_and_runs_only_changed_code(little, monkeypatch):
    lecture, said, runs = find("00"), [], []
    executed = builder.read(lecture.solution)
    monkeypatch.setattr(writing, "execute", lambda notebook, folder: runs.append(1) or _rerun(notebook, executed))
    builder.build([lecture], say=said.append)  # prose changed in the fixture: written, not run
    assert said == ["00_start_here: written"]
    assert runs == []
    before = {path: path.stat().st_mtime_ns for path in little.rglob("*.ipynb")}
    said.clear()
    builder.build([lecture], say=said.append)
    assert said == ["00_start_here: nothing to do"]
    assert before == {path: path.stat().st_mtime_ns for path in little.rglob("*.ipynb")}
    lecture.source.write_text(lecture.source.read_text().replace("\nV = 17\n", "\nV = 17  # changed\n"))
    builder.build([lecture], say=said.append)
    assert runs == [1]
    assert builder.drift(lecture) == []


def _rerun(notebook, executed):
    result = copy.deepcopy(notebook)
    stored = {cell.id: cell for cell in executed.cells}
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = 1, stored[cell.id].outputs if cell.id in stored else []
    return result


def test_an_edited_notebook_and_a_stale_solution_are_drift(little):
    lecture = find("00")
    builder.build([lecture], say=lambda _: None)
    original = lecture.handed_out.read_text()
    edited = original.replace('"# ', '"# My ', 1)
    assert edited != original
    lecture.handed_out.write_text(edited)
    assert "never edit a notebook" in builder.drift(lecture)[0]
    lecture.handed_out.write_text(original)
    source = lecture.source.read_text()
    assert source.count("\nV = 17\n") == 1
    lecture.source.write_text(source.replace("\nV = 17\n", "\nV = 18\n"))
    assert any("was not run with this source" in fault for fault in builder.drift(lecture))
    lecture.solution.unlink()
    assert any("is missing" in fault for fault in builder.drift(lecture))


def test_a_failing_cell_stops_the_build_and_leaves_the_solution(little):
    lecture = find("00")
    before = lecture.solution.read_text()
    right = lecture.source.read_text()
    wrong = right.replace("\n    math.log2(V),\n", "\n    math.log2(V) + 1,\n")
    assert wrong != right
    lecture.source.write_text(wrong)
    with pytest.raises(builder.BuildError, match=r"0\.2.* does not hold"):
        builder.build([lecture], say=lambda _: None)
    assert lecture.solution.read_text() == before


def test_quick_builds_run_and_store_nothing(little, monkeypatch):
    monkeypatch.setenv("GENLIB_QUICK", "1")
    said, lecture = [], find("00")
    before = lecture.solution.read_text()
    lecture.source.write_text(lecture.source.read_text().replace("\nV = 17\n", "\nV = 17  # quick\n"))
    builder.build([lecture], say=said.append)
    assert said == ["00_start_here: runs (quick; nothing stored)"]
    assert lecture.solution.read_text() == before


def test_quick_shortens_training(monkeypatch):
    from genlib.quick import steps

    monkeypatch.delenv("GENLIB_QUICK", raising=False)
    assert steps(300) == 300
    monkeypatch.setenv("GENLIB_QUICK", "0")
    assert steps(300) == 300
    monkeypatch.setenv("GENLIB_QUICK", "1")
    assert steps(300) == 5
    assert steps(3) == 3


# make lab -------------------------------------------------------------------------------------------------------------


def test_start_copies_what_is_missing_and_never_overwrites(little, tmp_path):
    my, ours = tmp_path / "my", find("00").handed_out
    news = start.hand_out(my)
    assert news[0] == "00_start_here.ipynb: here for you"
    assert news[1].startswith("solutions/: the same notebooks, solved.")
    assert len(news) == 2
    assert start.hand_out(my) == []
    theirs = my / ours.name

    ours.write_text(ours.read_text().replace("Start here", "Begin here"))  # we change, they have not touched it
    assert start.hand_out(my) == ["00_start_here.ipynb: brought up to date"]
    assert "Begin here" in theirs.read_text()

    theirs.write_text(theirs.read_text() + " ")  # they touch it: nothing happens
    mine = theirs.read_text()
    assert start.hand_out(my) == []

    ours.write_text(ours.read_text().replace("Begin here", "Commence here"))  # then we change it
    told = start.hand_out(my)[0]
    assert "Yours is untouched" in told
    assert "changed under “Commence here”" in told
    assert theirs.read_text() == mine
    assert "Commence here" in (my / "00_start_here.new.ipynb").read_text()
    assert start.hand_out(my) == [], "told once"

    beside = my / "00_start_here.new.ipynb"
    beside.write_text(beside.read_text() + "  ")  # they work in the new one, and we change it again
    worked = beside.read_text()
    ours.write_text(ours.read_text().replace("Commence here", "Go here"))
    assert "holds work of yours" in start.hand_out(my)[0]
    assert (theirs.read_text(), beside.read_text()) == (mine, worked)

    beside.unlink()
    assert "Yours is untouched" in start.hand_out(my)[0]
    assert theirs.read_text() == mine


def _cells(path):
    return nbformat.read(path, as_version=4).cells


def test_a_learners_copy_begins_with_the_lecture_and_not_with_colab(little, tmp_path):
    """Here the library is installed: the first grey box is the lecture's own, in the solution too."""
    start.hand_out(tmp_path)
    for name in ("00_start_here.ipynb", "solutions/00_start_here.ipynb"):
        code = [cell for cell in _cells(tmp_path / name) if cell.cell_type == "code"]
        assert "import genlib" in code[0].source, code[0].source
        assert not any("bootstrap" in cell.metadata.get("tags", []) for cell in code)
    ours = _cells(find("00").handed_out)
    assert [c.id for c in _cells(tmp_path / "00_start_here.ipynb")] == [
        c.id for c in ours if "bootstrap" not in c.metadata.get("tags", [])
    ]


def test_solutions_are_reachable_and_what_was_written_into_them_stays(little, tmp_path):
    start.hand_out(tmp_path)
    solved = tmp_path / "solutions" / "00_start_here.ipynb"
    assert any(cell.get("outputs") for cell in _cells(solved))
    solved.write_text(solved.read_text() + " ")
    mine = solved.read_text()
    find("00").solution.write_text(find("00").solution.read_text().replace("Start here", "Begin here"))
    assert "solutions/00_start_here.ipynb has changed" in start.hand_out(tmp_path)[-1]
    assert solved.read_text() == mine
    find("00").solution.unlink()  # a class that should not have them
    assert not any("solutions/" in line for line in start.hand_out(tmp_path / "other"))


def test_a_new_version_says_what_changed_and_answers_are_no_change(little, tmp_path):
    start.hand_out(tmp_path)
    theirs = tmp_path / "00_start_here.ipynb"
    notebook = nbformat.read(theirs, as_version=4)
    answer = next(c for c in notebook.cells if builder.role(c) == ("uniform_log_prob", "answer"))
    answer.source = "def uniform_log_prob(dimensions, levels):\n    return 1"
    notebook.cells.insert(4, nbformat.v4.new_markdown_cell("## My own notes"))
    nbformat.write(notebook, theirs)
    ours = find("00").handed_out
    text = ours.read_text()
    assert "Almost all of them look like noise." in text
    text = text.replace("Almost all of them look like noise.", "Nearly all look like noise.").replace(
        "17^64 = ", "17 to the 64 = "
    )
    ours.write_text(text)
    (line,) = start.hand_out(tmp_path)
    assert "has changed under “A picture that listens”. Yours" in line, line
    first = _cells(tmp_path / "00_start_here.new.ipynb")[0].source
    assert "A new version" in first
    assert "[00_start_here.ipynb](00_start_here.ipynb)" in first
    assert [part[2:] for part in first.splitlines() if part.startswith("> - ")] == ["- A picture that listens"]


def test_line_endings_of_windows_are_no_edit(little, tmp_path):
    my, ours = tmp_path / "my", find("00").handed_out
    ours.write_bytes(ours.read_bytes().replace(b"\n", b"\r\n"))
    start.hand_out(my)
    ours.write_bytes(ours.read_bytes().replace(b"Start here", b"Begin here"))
    assert start.hand_out(my) == ["00_start_here.ipynb: brought up to date"]


def test_a_lost_or_damaged_record_loses_nothing(little, tmp_path):
    my, ours = tmp_path / "my", find("00").handed_out
    start.hand_out(my)
    theirs = my / ours.name
    theirs.write_text(theirs.read_text() + " ")
    for damage in ("", "[1, 2", "{}"):
        (my / ".handed_out.json").write_text(damage)
        mine = theirs.read_text()
        start.hand_out(my)
        assert theirs.read_text() == mine


def test_the_command_of_make_lab_serves_the_notebook(tmp_path):
    """The real server with the real flags: it answers on loopback, asks for its token, and knows the notebook."""
    import signal
    import time
    import urllib.error
    import urllib.request

    shutil.copy(find("00").handed_out, tmp_path)
    command = [*start.lab_command(tmp_path / "00_start_here.ipynb"), "--no-browser"]
    environment = {**start.lab_environment(), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    log = tmp_path / "log"
    with open(log, "wb") as file:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not (
            address := re.search(
                r"(http://127\.0\.0\.1:\d+)/lab/tree/00_start_here\.ipynb\?token=(\w+)", log.read_text()
            )
        ):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{address[1]}/api/contents")
        listed = json.load(urllib.request.urlopen(f"{address[1]}/api/contents?token={address[2]}"))
        assert "00_start_here.ipynb" in [entry["name"] for entry in listed["content"]]
        page = urllib.request.urlopen(f"{address[1]}/lab?token={address[2]}").read().decode()
        disabled = json.loads(re.search(r'"disabledExtensions": (\[.*?\])', page, re.S)[1])
        assert "@jupyterlab/apputils-extension:announcements" in disabled, "a question about news covers the notebook"
        assert "unrecognized" not in log.read_text().lower(), log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_the_terminal_of_jupyterlab_finds_genlib():
    environment = start.lab_environment()
    assert shutil.which("genlib", path=environment["PATH"]) == str(Path(sys.executable).parent / "genlib")


# genlib check ---------------------------------------------------------------------------------------------------------


def learner(tmp_path, change=None):
    """A learner's copy of lecture 00, solved, with outputs cleared; change(answer cell, check cell, notebook)."""
    notebook = copy.deepcopy(builder.read(find("00").solution))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    pair = [cell for cell in notebook.cells if builder.role(cell)]
    if change:
        change(*pair, notebook)
    path = tmp_path / "00_start_here.ipynb"
    nbformat.write(notebook, path)
    return path


WRONG = "def uniform_log_prob(dimensions, levels):\n    return dimensions * math.log(levels)"


def _edited_check(answer, check, _):
    answer.source, check.source = WRONG, 'print("✓ Exercise 0.1 uniform_log_prob: all 6 properties hold")'


def _deleted_check(answer, check, notebook):
    answer.source = WRONG
    notebook.cells.remove(check)


def _emptied_check(answer, check, _):
    answer.source, check.source = WRONG, ""


def _untagged_check(answer, check, _):
    answer.source, check.metadata.tags = WRONG, ["nbval-ignore-output", "check"]


def _skipped_check(answer, check, _):
    answer.source, check.source = WRONG, "# NBVAL_SKIP\n" + check.source


def _own_check(answer, check, _):
    answer.source = (
        WRONG + "\n\n\ndef check(name):\n    print('✓ Exercise 0.1 uniform_log_prob: all 6 properties hold')"
    )


def _check_moved_before_the_answer(answer, check, notebook):
    answer.source = WRONG
    notebook.cells.remove(check)
    notebook.cells.insert(0, check)


SPOILT = [
    _edited_check,
    _deleted_check,
    _emptied_check,
    _untagged_check,
    _skipped_check,
    _check_moved_before_the_answer,
]


@pytest.mark.parametrize("change", SPOILT)
def test_whatever_happened_to_a_check_what_runs_is_the_notebook_with_the_pristine_one(tmp_path, change):
    """So the verdict on a wrong answer is the one that the command line tells, below."""
    spoilt, wrong = (checking.overlay(checking.read_learner(learner(tmp_path, c))) for c in (change, _own_check))
    for cell in wrong.cells:
        cell.source = cell.source.split("\n\n\ndef check(")[0]
    assert spoilt == wrong


def _answer_in_a_cell_of_its_own(answer, check, notebook):
    right, answer.source = answer.source, builder.stub(_source_answer())
    notebook.cells.insert(notebook.cells.index(check), nbformat.v4.new_code_cell(right))


def _source_answer():
    return next(c for c in builder.read_source(find("00")).cells if builder.role(c) == ("uniform_log_prob", "answer"))


def _duplicated_cells(answer, check, notebook):
    notebook.cells += [copy.deepcopy(answer), copy.deepcopy(check)]


def _deleted_check_only(answer, check, notebook):
    notebook.cells.remove(check)


def _lost_metadata(answer, check, notebook):
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
    notebook.metadata.pop("kernelspec", None)


def _own_files_and_errors(answer, check, notebook):
    notebook.cells.insert(1, nbformat.v4.new_code_cell("own = open('mine.txt').read()"))
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0"))


def _all_of_it(*parts):
    """A learner's copy where several things happened."""
    _lost_metadata(*parts)
    _own_files_and_errors(*parts)


def test_a_notebook_whose_check_was_deleted_runs_as_if_it_stood_there(tmp_path):
    whole, without = (
        checking.overlay(checking.read_learner(learner(tmp_path, c))) for c in (None, _deleted_check_only)
    )
    assert whole == without


def _nothing_but_the_exercise(answer, check, notebook):
    """Without the cells that draw and load data: what is checked is there, and a run takes half the time."""
    notebook.cells = [nbformat.v4.new_code_cell("import math"), answer, check]


@pytest.mark.parametrize("change", [_all_of_it, _answer_in_a_cell_of_its_own, _duplicated_cells])
def test_a_right_answer_passes_with_cleared_outputs(tmp_path, change):
    def both(*parts):
        _nothing_but_the_exercise(*parts)
        change(*parts)

    (tmp_path / "mine.txt").write_text("a file of the learner's")
    path = learner(tmp_path, both)
    before = path.read_bytes()
    results, errors = checking.validate(path)
    assert [str(result.line) for result in results] == ["✓ Exercise 0.1 uniform_log_prob: all 6 properties hold"]
    assert path.read_bytes() == before
    assert len(errors) == (change is _all_of_it), errors
    assert all("ZeroDivisionError" in error for error in errors)


def test_the_command_line_tells_and_returns_the_count(tmp_path):
    """A whole notebook with the right answer; a wrong one with a check of one's own; one whose answer was deleted."""

    def wrong_with_a_check_of_ones_own(*parts):
        _nothing_but_the_exercise(*parts)
        _own_check(*parts)

    def deleted(answer, check, notebook):
        _nothing_but_the_exercise(answer, check, notebook)
        notebook.cells.remove(answer)

    done = genlib("check", learner(tmp_path))
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-2:] == [
        "✓ Exercise 0.1 uniform_log_prob: all 6 properties hold",
        "1 of 1 exercises solved",
    ]
    wrong = genlib("check", learner(tmp_path, wrong_with_a_check_of_ones_own))
    assert wrong.exit_code == 1
    verdict, count = wrong.stdout.splitlines()[-2:]
    assert verdict.startswith("✗ Exercise 0.1 uniform_log_prob: the sign is flipped")
    assert count == "0 of 1 exercises solved"
    results, _ = checking.validate(learner(tmp_path, deleted))
    assert results[0].line == "○ Exercise 0.1 uniform_log_prob: not solved yet"


def genlib(*words):
    return typer.testing.CliRunner().invoke(app, [*map(str, words)])


def test_the_command_line_says_what_can_not_be_checked(tmp_path):
    for target, words in (
        (tmp_path / "no.ipynb", "there is no notebook"),
        ("99", "there is no lecture"),
        (_file(tmp_path / "text.ipynb", "not JSON"), "is not a notebook that can be read"),
        (_file(tmp_path / "other.ipynb", json.dumps(nbformat.v4.new_notebook())), "not a lecture of this course"),
    ):
        result = genlib("check", target)
        assert result.exit_code == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert genlib("build", "--check").exit_code == 0
    real = subprocess.run([*GENLIB, "check", "99"], capture_output=True, text=True, encoding="utf-8")
    assert (real.returncode, "there is no lecture" in real.stderr) == (2, True)


def _file(path, text):
    path.write_text(text)
    return path
