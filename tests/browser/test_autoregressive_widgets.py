"""completion and continuations on a bare page: an answer that is an error is told, and the next question is asked."""

import pytest

from genlib import data, widgets
from tests.browser.page import show


def made() -> dict:
    images = data.digits()[1].x[:2]
    return {
        "completion": widgets.completion(images, lambda x, *_: x.expand(8, 1, 8, 8), levels=17),
        "continuations": widgets.continuations(lambda prompt, *_: ([(prompt, "fine")], [("a", 0.5)]), characters="ab"),
    }


@pytest.mark.parametrize("name", ["completion", "continuations"])
def test_an_error_is_told_and_the_next_question_is_asked(page, name):
    widget = made()[name]
    show(page, widget)
    page.evaluate(
        """() => {
          window.heat = (value) => {
            const slider = window.element.querySelector('input[aria-label=temperature]');
            slider.value = value;
            slider.dispatchEvent(new Event('input'));
          };
        }"""
    )
    error = page.locator("#here .error")
    assert "".join(error.all_inner_texts()) == ""
    page.evaluate("heat(2)")
    page.evaluate("heat(1.5)")  # while it waits: kept for later
    assert page.evaluate("told.map((request) => request.temperature)") == [2]
    page.evaluate("redraw({value: told[0], answered: told[0], error: 'RuntimeError: out of memory'})")
    assert "RuntimeError: out of memory" in error.inner_text()
    assert page.evaluate("told.map((request) => request.temperature)") == [2, 1.5]
    page.evaluate("redraw({value: told[1], answered: told[1], error: ''})")
    assert "".join(error.all_inner_texts()) == ""
