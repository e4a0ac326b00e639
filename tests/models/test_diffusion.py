"""Diffusion: schedules, the four names of a guess, bounds, samplers and guidance, against closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genlib.condition import Labels
from genlib.diffusion import (
    DDPM,
    EDM,
    ClassifierFree,
    ClassifierGuided,
    Cosine,
    Denoiser,
    IdealDenoiser,
    Linear,
    LinearLogSNR,
    MixtureDenoiser,
    VarianceExploding,
    ancestral,
    ddim,
    diffusion_term,
    euler,
    heun,
    langevin,
    noised,
    ode_log_prob,
    predicted,
    prior_term,
    probability_flow,
    reverse_sde,
    spread_times,
    steps_down,
)
from genlib.diffusion.bounds import gaussian_reconstruction
from genlib.nets import DiT, ResidualMLP, TimeAndCondition, TimeFeatures, UNet
from genlib.training import fit

SCHEDULES = [Linear(), Cosine(), LinearLogSNR(), VarianceExploding(), EDM()]
PRESERVING = [Linear(), Cosine(), LinearLogSNR()]
names = str


def times(n=41):
    return torch.linspace(0, 1, n, dtype=torch.double)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def centres():
    angle = torch.arange(5, dtype=torch.double) * (2 * math.pi / 5)
    return torch.stack([angle.cos(), angle.sin()], 1)


def mixture(centres, schedule=None, **how):
    return MixtureDenoiser(centres, 0.2, schedule=schedule or LinearLogSNR(9, -9), **how)


# --- schedules


@pytest.mark.parametrize("schedule", SCHEDULES, ids=names)
def test_a_schedule_falls_from_end_to_end_and_is_finite(schedule):
    t = times()
    lam = schedule.log_snr(t)
    assert lam.isfinite().all()
    assert (lam.diff() < 0).all()
    assert torch.allclose(lam, (schedule.alpha(t).square() / schedule.sigma(t).square()).log())
    if schedule.preserving:
        assert torch.allclose(schedule.alpha(t).square() + schedule.sigma(t).square(), torch.ones_like(t))
    else:
        assert (schedule.alpha(t) == 1).all()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=names)
def test_slope_drift_and_diffusion_are_derivatives(schedule):
    """g² also as what variance needs: dσ²/dt = 2 f σ² + g²."""
    t = times().requires_grad_()

    def d(values):
        return torch.autograd.grad(values.sum(), t, retain_graph=True)[0]

    assert torch.allclose(schedule.slope(t), d(schedule.log_snr(t)))
    sigma2 = schedule.sigma(t).square()
    f = d(schedule.alpha(t).log()) if schedule.preserving else torch.zeros_like(t)
    assert torch.allclose(schedule.drift(t), f, atol=1e-9)
    assert torch.allclose(schedule.diffusion(t), d(sigma2) - 2 * f * sigma2, rtol=1e-6)


def test_the_linear_schedule_is_ddpms():
    """β of 1,000 steps from 10⁻⁴ to .02: ᾱ as a product, to the accuracy of a product for an integral."""
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.double)
    product = (1 - beta).cumprod(0)
    t = (torch.arange(1, 1001, dtype=torch.double) / 1000 - 1e-3) / (1 - 1e-3)
    ours = Linear().alpha(t).square()
    assert (ours.log() - product.log()).abs().max() < 0.01 * 10.1
    assert (ours - product).abs().max() < 2e-3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Linear(beta_first=0), "beta_first=0 must be above 0"),
        (lambda: Linear(start=1), "start=1 must lie between 0 and 1"),
        (lambda: Cosine(0.6, 0.6), "leave nothing between"),
        (lambda: LinearLogSNR(1, 1), "first=1 must be above last=1"),
        (lambda: VarianceExploding(2, 1), "sigma_last=1 must be above sigma_first=2"),
        (lambda: EDM(rho=-1), "rho=-1"),
    ],
)
def test_schedules_that_are_none_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


# --- one guess, four names


@pytest.mark.parametrize("schedule", SCHEDULES, ids=names)
def test_the_four_names_are_one_guess(schedule):
    x, t = torch.randn(6, 3, dtype=torch.double), torch.linspace(0.1, 0.9, 6, dtype=torch.double)
    x_t, eps = noised(x, t, schedule)
    guess = predicted("x", x, x_t, t, schedule)
    assert torch.allclose(guess.eps, eps)
    for name in ("eps", "v", "score"):
        again = predicted(name, getattr(guess, name), x_t, t, schedule)
        assert torch.allclose(again.x, x), name
    pushed = guess.moved_by(torch.ones_like(x))
    assert torch.allclose(pushed.score, guess.score + 1)


def test_v_is_where_the_angle_leads():
    """α = cos φ, σ = sin φ: dx_t/dφ = v for fixed x and ε."""
    schedule, t = Cosine(), torch.tensor([0.3], dtype=torch.double)
    x, eps = torch.randn(1, 4, dtype=torch.double), torch.randn(1, 4, dtype=torch.double)
    phi = torch.acos(schedule.alpha(t))
    v = torch.autograd.functional.jvp(lambda p: p.cos() * x + p.sin() * eps, phi, torch.ones_like(phi))[1]
    x_t = phi.cos() * x + phi.sin() * eps
    assert torch.allclose(predicted("x", x, x_t, t, schedule).v, v)


def test_edm_with_data_of_variance_one_is_v_with_another_sign():
    F = torch.randn(5, 2, dtype=torch.double)
    x_t, t = torch.randn(5, 2, dtype=torch.double), torch.linspace(0.1, 0.9, 5, dtype=torch.double)

    def guess(name, F):
        return Denoiser(Fixed(F), Cosine(), name)(x_t, t).x

    assert torch.allclose(guess("edm", F), guess("v", -F))


class Fixed(nn.Module):
    def __init__(self, F):
        super().__init__()
        self.F = F

    def forward(self, x_t, t, y=None):
        return self.F


@pytest.mark.parametrize("schedule", [Cosine(), EDM(0.01, 20)], ids=names)
def test_edms_three_requirements(schedule):
    """On Gaussian data of deviation s: the network sees variance one, its best answer has variance one (so is a
    standard normal regression target), and where there is little noise a wrong answer hardly matters."""
    s, n = 1.7, 200_000
    x = s * torch.randn(n, 1, dtype=torch.double, generator=generator())
    for at in (0.2, 0.5, 0.9):
        t = torch.full((n,), at, dtype=torch.double)
        x_t, _ = noised(x, t, schedule, generator(1))
        seen = []
        zero = Denoiser(Watched(seen, torch.zeros_like(x)), schedule, "edm", data_scale=s)(x_t, t).x
        one = Denoiser(Fixed(torch.ones_like(x)), schedule, "edm", data_scale=s)(x_t, t).x
        assert abs(seen[0].var().item() - 1) < 0.02
        target = (x - zero) / (one - zero)
        assert abs(target.var().item() - 1) < 0.02
        assert abs((target * seen[0]).mean().item()) < 0.02, "what is left to predict still follows x_t on a line"
    first = Denoiser(Fixed(torch.ones(1, 1).double()), schedule, "edm", data_scale=s)
    little, much = (
        (first(x_t, t).x - Denoiser(Fixed(torch.zeros(1, 1).double()), schedule, "edm", data_scale=s)(x_t, t).x).abs()
        for x_t, t in ((torch.ones(1, 1).double(), at) for at in (0.0, 0.9))
    )
    assert little.item() < 0.05 < much.item()


class Watched(Fixed):
    def __init__(self, seen, F):
        super().__init__(F)
        self.seen = seen

    def forward(self, x_t, t, y=None):
        self.seen.append(x_t)
        return self.F


# --- oracles


@pytest.mark.parametrize("schedule", SCHEDULES, ids=names)
def test_the_score_of_a_mixture_is_the_gradient_of_its_density(centres, schedule):
    model = mixture(centres, schedule, weights=torch.tensor([1, 2, 3, 4, 5.0]))
    x = torch.randn(7, 2, dtype=torch.double, requires_grad=True)
    for at in (0.0, 0.3, 0.9):
        (gradient,) = torch.autograd.grad(model.log_prob(x, at).sum(), x)
        assert torch.allclose(model(x, at).score, gradient, rtol=1e-7, atol=1e-7)


def test_the_mean_of_x_given_x_t_by_quadrature():
    """On a grid of x: E[x | x_t] of three Gaussians in one dimension."""
    means = torch.tensor([[-1.0], [0.5], [2.0]], dtype=torch.double)
    model = MixtureDenoiser(means, 0.3, weights=torch.tensor([0.2, 0.5, 0.3]), schedule=Cosine())
    x = torch.linspace(-4, 5, 20_001, dtype=torch.double)
    p = (torch.tensor([0.2, 0.5, 0.3]).double()[:, None] * torch.exp(-((x - means) ** 2) / (2 * 0.09))).sum(0)
    t = torch.tensor([0.4], dtype=torch.double)
    alpha, sigma = Cosine().alpha(t), Cosine().sigma(t)
    for x_t in (-1.0, 0.1, 0.8):
        w = p * torch.exp(-((x_t - alpha * x) ** 2) / (2 * sigma**2))
        truth = (w * x).sum() / w.sum()
        assert model(torch.tensor([[x_t]], dtype=torch.double), t).x.item() == pytest.approx(truth.item(), abs=1e-9)


def test_labels_of_a_mixture_name_its_gaussians(centres):
    model = mixture(centres)
    x, y = torch.randn(6, 2, dtype=torch.double), torch.tensor([0, 1, 2, 3, 4, -1])
    each = [mixture(centres[k : k + 1])(x[k : k + 1], 0.5).x for k in range(5)]
    assert torch.allclose(model(x, 0.5, y).x, torch.cat([*each, model(x[5:], 0.5).x]))
    together = torch.stack([model.log_prob(x, 0.5, torch.full((6,), k)) for k in range(5)])
    assert torch.allclose(together.logsumexp(0) - math.log(5), model.log_prob(x, 0.5))


def test_the_ideal_denoiser_knows_its_points_and_gives_them_back():
    points = torch.randn(8, 1, 2, 2, dtype=torch.double, generator=generator())
    ideal = IdealDenoiser(points, schedule=LinearLogSNR(9, -9))
    near = points + 0.005 * torch.randn(points.shape, generator=generator(1), dtype=torch.double)
    assert torch.allclose(ideal(ideal.schedule.alpha(torch.zeros(1)).double() * near, 0.0).x, points, atol=1e-9)
    z = torch.randn(64, 1, 2, 2, dtype=torch.double, generator=generator(2))
    drawn = ddim(ideal, z, steps_down(200))
    nearest = torch.cdist(drawn.flatten(1), points.flatten(1)).min(1).values
    assert nearest.max() < 0.05


# --- the ladder and the bound


def test_a_step_of_ancestral_sampling_is_bayes_rule_on_a_grid():
    """q(x_s | x_t, x) ∝ q(x_t | x_s) q(x_s | x): mean and variance of many steps with x̂ = x."""
    schedule, x, x_t = Cosine(), 0.7, -0.4
    s, t = (torch.tensor([at], dtype=torch.double) for at in (0.4, 0.5))
    grid = torch.linspace(-4, 4, 40_001, dtype=torch.double)
    ratio = schedule.alpha(t) / schedule.alpha(s)
    between = schedule.sigma(t) ** 2 - ratio**2 * schedule.sigma(s) ** 2
    log_w = -((x_t - ratio * grid) ** 2) / (2 * between)
    log_w = log_w - (grid - schedule.alpha(s) * x) ** 2 / (2 * schedule.sigma(s) ** 2)
    w = log_w.softmax(0)
    mean, variance = (w * grid).sum(), (w * grid**2).sum() - (w * grid).sum() ** 2
    n = 400_000
    known = Denoiser(Fixed(torch.full((n, 1), x, dtype=torch.double)), schedule, "x")
    drawn = ancestral(known, torch.full((n, 1), x_t, dtype=torch.double), torch.cat([t, s]), generator=generator())
    assert abs(drawn.mean() - mean) < 5 * (variance / n).sqrt()
    assert abs(drawn.var() / variance - 1) < 5 * (2 / n) ** 0.5


def gaussian_terms(schedule, x, *, steps=None, draws=4000, scale=0.6):
    """The three terms of minus the bound for N(0, scale²) with its best denoiser: (prior, diffusion, reconstruction),
    and the standard error of the second, which is a mean over many draws."""
    model = MixtureDenoiser(torch.zeros(1, 1, dtype=torch.double), scale, schedule=schedule)
    many = x.repeat_interleave(draws, 0)
    t = torch.rand(len(many), dtype=torch.double, generator=generator())
    paid = diffusion_term(model, many, t, steps=steps, generator=generator(1))[0].view(len(x), draws)
    terms = prior_term(x, schedule), paid.mean(1), gaussian_reconstruction(x, schedule)
    return terms, paid.std(1) / draws**0.5


def by_quadrature(schedule, x, scale=0.6):
    """The same diffusion term without draws: Gauss-Legendre over t, and three nodes for ε, in which it is a square."""
    model = MixtureDenoiser(torch.zeros(1, 1, dtype=torch.double), scale, schedule=schedule)
    node, weight = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(2000))
    t, weight = (node + 1) / 2, weight / 2
    total = torch.zeros(len(x), dtype=torch.double)
    for eps, probability in ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6)):
        x_t = schedule.alpha(t) * x + schedule.sigma(t) * eps  # (B, nodes)
        guess = model(x_t.reshape(-1, 1), t.repeat(len(x))).eps.view_as(x_t)
        total += probability * (-schedule.slope(t) / 2 * (guess - eps).square()) @ weight
    return total


@pytest.mark.parametrize(
    "schedule", [LinearLogSNR(12, -12), Cosine(1e-3, 1e-3), VarianceExploding(2e-3, 300)], ids=names
)
def test_with_the_best_denoiser_the_three_terms_add_up_to_log_p(schedule):
    """Gaussian data, where log p is known: in continuous time nothing is lost but what the two ends cost."""
    scale = 0.6
    x = torch.linspace(-1.5, 1.5, 9, dtype=torch.double)[:, None]
    log_p = -0.5 * (x[:, 0] / scale) ** 2 - math.log(scale) - 0.5 * math.log(2 * math.pi)
    (prior, paid, told), error = gaussian_terms(schedule, x)
    exact = by_quadrature(schedule, x)
    assert ((paid - exact).abs() < 5 * error).all()
    lost = prior + exact + told + log_p
    assert lost.abs().max() < 1e-4
    assert (lost - prior_term(x, schedule)).max() < 1e-4
    without_prior = exact + told + log_p
    assert (exact + prior + log_p).abs().max() > 1, "and without one of the terms they do not"
    assert without_prior.abs().max() < 1e-3


def test_fewer_rungs_cost_more():
    x = torch.linspace(-1.5, 1.5, 9, dtype=torch.double)[:, None]
    schedule = LinearLogSNR(8, -8)
    costs = [sum(gaussian_terms(schedule, x, steps=T)[0]).mean().item() for T in (4, 16, 64, None)]
    assert costs[0] > costs[1] + 0.1 > costs[2] + 0.1 > costs[3]


def test_in_continuous_time_only_the_ends_of_a_schedule_matter():
    """The diffusion term of three schedules with the same ends; the ladder's term differs."""

    class Bent(LinearLogSNR):
        def __init__(self, power):
            super().__init__(6.0, -6.0)
            self.power = power

        def log_snr(self, t):
            return super().log_snr(t**self.power)

        def slope(self, t):
            return super().slope(t) * self.power * t ** (self.power - 1)

    x = torch.tensor([[0.3], [-1.2]], dtype=torch.double)
    free = [by_quadrature(Bent(power), x) for power in (1.0, 1.5, 2.0)]
    assert torch.allclose(free[0], free[1], atol=1e-6)
    assert torch.allclose(free[0], free[2], atol=1e-6)
    rungs = [gaussian_terms(Bent(power), x, steps=6)[0][1].mean().item() for power in (1.0, 2.0)]
    assert abs(rungs[0] - rungs[1]) > 0.1


