"""Widgets by keyboard alone: every control is reached with Tab, it shows where the focus is, and the arrows move it."""

from tests.browser.page import at_rest, show
from tests.browser.test_widgets_look import LIGHT, MAKE, every

# What a hand can act on, as a list; radio buttons are one stop, as everywhere.
CONTROLS = """() => {
  const all = [...document.querySelectorAll('#here :is(button, input, select, [tabindex="0"])')];
  const first = (node) => node.type !== 'radio' || node.checked
    || ![...document.getElementsByName(node.name)].some((other) => other.checked);
  window.controls = all.filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.disabled
    && node.tabIndex >= 0 && first(node));
  return window.controls.length;
}"""
# The number of the control that has the focus, and whether that shows: by a ring around it (of a radio button, around
# the words beside it) or, in an SVG picture, by another line.
FOCUSED = """() => {
  const node = document.activeElement;
  const parts = [node, node.nextElementSibling, ...node.querySelectorAll('*')].filter(Boolean);
  const lines = () => parts.map((part) => getComputedStyle(part))
    .map((style) => [style.outlineStyle, style.outlineWidth, style.stroke, style.strokeWidth].join()).join();
  const held = lines();
  node.blur();
  const left = lines();
  node.focus();
  return [window.controls.indexOf(node), held !== left];
}"""
LOOK = """() => JSON.stringify([document.querySelector('#here').innerHTML,
  ...[...document.querySelectorAll('#here :is(input, select)')].map((node) => node.value + node.checked),
  ...[...document.querySelectorAll('#here canvas')].map((node) => node.toDataURL())])"""


@every
def test_tab_reaches_every_control_and_shows_where_it_is(page, name):
    page.goto("about:blank")
    show(page, MAKE[name](), LIGHT)
    at_rest(page)
    count = page.evaluate(CONTROLS)
    assert count >= 1
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        number, seen = page.evaluate(FOCUSED)
        assert seen, f"control {number} has the focus and does not show it"
        reached.append(number)
    assert reached == list(range(count)), "each once, in the order in which they stand"


@every
def test_arrows_move_what_has_the_focus(page, name):
    page.goto("about:blank")
    page.emulate_media(reduced_motion="reduce")
    show(page, MAKE[name](), LIGHT)
    at_rest(page)
    page.evaluate(CONTROLS)
    moved = 0
    for number in page.evaluate("() => window.controls.map((node, i) => i)"):
        kind = page.evaluate("(i) => window.controls[i].type ?? 'drawn'", number)
        if kind not in ("range", "drawn") or (name, kind) == ("continuations", "drawn"):  # that asks the kernel
            continue
        page.evaluate("(i) => window.controls[i].focus()", number)
        before = page.evaluate(LOOK)
        for key in ("ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
        at_rest(page)
        if page.evaluate(LOOK) == before:  # it stood at its end
            for key in ("ArrowLeft", "ArrowDown"):
                page.keyboard.press(key)
            at_rest(page)
        assert page.evaluate(LOOK) != before, page.evaluate("(i) => window.controls[i].outerHTML.slice(0, 200)", number)
        moved += 1
    assert moved
