"""Widgets without a kernel, each on a bare page: by hand and by keys, played, seen twice, and in the dark."""

import pytest
import torch
from playwright.sync_api import expect

from genlib import data, widgets
from tests.browser.page import show, told
from tests.browser.widgets_of_flows import ear, editor, meter, mixer

DIGITS = data.digits()[1].x[:2]
PLAIN = "margin: 0; background: #ffffff"


@pytest.fixture(autouse=True)
def fresh(page):
    """A new document for each test: where one is written over another, Chromium captures no pointers."""
    page.goto("about:blank")


def swirl(z):
    """A flow of two layers."""
    first = torch.stack([z[:, 0] + 0.5 * torch.sin(2 * z[:, 1]), z[:, 1]], 1)
    return [(z, torch.zeros(len(z))), (first, torch.zeros(len(z))), (2 * first, torch.full((len(z),), 1.39))]


def player():
    p = torch.full((2, 1, 8, 8, 17), 1 / 17)
    return widgets.sampling_player(DIGITS, p, levels=17, titles=["first", "second"], step=60)


def completion():
    return widgets.completion(DIGITS, lambda x, *_: x.expand(8, 1, 8, 8), levels=17)


PAINTED = {
    "flow_explorer": lambda: widgets.flow_explorer(swirl, size=9, samples=20),
    "receptive_field": lambda: widgets.receptive_field(5, 7),
    "sampling_player": player,
    "completion": completion,
}
LOOK = "() => [...document.querySelectorAll('#here canvas')].map((node) => node.toDataURL()).join()"


@pytest.mark.parametrize("name", PAINTED)
def test_canvases_follow_the_page_into_the_dark_and_back(page, name):
    show(page, PAINTED[name](), PLAIN)
    light = page.evaluate(LOOK)
    page.evaluate("() => { document.body.style.background = '#111111'; }")
    page.wait_for_function(f"(light) => ({LOOK})() !== light", arg=light)
    page.evaluate("() => { document.body.style.background = '#ffffff'; }")
    page.wait_for_function(f"(light) => ({LOOK})() === light", arg=light)


def pull(page, css: str, to: tuple[float, float]) -> None:
    """Drags what stands in the middle of an element, by pixels of the page."""
    box = page.locator(css).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + to[0], y + to[1], steps=4)
    page.mouse.up()


def test_the_handles_of_q_follow_the_hand_and_the_keys(page):
    show(page, widgets.elbo_by_hand(mean=0.0, sd=1.0), PLAIN)
    unit = page.locator("#here svg").bounding_box()["width"] * 720 / 760 / 8
    pull(page, "#here [data-handle=mean] circle", (unit, 0))
    assert told(page) == {"posterior": "gaussian", "mean": 1, "sd": 1}
    pull(page, "#here [data-handle=sd] circle", (-5 * unit, 0))
    assert told(page)["sd"] == 0.1, "as narrow as it may be"
    page.keyboard.press("Shift+ArrowUp")
    assert told(page) == {"posterior": "gaussian", "mean": 1, "sd": 0.35}, "the handle has the focus"
    page.evaluate("again({posterior: 'bimodal', mean: -1, sd: 0.5})")  # from another view
    assert page.locator("#here input[value=bimodal]").is_checked()
    assert "q: mean −1.00, standard deviation 0.50" in page.locator("#here .say").inner_text()


def test_the_noise_stays_until_new_noise_is_asked_for(page):
    widget = widgets.reparameterization(draws=5)
    show(page, widget, PLAIN)
    page.locator("#here [data-key=mean]").fill("1")
    assert told(page) == {**widget.state, "mean": 1}
    page.get_by_label("new noise at every move").check()
    page.locator("#here [data-key=sd]").fill("1")
    assert told(page)["noise"] != widget.state["noise"]
    assert len(told(page)["noise"]) == 5


def test_the_interval_and_its_ends_are_dragged(page):
    show(page, widgets.mass_on_a_line({"double": lambda z: 2 * z}, interval=(0.0, 1.0)), PLAIN)
    unit = page.locator("#here svg").bounding_box()["width"] / 8
    pull(page, "#here .handle >> nth=1", (unit, 0))
    assert told(page)["interval"] == [0, 2]
    pull(page, "#here .inside", (-unit, 0))
    assert told(page)["interval"] == [-1, 1]
    pull(page, "#here .handle >> nth=0", (3 * unit, 0))
    assert told(page)["interval"] == [0.95, 1], "no end may pass the other"
    assert "width 0.100" in page.locator("#here tr").nth(1).inner_text(), "of x = 2z"


