"""Lecture 03 in a browser: the ELBO by hand, reparameterization and the latent plane, by mouse and by keyboard."""

import pytest

from genlib.widgets.elbo_by_hand.widget import exact
from tests.browser.looks import Looks

LECTURE = "03"


def numbers(widget) -> dict[str, float]:
    data = widget.evaluate("({dataset: {theme, ...numbers}}) => numbers")
    return {name: float(value) for name, value in data.items()}


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def q_of(widget) -> tuple[float, float]:
    values = [widget.locator(f"[data-handle={key}]").get_attribute("aria-valuenow") for key in ("mean", "sd")]
    return float(values[0]), float(values[1])


def test_dragging_q_onto_the_posterior_closes_the_gap(lecture):
    widget = lecture.widget(".gl-elbo")
    svg = widget.locator("svg")
    svg.scroll_into_view_if_needed()
    before = numbers(widget)
    mean, _ = q_of(widget)
    width = 720 / 760 / 8  # of the picture, for one unit of z
    lecture.drag(svg, (0.5 + mean * width, 0.45), (0.5 + 0.96 * width, 0.45))
    mean, sd = q_of(widget)
    assert abs(mean - 0.96) < 0.03
    assert numbers(widget)["gap"] < before["gap"]
    handle = widget.locator("[data-handle=sd] circle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    unit = svg.bounding_box()["width"] * width
    lecture.page.mouse.move(x, y)
    lecture.page.mouse.down()
    lecture.page.mouse.move(x + (0.6 - sd) * unit, y, steps=8)
    lecture.page.mouse.up()
    assert abs(q_of(widget)[1] - 0.6) < 0.03
    assert numbers(widget)["gap"] < 0.01
    assert "gap 0.0" in widget.locator(".say").inner_text()


@pytest.mark.parametrize("posterior", ["bimodal", "gaussian"])
def test_the_numbers_in_the_browser_are_those_of_python(lecture, posterior):
    widget = lecture.widget(".gl-elbo")
    widget.locator(f"input[value={posterior}]").check()
    for key, presses in (("mean", ["ArrowRight"] * 3), ("sd", ["ArrowDown", "Shift+ArrowUp"])):
        handle = widget.locator(f"[data-handle={key}]")
        handle.focus()
        before = q_of(widget)
        for press in presses:
            lecture.page.keyboard.press(press)
        assert q_of(widget) != before, "JupyterLab took the keys"
    mean, sd = q_of(widget)
    shown, expected = numbers(widget), exact(posterior, mean, sd)
    for name, value in expected.items():
        assert abs(shown[name] - value) < 1e-6, (name, shown[name], value)


def test_the_two_terms_are_shown_where_asked(lecture):
    widgets = lecture.page.locator(".jp-NotebookPanel:visible .gl-elbo")
    assert [widgets.nth(i).locator("text=its two terms").count() for i in range(2)] == [0, 1]
    shown = numbers(widgets.nth(1))
    assert abs(shown["reconstruction"] - shown["kl"] - shown["elbo"]) < 1e-9


def test_moving_mu_moves_the_samples_and_keeps_the_noise(lecture):
    widget = lecture.widget(".gl-rep")
    slider = widget.locator("input[data-key=mean]")
    slider.scroll_into_view_if_needed()
    places = "node => [...node.querySelectorAll('svg circle')].map(c => c.getAttribute('cx'))"
    before, noise = numbers(widget), widget.locator("svg").evaluate(places)
    lecture.drag(slider, (0.4, 0.5), (0.7, 0.5))
    after, moved = numbers(widget), widget.locator("svg").evaluate(places)
    assert after["meanpath"] != before["meanpath"]
    assert after["meanscore"] != before["meanscore"]
    assert noise[0] == moved[0], "the noise moved"
    assert noise[1] != moved[1], "the sample stayed"


def test_a_constant_added_by_keyboard_moves_the_score_alone(lecture):
    widget = lecture.widget(".gl-rep")
    slider = widget.locator("input[data-key=offset]")
    slider.focus()
    before = numbers(widget)
    for _ in range(10):
        lecture.page.keyboard.press("ArrowRight")
    after = numbers(widget)
    assert slider.input_value() == "0.5"
    assert after["meanpath"] == before["meanpath"]
    assert after["meanexact"] == before["meanexact"]
    assert after["meanscore"] != before["meanscore"]


def test_new_noise_is_new(lecture):
    widget = lecture.widget(".gl-rep")
    before = numbers(widget)
    widget.get_by_role("button", name="New noise").click()
    after = numbers(widget)
    assert after["meanpath"] != before["meanpath"]
    assert after["meanexact"] == before["meanexact"]


OUT = "node => node.querySelector('canvas.out').toDataURL()"
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("which", [0, 1], ids=["digits", "letters"])
def test_walking_in_the_latent_plane(lecture, which):
    pad = lecture.page.locator(".jp-NotebookPanel:visible .gl-pad").nth(which)
    pad.scroll_into_view_if_needed()
    plane = pad.locator("canvas.plane")
    before = pad.evaluate(OUT)
    lecture.drag(plane, (0.5, 0.5), (0.25, 0.7))
    lecture.page.evaluate(FRAME)
    dragged = pad.evaluate(OUT)
    assert dragged != before
    plane.focus()
    for _ in range(8):
        lecture.page.keyboard.press("ArrowRight")
    lecture.page.evaluate(FRAME)
    assert pad.evaluate(OUT) != dragged, "JupyterLab took the keys"


def test_a_slider_moves_a_latent_of_the_letters(lecture):
    pad = lecture.page.locator(".jp-NotebookPanel:visible .gl-pad").nth(1)
    slider = pad.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    before = pad.evaluate(OUT)
    lecture.drag(slider, (0.5, 0.5), (0.95, 0.5))
    lecture.page.evaluate(FRAME)
    assert pad.evaluate(OUT) != before


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
