"""The yardstick: everything that is called exact is held against quadrature, torch, or the maximum itself."""

import copy
import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genlib.training import fit
from genlib.vae import LinearGaussianVAE, full_covariance, log_mean_exp
from tests import contracts


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def pca():
    """Random weights: q is off, and the posterior's covariance has correlations."""
    torch.manual_seed(1)
    return LinearGaussianVAE((4,), latent=2, scale=0.7).double()


@pytest.fixture
def flat():
    torch.manual_seed(2)
    model = LinearGaussianVAE((2,), latent=1, scale=0.6).double()
    torch.nn.init.normal_(model.decoder.weight)
    return model


x = randn(5, 4, seed=3)


def test_it_is_a_density_and_that_of_its_samples(flat):
    contracts.integrates_to_one(flat)
    contracts.samples_match_density(flat)


def test_log_prob_is_the_integral_over_z(flat):
    z = torch.linspace(-12, 12, 20_001, dtype=torch.double)[:, None, None]  # (n, 1, 1)
    points = randn(6, 2, seed=4) * 2
    log_joint = flat.log_joint(points, z.expand(-1, 6, -1))  # (n, 6)
    integral = log_joint.logsumexp(0) + math.log(24 / 20_000)
    assert torch.allclose(integral, flat.log_prob(points), atol=1e-9)


def test_log_prob_is_that_of_a_full_gaussian(pca):
    covariance = pca.W @ pca.W.T + pca.sigma**2 * torch.eye(4)
    assert torch.allclose(pca.log_prob(x), MultivariateNormal(pca.b, covariance).log_prob(x), atol=1e-10)


def test_the_posterior_is_bayes_rule(pca):
    z = randn(7, 5, 2, seed=5)
    by_bayes = pca.log_joint(x, z) - pca.log_prob(x)
    assert torch.allclose(pca.posterior(x).log_prob(z), by_bayes, atol=1e-10)


def test_bounds_are_in_order(pca):
    contracts.bounds_in_order(pca, x)


def test_many_draws_close_the_gap(pca):
    contracts.bounds_in_order(pca.solve_encoder(), x, ks=(1, 5, 500), gap=0.01, repeats=200)


def test_with_the_posterior_for_q_the_elbo_is_the_likelihood(pca):
    pca.fit_closed_form(randn(50, 4, seed=6))
    contracts.bounds_in_order(pca, x, ks=(1,), gap=0.01)
    assert torch.allclose(pca.exact_elbo(x), pca.log_prob(x), atol=1e-10)


def test_the_gap_is_a_divergence(pca):
    for q in (pca.encode(x), Independent(Normal(randn(5, 2, seed=7), 0.8), 1), pca.posterior(x + 1)):
        gap = kl_divergence(full_covariance(q), pca.posterior(x))
        assert (gap > 0.01).all()
        assert torch.allclose(pca.exact_elbo(x, q) + gap, pca.log_prob(x), atol=1e-10)


def test_the_exact_elbo_is_what_draws_give_on_average(pca):
    with torch.no_grad():
        torch.manual_seed(0)
        draws = torch.stack([pca.elbo(x) for _ in range(4000)])
    error = draws.std(0) / math.sqrt(4000)
    assert ((draws.mean(0) - pca.exact_elbo(x)).abs() < 5 * error).all()


def test_importance_sampling_from_any_q_gives_the_likelihood(pca):
    q = Independent(Normal(pca.posterior(x).mean + 0.3, 0.8), 1)
    torch.manual_seed(0)
    z = q.sample((200_000,))
    estimate = log_mean_exp(pca.log_joint(x, z) - q.log_prob(z))
    assert torch.allclose(estimate, pca.log_prob(x), atol=0.02)


