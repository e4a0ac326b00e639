"""What comes from outside is read as such: a learner's notebook, and the report of the run of one."""

import json
import os
import socket

import nbformat
import pytest

from genlib.course import exercises
from genlib.course.check import notebook as checking
from genlib.course.check import outside, report
from genlib.course.check import progress as so_far
from genlib.course.check.outside import ValidateError, bytes_of, read_notebook
from genlib.course.grade.cells import free_texts, steps
from genlib.lectures import find

NAME = "uniform_log_prob"
RIGHT = "import math\ndef uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)"


def raw(**changes) -> dict:
    """Lecture 00 with a right answer, as the JSON of its file; changes are of the answer's cell."""
    content = json.loads(find("00").handed_out.read_text(encoding="utf-8"))
    cell = next(c for c in content["cells"] if c["metadata"].get("exercise") == NAME)
    cell.update({"source": RIGHT} | changes)
    return content


def saved(tmp_path, content) -> "outside.Path":
    path = tmp_path / "00_start_here.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


# Odd, but a notebook --------------------------------------------------------------------------------------------------


def _with(change):
    content = raw()
    change(content)
    return content


def _worksheets(content):
    """As notebooks were in 2014: nbformat 3."""
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    content.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": content.pop("cells")}])


def _every_cell(key, value):
    def change(content):
        for cell in content["cells"]:
            if cell["metadata"].get("exercise") != NAME:
                cell[key] = value

    return change


