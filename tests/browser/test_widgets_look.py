"""How widgets look and are told: a title and what to try, names for all, room that shrinks, motion, maps to walk in."""

import pytest
import torch
from torch import nn

from genlib import data, widgets
from tests.browser.page import at_rest, show, told
from tests.browser.test_widgets_alone import swirl
from tests.browser.widgets_of_diffusion import guided, scrubber
from tests.browser.widgets_of_flows import ear, editor, meter, mixer
from tests.browser.widgets_of_gans import kinds_pad, paler, stored
from tests.browser.widgets_of_tokens import stamps, usage, writer

LIGHT, DARK = "background:#fff;color:#222;margin:0", "background:#111;color:#eee;margin:0"
DIGITS = data.digits()[1].x[:4]
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(autouse=True)
def fresh(page):
    page.goto("about:blank")
    page.set_viewport_size({"width": 1100, "height": 800})
    page.emulate_media(reduced_motion="no-preference")


def player():
    return widgets.sampling_player(DIGITS, torch.full((4, 1, 8, 8, 17), 1 / 17), levels=17)


def pad(**options):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 64), nn.Sigmoid()).eval()
    return widgets.latent_pad(net, shape=(1, 8, 8), images=DIGITS / 16, **options)


def continuations():
    def write(prompt, *_):
        return [(prompt + "s", "fine"), (prompt + "sb", "fine"), (prompt + "a", "no")], [("s", 0.6), ("end", 0.4)]

    return widgets.continuations(
        write, characters="abs ", prompt="ab", attention=lambda text: torch.eye(1 + len(text))[-2:]
    )


MAKE = {
    "cell": widgets.cell,
    "token_editor": stamps,
    "caption": writer,
    "perplexity_meter": usage,
    "edit_by_arithmetic": editor,
    "scale_mixer": mixer,
    "memory_meter": meter,
    "listen": ear,
    "there_and_back": paler,
    "tricks": lambda: widgets.tricks(stored()),
    "competition": lambda: widgets.competition(DIGITS, torch.eye(4, 3) + 1, ["7", "1", "9"], levels=17),
    "paint": lambda: widgets.paint(DIGITS[0], levels=17, readout=lambda x: {"model": {"a": 0.3, "b": 0.7}}),
    "two_divergences": widgets.two_divergences,
    "rate_distortion": lambda: widgets.rate_distortion(data.digits()[0].x / 16),
    "receptive_field": widgets.receptive_field,
    "sampling_player": player,
    "completion": lambda: widgets.completion(DIGITS, lambda x, *_: x.expand(8, 1, 8, 8), levels=17),
    "continuations": continuations,
    "elbo_by_hand": lambda: widgets.elbo_by_hand("bimodal", terms=True),
    "reparameterization": lambda: widgets.reparameterization(draws=5),
    "latent_pad": kinds_pad,
    "mass_on_a_line": lambda: widgets.mass_on_a_line({"double": lambda z: 2 * z}),
    "parallelogram": widgets.parallelogram,
    "flow_explorer": lambda: widgets.flow_explorer(swirl, size=9, samples=20),
    "best_answer": widgets.best_answer,
    "dirac_game": widgets.dirac_game,
    "earth_mover": widgets.earth_mover,
    "game_arena": lambda: widgets.game_arena(hidden=8),
    "draw_density": widgets.draw_density,
    "denoising": scrubber,
    "guidance": guided,
    "schedules": lambda: widgets.schedules(DIGITS[0] / 8 - 1),
}
every = pytest.mark.parametrize("name", list(MAKE))


@every
def test_it_has_a_title_and_says_what_to_try(page, name):
    show(page, MAKE[name](), LIGHT)
    head = page.locator("#here > header")
    assert len(head.locator(".name").inner_text()) > 5
    assert len(head.locator(".try").inner_text()) > 40
    page.evaluate("() => document.body.style.setProperty('--gl-head', 'none')")
    assert not head.is_visible(), "a slide says it itself"


# What has no name, as someone hears it who can't see: controls, canvases, drawings.
NAMELESS = """() => {
  const named = (node) => node.ariaLabel || node.getAttribute('aria-label') || node.textContent.trim()
    || [...(node.labels ?? [])].some((label) => label.textContent.trim());
  const all = [...document.querySelectorAll('#here :is(button, input, select, canvas, svg, [role=slider])')];
  return all.filter((node) => !node.closest('[aria-hidden=true]') && !named(node)).map((node) => node.outerHTML);
}"""
ROLELESS = "() => [...document.querySelectorAll('#here :is(svg, canvas):not([role]):not([aria-hidden])')].length"


@every
def test_every_control_and_picture_has_a_name_and_pictures_a_role(page, name):
    show(page, MAKE[name](), LIGHT)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(ROLELESS) == 0
    spoken = page.locator("#here [aria-live], #here [role=status]")
    assert spoken.count() == 1, "one voice, which speaks at rest"


