"""Widgets of lecture 09: what Python reads of them, decoders in node, and what is refused."""

import pytest
import torch
from torch import nn

from genlib import plots, widgets
from genlib.likelihoods import LevelsLast
from genlib.vq import VQVAE, perplexity
from genlib.widgets.network import layers
from tests.browser.widgets_of_tokens import SAID, coloured_tokens, drawn, stamps, usage, writer
from tests.drawings.test_gan_widgets import in_node
from tests.drawings.test_plots_and_widgets import assert_whole, still_of

# The cell -------------------------------------------------------------------------------------------------------------


def test_codes_and_their_points_are_read():
    widget = widgets.cell(torch.tensor([[0.0, 0], [1, 0], [3, 3]]), torch.tensor([[0.0, 1], [3, 2]]))
    assert widget.assigned.tolist() == [0, 0, 1]
    assert widget.distortion == pytest.approx((1 + 2 + 1) / 3)
    assert widget.history == [pytest.approx(4 / 3)]
    widget.value = {"codes": [[0.5, 0.0], [3.0, 3.0]], "assigned": [0, 0, 1], "history": [2.0, 0.2], "z": [1.0, 1.0]}
    assert widget.distortion == pytest.approx(0.5 / 3)
    assert widget.history == [2.0, 0.2]
    assert widget.z.tolist() == [1, 1]
    assert still_of(widget)[1].endswith("the mean squared distance of a point from its code is 0.17.")


def test_the_default_has_a_heap_for_each_code_and_starts_far_from_it():
    widget = widgets.cell()
    points, codes = widget.points, widget.codes
    for _ in range(20):
        of = torch.cdist(points, codes).argmin(1)
        codes = torch.stack([points[of == k].mean(0) for k in range(len(codes))])
    assert (points - codes[of]).square().sum(1).mean() < widget.distortion / 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"points": torch.zeros(5, 3)}, r"points \(5, 3\) must be \(n, 2\)"),
        ({"codes": torch.zeros(9, 2)}, "n from 2 to 8"),
        ({"codes": 5 * torch.ones(2, 2)}, "the codes must lie within"),
        ({"mode": "kmeans"}, "mode='kmeans' must be one of"),
    ],
)
def test_points_that_are_none_are_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        widgets.cell(**wrong)


# The token editor -----------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "logistic"])
def test_node_runs_the_decoders_of_token_models_as_torch_does(likelihood):
    torch.manual_seed(0)
    levels = None if likelihood == "bernoulli" else 5
    decoder = VQVAE((3, 8, 8), 10, likelihood, levels=levels, channels=4).decoder.eval()
    z = torch.randn(8, 2, 2)
    assert torch.allclose(in_node(decoder, z), decoder(z[None]).flatten(), atol=1e-5)


def test_levels_that_move_to_the_end_are_no_mere_reshaping():
    x = torch.arange(24.0).view(6, 2, 2)
    net = nn.Sequential(LevelsLast(3))
    assert torch.equal(in_node(net, x), net(x[None]).flatten())
    assert not torch.equal(in_node(net, x), x.flatten())


def test_tokens_are_read_and_decoded_as_they_stand():
    for widget in (stamps(), stamps(decode="in the kernel")):
        assert widget.tokens.tolist() == [[0, 1, 2], [3, 0, 1], [2, 3, 0]]
        assert torch.allclose(widget.picture[0, ::2, ::2], widget.tokens / 3)
        widget.value = {"choice": 1, "edited": None, "brush": 2, "tool": "paint"}
        assert (widget.choice, widget.brush) == (1, 2)
        assert widget.tokens.tolist() == [[2, 3, 0], [3, 0, 1], [0, 1, 2]]
        widget.value = {"choice": 1, "edited": [3] * 9, "brush": 2, "tool": "paint"}
        assert torch.allclose(widget.picture, torch.ones(1, 6, 6))
    assert widget.answer["tokens"] == [3] * 9