def test_the_prior_term_is_torchs_kl():
    for schedule in SCHEDULES:
        x = torch.randn(4, 3, dtype=torch.double)
        one = torch.ones((), dtype=torch.double)
        q = torch.distributions.Normal(schedule.alpha(one) * x, schedule.sigma(one))
        p = torch.distributions.Normal(0.0, torch.tensor(schedule.last_scale).double())
        truth = torch.distributions.kl_divergence(q, p).sum(1)
        assert torch.allclose(prior_term(x, schedule), truth)


def test_the_bounds_of_all_values_sum_to_less_than_one():
    """Σ_v exp(bound on log P(v)) ≤ Σ_v P(v) = 1, for any network; "levels", which starts near independent pixels, is
    near it already."""
    torch.manual_seed(0)
    x = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    for predicts, least in (("eps", 0.0), ("levels", 0.5)):
        model = DDPM((2,), 3, schedule=LinearLogSNR(6, -6), predicts=predicts, hidden=16, T=50).double().eval()
        with torch.no_grad():
            bound = model.elbo(x.repeat_interleave(1000, 0), draws=2).view(9, 1000)
        total = bound.mean(1).exp().sum().item()
        error = (bound.mean(1).exp() * bound.std(1) / 1000**0.5).square().sum().sqrt().item()
        assert least < total < 1 - 5 * error, predicts


