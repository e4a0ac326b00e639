"""What the kit does in a browser: light and dark, versions, other views, type that grows, pointers and keys."""

import pytest
import torch
from playwright.sync_api import expect

from genlib import widgets
from tests.browser.page import at_rest, show, told

LIGHT, DARK = "background:#fff;color:#222", "background:#111;color:#eee"
# The colours of a canvas's pixels, each taken by its brightness: what is its ground, what is its ink?
GROUND = "() => [...document.querySelector('canvas').getContext('2d').getImageData(30, 30, 1, 1).data].slice(0, 3)"
BRIGHTEST = """() => {
  const canvas = document.querySelectorAll('canvas')[1];
  const { data } = canvas.getContext('2d').getImageData(100, 0, canvas.width - 100, canvas.height);
  let most = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) most = Math.max(most, data[i]);
  return most;
}"""


def arena():
    return widgets.game_arena(hidden=8)


def test_canvases_follow_the_page_into_the_dark_and_back(page):
    show(page, widgets.best_answer(), LIGHT)
    theme = "() => window.root().dataset.theme"
    assert page.evaluate(theme) == "light"
    assert page.evaluate(BRIGHTEST) < 100, "D* is dark on a light page"
    page.evaluate(f"() => document.body.style = '{DARK}'")
    page.wait_for_function("() => window.root().dataset.theme === 'dark'")
    assert page.evaluate(BRIGHTEST) > 200, "D* is light on a dark page"
    page.evaluate(f"() => document.body.style = '{LIGHT}'")
    page.wait_for_function("() => window.root().dataset.theme === 'light'")
    assert page.evaluate(BRIGHTEST) < 100


@pytest.mark.parametrize(("style", "most"), [(LIGHT, (200, 256)), (DARK, (0, 80))])
def test_the_arenas_ground_is_paper_of_the_theme(page, style, most):
    show(page, arena(), style)
    assert most[0] <= min(page.evaluate(GROUND)) <= max(page.evaluate(GROUND)) < most[1]


def test_the_system_counts_where_the_page_follows_it(page):
    page.emulate_media(color_scheme="dark")
    show(page, arena())
    assert page.evaluate("() => window.root().dataset.theme") == "light", "a page that stays white"
    page.evaluate("() => document.documentElement.style.colorScheme = 'light dark'")
    page.wait_for_function("() => window.root().dataset.theme === 'dark'")
    page.emulate_media(color_scheme="light")
    page.wait_for_function("() => window.root().dataset.theme === 'light'")


def test_what_is_drawn_before_it_stands_on_the_page_takes_its_colours_there(page):
    """Jupyter draws a view first and puts it on the page then."""
    show(page, widgets.best_answer(), DARK)
    page.evaluate(
        """async ([source, state]) => {
          const { draw } = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
          document.getElementById('here').remove();
          window.element = document.createElement('div');
          draw(window.element, state);
          document.body.append(window.element);
        }""",
        [widgets.best_answer()._esm, widgets.best_answer().state],
    )
    page.wait_for_function("() => window.root().dataset.theme === 'dark'")
    assert page.evaluate(BRIGHTEST) > 200


def test_the_same_version_draws_nothing_and_another_one_takes_over(page):
    show(page, widgets.parallelogram(), LIGHT)
    page.get_by_role("button", name="stretch").click()
    assert told(page) == {"columns": [[2, 0], [0, 0.5]]}
    area = page.locator(".line b").nth(1)
    expect(area).to_have_text("1.00")
    at_rest(page)  # it glides there
    page.evaluate("() => { window.root().marked = true; window.again({columns: [[2, 0], [0, 2]]}); }")
    assert area.inner_text() == "4.00", "what another view did is not shown"
    assert page.evaluate("() => window.root().marked"), "the page was built anew"
    assert len(page.evaluate("() => window.told")) == 1, "it told what it was told"
    page.evaluate("() => window.element.gl.view.show = () => { throw new Error('drawn again'); }")
    page.evaluate("() => window.same()")


