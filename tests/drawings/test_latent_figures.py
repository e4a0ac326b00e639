"""The figures that lecture 03 draws of latents and bounds: what they show, and that no text is cut."""

import pytest
import torch

from genlib import plots
from tests.drawings.test_plots_and_widgets import assert_whole

NOISE = torch.tensor([-1.0, 0.5, 2.0])
PICTURES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
FIGURES = {
    "threads": lambda: plots.latent.threads(NOISE, {"μ = 1, σ = 2": 1 + 2 * NOISE, "μ = 0, σ = 0": 0 * NOISE}),
    "climb": lambda: plots.latent.climb(torch.tensor([-3.0, -2.0, -1.5]), torch.tensor([2.0, 1.0, 0.5]), -1.0),
    "side by side": lambda: plots.latent.side_by_side(PICTURES, {"a model": (PICTURES, 1 - PICTURES)}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = FIGURES[name]()
    assert_whole(figure, width=(200, 1100), height=(100, 700))


def test_a_thread_leads_from_each_noise_to_its_z():
    left, right = FIGURES["threads"]().axes
    ends = [tuple(line.get_xdata()) for line in left.lines[:3]]
    assert ends == [(-1.0, -1.0), (0.5, 2.0), (2.0, 5.0)]
    assert {tuple(line.get_ydata()) for line in left.lines[:3]} == {(1, 0)}, "from ε above to z below"
    assert left.get_xlim() == right.get_xlim(), "z's of both panels are compared"


def test_the_gap_is_shaded_between_the_bound_and_what_both_make():
    ax = FIGURES["climb"]().axes[0]
    (shade,) = ax.collections
    corners = {(x, y) for x, y in shade.get_paths()[0].vertices.tolist()}
    assert {(0, -3.0), (0, -1.0), (2, -1.5), (2, -1.0)} <= corners
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["log p(x)", "ELBO + KL(q ‖ p(z|x))", "ELBO"]


def test_draws_stand_beside_reconstructions_with_a_gap_and_nothing_above_them():
    (ax,) = FIGURES["side by side"]().axes
    places = [(round(picture.get_extent()[0] / 0.8), picture.get_extent()[2]) for picture in ax.images]
    first = places[0][0]  # right of the rows' names
    assert [column - first for column, _ in places] == [0, 1, 2, 0, 1, 2, 4, 5, 6]
    assert len({height for _, height in places[:3]} | {height for _, height in places[3:]}) == 2
    shown = torch.tensor(ax.images[6].get_array())
    assert torch.allclose(shown, 1 - PICTURES[0, 0]), "the first draw stands right of the gap"
    assert [text.get_text() for text in ax.texts] == ["test digit", "a model", "draws from the prior:"]