def test_loss_is_minus_the_bound_and_its_parts_are_the_terms():
    torch.manual_seed(0)
    model = DDPM((3,), 5, weighting="bound", hidden=16, schedule=LinearLogSNR()).eval()
    x = torch.randint(5, (512, 3))
    with torch.no_grad():
        torch.manual_seed(1)
        parts = model.loss(x)
        torch.manual_seed(1)
        terms = model.terms(x)
    assert parts["loss"].item() == pytest.approx(sum(v.mean().item() for v in terms.values()), rel=1e-6)
    assert set(parts) == {"loss", "prior", "diffusion", "reconstruction"}


def test_the_loss_of_v_weighs_the_error_of_x_by_one_over_the_noise():
    """With α² + σ² = 1, v̂ − v = −(x̂ − x)/σ, and ε̂ − ε = −(α/σ)(x̂ − x): the two losses differ by α²."""
    torch.manual_seed(0)
    level = LinearLogSNR(1.0, 1.0 - 1e-9)  # all times are alike
    model = DDPM((3,), weighting="v", hidden=16, schedule=level).eval().double()
    x, losses = torch.randn(64, 3, dtype=torch.double), {}
    for model.weighting in ("v", "simple"):
        torch.manual_seed(1)
        losses[model.weighting] = model.loss(x)["loss"].item()
    assert losses["simple"] / losses["v"] == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-6)