def test_a_second_view_follows_through_the_adapter_and_a_view_draws_its_own_moves_once(page):
    """A model as Jupyter's: `set` tells every view at once."""
    show(page, widgets.parallelogram(), LIGHT)
    page.evaluate(
        """async ([source, state]) => {
          const { render } = (await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})))).default;
          const heard = [];
          const values = {state, value: {}, answer: {}};
          window.model = {
            get: (name) => values[name],
            set: (name, value) => { values[name] = value; heard.forEach((act) => act()); },
            save_changes: () => {},
            on: (names, act) => heard.push(act),
            off: (names, act) => heard.splice(heard.indexOf(act), 1),
            heard,
          };
          document.body.replaceChildren();
          window.leave = [0, 1].map(() => {
            const el = document.body.appendChild(document.createElement('div'));
            return render({model: window.model, el});
          });
        }""",
        [widgets.parallelogram()._esm, widgets.parallelogram().state],
    )
    for first, second in ((0, 1), (1, 0)):
        view = page.locator("body > div").nth(first)
        view.locator(".handle").first.focus()
        page.keyboard.press("ArrowRight")
        texts = [page.locator("body > div").nth(k).locator(".matrix").inner_text() for k in (first, second)]
        assert texts[0] == texts[1]
        assert page.evaluate("() => document.activeElement.classList.contains('handle')"), "the moved view was rebuilt"
    assert "1.60" in texts[0]
    page.evaluate("() => window.leave.forEach((leave) => leave())")
    assert page.evaluate("() => window.model.heard.length") == 0
    assert page.evaluate("() => [...document.querySelectorAll('body > div')].every((el) => el.gl === undefined)")


@pytest.mark.parametrize("make", [widgets.parallelogram, widgets.dirac_game, widgets.two_divergences, arena])
def test_type_and_controls_grow_where_the_page_says_so(page, make):
    type_, control = [], []
    for scale in (1, 1.4):
        show(page, make(), f"{LIGHT};--gl-scale:{scale}")
        type_.append(page.evaluate("() => parseFloat(getComputedStyle(window.root()).fontSize)"))
        control.append(page.locator("button, select").first.bounding_box()["height"])
    assert type_[1] == pytest.approx(1.4 * type_[0], abs=0.1)
    assert control[1] > 1.2 * control[0]


def test_a_finger_drags_and_lets_go(page):
    show(page, widgets.dirac_game(), LIGHT)
    page.evaluate(
        """() => {
          const node = document.querySelector('canvas.field'), box = node.getBoundingClientRect();
          node.setPointerCapture = () => {};
          const send = (kind, u, v) => node.dispatchEvent(new PointerEvent(kind, {pointerId: 5, pointerType: 'touch',
            bubbles: true, clientX: box.left + u * box.width, clientY: box.top + v * box.height}));
          send('pointermove', 0.1, 0.1);
          window.before = window.told.length;
          send('pointerdown', 0.75, 0.5);
          send('pointermove', 0.5, 0.25);
          send('pointercancel', 0.5, 0.25);
          send('pointermove', 0.9, 0.9);
        }"""
    )
    assert page.evaluate("() => window.before") == 0
    assert told(page)["start"] == pytest.approx([0, 1], abs=0.02)
    assert page.evaluate("() => getComputedStyle(document.querySelector('canvas.field')).touchAction") == "none"


def test_keys_that_a_drawing_takes_go_no_further(page):
    show(page, widgets.dirac_game(), LIGHT)
    page.evaluate(
        "() => { window.passed = []; document.addEventListener('keydown', (event) => window.passed.push(event.key)); }"
    )
    page.locator("canvas.field").focus()
    for key in ("ArrowRight", "x", "Control+ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("() => window.passed") == ["x", "Control", "ArrowRight"]
    assert told(page)["start"] == pytest.approx([1.1, 0.5])
    assert page.locator("canvas.field").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_a_later_widget_does_not_change_the_look_of_an_earlier_one(page):
    """Each brings the kit's rules along; they must not overrule what a widget before it says for itself."""
    pictures = torch.arange(2 * 64).reshape(2, 1, 8, 8) % 17
    show(page, widgets.competition(pictures, torch.tensor([[3, 1], [0, 2]]), [1, 7], levels=17))
    looks = """() => [...window.root().querySelectorAll('*')].map((node) => {
      const { fontSize, padding, margin, display, gap, color } = getComputedStyle(node);
      return [fontSize, padding, margin, display, gap, color].join();
    })"""
    before = page.evaluate(looks)
    page.evaluate(
        """async ([source, state]) => {
          const { draw } = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
          const later = document.body.appendChild(document.createElement('div'));
          draw(later, state);
        }""",
        [widgets.parallelogram()._esm, widgets.parallelogram().state],
    )
    assert page.evaluate(looks) == before
