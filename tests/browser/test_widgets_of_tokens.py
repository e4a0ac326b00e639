"""Widgets of lecture 09, each on a bare page without a kernel: by hand and by keys, and as torch has it."""

import json

import pytest
import torch
from playwright.sync_api import expect

from genlib import widgets
from tests.browser.page import at_rest, show, told
from tests.browser.test_widgets_alone import pull
from tests.browser.widgets_of_tokens import coloured_tokens, drawn, stamps, usage, writer

PLAIN = "margin: 0; background: #ffffff"


@pytest.fixture(autouse=True)
def fresh(page):
    page.goto("about:blank")
    page.set_viewport_size({"width": 1100, "height": 800})
    page.emulate_media(reduced_motion="no-preference")


def said(page):
    return page.locator("#here .say").inner_text()


# The cell -------------------------------------------------------------------------------------------------------------


def small_cell():
    return widgets.cell(torch.tensor([[-2.0, 0], [-1, 0], [1, 0], [2, 1]]), torch.tensor([[-1.0, -2], [3, -2]]))


def test_lloyd_goes_by_halves_down_to_the_end(page):
    widget = small_cell()
    show(page, widget, PLAIN)
    page.get_by_role("button", name="Move the codes").click()
    assert told(page)["codes"] == [[pytest.approx(-2 / 3), 0], [2, 1]], "of two codes as near, the first has the point"
    widget.value = told(page)
    assert widget.distortion == pytest.approx(widget.history[-1], abs=1e-9)
    assert "The last half took" in said(page)
    page.get_by_role("button", name="Run").click()
    page.wait_for_function("() => document.querySelector('#here .say').innerText.includes('No half changes')")
    history = told(page)["history"]
    assert history == sorted(history, reverse=True)
    assert history[-1] == pytest.approx((0.25 + 0.25 + 0.5 + 0.5) / 4)


def test_points_and_codes_are_dragged_and_walked(page):
    show(page, small_cell(), PLAIN)
    unit = page.locator("#here svg.plane").bounding_box()["width"] / 8
    pull(page, "#here .point >> nth=2", (-3 * unit, 0))
    assert told(page)["points"][2] == pytest.approx([-2, 0], abs=0.02)
    assert told(page)["assigned"] == [0, 0, 0, 1], "it finds its code"
    assert len(told(page)["history"]) == 1, "a new history begins"
    page.locator("#here .code >> nth=1").focus()
    page.keyboard.press("ArrowUp")
    assert told(page)["codes"][1] == [3, -1.9]
    page.get_by_role("button", name="Start again").click()
    assert told(page)["points"][2] == [1, 0]


def test_the_gradient_is_copied_and_followed(page):
    show(page, small_cell(), PLAIN)
    page.get_by_label("straight-through").check()
    arrows = "() => [...document.querySelectorAll('#here .pull')].map((node) => node.getAttribute('d'))"
    before = page.evaluate(arrows)
    assert before[2] == "M0 0", "codes do not learn yet"
    assert "its true slope along z is 0" in said(page)
    z, wish = torch.tensor([-2.4, 0.6]), torch.tensor([0.4, 0.2])
    page.get_by_role("button", name="Step along").click()
    code = torch.tensor([-1.0, -2.0])
    expected = z - 0.1 * (2 * (code - wish) + 0.25 * 2 * (z - code))
    assert told(page)["z"] == pytest.approx(expected.tolist(), abs=1e-6)
    assert told(page)["codes"] == [[-1, -2], [3, -2]]
    page.get_by_label("the code learns").check()
    page.get_by_role("button", name="Step along").click()
    assert told(page)["codes"][1] == [3, -2], "only the code of z moves"
    assert told(page)["codes"][0] != [-1, -2]
    assert page.evaluate(arrows) != before
    unit = page.locator("#here svg.plane").bounding_box()["width"] / 8
    pull(page, "#here .wish", (unit, 0))
    assert told(page)["wish"] == pytest.approx([1.4, 0.2], abs=0.02)
    page.locator("#here .z").focus()
    page.keyboard.press("ArrowLeft")
    assert len(told(page)["trail"]) == 1, "a new way begins"