# --- samplers, on a mixture whose marginals are known


@pytest.mark.parametrize(
    "sampler",
    ["ancestral", "ddim", "half", "reverse_sde", "euler", "heun"],
)
def test_every_sampler_draws_the_mixture(centres, sampler):
    """Share of each Gaussian, and mean squared distance to its centre: within five standard errors, and 8 %."""
    model, n = mixture(centres), 8_000
    z = torch.randn(n, 2, dtype=torch.double, generator=generator())
    down = steps_down(150)
    draws = {
        "ancestral": lambda: ancestral(model, z, down, generator=generator(1)),
        "ddim": lambda: ddim(model, z, down),
        "half": lambda: ddim(model, z, down, eta=0.5, generator=generator(1)),
        "reverse_sde": lambda: reverse_sde(model, z, steps_down(600), generator=generator(1)),
        "euler": lambda: euler(probability_flow(model), z, steps_down(400)),
        "heun": lambda: heun(probability_flow(model), z, down),
    }
    x = draws[sampler]()
    distance = torch.cdist(x, centres)
    share = distance.argmin(1).bincount(minlength=5) / n
    assert (share - 0.2).abs().max() < 5 * (0.2 * 0.8 / n) ** 0.5
    squared = distance.min(1).values.square()
    assert squared.mean().item() == pytest.approx(2 * 0.2**2, rel=0.08)


