"""Widgets of lecture 08, each on a bare page: networks in the browser, by hand and by keys, and in the dark."""

import json

import pytest
import torch

from tests.browser.page import show, told
from tests.browser.widgets_of_gans import DIGITS, paler, translators

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
