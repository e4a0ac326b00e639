"""Lecture 08 in JupyterLab: it runs unsolved from top to bottom, and its widgets move, by mouse and by key."""

from tests.browser.looks import Looks

LECTURE = "08"


def test_it_runs_from_top_to_bottom_unsolved(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_earth_is_moved_by_keys(lecture):
    widget = lecture.widget(".gl-earth")
    widget.scroll_into_view_if_needed()
    before = widget.locator(".line b").all_inner_texts()
    widget.locator(".fakes").first.focus()
    for _ in range(3):
        lecture.page.keyboard.press("ArrowLeft")
    after = widget.locator(".line b").all_inner_texts()
    assert float(after[-1]) > float(before[-1]), "farther away, and the plan is no longer"


def test_another_character_goes_there_and_back(lecture):
    widget = lecture.widget(".gl-tab")
    widget.scroll_into_view_if_needed()
    before, words = lecture.look(widget), widget.locator(".say").inner_text()
    widget.get_by_role("button", name="character 2").click()
    assert lecture.look(widget) != before
    assert widget.locator(".say").inner_text() != words


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