def test_heun_is_of_order_two_and_euler_of_order_one(centres):
    model = mixture(centres, LinearLogSNR(5, -5))
    z = torch.randn(60, 2, dtype=torch.double, generator=generator())
    velocity = probability_flow(model)
    truth = heun(velocity, z, steps_down(1600))

    def error(solver, steps):
        return (solver(velocity, z, steps_down(steps)) - truth).abs().mean().item()

    assert 1.7 < error(euler, 100) / error(euler, 200) < 2.3
    assert 3.2 < error(heun, 100) / error(heun, 200) < 4.8


def test_one_step_of_ddim_needs_no_more_where_the_guess_is_always_right():
    """DDIM solves the linear part exactly: for one point one step lands on it; Euler does not."""
    point = torch.tensor([[0.4, -0.8]], dtype=torch.double)
    one = IdealDenoiser(point, schedule=LinearLogSNR(12, -12))
    z = torch.randn(16, 2, dtype=torch.double, generator=generator())
    assert (ddim(one, z, steps_down(1)) - point).abs().max() < 0.01
    assert (euler(probability_flow(one), z, steps_down(1)) - point).abs().max() > 0.5


def test_seeds_and_callbacks(centres):
    model, z = mixture(centres), torch.randn(4, 2, dtype=torch.double)
    frames: list[Tensor] = []
    first = ancestral(model, z, steps_down(6), generator=generator(3), callback=lambda i, x: frames.append(x))
    assert torch.equal(first, ancestral(model, z, steps_down(6), generator=generator(3)))
    assert len(frames) == 6
    assert torch.equal(frames[-1], first)
    for eta in (-1, 1.5):
        with pytest.raises(ValueError, match=f"eta={eta} must lie between 0"):
            ddim(model, z, steps_down(2), eta=eta)


