"""Slant and thickness as they are measured: in strokes of known form, and against the factors that drew the glyphs."""

import pytest
import torch

from genlib import data
from genlib.data.strokes import slant, thickness


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].item()


def stroke(lean=0.0, width=3.0, side=28, length=20):
    """A leaning stroke with soft edges, (1, 1, side, side)."""
    v, u = torch.meshgrid(*[torch.arange(side, dtype=torch.float64) - (side - 1) / 2] * 2, indexing="ij")
    inside = (width / 2 - (u + lean * v).abs()).add(0.5).clamp(0, 1)  # upwards is -v
    return (inside * (v.abs() < length / 2))[None, None]


@pytest.mark.parametrize("lean", [-0.4, 0.0, 0.25])
def test_a_stroke_leans_as_it_was_drawn(lean):
    assert slant(stroke(lean)).item() == pytest.approx(lean, abs=0.01)
    assert slant(0.3 * stroke(lean)).item() == pytest.approx(lean, abs=0.01), "however pale it is"
    assert slant(stroke(lean).flip(3)).item() == pytest.approx(-lean, abs=0.01)


@pytest.mark.parametrize("width", [2.0, 3.0, 4.5])
def test_a_long_stroke_has_the_width_that_it_was_drawn_with(width):
    long = stroke(width=width, side=200, length=200)
    assert thickness(long).item() == pytest.approx(width, rel=0.05)
    assert thickness(0.3 * long).item() == pytest.approx(thickness(long).item())


def test_where_nothing_is_drawn_there_is_nothing_to_measure():
    blank, row = torch.zeros(2, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    row[..., 3, :] = 1
    assert slant(blank).tolist() == thickness(blank).tolist() == [0, 0]
    assert slant(row).item() == 0


@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSerif", "cmr10"])
def test_of_one_digit_in_one_font_they_are_the_factors(font):
    """But for a constant: the digit's own lean, the font's own strokes."""
    drawn, _ = data.glyphs(600, classes="0123456789", fonts=(font,), ranges={"rotation": (0, 0), "size": (17, 17)})
    x = drawn.x.float() / 255
    for measured, factor in ((slant(x), "slant"), (thickness(x), "thickness")):
        known = drawn.factors[factor]
        assert correlation(measured, known) > 0.9, "over all digits"
        for digit in range(10):
            assert correlation(measured[drawn.y == digit], known[drawn.y == digit]) > 0.99


def test_over_all_characters_and_fonts_they_follow_the_factors():
    """There fonts lean and are bold by themselves, and a rotation leans a character, too."""
    drawn, _ = data.glyphs(1600)
    x = drawn.x.float() / 255
    assert correlation(slant(x), drawn.factors["slant"]) > 0.65
    assert correlation(thickness(x), drawn.factors["thickness"]) > 0.45
    assert abs(correlation(slant(x), drawn.factors["thickness"])) < 0.1
    assert abs(correlation(thickness(x), drawn.factors["slant"])) < 0.1