# Where the parts of a widget stand in its frame, as shares of it: the same when it has merely shrunk.
PLACES = """() => {
  const frame = window.root().getBoundingClientRect();
  const share = (v, from, size) => Math.round(100 * (v - from) / size);
  return [...window.root().querySelectorAll(':is(canvas, svg, button, input)')].filter((node) => node.offsetParent)
    .map((node) => node.getBoundingClientRect())
    .map((box) => [share(box.left, frame.left, frame.width), share(box.top, frame.top, frame.height)]);
}"""


@every
def test_it_shrinks_before_it_wraps_and_never_sticks_out(page, name):
    show(page, MAKE[name](), LIGHT)
    width = float(page.evaluate("() => parseFloat(window.root().style.minWidth)"))
    page.set_viewport_size({"width": round(width), "height": 800})
    page.evaluate(FRAMES)
    whole = page.evaluate(PLACES)
    page.set_viewport_size({"width": round(0.72 * width), "height": 800})
    page.evaluate(FRAMES)
    assert float(page.evaluate("() => window.root().style.zoom")) == pytest.approx(0.72, abs=0.01)
    shrunk = page.evaluate(PLACES)
    assert len(shrunk) == len(whole)
    assert all(
        abs(a - b) <= 2 for one, other in zip(whole, shrunk, strict=True) for a, b in zip(one, other, strict=True)
    )
    for size in (1100, 730, 480):
        page.set_viewport_size({"width": size, "height": 800})
        page.evaluate(FRAMES)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size + 1


@pytest.mark.parametrize("name", ["two_divergences", "elbo_by_hand", "latent_pad", "receptive_field"])
def test_maps_and_planes_follow_the_theme(page, name):
    show(page, MAKE[name](), LIGHT)
    at_rest(page)
    look = "() => [...document.querySelectorAll('#here canvas')].map((node) => node.toDataURL()).join()"
    before = page.evaluate(look)
    page.evaluate(f"() => document.body.style = '{DARK}'")
    page.wait_for_function("() => window.root().dataset.theme === 'dark'")
    at_rest(page)
    assert page.evaluate(look) != before
    assert page.evaluate("() => document.querySelector('#here > header').dataset.theme") == "dark"


def test_a_style_sheet_that_comes_late_is_noticed(page):
    """As in JupyterLab, where a theme's rules arrive after the page says that it has changed."""
    show(page, MAKE["receptive_field"](), "margin:0")
    page.evaluate(
        """() => {
          document.body.dataset.jpThemeLight = 'false';
          setTimeout(() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('body { background: #111; color: #eee }');
            document.adoptedStyleSheets.push(sheet);
          }, 150);
        }"""
    )
    page.wait_for_function("() => window.root().dataset.theme === 'dark'", timeout=5000)


def test_words_are_read_aloud_when_it_has_come_to_rest(page):
    show(page, widgets.elbo_by_hand(), LIGHT)
    spoken = "() => document.querySelector('#here [role=status]').textContent"
    page.locator("[data-handle=mean]").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(spoken) == "", "not while it moves"
    page.wait_for_function(f"() => ({spoken})().includes('mean −0.30')", timeout=5000)


def test_the_best_q_glides_there_and_at_once_for_who_wants_no_motion(page):
    show(page, widgets.elbo_by_hand("bimodal", mean=0.5, sd=1.0), LIGHT)
    page.get_by_role("button", name="Show the best q").click()
    page.wait_for_function("() => window.told.length > 3 && window.told.at(-1).mean > 1.25")
    at_rest(page)
    steps = page.evaluate("() => window.told.map((value) => value.mean)")
    assert steps == sorted(steps)
    assert widgets.elbo_by_hand("bimodal", **{k: told(page)[k] for k in ("mean", "sd")}).numbers["gap"] < 0.75
    page.emulate_media(reduced_motion="reduce")
    before = len(steps)
    page.get_by_role("button", name="Start again").click()
    assert told(page) == {"posterior": "bimodal", "mean": 0.5, "sd": 1.0}
    assert page.evaluate("() => window.told.length") == before + 1