def test_langevin_finds_the_variance_and_without_its_noise_it_does_not():
    score = lambda x: -x / 4  # noqa: E731  N(0, 2²)
    x = langevin(score, torch.zeros(4000, 1), step=0.2, steps=300, generator=generator())
    assert x.std().item() == pytest.approx(2, rel=0.06)


# --- log p by an equation


def test_the_flows_density_is_the_mixtures(centres):
    model = mixture(centres, LinearLogSNR(9, -12))
    alpha = model.schedule.alpha(torch.zeros((), dtype=torch.double))
    x = torch.randn(12, 2, dtype=torch.double, generator=generator())
    truth = model.log_prob(alpha * x, 0.0)

    def normal(z):
        return -0.5 * z.square().sum(1) - math.log(2 * math.pi)

    found = [ode_log_prob(probability_flow(model), alpha * x, normal, steps=steps) for steps in (2, 30, 150)]
    errors = [(each - truth).abs().max().item() for each in found]
    assert errors[2] < 1e-3
    assert errors[0] > 1, "with two steps it is no log-probability"
    velocity = probability_flow(model)
    few = [ode_log_prob(velocity, alpha * x[:4], normal, steps=30, probes=2, generator=generator(s)) for s in range(20)]
    spread = torch.stack(few)
    assert ((spread.mean(0) - found[1][:4]).abs() < 5 * spread.std(0) / 20**0.5 + 1e-6).all()


def test_a_models_ode_density_integrates_to_one():
    torch.manual_seed(0)
    model = DDPM((2,), hidden=16, schedule=LinearLogSNR(5, -5), predicts="v").double().eval()
    axis = torch.linspace(-6, 6, 61, dtype=torch.double)
    grid = torch.cartesian_prod(axis, axis)
    total = model.ode_log_prob(grid, steps=12).exp().sum().item() * (axis[1] - axis[0]).item() ** 2
    assert total == pytest.approx(1, abs=0.01)


def test_a_model_of_integers_has_its_density_in_their_units():
    """The same network seen as one of reals −1..1: log p differs by the factor of the scale, D log(2 / (V − 1))."""
    torch.manual_seed(0)
    whole = DDPM((3,), 5, hidden=8, schedule=LinearLogSNR(5, -5)).double().eval()
    reals = DDPM((3,), hidden=8, schedule=LinearLogSNR(5, -5)).double().eval()
    reals.load_state_dict(whole.state_dict())
    v = 5 * torch.rand(6, 3, dtype=torch.double)
    r = 2 * (v - 0.5) / 4 - 1
    assert torch.allclose(whole.ode_log_prob(v), reals.ode_log_prob(r) + 3 * math.log(0.5))
    with pytest.raises(ValueError, match="a density of reals"):
        whole.ode_log_prob(v.long())


# --- guidance


def test_guidance_of_weight_0_and_1_is_what_it_should_be(centres):
    model, x = mixture(centres), torch.randn(6, 2, dtype=torch.double)
    y, t = torch.tensor([0, 1, 2, 3, 4, 0]), torch.full((6,), 0.5, dtype=torch.double)
    at = {w: ClassifierFree(model, model.schedule, y, w)(x, t) for w in (0, 1, 3)}
    assert torch.equal(at[0].x, model(x, t).x)
    assert torch.equal(at[1].x, model(x, t, y).x)
    for name in ("x", "eps", "v", "score"):
        here = {w: getattr(at[w], name) for w in at}
        assert torch.allclose(here[3], here[0] + 3 * (here[1] - here[0])), name