def test_a_code_alone_is_the_middle_of_a_picture_of_it():
    from genlib.widgets.token_editor.widget import _levels

    alone = _levels(stamps().state["alone"]).view(4, 4)
    assert torch.allclose(alone, torch.arange(4)[:, None].expand(4, 4) / 3, atol=0.002)


def test_still_pictures_of_tokens_in_ink_and_colour():
    for widget in (stamps(), coloured_tokens()):
        picture, alt = still_of(widget)
        assert picture.startswith(b"\x89PNG")
        assert "tokens, each drawn as its code decoded alone" in alt
    assert coloured_tokens().state["layers"][-1] == {"type": "shape", "sizes": [-1]}


def test_the_decoder_that_is_given_stays_as_it_is():
    net = nn.Sequential(nn.BatchNorm2d(1), nn.ConvTranspose2d(1, 1, 2, stride=2))
    before = net[0].running_mean.clone()
    widgets.token_editor(torch.rand(1, 1, 4, 4), torch.zeros(1, 4).long(), torch.ones(2, 1), net)
    assert net.training
    assert torch.equal(net[0].running_mean, before)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pictures": torch.rand(2, 2, 4, 4)}, "C 1 or 3"),
        ({"tokens": torch.zeros(2, 5).long()}, r"tokens \(2, 5\) must be"),
        ({"tokens": torch.zeros(2, 6).long(), "grid": (2, 3)}, "2x3 tokens for pictures of 4x4"),
        ({"tokens": torch.full((2, 4), 7)}, r"tokens must be 0\.\.2"),
        ({"tokens": torch.zeros(3, 4).long()}, "3 grids of tokens for 2 pictures"),
        ({"codebook": torch.zeros(3)}, r"codebook \(3,\)"),
    ],
)
def test_tokens_that_do_not_fit_are_told(wrong, said):
    right = {"pictures": torch.rand(2, 1, 4, 4), "tokens": torch.zeros(2, 4).long(), "codebook": torch.zeros(3, 1)}
    right |= {"decoder": nn.Sequential(nn.ConvTranspose2d(1, 1, 2, stride=2))}
    with pytest.raises(ValueError, match=said):
        widgets.token_editor(**right | wrong)


# The caption ----------------------------------------------------------------------------------------------------------


def asked():
    """A writer, and the list of what its draw was asked."""
    calls = []

    def draw(*request):
        calls.append(request)
        return drawn(*request)

    return writer(draw), calls


def test_what_is_stored_is_drawn_when_it_is_made_and_nothing_twice():
    widget, calls = asked()
    small, large = "a small red circle at the top left", "a large blue square at the bottom right"
    assert sorted(calls) == [(large, 1.0, 0), (large, 3.0, 0), (small, 1.0, 0), (small, 3.0, 0)]
    assert len(widget.state["table"]) == 4
    assert widget.request == {"caption": small, "guidance": 1, "seed": 0}
    widget.value = {"caption": large, "guidance": 3, "seed": 0}
    assert len(calls) == 4
    assert widget.pictures[:, 0].unique().item() == pytest.approx(0.5, abs=0.003)
    assert widget.right[1] == {"size": True, "colour": False, "shape": True, "place": True, "count": True}
    widget.value = {"caption": "red circle", "guidance": 1.5, "seed": 4}
    assert calls[4:] == [("red circle", 1.5, 4)]
    assert widget.answer["request"]["seed"] == 4
    assert len(widget.state["table"]) == 4, "what travels again is small"


def test_errors_of_the_draw_are_told_in_the_widget():
    def draw(caption, guidance, seed):
        if seed == 1:
            raise ValueError("there is no such word")
        if seed == 2:
            raise KeyError("oops")
        return drawn(caption, guidance, seed)

    widget = writer(draw)
    widget.value = {"caption": "a", "guidance": 1, "seed": 1}
    assert widget.answer["error"] == "there is no such word"
    widget.value = {"caption": "a", "guidance": 1, "seed": 2}
    assert widget.answer["error"] == "KeyError: 'oops'"


