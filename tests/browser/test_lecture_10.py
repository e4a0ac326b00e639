"""Lecture 10 in JupyterLab: it runs unsolved from top to bottom, and its widgets move, by mouse and by key."""

from tests.browser.looks import Looks
from tests.browser.page import at_rest

LECTURE = "10"


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_a_network_learns_in_the_notebook(lecture):
    widget = lecture.widget(".gl-density")
    widget.scroll_into_view_if_needed()
    before = widget.locator(".say").inner_text()
    widget.get_by_role("button", name="Train").click()
    lecture.page.wait_for_function(
        "() => document.querySelector('.gl-density').studio.learner.steps >= 50", timeout=60_000
    )
    widget.get_by_role("button", name="Pause").click()
    at_rest(lecture.page, ".gl-density")
    assert widget.locator(".say").inner_text() != before


def test_a_handle_of_the_schedule_moves_and_the_total_stands(lecture):
    widget = lecture.widget(".gl-schedule")
    widget.scroll_into_view_if_needed()
    said = widget.locator(".say div")
    before = said.all_inner_texts()
    widget.locator(".handle").nth(3).focus()
    lecture.page.keyboard.press("Shift+ArrowUp")
    after = said.all_inner_texts()
    assert after[0] == before[0], "the total"
    assert after[1] != before[1], "of a ladder"


def test_the_way_of_the_digits_is_scrubbed(lecture):
    widget = lecture.widget(".gl-denoise")
    widget.scroll_into_view_if_needed()
    before = lecture.look(widget)
    widget.locator("input[name=at]").focus()
    for _ in range(10):
        lecture.page.keyboard.press("ArrowRight")
    assert lecture.look(widget) != before


def test_a_larger_weight_of_guidance_is_seen_and_told(lecture):
    widget = lecture.widget(".gl-guide")
    widget.scroll_into_view_if_needed()
    before, words = lecture.look(widget), widget.locator(".say").inner_text()
    widget.locator("input[name=w]").focus()
    for _ in range(5):
        lecture.page.keyboard.press("ArrowRight")
    assert lecture.look(widget) != before
    assert widget.locator(".say").inner_text() != words


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