def test_a_perfect_classifier_guides_as_the_condition_does(centres):
    """∇ log p(y | x_t) = ∇ log p(x_t | y) − ∇ log p(x_t): Bayes."""
    model, x = mixture(centres), torch.randn(6, 2, dtype=torch.double)
    y, t = torch.tensor([0, 1, 2, 3, 4, 0]), torch.full((6,), 0.5, dtype=torch.double)
    guided = ClassifierGuided(model, model.schedule, lambda x, t: model.log_prob(x, t, y) - model.log_prob(x, t), w=2.5)
    assert torch.allclose(guided(x, t).x, ClassifierFree(model, model.schedule, y, 2.5)(x, t).x)


def test_one_network_answers_with_and_without_its_condition():
    torch.manual_seed(0)
    told = TimeAndCondition(Labels(3))
    t, y = torch.full((4,), 0.5), torch.tensor([0, 1, 2, 0])
    assert not torch.allclose(told(t, y), told(t))
    assert torch.equal(told(t)[0], told(t)[1])
    some = told(t, y, torch.tensor([True, False, True, False]))
    assert torch.equal(some[::2], told(t, y)[::2])
    assert torch.equal(some[1::2], told(t)[1::2])
    model = DDPM((2,), classes=3)
    with pytest.raises(ValueError, match=r"guidance=2.0 needs a model that was trained with drop="):
        model.sample(2, guidance=2.0)


# --- networks


@pytest.mark.parametrize("K", [1, 3])
def test_the_networks_keep_the_shape_and_hear_what_they_are_told(K):
    torch.manual_seed(0)
    for make, shape in (
        (lambda s: ResidualMLP(s, 5, per_value=K, hidden=16), (3,)),
        (lambda s: UNet(s, 5, per_value=K, channels=(8, 16)), (1, 7, 9)),
        (lambda s: UNet(s, 5, per_value=K, channels=(8,)), (2, 4, 4)),
        (lambda s: DiT(s, 5, per_value=K, width=16, layers=2), (2, 8, 4)),
    ):
        net = make(shape)
        for p in net.parameters():
            nn.init.normal_(p, std=0.2)
        x, f = torch.randn(2, *shape), torch.randn(2, 5)
        assert net(x, f).shape == (2, *shape, *([K] if K > 1 else []))
        assert not torch.allclose(net(x, f), net(x, f + 1))
        assert torch.allclose(net(x, f)[:1], net(x[:1], f[:1]), atol=1e-5)
    with pytest.raises(ValueError, match="must come out even"):
        DiT((1, 7, 8), 5)


def test_a_patch_of_dit_comes_back_where_it_was():
    """With layers that do nothing, a change in one patch changes the output there alone."""
    net = DiT((1, 8, 8), 5, width=16, layers=1).eval()
    x = torch.randn(1, 1, 8, 8)
    y = x.clone()
    y[..., 2:4, 4:6] += 1
    changed = (net(x, torch.zeros(1, 5)) - net(y, torch.zeros(1, 5))).abs()[0, 0] > 1e-6
    assert changed[2:4, 4:6].any()
    changed[2:4, 4:6] = False
    assert not changed.any()


def test_times_between_0_and_1_are_told_apart():
    """Features of frequencies made for 0..1000 would hardly differ between .4 and .6."""
    at = TimeFeatures()(torch.tensor([0.0, 0.4, 0.6, 1.0]))
    assert torch.pdist(at).min() > 0.5
    assert at.shape == (4, TimeFeatures().width)


# --- training


def test_a_trained_model_comes_close_to_the_exact_denoiser(centres):
    """The plane, 600 steps: its score against the mixture's, and samples near the modes."""
    g = generator()
    x = (centres[torch.randint(5, (4000,), generator=g)] + 0.2 * torch.randn(4000, 2, generator=g)).float()
    torch.manual_seed(0)
    model = DDPM((2,), schedule=Cosine(), predicts="v", hidden=64)
    fit(model, x, steps=600, batch_size=256, lr=4e-3, schedule="cosine", seed=0, bar=False)
    model.eval()
    truth = MixtureDenoiser(centres.float(), 0.2, schedule=model.schedule)
    with torch.no_grad():
        t = torch.full((1000,), 0.5)
        x_t, _ = noised(x[:1000], t, model.schedule, generator(1))
        error = (model(x_t, t).x - truth(x_t, t).x).square().mean()
        naive = (x_t - truth(x_t, t).x).square().mean()
    assert error < 0.05 * naive
    near = torch.cdist(model.sample(1000, steps=50, generator=generator(2)), centres.float()).min(1).values
    assert (near < 0.6).float().mean() > 0.85


