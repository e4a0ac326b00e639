"""One JupyterLab and one browser window for the tests of a module; or a page alone, for widgets without a kernel."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from genlib.lectures import available, find
from tests.browser.lab import FLAGS, browser_window, chromium, server


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder, state = tmp_path_factory.mktemp("my"), tmp_path_factory.mktemp("state")
    for lecture in available():
        shutil.copy(lecture.handed_out, folder)
    os.environ["GENLIB_QUICK"] = "1"
    try:
        with (
            server(folder, state) as address,
            browser_window(address, viewport={"width": 1280, "height": 1000}) as window,
        ):
            window.page.set_default_timeout(60_000)
            yield window
    finally:
        del os.environ["GENLIB_QUICK"]


@pytest.fixture
def opened(lab, request):
    """The lab with the notebook of the test's lecture open and run from top to bottom, unsolved."""
    lecture = find(request.param)
    lab.left_the_machine.clear()
    lab.open(lecture.handed_out.name)
    lab.run_all()
    yield lab
    assert lab.left_the_machine == [], "a request left the machine"


@pytest.fixture(scope="module")
def lecture(lab, request):
    """The lecture that the module names in LECTURE, opened and run once for all its tests, unsolved and quick."""
    name = find(request.module.LECTURE).handed_out.name
    lab.left_the_machine.clear()
    lab.open(name)
    lab.run_all()
    yield lab
    assert lab.left_the_machine == [], "a request left the machine"


@pytest.fixture(scope="module")
def browser():
    """A browser without a screen, for the tests of a module."""
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield window
        window.close()


@pytest.fixture(scope="module")
def page(browser):
    """A page of it; an error in its JavaScript fails the tests."""
    window = browser.new_page(viewport={"width": 1000, "height": 800})
    window.set_default_timeout(20_000)
    faults: list[str] = []
    window.on("pageerror", lambda error: faults.append(str(error)))
    yield window
    window.close()
    assert faults == []
