"""Lecture 06 in a browser: scales mixed, a step played, a letter edited, a vowel spoken anew, by mouse and keyboard."""

from tests.browser.looks import Looks

LECTURE = "06"
PICTURES = "node => [...node.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL())"


def shown(widget) -> list[str]:
    return widget.evaluate(PICTURES)


def until_it_differs(lecture, widget, before: list[str]) -> list[str]:
    """What it shows after the kernel has answered."""
    lecture.page.wait_for_function(
        "([node, look, before]) => JSON.stringify(eval(look)(node)) !== JSON.stringify(before)",
        arg=[widget.element_handle(), PICTURES, before],
    )
    return shown(widget)


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_a_scale_drawn_anew_gives_another_mixture(lecture):
    widget = lecture.widget(".gl-scales")
    widget.scroll_into_view_if_needed()
    before = shown(widget)
    widget.get_by_role("radiogroup", name="latents of coarse").get_by_label("drawn anew").check()
    after = until_it_differs(lecture, widget, before)
    assert "fine from A; coarse drawn anew" in widget.locator(".say").inner_text()
    widget.get_by_role("button", name="Draw anew").click()
    until_it_differs(lecture, widget, after)


def test_a_step_is_played_through_chains_of_a_chosen_depth(lecture):
    widget = lecture.widget(".gl-memory")
    widget.scroll_into_view_if_needed()
    held = widget.locator(".chains .num")
    depth = widget.locator("input[name=depth]")
    depth.focus()
    lecture.page.keyboard.press("Home")
    step = widget.locator("input[name=step]")
    step.focus()
    lecture.page.keyboard.press("Home")
    for _ in range(2):
        lecture.page.keyboard.press("ArrowRight")
    assert held.all_inner_texts() == ["3 held", "1 held"], "two layers passed: two inputs and the output, or the output"


def test_a_letter_is_made_bold_and_the_errors_are_told(lecture):
    widget = lecture.widget(".gl-edit")
    widget.scroll_into_view_if_needed()
    before, words = shown(widget), widget.locator(".say").inner_text()
    assert "flow: error" in words
    assert "VAE: error" in words
    widget.locator("input[name=slant]").focus()
    for _ in range(3):
        lecture.page.keyboard.press("ArrowRight")
    until_it_differs(lecture, widget, before)
    assert widget.locator(".say").inner_text() != words


def test_another_vowel_is_spoken_and_can_be_played(lecture):
    widget = lecture.widget(".gl-listen")
    widget.scroll_into_view_if_needed()
    before = shown(widget)
    widget.get_by_label("spectrogram of", exact=True).select_option("1")
    until_it_differs(lecture, widget, before)
    widget.get_by_role("button", name="play WaveGlow").click()
    assert widget.evaluate("node => node.dataset.played") == "WaveGlow"
    widget.get_by_role("button", name="play WaveNet").click()
    assert widget.evaluate("node => node.dataset.played") == "WaveNet"


def test_a_spectrogram_is_painted_by_hand_and_by_keys_and_spoken(lecture):
    widget = lecture.widget(".gl-listen")
    widget.scroll_into_view_if_needed()
    first, spoken = widget.locator("canvas").nth(0), shown(widget)[1]
    box = first.bounding_box()
    lecture.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    lecture.page.mouse.down()
    lecture.page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"], steps=8)
    lecture.page.mouse.up()
    nobody = widget.get_by_text("painted: nobody knows its sound")
    nobody.wait_for()
    by_hand = shown(widget)
    assert by_hand[1] != spoken
    assert not widget.get_by_role("button", name="play asked for").is_enabled()
    assert not widget.get_by_role("button", name="play WaveNet").is_enabled()
    widget.get_by_role("button", name="play WaveGlow").click()
    assert widget.evaluate("node => node.dataset.played") == "WaveGlow"
    first.blur()  # the cursor shows only while it has the focus
    before = shown(widget)
    first.focus()
    for key in (*4 * ["ArrowDown"], "Space"):  # beyond what the brush has reached
        lecture.page.keyboard.press(key)
    first.blur()
    after = until_it_differs(lecture, widget, before)
    assert after[0] != before[0], "a cell is louder"
    widget.get_by_role("button", name="Undo the painting").click()
    nobody.wait_for(state="detached")
    assert widget.get_by_role("button", name="play asked for").is_enabled()


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
