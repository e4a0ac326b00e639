"""Widgets of lecture 10, each on a bare page: a network that learns, by hand and by keys, and frames in time."""

import json

import pytest
import torch

from genlib import widgets
from tests.browser.page import at_rest, show, told
from tests.browser.widgets_of_diffusion import guided, scrubber

PLAIN = "margin: 0; background: #ffffff"
LOOK = "() => [...document.querySelectorAll('#here canvas')].map((node) => node.toDataURL()).join()"


@pytest.fixture(autouse=True)
def fresh(page):
    page.goto("about:blank")
    page.set_viewport_size({"width": 1100, "height": 800})


def said(page):
    return page.locator("#here .say").inner_text()


# Draw your own density ------------------------------------------------------------------------------------------------


def test_a_network_learns_and_python_reads_what_it_learned(page):
    widget = widgets.draw_density()
    show(page, widget, PLAIN)
    before = page.evaluate("() => window.root().studio.error")
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("() => window.root().studio.learner.steps >= 60")
    page.get_by_role("button", name="Pause").click()
    at_rest(page)
    widget.value = told(page)
    assert widget.steps >= 60
    assert page.evaluate("() => window.root().studio.error") < 0.5 * before
    assert said(page).startswith(f"{widget.steps} steps. Over all times: loss")
    x = torch.tensor([[0.3, -1.0], [2.0, 0.1]])
    ask = """([score, x]) => {
      const out = new Float64Array(4);
      window.root().studio.eps(score)(Float64Array.from(x), Float64Array.from([0.4, 0.4]), out);
      return [...out];
    }"""
    for name, mine in (("learned", widget.learned), ("exact", widget.exact)):
        theirs = page.evaluate(ask, [name, x.flatten().tolist()])
        assert theirs == pytest.approx(mine(x, 0.4).flatten().tolist(), abs=1e-4)


def test_data_are_drawn_by_hand_and_by_keys_and_cleared(page):
    show(page, widgets.draw_density(), PLAIN)
    plane = page.locator("#here canvas.plane").first
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    drawn = torch.tensor(told(page)["points"])
    assert told(page)["preset"] == "your own"
    assert len(drawn) == 2 * 6
    assert drawn[:, 0].min() < -1.2
    assert drawn[:, 0].max() > 1.2
    assert drawn[:, 1].abs().max() < 0.5
    plane.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", " "):
        page.keyboard.press(key)
    assert torch.tensor(told(page)["points"])[-1, 1].item() == pytest.approx(0.8, abs=0.4)
    page.get_by_role("button", name="Clear").click()
    assert told(page)["points"] == []
    assert said(page) == "There is nothing yet: draw on a plane."
    page.keyboard.press("Tab")
    page.locator("#here select[name=preset]").select_option("two moons")
    assert told(page)["preset"] == "two moons"


def test_time_runs_from_noise_to_data(page):
    show(page, widgets.draw_density(), PLAIN)
    page.locator("#here input[name=t]").fill("0.3")
    assert told(page)["t"] == 0.3
    assert "At t = 0.30 its error is" in said(page)
    middle = page.evaluate(LOOK)
    page.get_by_role("button", name="From noise to data").click()
    page.wait_for_function("() => document.querySelector('#here input[name=t]').value === '0'", timeout=30_000)
    assert page.evaluate(LOOK) != middle
    page.wait_for_function("() => window.told.at(-1).t === 0")


def test_score_way_and_ground_of_a_plane_are_chosen(page):
    show(page, widgets.draw_density(), PLAIN)
    page.locator("#here input[name=t]").fill("0.2")
    at_rest(page)
    before = page.evaluate(LOOK)
    page.get_by_role("radiogroup", name="way of the left plane").get_by_label("SDE").check()
    at_rest(page)
    other = page.evaluate(LOOK)
    assert other != before, "the same noise at the start, and more on the way"
    page.locator("#here select[name=ground]").select_option("error")
    at_rest(page)
    assert page.evaluate(LOOK) != other


def test_a_second_view_takes_what_was_learned(page):
    show(page, widgets.draw_density(), PLAIN)
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("() => window.root().studio.learner.steps >= 10")
    page.get_by_role("button", name="Pause").click()
    value = told(page)
    show(page, widgets.draw_density(), PLAIN)
    page.evaluate(f"again({json.dumps(value)})")
    assert page.evaluate("() => window.root().studio.learner.steps") == value["steps"]


# By the processor time of the page's own thread, whoever else computes: a frame of 50 in a second has 20 ms.
def test_a_frame_of_training_leaves_time_for_fifty_a_second(page):
    show(page, widgets.draw_density(), PLAIN)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    spent = lambda: {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}  # noqa: E731
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("() => window.root().studio.learner.steps >= 20")
    count = """() => new Promise((done) => {
      let n = 0;
      const next = () => (n++ < 40 ? requestAnimationFrame(next) : done(n));
      next();
    })"""
    before = spent()["TaskDuration"]
    page.evaluate(count)
    each = (spent()["TaskDuration"] - before) / 40
    page.get_by_role("button", name="Pause").click()
    assert each < 0.02, f"{1000 * each:.1f} ms a frame"


# The scrubber ---------------------------------------------------------------------------------------------------------