@pytest.mark.parametrize(("name", "which"), [("elbo_by_hand", 0), ("two_divergences", 0), ("two_divergences", 1)])
def test_the_map_is_walked_by_hand_and_by_keys(page, name, which):
    show(page, MAKE[name](), LIGHT)
    area = page.locator("canvas.terrain").nth(which)
    box = area.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    first = told(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    second = told(page)
    spread = "sd" if name == "elbo_by_hand" else "width"
    assert second["mean"] - first["mean"] == pytest.approx(0.05, abs=0.011)
    assert second[spread] - first[spread] == pytest.approx(0.25, abs=0.011)


def test_layers_arrive_one_by_one(page):
    show(page, widgets.receptive_field(5, 5, layers=1, most=6), LIGHT)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('#here .deep button').textContent === 'Play'", timeout=15_000)
    layers = page.evaluate("() => window.told.map((value) => value.layers)")
    assert layers == list(range(layers[0], layers[-1] + 1)), "a layer was left out"
    assert layers[-1] < 6, "it goes on although nothing is added"


def test_the_estimates_are_revealed_in_a_second_step(page):
    show(page, widgets.reparameterization(draws=5), LIGHT)
    rows = page.get_by_text("∂/∂μ, by the score", exact=True)
    assert not rows.is_visible()
    assert "ringed dot" in page.locator(".say").inner_text()
    page.get_by_label("2 Two estimates of the slope").check()
    at_rest(page)
    assert rows.is_visible()
    assert told(page)["revealed"] is True
    assert "by the score" in page.locator(".say").inner_text()
    show(page, widgets.reparameterization(draws=5, revealed=True), LIGHT)
    assert page.get_by_text("∂/∂μ, by the score", exact=True).is_visible()


def test_the_given_part_is_painted_by_hand_and_by_keys_and_nothing_else(page):
    show(page, MAKE["completion"](), LIGHT)  # 32 of 64 pixels are given
    sheet = page.locator(".source canvas")
    box = sheet.bounding_box()

    def click(row, column):
        page.mouse.click(box["x"] + (column + 0.5) / 8 * box["width"], box["y"] + (row + 0.5) / 8 * box["height"])

    expected = DIGITS[0, 0].tolist()
    click(1, 0)
    expected[1][0] = 16
    assert told(page)["image"] == expected
    click(6, 0)
    assert page.evaluate("() => window.told.length") == 1, "what is not given can't be painted"
    page.evaluate("redraw({value: told[0], answered: told[0]})")
    click(1, 0)
    page.get_by_label("paper").check()
    sheet.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert page.evaluate("() => window.told.at(-1).image[1].slice(0, 2)") == [16, 0]
    page.get_by_role("button", name="Blank sheet").click()
    page.evaluate("redraw({value: told.at(-1), answered: told.at(-1)})")
    assert sum(map(sum, told(page)["image"])) == 0


def test_the_surprise_is_a_way_to_run_back_and_forth(page):
    show(page, player(), LIGHT)
    line = page.locator("svg.line").bounding_box()
    page.mouse.click(line["x"] + line["width"] * 10.5 / 64, line["y"] + 30)
    assert told(page)["step"] == 10
    drawn = page.locator("#here figure canvas").first.bounding_box()
    page.mouse.click(drawn["x"] + drawn["width"] * 3.5 / 8, drawn["y"] + drawn["height"] * 2.5 / 8)
    assert told(page)["step"] == 2 * 8 + 3


def test_what_a_character_looked_at_and_branches_to_click(page):
    show(page, continuations(), LIGHT)
    page.locator(".line").nth(1).locator("span span").last.hover()
    assert told(page)["look"] == "abs"
    page.evaluate("redraw({value: told[0], answered: told[0], weights: [[0, 1, 0, 0], [0, 0, 1, 0]]})")
    marked = """() => [...document.querySelectorAll('.line')[1].querySelectorAll('.given span')]
      .map((letter) => letter.style.background !== '')"""
    assert page.evaluate(marked) == [True, False]
    page.get_by_label("head 2").check()
    assert page.evaluate(marked) == [False, True]
    branch = page.locator(".forest").get_by_role("button", name="begin with “s”, 2 of the texts")
    branch.click()
    assert told(page)["prompt"] == "abs"
    assert told(page)["look"] is None
    assert page.get_by_role("button", name="end: write it").is_disabled()


def test_the_plane_shows_what_is_decoded_where(page):
    show(page, pad(), LIGHT)
    at_rest(page)
    look = "() => document.querySelector('canvas.plane').toDataURL()"
    with_pictures = page.evaluate(look)
    page.get_by_label("pictures in the background").uncheck()
    assert page.evaluate(look) != with_pictures
    page.get_by_label("pictures in the background").check()
    assert page.evaluate(look) == with_pictures


def test_the_point_glides_to_where_one_clicks(browser):
    """By a clock of its own, so that a slow machine draws as many frames as a fast one."""
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.clock.install()
    show(page, pad(), LIGHT)
    page.clock.run_for(1_000)
    box = page.locator("canvas.plane").bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"])
    page.clock.run_for(1_000)
    way = [value["coordinates"][0] for value in page.evaluate("() => window.told")]
    page.close()
    assert way == sorted(way)
    assert len(way) > 2
    assert way[-1] == pytest.approx(0.6 * 3.15, abs=0.05)
