"""Lecture 07 in JupyterLab: it runs unsolved from top to bottom, and each of its widgets moves, by mouse and by key."""

from tests.browser.looks import Looks

LECTURE = "07"


def redrawn(lecture) -> None:
    lecture.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_unsolved_notebook_runs_from_top_to_bottom(lecture):
    lecture.assert_ran_unsolved(LECTURE)


def test_dragging_the_fakes_changes_the_value_of_the_game(lecture):
    widget = lecture.widget(".gl-best")
    plot = widget.locator("canvas.plot").nth(0)
    plot.scroll_into_view_if_needed()
    before, numbers = lecture.look(widget), widget.locator(".numbers b").all_inner_texts()
    lecture.drag(plot, (0.58, 0.4), (0.8, 0.4))
    after = widget.locator(".numbers b").all_inner_texts()
    assert lecture.look(widget) != before
    assert float(after[0]) > float(numbers[0]) + 1.5, "the mean did not follow the mouse"
    assert after[2] != numbers[2], "V did not change"
    plot.focus()
    lecture.page.keyboard.press("ArrowUp")
    assert float(widget.locator(".numbers b").nth(1).inner_text()) > float(after[1]), "JupyterLab took the keys"
    lower = widget.locator("canvas.plot").nth(1)
    lower.scroll_into_view_if_needed()
    lecture.drag(lower, (0.2, 0.3), (0.8, 0.6))
    assert "below V(G, D*)" in widget.locator(".say").inner_text()


def test_the_smallest_game_follows_mouse_and_keys(lecture):
    widget = lecture.widget(".gl-dirac")
    field = widget.locator("canvas.field")
    field.scroll_into_view_if_needed()
    assert "> 1: outwards" in widget.locator(".say").inner_text()
    before = lecture.look(widget)
    lecture.drag(field, (0.7, 0.4), (0.3, 0.3))
    assert lecture.look(widget) != before
    before = lecture.look(widget)
    field.focus()
    lecture.page.keyboard.press("ArrowLeft")
    assert lecture.look(widget) != before
    widget.locator("select[name=penalty]").select_option("R1")
    assert "< 1: inwards" in widget.locator(".say").inner_text()


def test_the_arena_is_stepped_played_and_painted(lecture):
    widget = lecture.widget(".gl-arena")
    plane = widget.locator("canvas.plane")
    plane.scroll_into_view_if_needed()
    picture = "(c) => c.toDataURL()"
    shown = [plane.evaluate(picture)]
    for name in ("Step D", "Step G"):
        widget.get_by_role("button", name=name, exact=True).click()
        shown.append(plane.evaluate(picture))
    assert len(set(shown)) == 3
    assert "turns: D 1, G 1" in widget.locator(".say").inner_text()
    plane.focus()
    lecture.page.keyboard.press("p")
    lecture.page.wait_for_function(
        "(say) => Number(/G (\\d+)/.exec(say.innerText)[1]) > 5", arg=widget.locator(".say").element_handle()
    )
    lecture.page.keyboard.press("p")
    assert widget.get_by_role("button", name="Play", exact=True).is_visible()
    before = plane.evaluate(picture)
    lecture.drag(plane, (0.2, 0.2), (0.8, 0.3))
    assert plane.evaluate(picture) != before
    assert widget.locator("select[name=data]").input_value() == "your own"


def test_walking_through_the_latents_of_the_trained_generator(lecture):
    widget = lecture.widget(".gl-pad")
    plane = widget.locator("canvas.plane")
    plane.scroll_into_view_if_needed()
    picture = "(root) => root.querySelector('canvas.out').toDataURL()"
    before = widget.evaluate(picture)
    lecture.drag(plane, (0.5, 0.5), (0.9, 0.2))
    redrawn(lecture)
    dragged = widget.evaluate(picture)
    assert dragged != before
    for _ in range(5):
        lecture.page.keyboard.press("Shift+ArrowLeft")
    redrawn(lecture)
    assert widget.evaluate(picture) != dragged


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