def test_the_closed_form_is_the_maximum_of_the_likelihood(pca):
    data = randn(200, 4, seed=8) @ randn(4, 4, seed=9) + 3
    pca.fit_closed_form(data)
    best = pca.log_prob(data).mean()
    gradients = torch.autograd.grad(best, [pca.decoder.weight, pca.decoder.bias, pca.log_scale])
    assert max(g.abs().max() for g in gradients) < 1e-9
    for seed in range(20):
        other = copy.deepcopy(pca)
        with torch.no_grad():
            for p in other.parameters():
                p += 0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(seed), dtype=p.dtype)
        assert other.log_prob(data).mean() < best


def test_the_fit_has_the_principal_axes_of_scikit_learn(pca):
    from sklearn.decomposition import PCA

    data = randn(200, 4, seed=8) @ randn(4, 4, seed=9) + 3
    theirs = PCA(2).fit(data.numpy())
    mine = pca.fit_closed_form(data).W.detach()
    length = mine.norm(dim=0)
    axes = torch.from_numpy(theirs.components_)
    assert torch.allclose((mine / length).T.mul(axes).sum(1).abs(), torch.ones(2).double(), atol=1e-9)
    variances = torch.from_numpy(theirs.explained_variance_) * 199 / 200  # scikit-learn divides by n - 1
    assert torch.allclose(length**2 + pca.sigma.detach() ** 2, variances, atol=1e-9)
    assert (mine.gather(0, mine.abs().argmax(0, keepdim=True)) > 0).all()  # the signs are not left to chance


def test_no_other_diagonal_q_has_a_higher_elbo(pca):
    pca.solve_encoder()
    gradients = torch.autograd.grad(pca.exact_elbo(x).mean(), list(pca.encoder.parameters()))
    assert max(g.abs().max() for g in gradients) < 1e-9
    assert (pca.log_prob(x) - pca.exact_elbo(x) > 1e-3).all()  # and still it is a bound, for M is not diagonal


def test_training_by_the_elbo_finds_the_maximum_likelihood():
    data = (randn(500, 4, seed=10) * torch.tensor([3.0, 2.0, 0.5, 0.5])).float()
    torch.manual_seed(0)
    trained, closed = LinearGaussianVAE((4,)), LinearGaussianVAE((4,)).fit_closed_form(data)
    fit(trained, data, steps=800, batch_size=100, lr=0.03, bar=False, device="cpu")
    with torch.no_grad():
        gap = (closed.log_prob(data) - trained.log_prob(data)).mean()
        assert 0 <= gap + 1e-6 < 0.03
        assert (trained.log_prob(data) - trained.exact_elbo(data)).mean() < 0.03


def test_pictures_are_points_too():
    pictures = randn(100, 1, 3, 3, seed=11).float()
    model = LinearGaussianVAE((1, 3, 3), latent=2).fit_closed_form(pictures)
    assert model.log_prob(pictures).shape == (100,)
    assert model.posterior(pictures).mean.shape == (100, 2)
    assert model.decode(torch.zeros(7, 2)).mean.shape == (7, 1, 3, 3)
    assert model.sample(5).shape == (5, 1, 3, 3)
    assert torch.allclose(model.exact_elbo(pictures), model.log_prob(pictures), atol=1e-3)


def test_the_rules_of_every_model(pca):
    contracts.gradients_reach_every_parameter(pca, x)
    contracts.same_seed_same_result(pca, x)
    contracts.refuses_bad_input(pca, x)


def test_bad_arguments_are_refused(pca):
    with pytest.raises(ValueError, match="fewer latents"):
        LinearGaussianVAE((2,), latent=2).fit_closed_form(randn(10, 2).float())
    with pytest.raises(ValueError, match="σ would be 0"):
        LinearGaussianVAE((3,), latent=1).fit_closed_form(randn(10, 1).float() * torch.ones(3))
    with pytest.raises(ValueError, match="above 0"):
        LinearGaussianVAE((3,), scale=0)
    with pytest.raises(ValueError, match="real values"):
        pca.log_prob(torch.zeros(2, 4, dtype=torch.long))
    with pytest.raises(ValueError, match=r"takes \(B, 4\)"):
        pca.posterior(x[:, :3])
