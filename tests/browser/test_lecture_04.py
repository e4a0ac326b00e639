"""Lecture 04 in a browser: water and price by mouse and keyboard, completions, and the characters' sliders."""

import pytest

from genlib import data
from genlib.widgets.rate_distortion.widget import rate_distortion
from tests.browser.looks import Looks
from tests.browser.page import at_rest

LECTURE = "04"


def numbers(widget) -> dict[str, float]:
    found = widget.evaluate("({dataset: {rate, distortion, used}}) => ({rate, distortion, used})")
    return {name: float(value) for name, value in found.items()}


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_dragging_the_water_up_darkens_latents_and_lowers_the_rate(lecture):
    widget = lecture.widget(".gl-rd")
    svg = widget.locator("svg.water")
    svg.scroll_into_view_if_needed()
    before = numbers(widget)
    lecture.drag(svg, (0.5, 0.55), (0.5, 0.25))
    after = numbers(widget)
    assert after["used"] < before["used"]
    assert after["rate"] < before["rate"]
    assert after["distortion"] > before["distortion"]
    assert f"{after['used']:.0f} of 32 latents" in widget.locator(".say").inner_text()


@pytest.mark.parametrize("key", ["beta", "sigma"])
def test_a_key_moves_the_price_and_the_numbers_are_those_of_python(lecture, key):
    widget = lecture.widget(".gl-rd")
    dial = widget.locator(f"input[name={key}]")
    dial.focus()
    before, picture = numbers(widget), widget.locator("canvas").nth(9).evaluate("node => node.toDataURL()")
    for _ in range(8):
        lecture.page.keyboard.press("ArrowRight")
    after = numbers(widget)
    assert after != before, "JupyterLab took the keys"
    assert widget.locator("canvas").nth(9).evaluate("node => node.toDataURL()") != picture
    beta, sigma = (float(widget.locator(f"label:has(input[name={k}]) .num").inner_text()) for k in ("beta", "sigma"))
    expected = rate_distortion(data.digits()[0].x / 16, beta=beta, sigma=sigma).numbers
    for name, value in after.items():
        assert value == pytest.approx(expected[name], abs=1e-6)


def test_the_button_goes_back_to_the_bound(lecture):
    widget = lecture.widget(".gl-rd")
    widget.get_by_role("button", name="β = 1").click()
    assert "the least that this σ allows" in widget.locator(".say").inner_text()


def test_a_painted_half_gets_eight_other_answers_and_another_mean(lecture):
    widget = lecture.widget(".gl-complete")
    widget.scroll_into_view_if_needed()
    assert widget.locator("input[type=range]").count() == 1, "how much is given can't be moved"
    look = "node => [...node.querySelectorAll('canvas')].slice(-9).map(c => c.toDataURL())"
    before = widget.evaluate(look)
    widget.get_by_role("button", name="picture 3").click()
    lecture.page.wait_for_function(
        "([node, look, before]) => eval(look)(node).every((url, i) => url !== before[i])",
        arg=[widget.element_handle(), look, before],
    )


def test_a_slider_moves_a_latent_of_the_characters(lecture):
    pad = lecture.widget(".gl-pad")
    slider = pad.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    out = "node => node.querySelector('canvas.out').toDataURL()"
    before = pad.evaluate(out)
    lecture.drag(slider, (0.5, 0.5), (0.95, 0.5))
    at_rest(lecture.page, ".jp-NotebookPanel:not(.lm-mod-hidden) .gl-pad")
    assert pad.evaluate(out) != before


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