ODD = {
    "tags that are null": _with(lambda c: c["cells"][0]["metadata"].update(tags=None)),
    "tags that are a text": _with(lambda c: c["cells"][0]["metadata"].update(tags="check")),
    "tags that are numbers": _with(lambda c: c["cells"][0]["metadata"].update(tags=[1, None, ["check"]])),
    "metadata that is null": _with(_every_cell("metadata", None)),
    "metadata that is a list": _with(_every_cell("metadata", [1])),
    "outputs that are null": _with(_every_cell("outputs", None)),
    "outputs that are odd": _with(_every_cell("outputs", [None, 1, {"text": [None]}, {"name": "stdout"}])),
    "sources that are null": _with(lambda c: c["cells"].append({"cell_type": "code", "source": None})),
    "a cell that is none": _with(lambda c: c["cells"].extend([None, 3, "x", [], {}])),
    "the notebook's metadata null": raw() | {"metadata": None},
    "the course's metadata null": raw() | {"metadata": {"genlib": None}},
    "the lecture a number": raw() | {"metadata": {"genlib": {"lecture": 0}}},
    "the lecture unknown": raw() | {"metadata": {"genlib": {"lecture": "4"}}},
    "an exercise that is a list": _with(lambda c: c["cells"][0]["metadata"].update(exercise=[NAME])),
    "half a letter": _with(lambda c: c["cells"].append({"cell_type": "markdown", "source": "\ud83d", "metadata": {}})),
    "half a letter in a name": _with(lambda c: c["cells"][0]["metadata"].update(exercise="\udc80", question="\ud800")),
    "no version": {key: value for key, value in raw().items() if not key.startswith("nbformat")},
    "a version to come": raw() | {"nbformat": 9, "nbformat_minor": 99},
    "the version of 2014": _with(_worksheets),
    "lines as a list": raw(source=RIGHT.splitlines(keepends=True)),
    "ids that are one": _with(_every_cell("id", "same")),
    "ids that are ours": _with(_every_cell("id", "cell-7")),
    "ids that are none": _with(_every_cell("id", {"a": 1})),
    "NaN and endless numbers": _with(lambda c: c["metadata"].update(a=float("nan"), b=float("inf"), c=10**400)),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + json.dumps(raw()).encode(),
    "UTF-16": json.dumps(raw()).encode("utf-16"),
    "cp1252": json.dumps(raw(source=RIGHT + "  # größer"), ensure_ascii=False).encode("cp1252", "replace"),
    "lines of Windows": json.dumps(raw(), indent=1).replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_notebook_is_read_and_its_answer_is_found(tmp_path, what):
    notebook = checking.read_learner(saved(tmp_path, ODD[what]))
    assert checking.lecture_of(notebook) == "00"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    nbformat.validate(notebook)
    done, _ = steps(notebook, find("00"))
    assert any(step.get("theirs", "").startswith(RIGHT) for step in done)
    assert free_texts(notebook) == {}
    nbformat.write(checking.overlay(notebook), tmp_path / "again.ipynb")  # no half letter is in the way
    assert so_far.marks_in(saved(tmp_path, ODD[what])).get(NAME, "○") == "○"


def test_progress_reads_what_a_check_printed_and_nothing_that_is_none(tmp_path):
    content = raw()
    check = next(c for c in content["cells"] if "check" in c["metadata"].get("tags", []))
    check["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [f"✓ Exercise 0.1 {NAME}: all\n"]}]
    assert so_far.marks_in(saved(tmp_path, content)) == {NAME: "✓"}
    for outputs in ([{"name": "stdout", "text": None}], [{"name": "stdout", "text": 3}], [3], "✓"):
        check["outputs"] = outputs
        assert so_far.marks_in(saved(tmp_path, content)) == {NAME: "○"}
    assert so_far.marks_in(saved(tmp_path, b"\x00")) == {}
    assert so_far.marks_in(tmp_path) == {}


# No notebook ----------------------------------------------------------------------------------------------------------


NONE = {
    "nothing": (b"", "not a notebook that can be read"),
    "half of one": (json.dumps(raw()).encode()[:5000], "not a notebook that can be read"),
    "a list": (b"[1, 2]", "it has no cells"),
    "null": (b"null", "it has no cells"),
    "no cells": (b'{"nbformat": 4}', "it has no cells"),
    "cells that are a text": (b'{"cells": "x"}', "it has no cells"),
    "deep lists": (b"[" * 500_000, "nested too deeply"),
    "deep dictionaries": (b'{"a":' * 300_000 + b"1" + b"}" * 300_000, "nested too deeply"),
    "deep metadata": (b'{"cells": [{"metadata": ' + b"[" * 99_999 + b"]" * 99_999 + b"}]}", "nested too deeply"),
    "an endless number": (b'{"cells": [' + b"9" * 10_000 + b"]}", "not a notebook that can be read"),
    "zeros": (b"\x00" * 4096, "not a notebook that can be read"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a notebook that can be read"),
    "small values, many": (b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}", "holds more than 2,000,000 values"),
    "many cells": (json.dumps({"cells": [{}] * 5001}).encode(), "has 5,001 cells"),
    "another course's": (json.dumps({"cells": [{"cell_type": "code", "source": "1"}]}).encode(), "not a lecture of"),
}


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_notebook_is_told_in_one_line(tmp_path, what):
    content, told = NONE[what]
    with pytest.raises(ValidateError, match=told) as refused:
        checking.read_learner(saved(tmp_path, content))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def _folder(path):
    path.mkdir()


def _socket(path):
    socket.socket(socket.AF_UNIX).bind(str(path))


PLACES = {
    "a folder": (_folder, "Is a directory"),
    "a pipe": (os.mkfifo, "is a pipe"),
    "a socket": (_socket, "can't be read"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "the terminal": (lambda path: path.symlink_to("/dev/null"), "is a device"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "symbolic links"),
    "nothing": (lambda path: None, "No such file"),
}


@pytest.mark.parametrize("what", PLACES)
def test_what_is_no_regular_file_is_told_and_stops_nobody(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    make, told = PLACES[what]
    path = outside.Path("00.ipynb")
    make(path)
    with pytest.raises(ValidateError, match=told):
        read_notebook(path)


def test_size_and_time_are_bounded(tmp_path, monkeypatch):
    path = saved(tmp_path, raw())
    with pytest.raises(ValidateError, match="more than 0 MB; clear its outputs"):
        bytes_of(path, most=1000)
    monkeypatch.setattr(outside, "SECONDS", -1.0)
    with pytest.raises(ValidateError, match="could not be read within"):
        bytes_of(path)


def test_a_link_is_followed_only_where_that_is_asked(tmp_path):
    path = saved(tmp_path, raw())
    link = tmp_path / "mine.ipynb"
    link.symlink_to(path)
    assert bytes_of(link) == path.read_bytes()  # a learner's own, in a cloud folder
    with pytest.raises(ValidateError, match="is a link"):
        bytes_of(link, follow=False)


# Beside the notebook --------------------------------------------------------------------------------------------------


def _shadow(folder):
    fake = folder / "genlib" / "course"
    fake.mkdir(parents=True)
    (folder / "genlib" / "__init__.py").write_text("")
    (fake / "__init__.py").write_text(f"def check(name): print('✓ Exercise 0.1 {NAME}: all 6 properties hold')")


BESIDE = {
    "genlib/": _shadow,
    "torch.py": lambda folder: (folder / "torch.py").write_text("raise SystemExit"),
    "math.py": lambda folder: (folder / "math.py").write_text("def log(x): return 0.0"),
    "conftest.py": lambda folder: (folder / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    call.excinfo = None\n    yield"
    ),
    "sitecustomize.py": lambda folder: (folder / "sitecustomize.py").write_text("raise SystemExit"),
    "pytest.ini": lambda folder: (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only"),
}


OWN_SETTINGS = {
    "pytest.ini": "[pytest]\naddopts = --collect-only -x\ntestpaths = none\n",
    "setup.cfg": "[tool:pytest]\naddopts = --ignore-glob=* -p no:nbval\n",
    "tox.ini": "[pytest]\naddopts = --no-such-option\nminversion = 99\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-k nothing'\nrequired_plugins = ['none']\n[[[",
    "conftest.py": "raise SystemExit('not this')",
}
ODD_FOLDERS = [
    "-rf",
    'it\'s "mine"',
    "a [b] {c} *?",
    "two  spaces ",
    "Übung für Zoë",
    "100%s %d%%",
    "a$HOME`b`;c",
    "a\nb",
]


def odd_place(tmp_path):
    """One folder within the other, each with an odd name."""
    place = tmp_path.joinpath(*ODD_FOLDERS)
    place.mkdir(parents=True)
    return place


def test_what_lies_beside_a_notebook_judges_nothing(tmp_path, monkeypatch):
    """All of it at once, in odd folders: each alone would change the verdict, or leave none."""
    place = odd_place(tmp_path)
    for put in BESIDE.values():
        put(place)
    (place / "mine.py").write_text("value = 7")
    content = raw(source=RIGHT.replace("-dim", "dim"))
    own = {"cell_type": "code", "source": "from mine import value; assert value == 7", "metadata": {}}
    content["cells"].insert(0, own | {"outputs": [], "execution_count": None})
    monkeypatch.chdir(place)
    results, errors = checking.validate(saved(place, content))
    assert results[0].line.startswith(f"✗ Exercise 0.1 {NAME}: the sign is flipped")
    assert errors == [], "a module of one's own is found"


def test_settings_of_ones_own_and_odd_folders_change_no_verdict(tmp_path, monkeypatch):
    """pytest looks for its settings upwards, from the notebook on, and takes the first: it must not look at all."""
    place = odd_place(tmp_path)
    for what, text in OWN_SETTINGS.items():
        for where in (tmp_path, place):
            (where / what).write_text(text)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.chdir(tmp_path)
    saved(place, raw())
    results, errors = checking.validate(outside.Path(*ODD_FOLDERS) / "00_start_here.ipynb")  # as one types it
    assert [result.line for result in results] == [str(exercises.find(NAME).solved())]
    assert errors == []


# The report -----------------------------------------------------------------------------------------------------------

ENTRY = {"exercise": None, "passed": True, "text": "", "error": "", "source": ""}


def test_a_report_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "report"
    path.write_text(json.dumps(ENTRY) + "\n" + json.dumps(ENTRY | {"exercise": NAME}) + "\n" + '{"exerc')
    assert [entry["exercise"] for entry in report.entries(path)] == [None, NAME]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON", "[]", "null", "{}", "[" * 99_999, "7" * 9999,
        json.dumps(ENTRY | {"passed": 1}),
        json.dumps(ENTRY | {"exercise": ["a"]}),
        json.dumps(ENTRY | {"text": None}),
        json.dumps(ENTRY | {"text": "x" * 20_001}),
        json.dumps(ENTRY | {"more": 1}),
        json.dumps({key: value for key, value in ENTRY.items() if key != "source"}),
    ],
)  # fmt: skip
def test_a_report_that_the_course_did_not_write_is_refused(tmp_path, line):
    path = tmp_path / "report"
    path.write_text(json.dumps(ENTRY) + "\n" + line + "\n")
    with pytest.raises(ValidateError, match="what the course did not write"):
        report.entries(path)


def test_a_report_is_a_regular_file_of_bounded_size(tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.write_text("")
    (tmp_path / "link").symlink_to(other)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, told in (("link", "is a link"), ("pipe", "is a pipe"), ("folder", "Is a directory"), ("no", "No such")):
        with pytest.raises(ValidateError, match=told):
            report.entries(tmp_path / name)
    monkeypatch.setattr(report, "MOST", 10)
    other.write_text(json.dumps(ENTRY) + "\n")
    with pytest.raises(ValidateError, match="has more than"):
        report.entries(other)


def test_the_kernel_is_not_told_where_the_report_is_and_texts_are_cut_to_what_is_read(tmp_path):
    """In a notebook with null tags, too."""
    hidden = f"import os; assert {report.REPORT!r} not in os.environ, os.environ[{report.REPORT!r}]"
    content = _with(lambda c: c["cells"][0]["metadata"].update(tags=None))
    for source in (hidden, "print('x' * 10**6)"):
        content["cells"].append({"cell_type": "code", "source": source, "metadata": {}})
    results, errors = checking.validate(saved(tmp_path, content))
    assert [result.solved for result in results] == [True]
    assert errors == []
