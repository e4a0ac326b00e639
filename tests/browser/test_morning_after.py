"""The morning after: a notebook that was saved and is opened again in a fresh kernel, in JupyterLab and in Notebook 7.

And how it looks there: lines that can be read, figures in the dark, on a narrow window and enlarged, by keyboard alone.
"""

import json
import os
import shutil

import nbformat
import pytest
from nbformat import sign

from genlib.lectures import find
from tests.browser.lab import browser_window, server

NAME = find("00").handed_out.name
WIDGET = ".jp-NotebookPanel:visible .gl-paint canvas"
STATE = "application/vnd.jupyter.widget-state+json"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A lab with lecture 00, opened, run from top to bottom, saved, and its kernel ended."""
    folder, state = tmp_path_factory.mktemp("my"), tmp_path_factory.mktemp("state")
    shutil.copy(find("00").handed_out, folder)
    os.environ["GENLIB_QUICK"] = "1"
    try:
        with server(folder, state) as address, browser_window(address, viewport={"width": 1280, "height": 900}) as lab:
            lab.page.set_default_timeout(60_000)
            lab.folder, lab.data = folder, state / "jupyter_data_dir"
            lab.open(NAME)
            lab.run_all()
            lab.page.evaluate("async () => { await window.panel.context.save(); }")
            lab.page.evaluate("async () => { await window.panel.sessionContext.shutdown(); }")
            yield lab
            assert lab.left_the_machine == [], "a request left the machine"
    finally:
        del os.environ["GENLIB_QUICK"]


def without_state(lab, name, *, trusted):
    """The saved notebook as it comes from where no state is saved: another Jupyter, Colab, VS Code."""
    notebook = nbformat.read(lab.folder / NAME, as_version=4)
    del notebook.metadata["widgets"]
    notebook.metadata["trusted_by_the_test"] = trusted  # what was signed once is trusted under any name
    nbformat.write(notebook, lab.folder / name)
    if trusted:
        sign.NotebookNotary(data_dir=str(lab.data)).sign(nbformat.read(lab.folder / name, as_version=4))


def test_a_saved_notebook_holds_the_state_and_beside_each_widget_its_picture(saved):
    notebook = json.loads((saved.folder / NAME).read_text(encoding="utf-8"))
    models = notebook["metadata"]["widgets"][STATE]["state"]
    views = [
        output["data"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert views
    for data in views:
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] in models
        assert data["image/png"], "VS Code and the web show this"
    assert len(json.dumps(models)) < 200_000, "the state of one widget is small"


def test_saved_and_opened_again_the_widget_is_there_and_can_be_painted_on(saved):
    saved.open(NAME)
    canvas = saved.page.locator(WIDGET).first
    canvas.wait_for()
    assert saved.page.get_by_text("Error displaying widget").count() == 0
    canvas.scroll_into_view_if_needed()
    before = saved.look(canvas.locator("xpath=.."))
    saved.drag(canvas, (0.1, 0.9), (0.9, 0.9))
    assert saved.look(canvas.locator("xpath=..")) != before, "no cell was run, and it can be drawn on"


def test_where_the_state_is_missing_the_stored_picture_shows(saved):
    """Where the notebook is trusted, as one's own is, Jupyter alone would show an error in its place."""
    without_state(saved, "without.ipynb", trusted=True)
    saved.open("without.ipynb")
    picture = saved.page.locator(".jp-NotebookPanel:visible .gl-stored img")
    picture.wait_for()
    assert picture.evaluate("(image) => image.naturalWidth") > 100
    assert picture.get_attribute("alt")
    assert saved.page.get_by_text("Error displaying widget").count() == 0
    assert saved.page.get_by_text("Run the cells from the top, and it moves again").count() == 1


def test_where_the_notebook_is_not_trusted_the_stored_picture_shows_too(saved):
    without_state(saved, "strange.ipynb", trusted=False)
    saved.open("strange.ipynb")
    index = next(i for i, cell in enumerate(saved.cells()) if "widgets.paint(" in cell["source"])
    cell = saved.page.locator(".jp-NotebookPanel:visible .jp-Notebook > .jp-WindowedPanel-outer .jp-Cell").nth(index)
    cell.locator(".jp-RenderedImage img").wait_for()
    assert saved.page.get_by_text("Error displaying widget").count() == 0


def test_notebook_7_opens_it_again_too(saved):
    without_state(saved, "without.ipynb", trusted=True)
    saved.page.goto(f"{saved.address}/notebooks/{NAME}")
    saved.page.locator(".gl-paint canvas").first.wait_for()
    saved.page.goto(f"{saved.address}/notebooks/without.ipynb")
    saved.page.locator(".gl-stored img").first.wait_for()


