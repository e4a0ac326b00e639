"""Which cells are run when a notebook is marked, in which order, and what is said of answers in the wrong place."""

import copy

import nbformat
import pytest
from nbformat import v4

from genlib.course.build import role
from genlib.course.grade.cells import beside, misplaced, steps
from genlib.course.lectures import find

NAME = "uniform_log_prob"
ANSWER = f"def {NAME}(dimensions, levels):\n    return 0"


def notebook(answer: str = ANSWER):
    """Lecture 00 as handed out, with an answer."""
    result = copy.deepcopy(nbformat.read(find("00").handed_out, as_version=4))
    for cell in result.cells:
        if role(cell) == (NAME, "answer"):
            cell.source = answer
    return result


def place(content, kind: str) -> int:
    return next(i for i, cell in enumerate(content.cells) if role(cell) == (NAME, kind))


def kinds(content) -> list[str]:
    """The steps in short: "setup", "ours", "theirs" and "check"."""
    return [kind for step in steps(content, find("00"))[0] for kind in step]


def test_the_setup_comes_first_and_the_check_where_it_stands():
    content = notebook()
    content.cells.insert(place(content, "check") + 1, v4.new_code_cell(f"def {NAME}(*a):\n    return 'what if'"))
    found, notes = steps(content, find("00"))
    assert notes == []
    assert list(found[0]) == ["setup"]
    mine = [step for step in found if "ours" not in step and "setup" not in step]
    assert [next(iter(step)) for step in mine] == ["theirs", "check", "theirs"]
    assert mine[0] == {"theirs": ANSWER}


def test_stubs_checks_and_what_colab_needs_are_not_run():
    handed_out = nbformat.read(find("00").handed_out, as_version=4)
    assert set(kinds(handed_out)) == {"setup", "ours", "check"}
    bootstrap = next(c.source for c in handed_out.cells if "bootstrap" in c.metadata.get("tags", []))
    assert all(bootstrap not in step.values() for step in steps(handed_out, find("00"))[0])


def test_a_cell_of_the_courses_that_was_deleted_is_there_from_the_start():
    whole, content = notebook(), notebook()
    content.cells = [c for c in content.cells if c.cell_type != "code" or role(c)]
    assert kinds(content).count("ours") == kinds(whole).count("ours")
    assert kinds(content)[:2] == ["setup", "ours"]


def test_a_check_that_was_deleted_edited_or_copied_is_asked_once():
    for change in ("deleted", "edited", "copied"):
        content = notebook()
        at = place(content, "check")
        if change == "deleted":
            del content.cells[at]
        elif change == "edited":
            content.cells[at].source = "print('✓')"
        else:
            content.cells.append(copy.deepcopy(content.cells[at]))
        assert kinds(content).count("check") == 1, change


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("markdown", "in a text cell"),
        ("raw", "in a text cell"),
        ("check", "in a check cell"),
        ("below", "below its check"),
    ],
)
def test_an_answer_in_the_wrong_place_is_told(where, said):
    content = notebook(f"def {NAME}(dimensions, levels):\n    raise NotImplementedError('Exercise 0.1')")
    if where == "check":
        content.cells[place(content, "check")].source = ANSWER
    else:
        new = v4.new_code_cell if where == "below" else getattr(v4, f"new_{where}_cell")
        content.cells.append(new(f"    \n{ANSWER}"))
    found = misplaced(content, find("00"))
    assert said in found[NAME]
    assert misplaced(notebook(), find("00")) == {}


def test_a_mention_of_a_function_is_no_answer():
    content = notebook()
    content.cells.append(v4.new_markdown_cell(f"Here you write `def {NAME}(…)`; see define {NAME}."))
    assert misplaced(content, find("00")) == {}


def test_files_beside_a_notebook_come_along_but_never_somebody_elses(tmp_path):
    mine = tmp_path / "01_mine.ipynb"
    for name in ("01_mine.ipynb", "03_vae_derivation.ipynb", "values.txt", "helper.py", "data/more.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "values.txt")
    assert set(beside(mine)) == {"values.txt", "helper.py", "data/more.csv"}
    for other in ("01_hers.ipynb", "bens.ipynb"):  # a folder of a whole class
        (tmp_path / other).write_text("x")
        assert beside(mine) == {}
        (tmp_path / other).unlink()
    (tmp_path / "huge.bin").write_bytes(b"")
    with open(tmp_path / "huge.bin", "wb") as file:
        file.truncate(200 * 2**20)
    assert "huge.bin" not in beside(mine)
