"""What lecture 04 adds to VAEs: other prices of the rate, other gradients, other priors, a q for each picture."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genlib import data
from genlib.condition import Images, Labels, Vectors
from genlib.hybrid import PixelVAE
from genlib.noise import StandardNormal
from genlib.training import fit
from genlib.vae import (
    IWAE,
    VAE,
    Autoencoder,
    ConditionalNormal,
    Gaussian,
    GaussianMixture,
    LinearGaussianVAE,
    VampPrior,
    annealed,
    cyclical,
    fit_prior,
    gaussian_kl_each,
    log_mean_exp,
    refine,
)
from tests import contracts
from tests.models.test_vae import by_quadrature


def integers(shape, levels=2, n=6, seed=0):
    return torch.randint(levels, (n, *shape), generator=torch.Generator().manual_seed(seed))


def linear_data(n=400, D=6, seed=0):
    """Reals whose covariance has eigenvalues 4, 2, 1, .5, .25, .125, turned at random."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(D, D, generator=generator, dtype=torch.float64)).Q
    x = torch.randn(n, D, generator=generator, dtype=torch.float64)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky((x - x.mean(0)).T.cov(correction=0)).T)
    return x * 2.0 ** (1 - torch.arange(D, dtype=torch.float64) / 2) @ turn.T


# --- the price of the rate


def test_beta_may_climb_and_fit_logs_it_and_goes_on_where_it_stopped(tmp_path):
    torch.manual_seed(0)
    x = integers((4,), n=64)
    model = VAE((4,), 2, hidden=8, beta=annealed(10))
    twin = copy.deepcopy(model)
    history = fit(model, x, steps=12, bar=False, test=x)
    assert history["beta"][:12].tolist() == pytest.approx([min(1, t / 10) for t in range(12)])
    assert history["beta"][-1] == 1
    assert model.updates == 12
    expected = history["reconstruction"] + history["beta"] * history["kl"]
    assert torch.allclose(history["loss"], expected, atol=1e-5)
    half = fit(twin, x, steps=12, bar=False, checkpoint=tmp_path / "run.safetensors")
    assert torch.equal(half["beta"], history["beta"])
    again = VAE((4,), 2, hidden=8, beta=annealed(10))
    fit(again, x, steps=12, bar=False, checkpoint=tmp_path / "run.safetensors")
    assert again.updates == 12, "the count is not in the checkpoint"


def test_a_schedule_says_what_it_says():
    made = torch.tensor([0, 5, 10, 15, 40])
    assert annealed(10)(made).tolist() == [0, 0.5, 1, 1, 1]
    assert annealed(10, start=2.0, end=1.0)(made).tolist() == [2, 1.5, 1, 1, 1]
    assert cyclical(20, share=0.5)(made).tolist() == [0, 0.5, 1, 1, 0]
    for bad in (lambda: annealed(0), lambda: annealed(5, end=-1.0), lambda: cyclical(5, share=0.0)):
        with pytest.raises(ValueError, match="updates="):
            bad()


def test_a_number_for_beta_logs_none():
    assert set(VAE((4,), beta=0.3).loss(integers((4,)))) == {"loss", "reconstruction", "kl"}


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_free_bits_charge_at_least_so_much_for_each_latent(beta):
    torch.manual_seed(0)
    x = integers((4,), n=50)
    model = VAE((4,), 3, hidden=8, free_bits=0.2, beta=beta)
    with torch.no_grad():
        q = model.encode(x)
        each = gaussian_kl_each(q.mean, 2 * q.stddev.log()).mean(0)
        assert 0 < (each > 0.2).sum() < 3 or each.max() < 0.2
        loss = model.loss(x)
    assert loss["kl"] == pytest.approx(each.sum().item(), abs=1e-5), "what is shown is the true KL"
    charged = sum(max(0.2, value) for value in each.tolist())
    assert loss["loss"] == pytest.approx(loss["reconstruction"].item() + beta * charged, abs=1e-5)


