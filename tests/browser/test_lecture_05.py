"""Lecture 05 as a learner walks: unsolved, and every widget by mouse and by keyboard."""

import re

from playwright.sync_api import expect

from tests.browser.looks import Looks

LECTURE = "05"


def number(text: str, before: str) -> float:
    """The number that follows a word in what a widget says."""
    found = re.search(re.escape(before) + r"\s*([−-]?[\d.]+)", text)
    assert found, f"{before!r} is not in {text!r}"
    return float(found[1].replace("−", "-"))


def test_it_runs_unsolved_from_top_to_bottom(lecture):
    lecture.assert_ran_unsolved(LECTURE)


# Mass on a line: the mass in the interval is the same above and below, whatever is done.


def masses(widget) -> list[float]:
    rows = widget.locator("tr").all_inner_texts()
    return [number(row, "mass") for row in rows]


def test_dragging_an_interval_keeps_its_mass(lecture):
    widget = lecture.widget(".gl-mass")
    handle = widget.locator(".handle").nth(1)
    before, rows = masses(widget), widget.locator("tr").all_inner_texts()
    assert before[0] == before[1]
    box, plane = handle.bounding_box(), widget.locator("svg").bounding_box()
    lecture.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lecture.page.mouse.down()
    lecture.page.mouse.move(plane["x"] + 0.75 * plane["width"], box["y"], steps=8)
    lecture.page.mouse.up()
    after = masses(widget)
    assert after[0] == after[1] > before[0]
    now = widget.locator("tr").all_inner_texts()
    assert number(now[0], "to") > number(rows[0], "to") + 0.5
    assert number(now[1], "width") != number(now[0], "width")


def test_the_interval_moves_as_a_whole_and_by_keyboard(lecture):
    widget = lecture.widget(".gl-mass")
    row = widget.locator("tr").first
    width = number(row.inner_text(), "width")
    start = number(row.inner_text(), "from")
    inside = widget.locator(".inside").bounding_box()
    lecture.page.mouse.move(inside["x"] + inside["width"] / 2, inside["y"] + inside["height"] * 0.9)
    lecture.page.mouse.down()
    lecture.page.mouse.move(inside["x"] + inside["width"] / 2 - 120, inside["y"] + inside["height"] * 0.9, steps=8)
    lecture.page.mouse.up()
    moved = number(row.inner_text(), "from")
    assert moved < start - 0.5
    assert abs(number(row.inner_text(), "width") - width) < 0.02
    handle = widget.locator(".handle").first
    handle.focus()
    for _ in range(4):
        lecture.page.keyboard.press("ArrowLeft")
    assert abs(number(row.inner_text(), "from") - (moved - 0.2)) < 0.011
    assert lecture.page.evaluate("document.activeElement.classList.contains('handle')"), "JupyterLab took the keys"


def test_choosing_a_map_moves_the_density_and_not_the_mass(lecture):
    widget = lecture.widget(".gl-mass")
    before = lecture.look(widget)
    widget.locator("select").select_option(label="squeeze: z/3")
    assert lecture.look(widget) != before
    rows = widget.locator("tr").all_inner_texts()
    assert abs(number(rows[1], "width") / number(rows[0], "width") - 1 / 3) < 0.01
    assert abs(number(rows[1], "mean density") / number(rows[0], "mean density") - 3) < 0.05
    widget.locator("select").select_option(label="turn around: −z")
    rows = widget.locator("tr").all_inner_texts()
    assert abs(number(rows[1], "from") + number(rows[0], "to")) < 0.011
    assert masses(widget)[0] == masses(widget)[1]
    strength = widget.locator("input[type=range]")
    strength.focus()
    lecture.page.keyboard.press("Home")
    rows = widget.locator("tr").all_inner_texts()
    assert number(rows[1], "width") == number(rows[0], "width"), "at the start of the way, x is z"


# The parallelogram


def test_dragging_a_column_changes_area_and_orientation(lecture):
    widget = lecture.widget(".gl-para")
    area = widget.locator(".line b").nth(1)
    turn = widget.locator(".line b").nth(2)
    widget.get_by_role("button", name="leave it").click()
    expect(widget.locator(".matrix")).to_have_text("1.000.000.001.00")  # it glides there
    assert (area.inner_text(), turn.inner_text()) == ("1.00", "kept")
    plane = widget.locator("svg")
    plane.scroll_into_view_if_needed()
    one = 1 / 5.4  # a unit of the plane, as a share of its width
    lecture.drag(plane, (0.5 + one, 0.5), (0.5 + 2 * one, 0.5))
    assert area.inner_text() == "2.00"
    lecture.drag(plane, (0.5 + 2 * one, 0.5), (0.5 - 2 * one, 0.5))
    assert area.inner_text() == "2.00"
    assert turn.inner_text().startswith("mirrored")
    assert "−2.00" in widget.locator(".line b").first.inner_text()


