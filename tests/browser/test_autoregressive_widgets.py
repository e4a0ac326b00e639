"""completion and continuations on a bare page: an answer that is an error is told, and the next question is asked."""

import pytest
from playwright.sync_api import sync_playwright

from genlib import data, widgets
from tests.browser.lab import FLAGS, chromium


def made() -> dict:
    images = data.digits()[1].x[:2]
    return {
        "completion": widgets.completion(images, lambda x, *_: x.expand(8, 1, 8, 8), levels=17),
        "continuations": widgets.continuations(lambda prompt, *_: ([(prompt, "fine")], [("a", 0.5)]), characters="ab"),
    }


@pytest.fixture(scope="module")
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("name", ["completion", "continuations"])
def test_an_error_is_told_and_the_next_question_is_asked(page, name):
    widget = made()[name]
    source = (widgets.drawing.FOLDER / f"{name}.js").read_text(encoding="utf-8")
    page.set_content("<body><div id=widget></div></body>")
    page.evaluate(
        """async ([source, state]) => {
          const { draw } = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
          const element = document.getElementById('widget');
          window.told = [];
          element.addEventListener('moved', (event) => window.told.push(event.detail));
          window.again = (change) => draw(element, {...state, ...change});
          window.heat = (value) => {
            const slider = element.querySelector('input[aria-label=temperature]');
            slider.value = value;
            slider.dispatchEvent(new Event('input'));
          };
          draw(element, state);
        }""",
        [source, widget.state],
    )
    error = page.locator("#widget .error")
    assert "".join(error.all_inner_texts()) == ""
    page.evaluate("heat(2)")
    page.evaluate("heat(1.5)")  # while it waits: kept for later
    assert page.evaluate("told.map((request) => request.temperature)") == [2]
    page.evaluate("again({value: told[0], answered: told[0], error: 'RuntimeError: out of memory'})")
    assert "RuntimeError: out of memory" in error.inner_text()
    assert page.evaluate("told.map((request) => request.temperature)") == [2, 1.5]
    page.evaluate("again({value: told[1], answered: told[1], error: ''})")
    assert "".join(error.all_inner_texts()) == ""
