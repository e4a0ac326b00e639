"""The tree of the families: every box in its place, no word cut, smaller for a slide."""

import pytest

from genlib import plots
from tests.drawings.test_plots_and_widgets import assert_whole, size_of


@pytest.mark.parametrize("keywords", [{}, {"height": 0.8, "fontsize": 11}])
def test_the_tree_draws_and_no_word_is_cut(keywords):
    figure = plots.families.tree(**keywords)
    assert_whole(figure, width=(200, 1300), height=(200, 1300))
    words = " ".join(text.get_text().replace("\n", " ") for text in figure.axes[0].texts)
    for family in ("autoregressive models", "normalizing flows", "VAEs", "diffusion", "energy-based", "GANs"):
        assert family in words


def test_a_slide_gets_a_lower_tree_with_larger_words():
    usual, slide = plots.families.tree(), plots.families.tree(height=0.8, fontsize=11)
    assert size_of(slide)[1] < size_of(usual)[1]
    assert {text.get_fontsize() for text in slide.axes[0].texts if text.get_text()} == {11}