def test_free_bits_are_counted_over_the_batch_and_a_cheap_latent_gets_no_push():
    x = integers((4,), n=50)
    torch.manual_seed(0)
    model = VAE((4,), 2, hidden=8, free_bits=5.0)
    model.decoder[0].weight.data.zero_()  # so that the reconstruction says nothing to the encoder
    model.loss(x)["loss"].backward()
    assert all(p.grad is None or not p.grad.any() for p in model.encoder.parameters())


@pytest.mark.parametrize(
    "how",
    [
        {"free_bits": -0.1},
        {"free_bits": 0.1, "prior": GaussianMixture(2)},
        {"prior": ConditionalNormal(2, Labels(3))},
        {"classes": 4, "prior": ConditionalNormal(2, Labels(3))},
        {"classes": 3, "prior": VampPrior((4,), 5)},
    ],
)
def test_what_does_not_go_together_is_refused(how):
    with pytest.raises(ValueError, match=r"free_bits|condition"):
        VAE((4,), 2, **how)


def test_an_iwae_has_no_kl_to_weigh():
    for how in ({"beta": 0.5}, {"free_bits": 0.5}, {"beta": annealed(5)}):
        with pytest.raises(ValueError, match="no KL term to weigh"):
            IWAE((4,), **how)


# --- the linear model with beta, in closed form