def test_a_share_of_the_conditions_is_hidden_in_training_and_only_there(monkeypatch):
    torch.manual_seed(0)
    model, seen = DDPM((2,), classes=3, drop=0.3, hidden=8), []
    told = model.denoiser.network.features
    monkeypatch.setattr(told, "forward", lambda t, y=None, shown=None: seen.append(shown) or torch.zeros(len(t), 64))
    x, y = torch.randn(4000, 2), torch.arange(4000) % 3
    model.loss(x, y)
    assert 0.65 < seen.pop().float().mean() < 0.75
    model.sample(3, y[:3], steps=2)
    model.eval().loss(x, y)
    model.train().elbo(x, y)
    assert seen == [None] * 4


def test_arguments_that_do_not_go_together_are_refused():
    for how, said in (
        ({"network": "conv"}, 'choose "mlp" or "unet"'),
        ({"channels": (8,)}, "has no convolutions"),
        ({"weighting": "snr"}, "weighting='snr'"),
        ({"predicts": "noise"}, "predicts='noise'"),
        ({"predicts": "levels"}, "is for integers"),
        ({"drop": 0.1}, "pass classes="),
        ({"T": 0}, "T=0"),
        ({"schedule": "cosine"}, "must be of type Schedule"),
    ):
        with pytest.raises(ValueError, match=said):
            DDPM((2,), **how)


def test_times_are_spread_evenly_and_belong_to_nobody():
    """One in each of n equal parts of [0, 1), each time uniform, and no matter where in the batch."""
    like = torch.zeros(())
    t = torch.stack([spread_times(8, like, generator(seed)) for seed in range(2000)])
    assert ((t * 8 - (t * 8).floor() - ((t * 8) - (t * 8).floor())[:, :1]).abs() < 1e-4).float().mean() > 0.99
    assert ((t.sort(1).values * 8).floor() == torch.arange(8)).all()
    for place in range(8):
        counts = (t[:, place] * 4).long().bincount(minlength=4) / 2000
        assert (counts - 0.25).abs().max() < 5 * (0.25 * 0.75 / 2000) ** 0.5
    assert abs(torch.corrcoef(t[:, :2].T)[0, 1]) < 0.3


GUESS = {
    "steps instead of times": (lambda x, y: (x, torch.randint(1, 1000, (4,)), y), r"t holds .*; pass times between 0"),
    "a time before the data": (lambda x, y: (x, -0.1, y), r"t holds -0\.1\.\.-0\.1"),
    "a time that is none": (lambda x, y: (x, math.nan, y), "t holds nan"),
    "two times for four": (lambda x, y: (x, torch.rand(2), y), r"t has shape \(2,\)"),
    "pixels as they are": (lambda x, y: (x.long(), 0.5, y), "x_t holds torch.int64; noisy examples are reals"),
    "other pictures": (lambda x, y: (x[..., :2], 0.5, y), "x has shape"),
    "a label that there is not": (lambda x, y: (x, 0.5, y + 1), r"y holds 1\.\.3; pass integers 0\.\.2"),
    "an unknown label": (lambda x, y: (x, 0.5, y - 1), r"y holds -1\.\.1"),
    "real labels": (lambda x, y: (x, 0.5, y.float()), "y holds torch.float32"),
    "one-hot labels": (lambda x, y: (x, 0.5, torch.eye(3)[y]), "y.argmax"),
    "fewer labels": (lambda x, y: (x, 0.5, y[:-1]), r"y has shape \(3,\)"),
}


@pytest.mark.parametrize("what", GUESS)
def test_a_guess_is_asked_for_in_times_and_labels_that_there_are(what):
    torch.manual_seed(0)
    model = DDPM((1, 4, 4), 5, 3, hidden=8, drop=0.5)
    x, y = torch.randn(4, 1, 4, 4), torch.tensor([0, 1, 2, 0])
    given, words = GUESS[what]
    with pytest.raises(ValueError, match=words):
        model(*given(x, y))
    expected = model(x, 0.5, y).x
    assert torch.equal(model(x.double(), 0.5, y.to(torch.uint8)).x, expected), "numbers of any kind are numbers"
