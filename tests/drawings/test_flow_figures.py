"""The figures and widgets of lecture 05, without a browser: what they compute, what they refuse, what is shown."""

import base64
import math

import pytest
import torch

from genlib import plots, widgets
from genlib.widgets.network import unpacked
from tests.drawings.test_plots_and_widgets import assert_whole, still_of


def bent(z):
    """A layer in the plane with a known log-determinant: shear, then stretch the first axis by 2."""
    return torch.stack([2 * z[:, 0], z[:, 1] + z[:, 0] ** 2], 1), torch.full((len(z),), math.log(2))


def trace(z):
    states = [(z, torch.zeros(len(z)))]
    for _ in range(2):
        where, change = bent(states[-1][0])
        states.append((where, states[-1][1] + change))
    return states


flows = plots.flows
LINE = torch.linspace(-4, 4, 201)
FIGURES = {
    "histogram": lambda: flows.histogram(torch.randn(500), {"a curve": lambda x: 0 * x}, extent=(-3, 3)),
    "mass on a line": lambda: flows.mass_on_a_line(*[torch.linspace(-4, 4, 99)] * 2, torch.ones(99), title="a map"),
    "parallelogram": lambda: flows.parallelogram(torch.tensor([[1.0, 2], [0, -1]])),
    "grids": lambda: flows.grid(torch.zeros(3, 5, 5, 3), torch.zeros(3, 4, 2), ["a", "b", "c"]),
    "a journey": lambda: flows.journey([torch.randn(50, 2)] * 5),
    "a journey of two": lambda: flows.journey([torch.rand(50, 2), torch.randn(50, 2)], titles=["z, uniform", "x"]),
    "splines": lambda: flows.spline(LINE, {"$x_a = 0$": (LINE, 0 * LINE)}, {"$x_a = 0$": (LINE[::50], LINE[::50])}),
    "matrices": lambda: flows.jacobians({"a": torch.eye(3), "b": -torch.ones(3, 3)}, note="a note"),
    "magnified": lambda: flows.linearization(lambda z: 2 * z, 2 * torch.eye(2), (0.5, 0.5), widths=(1, 0.1)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = FIGURES[name]()
    assert_whole(figure, width=(200, 1100), height=(200, 700))


def test_the_histogram_is_a_density_of_all_samples():
    samples = torch.tensor([0.5, 0.5, 5.0, -5.0])  # two of four lie in the one bin that is shown
    figure = plots.flows.histogram(samples, {}, extent=(0.0, 1.0), bins=1)
    assert figure.axes[0].patches[0].get_height() == pytest.approx(0.5)


def test_a_point_keeps_the_colour_of_its_first_direction_on_its_journey():
    start = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [2.0, -2.0]])
    figure = plots.flows.journey([start, 5 + start.flip(1)], titles=["z", "x"])
    first, second = (ax.collections[0] for ax in figure.axes)
    assert first.get_array().tolist() == second.get_array().tolist()
    assert len(set(first.get_array().tolist())) == 4
    assert second.get_offsets().tolist() == (5 + start.flip(1)).tolist()
    assert [ax.get_title() for ax in figure.axes] == ["z", "x"]
    assert plots.flows.journey([start, start], extent=2.5).axes[1].get_xlim() == (-2.5, 2.5)


def test_stages_of_a_journey_need_a_title_each():
    with pytest.raises(ValueError, match="zip"):
        plots.flows.journey([torch.zeros(3, 2)] * 2, titles=["one"])


def test_a_spline_shows_its_slopes_and_not_their_logarithms():
    knots = {"a": (LINE[::100], 2 * LINE[::100])}
    figure = plots.flows.spline(LINE, {"a": (2 * LINE, torch.full_like(LINE, math.log(2)))}, knots)
    above, below = figure.axes
    assert below.lines[0].get_ydata() == pytest.approx([2.0] * len(LINE))
    assert list(above.lines[1].get_xdata()) == LINE[::100].tolist()
    assert list(above.lines[1].get_ydata()) == (2 * LINE[::100]).tolist()


def test_zero_is_white_in_a_matrix_and_nothing_else_is():
    image = plots.flows.jacobians({"a": torch.tensor([[0.0, 1e-9], [-1e-9, 5.0]])}).axes[0].images[0].get_array()
    white = (image[..., :3] == 1).all(-1)
    assert white.tolist() == [[True, False], [False, False]]


# Mass on a line -------------------------------------------------------------------------------------------------------


