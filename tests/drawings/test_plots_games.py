"""Figures and widgets of lecture 07, without a browser: what they draw, hold and refuse."""

import base64
import math

import pytest
import torch

from genlib import plots, widgets
from genlib.gan import theory
from tests.drawings.test_plots_and_widgets import assert_whole


def figures():
    x = torch.linspace(-3, 3, 50)
    bell = torch.exp(-(x**2) / 2)
    values = {"one": torch.tensor([1 + 0.1j, 1 - 0.1j]), "two": torch.tensor([0.9 + 0j, 0.8 + 0j])}
    turn = torch.tensor([[0.0, 1], [-1, 0]])
    points = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    return {
        "samples": plots.games.samples({f"panel {k}": points + k for k in range(5)}, points, columns=3),
        "samples without data": plots.games.samples({"left": points}, torch.empty(0, 2)),
        "optimal discriminator": plots.games.optimal_discriminator(x, bell, 2 * bell, bell / (3 * bell), bell),
        "plan": plots.games.plan(points[:5], points[5:10], distance=1.23),
        "arena": plots.games.arena(points, points + 1, lambda at: at[:, 0].sigmoid(), -points[:10]),
        "orbits": plots.games.orbits(lambda at: at @ turn, {"an orbit": points}, eigenvalues=values),
        "orbits alone": plots.games.orbits(lambda at: at @ turn, {"an orbit": points}),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = figures()[name]
    assert_whole(figure, width=(50, 2000), height=(50, 2000))


def test_panels_of_samples_leave_no_empty_axes():
    shown = [ax for ax in figures()["samples"].axes if ax.axison]
    assert len(shown) == 5


WIDGETS = {
    "best_answer": (
        widgets.best_answer,
        {"data": "a box", "mean": 1.0, "width": 0.3, "own": [0.3] * 121, "drawn": None},
    ),
    "dirac_game": (
        widgets.dirac_game,
        {"loss": "minimax", "order": "alternating", "penalty": "R1", "step": 0.5, "gamma": 1.5, "start": [-1, 1]},
    ),
    "game_arena": (widgets.game_arena, None),
    "earth_mover": (
        widgets.earth_mover,
        {"fakes": [[0, 0], [1, 1]], "data": [[2, 0], [2, 1]], "plan": "order", "ground": False},
    ),
}


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_shows_a_still_picture_that_follows_its_value(name):
    make, value = WIDGETS[name]
    widget = make()
    pictures = []
    for now in (None, value or {**widget.state, "settings": {**widget.settings, "data": "ring"}}):
        widget.value = now or {}
        bundle, metadata = widget._repr_mimebundle_()
        assert metadata["image/png"]["alt"]
        pictures.append(base64.b64decode(bundle["image/png"]))
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: widgets.best_answer("a hill"), "is not one of one bump"),
        (lambda: widgets.best_answer(width=0), "must lie in"),
        (lambda: widgets.dirac_game("hinge"), "is not one of minimax"),
        (lambda: widgets.dirac_game(order="both"), "order='both'"),
        (lambda: widgets.dirac_game(penalty="R2"), "penalty='R2'"),
        (lambda: widgets.dirac_game(step=3.0), "step=3.0 must lie"),
        (lambda: widgets.dirac_game(start=(3, 0)), "within 2"),
        (lambda: widgets.game_arena("spirals"), "data='spirals'"),
        (lambda: widgets.game_arena(loss="best"), "loss='best'"),
        (lambda: widgets.game_arena(tame="yes"), "tame='yes'"),
        (lambda: widgets.game_arena(lr_generator=1.0), "learning rates 1.0"),
        (lambda: widgets.game_arena(turns=0), "turns=0"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("data", ["one bump", "two bumps", "a box"])
def test_the_densities_of_the_best_answer_are_densities(data):
    widget = widgets.best_answer(data, mean=-1, width=0.9)
    dx = widget.x[1] - widget.x[0]
    for density in (widget.p_data, widget.p_g):
        assert (density.sum() * dx).item() == pytest.approx(1)
    V = theory.value(widget.p_data, widget.p_g, widget.D, dx)
    jsd = theory.jensen_shannon(widget.p_data, widget.p_g, dx)
    assert V.item() == pytest.approx(-math.log(4) + 2 * jsd.item())


def test_the_dirac_game_goes_out_round_and_in():
    out = widgets.dirac_game("minimax", step=0.1, start=(0.3, 0)).path.norm(dim=1)
    home = widgets.dirac_game("minimax", penalty="R1", step=0.1, start=(0.3, 0)).path.norm(dim=1)
    around = widgets.dirac_game("minimax", order="alternating", step=0.1, start=(0.3, 0)).path.norm(dim=1)
    assert out[-1] > 1.2 * out[0]
    assert home[-1] < 0.01
    assert around.min() > 0.28
    assert around.max() < 0.32


def test_the_still_of_an_untouched_arena_shows_a_game_that_has_begun(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        plots.games,
        "arena",
        lambda *arguments: seen.update(pull=arguments[3]) or plots.games.orbits(lambda x: x, {"points": arguments[0]}),
    )
    arena = widgets.game_arena()
    before = arena.state["weights"]
    assert arena.still()
    assert "100 turns" in arena.alt
    assert seen["pull"].norm(dim=1).max() == pytest.approx(0.7)
    assert seen["pull"].norm(dim=1).median() > 0.1, "arrows that nobody can see"
    assert arena.state["weights"] == before, "the learner begins with the untrained networks"


def test_the_arena_begins_from_a_seed_and_returns_its_networks():
    one, same, other = (widgets.game_arena(seed=seed) for seed in (1, 1, 2))
    assert one.state["weights"] == same.state["weights"] != other.state["weights"]
    noise = 2 * torch.rand(500, 2) - 1
    with torch.no_grad():
        assert one.generator(noise).shape == (500, 2)
        assert one.discriminator(noise).shape == (500, 1)
        assert one.generator(noise).std(0).max() > 0.05, "the first cloud should be visible"


def test_the_earth_mover_holds_its_points_and_its_distance():
    widget = widgets.earth_mover(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 1.0], [0.0, 2.0]]))
    assert widget.distance == pytest.approx((1 + 2) / 2)
    widget.value = {"fakes": [[0, 2], [1, 1]], "data": [[1, 1], [0, 2]], "plan": "order", "ground": False}
    assert widget.distance == 0
    assert widget.fakes.tolist() == [[0, 2], [1, 1]]
    assert "W1 is 0.00" in widget.alt
    assert len(widgets.earth_mover().fakes) == 6


@pytest.mark.parametrize(
    ("fakes", "data", "words"),
    [
        (torch.zeros(3, 2), torch.zeros(2, 2), r"fakes \(3, 2\) and data \(2, 2\)"),
        (torch.zeros(1, 2), torch.zeros(1, 2), "n from 2 to 12"),
        (torch.zeros(3, 3), torch.zeros(3, 3), r"must be \(n, 2\)"),
        (torch.zeros(2, 2), torch.full((2, 2), 5.0), r"within -4\.\.4"),
        (torch.zeros(2, 2), torch.full((2, 2), torch.nan), r"within -4\.\.4"),
    ],
)
def test_the_earth_mover_refuses_other_heaps(fakes, data, words):
    with pytest.raises(ValueError, match=words):
        widgets.earth_mover(fakes, data)
