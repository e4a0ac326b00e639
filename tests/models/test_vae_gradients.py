"""The pieces of a VAE against torch, closed forms and Monte Carlo."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genlib.vae import (
    full_covariance,
    gaussian_kl,
    gaussian_log_prob,
    log_mean_exp,
    reparameterize,
    reparameterized_gradient,
    score_function_gradient,
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def within(estimates, truth, errors=5):
    """Whether the mean over draws (axis 0) lies within so many standard errors of the truth, everywhere."""
    error = estimates.std(0) / math.sqrt(len(estimates))
    return bool(((estimates.mean(0) - truth).abs() <= errors * error + 1e-12).all())


mu, logvar = randn(5, 3), randn(5, 3, seed=1)
q = Independent(Normal(mu, (logvar / 2).exp()), 1)
prior = Independent(Normal(torch.zeros(3).double(), 1.0), 1)


def test_the_kl_in_closed_form_is_torchs_and_that_of_monte_carlo():
    closed = gaussian_kl(mu, logvar)
    assert closed.shape == (5,)
    assert torch.allclose(closed, kl_divergence(q, prior), atol=1e-12)
    z = reparameterize(mu, logvar, randn(100_000, 5, 3, seed=2))
    assert within(q.log_prob(z) - prior.log_prob(z), closed)
    assert not within(q.log_prob(z) - prior.log_prob(z), closed * 1.05)  # a twentieth would be noticed
    assert gaussian_kl(torch.zeros(2, 3), torch.zeros(2, 3)).eq(0).all()


def test_the_density_is_torchs():
    z = randn(4, 5, 3, seed=3)
    assert torch.allclose(gaussian_log_prob(z, mu, logvar), q.log_prob(z), atol=1e-12)


def test_a_draw_is_a_mean_and_scaled_noise_and_lets_gradients_through():
    z = reparameterize(mu, logvar, randn(50_000, 5, 3, seed=4))
    assert within(z, mu)
    assert within((z - mu) ** 2, logvar.exp())
    m, v, noise = mu.clone().requires_grad_(), logvar.clone().requires_grad_(), randn(5, 3, seed=5)
    reparameterize(m, v, noise).sum().backward()
    assert torch.equal(m.grad, torch.ones(5, 3).double())
    assert torch.allclose(v.grad, (logvar / 2).exp() * noise / 2)


def test_the_log_of_a_mean_is_stable():
    values = randn(50, 4)
    assert torch.allclose(log_mean_exp(values), values.exp().mean(0).log(), atol=1e-12)
    assert torch.allclose(log_mean_exp(values, dim=1), values.exp().mean(1).log(), atol=1e-12)
    low = (values - 5000).float()
    assert torch.allclose(log_mean_exp(low), log_mean_exp(values).float() - 5000, atol=1e-2)
    assert log_mean_exp(torch.tensor([-math.inf, 0.0])).item() == pytest.approx(-math.log(2))


# E[f] for f(z) = sum a z² + c z is known, and so is its gradient.
a, c, m1, v1 = randn(3, seed=6), randn(3, seed=7), randn(3, seed=8), randn(3, seed=9)
truth = 2 * a * m1 + c, a * v1.exp()


def quadratic(z):
    return (a * z**2 + c * z).sum(-1)


@pytest.mark.parametrize("estimator", [reparameterized_gradient, score_function_gradient])
def test_both_estimators_are_unbiased(estimator):
    by_mu, by_logvar = estimator(quadratic, m1, v1, randn(100_000, 3, seed=10))
    assert by_mu.shape == by_logvar.shape == (100_000, 3)
    assert within(by_mu, truth[0])
    assert within(by_logvar, truth[1])
    assert not within(by_mu, -truth[0])


def test_moving_the_draws_has_less_variance_than_weighing_them():
    noise = randn(20_000, 3, seed=11)
    moved, weighed = (
        g(quadratic, m1, v1, noise)[0].var(0) for g in (reparameterized_gradient, score_function_gradient)
    )
    assert (weighed > 2 * moved).all()


def test_a_baseline_lowers_the_variance_and_keeps_the_mean():
    noise = randn(100_000, 3, seed=12)
    plain = score_function_gradient(lambda z: quadratic(z) + 100, m1, v1, noise)
    steady = score_function_gradient(lambda z: quadratic(z) + 100, m1, v1, noise, baseline=100.0)
    for p, s, t in zip(plain, steady, truth, strict=True):
        assert within(p, t)
        assert within(s, t)
        assert (s.var(0) < 0.5 * p.var(0)).all()


def test_the_score_function_works_where_f_has_a_jump_and_moving_does_not():
    def jump(z):
        return (z[:, 0] > 0).double() + 0 * z.sum(-1)

    m, v, noise = torch.tensor([0.3]).double(), torch.tensor([-0.5]).double(), randn(100_000, 1, seed=13)
    sigma = math.exp(-0.25)
    slope = math.exp(-((0.3 / sigma) ** 2) / 2) / math.sqrt(2 * math.pi) / sigma  # d/dμ of P(z > 0)
    assert within(score_function_gradient(jump, m, v, noise)[0], slope)
    assert reparameterized_gradient(jump, m, v, noise)[0].eq(0).all()


def test_the_reparameterized_gradient_of_a_linear_function_is_exact():
    by_mu, _ = reparameterized_gradient(lambda z: z @ c, m1, v1, randn(7, 3, seed=14))
    assert torch.allclose(by_mu, c.expand(7, 3), atol=1e-12)


def test_estimators_leave_what_they_are_given_alone():
    m, noise = m1.clone().requires_grad_(), randn(5, 3)
    for estimator in (reparameterized_gradient, score_function_gradient):
        estimator(quadratic, m, v1, noise)
    assert m.grad is None
    assert torch.equal(m.detach(), m1)


def test_a_diagonal_covariance_as_a_full_one_is_the_same_gaussian():
    full, z = full_covariance(q), randn(6, 5, 3, seed=15)
    assert isinstance(full, MultivariateNormal)
    assert torch.allclose(full.log_prob(z), q.log_prob(z), atol=1e-12)
    assert full_covariance(full) is full
