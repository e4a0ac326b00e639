"""Lecture 03: its figures and widgets without a browser (true numbers, refusals), and what it concludes from runs."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genlib import data, metrics, plots, pretrained, vae, widgets
from genlib.classical import NaiveBayes
from genlib.training import fit
from genlib.widgets.elbo_by_hand.widget import exact, log_joint
from genlib.widgets.reparameterization.widget import estimates, f, slope
from tests.drawings.test_plots_and_widgets import assert_whole, still_of

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
    gaps = {m: min(exact("bimodal", m / 20, s / 50)["gap"] for s in range(10, 70, 2)) for m in range(-40, 41)}
    assert min(gaps.values()) == pytest.approx(0.74, abs=0.005)
    assert gaps[0] == pytest.approx(1.41, abs=0.005), "the best that covers both modes"


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
    assert_whole(figure, width=(50, 2000), height=(50, 2000))


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
    assert bar.get_ylabel().startswith("density, 1 / area")


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


# What the lecture concludes from its runs, over three seeds -----------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return data.digits()


@pytest.mark.parametrize("seed", range(3))
def test_without_the_kl_75_more_nats_save_20_and_the_bound_is_worse_than_ignoring_z(digits, seed):
    train, test = (part.x / 16 for part in digits)
    cost = {}
    for name, beta in (("sound", 1.0), ("no KL", 0.0)):
        torch.manual_seed(seed)
        model = vae.VAE((1, 8, 8), 16, vae.Gaussian(0.15), beta=beta)  # both learn σ
        fit(model, train, steps=350, lr=4e-3, seed=seed, bar=False)
        with torch.no_grad():
            q = model.encode(test)
            rate, bound = model.kl(q, q.mean).mean(), torch.stack([model.elbo(test) for _ in range(5)]).mean()
        cost[name] = rate.item(), (-bound - rate).item()
    (rate, distortion), (more_rate, less_distortion) = cost["sound"], cost["no KL"]
    assert 13 < rate < 18
    assert 70 < more_rate - rate < 90
    assert 17 < distortion - less_distortion < 24
    assert more_rate > 10 * math.log(len(test)), "nearly all of it can't be information"
    ink = train.flatten(1)
    deaf = Normal(ink.mean(0), (ink - ink.mean(0)).square().mean().sqrt()).log_prob(test.flatten(1)).sum(1).mean()
    assert more_rate + less_distortion > -deaf, "a decoder that ignores z has the better bound"


@pytest.mark.parametrize("seed", range(3))
def test_a_vae_of_two_latents_is_as_good_as_ten_averages_far_behind_a_pixelcnn_and_shows_averages(digits, seed):
    train, test = digits
    torch.manual_seed(seed)
    model = vae.VAE((1, 8, 8), 2, "categorical", levels=17, hidden=128, layers=2, dropout=0.2)
    fit(model, train, steps=700, lr=4e-3, weight_decay=0.05, seed=seed, bar=False)
    averages = NaiveBayes((1, 8, 8), levels=17, classes=10).count(train.x, train.y, smoothing=0.3)
    pixels = NaiveBayes((1, 8, 8), levels=17).count(train.x, smoothing=0.1)
    with torch.no_grad():
        ours = torch.stack([model.elbo(test.x) for _ in range(10)])
        values = (
            ours,
            averages.log_marginal(test.x),
            pixels.log_prob(test.x),
            pretrained.load("pixelcnn_digits").log_prob(test.x),
        )
    mine, ten, one, pixel_cnn = (metrics.bits_per_dim(v.mean().item(), (1, 8, 8)) for v in values)
    assert abs(mine - ten) < 0.06
    assert mine < one - 0.2
    assert pixel_cnn < mine - 0.3
    with torch.no_grad():  # section 9: its mean is the average of the training digits, weighted by q(z | x)
        q, place = model.encode(train.x), model.encode(test.x[:50]).mean
        w = torch.stack([q.log_prob(z) for z in place]).softmax(1)
        shown, average = model.decode(place).mean.flatten(1), w @ train.x.flatten(1).float()
    away = (shown - average).abs().mean()
    assert away < 0.5 * (shown - test.x[:50].flatten(1)).abs().mean()
    assert away < 0.4 * (shown - train.x.flatten(1).float().mean(0)).abs().mean()


@pytest.mark.parametrize("seed", range(3))
def test_with_too_few_draws_the_miss_is_how_far_the_best_draw_is_behind(digits, seed):
    """Section 3: K = 44 nats for L = 32, yet 10,000 draws miss by about 155, for the best explains x 190 nats worse."""
    train, test = (part.x.double() / 16 for part in digits)
    few = test[:20]
    model = vae.LinearGaussianVAE((1, 8, 8), latent=32).double().requires_grad_(False).fit_closed_form(train)
    torch.manual_seed(seed)
    posterior = model.posterior(few)
    K = kl_divergence(posterior, MultivariateNormal(torch.zeros(32).double(), torch.eye(32).double())).mean()
    log_px = model.decode(torch.randn(10_000, 1, 32, dtype=torch.float64).expand(-1, 20, -1)).log_prob(few)
    miss = (model.log_prob(few) - vae.log_mean_exp(log_px)).mean()
    behind = (model.decode(posterior.sample((1000,))).log_prob(few).mean(0) - log_px.amax(0)).mean()
    assert abs(K - 43.7) < 0.1
    assert 145 < miss < 165
    assert 180 < behind < 200
    assert miss == pytest.approx(behind - K + math.log(10_000), abs=1), "the estimate is the best draw, divided by k"
    near = Independent(Normal(posterior.mean, 1.2 * posterior.stddev), 1)
    z = near.sample((100,))
    off = vae.log_mean_exp(model.log_joint(few, z) - near.log_prob(z)) - model.log_prob(few)
    assert off.abs().mean() < 0.25


@pytest.mark.parametrize("seed", range(3))
def test_which_gradient_spreads_less_depends_on_f(seed):
    torch.manual_seed(seed)
    spread = {}
    for L in (16, 64):
        zero, noise = torch.zeros(L), torch.randn(20_000, L)
        functions = {
            "separable": lambda z: -0.5 * ((z - 1) ** 2).sum(-1),
            "coupled": lambda z, L=L: -0.5 * (z.sum(-1) - L) ** 2,
            "wave": lambda z: torch.cos(3 * z.sum(-1)),
        }
        for name, g in functions.items():
            score = vae.score_function_gradient(g, zero, zero, noise, baseline=g(noise).mean())[0][:, 0].var().item()
            spread[name, L] = score, vae.reparameterized_gradient(g, zero, zero, noise)[0][:, 0].var().item()
    (score, path), (score_16, path_16) = spread["separable", 64], spread["separable", 16]
    assert score > 80 * path
    assert abs(path - path_16) < 0.1
    (score, path), (score_16, path_16) = spread["coupled", 64], spread["coupled", 16]
    assert 3.5 < path / path_16 < 4.5  # like L
    assert 50 < score / score_16 < 75  # like L³
    score, path = spread["wave", 64]
    assert score < path / 7


def test_the_loss_of_means_is_an_affine_function_of_minus_the_elbo_at_its_sigma():
    """(3.17): L / β times the value, plus D log σ∗ + D/2 log 2π, is -ELBO of one draw, for a decoder with σ∗."""
    D, L, beta = 30, 4, 0.3
    sigma = (beta * D / (2 * L)) ** 0.5
    torch.manual_seed(0)
    x = torch.randn(6, D, dtype=torch.float64)
    model = vae.VAE((D,), L, vae.Gaussian(sigma, learned=False)).double()
    with torch.no_grad():
        torch.manual_seed(1)
        q = model.encode(x)
        loss = (model.decode(q.rsample()).mean - x).square().mean() + beta * model.kl(q, q.mean).mean() / L
        torch.manual_seed(1)
        expected = -model.elbo(x).mean()
    assert torch.allclose(L / beta * loss + D * math.log(sigma) + D / 2 * math.log(2 * math.pi), expected)


def test_a_class_made_too_rare_costs_little_and_information_has_an_end():
    assert 0.1 * math.log(1000) == pytest.approx(0.69, abs=0.005)
    assert 0.1 * math.log(1000) < 0.01 * 2.17 * 64 * math.log(2)
    assert math.log(360) == pytest.approx(5.9, abs=0.02)


def test_draws_of_eight_latents_are_hardly_ever_near_0():
    lengths = torch.randn(100_000, 8, generator=torch.Generator().manual_seed(0)).norm(dim=1)
    assert (lengths > 2).float().mean() == pytest.approx(0.86, abs=0.005)
    assert lengths.mean() == pytest.approx(8**0.5, abs=0.1)


def test_the_false_line_by_hand_is_off_by_the_kl_to_the_posterior():
    left, right = math.log(0.5), 0.5 * math.log(0.09)
    assert (round(left, 3), round(right, 3)) == (-0.693, -1.204)
    assert left - right == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1))
    assert left - right == pytest.approx(0.511, abs=5e-4)


def test_the_closed_form_kl_inside_the_average_of_weights_is_no_bound():
    """Snippet C of bound_bugs: where q is the posterior, it exceeds log p(x)."""
    torch.manual_seed(0)
    pca = vae.LinearGaussianVAE((3,), latent=2, scale=0.5).double().requires_grad_(False)
    x = pca.sample(4)
    q, normal = pca.posterior(x), MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    log_px = pca.decode(q.sample((20_000,))).log_prob(x)
    bound = vae.log_mean_exp(log_px - kl_divergence(q, normal))
    assert (bound > pca.log_prob(x) + 0.05).all()