def test_a_matrix_glides_to_the_next_and_is_told_at_once(page):
    show(page, widgets.parallelogram(((1, 0), (0, 1))), PLAIN)
    lattice = page.locator("#here .lattice")
    before = lattice.get_attribute("d")
    watch = """() => {
      const area = document.querySelectorAll('#here .line b')[1];
      window.areas = [];
      new MutationObserver(() => window.areas.push(Number(area.innerText))).observe(area, {childList: true});
    }"""
    page.evaluate(watch)
    page.get_by_role("button", name="mirror").click()
    assert told(page) == {"columns": [[-1, 0], [0, 1]]}
    area = page.locator("#here .line b").nth(1)
    page.wait_for_function("() => Math.min(...window.areas) < 0.9")  # on the way it gets flat
    assert lattice.get_attribute("d") != before, "the plane's grid goes along"
    expect(page.locator("#here .line b").nth(2)).to_have_text("mirrored: read the F")
    expect(area).to_have_text("1.00")
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="stretch").click()
    assert page.locator("#here .matrix").inner_text().split() == ["2.00", "0.00", "0.00", "0.50"], "at once"
    page.emulate_media(reduced_motion="no-preference")


def test_the_sand_falls_and_its_grains_stay_as_many(page):
    show(page, widgets.mass_on_a_line({"double": lambda z: 2 * z}, interval=(0.0, 1.0), grains=200), PLAIN)
    grains = "() => [...document.querySelectorAll('#here .sand')].map((path) => path.getAttribute('d'))"
    counts = [d.count("M") for d in page.evaluate(grains)]
    assert counts == [132, 68, 132, 68], "68 % / 2 of 200 lie in the interval"
    assert page.locator("#here tr").nth(0).inner_text().endswith("grains 68")
    rest = page.evaluate(grains)
    page.get_by_role("button", name="Drop the sand").click()
    page.wait_for_timeout(300)
    on_the_way = page.evaluate(grains)
    assert on_the_way[:2] == rest[:2], "above they lie as they were"
    assert on_the_way[2] != rest[2]
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate(grains) == rest
    assert page.evaluate("told.length") == 0
    page.locator("#here input[type=range]").fill("0")
    upper, lower = page.evaluate(grains)[0], page.evaluate(grains)[2]
    assert upper.split("M")[5].split()[0] == lower.split("M")[5].split()[0], "nothing has moved"


def test_a_pixel_is_picked_in_a_grid_that_is_no_square(page):
    show(page, widgets.receptive_field(5, 7), PLAIN)
    box = page.locator("#here canvas.grid").bounding_box()
    assert abs(box["height"] / box["width"] - 5 / 7) < 0.01
    page.mouse.click(box["x"] + box["width"] * 6.5 / 7, box["y"] + box["height"] * 0.1)
    assert told(page)["position"] == [0, 6]
    page.keyboard.press("ArrowUp")  # there is no row above
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert told(page)["position"] == [1, 5]
    assert page.evaluate("told.length") == 3, "what does not change is not told"


def test_a_point_is_dragged_through_the_layers_of_a_flow(page):
    show(page, PAINTED["flow_explorer"](), PLAIN)
    page.locator("#here input").fill("2")
    pull(page, "#here canvas.z", (-100, -50))
    z = told(page)["z"]
    assert abs(z[0] + 1.6) < 0.02
    assert abs(z[1] - 0.8) < 0.02
    x = 2 * (z[0] + 0.5 * torch.sin(torch.tensor(2 * z[1])).item())
    words = page.locator("#here .say").inner_text().replace("−", "-")
    shown = float(words.split("now at (")[1].split(",")[0])
    assert abs(shown - x) < 0.15, "between the points of a coarse grid"
    assert "multiplied by 4.01" in words


def test_the_play_button_plays_stops_and_starts_anew(page):
    show(page, player(), PLAIN)
    step = "() => Number(document.querySelector('#here input').value)"
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => ({step})() > 60")
    page.evaluate("again({step: 3, picture: 1})")  # an echo of what it told
    assert page.evaluate(step) > 60, "while it plays it is ahead of what comes back"
    page.wait_for_function("() => document.querySelector('#here .say').innerText.startsWith('All 64')")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => ({step})() > 0 && ({step})() < 60")
    page.get_by_role("button", name="Stop").click()
    now = page.evaluate(step)
    page.wait_for_timeout(250)
    assert page.evaluate(step) == now == told(page)["step"]


def test_what_stands_in_other_words_is_asked_and_drawn(page):
    show(page, completion(), PLAIN)
    page.locator("#here .choose button").nth(1).click()
    assert told(page) == {"picture": 1, "given": 32, "temperature": 1, "seed": 0}
    before = page.evaluate(LOOK)
    page.evaluate("redraw({value: told[0], answered: told[0], drawn: Array(8).fill(Array(8).fill(Array(8).fill(16)))})")
    assert page.evaluate(LOOK) != before
    page.get_by_role("button", name="Other random numbers").click()
    assert told(page)["seed"] == 1


