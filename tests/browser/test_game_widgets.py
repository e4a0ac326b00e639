"""The widgets of lecture 07 on a bare page, no kernel: JavaScript computes what torch does, and all of it moves."""

import base64
import math

import numpy as np
import pytest
import torch
from torch import nn

from genlib import widgets
from genlib.gan import losses, theory
from genlib.gan.regularisers import r1
from genlib.widgets.game_arena.widget import _network as network
from tests.browser.page import show, told

FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def drag(page, canvas, start, end) -> None:
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * start[0], box["y"] + box["height"] * start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end[0], box["y"] + box["height"] * end[1], steps=10)
    page.mouse.up()


# The arena ------------------------------------------------------------------------------------------------------------


def networks(hidden=32):
    """A generator and a discriminator in float64, and their flat weights."""
    torch.manual_seed(3)
    nets = [network(hidden, outputs).double() for outputs in (2, 1)]
    for net in nets:
        for p in net.parameters():
            nn.init.normal_(p, std=0.4)  # away from the small start, so that nothing is nearly 0
    return nets


@pytest.mark.parametrize("tame", ["no", "R1"])
@pytest.mark.parametrize("kind", losses.KINDS)
def test_losses_and_gradients_are_those_of_torch(page, kind, tame):
    arena = widgets.game_arena(hidden=32)
    show(page, arena)
    (G, D), weight = networks(), 0.7 if tame == "R1" else 0.0
    x, z = torch.randn(50, 2).double(), (2 * torch.rand(50, 2) - 1).double()
    fake = G(z)
    loss_D = losses.discriminator_loss(D(x)[:, 0], D(fake.detach())[:, 0], kind)
    if weight:
        loss_D = loss_D + weight * r1(lambda points: D(points)[:, 0], x)
    loss_G = losses.generator_loss(D(fake)[:, 0], kind)
    ours_D = torch.cat([g.flatten() for g in torch.autograd.grad(loss_D, list(D.parameters()), retain_graph=True)])
    wanted = torch.autograd.grad(loss_G, [*G.parameters(), fake], retain_graph=True)
    ours_G, pull = torch.cat([g.flatten() for g in wanted[:-1]]), wanted[-1]
    flat = [torch.cat([p.flatten() for p in net.parameters()]).tolist() for net in (G, D)]
    theirs = page.evaluate(
        "([G, D, x, z, kind, weight]) => window.root().arena.losses(G, D, x, z, kind, weight)",
        [*flat, x.flatten().tolist(), z.flatten().tolist(), kind, weight],
    )
    assert theirs["lossD"] == pytest.approx(loss_D.item(), abs=1e-5)
    assert theirs["lossG"] == pytest.approx(loss_G.item(), abs=1e-5)
    for name, ours in (("D", ours_D), ("G", ours_G), ("pull", pull.flatten())):
        assert ours.abs().max() > 1e-3  # zeros would agree with anything
        assert (torch.tensor(theirs[name]).double() - ours).abs().max() < 1e-5, name


def test_adam_is_that_of_torch(page):
    show(page, widgets.game_arena())
    torch.manual_seed(0)
    size = sum(p.numel() for p in widgets.game_arena().generator.parameters())
    weights = torch.randn(size, dtype=torch.float64, requires_grad=True)
    gradients = torch.randn(4, size, dtype=torch.float64)
    before = weights.tolist()
    optimizer = torch.optim.Adam([weights], lr=0.01, betas=(0.5, 0.99))
    for gradient in gradients:
        weights.grad = gradient.clone()
        optimizer.step()
    theirs = page.evaluate("([w, g, lr]) => window.root().arena.adam(w, g, lr)", [before, gradients.tolist(), 0.01])
    assert (torch.tensor(theirs) - weights.detach()).abs().max() < 1e-5


def test_stepping_one_player_moves_that_one_alone(page):
    arena = widgets.game_arena()
    show(page, arena)
    start = {name: arena._net(name, outputs) for name, outputs in (("G", 2), ("D", 1))}
    look = "() => document.querySelector('canvas.plane').toDataURL()"
    for key, moved, stays in (("Step D", "D", "G"), ("Step G", "G", "D")):
        before = page.evaluate(look)
        page.get_by_role("button", name=key, exact=True).click()
        arena.value = told(page)
        assert page.evaluate(look) != before
        assert arena.value["turns"][moved] == 1
        now = {name: arena._net(name, outputs) for name, outputs in (("G", 2), ("D", 1))}
        same = {
            n: all(torch.equal(a, b) for a, b in zip(now[n].parameters(), start[n].parameters(), strict=True))
            for n in now
        }
        assert same == {moved: False, stays: True}
        start = now


