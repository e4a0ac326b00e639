"""The figures and widgets of lecture 03, without a browser: true numbers, refusals, nothing cut off."""

import math

import pytest
import torch

from genlib import plots, widgets
from genlib.widgets.elbo_by_hand.widget import exact, log_joint
from genlib.widgets.reparameterization.widget import estimates, f, slope
from tests.drawings.test_plots_and_widgets import cut_texts, size_of, still_of

BEST = {"mean": 0.96, "sd": 0.6}  # of the Gaussian posterior: precision 1 + 1 / 0.75², mean 1.5 / 0.75² / precision


def test_the_gap_closes_on_the_gaussian_posterior_and_nowhere_else():
    assert abs(exact("gaussian", **BEST)["gap"]) < 1e-9
    for mean, sd in ((0.9, 0.6), (0.96, 0.5), (0.96, 0.7)):
        assert exact("gaussian", mean, sd)["gap"] > 1e-3


def test_log_p_of_the_gaussian_model_is_that_of_its_closed_form():
    variance = 1 + 0.75**2
    expected = -0.5 * (1.5**2 / variance + math.log(2 * math.pi * variance))
    assert exact("gaussian", 0.0, 1.0)["logp"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("posterior", ["gaussian", "bimodal"])
@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (-1.3, 0.2), (2.0, 1.5)])
def test_the_numbers_by_hand_fit_together(posterior, mean, sd):
    n = exact(posterior, mean, sd)
    assert n["gap"] > 0
    assert n["elbo"] == pytest.approx(n["reconstruction"] - n["kl"])
    assert n["kl"] == pytest.approx(0.5 * (mean**2 + sd**2 - 1) - math.log(sd), abs=1e-9)
    z = torch.linspace(-15, 15, 12001, dtype=torch.float64)
    q = torch.distributions.Normal(*torch.tensor([mean, sd], dtype=torch.float64))
    log_q = q.log_prob(z)
    gap = torch.trapezoid(log_q.exp() * (log_q - log_joint(posterior, z) + n["logp"]), z)
    assert n["gap"] == pytest.approx(gap.item(), abs=1e-6)


def test_no_gaussian_closes_the_gap_of_the_bimodal_posterior():
    gaps = [exact("bimodal", m / 10, s / 20)["gap"] for m in range(-20, 21) for s in range(2, 40)]
    assert math.log(2) < min(gaps) < 0.8


def test_by_hand_holds_what_was_set_and_shows_it():
    widget = widgets.elbo_by_hand()
    before, alt = still_of(widget)
    assert "log p(x)" in alt
    widget.value = {"posterior": "bimodal", "mean": 1.4, "sd": 0.25}  # what the browser sends
    assert (widget.posterior, widget.mean, widget.sd) == ("bimodal", 1.4, 0.25)
    assert widget.numbers == exact("bimodal", 1.4, 0.25)
    assert still_of(widget)[0] != before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"posterior": "cauchy"}, "choose one of"), ({"mean": 5.0}, "mean=5.0"), ({"sd": 0.0}, "sd=0.0")],
)
def test_by_hand_refuses_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        widgets.elbo_by_hand(**arguments)


def test_the_slope_is_the_derivative():
    z = torch.linspace(-4, 4, 50, dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(f(z).sum(), z)
    assert torch.allclose(derivative, slope(z))


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_both_estimates_are_unbiased(offset):
    noise = torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for ways in estimates(noise, -0.5, 0.7, offset).values():
        for way in ("path", "score"):
            error = ways[way].std() / len(noise) ** 0.5
            assert abs(ways[way].mean() - ways["exact"]) < 4 * error


def test_a_constant_in_f_moves_the_score_and_not_the_path():
    noise = torch.randn(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    without, with_it = (estimates(noise, 0.3, 0.5, offset)["mean"] for offset in (0.0, 5.0))
    assert torch.equal(without["path"], with_it["path"])
    assert with_it["score"].var() > 2 * without["score"].var()


def test_reparameterization_holds_what_was_moved():
    widget = widgets.reparameterization(draws=4)
    before, _ = still_of(widget)
    widget.value = {"noise": [0.5, -0.5, 1.0, -1.0], "mean": 0.0, "sd": 1.0, "offset": 0.0}
    expected = slope(torch.tensor([0.5, -0.5, 1.0, -1.0], dtype=torch.float64)).mean().item()
    assert widget.numbers["mean"]["path"] == pytest.approx(expected)
    assert still_of(widget)[0] != before


@pytest.mark.parametrize(("arguments", "words"), [({"sd": 9.0}, "sd=9.0"), ({"draws": 1}, "draws=1")])
def test_reparameterization_refuses_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        widgets.reparameterization(**arguments)


def figures():
    labels = torch.arange(20) % 10
    means, sds = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)), torch.full((20, 2), 0.2)
    axis = torch.linspace(-3, 3, 31)
    z = torch.cartesian_prod(axis, axis)
    hill = (-(z**2).sum(1) * 4).exp().view(1, 31, 31).expand(3, -1, -1)
    return {
        "codes": plots.latent.codes({"one": means, "two": (means, sds)}, labels),
        "hills": plots.latent.densities(axis, hill, ["aggregated posterior $\\bar q(z)$"] * 3, reach=2.5),
        "posteriors": plots.latent.posteriors(axis, hill, means[:3], sds[:3], ["a 1: gap 0.1 nats"] * 3),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_and_no_text_is_cut(name):
    figure = figures()[name]
    width, height = size_of(figure)
    assert 50 < width < 2000
    assert 50 < height < 2000
    assert cut_texts(figure) == []


def test_codes_are_drawn_with_an_ellipse_each():
    means, sds = torch.zeros(7, 2), torch.ones(7, 2)
    ax = plots.latent.codes({"codes": (means, sds)}, torch.arange(7), prior=False, extent=2.0).axes[0]
    assert len(ax.patches) == 7
    assert {(p.width, p.height) for p in ax.patches} == {(2.0, 2.0)}


def test_hills_share_one_scale():
    axis, density = torch.linspace(-3, 3, 31), torch.ones(2, 31, 31)
    density[1] *= 5
    left, right, bar = plots.latent.densities(axis, density, ["low", "high"], reach=2.0).axes
    assert left.images[0].get_clim() == right.images[0].get_clim() == (0, 5)
    assert bar.get_ylabel() == "density, 1 / area"


def test_circles_of_the_prior_stand_only_where_there_is_one():
    means, sds = torch.randn(7, 2, generator=torch.Generator().manual_seed(0)), torch.ones(7, 2)
    plain, posteriors = plots.latent.codes({"codes": means + 40, "posteriors": (means, sds)}, torch.arange(7)).axes
    assert len(plain.patches) == 0
    assert len(posteriors.patches) == 7 + 2
    assert plain.get_xlim()[0] > 30, "the panel does not follow its codes"


@pytest.mark.parametrize(("n", "legend"), [(10, True), (11, False)])
def test_a_plane_of_more_than_ten_classes_has_no_legend(n, legend):
    labels = list(range(n))
    figure = plots.latent.plane(
        torch.randn(n, 2),
        torch.rand(1, 8, 8),
        at=torch.zeros(2),
        labels=labels,
        classes=[str(k) for k in labels],
        extent=(-3, 3, -3, 3),
    )
    assert (figure.axes[0].get_legend() is not None) == legend