def test_the_still_picture_says_what_is_wrong():
    widget = writer()
    assert still_of(widget)[1].endswith("a judge finds all of it right.")
    without = writer(lambda *request: drawn(*request) | {"attention": None, "right": [{"other_size": False}] * 2})
    assert still_of(without)[1].endswith("a judge finds wrong: other size.")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"template": "a {size} thing"}, "the template asks for size"),
        ({"guidance": 1.2}, r"guidance=1\.2 must be one of"),
        ({"guidances": (3, 1)}, "which must rise"),
        ({"stored_guidances": (7,)}, r"\[7\] are none of"),
        ({"start": "a pink circle"}, "'pink' is no word"),
        ({"draw": lambda *request: drawn(*request) | {"tokens": torch.zeros(3)}}, "draw returned pictures"),
        ({"draw": lambda *request: drawn(*request) | {"right": []}}, "0 verdicts for 2 pictures"),
    ],
)
def test_captions_that_do_not_fit_are_told(wrong, said):
    right = {"draw": drawn, "words": SAID, "shape": (3, 8, 8), "grid": (4, 4)}
    with pytest.raises(ValueError, match=said):
        widgets.caption(**right | wrong)


# The perplexity meter -------------------------------------------------------------------------------------------------


def test_the_perplexity_is_that_of_vq():
    torch.manual_seed(0)
    t = torch.randint(0, 6, (3, 200)).square() % 9
    counts = torch.stack([torch.bincount(row, minlength=9) for row in t])
    widget = widgets.perplexity_meter({"run": counts})
    for frame in range(3):
        widget.value = {"frame": frame, "sorted": False}
        assert widget.perplexities["run"] == pytest.approx(perplexity(t[frame], 9).item(), rel=1e-5)
        assert widget.counts.tolist() == [counts[frame].tolist()]


def test_it_stands_at_the_last_step():
    widget = usage()
    assert widget.frame == 3
    assert widget.perplexities == pytest.approx({"no revival": 1, "revival": 8})
    assert "after step 40" in still_of(widget)[1]


@pytest.mark.parametrize(
    ("runs", "steps", "said"),
    [
        ({}, None, "0 runs: give 1 to 4"),
        ({"a": torch.ones(3)}, None, r"must be \(steps, K\)"),
        ({"a": torch.ones(3, 4), "b": torch.ones(2, 4)}, None, "all the same"),
        ({"a": torch.rand(3, 4)}, None, "integers"),
        ({"a": torch.ones(3, 4)}, [0, 5], "2 steps for 3 counts"),
        ({"a": torch.ones(3, 4)}, [0, 5, 5], "rising"),
        ({"a": torch.ones(500, 500)}, None, "too many to send"),
    ],
)
def test_counts_that_are_none_are_told(runs, steps, said):
    with pytest.raises(ValueError, match=said):
        widgets.perplexity_meter(runs, steps)


# Figures --------------------------------------------------------------------------------------------------------------


def test_figures_of_codes_are_whole():
    widget = widgets.cell()
    cells = plots.quantization.cells(widget.points, widget.codes, widget.assigned, distortion=1.0)
    assert_whole(cells, width=(300, 500), height=(300, 500))
    counts = torch.ones(3, 16).long()
    assert_whole(plots.quantization.usage({"a": counts, "b": counts}, [0, 1, 2]), width=(700, 1100), height=(200, 330))
    look = torch.rand(16, 8)
    made = plots.quantization.captioned(torch.rand(3, 8, 8), " ".join("abcdefgh"), {"size": True}, look, grid=(4, 4))
    assert_whole(made, width=(600, 1100), height=(150, 300))
    assert layers(nn.Sequential(LevelsLast(1))) == [{"type": "levels", "levels": 1}]
