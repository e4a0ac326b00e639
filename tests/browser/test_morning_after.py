"""The morning after: a notebook that was saved and is opened again in a fresh kernel, in JupyterLab and in Notebook 7.

And how it looks there: lines that can be read, figures in the dark, on a narrow window and enlarged, by keyboard alone.
"""

import importlib.util
import json
import os
import shutil

import nbformat
import pytest

from genlib.course.lectures import find
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
            lab.folder = folder
            lab.open(NAME)
            lab.run_all()
            lab.page.evaluate("async () => { await window.panel.context.save(); }")
            lab.page.evaluate("async () => { await window.panel.sessionContext.shutdown(); }")
            yield lab
            assert lab.left_the_machine == [], "a request left the machine"
    finally:
        del os.environ["GENLIB_QUICK"]


def without_state(folder, name):
    """A copy of the saved notebook as it comes from where no state is saved: another Jupyter, Colab, VS Code."""
    notebook = nbformat.read(folder / NAME, as_version=4)
    del notebook.metadata["widgets"]
    nbformat.write(notebook, folder / name)


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
    without_state(saved.folder, "without.ipynb")
    saved.open("without.ipynb")
    picture = saved.page.locator(".jp-NotebookPanel:visible .gl-stored img")
    picture.wait_for()
    assert picture.evaluate("(image) => image.naturalWidth") > 100
    assert picture.get_attribute("alt")
    assert saved.page.get_by_text("Error displaying widget").count() == 0
    assert saved.page.get_by_text("Run the cells from the top, and it moves again").count() == 1


@pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="Notebook 7 is no part of the environment")
def test_notebook_7_opens_it_again_too(saved):
    without_state(saved.folder, "without.ipynb")
    saved.page.goto(f"{saved.address}/notebooks/{NAME}")
    saved.page.locator(".gl-paint canvas").first.wait_for()
    saved.page.goto(f"{saved.address}/notebooks/without.ipynb")
    saved.page.locator(".gl-stored img").first.wait_for()
