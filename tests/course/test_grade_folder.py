"""A class: who was collected is who was marked, nobody stops anybody, and what is written is safe to open.

Marking itself is tested elsewhere (test_grade.py); here a stand-in says who had a right answer, in no time.
"""

import csv
import errno
import io
import json
import os
import re
import stat
import struct
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from genlib.course.check import outside
from genlib.course.check.notebook import read_learner
from genlib.course.check.outside import ValidateError
from genlib.course.grade import archives, collecting, memory, safe, staging
from genlib.course.grade import folder as class_folder
from genlib.course.grade.feedback import COLUMNS, columns, feedback, free_texts, table
from genlib.course.grade.folder import grade_all, marks_of
from genlib.course.grade.one import Grade
from genlib.lectures import find
from tests.benchmarks import grading
from tests.course.test_grade import RIGHT, WRONG, notebook

BOTH = {"right": nbformat.writes(notebook(RIGHT)), "wrong": nbformat.writes(notebook(WRONG))}
GOOD = BOTH["right"].encode()


@pytest.fixture
def marker(monkeypatch):
    """Marks without a process: who says -dimensions is right. Holds what it was given to mark."""
    seen = []

    def mark(student, path, *, expected=None, full=False):
        files = {p.relative_to(path.parent).as_posix(): p.stat().st_size for p in path.parent.rglob("*") if p.is_file()}
        assert not [p for p in path.parent.rglob("*") if p.is_symlink()]
        seen.append((student, files))
        content = read_learner(path)
        number = content.metadata.genlib.lecture
        if expected and number != expected:
            return Grade(student, path.name, notes=[f"this is lecture {number}, asked was lecture {expected}"])
        right = any("return -dimensions" in cell.source for cell in content.cells)
        line = f"{'✓' if right else '✗'} Exercise 0.1 uniform_log_prob: {'all hold' if right else 'a sign is flipped'}"
        return Grade(student, path.name, number, 2 * right, 2, {"uniform_log_prob": right}, [line])

    monkeypatch.setattr(class_folder, "grade", mark)
    return seen


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def put(path: Path, content: str | bytes = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(files: dict[str, bytes], **how) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def rows(folder, **how) -> dict[str, tuple[int, str]]:
    """{student: (points, notes)}; a student with several rows has them behind one another."""
    found: dict[str, list] = {}
    for g in grade_all(folder, say=str, **how):
        found.setdefault(g.student, []).append((g.points, "; ".join(g.notes)))
    return {student: entries[0] if len(entries) == 1 else entries for student, entries in found.items()}


def written(folder) -> list[dict]:
    with open(marks_of(folder) / "marks.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# Who was collected ----------------------------------------------------------------------------------------------------


COLLECTED = {
    "a folder each": ({"anna/00_start_here.ipynb": GOOD}, "anna", 2, ""),
    "deep in a folder": ({"anna/week 1/mine/00.ipynb": GOOD}, "anna", 2, ""),
    "a file each": ({"anna.ipynb": GOOD}, "anna", 2, ""),
    "a browser's ending": ({"anna/00_start_here.ipynb.txt": GOOD}, "anna", 2, ""),
    "another browser's": ({"anna/00.ipynb.json": GOOD}, "anna", 2, ""),
    "a file with such an ending": ({"anna.ipynb.txt": GOOD}, "anna", 2, ""),
    "large letters": ({"anna/00.IPYNB": GOOD}, "anna", 2, ""),
    "a copy": ({"anna/00 (1).ipynb": GOOD}, "anna", 2, ""),
    "a copy's other form": ({"anna/00.ipynb (1)": GOOD}, "anna", 2, ""),
    "a zip in a folder": ({"anna/work.zip": zipped({"a/00.ipynb": GOOD})}, "anna", 2, ""),
    "a zip named after her": ({"anna.ZIP": zipped({"00.ipynb": GOOD})}, "anna", 2, ""),
    "a zip of Windows": ({"anna/w.zip": zipped({"a\\b\\00.ipynb": GOOD})}, "anna", 2, ""),
    "a zip of macOS": ({"anna/w.zip": zipped({"00.ipynb": GOOD, "__MACOSX/._00.ipynb": b"\0"})}, "anna", 2, ""),
    "leavings of macOS": ({"anna/00.ipynb": GOOD, "anna/__MACOSX/x/._00.ipynb": b"\0\5\x16\7"}, "anna", 2, ""),
    "a checkpoint": ({"anna/00.ipynb": GOOD, "anna/.ipynb_checkpoints/00-checkpoint.ipynb": b"x"}, "anna", 2, ""),
    "a notebook and a report": ({"anna/00.ipynb": GOOD, "anna/report.pdf": b"%PDF"}, "anna", 2, ""),
    "Moodle": ({"Anna Li_123_assignsubmission_file_/00.ipynb": GOOD}, "Anna Li (123)", 2, ""),
    "Moodle, newer": ({"Anna Li_123_assignsubmission_file/00.ipynb": GOOD}, "Anna Li (123)", 2, ""),
    "Moodle without folders": ({"Anna Li_123_assignsubmission_file_00.ipynb": GOOD}, "Anna Li (123)", 2, ""),
    "Moodle with a zip": ({"Li_7_assignsubmission_file_/w.zip": zipped({"00.ipynb": GOOD})}, "Li (7)", 2, ""),
    "Moodle's nobody": ({"Li_7_assignsubmission_onlinetext_/onlinetext.html": b"hi"}, "Li (7)", 0, "onlinetext.html"),
    "Canvas": ({"liann_12_34567_00_start_here.ipynb": GOOD}, "liann (12)", 2, ""),
    "Canvas, late": ({"liann_LATE_12_34567_00-1.ipynb": GOOD}, "liann (12)", 2, "handed in late, says Canvas"),
    "Canvas with a zip": ({"liann_12_34567_work.zip": zipped({"00.ipynb": GOOD})}, "liann (12)", 2, ""),
    "Canvas with a report": ({"liann_12_34567_report.pdf": b"%PDF"}, "liann (12)", 0, "there is report.pdf"),
    "an empty folder": ({"anna/": b""}, "anna", 0, "no notebook: there is nothing"),
    "an empty folder in one": ({"anna/work/": b""}, "anna", 0, "no notebook: there is nothing"),
    "only leavings": ({"anna/.DS_Store": b"", "anna/__MACOSX/._a.ipynb": b""}, "anna", 0, "there is nothing"),
    "a report alone": ({"anna/report.pdf": b"%PDF"}, "anna", 0, "no notebook: there is report.pdf"),
    "an empty zip": ({"anna/work.zip": zipped({})}, "anna", 0, "no notebook: there is nothing"),
    "a zip with a report": ({"anna/work.zip": zipped({"a.pdf": b""})}, "anna", 0, "there is work.zip/a.pdf"),
    "a zip in a zip": ({"anna/w.zip": zipped({"v.zip": zipped({"00.ipynb": GOOD})})}, "anna", 0, "is not looked into"),
    "another archive": ({"anna/work.rar": b"Rar!"}, "anna", 0, "work.rar is not looked into"),
    "another archive alone": ({"anna.7z": b"7z"}, "anna", 0, "anna.7z is not looked into"),
    "a broken zip": ({"anna/work.zip": b"PK\3\4 and no more"}, "anna", 0, "is not an archive that can be read"),
    "a cut zip": ({"anna/work.zip": zipped({"00.ipynb": GOOD})[:-30]}, "anna", 0, "is not an archive that can be read"),
    "a zip that is none": ({"anna.zip": GOOD}, "anna", 0, "is not an archive that can be read"),
    "an empty file": ({"anna/00.ipynb": b""}, "anna", 0, "is not a notebook that can be read"),
    "a download that broke off": ({"anna/00.ipynb": GOOD[:9999]}, "anna", 0, "is not a notebook that can be read"),
    "a folder like a notebook": ({"anna/00.ipynb/": b""}, "anna", 0, "00.ipynb is a folder, not a notebook"),
    "a class's own like one": ({"00.ipynb/": b""}, "00.ipynb", 0, "no notebook: there is nothing"),
    "a whole class": (
        {"all.zip": zipped({"A_1_assignsubmission_file_/00.ipynb": GOOD, "B_2_assignsubmission_file_/0.ipynb": GOOD})},
        "all", 0, "looks like a whole class: unpack it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", COLLECTED)
def test_everybody_has_a_row(folder, marker, what):
    files, student, points, note = COLLECTED[what]
    put(folder / "zoe" / "00.ipynb", BOTH["wrong"])
    for name, content in files.items():
        (folder / name).mkdir(parents=True) if name.endswith("/") else put(folder / name, content)
    found = rows(folder)
    assert set(found) == {student, "zoe"}
    assert found[student][0] == points
    assert note in found[student][1]
    assert bool(note) == bool(found[student][1])
    assert found["zoe"] == (0, "")
    assert len(written(folder)) == len(list((marks_of(folder) / "feedback").iterdir())) == 2


def test_what_is_ignored_is_said_once(folder, marker):
    for student in ("anna", "ben"):
        put(folder / student / "00.ipynb")
        put(folder / student / "__MACOSX" / "._00.ipynb")
        put(folder / student / ".DS_Store")
    put(folder / "my notes.txt")
    put(folder / "grades\x1b[2J.xlsx")
    said = []
    assert len(grade_all(folder, say=said.append)) == 2
    assert said == ["ignored: .DS_Store (2), __MACOSX (2), grades\ufffd[2J.xlsx, my notes.txt"]


def test_one_student_may_hand_in_several_notebooks_and_files(folder, marker):
    put(folder / "anna" / "00.ipynb")
    put(folder / "anna" / "00-Copy1.ipynb", BOTH["wrong"])
    put(folder / "liann_12_34567_00.ipynb")
    put(folder / "liann_12_34568_helper.py", "value = 7")
    put(folder / "liann_12_34569_data.zip", zipped({"a.csv": b"1,2"}))
    assert rows(folder) == {"anna": [(0, ""), (2, "")], "liann (12)": (2, "")}
    (files,) = (files for student, files in marker if student == "liann (12)")
    assert set(files) == {"00.ipynb", "helper.py", "data.zip/a.csv"}


def test_of_students_with_several_lectures_the_one_that_was_asked_for_is_marked(folder, marker):
    other = find("01").handed_out.read_bytes()
    put(folder / "anna" / "00.ipynb")
    put(folder / "anna" / "01.ipynb", other)
    put(folder / "anna" / "scratch.ipynb", '{"cells": []}')
    put(folder / "ben" / "01.ipynb", other)
    (folder / "carl").mkdir()
    said = []
    grades = grade_all(folder, lecture="0", say=said.append)
    assert [(g.student, g.points) for g in grades] == [("anna", 2), ("ben", 0), ("carl", 0)]
    assert "asked was lecture 00" in grades[1].notes[0]
    assert said == ["left out: 2 other notebooks of students who handed in lecture 00 as well"]
    with pytest.raises(ValidateError, match="no notebook here is of lecture 03; they are 1 of 00, 2 of 01, 1 of no"):
        grade_all(folder, lecture="03", say=str)


def test_the_folder_is_one(tmp_path, folder):
    for path, told in (
        (tmp_path / "nothing", "is not there; give the folder"),
        (put(tmp_path / "all.zip"), "is a file; unpack it"),
        (folder, "there are no notebooks in"),
    ):
        with pytest.raises(ValidateError, match=told):
            grade_all(path, say=str)


# One submission stops nobody ------------------------------------------------------------------------------------------


def _link(target):
    def make(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    return make


def _pipe(path):
    path.parent.mkdir()
    os.mkfifo(path)


def _unreadable_name(path):
    put(Path(os.fsdecode(os.fsencode(path.parent) + b"\xff\xfe/00.ipynb")))


ODD = {
    "a link to another's notebook": ("eve/00.ipynb", _link("../anna/00.ipynb"), "is a link", 0),
    "a link to another's folder": ("eve", _link("anna"), "is a link", 0),
    "a link in a folder": ("eve/work", _link("../anna"), "is a link", 0),
    "a link as a file": ("eve.ipynb", _link("anna/00.ipynb"), "is a link", 0),
    "a dangling link": ("eve/00.ipynb", _link("nowhere"), "is a link", 0),
    "a dangling folder": ("eve", _link("nowhere"), "is a link", 0),
    "a link to itself": ("eve/00.ipynb", _link("00.ipynb"), "is a link", 0),
    "a folder within itself": ("eve/again", _link("."), "is a link", 0),
    "a link to a device": ("eve/00.ipynb", _link("/dev/zero"), "is a link", 0),
    "a pipe": ("eve/00.ipynb", _pipe, "is a pipe", 0),
    "a pipe as a zip": ("eve/00.zip", _pipe, "is no regular file", 0),
    "a name that is no UTF-8": ("eve/x", _unreadable_name, "", 2),
    "a long name": ("eve/" + "x" * 240 + ".ipynb", put, "", 2),
    "a long name of few letters": ("李" * 85 + "/" + "解" * 80 + ".ipynb", put, "", 2),
    "letters of four bytes": ("\U00020000" * 63 + "/" + "\U00020001" * 60 + ".ipynb", put, "", 2),
    "a long name of a folder and of a file": ("x" * 255 + "/" + "ü" * 120 + ".ipynb", put, "", 2),
    "a long way": ("eve/" + "/".join(["d" * 200] * 10) + "/00.ipynb", put, "", 2),
    "a new line": ("eve/00\n| anna | 99 |.ipynb", put, "", 2),
    "codes of a terminal": ("eve/\x1b[2J\x1b]0;pwned\x07.ipynb", put, "", 2),
    "the other direction": ("eve/\u202egnp.ipynb", put, "", 2),
    "null metadata": ("eve/00.ipynb", lambda p: put(p, GOOD.replace(b'"metadata": {}', b'"metadata": null')), "", 2),
    "deep JSON": ("eve/00.ipynb", lambda p: put(p, "[" * 200_000), "nested too deeply", 0),
    "another course": ("eve/00.ipynb", lambda p: put(p, nbformat.writes(v4.new_notebook())), "not a lecture of", 0),
}


@pytest.mark.parametrize("what", ODD)
def test_everything_about_a_student_stays_in_their_row(folder, marker, what):
    name, make, told, points = ODD[what]
    put(folder / "anna" / "00.ipynb")
    put(folder / "zoe" / "00.ipynb")
    make(folder / name)
    found = rows(folder)
    assert found.pop("anna") == found.pop("zoe") == (2, "")
    ((_, row),) = found.items()
    assert row[0] == points
    assert told in row[1]
    assert len(written(folder)) == 3
    assert len(table(grade_all(folder, say=str)).splitlines()) == 4
    assert len(list((marks_of(folder) / "feedback").iterdir())) == 3


def test_what_may_not_be_read_is_told(folder, marker, monkeypatch):
    """Root may read everything, so the system's refusal is played."""
    for student in ("anna", "eve", "fay/work"):
        put(folder / student / "00.ipynb")

    def refuses(inner, name):
        def opened(path, *rest):
            if name in Path(path).parts:
                raise PermissionError(errno.EACCES, "Permission denied")
            return inner(path, *rest)

        return opened

    monkeypatch.setattr(outside, "_at_once", refuses(outside._at_once, "eve"))
    monkeypatch.setattr(collecting, "_entries", refuses(collecting._entries, "work"))
    found = rows(folder)
    assert found["anna"] == (2, "")
    assert "Permission denied" in found["eve"][1]
    assert "Permission denied" in found["fay"][1]


@pytest.mark.parametrize("error", [RuntimeError("a\nb"), KeyError("x"), AttributeError("\x1b[2J"), RecursionError()])
def test_whatever_marking_raises_about_one_the_others_are_marked(folder, marker, monkeypatch, error):
    for student in ("anna", "eve", "zoe"):
        put(folder / student / "00.ipynb")
    inner = class_folder.grade

    def fails(student, path, **how):
        if student == "eve":
            raise error
        return inner(student, path, **how)

    monkeypatch.setattr(class_folder, "grade", fails)
    found = rows(folder)
    assert found["anna"] == found["zoe"] == (2, "")
    assert type(error).__name__ in found["eve"][1]
    monkeypatch.setattr(class_folder, "grade", inner)
    marker.clear()
    assert rows(folder)["eve"] == (2, ""), "and it was not remembered"
    assert [student for student, _ in marker] == ["eve"]


def test_a_second_name_of_a_file_is_told_to_both(folder, marker):
    """Nobody can tell which of two names is the first; a copy is another file, and what is one's own is no matter."""
    first = put(folder / "anna" / "00.ipynb")
    for name in ("eve/00.ipynb", "anna/again.ipynb"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).hardlink_to(first)
    put(folder / "zoe" / "00.ipynb")
    notes = {g.file: g.notes for g in grade_all(folder, say=str)}
    assert notes.pop("zoe/00.ipynb") == []
    assert notes.pop("eve/00.ipynb") == ["this is the very file of anna, by another name"]
    assert list(notes.values()) == [["this is the very file of eve, by another name"]] * 2


def test_ten_thousand_files_and_notebooks_of_one_are_not_ten_thousand_rows(folder, marker, monkeypatch):
    monkeypatch.setattr(collecting, "FILES", 30)
    monkeypatch.setattr(collecting, "NOTEBOOKS", 3)
    for i in range(40):
        put(folder / "eve" / f"{i:02}.ipynb")
    put(folder / "zoe" / "00.ipynb")
    for i in range(5):
        put(folder / "mal" / f"{i}.zip", zipped({f"{j}.csv": b"" for j in range(20)}))
    found = rows(folder)
    assert "3.zip was not looked into: there are more than 30 files already" in found["mal"][1]
    assert len(found["eve"]) == 3
    assert "there are more than 30 files; the rest was not looked at" in found["eve"][0][1]
    assert "there are 30 notebooks; only 3 of one student are marked" in found["eve"][0][1]
    assert found["zoe"] == (2, "")


def test_a_thousand_notes_are_thirty(folder, marker):
    put(folder / "eve" / "00.ipynb")
    for i in range(100):
        (folder / "eve" / f"{i}").symlink_to("nowhere")
    (result,) = grade_all(folder, say=str)
    assert (result.points, len(result.notes), result.notes[-1]) == (2, 31, "and 70 notes more")


# Archives -------------------------------------------------------------------------------------------------------------


def _hostile_names() -> bytes:
    names = ["../../00.ipynb", "/etc/00.ipynb", "C:\\00.ipynb", "a/../../b.ipynb", "..\\x.ipynb", "\\\\host\\x.ipynb"]
    return zipped(dict.fromkeys(names, GOOD) | {"fine/00.ipynb": GOOD})


def _links() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR):
            entry = zipfile.ZipInfo(f"{kind}.ipynb")
            entry.external_attr = (kind | 0o777) << 16
            archive.writestr(entry, "../anna/00.ipynb")
        archive.writestr("00.ipynb", GOOD)
    return packed.getvalue()


def _protected() -> bytes:
    """As if a password were needed: the flag is set in both places."""
    data = bytearray(zipped({"00.ipynb": GOOD}))
    data[6] |= 1
    data[data.rindex(b"PK\1\2") + 8] |= 1
    return bytes(data)


def _bomb(factor: int) -> bytes:
    """Spaces in front of a notebook, well packed; and the archive says that it is small."""
    data = bytearray(zipped({"00.ipynb": b" " * factor * 2**20 + GOOD}, compression=zipfile.ZIP_DEFLATED))
    struct.pack_into("<L", data, data.rindex(b"PK\1\2") + 24, len(GOOD))
    return bytes(data)


def _damaged() -> bytes:
    data = bytearray(zipped({"00.ipynb": GOOD}))
    data[200] ^= 1
    return bytes(data)


def _directory_of(size: int) -> bytes:
    """An archive that says that its list of members is long."""
    data = bytearray(zipped({"00.ipynb": GOOD}))
    struct.pack_into("<L", data, data.rindex(b"PK\5\6") + 12, size)
    return bytes(data)


def _zip64() -> bytes:
    data = zipped({"00.ipynb": GOOD})
    end = data.rindex(b"PK\5\6")
    return data[:end] + b"PK\6\7" + b"\0" * 16 + data[end:]


ARCHIVES = {
    "names that lead outside": (_hostile_names, "6 entries of work.zip lead outside of it", 2),
    "links and devices": (_links, "3 entries of work.zip lead outside of it, are links", 2),
    "a password": (_protected, "is protected by a password", 0),
    "a bomb": (lambda: _bomb(80), "", 0),
    "another packing": (lambda: zipped({"0.ipynb": GOOD}, compression=zipfile.ZIP_BZIP2), "packed in a way", 0),
    "memory by its packing": (lambda: zipped({"0.ipynb": GOOD}, compression=zipfile.ZIP_LZMA), "packed in a way", 0),
    "a flipped bit": (_damaged, "is damaged", 0),
    "a long list": (lambda: _directory_of(2**31), "holds too many files", 0),
    "a second record": (_zip64, "holds too many files", 0),
    "many files": (lambda: zipped({f"{i}": b"" for i in range(2001)}), "holds 2,001 files", 0),
    "a deep file": (lambda: zipped({"a/" * 500 + "00.ipynb": GOOD}), "lead outside", 0),
    "no name": (lambda: zipped({"/": b"", ".": b"x", "00.ipynb": GOOD}), "lead outside", 2),
    "one name twice": (lambda: zipped({"00.ipynb": b"old", "./00.ipynb": GOOD}), "", 2),
    "a comment": (lambda: zipped({"00.ipynb": GOOD})[:-2] + struct.pack("<H", 9) + b"a comment", "", 2),
}  # fmt: skip


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_is_read_and_nothing_is_believed(tmp_path, folder, marker, what):
    make, told, points = ARCHIVES[what]
    put(folder / "anna" / "00.ipynb", BOTH["wrong"])
    put(folder / "eve" / "work.zip", make())
    before = {path for path in tmp_path.rglob("*") if "class_marks" not in path.parts}
    found = rows(folder)
    assert found["anna"] == (0, "")
    assert found["eve"][0] == points
    assert told in found["eve"][1]
    assert points or found["eve"][1]
    assert {path for path in tmp_path.rglob("*") if "class_marks" not in path.parts} == before
    assert not list(Path("/etc").glob("*.ipynb"))


def test_an_archive_that_lies_about_its_size_is_read_no_further_than_it_may(tmp_path):
    path = put(tmp_path / "bomb.zip", _bomb(3))
    (member,), _ = archives.members(path)
    with pytest.raises(ValidateError, match=r"damaged|has more than"):
        archives.read(path, member, most=2**20)


def test_a_large_archive_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_ARCHIVE", 10)
    with pytest.raises(ValidateError, match="has more than 0 MB"):
        archives.members(put(tmp_path / "a.zip", zipped({"a": b"x"})))


# What is marked is a copy ---------------------------------------------------------------------------------------------


def test_only_the_students_own_files_lie_beside_the_notebook(folder, marker):
    put(folder / "anna" / "week" / "00.ipynb")
    for name in ("week/data/a.csv", "week/helper.py", "week/01.ipynb", "above.txt"):
        put(folder / "anna" / name, b"x")
    put(folder / "ben.ipynb")
    put(folder / "carl.ipynb")
    (folder / "anna" / "week" / "link.csv").symlink_to("/etc/passwd")
    os.mkfifo(folder / "anna" / "week" / "pipe.csv")
    anna, *_ = grade_all(folder, say=str)
    (_, of_anna), _, (_, of_ben), _ = marker
    assert set(of_anna) == {"00.ipynb", "helper.py", "data/a.csv"}, "not another notebook, nor what lies above"
    assert set(of_ben) == {"ben.ipynb"}, "in one folder for all, what lies beside is somebody else's"
    assert any("week/link.csv is a link" in note for note in anna.notes)
    assert any("pipe.csv beside the notebook was left out" in note for note in anna.notes)


@pytest.mark.parametrize(
    "name",
    ["genlib/__init__.py", "genlib/course/check.py", "torch.py", "torch/__init__.py", "conftest.py", "sitecustomize.py",
     "usercustomize.py", "pytest.ini", "math.py", "numpy.cpython-311-x86_64-linux-gnu.so", "Torch.PY", "json/x.pyc"],
)  # fmt: skip
def test_what_has_the_name_of_a_library_judges_nothing(folder, marker, name):
    put(folder / "eve" / "00.ipynb")
    put(folder / "eve" / name, "import os; os._exit(0)")
    put(folder / "eve" / "my_helper.py", "value = 7")
    put(folder / "eve" / "genlib.csv", "1,2")
    (result,) = grade_all(folder, say=str)
    assert set(marker[0][1]) == {"00.ipynb", "my_helper.py", "genlib.csv"}
    assert result.notes == [f"{name} has the name of a library and was left out"]


def test_files_beside_a_notebook_are_bounded(folder, marker, monkeypatch):
    monkeypatch.setattr(staging, "FILES", 3)
    monkeypatch.setattr(staging, "BYTES", 10_000)
    put(folder / "anna" / "00.ipynb")
    for i in range(5):
        put(folder / "anna" / f"{i}.csv", b"x")
    put(folder / "ben" / "00.ipynb")
    put(folder / "ben" / "large.csv", b"x" * 20_000)
    put(folder / "carl" / "00.ipynb")
    put(folder / "carl" / "work.zip", zipped({"y" * 300 + ".csv": b"1", "fine.csv": b"2"}))
    found = rows(folder)
    assert "not all of the files beside the notebook came along" in found["anna"][1]
    assert "large.csv beside the notebook was left out" in found["ben"][1]
    assert "yyy.csv beside the notebook was left out" in found["carl"][1] or "File name too long" in found["carl"][1]
    assert [len(files) for _, files in marker] == [4, 1, 2]
    assert {entry[0] for entry in found.values()} == {2}


# What is remembered ---------------------------------------------------------------------------------------------------


def marked_again(folder, marker, **how) -> list[str]:
    marker.clear()
    grade_all(folder, say=str, **how)
    return sorted(student for student, _ in marker)


def test_an_interrupted_run_goes_on_where_it_ended(folder, marker, monkeypatch):
    for student, content in {"=anna": BOTH["right"], "ben": BOTH["wrong"], "carl": BOTH["right"]}.items():
        put(folder / student / "00_start_here.ipynb", content)
    inner = class_folder.grade

    def breaks_off(student, path, **how):
        if len(marker) == 2:
            raise KeyboardInterrupt
        return inner(student, path, **how)

    monkeypatch.setattr(class_folder, "grade", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        grade_all(folder, say=str)
    monkeypatch.setattr(class_folder, "grade", inner)
    marker.clear()
    said = []
    grades = grade_all(folder, say=said.append)
    assert [student for student, _ in marker] == ["carl"]
    assert said == ["2 notebooks were marked before and have not changed"]
    assert [(g.student, g.points) for g in grades] == [("=anna", 2), ("ben", 0), ("carl", 2)]
    assert grades == grade_all(folder, say=str)
    put(folder / "ben" / "00_start_here.ipynb", BOTH["right"])
    assert marked_again(folder, marker) == ["ben"]


CHANGES = {
    "nothing": (lambda folder, monkeypatch: None, {}, []),
    "the notebook": (lambda folder, monkeypatch: put(folder / "anna/00.ipynb", BOTH["wrong"]), {}, ["anna"]),
    "a file beside it": (lambda folder, monkeypatch: put(folder / "anna/helper.py", "v = 8"), {}, ["anna"]),
    "another file beside it": (lambda folder, monkeypatch: put(folder / "anna/more.py", "v = 8"), {}, ["anna"]),
    "a file of another's": (lambda folder, monkeypatch: put(folder / "ben/more.py", "v = 8"), {}, ["ben"]),
    "all cells": (lambda folder, monkeypatch: None, {"full": True}, ["anna", "ben"]),
    "the lecture that was asked for": (lambda folder, monkeypatch: None, {"lecture": "00"}, ["anna", "ben"]),
    "the library or the points": (
        lambda folder, monkeypatch: monkeypatch.setattr(class_folder, "_library", lambda: "new"), {}, ["anna", "ben"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_marked_again(folder, marker, monkeypatch, what):
    put(folder / "anna" / "00.ipynb")
    put(folder / "anna" / "helper.py", "v = 7")
    put(folder / "ben" / "00.ipynb")
    grade_all(folder, say=str)
    change, how, again = CHANGES[what]
    change(folder, monkeypatch)
    assert marked_again(folder, marker, **how) == again


def test_points_and_every_source_decide(monkeypatch, tmp_path):
    from genlib import lectures

    before = class_folder._library()
    for lecture in (find("00"), find("03")):
        put(tmp_path / lecture.handed_out.name, lecture.handed_out.read_bytes())
        put(tmp_path / "source" / lecture.source.name, b"")
    monkeypatch.setattr(lectures, "NOTEBOOKS", tmp_path)
    once = class_folder._library()
    text = find("03").handed_out.read_text(encoding="utf-8")
    put(find("03").handed_out, text.replace("●○○", "●●○", 1))
    assert len({before, once, class_folder._library()}) == 3


def test_a_note_is_marked_anew_when_that_is_asked(folder, marker, monkeypatch):
    put(folder / "anna" / "00.ipynb")
    put(folder / "ben" / "00.ipynb")
    inner = class_folder.grade

    def notes(student, path, **how):
        result = inner(student, path, **how)
        result.notes = ["was still running after 90 seconds"] if student == "ben" else []
        return result

    monkeypatch.setattr(class_folder, "grade", notes)
    grade_all(folder, say=str)
    monkeypatch.setattr(class_folder, "grade", inner)
    assert marked_again(folder, marker) == []
    assert marked_again(folder, marker, retry=True) == ["ben"]
    assert marked_again(folder, marker, retry=True) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE, errno.EAGAIN, errno.ENOMEM, errno.EROFS])
def test_a_failure_of_the_machine_is_no_mark(folder, marker, monkeypatch, code):
    put(folder / "anna" / "00.ipynb")
    put(folder / "anna" / "beside.csv", b"1")
    with monkeypatch.context() as broken:
        inner = Path.write_bytes

        def full(path, content):
            if "genlib-hand-in" in str(path):
                raise OSError(code, os.strerror(code))
            return inner(path, content)

        broken.setattr(Path, "write_bytes", full)
        (result,) = grade_all(folder, say=str)
    assert (result.points, result.lines) == (0, [])
    assert f"this machine failed, which is no mark: [Errno {code}] {os.strerror(code)}" in result.notes[0]
    assert marked_again(folder, marker) == ["anna"]
    assert rows(folder)["anna"] == (2, "")


def kept(folder) -> Path:
    return marks_of(folder) / memory.FILE


def _forged(**changes):
    def forge(folder, whole=True):
        content = json.loads(kept(folder).read_text())
        for entry in content["grades"].values():
            entry.update(changes)
        if whole:
            content["sha256"] = memory._hash(content["grades"])
        kept(folder).write_text(json.dumps(content))

    return forge


MEMORIES = {
    "points changed": lambda folder: _forged(points=2)(folder, whole=False),
    "more points than there are": _forged(points=99),
    "negative points": _forged(points=-1),
    "points that are a text": _forged(points="2"),
    "points that are true": _forged(points=True),
    "lines that are none": _forged(lines=None),
    "lines with a number": _forged(lines=[1]),
    "an unknown field": _forged(more=1),
    "solved that is odd": _forged(solved={"a": 1}),
    "nothing": lambda folder: kept(folder).unlink(),
    "an empty file": lambda folder: kept(folder).write_bytes(b""),
    "half of it": lambda folder: kept(folder).write_bytes(kept(folder).read_bytes()[:-50]),
    "a flipped bit": lambda folder: kept(folder).write_text(kept(folder).read_text().replace("sign", "sigm")),
    "zeros": lambda folder: kept(folder).write_bytes(b"\0" * 99),
    "a list": lambda folder: kept(folder).write_text("[]"),
    "deep": lambda folder: kept(folder).write_text("[" * 99_999),
    "as it was once": lambda folder: kept(folder).write_text(json.dumps([{"nonsense": 1}])),
    "a pipe": lambda folder: (kept(folder).unlink(), os.mkfifo(kept(folder))),
    "a link": lambda folder: (kept(folder).rename(folder / "x"), kept(folder).symlink_to(folder / "x")),
}


@pytest.mark.parametrize("what", MEMORIES)
def test_a_memory_that_is_not_whole_is_not_believed(folder, marker, what):
    put(folder / "anna" / "00.ipynb", BOTH["wrong"])
    grade_all(folder, say=str)
    MEMORIES[what](folder)
    marker.clear()
    (result,) = grade_all(folder, say=str)
    assert [student for student, _ in marker] == ["anna"]
    assert result.points == 0
    assert marked_again(folder, marker) == [], "and the memory is whole again"


def test_what_a_submission_brings_along_is_never_believed(folder, marker):
    put(folder / "anna" / "00.ipynb", BOTH["wrong"])
    grade_all(folder, say=str)
    _forged(points=2)(folder)
    forged = kept(folder).read_bytes()
    kept(folder).unlink()
    for place in ("_marks", "class_marks", "anna/_marks", "anna"):
        put(folder / place / "grades.json", forged)
    put(folder / "eve.zip", zipped({"../_marks/grades.json": forged, "../../class_marks/grades.json": forged}))
    found = rows(folder)
    assert found["anna"] == (0, "")
    assert set(found) == {"anna", "_marks", "class_marks", "eve"}
    assert all(points == 0 for points, _ in found.values())


def test_marks_stand_outside_of_what_was_handed_in(tmp_path, folder, marker):
    put(folder / "anna" / "00.ipynb")
    before = sorted(folder.rglob("*"))
    grade_all(folder, say=str)
    assert sorted(folder.rglob("*")) == before
    grade_all(folder, marks=tmp_path / "elsewhere" / "deep", say=str)
    assert (tmp_path / "elsewhere" / "deep" / "marks.csv").exists()
    for place in (folder, folder / "marks", folder / "anna" / ".." / "x"):
        with pytest.raises(ValidateError, match="marks stand outside"):
            grade_all(folder, marks=place, say=str)
    with pytest.raises(ValidateError, match=r"can't be written: .*; give another place with --marks"):
        grade_all(folder, marks=put(tmp_path / "a file"), say=str)


def test_a_full_disk_is_told_and_what_was_marked_is_shown(folder, marker, monkeypatch):
    put(folder / "anna" / "00.ipynb")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module in ("memory", "feedback"):
        monkeypatch.setattr(f"genlib.course.grade.{module}.write", full)
    said = []
    (result,) = grade_all(folder, say=said.append)
    assert result.points == 2
    assert len(said) == 2
    assert said[0] == "marks.csv could not be written: No space left on device"


# What is written is safe to open --------------------------------------------------------------------------------------


FORMULAS = [
    '=HYPERLINK("http://x.test","a")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\x00=1+1",
    "\ufeff=1+1", "\u200b=1+1", "\u00a0=1+1", '"=1+1"', "'=1+1", "＝1+1", "＋1", "－1", "＠x", "a;=1+1", "a; =1+1",
    'a;"=1+1"', "a\t=1+1", "a,=1+1", "a|=cmd|' /C calc'!A0", "a;;@x", "\x1b=1", "a\n=1+1", "a\r\n=1+1", "\u2028=1+1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
@pytest.mark.parametrize("part", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_no_spreadsheet_finds_a_formula(text, part):
    """Whatever sign it parts the lines at, and whether or not it knows of quotation marks."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["first", safe.cell(text), "last"])
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        found = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=part, quoting=quoting))
        assert len(found) == 1, "no new row"
        for value in found[0]:
            plain = "".join(c for c in value if c.isprintable() and not c.isspace()).strip("\"'")
            assert not plain.startswith(tuple("=+-@＝＋－＠")) or "'" in value[: value.index(plain[0])]


@pytest.mark.parametrize("text", ["Ana-Maria", "a - b", "x = 3", "3.5", "wahr", "李小龙", "KL(p‖q)", "✓0.1 ✗0.2"])
def test_an_honest_cell_stays_as_it_is(text):
    assert safe.cell(text) == text
    assert safe.cell(7) == 7


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</textarea><b>", "<!-- ", "[click](javascript:x)",
    "![](http://x.test/a.png)", "`code` ``` ~~~", "a\n## anna, lecture 00: q\n\nforged", "a\r# x", "| a | b |\n|-|-|",
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://x.test\x07link", "\x9b31m", "\u202eabc", "\u2066abc", "\ud800half", "a\x00b",
    "a\u2028b\u2029c\x85d\x0be", "x" * 100_000, "&lt;script&gt;", "$x$ $$y$$", "http://x.test www.x.test", "\b\b\b",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_names_errors_and_answers_have_no_meaning_where_they_stand(text):
    line = f"✗ Exercise 0.1 uniform_log_prob: {text}"
    hostile = Grade(text, f"{text}/00.ipynb", "00", 0, 2, {"uniform_log_prob": False}, [line], [text], {text: text})
    told = feedback(hostile)
    free = free_texts([hostile])
    shown = table([hostile, Grade("anna", "00.ipynb", "00", 0, 2)])
    for page in (told, free, shown):
        page.encode()  # no half letters
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", page)
        assert len(page) < 100_000
    assert len(shown.splitlines()) == 3
    for page in (told, free):
        assert not re.search(r"<[a-zA-Z/!?]", page)
        outside = _outside_of_blocks(page)
        assert [line[:3] for line in outside if line.startswith("#")] in (["# L"], ["# F", "## "])
        for sign in ("](", "`code`", "|", "$x", "http:"):
            assert not re.search(rf"(?<!\\){re.escape(sign)}", " ".join(outside).replace("\\]", ""))


def _outside_of_blocks(page: str) -> list[str]:
    """The lines of a page that a reader of Markdown takes for Markdown."""
    lines, fence = [], ""
    for line in page.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif match := re.match(r"(`{3,})text$", line):
            fence = match[1]
        else:
            lines.append(line)
    assert not fence, "every block ends"
    return [line for line in lines if not line.startswith("The hints say")]


def test_an_answer_in_words_stays_readable(folder, marker):
    answer = "Because:\n\n    if x < 3:\n        p = 0\n\n- all of them compete"
    grade = Grade("dora", "d.ipynb", "00", 0, 2, texts={"Why does p(x) sum to 1?": answer})
    page = free_texts([grade])
    assert "## dora, lecture 00: Why does p(x) sum to 1?" in page
    assert answer in page


def test_names_that_are_one_have_a_row_and_a_file_each(folder, marker):
    """To the eye, or to a system that does not tell large from small letters."""
    names = [
        "a b",
        "a_b",
        "a\tb",
        "A B",
        "a\nb",
        "a?b",
        "Zoe\u0301",
        "Zo\u00e9",
        os.fsdecode(b"x\xfe"),
        os.fsdecode(b"x\xff"),
    ]
    for name in names:
        put(folder / name / "00.ipynb")
        put(folder / f"{name}.ipynb", BOTH["wrong"])
    grades = grade_all(folder, say=str)
    assert len(grades) == 20
    assert sum(g.points for g in grades) == 20
    files = [path.name for path in (marks_of(folder) / "feedback").iterdir()]
    assert len({name.casefold() for name in files}) == 20
    table_rows = written(folder)
    assert len(table_rows) == 20
    assert list(table_rows[0]) == list(COLUMNS)
    assert {row["feedback"] for row in table_rows} == set(files)
    assert len({columns(line) for line in table(grades).splitlines()[1:]}) == 1


def test_a_class_is_marked_by_the_command_line(folder, capsys):
    """Nothing stands in here: two notebooks are run."""
    from typer.testing import CliRunner

    from genlib.cli import app

    put(folder / "=anna\x1b[2J" / "work.zip", zipped({"00_start_here.ipynb": GOOD}))
    put(folder / "ben" / "00_start_here.ipynb", BOTH["wrong"])
    (folder / "carl").mkdir()
    done = CliRunner().invoke(app, ["grade", str(folder), "--lecture", "0", "--jobs", "2"])
    assert done.exit_code == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"=anna.* 00 +\d/\d +✓\n", done.stdout)
    assert re.search(r"ben +00 +0/\d +✗\n", done.stdout)
    assert "no notebook: there is nothing" in done.stdout
    assert "3 rows" in done.stdout
    assert written(folder)[0]["student"].startswith("'=anna")
    again = CliRunner().invoke(app, ["grade", str(folder), "--lecture", "0"])
    assert "2 notebooks were marked before and have not changed" in again.stdout


def test_of_two_hundred_everybody_has_the_row_that_they_should_have(folder, monkeypatch):
    """The class of the benchmark, collected; what it earns is measured there (python -m tests.benchmarks.grading)."""
    course = grading.Course("00")

    def counts(student, path, *, expected=None, full=False):
        """Points for the answers that are there, whatever else a notebook does."""
        content = read_learner(path)
        if content.metadata.get("genlib", {}).get("lecture", "00") != expected:
            return Grade(student, path.name, notes=[f"asked was lecture {expected}"])
        sources = [cell.source for cell in content.cells if cell.cell_type == "code"]
        points = sum(course.worth[name] for name, source in course.answers.items() if source in sources)
        return Grade(student, path.name, "00", points, sum(course.worth.values()))

    monkeypatch.setattr(class_folder, "grade", counts)
    expected = list(grading.handed_in(folder, course, 200, ""))
    assert len(expected) == 200
    assert len({what for _, what, *_ in expected}) > 60
    assert len(list(grading.faults(expected, []))) == 201, "a row that is missing is found"
    grades = grade_all(folder, lecture="00", say=str)
    wrong = list(grading.faults(expected, grades))
    assert [fault for fault in wrong if "'stops'" not in fault and "'text cell'" not in fault] == []
    assert len(written(folder)) == len(list((marks_of(folder) / "feedback").iterdir())) == 200
    grades[0].points += 1
    assert len(list(grading.faults(expected, grades))) == len(wrong) + 1, "so is a point too many"