def test_playing_brings_the_fakes_to_the_data(page):
    arena = widgets.game_arena("one Gaussian", tame="R1")
    show(page, arena)
    far = page.evaluate("() => window.root().arena.far")
    page.locator("canvas.plane").focus()
    page.keyboard.press("p")
    turns = "Number(/G (\\d+)/.exec(document.querySelector('.say').innerText)[1])"  # it may fly past the data at first
    page.wait_for_function(f"(far) => {turns} > 150 && window.root().arena.far < far / 3", arg=far, timeout=120_000)
    page.keyboard.press("p")
    arena.value = told(page)
    assert arena.value["turns"]["G"] > 150
    with torch.no_grad():
        fakes = arena.generator(2 * torch.rand(500, 2) - 1)
    assert (fakes.mean(0) - torch.tensor([1.0, 0.8])).norm() < 0.6
    assert page.get_by_role("button", name="Play").is_visible()


def test_painting_settings_and_a_second_view(page):
    arena = widgets.game_arena()
    show(page, arena)
    plane = page.locator("canvas.plane")
    drag(page, plane, (0.2, 0.2), (0.8, 0.2))
    arena.value = told(page)
    assert arena.settings["data"] == "your own"
    assert len(arena.painted) > 15
    assert (arena.painted[:, 1] > 1.2).all(), "painted where the mouse was not"
    plane.focus()
    for key in ("ArrowDown", "ArrowDown", " "):
        page.keyboard.press(key)
    arena.value = told(page)
    assert (arena.painted[-1] - torch.tensor([0.0, -0.4])).norm() < 0.5
    page.locator("select[name=loss]").select_option("hinge")
    slider = page.locator("input[name=lrG]")
    slider.focus()
    before = told(page)["settings"]["lrG"]
    page.keyboard.press("ArrowRight")
    settings = told(page)["settings"]
    assert settings["loss"] == "hinge"
    assert settings["lrG"] > before
    value = {**told(page), "serial": 999, "settings": {**settings, "data": "ring"}}
    page.evaluate("(value) => window.again(value)", value)
    assert page.locator("select[name=data]").input_value() == "ring"
    weights = np.frombuffer(base64.b64decode(value["weights"]["G"]), "<f4")
    assert len(weights) == sum(p.numel() for p in arena.generator.parameters())


def test_the_past_is_looked_at_and_the_game_goes_on_from_there(page):
    show(page, widgets.game_arena())
    look = "() => document.querySelector('canvas.plane').toDataURL()"
    resume = page.get_by_role("button", name="Go on from this moment")
    shots, turns = [], []
    for _ in range(4):
        page.get_by_role("button", name="Step D").click()
        page.get_by_role("button", name="Step G").click()
        shots.append(page.evaluate(look))
        turns.append(told(page)["turns"])
    assert resume.is_disabled()
    rows = int(page.locator("input[name=past]").get_attribute("max")) + 1
    page.locator("input[name=past]").fill("1")
    assert "You look back" in page.locator(".say").inner_text()
    assert page.evaluate(look) != shots[-1]
    assert told(page)["turns"] == turns[-1], "looking tells nothing"
    page.locator("input[name=past]").fill(str(rows - 1))
    assert page.evaluate(look) == shots[-1], "the present again"
    page.locator("input[name=past]").fill("0")
    resume.click()
    assert told(page)["turns"]["G"] < turns[-1]["G"]
    assert resume.is_disabled()


def test_a_situation_sets_everything_and_begins_anew(page):
    show(page, widgets.game_arena())
    page.get_by_role("button", name="Step D").click()
    menu = page.locator("select[name=preset]")
    assert menu.input_value() == "eight bumps, nothing tamed"
    menu.select_option("G hurries, D is slow")
    assert told(page)["turns"] == {"D": 0, "G": 0}
    assert told(page)["settings"]["lrG"] == 10 * told(page)["settings"]["lrD"]
    assert "before D can answer" in page.locator(".say").inner_text()
    page.locator("select[name=loss]").select_option("hinge")
    assert menu.input_value() == "", "no longer that situation"