def test_the_way_is_scrubbed_and_walked(page):
    widget = scrubber()
    show(page, widget, PLAIN)
    state = lambda: page.evaluate("() => ({...window.root().dataset})")  # noqa: E731
    assert state()["steps"] == "10"
    page.locator("#here input[name=at]").fill("1")
    assert told(page) == {"mode": "from noise", "choice": 2, "at": 1}
    assert said(page).startswith("After 10 steps these are samples.")
    ends = page.evaluate(LOOK)
    page.locator("#here input[name=steps]").fill("0")
    assert said(page).startswith("After 1 step these are samples.")
    assert page.evaluate(LOOK) != ends
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.told.at(-1).at === 1 && window.told.length > 3", timeout=20_000)


def test_the_error_on_a_known_picture_is_that_of_the_frames(page):
    widget = scrubber()
    show(page, widget, PLAIN)
    page.get_by_label("a known picture").check()
    assert page.locator("#here input[name=steps]").is_disabled()
    page.locator("#here input[name=at]").fill("0.2")
    widget.value = told(page)
    _, x, eps = widget.frames
    truth, noise = (torch.tensor(widget.state[name]).view_as(x) for name in ("truths", "noises"))
    errors = [(a - b).square().mean().item() for a, b in ((x, truth), (eps, noise))]
    assert f"x̂ {errors[0]:.3f}, ε̂ {errors[1]:.3f}" in said(page)


# Guidance -------------------------------------------------------------------------------------------------------------

MEAN = "(name) => { const p = window.root().guided[name]; let s = 0; for (let i = 0; i < p.length; i += 2) s += p[i]; return s / (p.length / 2); }"  # noqa: E501


def test_a_larger_weight_drives_samples_out_of_their_class(page):
    show(page, guided(), PLAIN)
    page.locator("#here input[name=w]").fill("1")
    one = page.evaluate(MEAN, "places")
    assert told(page)["w"] == 1
    assert one == pytest.approx(-0.6, abs=0.15)
    page.locator("#here input[name=w]").fill("8")
    assert page.evaluate(MEAN, "places") < one - 0.6
    assert page.evaluate(MEAN, "wanted") > one - 0.25
    assert said(page).startswith("w = 8.0: class A, exaggerated.")
    assert page.locator("#here .rows .now").inner_text() == "w = 2", "the nearest of those that were stored"
    page.get_by_label("class B").check()
    assert told(page)["asked"] == 1
    assert page.evaluate(MEAN, "places") > 1


def test_a_centre_is_dragged_and_moved_by_keys(page):
    show(page, guided(), PLAIN)
    plane = page.locator("#here canvas.plane").first
    box = plane.bounding_box()
    at = lambda x, y: (box["x"] + (x / 6.4 + 0.5) * box["width"], box["y"] + (0.5 - y / 6.4) * box["height"])  # noqa: E731
    page.mouse.move(*at(2.0, -1.2))
    page.mouse.down()
    page.mouse.move(*at(1.0, -1.0), steps=4)
    page.mouse.up()
    assert told(page)["classes"][1][1] == pytest.approx([1.0, -1.0], abs=0.02)
    page.keyboard.press("n")
    page.keyboard.press("ArrowRight")
    assert told(page)["classes"][0][0] == pytest.approx([-0.5, 1.2], abs=1e-6)
    before = page.evaluate("() => window.told.length")
    page.mouse.click(*at(-2.5, 0))
    assert page.evaluate("() => window.told.length") == before, "there is nothing to take hold of"


# Schedules ------------------------------------------------------------------------------------------------------------


def test_a_handle_moves_the_ladder_and_not_the_total(page):
    widget = widgets.schedules()
    show(page, widget, PLAIN)
    start = page.evaluate("() => window.root().schedule")
    assert start["total"] == pytest.approx(widget.total, abs=2e-3)
    handle = page.locator("#here .handle").nth(3)
    box = handle.locator("circle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 25, steps=4)
    page.mouse.up()
    assert told(page)["handles"][3] > 3
    moved = page.evaluate("() => window.root().schedule")
    assert moved["total"] == pytest.approx(start["total"], abs=5e-3)
    assert abs(moved["ladder"] - start["ladder"]) > 0.01
    page.keyboard.press("Shift+ArrowDown")
    assert told(page)["handles"][3] < 3
    page.locator("#here .handle").first.focus()
    page.keyboard.press("ArrowDown")
    widget.value = told(page)
    assert widget.handles[0] == 7.5
    ended = page.evaluate("() => window.root().schedule")
    assert ended["total"] == pytest.approx(widget.total, abs=5e-3) != pytest.approx(start["total"], abs=0.1)
    assert "You moved an end: now the total is another." in said(page)


def test_handles_do_not_pass_each_other_and_shapes_keep_the_ends(page):
    show(page, widgets.schedules(), PLAIN)
    page.locator("#here .handle").nth(3).focus()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowUp")
    assert told(page)["handles"][2:4] == [4, 3.9]
    for name in ("a line", "cosine", "linear β", "pay evenly"):
        page.get_by_role("button", name=name).click()
        handles = told(page)["handles"]
        assert (handles[0], handles[-1]) == pytest.approx((8, -6), abs=2e-3)
        assert handles == sorted(handles, reverse=True)
    assert page.evaluate("() => window.root().schedule.spread") < 2.0, "as evenly as eight handles can; a line has 3.3"
    page.locator("#here select[name=data]").select_option("four levels")
    assert told(page)["data"] == "four levels"
    page.locator("#here input[name=rungs]").fill("100")
    assert told(page)["rungs"] == 100
    page.get_by_role("button", name="Start again").click()
    assert told(page)["handles"] == [8, 6, 4, 2, 0, -2, -4, -6]