# How it looks ---------------------------------------------------------------------------------------------------------

THEME = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
LINES = """() => {
  const lengths = [];
  for (const paragraph of document.querySelectorAll('.jp-NotebookPanel .jp-RenderedMarkdown > p')) {
    const text = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    const rows = new Map();
    if (paragraph.querySelector('mjx-container')) continue;
    for (let node = text.nextNode(); node; node = text.nextNode()) {
      for (let i = 0; i < node.length; i += 1) {
        const range = document.createRange();
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        const top = Math.round(range.getBoundingClientRect().bottom / 8);
        rows.set(top, (rows.get(top) ?? 0) + 1);
      }
    }
    lengths.push(...rows.values());
  }
  return lengths;
}"""
# What stands beyond the edge of its text or widget; a wide table may, where it can be scrolled.
PLACES = ".jp-NotebookPanel :is(.jp-RenderedMarkdown, .jp-RenderedImage, .gl-paint)"
OVERFLOW = """(places) => [...document.querySelectorAll(places)].flatMap((node) => {
  const edge = node.getBoundingClientRect().right + 2;
  const scrolls = getComputedStyle(node).overflowX === 'auto';
  return [...node.querySelectorAll('*')]
    .filter((part) => part.getBoundingClientRect().right > edge && !(scrolls && part.closest('table')))
    .map((part) => part.tagName + part.textContent.slice(0, 60));
})"""


def test_lines_have_about_80_characters(saved):
    saved.open(NAME)
    saved.page.locator(WIDGET).first.wait_for()
    # Texts are typeset one after the other, and the first of them long before the last.
    saved.page.wait_for_function(
        f"() => {{ const all = ({LINES})(); return all.length > 20 && Math.max(...all) > 70; }}"
    )
    lengths = saved.page.evaluate(LINES)
    assert 70 < max(lengths) < 100, sorted(lengths)[-5:]


@pytest.mark.parametrize(("width", "zoom"), [(1100, 1.0), (1280, 1.5)])
def test_a_narrow_window_and_an_enlarged_one_lose_nothing(saved, width, zoom):
    saved.page.set_viewport_size({"width": int(width / zoom), "height": 900})  # zoom is fewer pixels of the page
    try:
        saved.open(NAME)
        saved.page.locator(WIDGET).first.wait_for()
        assert saved.page.evaluate(OVERFLOW, PLACES) == []
        assert max(saved.page.evaluate(LINES)) < 100
    finally:
        saved.page.set_viewport_size({"width": 1280, "height": 900})


def test_figures_are_framed_in_the_dark_and_plain_in_the_light(saved):
    saved.open(NAME)
    image = saved.page.locator(".jp-NotebookPanel:visible .jp-RenderedImage img").first
    image.wait_for()
    frame = "(image) => getComputedStyle(image).borderTopWidth"
    try:
        saved.page.evaluate(THEME, "JupyterLab Dark")
        saved.page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
        assert image.evaluate(frame) == "6px"
    finally:
        saved.page.evaluate(THEME, "JupyterLab Light")
    saved.page.wait_for_function("() => document.body.dataset.jpThemeLight === 'true'")
    assert image.evaluate(frame) == "0px"


def test_a_lecture_is_walked_by_keyboard_alone(saved):
    """Shift + Enter from the first cell to the last: every cell has run, and the exercise is answered by typing."""
    saved.open(NAME)
    saved.page.locator(".jp-NotebookPanel:visible .jp-Notebook").focus()
    saved.page.evaluate("() => { window.panel.content.activeCellIndex = 0; window.panel.content.mode = 'command'; }")
    answer = saved.index("uniform_log_prob", check=False)
    for _ in range(answer):
        saved.page.keyboard.press("Shift+Enter")
    saved.page.keyboard.press("Enter")  # into the cell
    saved.page.keyboard.press("ControlOrMeta+A")
    saved.page.keyboard.insert_text(
        "def uniform_log_prob(dimensions, levels):\n    return -dimensions * math.log(levels)"
    )
    for _ in range(2):
        saved.page.keyboard.press("Shift+Enter")
    saved.page.wait_for_function(
        "(i) => window.panel.content.widgets[i].model.outputs.toJSON().length > 1", arg=answer + 1
    )
    outputs = saved.cells()[answer + 1]["outputs"]
    assert "".join(outputs[0]["text"]).startswith("✓ Exercise 0.1")
    assert "1 of 1" in outputs[1]["data"]["text/html"], "success shows in colour"
