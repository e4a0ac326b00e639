"""Widgets of lecture 08, each on a bare page: networks in the browser, by hand and by keys, and in the dark."""

import json

import pytest
import torch

from genlib import widgets
from tests.browser.page import at_rest, show, told
from tests.browser.widgets_of_gans import DIGITS, kinds_pad, paler, stored, translators

PLAIN = "margin: 0; background: #ffffff"
LOOK = "() => [...document.querySelectorAll('#here canvas')].map((node) => node.toDataURL()).join()"


@pytest.fixture(autouse=True)
def fresh(page):
    page.goto("about:blank")
    page.set_viewport_size({"width": 1100, "height": 800})


def dataset(page):
    return page.evaluate("() => ({...window.root().dataset})")


# There and back -------------------------------------------------------------------------------------------------------


def test_the_browser_translates_as_torch_does(page):
    widget = translators()
    show(page, widget, PLAIN)
    x = 2 * widget.picture.flatten() - 1
    made = page.evaluate("(x) => [...window.root().nets.forth(x)]", x.tolist())
    assert torch.allclose((torch.tensor(made) + 1) / 2, widget.translated.flatten(), atol=1e-5)
    off = dataset(page)
    assert {name: float(off[name]) for name in widget.off} == pytest.approx(widget.off, abs=1e-4)


def test_another_character_is_chosen_and_its_truth_with_it(page):
    show(page, paler(), PLAIN)
    assert float(dataset(page)["there"]) == pytest.approx(0, abs=1e-6)
    assert float(dataset(page)["nothing"]) == pytest.approx((DIGITS[0] / 32).float().mean().item(), abs=1e-6)
    page.get_by_role("button", name="character 3").click()
    assert told(page) == {"choice": 2, "image": None, "noise": 0}
    assert float(dataset(page)["nothing"]) == pytest.approx((DIGITS[2] / 32).float().mean().item(), abs=1e-6)
    assert page.get_by_role("button", name="character 3").get_attribute("aria-pressed") == "true"
    assert "doing nothing would be off by" in page.locator("#here .say").inner_text()


def test_what_is_painted_is_translated_and_has_no_truth(page):
    show(page, paler(), PLAIN)
    others = LOOK.replace("canvas", "canvas:not(.hand)")  # which shows the cursor, too
    before = page.evaluate(others)
    box = page.locator("#here canvas.hand").bounding_box()
    page.mouse.move(box["x"] + 0.5 / 8 * box["width"], box["y"] + 0.5 / 8 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 2.5 / 8 * box["width"], box["y"] + 0.5 / 8 * box["height"], steps=8)
    page.mouse.up()
    assert told(page)["image"][0][:3] == [32, 32, 32]
    assert told(page)["image"][1:] == (2 * DIGITS[0, 0, 1:].int()).tolist()
    assert page.evaluate(others) != before
    assert dataset(page)["there"] == ""
    assert float(dataset(page)["home"]) == pytest.approx(0, abs=1e-6)
    assert "Nobody drew the truth" in page.locator("#here .say").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert told(page)["image"][1][2] == 32
    page.get_by_role("button", name="Clear").click()
    assert sum(map(sum, told(page)["image"])) == 0
    page.get_by_role("button", name="Restore").click()
    assert page.evaluate(others) == before


def test_noise_on_the_way_is_felt_at_home(page):
    """F doubles what it gets, noise too: E|2σn| = 2σ √(2/π), less what is cut off at black and white."""
    show(page, paler(), PLAIN)
    page.locator("#here input[name=noise]").fill("0.1")
    assert told(page)["noise"] == 0.1
    assert 0.04 < float(dataset(page)["home"]) < 0.16
    assert float(dataset(page)["there"]) == pytest.approx(0, abs=1e-6), "before the noise"


def test_a_second_view_shows_what_was_painted(page):
    show(page, paler(), PLAIN)
    image = [[32] * 8 for _ in range(8)]
    page.evaluate(f"again({json.dumps({'choice': 1, 'image': image, 'noise': 0})})")
    assert float(dataset(page)["home"]) == pytest.approx(0, abs=1e-6)
    assert dataset(page)["there"] == ""


# In node the same networks take 8 to 40 ms of processor time; here a hand must not wait, whoever else computes.
def test_a_stroke_is_translated_while_the_hand_moves(page):
    show(page, translators(), PLAIN)
    took = """() => {
      const { forth, back } = window.root().nets;
      const x = Float64Array.from({length: 256}, (_, k) => Math.sin(k));
      const times = Array.from({length: 40}, () => {
        const start = performance.now();
        back(forth(x));
        return performance.now() - start;
      });
      return Math.min(...times);
    }"""
    assert page.evaluate(took) < 50


# Tricks ---------------------------------------------------------------------------------------------------------------

CELLS = """() => [...document.querySelectorAll('#here .cell')]
  .filter((cell) => cell.checkVisibility({visibilityProperty: true}))
  .map((cell) => [cell.style.backgroundPosition, getComputedStyle(cell).backgroundImage.slice(0, 14)])"""