def test_the_columns_move_by_keyboard_and_may_collapse(lecture):
    widget = lecture.widget(".gl-para")
    area = widget.locator(".line b").nth(1)
    widget.get_by_role("button", name="leave it").click()
    expect(widget.locator(".matrix")).to_have_text("1.000.000.001.00")
    handle = widget.locator(".handle").nth(1)
    handle.focus()
    for _ in range(20):
        lecture.page.keyboard.press("ArrowDown")
    assert area.inner_text() == "0.00"
    assert "Singular" in widget.locator(".say").inner_text()
    for _ in range(10):
        lecture.page.keyboard.press("ArrowUp")
    assert area.inner_text() == "0.50"
    assert lecture.page.evaluate("document.activeElement.classList.contains('handle')"), "JupyterLab took the keys"
    widget.get_by_role("button", name="flatten").click()
    expect(area).to_have_text("0.00")


# The flow explorer


def test_dragging_z_moves_x(lecture):
    widget = lecture.widget(".gl-flow")
    left, right, say = widget.locator("canvas.z"), widget.locator("canvas.x"), widget.locator(".say")
    left.scroll_into_view_if_needed()
    before = (lecture.look(left), right.evaluate("c => c.toDataURL()"), say.inner_text())
    lecture.drag(left, (0.5, 0.5), (0.3, 0.35))
    words = say.inner_text()
    assert left.evaluate("c => c.toDataURL()") != before[0]
    assert right.evaluate("c => c.toDataURL()") != before[1]
    assert words != before[2]
    z = re.search(r"z = \(([−\d.]+), ([−\d.]+)\)", words)
    assert abs(float(z[1].replace("−", "-")) + 1.28) < 0.05
    left.focus()
    lecture.page.keyboard.press("ArrowRight")
    now = re.search(r"z = \(([−\d.]+),", say.inner_text())
    assert abs(float(now[1].replace("−", "-")) - float(z[1].replace("−", "-")) - 0.1) < 0.011
    assert lecture.page.evaluate("document.activeElement.tagName") == "CANVAS", "JupyterLab took the keys"


def test_scrubbing_through_the_layers_bends_the_grid(lecture):
    widget = lecture.widget(".gl-flow")
    slider, right = widget.locator("input[type=range]"), widget.locator("canvas.x")
    slider.focus()
    lecture.page.keyboard.press("Home")
    words = widget.locator(".say").inner_text()
    z = re.search(r"z = (\(.*?\)) is now at (\(.*?\))", words)
    assert z[1] == z[2], "before the first layer a point is where it was"
    assert "multiplied by 1.00" in words
    seen = {right.evaluate("c => c.toDataURL()")}
    for _ in range(3):
        for _ in range(20):
            lecture.page.keyboard.press("ArrowRight")
        seen.add(right.evaluate("c => c.toDataURL()"))
    assert len(seen) == 4, "a layer that does nothing to the picture"
    assert float(slider.input_value()) == 3
    widget.get_by_role("button", name="Play").click()
    last = slider.get_attribute("max")
    lecture.page.wait_for_function(
        "([node, last]) => node.value === last", arg=[slider.element_handle(), last], timeout=60_000
    )


# A latent space of digits: the decoder runs in the kernel.


def test_walking_in_the_latent_space_of_the_digits(lecture):
    widget = lecture.widget(".gl-pad")
    plane, out = widget.locator("canvas.plane"), widget.locator("canvas.out")
    changed = "([canvas, before]) => canvas.toDataURL() !== before"
    before = out.evaluate("c => c.toDataURL()")
    lecture.drag(plane, (0.5, 0.5), (0.8, 0.3))
    lecture.page.wait_for_function(changed, arg=[out.element_handle(), before], timeout=20_000)
    dragged = out.evaluate("c => c.toDataURL()")
    plane.focus()
    for _ in range(5):
        lecture.page.keyboard.press("ArrowLeft")
    lecture.page.wait_for_function(changed, arg=[out.element_handle(), dragged], timeout=20_000)
    assert lecture.page.evaluate("document.activeElement.tagName") == "CANVAS", "JupyterLab took the keys"


class TestLooks(Looks):
    """In the dark, in a narrow window, enlarged."""