@pytest.mark.parametrize("width", [1000, 733, 600, 400])
def test_play_never_parts_from_the_plane(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    try:
        show(page, widgets.game_arena(), "margin: 0")
        page.evaluate(FRAME)
        play, plane = (
            page.get_by_role("button", name="Play").bounding_box(),
            page.locator("canvas.plane").bounding_box(),
        )
        assert 0 <= plane["y"] - play["y"] - play["height"] < 12
        assert abs(play["x"] - plane["x"]) < 3
        settings = page.locator("select[name=preset]").bounding_box()
        assert (settings["y"] < plane["y"]) == (width >= 560), "beside the plane, until nothing could be read"
    finally:
        page.set_viewport_size({"width": 1000, "height": 800})


# The best answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["one bump", "two bumps", "a box"])
def test_the_best_answer_is_that_of_the_theory(page, data):
    widget = widgets.best_answer(data, mean=0.7, width=0.8)
    show(page, widget)
    step = (widget.x[1] - widget.x[0]).item()
    theirs = page.evaluate("() => window.root().numbers")
    D = theory.optimal_discriminator(widget.p_data, widget.p_g)
    assert (torch.tensor(theirs["D"]) - D).abs().max() < 1e-6
    assert theirs["V"] == pytest.approx(theory.value(widget.p_data, widget.p_g, D, step).item(), abs=1e-6)
    assert theirs["jsd"] == pytest.approx(theory.jensen_shannon(widget.p_data, widget.p_g, step).item(), abs=1e-6)
    assert theirs["V"] == pytest.approx(2 * theirs["jsd"] - math.log(4), abs=1e-6)
    assert theirs["own"] == pytest.approx(-math.log(4), abs=1e-4)  # a D of 1/2 everywhere, not drawn yet
    page.evaluate("(value) => window.again(value)", {"data": data, "mean": -5, "width": 0.15, "serial": 9})
    far = page.evaluate("() => window.root().numbers")
    assert far["jsd"] == pytest.approx(math.log(2), abs=1e-2)
    assert far["V"] == pytest.approx(2 * far["jsd"] - math.log(4), abs=1e-6), "rounded to infinity"


def test_dragging_p_g_and_drawing_a_discriminator(page):
    widget = widgets.best_answer("one bump", mean=2.0, width=1.0)
    show(page, widget)
    above, below = page.locator("canvas.plot").nth(0), page.locator("canvas.plot").nth(1)
    before = page.evaluate("() => window.root().numbers.jsd")
    drag(page, above, (0.69, 0.5), (0.54, 0.5))
    assert abs(told(page)["mean"]) < 0.5
    assert page.evaluate("() => window.root().numbers.jsd") < before / 4
    above.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    assert told(page)["width"] == pytest.approx(1.1)
    drag(page, below, (0.2, 0.2), (0.9, 0.7))
    widget.value = told(page)
    assert len(widget.value["own"]) == 121
    numbers = page.evaluate("() => window.root().numbers")
    assert numbers["own"] < numbers["V"]
    assert "below V(G, D*)" in page.locator(".say").inner_text()
    page.get_by_role("button", name="Forget my D").click()
    below.focus()
    page.keyboard.press("ArrowUp")
    assert max(told(page)["own"]) == pytest.approx(0.55)


def test_drawing_the_data(page):
    widget = widgets.best_answer("one bump", mean=0, width=1)
    show(page, widget)
    page.locator("select").select_option("drawn")
    assert len(told(page)["drawn"]) == 121
    above = page.locator("canvas.plot").nth(0)
    drag(page, above, (0.75, 0.3), (0.95, 0.3))
    widget.value = told(page)
    assert (widget.p_data.sum() * (widget.x[1] - widget.x[0])).item() == pytest.approx(1, abs=1e-9)
    assert widget.p_data[widget.x > 2.5].sum() > 0.3 * widget.p_data.sum()
    theirs = page.evaluate("() => window.root().numbers")
    assert (torch.tensor(theirs["D"]) - widget.D).abs().max() < 1e-6
    page.evaluate("(value) => window.again({...value, mean: -3, serial: 500})", told(page))
    assert page.locator(".numbers b").nth(0).inner_text() == "−3.00"


def test_p_g_walks_downhill_until_it_has_arrived(page):
    show(page, widgets.best_answer("one bump", mean=1.5, width=0.7), "margin: 0")
    page.get_by_role("button", name="Let p_g walk downhill").click()
    page.wait_for_function("() => document.querySelector('.say').innerText.includes('arrived')", timeout=60_000)
    assert abs(told(page)["mean"]) < 0.1
    assert abs(told(page)["width"] - 1) < 0.1
    assert page.evaluate("() => window.root().numbers.jsd") < 0.005
    page.evaluate("(value) => window.again(value)", {"data": "one bump", "mean": 5, "width": 0.15})
    page.get_by_role("button", name="Let p_g walk downhill").click()
    page.wait_for_function("() => document.querySelector('.say').innerText.includes('G learns nothing')")
    assert told(page)["mean"] == pytest.approx(5, abs=0.05)


# The smallest GAN -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["none", "R1", "WGAN-GP"])
@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "wasserstein"])
def test_orbits_and_eigenvalues_are_those_of_python(page, loss, order, penalty):
    widget = widgets.dirac_game(loss, order=order, penalty=penalty, step=0.22, gamma=0.3, start=(0.8, -0.4))
    show(page, widget)
    theirs = page.evaluate("() => window.root().game")
    assert len(theirs["orbit"]) == len(widget.path)
    assert (torch.tensor(theirs["orbit"][:100]) - widget.path[:100]).abs().max() < 1e-6
    if penalty == "WGAN-GP":
        assert theirs["eigenvalues"] is None
        assert widget.eigenvalues is None
        return
    mine = torch.view_as_real(widget.eigenvalues)
    assert (torch.tensor(theirs["eigenvalues"]) - mine).abs().max() < 1e-7

    def one_step(at):
        return (at + widget.state["step"] * widget.field(at)) if order == "simultaneous" else alternating(widget, at)

    jacobian = torch.autograd.functional.jacobian(one_step, torch.zeros(2, dtype=torch.float64))
    found = torch.linalg.eigvals(jacobian)
    assert sorted(found.imag.tolist()) == pytest.approx(sorted(mine[:, 1].tolist()), abs=1e-9)
    assert sorted(found.real.tolist()) == pytest.approx(sorted(mine[:, 0].tolist()), abs=1e-9)