LINES = "() => [...document.querySelectorAll('#here svg path')].length"


def test_one_trick_at_a_time_is_off_and_its_runs_stand_beside(page):
    show(page, widgets.tricks(stored()), PLAIN)
    cells = page.evaluate(CELLS)
    assert len(cells) == 4, "two seeds of two pictures"
    assert {image for _, image in cells} == {'url("data:imag'}
    assert cells[0][0] == "-120px 0px", "the last frame begins with the fifth picture"
    assert page.evaluate(LINES) == 2 + 4
    page.get_by_label("1 the trick").uncheck()
    assert told(page) == {"off": 1, "frame": 2}
    places = [place for place, _ in page.evaluate(CELLS)]
    assert places[4:] == ["-120px -60px", "-150px -60px", "-120px -90px", "-150px -90px"]
    assert page.evaluate(LINES) == 4 + 4
    said = page.locator("#here .say").inner_text()
    assert "Without the trick: 500 (500, 500), 2.5 times that." in said
    page.get_by_role("button", name="All five on").click()
    assert told(page)["off"] == 0
    assert page.get_by_label("1 the trick").is_checked()


def test_a_run_is_played_from_its_first_frame_to_the_last(page):
    show(page, widgets.tricks(stored()), PLAIN)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.told.length > 1 && window.told.at(-1).frame === 2", timeout=20_000)
    assert page.evaluate("() => window.told[0].frame") == 0
    page.locator("#here input[name=frame]").fill("0")
    assert page.evaluate(CELLS)[0][0] == "0px 0px"
    assert "850 here (900, 800)" in page.locator("#here .say").inner_text()
    page.evaluate("again({off: 1, frame: 1})")
    assert dataset(page)["off"] == "1"
    assert not page.get_by_label("1 the trick").is_checked()


def test_a_sheet_that_is_no_base64_is_refused(browser):
    """What stands in a style must not be able to end it. The refusal is an error on its page: it has one of its own."""
    page = browser.new_page()
    show(page, widgets.tricks(stored() | {"sprite": '");background:url(https://example.org/'}), PLAIN)
    assert "can't be drawn" in page.locator("#here .refused").inner_text()
    page.close()


# Kinds and truncation on the latent pad -------------------------------------------------------------------------------

# The grey levels of a picture on the page, its rows by their first pixel.
ROWS = """(css) => {
  const node = document.querySelector(`#here ${css}`);
  const data = node.getContext('2d').getImageData(0, 0, node.width, node.height).data;
  return Array.from({length: node.height}, (_, r) => 255 - data[4 * r * node.width]);
}"""


def test_a_kind_is_chosen_among_the_pictures_of_all_at_the_same_place(page):
    show(page, kinds_pad(), PLAIN)
    at_rest(page)
    assert page.evaluate(ROWS, "canvas.out") == [127, 0, 0]
    assert page.evaluate(ROWS, ".kinds button:nth-child(3) canvas") == [0, 0, 127]
    page.get_by_role("button", name="kind b").click()
    at_rest(page)
    assert told(page)["kind"] == 1
    assert page.evaluate(ROWS, "canvas.out") == [0, 127, 0]
    assert page.get_by_role("button", name="kind b").get_attribute("aria-pressed") == "true"
    page.locator("canvas.plane").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    at_rest(page)
    assert page.evaluate(ROWS, "canvas.out") == [26, 153, 26], "the noise moves, the kind stays"
    assert page.evaluate(ROWS, ".kinds button:nth-child(1) canvas") == [153, 26, 26]
    assert "log p(z) = −2.34 nats; at the origin −1.84" in page.locator("#here .say").first.inner_text()


def test_draws_come_nearer_to_the_middle_as_the_radius_shrinks(page):
    show(page, kinds_pad(), PLAIN)
    at_rest(page)
    ink = lambda: [page.evaluate(ROWS, f".draws canvas:nth-of-type({k})")[0] for k in range(1, 11)]  # noqa: E731
    wide = ink()
    page.locator("#here input[name=truncation]").fill("0.5")
    at_rest(page)
    assert told(page)["radius"] == 0.5
    near = ink()
    assert all(abs(v - 127) <= 0.05 * 255 + 1 for v in near)
    assert max(wide) - min(wide) > 2 * (max(near) - min(near)) > 0
    page.get_by_role("button", name="Draw anew").click()
    at_rest(page)
    assert ink() != near


def test_the_kernel_decodes_kinds_and_draws_where_the_browser_can_not(page):
    widget = kinds_pad(decode="in the kernel")
    show(page, widget, PLAIN)
    page.evaluate("(answer) => redraw({answer})", widget.answer)
    at_rest(page)
    assert page.evaluate(ROWS, ".kinds button:nth-child(3) canvas") == [0, 0, 127]
    page.get_by_role("button", name="kind c").click()
    at_rest(page)  # what is asked for is told with the next frame
    widget.value = told(page)
    page.evaluate("(answer) => redraw({answer})", widget.answer)
    at_rest(page)
    assert page.evaluate(ROWS, "canvas.out") == [0, 0, 127]