@pytest.mark.parametrize("beta", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("scale", [0.3, 0.8])
def test_rate_and_distortion_of_the_optimum_are_those_of_water_filling(beta, scale):
    x = linear_data()
    model = LinearGaussianVAE((6,), 5, beta=beta).double().fit_closed_form(x, scale=scale)
    with torch.no_grad():
        reconstruction, rate = (term.mean() for term in model.exact_terms(x))
    values = 4 * 0.5 ** torch.arange(6, dtype=torch.float64)
    level = beta * scale**2
    kept = torch.where(torch.arange(6) < 5, values.clamp(max=level), values)  # the last has no latent
    distortion = kept.sum() / (2 * scale**2) + 3 * math.log(2 * math.pi * scale**2)
    assert -reconstruction.item() == pytest.approx(distortion.item(), abs=1e-9)
    assert rate.item() == pytest.approx((0.5 * (values[:5] / level).log()).clamp(min=0).sum().item(), abs=1e-9)
    in_use = model.W.norm(dim=0) > 1e-9
    assert in_use.tolist() == (values[:5] > level).tolist(), "a latent is dark exactly where its λ is at most βσ²"


@pytest.mark.parametrize("beta", [0.25, 3.0])
def test_no_other_weights_and_no_training_find_a_better_objective(beta):
    x = linear_data()
    model = LinearGaussianVAE((6,), 3, beta=beta).double().fit_closed_form(x, scale=0.8)
    model.likelihood.log_scale.requires_grad_(False)

    def objective():
        reconstruction, rate = model.exact_terms(x)
        return (-reconstruction + beta * rate).mean()

    best = objective()
    gradients = torch.autograd.grad(best, [p for p in model.parameters() if p.requires_grad])
    assert all(g.abs().max() < 1e-9 for g in gradients), "no optimum: a gradient is left"
    start = copy.deepcopy(model.state_dict())
    for seed in range(20):
        torch.manual_seed(seed)
        with torch.no_grad():
            for p in model.parameters():
                if p.requires_grad:
                    p.add_(0.05 * torch.randn_like(p))
            assert objective() > best
        model.load_state_dict(start)


def test_beta_needs_a_scale():
    with pytest.raises(ValueError, match="scale"):
        LinearGaussianVAE((6,), 3, beta=2.0).double().fit_closed_form(linear_data())


def test_turning_the_latents_leaves_everything_as_it_was():
    """Section 3: an isotropic prior can't tell the turned model from the other, so neither can the objective."""
    x = linear_data()
    model = LinearGaussianVAE((6,), 3).double().fit_closed_form(x)
    R = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    q = model.posterior(x)
    before = model.exact_terms(x, q)
    with torch.no_grad():
        model.decoder.weight.copy_(model.W @ R.T)
    turned = MultivariateNormal(q.mean @ R.T, R @ q.covariance_matrix @ R.T)
    for a, b in zip(before, model.exact_terms(x, turned), strict=True):
        assert torch.allclose(a, b, atol=1e-9)


# --- the gradient of the importance-weighted bound


def gradient_of(model, x, repeats=30, copies=300, seed=0):
    """(mean, standard error) of the loss's gradient, flat, by fresh noise, and the spread of one draw's."""
    torch.manual_seed(seed)
    many, found = x.repeat(copies, 1), []
    for _ in range(repeats):
        g = torch.autograd.grad(model.loss(many)["loss"], list(model.parameters()))
        found.append(torch.cat([part.flatten() for part in g]))
    each = torch.stack(found)  # the mean over copies is taken in the loss
    return each.mean(0), each.std(0) / repeats**0.5, each.std(0) * copies**0.5


def of_encoder(model):
    names = [name for name, p in model.named_parameters() for _ in range(p.numel())]
    return torch.tensor([name.startswith("encoder") for name in names])


def two_ways(k, prior=None):
    torch.manual_seed(0)
    plain = IWAE((3,), 2, "gaussian", k=k, hidden=4, prior=prior).double()
    other = copy.deepcopy(plain)
    other.doubly_reparameterized = True
    return plain, other, torch.randn(4, 3, dtype=torch.float64)


@pytest.mark.parametrize(("k", "learned_prior"), [(1, False), (2, True), (8, False)])
def test_the_doubly_reparameterized_gradient_has_the_mean_of_autograds(k, learned_prior):
    plain, other, x = two_ways(k, GaussianMixture(2, 3) if learned_prior else None)
    (a, sd_a, _), (b, sd_b, _) = gradient_of(plain, x), gradient_of(other, x, seed=1)
    assert ((a - b).abs() <= 5 * (sd_a**2 + sd_b**2).sqrt() + 1e-9).all()
    assert (a[of_encoder(plain)].abs() > 8 * sd_a[of_encoder(plain)]).any(), "it compares noise with noise"


def test_both_gradients_belong_to_one_loss_and_the_decoders_is_the_same():
    results = []
    *models, x = two_ways(5)
    for model in models:
        torch.manual_seed(1)
        loss = model.loss(x)["loss"]
        results.append((loss.detach(), torch.autograd.grad(loss, [*model.decoder.parameters()], retain_graph=True)))
        results[-1] += (torch.autograd.grad(loss, [*model.encoder.parameters()]),)
    (loss, decoder, encoder), (other_loss, other_decoder, other_encoder) = results
    assert torch.equal(loss, other_loss)
    assert all(torch.allclose(a, b) for a, b in zip(decoder, other_decoder, strict=True))
    assert not all(torch.allclose(a, b) for a, b in zip(encoder, other_encoder, strict=True))


def test_the_signal_of_the_plain_gradient_drowns_as_k_grows_and_that_of_the_other_does_not():
    ratio = {}
    for k in (1, 64):
        plain, other, x = two_ways(k)
        for name, model in (("plain", plain), ("doubly", other)):
            mean, _, spread = gradient_of(model, x, repeats=15, copies=60)
            at = of_encoder(model)
            ratio[name, k] = (mean[at].norm() / spread[at].norm()).item()
    assert ratio["plain", 64] < 0.6 * ratio["plain", 1]
    assert ratio["doubly", 64] > 1.5 * ratio["plain", 64]


# --- priors

PRIORS = {
    "mixture": lambda: GaussianMixture(1, 3),
    "vamp": lambda: VampPrior((1, 2, 2), 4),
}


def with_prior(kind, **how):
    torch.manual_seed(0)
    return VAE((1, 2, 2), 1, hidden=8, prior=PRIORS[kind](), **how)


@pytest.mark.parametrize("kind", PRIORS)
def test_a_learned_prior_is_a_density_and_that_of_its_draws(kind):
    model = with_prior(kind).double()
    z = torch.linspace(-30, 30, 20001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        p = model.prior.log_prob(z).exp()
        assert torch.trapezoid(p, z[:, 0]) == pytest.approx(1, abs=1e-6)
        drawn = model.prior.sample(40_000, generator=torch.Generator().manual_seed(0))
        share = torch.trapezoid(p[z[:, 0] < 0.3], z[z[:, 0] < 0.3, 0])
    assert (drawn < 0.3).double().mean() == pytest.approx(share.item(), abs=0.01)


@pytest.mark.parametrize("kind", PRIORS)
def test_bounds_are_in_order_with_a_learned_prior(kind):
    model = with_prior(kind).double()
    x = integers((1, 2, 2))
    contracts.bounds_in_order(model, x, log_prob=lambda x, y: by_quadrature(model, x, points=801), repeats=300)


@pytest.mark.parametrize("kind", [*PRIORS, "conditional"])
def test_every_parameter_of_a_learned_prior_is_trained_and_seeded(kind):
    if kind == "conditional":
        torch.manual_seed(0)
        model = VAE((1, 2, 2), 1, hidden=8, classes=3, prior=ConditionalNormal(1, Labels(3)))
        with torch.no_grad():
            model.prior.net[-1].weight.normal_()
    else:
        model = with_prior(kind)
    x, y = integers((1, 2, 2), n=30), torch.arange(30) % 3 if kind == "conditional" else None
    contracts.gradients_reach_every_parameter(model, x, y)
    contracts.same_seed_same_result(model)
    contracts.refuses_bad_input(model, x, y)


def test_the_vamp_prior_is_the_mean_of_the_models_own_q_and_starts_at_the_data():
    model = with_prior("vamp").double()
    x = integers((1, 2, 2), n=10)
    model.initialise(x)
    z = torch.randn(7, 1, dtype=torch.float64)
    expected = torch.stack([model.encode(x[i : i + 1]).log_prob(z) for i in range(4)])
    assert torch.allclose(model.prior.log_prob(z), log_mean_exp(expected))
    model.initialise(x.flip(0))
    assert torch.allclose(model.prior.log_prob(z), log_mean_exp(expected)), "a second start changes nothing"
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for p in model.encoder.parameters():
            p.add_(1.0)
    assert not torch.allclose(model.prior.log_prob(z), twin.prior.log_prob(z)), "a copy has its own encoder"
    names = list(model.state_dict())
    assert not any(name.startswith("prior.") and "encoder" in name for name in names), "weights are kept once"


def test_a_vamp_prior_without_a_model_says_so():
    with pytest.raises(ValueError, match="no encoder yet"):
        VampPrior((4,), 3).log_prob(torch.zeros(1, 2))


def test_the_best_prior_for_a_fixed_encoder_is_the_mean_of_its_posteriors():
    """Training nothing but a mixture of as many parts as pictures raises the bound by about KL(q̄ ‖ p)."""
    train, _ = data.digits()
    x = (train.x[:200] > 7).long()
    torch.manual_seed(0)
    model = VAE(train.shape, 2, hidden=32)
    fit(model, x, steps=150, lr=3e-3, bar=False)
    with torch.no_grad():
        q = model.encode(x)
        z = q.sample((200,))
        bar = log_mean_exp(q.log_prob(z.flatten(0, 1)[:, None]), dim=1).view(200, -1)
        mismatch = (bar - model.log_prior(z)).mean().item()
        before = model.elbo(x.repeat(50, 1, 1, 1)).mean().item()
    other = VAE(train.shape, 2, encoder=model.encoder, decoder=model.decoder, prior=GaussianMixture(2, 30))
    other.takes_flat = True
    for net in (other.encoder, other.decoder):
        net.requires_grad_(False)
    optimizer = torch.optim.Adam(other.prior.parameters(), lr=0.05)
    for _ in range(400):
        loss = -other.log_prior(q.sample()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        after = other.elbo(x.repeat(50, 1, 1, 1)).mean().item()
    assert mismatch > 0.1
    assert 0.4 * mismatch < after - before < mismatch + 0.05


# --- conditions

LINEAR = Vectors(2)


def linear_conditional(prior=None):
    """p(x | c) is Gaussian: x = W z + V c + b + noise, z from N(0, I) or from N(A c + a, diag)."""
    torch.manual_seed(0)
    encoder, decoder = nn.Linear(3 + 2, 2 * 2), nn.Linear(2 + 2, 3)
    return VAE((3,), 2, Gaussian(0.6), condition=LINEAR, encoder=encoder, decoder=decoder, prior=prior).double()


def exact_conditional(model, x, c):
    W, V = model.decoder.weight.split([2, 2], 1)
    mean, variance = torch.zeros(len(c), 2).double(), torch.ones(len(c), 2).double()
    if isinstance(model.prior, ConditionalNormal):
        mean, variance = model.prior.given(c).mean, model.prior.given(c).variance
    covariance = W @ torch.diag_embed(variance) @ W.T + 0.36 * torch.eye(3).double()
    return MultivariateNormal(mean @ W.T + c @ V.T + model.decoder.bias, covariance).log_prob(x)


@pytest.mark.parametrize("learned", [False, True])
def test_the_conditional_bound_stays_below_the_exact_value_and_reaches_it(learned):
    prior = ConditionalNormal(2, LINEAR, hidden=4) if learned else None
    if learned:
        with torch.no_grad():
            prior.net[-1].weight.normal_(generator=torch.Generator().manual_seed(1))
    model = linear_conditional(prior)
    c, x = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    contracts.bounds_in_order(
        model, x, c, log_prob=lambda x, c: exact_conditional(model, x, c), ks=(1, 5, 300), gap=0.2, repeats=100
    )


def test_the_kl_from_a_conditional_prior_is_torchs_and_that_of_draws():
    model = linear_conditional(ConditionalNormal(2, LINEAR, hidden=4))
    with torch.no_grad():
        model.prior.net[-1].weight.normal_(generator=torch.Generator().manual_seed(1))
        c, x = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
        q, p = model.encode(x, c), model.prior.given(c)
        z = q.sample((20_000,))
        each = q.log_prob(z) - model.log_prior(z, c)
        closed = model.kl(q, z[0], c)
    assert torch.allclose(closed, kl_divergence(q, p))
    assert ((each.mean(0) - closed).abs() < 4 * each.std(0) / 20_000**0.5).all()


def test_a_conditional_prior_starts_as_the_standard_normal():
    p = ConditionalNormal(2, Images((1, 4, 4))).given(torch.randn(3, 1, 4, 4))
    assert torch.equal(p.mean, torch.zeros(3, 2))
    assert torch.equal(p.stddev, torch.ones(3, 2))


@pytest.mark.parametrize("learned", [False, True])
def test_missing_and_wrong_conditions_are_clear_errors(learned):
    c = Images((1, 2, 4))
    model = VAE((1, 2, 4), 2, condition=c, hidden=8, prior=ConditionalNormal(2, c) if learned else None)
    x, y = integers((1, 2, 4)), torch.rand(6, 1, 2, 4)
    for call in (model.loss, model.elbo, model.encode):
        with pytest.raises(ValueError, match="pass y, pictures"):
            call(x)
        with pytest.raises(ValueError, match="y has shape"):
            call(x, torch.rand(5, 1, 2, 4))
    with pytest.raises(ValueError, match="y holds"):
        model.elbo(x, y.long())
    with pytest.raises(ValueError, match="pass y"):
        model.sample(3)
    assert model.sample(6, y).shape == x.shape


# --- a q for each picture


def test_refining_closes_the_gap_of_the_linear_model_to_the_best_diagonal_q():
    torch.manual_seed(0)
    model = LinearGaussianVAE((5,), 3, scale=0.5).double()
    x = model.sample(7)
    before = model.exact_elbo(x)
    q = refine(model, x, updates=200, lr=0.05, draws=16)
    after = model.exact_elbo(x, q)
    best = copy.deepcopy(model).solve_encoder().exact_elbo(x)
    assert (after > before).all()
    assert (after <= best + 1e-9).all()
    assert (best - after).max() < 0.05


def test_refining_leaves_the_model_alone():
    torch.manual_seed(0)
    model = VAE((1, 2, 2), 2, hidden=8, dropout=0.3).train()
    before = copy.deepcopy(model.state_dict())
    x = integers((1, 2, 2))
    q = refine(model, x, updates=3)
    assert model.training
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert isinstance(q, Independent)
    assert not q.mean.requires_grad
    with torch.no_grad():
        assert model.eval().bound(x, refine(model, x, updates=0), k=3).shape == (6,)
    with pytest.raises(ValueError, match="updates="):
        refine(model, x, updates=-1)
    with pytest.raises(ValueError, match="unconditional"):
        refine(model, x, torch.zeros(6).long())


@pytest.mark.parametrize("make", [lambda: GaussianMixture(2, 4), lambda: VampPrior((1, 2, 2), 4)])
def test_a_prior_moved_to_the_codes_gains_what_is_to_be_gained(make):
    """At most KL(q̄ ‖ p), and here, where a few Gaussians can be q̄, most of it."""
    torch.manual_seed(0)
    model = VAE((1, 2, 2), 2, hidden=8, dropout=0.3)
    with torch.no_grad():
        model.encoder[-1].weight.mul_(6)  # so that the codes are nowhere near N(0, I)
        model.encoder[-1].bias.copy_(torch.tensor([1.0, -0.5, -2.0, -2.0]))
    x = integers((1, 2, 2), n=4).repeat(50, 1, 1, 1)
    before = copy.deepcopy(model.state_dict())
    moved = fit_prior(model, x, make(), updates=300)
    assert model.training
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    assert not moved.training
    assert all(torch.equal(v, before[name]) for name, v in moved.state_dict().items() if not name.startswith("prior"))
    with torch.no_grad():
        q = model.eval().encode(x)
        z = q.sample((200,))
        log_bar = log_mean_exp(model.encode(x[:4]).log_prob(z[..., None, :]), dim=-1)
        mismatch = (log_bar - model.log_prior(z)).mean()
        gained = (moved.log_prior(z) - model.log_prior(z)).mean()
        assert mismatch > 1
        assert 0.8 * mismatch < gained < mismatch + 0.02
        assert moved.sample(3).shape == (3, 1, 2, 2)


def test_fitting_a_prior_says_what_it_can_not_do():
    torch.manual_seed(0)
    x = integers((1, 2, 2))
    with pytest.raises(ValueError, match="updates=-1"):
        fit_prior(VAE((1, 2, 2), 2, hidden=8), x, GaussianMixture(2, 3), updates=-1)
    with pytest.raises(ValueError, match="without a condition"):
        fit_prior(VAE((1, 2, 2), 2, hidden=8, classes=3), x, GaussianMixture(2, 3))
    with pytest.raises(ValueError, match="free_bits"):
        fit_prior(VAE((1, 2, 2), 2, hidden=8, free_bits=0.1), x, GaussianMixture(2, 3))
    start = VampPrior((1, 2, 2), 3)
    assert torch.equal(fit_prior(VAE((1, 2, 2), 2, hidden=8), x, start, updates=0).prior.inputs, 2.0 * x[:3] - 1)


def test_a_bound_with_the_posterior_for_q_is_log_p():
    torch.manual_seed(0)
    model = LinearGaussianVAE((5,), 2, scale=0.5).double().requires_grad_(False)
    x = model.sample(4)
    assert torch.allclose(model.bound(x, model.posterior(x), k=3), model.log_prob(x))
    with pytest.raises(ValueError, match="k=0"):
        model.bound(x, model.posterior(x), k=0)


# --- a decoder that knows its neighbours


def pixel_vae(**how):
    torch.manual_seed(0)
    return PixelVAE((1, 2, 2), 1, 2, **{"channels": 4, "layers": 1, "first_kernel": 3, "hidden": 8} | how)


class Given(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.shape, self.levels, self.classes = model, model.shape, model.levels, None

    def log_prob(self, x, y=None):
        z = torch.full((len(x), 1), 0.7, dtype=torch.float64)
        return self.model.decode(z).log_prob(x)


def test_a_pixel_vae_sums_to_one_and_its_bounds_are_in_order():
    model = pixel_vae()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.5 * torch.randn_like(p))
    contracts.sums_to_one(Given(model))
    model = model.double()
    contracts.bounds_in_order(
        model, integers((1, 2, 2)), log_prob=lambda x, y: by_quadrature(model, x, points=101), repeats=60, ks=(1, 5)
    )


def test_the_pixels_of_a_pixel_vae_know_those_before_them_and_z():
    model = pixel_vae().double()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.5 * torch.randn_like(p))
        x, z = integers((1, 2, 2)), torch.randn(6, 1, dtype=torch.float64)
        changed = x.clone()
        changed[:, 0, 0, 0] = 1 - changed[:, 0, 0, 0]
        each, other = model.decoder.log_prob_each(x, z), model.decoder.log_prob_each(changed, z)
        assert not torch.allclose(each[:, 0, 1], other[:, 0, 1])
        assert not torch.allclose(model.decode(z).log_prob(x), model.decode(-z).log_prob(x))
        several = model.decode(torch.stack([z, -z])).log_prob(x)
    assert torch.allclose(several[1], model.decode(-z).log_prob(x))
    assert model.sample(5).shape == (5, 1, 2, 2)
    assert model.decode(z.expand(6, 1)).sample((3,)).shape == (3, 6, 1, 2, 2)
    with pytest.raises(ValueError, match="knows no mean"):
        model.sample(2, means=True)
    with pytest.raises(ValueError, match="this model takes"):
        model.decode(torch.zeros(2, 5))


def test_an_autoencoder_still_has_no_price():
    assert set(Autoencoder((4,), levels=2).loss(integers((4,)))) == {"loss"}


def test_the_same_gaussian_without_its_gradient():
    from genlib.vae.gaussians import detached

    mu = torch.randn(3, 2, requires_grad=True)
    q = detached(Independent(Normal(mu, mu.exp()), 1))
    assert not q.mean.requires_grad
    assert not q.log_prob(torch.zeros(3, 2)).requires_grad
    with pytest.raises(ValueError, match="diagonal covariance"):
        detached(MultivariateNormal(mu, torch.eye(2)))


@pytest.mark.parametrize("D", [1, 2, 4])
def test_a_prior_takes_latents_of_its_own_width_and_spreads_no_others(D):
    """(n, 1) would be read as (n, 3) by broadcasting, with a density that is none."""
    vae = VAE((1, 4, 4), 3, prior=VampPrior((1, 4, 4), 2), hidden=8)
    priors = [StandardNormal(3), GaussianMixture(3, 2), vae.prior]
    for prior in priors:
        assert prior.log_prob(torch.zeros(5, 3)).shape == (5,)
        with pytest.raises(ValueError, match=rf"z has shape \(5, {D}\); it must be \(…, 3\)"):
            prior.log_prob(torch.zeros(5, D))
    conditional = ConditionalNormal(3, Labels(2))
    with pytest.raises(ValueError, match="z has shape"):
        conditional.log_prob(torch.zeros(5, D), torch.zeros(5, dtype=torch.long))
