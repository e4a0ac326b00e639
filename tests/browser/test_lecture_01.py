"""Lecture 01: a Gaussian is dragged over two modes, and both divergences follow."""

import re

import torch

from genlib.course.exercises.lecture_01 import kl_of_gaussians
from tests.browser.looks import Looks

LECTURE = "01"


def numbers(widget) -> dict[str, float]:
    """What the widget shows: the two divergences in nats, and where q is."""
    text = widget.locator(".now").inner_text().replace("−", "-")
    mean, width = re.match(r"now: μ = (-?[\d.]+), σ = ([\d.]+)", text).groups()
    shown = {name: float(widget.locator(f"span.{name}").inner_text().split()[0]) for name in ("forward", "reverse")}
    return {**shown, "mean": float(mean), "width": float(width)}


def drag(lab, knob, dx: float, dy: float = 0.0) -> None:
    knob.scroll_into_view_if_needed()
    box = knob.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + dx, y + dy, steps=10)
    lab.page.mouse.up()


def start_again(lecture):
    widget = lecture.widget(".gl-kl")
    widget.get_by_role("button", name="Start again").click()
    assert numbers(widget)["mean"] == 0
    return widget


def descend(lecture, widget, name: str) -> dict[str, float]:
    """Presses a button and waits until q rests."""
    widget.get_by_role("button", name=name).click()
    rests = """async (node) => {
      for (let last = null, same = 0; same < 5;) {
        await new Promise((r) => requestAnimationFrame(r));
        same = node.innerText === last ? same + 1 : 0;
        last = node.innerText;
      }
    }"""
    widget.locator(".side").evaluate(rests)
    return numbers(widget)


def test_the_lecture_runs_without_a_fault(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_dragging_the_knobs_moves_and_widens_q(lecture):
    widget = start_again(lecture)
    before, picture = numbers(widget), lecture.look(widget)
    drag(lecture, widget.locator(".knob.mean"), -71)  # 494 units of the picture are 14 of x
    moved = numbers(widget)
    assert -2.2 < moved["mean"] < -1.8
    assert moved["width"] == before["width"]
    assert moved["reverse"] < before["reverse"], "q sits on a mode now"
    assert moved["forward"] > before["forward"], "and has left the other"
    assert lecture.look(widget) != picture
    drag(lecture, widget.locator(".knob.width"), 60)
    assert numbers(widget)["width"] > 2
    lowest = widget.get_by_text("lowest so far").first
    assert lowest.is_visible()


def test_the_arrow_keys_do_it_too(lecture):
    widget = start_again(lecture)
    widget.locator(".knob.mean").focus()
    for _ in range(4):
        lecture.page.keyboard.press("ArrowRight")
    lecture.page.keyboard.press("ArrowUp")
    assert numbers(widget)["mean"] == 0.2
    assert numbers(widget)["width"] == 1.05
    widget.locator(".knob.width").focus()
    lecture.page.keyboard.press("Shift+ArrowRight")
    assert numbers(widget)["width"] == 1.3
    focused = lecture.page.evaluate("document.activeElement.getAttribute('class')")
    assert focused == "knob width", "JupyterLab took the keys"


def test_descent_covers_or_seeks(lecture):
    widget = start_again(lecture)
    covering = descend(lecture, widget, "Descend KL(p‖q)")
    assert abs(covering["mean"] + 0.4) < 0.02  # the moments of 0.6 N(-2, 0.36) + 0.4 N(2, 0.36)
    assert abs(covering["width"] - (0.36 + 3.84) ** 0.5) < 0.02
    ends = []
    for key in ("ArrowLeft", "ArrowRight"):
        start_again(lecture)
        widget.locator(".knob.mean").focus()
        for _ in range(6):
            lecture.page.keyboard.press(f"Shift+{key}")
        ends.append(descend(lecture, widget, "Descend KL(q‖p)"))
    assert abs(ends[0]["mean"] + 2) < 0.05
    assert abs(ends[1]["mean"] - 2) < 0.05
    assert ends[0]["reverse"] < ends[1]["reverse"]
    start_again(lecture)
    between = descend(lecture, widget, "Descend KL(q‖p)")
    assert abs(between["reverse"] - 1.1436) < 2e-3, "the third place, wide over both, that the text speaks of"
    assert between["reverse"] > ends[1]["reverse"]


def test_with_one_mode_the_numbers_are_those_of_the_formula(lecture):
    widget = start_again(lecture)
    slider = widget.locator("input[type=range]")
    slider.focus()
    lecture.page.keyboard.press("Home")
    assert slider.input_value() == "0"
    shown = numbers(widget)
    there, back = (0.0, 0.6, 0.0, 1.0), (0.0, 1.0, 0.0, 0.6)
    for name, pair in (("forward", there), ("reverse", back)):
        assert abs(shown[name] - kl_of_gaussians(*torch.tensor(pair)).item()) < 1e-3


def test_a_second_view_shows_the_same(lecture):
    widget = start_again(lecture)
    widget.locator(".knob.mean").focus()
    for _ in range(3):
        lecture.page.keyboard.press("Shift+ArrowRight")
    index = next(i for i, c in enumerate(lecture.cells()) if "widgets.two_divergences(" in c["source"])
    lecture.page.evaluate(
        "async (i) => { const run = (c) => window.jupyterapp.commands.execute(c);"
        " window.panel.content.activeCellIndex = i;"
        " await run('notebook:create-output-view'); }",
        index,
    )
    views = lecture.page.locator(".gl-kl")
    views.nth(1).wait_for()
    texts = [views.nth(k).locator(".now").inner_text() for k in (0, 1)]
    assert texts[0] == texts[1]
    assert "0.75" in texts[0]


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