# The token editor -----------------------------------------------------------------------------------------------------


def click_tile(page, css, row, column, rows, columns):
    box = page.locator(css).bounding_box()
    page.mouse.click(box["x"] + (column + 0.5) / columns * box["width"], box["y"] + (row + 0.5) / rows * box["height"])


def test_the_browser_decodes_as_torch_does(page):
    for widget in (stamps(), coloured_tokens()):
        show(page, widget, PLAIN)
        made = page.evaluate("(tokens) => [...window.root().decode(tokens)]", widget.tokens.flatten().tolist())
        assert torch.allclose(torch.tensor(made), widget.picture.flatten(), atol=1e-5)


def test_tokens_are_painted_picked_up_and_swapped(page):
    widget = stamps()
    show(page, widget, PLAIN)
    first = widget.tokens.flatten().tolist()
    click_tile(page, "#here .palette", 0, 3, 1, 32)
    assert told(page)["brush"] == 3
    click_tile(page, "#here .hand", 0, 1, 3, 3)
    assert told(page)["edited"] == [first[0], 3, *first[2:]]
    assert "Of 9 tokens 1 changed, and with that 4 of 36 pixels" in said(page)
    page.get_by_label("pick up").check()
    click_tile(page, "#here .hand", 0, 2, 3, 3)
    assert told(page)["brush"] == first[2]
    page.get_by_label("swap two").check()
    click_tile(page, "#here .hand", 0, 0, 3, 3)
    click_tile(page, "#here .hand", 0, 1, 3, 3)
    assert told(page)["edited"] == [3, first[0], *first[2:]]
    page.get_by_role("button", name="Restore").click()
    assert told(page)["edited"] is None
    page.get_by_role("button", name="Shuffle").click()
    assert sorted(told(page)["edited"]) == sorted(first)
    assert told(page)["edited"] != first
    page.get_by_role("button", name="picture 2").click()
    assert (told(page)["choice"], told(page)["edited"]) == (1, None)
    page.get_by_role("button", name="Draw all uniformly").click()
    assert all(0 <= t < 4 for t in told(page)["edited"])


