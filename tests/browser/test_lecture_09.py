"""Lecture 09 in JupyterLab: it runs unsolved from top to bottom, and its widgets move, by mouse and by key."""

from tests.browser.looks import Looks

LECTURE = "09"


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_lloyd_takes_half_a_step(lecture):
    widget = lecture.widget(".gl-cell")
    widget.scroll_into_view_if_needed()
    widget.get_by_role("button", name="Move the codes").click()
    assert "The last half took" in widget.locator(".say").inner_text()
    before = lecture.look(widget)
    widget.locator(".code").first.focus()
    lecture.page.keyboard.press("ArrowUp")
    assert lecture.look(widget) != before


def test_a_token_is_painted(lecture):
    widget = lecture.widget(".gl-tokens")
    widget.scroll_into_view_if_needed()
    before = lecture.look(widget)
    widget.get_by_role("button", name="Shuffle").click()
    assert lecture.look(widget) != before
    assert "tokens" in widget.locator(".say").inner_text()


def test_codes_are_counted_at_another_step(lecture):
    widget = lecture.widget(".gl-meter")
    widget.scroll_into_view_if_needed()
    widget.locator("input[name=frame]").focus()
    lecture.page.keyboard.press("Home")
    assert "codes were used equally" in widget.locator(".say").inner_text()


def test_the_kernel_draws_a_caption_of_ones_own(lecture):
    widget = lecture.widget(".gl-caption")
    widget.scroll_into_view_if_needed()
    field = widget.get_by_label("a caption in your own words")
    field.fill("a large yellow cross at the bottom left")
    field.press("Enter")
    said = widget.locator(".say")
    lecture.page.wait_for_function(
        "(node) => node.innerText.includes('words are right')", arg=said.element_handle(), timeout=60_000
    )
    assert widget.locator("select[name=colour]").input_value() == "yellow"


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
