"""The decks as they are written: the lecture's equations, notes with minutes; and how a deck is read."""

import json
import re

import pytest
from nbformat import NotebookNode, v4

from genlib.course import slides
from genlib.course.build import BuildError
from genlib.course.slides import files, running, writing
from genlib.lectures import find

DECKS = slides.available()
IDS = [lecture.number for lecture in DECKS]

SMALL = r"""
# A title

Below it

Note (1.5 min): Say hello.

## First {.split}

Before

. . .

$$
a = \step{b} + c \tag{3.1}
$$

```python
## no heading
. . .
```

. . .

```{code-cell} ipython3
:tags: [show-code]

1 + 1
```

Note (2 min): Ask.

And wait.
"""


@pytest.mark.parametrize("lecture", DECKS, ids=IDS)
def test_a_deck_has_no_faults(lecture):
    assert slides.faults(lecture) == []


@pytest.mark.parametrize("lecture", DECKS, ids=IDS)
def test_its_equations_are_the_lectures(lecture):
    """What ``faults`` says, once more and by itself: number and TeX, but for white space and steps."""
    deck = slides.equations(slides.source(lecture).read_text(encoding="utf-8"))
    stated = slides.equations(lecture.source.read_text(encoding="utf-8"))
    assert len(deck) >= 5
    assert deck.keys() <= stated.keys()
    for number, formulas in deck.items():
        assert set(formulas) == set(stated[number]), number


@pytest.mark.parametrize("lecture", DECKS, ids=IDS)
def test_it_asks_the_room_and_has_them_work(lecture):
    kinds = [kind for slide in slides.read_deck(slides.source(lecture).read_text()) for kind in slide.kinds]
    assert kinds.count("question") >= 3
    assert kinds.count("exercise") >= 1


def test_reading_a_deck():
    title, first = slides.read_deck(SMALL)
    assert (title.title, title.kinds, title.minutes) == ("A title", ("title",), 1.5)
    assert (first.title, first.kinds, first.minutes) == ("First", ("split",), 2)
    types = [(cell.cell_type, cell.metadata.slideshow.slide_type) for cell in first.cells]
    markdown = "markdown"
    assert types == [
        (markdown, "slide"),
        (markdown, "notes"),
        (markdown, "-"),
        (markdown, "fragment"),
        ("code", "fragment"),
    ]
    assert first.cells[1].source == "Ask.\n\nAnd wait."
    assert "## no heading\n. . ." in first.cells[3].source
    assert "Ask" not in first.text


def test_steps_and_white_space_do_not_count():
    (formula,) = slides.equations(r"$$ x = \step{\sqrt{y^{2}} \step{+ \{z\}}} \tag{3.9} $$")["3.9"]
    assert formula == r"x=\sqrt{y^{2}}+\{z\}"
    with pytest.raises(BuildError, match="not closed"):
        slides.equations(r"$$ \step{x \tag{3.9} $$")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Some text\n\n# A title", "begins with"),
        ("# A title\n\nNote (1 min): say\n\n```{code-cell} ipython3\n1\n```", "last"),
    ],
)
def test_what_can_not_be_read_is_told(text, message):
    with pytest.raises(BuildError, match=message):
        slides.read_deck(text)


FAULTS = {
    "a number that the lecture does not have": (r"\tag{3.1}", r"\tag{3.99}", "(3.99) is not in the lecture"),
    "other TeX": (r"\tag{3.1}", r"\,\tag{3.1}", "(3.1) differs from the lecture's"),
    "no note": ("Note (1 min): Needed", "Needed", "“The VAE, derived” has no note"),
    "too many minutes": ("Note (1 min): Needed", "Note (60 min): Needed", "minutes in its notes; 60 to 75"),
    "a kind that is not known": ("{.split}", "{.spilt}", "no known kind: spilt"),
    "a pasted picture": ("Every $z$ may", "![a](b.png) Every $z$ may", "has a pasted picture"),
    "TeX in a note": ("Note (1 min): Needed", "Note (1 min): $p$ Needed", "can't show TeX"),
    "an exercise that is not there": ("`optimal_q`", "`optimal_p`", "no exercise 3.1 · optimal_p"),
    "a second title": ("## One inequality", "# One inequality", "not one title slide"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault, tmp_path, monkeypatch):
    lecture = find("03")
    before, after, message = FAULTS[fault]
    text = slides.source(lecture).read_text(encoding="utf-8")
    assert before in text
    monkeypatch.setattr(files, "SOURCES", tmp_path)
    slides.source(lecture).write_text(text.replace(before, after, 1), encoding="utf-8")
    found = slides.faults(lecture)
    assert any(message in line for line in found), found


def test_a_deck_of_wrong_length_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SOURCES", tmp_path)
    slides.source(find("03")).write_text(SMALL, encoding="utf-8")
    assert any("has 2 slides; 25 to 40" in line for line in slides.faults(find("03")))


def test_a_progress_bar_is_over_on_a_slide():
    bar = {"text/plain": " 34%|###4      | 267/784", "application/vnd.jupyter.widget-view+json": {"model_id": "a"}}
    cell = v4.new_code_cell("1")
    cell.outputs = [v4.new_output("display_data", data=bar), v4.new_output("stream", name="stdout", text="16 pictures")]
    running.make_ready(notebook := v4.new_notebook(cells=[v4.new_markdown_cell("# A"), cell]))
    assert [output.output_type for output in notebook.cells[1].outputs] == ["stream"]


def test_a_widget_that_asks_the_kernel_is_refused():
    traits = {"_esm": 'const end = "</script>";', "state": {"layers": []}}
    made = running.live("a", NotebookNode(traits))
    assert "</script>" not in made.script
    for state in ({"layers": None}, {"request": {}}):
        with pytest.raises(BuildError, match="asks the kernel"):
            running.live("a", NotebookNode({**traits, "state": state}))


def test_without_npm_it_is_told_and_never_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PACKAGES", tmp_path)
    monkeypatch.setattr(writing.npm.shutil, "which", lambda name: None)
    with pytest.raises(BuildError, match="npm is missing"):
        writing.fetch_packages()


def test_packages_are_pinned_and_the_lock_names_no_address():
    wanted = json.loads((files.SOURCES / "package.json").read_text())["dependencies"]
    text = (files.SOURCES / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert "resolved" not in text
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")