def test_mass_on_a_line_knows_the_map_and_its_slope():
    widget = widgets.mass_on_a_line({"exp": torch.exp, "turn": lambda z: -z / 2}, start="turn")
    z = torch.tensor(widget.state["z"])
    exp, turn = widget.state["maps"]
    assert torch.allclose(torch.tensor(exp["x"]), z.exp(), atol=1e-3)
    assert torch.allclose(torch.tensor(exp["slope"]), z.exp(), atol=1e-3)
    assert torch.allclose(torch.tensor(turn["slope"]), torch.full_like(z, -0.5))
    assert widget.state["map"] == 1
    assert torch.trapezoid(torch.tensor(widget.state["density"]), z).item() == pytest.approx(1, abs=1e-3)


def test_mass_on_a_line_follows_what_the_browser_says():
    widget = widgets.mass_on_a_line({"exp": torch.exp, "double": lambda z: 2 * z})
    before, alt = still_of(widget)
    assert "interval" in alt
    widget.value = {"map": 1, "strength": 1, "interval": [-1.0, 0.0]}
    assert widget.interval == (-1.0, 0.0)
    assert still_of(widget)[0] != before


@pytest.mark.parametrize("fold", [torch.square, torch.abs, torch.zeros_like, lambda z: z.clamp(min=0)])
def test_a_map_that_lays_mass_on_mass_is_refused(fold):
    with pytest.raises(ValueError, match="not strictly monotone"):
        widgets.mass_on_a_line({"fold": lambda z: fold(z) + 0 * z})


def test_an_interval_must_be_one():
    with pytest.raises(ValueError, match="lower end first"):
        widgets.mass_on_a_line({"double": lambda z: 2 * z}, interval=(1.0, 0.5))
    for grains in (-1, 2001):
        with pytest.raises(ValueError, match=r"must lie in 0\.\.2000"):
            widgets.mass_on_a_line({"double": lambda z: 2 * z}, grains=grains)


# The parallelogram ----------------------------------------------------------------------------------------------------


def test_the_parallelogram_keeps_its_matrix_and_tells_its_determinant():
    matrix = torch.tensor([[1.0, 0.5], [0.25, -1.5]], dtype=torch.float64)
    widget = widgets.parallelogram(matrix)
    assert torch.equal(widget.matrix, matrix)
    assert widget.state["columns"] == [[1.0, 0.25], [0.5, -1.5]]
    assert f"det {torch.linalg.det(matrix):.2f}" in still_of(widget)[1]
    widget.value = {"columns": [[2, 0], [0, 1]]}  # what the browser sends
    assert torch.equal(widget.matrix, torch.diag(torch.tensor([2.0, 1]).double()))


@pytest.mark.parametrize("matrix", [torch.eye(3), torch.full((2, 2), 3.0), torch.full((2, 2), math.nan)])
def test_the_parallelogram_refuses_another_matrix(matrix):
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        widgets.parallelogram(matrix)


# The flow explorer ----------------------------------------------------------------------------------------------------


def test_the_flow_explorer_holds_where_every_layer_puts_every_point():
    widget = widgets.flow_explorer(trace, size=5, reach=2.0, samples=7)
    grid = unpacked(widget.state["grid"]).view(3, 25, 3)
    axis = torch.linspace(-2, 2, 5)
    lattice = torch.cartesian_prod(axis, axis)
    for k, (where, log_det) in enumerate(trace(lattice)):
        assert torch.allclose(grid[k, :, :2], where, atol=1e-3)
        assert torch.allclose(grid[k, :, 2], log_det, atol=1e-3)
    points = unpacked(widget.state["points"]).view(3, 7, 2)
    assert torch.allclose(bent(points[0])[0], points[1], atol=2e-2)
    assert len(widget.state["names"]) == 3
    assert widget.depth == 2
    widget.value = {"z": [0.1, -0.3], "depth": 1.5}
    assert (widget.z, widget.depth) == ((0.1, -0.3), 1.5)
    picture, alt = still_of(widget)
    assert len(picture) > 1000
    assert "2 layers" in alt


def test_the_state_of_the_flow_explorer_is_small():
    import json

    assert len(json.dumps(widgets.flow_explorer(trace).state)) < 150_000


def test_the_flow_explorer_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="one name a layer"):
        widgets.flow_explorer(trace, names=["only one"])
    with pytest.raises(ValueError, match="0 layers"):
        widgets.flow_explorer(lambda z: trace(z)[:1])


def test_a_still_picture_is_a_png():
    bundle, _ = widgets.parallelogram()._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert plots.png(plots.flows.parallelogram(torch.eye(2))).startswith(b"\x89PNG")