def test_points_are_carried_by_the_shortest_plan_by_hand_and_by_keys(page):
    """Two fakes, two data: dragged past each other the fakes change partners; in order the plan gets longer."""
    fakes, heap = torch.tensor([[-2.0, 1.0], [-2.0, -1.0]]), torch.tensor([[2.0, 1.0], [2.0, -1.0]])
    show(page, widgets.earth_mover(fakes, heap), PLAIN)
    numbers = page.locator("#here .line b")
    assert numbers.all_inner_texts() == ["4.000"] * 3
    unit = page.locator("#here svg").bounding_box()["width"] / 8
    first = page.locator("#here .way >> nth=0")
    before = first.get_attribute("y2")
    pull(page, "#here .fakes >> nth=0", (0, 3 * unit))  # below the other one
    assert told(page)["fakes"] == [[-2, -2], [-2, -1]]
    assert first.get_attribute("y2") != before, "its partner is another one now"
    best = (17**0.5 + 20**0.5) / 2
    assert numbers.nth(1).inner_text() == numbers.nth(2).inner_text() == f"{best:.3f}"
    page.get_by_role("radio", name="1 to 1").check()
    assert told(page)["plan"] == "order"
    assert numbers.nth(0).inner_text() == f"{(5 + 4) / 2:.3f}"
    expect(page.locator("#here .say")).to_contain_text("farther than it has to")
    page.locator("#here .fakes >> nth=0").focus()
    page.keyboard.press("ArrowUp")
    assert told(page)["fakes"][0] == [-2, -1.9]
    page.get_by_role("checkbox").uncheck()
    assert told(page)["ground"] is False
    expect(page.locator("#here svg rect").first).to_be_hidden()


def test_a_factor_is_moved_and_the_errors_say_how_far_the_edit_got(page):
    show(page, editor(), PLAIN)
    words = page.locator("#here .say").inner_text()
    assert "no model: error 0.500, farther from it than before the edit" in words
    assert "a flow: error 0.057, 88 % of the way" in words
    page.locator("#here input[name=slant]").focus()
    page.keyboard.press("ArrowRight")
    assert told(page) == {"choice": 0, "values": {"bold": 0.9, "slant": 0.45}}
    page.evaluate("redraw({value: told[0], answered: told[0]})")
    page.get_by_role("button", name="Back to the start").click()
    assert told(page)["values"] == {"bold": 0.5, "slant": 0}


def test_each_scale_has_its_own_source(page):
    show(page, mixer(), PLAIN)
    assert "fine from A; middle from A; coarse from B" in page.locator("#here .say").inner_text()
    page.get_by_role("radiogroup", name="latents of fine").get_by_label("drawn anew").check()
    assert told(page)["sources"] == ["drawn", "A", "B"]
    page.evaluate("redraw({value: told.at(-1), answered: told.at(-1)})")
    page.get_by_role("button", name="Draw anew").click()
    assert told(page)["seed"] == 1
    page.evaluate("redraw({value: told.at(-1), answered: told.at(-1)})")
    page.get_by_label("which picture is A").select_option("2")
    assert told(page)["a"] == 2


def test_a_training_step_is_played_through_both_chains(page):
    show(page, meter(), PLAIN)
    held = "() => [...document.querySelectorAll('#here .chains .num')].map((node) => node.textContent)"
    assert page.evaluate(held) == ["33 held", "1 held"]
    assert "12.8 times the memory" in page.locator("#here .say").inner_text()
    page.locator("#here input[name=depth]").fill("0")
    assert told(page) == {"index": 0, "step": 4}
    page.locator("#here input[name=step]").fill("6")
    assert page.evaluate(held) == ["3 held", "1 held"]
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.told.at(-1).step === 8", timeout=20_000)
    assert page.evaluate(held) == ["1 held", "1 held"]
    page.evaluate("again({index: 2, step: 5})")
    assert page.evaluate(held) == ["6 held", "1 held"]


# What is played, in place of a loudspeaker.
SPEAKER = """() => {
  window.heard = [];
  window.AudioContext = class {
    createBuffer(_channels, length, rate) {
      return { copyToChannel: (wave) => window.heard.push({ length, rate, most: Math.max(...wave) }) };
    }
    createBufferSource() {
      return { connect() {}, start() {}, stop: () => window.heard.push("stopped") };
    }
  };
}"""


def test_sounds_are_played_three_times_and_one_at_a_time(page):
    show(page, ear(), PLAIN)
    page.evaluate(SPEAKER)
    page.get_by_role("button", name="play WaveGlow").click()
    page.get_by_role("button", name="play recorded").click()
    first, stopped, second = page.evaluate("() => window.heard")
    assert first["length"] == 3 * 1024 + 2 * 960
    assert first["rate"] == 8000
    assert abs(first["most"] - 0.5) < 0.01
    assert stopped == "stopped"
    assert abs(second["most"] - 0.8) < 0.01
    page.locator("#here input[name=temperature]").fill("0.3")
    assert told(page) == {"choice": 0, "temperature": 0.3, "seed": 0, "painted": None}
    page.get_by_label("spectrogram of", exact=True).select_option("1")
    page.evaluate("redraw({value: told[0], answered: told[0]})")
    assert told(page)["choice"] == 1