def test_tokens_are_painted_by_keys(page):
    show(page, stamps(), PLAIN)
    page.locator("#here .palette").focus()
    while told(page) is None or told(page)["brush"] < 3:
        page.keyboard.press("ArrowRight")
    page.locator("#here .hand").focus()
    for key in ("ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    assert told(page)["edited"] == [0, 1, 2, 3, 3, 1, 2, 3, 0]
    assert "Row 2, column 2: code 3." in said(page)
    page.evaluate("again({choice: 1, edited: Array(9).fill(2), brush: 0, tool: 'swap'})")
    assert page.get_by_label("swap two").is_checked()
    assert "In all 1 code." in said(page)


def test_the_kernel_decodes_where_the_browser_can_not(page):
    widget = stamps(decode="in the kernel")
    show(page, widget, PLAIN)
    look = "() => document.querySelectorAll('#here .four canvas')[2].toDataURL()"
    before = page.evaluate(look)
    click_tile(page, "#here .palette", 0, 3, 1, 32)
    click_tile(page, "#here .hand", 0, 1, 3, 3)
    widget.value = told(page)
    page.evaluate("(change) => redraw(change)", {"answer": widget.answer, "value": widget.value})
    at_rest(page)
    assert page.evaluate(look) != before
    assert "4 of 36 pixels" in said(page)


# The caption ----------------------------------------------------------------------------------------------------------


def test_a_caption_is_chosen_written_and_refused(page):
    show(page, writer(), PLAIN)
    expect(page.locator("#here .verdict.right")).to_have_count(5)  # top and left are one place
    page.locator("select[name=colour]").select_option("blue")
    assert told(page) == {"caption": "a small blue circle at the top left", "guidance": 1, "seed": 0}
    assert "The kernel is asked" in said(page)
    field = page.get_by_label("a caption in your own words")
    field.fill("a pink circle")
    field.press("Enter")
    assert "“pink” is a word that the model was never told" in page.locator("#here .objection").inner_text()
    field.fill("Red  circle")
    page.evaluate("(change) => redraw(change)", answered("a small blue circle at the top left"))
    assert field.input_value() == "Red  circle", "what is being written stays"
    field.press("Enter")
    assert told(page)["caption"] == "red circle"
    page.evaluate("(change) => redraw(change)", answered("red circle"))
    assert page.locator("select[name=colour]").input_value() == "", "a caption of another form"
    assert page.locator("#here .chips button").count() == 2


def answered(caption, guidance=1, seed=0):
    widget = writer(start="a small red circle at the top left")
    widget.value = {"caption": caption, "guidance": guidance, "seed": seed}
    return json.loads(json.dumps({"value": widget.value, "answer": widget.answer}))


def test_what_is_stored_needs_no_kernel_and_guidance_changes_it(page):
    show(page, writer(), PLAIN)
    page.get_by_role("button", name="a large blue square").click()
    assert told(page)["caption"] == "a large blue square at the bottom right"
    assert "It reads: a large blue square at the bottom right. Of all 2 pictures, 9 of 10 words are right." in said(
        page
    )
    look = "() => document.querySelector('#here .picture > canvas').toDataURL()"
    before = page.evaluate(look)
    page.locator("input[name=guidance]").fill("3")
    assert told(page)["guidance"] == 3
    at_rest(page)
    assert page.evaluate(look) != before
    page.get_by_role("button", name="picture 2, 4 of 5 right").click()
    expect(page.locator("#here .verdict.wrong")).to_have_text("✗")
    assert "finds wrong: colour" in said(page)


def test_the_picture_comes_token_by_token_with_what_it_looked_at(page):
    show(page, writer(), PLAIN)
    page.locator("input[name=drawn]").fill("2")
    assert "Token 3 of 16 is 2. Of the words, it looked most at “red” (1.00)." in said(page)
    look = "() => document.querySelector('#here .picture > canvas').toDataURL()"
    before = page.evaluate(look)
    page.get_by_role("button", name="Draw it slowly").click()
    page.wait_for_function("() => document.querySelector('input[name=drawn]').value === '16'", timeout=20_000)
    whole = page.evaluate(look)
    assert whole != before
    page.get_by_role("button", name="where it counts: small").click()
    assert page.evaluate(look) != whole, "where it was looked at is shown"
    canvas = page.locator("#here .picture > canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert "Token 2 of 16 is 1. Of the words, it looked most at “small” (1.00)." in said(page)
    click_tile(page, "#here .picture > canvas", 0, 3, 4, 4)
    assert "“circle”" in said(page)


def test_an_error_of_the_kernel_is_told(page):
    show(page, writer(), PLAIN)
    page.get_by_role("button", name="Draw others").click()
    assert told(page)["seed"] == 1
    answer = {"request": told(page), "drawn": None, "error": "it broke"}
    page.evaluate("(change) => redraw(change)", {"value": told(page), "answer": answer})
    assert said(page) == "it broke"
    assert drawn("a", 1, 0)["pictures"].shape == (2, 3, 8, 8)


# The perplexity meter -------------------------------------------------------------------------------------------------


def test_codes_go_dark_and_the_numbers_say_so(page):
    widget = usage()
    show(page, widget, PLAIN)
    assert "no revival: as if 1.0 of 8 codes were used equally, 7 not at all" in said(page)
    page.locator("input[name=frame]").fill("1")
    assert told(page) == {"frame": 1, "sorted": False}
    widget.value = told(page)
    assert "Step 10. no revival: as if 4.0 of 8" in said(page)
    assert widget.perplexities["no revival"] == pytest.approx(4)
    caption = page.locator("#here figcaption").first
    assert caption.inner_text().replace("\n", " ").endswith("perplexity 4.0, 4 of 8 codes")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.told.length > 2 && window.told.at(-1).frame === 3", timeout=20_000)
    page.get_by_label("most used first").check()
    assert told(page) == {"frame": 3, "sorted": True}
    page.evaluate("again({frame: 0, sorted: false})")
    assert "Step 0." in said(page)
