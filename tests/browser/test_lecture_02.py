"""Lecture 02 as a learner walks through it: every widget by mouse and by keyboard, in JupyterLab."""

from tests.browser.looks import Looks

LECTURE = "02"


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


# What a pixel depends on. The numbers are those of the formula (2.7), not of the widget's own code.


def test_clicking_and_arrow_keys_choose_the_pixel(lecture):
    widget = lecture.widget(".gl-field")
    grid = widget.locator("canvas.grid")
    lecture.drag(grid, (0.5, 0.5), (0.5, 0.5))
    assert "Row 5, column 5: blind to 6 of" in widget.locator(".say").inner_text()
    before = lecture.look(widget)
    lecture.drag(grid, (0.5, 0.5), (0.28, 0.72))  # to row 7, column 3
    text = widget.locator(".say").inner_text()
    assert "Row 7, column 3: blind to 15 of" in text, text  # 5 + 4 + 3 + 2 + 1
    assert lecture.look(widget) != before
    for key in ("ArrowRight", "ArrowUp"):
        lecture.page.keyboard.press(key)
    assert "Row 6, column 4: blind to 10 of" in widget.locator(".say").inner_text()
    assert lecture.page.evaluate("document.activeElement.tagName") == "CANVAS", "JupyterLab took the keys"


def test_two_stacks_have_no_blind_spot_and_wrong_masks_are_told(lecture):
    widget = lecture.widget(".gl-field")
    say, key = widget.locator(".say"), widget.locator(".key")
    lecture.drag(widget.locator("canvas.grid"), (0.5, 0.5), (0.5, 0.5))
    slider = widget.locator("input[type=range]")
    slider.focus()
    for _ in range(12):
        lecture.page.keyboard.press("ArrowRight")
    assert "seen: 34 of 40" in key.inner_text()
    widget.locator("input[value=gated]").check()
    assert "seen: 40 of 40" in key.inner_text()
    assert "sees all that comes before it, and nothing else" in say.inner_text()
    assert widget.locator("input[value=AAA]").is_disabled()
    widget.locator("input[value=pixelcnn]").check()
    widget.locator("input[value=BBB]").check()
    assert "must not be: 1" in key.inner_text()
    widget.locator("input[value=ABB]").check()
    widget.locator("input[value='5']").check()
    assert "never seen, however many layers: 2" in key.inner_text()  # 2 columns for each row: 4 - 2, 4 - 4
    widget.locator("input[value='3']").check()


# A picture while it is drawn.


def test_the_player_is_scrubbed_by_mouse_and_by_keys(lecture):
    widget = lecture.widget(".gl-player")
    slider, say = widget.locator("input[type=range]"), widget.locator(".say")
    start = int(slider.input_value())  # where the first picture hesitates, which depends on the training
    assert f"Pixel {start + 1} of 64" in say.inner_text()
    before = lecture.look(widget)
    lecture.drag(slider, (start / 64, 0.5), (1.0, 0.5))
    assert "All 64 pixels are drawn" in say.inner_text()
    assert lecture.look(widget) != before
    for _ in range(3):
        lecture.page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "61"
    assert "Pixel 62 of 64" in say.inner_text()
    first = lecture.look(widget)
    widget.get_by_role("button", name="second").click()
    assert lecture.look(widget) != first


def test_the_player_plays_to_the_end(lecture):
    widget = lecture.widget(".gl-player")
    widget.locator("input[type=range]").fill("50")
    widget.get_by_role("button", name="Play").click()
    lecture.page.wait_for_function(
        "node => node.innerText.includes('All 64')", arg=widget.locator(".say").element_handle(), timeout=20_000
    )
    assert widget.get_by_role("button", name="Play").count() == 1, "it is still playing"


# What the kernel answers.


def settled(lecture, element, before):
    """Waits until an element shows something else than before, and returns it."""
    lecture.page.wait_for_function(
        "([node, before]) => [...node.querySelectorAll('canvas')].map(c => c.toDataURL()).join() + node.innerText"
        " !== before",
        arg=[element.element_handle(), before],
        timeout=30_000,
    )
    return shows(element)


def shows(element) -> str:
    return element.evaluate(
        "node => [...node.querySelectorAll('canvas')].map(c => c.toDataURL()).join() + node.innerText"
    )


def test_a_picture_is_completed_anew_when_less_is_given(lecture):
    widget = lecture.widget(".gl-complete")
    eight = widget.locator(".eight")
    given, temperature = (widget.locator("input[type=range]").nth(k) for k in (0, 1))
    before = shows(eight)
    lecture.drag(given, (0.56, 0.5), (0.2, 0.5))
    after = settled(lecture, eight, before)
    temperature.focus()
    for _ in range(10):
        lecture.page.keyboard.press("ArrowLeft")  # to temperature 0
    cold = settled(lecture, eight, after)
    lecture.page.wait_for_function(
        "node => new Set([...node.querySelectorAll('canvas')].map(c => c.toDataURL())).size === 1",
        arg=eight.element_handle(),
        timeout=30_000,
    )  # without chance all eight are the same
    source = shows(widget.locator(".source"))
    widget.locator(".choose button").nth(3).click()
    assert shows(widget.locator(".source")) != source
    assert cold


def test_a_text_is_written_on_from_what_is_typed(lecture):
    widget = lecture.widget(".gl-text")
    lines, prompt = widget.locator(".lines"), widget.locator("input[type=text]")
    before = shows(lines)
    prompt.click()
    lecture.page.keyboard.press("End")
    lecture.page.keyboard.type(" sEee")  # the grammar has no capitals: E can't be typed
    assert prompt.input_value().endswith(" see")
    after = settled(lecture, lines, before)
    lecture.page.wait_for_function(
        "node => [...node.querySelectorAll('.line .given')].every(s => s.textContent.endsWith(' see'))",
        arg=lines.element_handle(),
        timeout=30_000,
    )
    widget.locator("input[type=range]").focus()
    lecture.page.keyboard.press("End")  # temperature 2
    settled(lecture, lines, after)


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
