"""plots.lines: what it draws for each form of its arguments, and what it refuses."""

import pytest
import torch
from matplotlib.colors import to_hex

from genlib import plots
from tests.drawings.test_plots_and_widgets import assert_whole, size_of

X = torch.linspace(1, 10, 50)
REPEATED = torch.rand(4, 5, generator=torch.Generator().manual_seed(0))
LONG = "a name that is as long as a name in a lecture, at most"
PANELS = {"left": {"a": (X, X), "b": (X, X**2)}, "right": {"b": (X, X)}}

CALLS = {
    "one line": ({"a": ([1, 2, 3], (3.0, 4.0, 2.0))}, {}),
    "several lines": ({"a": (range(50), X), "b": (X, X**2)}, {"heights": {"the truth": 30, "another": 50.0}}),
    "long names": ({LONG: (X, X), LONG + "!": (X, 2 * X), "short": (X, 3 * X)}, {}),
    "many names": ({f"L = {k}": (X, k * X) for k in range(10)}, {"markers": True}),
    "logarithmic": ({"a": ([1, 10, 100, 10_000], [1, 2, 3, 4])}, {"log": "xy", "markers": True}),
    "many places on a logarithmic axis": ({"a": (X, X)}, {"log": "x"}),
    "linear near 0": ({"a": (X, -(X**4))}, {"symlog": 1, "ylim": (-20_000, 0.5)}),
    "panels": (PANELS, {"ylabel": ["nats", "bits"], "ylim": [(0, 50), None], "heights": {"right": {"c": 3.0}}}),
    "four panels": ({f"panel {k}": {"a": (X, k + X.exp())} for k in range(4)}, {"log": "y"}),
    "repetitions": ({"one": ([10, 20, 40, 80], REPEATED), "two": ([10, 20, 40, 80], 1 - REPEATED)}, {"log": "x"}),
    "dots": ({"a": (X, X), "maxima": (X[:3], X[:3])}, {"dots": ["maxima"]}),
}


def lines(panels, **keywords):
    return plots.lines(panels, **{"xlabel": "steps", "ylabel": "nats", **keywords})


@pytest.mark.parametrize("name", CALLS)
def test_every_figure_draws_and_no_text_is_cut(name):
    panels, keywords = CALLS[name]
    figure = lines(panels, **keywords)
    assert_whole(figure, width=(200, 1300), height=(200, 1300))


@pytest.mark.parametrize("name", CALLS)
def test_a_legend_names_everything_once_and_stays_within_the_figure(name):
    panels, keywords = CALLS[name]
    figure = lines(panels, **keywords)
    size_of(figure)  # draws it
    named = {name for ax in figure.axes for name in ax.get_legend_handles_labels()[1]}
    assert len(figure.legends) == (len(named) > 1)
    for legend in figure.legends:
        assert sorted(text.get_text() for text in legend.get_texts()) == sorted(named)
        box, page = legend.get_window_extent(), figure.bbox
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert all(box.y1 <= ax.get_window_extent().y0 for ax in figure.axes), "the legend hides something"


def test_repetitions_are_drawn_as_their_mean_and_two_standard_errors():
    values = torch.tensor([[0.2, 0.4, 0.6], [0.5, 0.7, 0.9]])
    ax = lines({"one": ([10, 20], values)}).axes[0]
    assert ax.lines[0].get_ydata().tolist() == pytest.approx([0.4, 0.7])
    (low, high), _ = ax.collections[0].get_segments()
    assert high[1] - low[1] == pytest.approx(2 * 2 * 0.2 / 3**0.5)


def test_a_name_keeps_its_colour_in_all_panels():
    left, right = lines(PANELS).axes
    colours = {line.get_label(): to_hex(line.get_color()) for line in left.lines}
    assert colours["a"] != colours["b"] == to_hex(right.lines[0].get_color())


def test_heights_stand_in_the_panel_they_are_given_for():
    everywhere = lines(PANELS, heights={"c": 3.0}).axes
    assert ["c" in [line.get_label() for line in ax.lines] for ax in everywhere] == [True, True]
    right = lines(PANELS, heights={"right": {"c": 3.0}}).axes
    assert ["c" in [line.get_label() for line in ax.lines] for ax in right] == [False, True]
    assert set(right[1].lines[-1].get_ydata()) == {3.0}


def test_dots_are_not_connected():
    line, dots = lines(*CALLS["dots"][:1], dots=["maxima"]).axes[0].lines
    assert line.get_linestyle() != "None"
    assert (dots.get_linestyle(), dots.get_marker()) == ("None", "o")


def test_a_limit_for_each_panel_and_one_for_all():
    assert [ax.get_ylim() for ax in lines(PANELS, ylim=(0, 7)).axes] == [(0, 7), (0, 7)]
    left, right = lines(PANELS, ylim=[(0, 7), None]).axes
    assert left.get_ylim() == (0, 7) != right.get_ylim()


def test_a_place_on_a_logarithmic_axis_is_named_as_it_was_given():
    """0.05 as a float32 is 0.0500000007."""
    figure = lines({"a": ([0.05, 0.1, 1, 1_234_567], [1, 2, 3, 4])}, log="x")
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["0.05", "0.1", "1", "1,234,567"]


def test_places_on_a_logarithmic_axis_are_written_out():
    figure = lines({"a": ([1, 10, 100, 10_000], [1, 2, 3, 4])}, log="x")
    size_of(figure)  # draws it
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["1", "10", "100", "10,000"]


def test_counts_have_whole_numbers_as_ticks():
    ticks = lines({"a": ([1, 2, 3], [1.0, 2.0, 3.0])}).axes[0].get_xticks()
    assert all(tick == round(tick) for tick in ticks)


@pytest.mark.parametrize("what", [{"dots": ["c"]}, {"heights": {"middle": {"c": 1.0}}}])
def test_what_is_not_there_is_refused(what):
    with pytest.raises(ValueError, match=r"no line or panel is named (c|middle)"):
        lines(PANELS, **what)