def alternating(widget, at):
    h = widget.state["step"]
    at = torch.stack([at[0], at[1] + h * widget.field(at)[1]])
    return torch.stack([at[0] + h * widget.field(at)[0], at[1]])


def test_the_orbit_runs_in_time_and_can_be_scrubbed(page):
    widget = widgets.dirac_game("wasserstein", step=0.3, start=(0.5, 0.0))
    show(page, widget, "margin: 0")
    slider = page.locator("input[name=time]")
    assert int(slider.get_attribute("max")) == len(widget.path) - 1
    look = "() => [...document.querySelectorAll('canvas')].map((node) => node.toDataURL())"
    at_rest = page.evaluate(look)
    slider.fill("7")
    theta, psi = widget.path[7].tolist()
    words = page.locator(".say").inner_text().replace("−", "-")
    assert f"step 7: θ = {theta:.2f}, ψ = {psi:.2f}" in words
    moved = page.evaluate(look)
    assert [a != b for a, b in zip(at_rest, moved, strict=True)] == [True, True, False], "the ring stays"
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('input[name=time]').value) > 9")
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("() => window.told.length") == 0, "time is not told: nothing was set"
    page.locator("select[name=order]").select_option("alternating")
    assert slider.input_value() == "0", "another orbit begins at its start"


def test_the_start_can_be_dragged_and_moved_by_keys(page):
    widget = widgets.dirac_game()
    show(page, widget)
    field = page.locator("canvas.field")
    before = page.evaluate("() => document.querySelector('canvas.field').toDataURL()")
    drag(page, field, (0.75, 0.4), (0.25, 0.25))
    assert told(page)["start"] == pytest.approx([-1, 1], abs=0.02)
    assert page.evaluate("() => document.querySelector('canvas.field').toDataURL()") != before
    field.focus()
    page.keyboard.press("ArrowRight")
    assert told(page)["start"] == pytest.approx([-0.9, 1], abs=0.02)
    page.locator("select[name=penalty]").select_option("R1")
    assert "< 1: inwards" in page.locator(".say").inner_text()
    page.locator("select[name=penalty]").select_option("none")
    assert "> 1: outwards" in page.locator(".say").inner_text()
    page.locator("select[name=order]").select_option("alternating")
    assert "= 1: round and round" in page.locator(".say").inner_text()
    slider = page.locator("input[name=step]")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert told(page)["step"] == pytest.approx(0.32)
    widget.value = told(page)
    assert len(widget.path) == len(page.evaluate("() => window.root().game.orbit"))
    page.evaluate("(value) => window.again({...value, start: [1.5, 1.5], serial: 300})", told(page))
    assert "from (0, 0): 2.12" in page.locator(".say").inner_text()
