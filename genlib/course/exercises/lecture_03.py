"""The exercises of lecture 03 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise


def _distribution(generator, n: int) -> Tensor:
    weights = torch.rand(n, generator=generator, dtype=torch.float64) + 0.05
    return weights / weights.sum()


def _gaussians(generator, size=5, latent=3) -> tuple[Tensor, Tensor]:
    return torch.randn(size, latent, generator=generator), torch.randn(size, latent, generator=generator)


# 3.1 ------------------------------------------------------------------------------------------------------------------


def optimal_q():
    return 1.5, 0.25


def _numeric_elbo(mean: float, variance: float) -> float:
    """The ELBO of z ~ N(0, 1), x ~ N(z, 1/3) at x = 2, in closed form, up to a constant."""
    return -0.5 * (mean**2 + variance) - 0.5 * ((2 - mean) ** 2 + variance) * 3 + 0.5 * math.log(variance)


def no_neighbour_is_better(answer):
    mean, variance = (float(v) for v in answer())
    here = _numeric_elbo(mean, variance)
    for other in ((mean + 0.01, variance), (mean - 0.01, variance), (mean, variance + 0.01), (mean, variance - 0.01)):
        assert _numeric_elbo(*other) < here, f"mean {other[0]:g}, variance {other[1]:g} is better"


best = Exercise(
    "3.1",
    "optimal_q",
    reference=optimal_q,
    tol=1e-4,
    properties={
        "no other Gaussian nearby has a larger ELBO": no_neighbour_is_better,
    },
    mistakes={
        "that is the prior: q may look at x": lambda: (0.0, 1.0),
        "that is where p(x|z) is largest in z, and how wide it is there; the prior pulls z towards 0 as well": (
            lambda: (2.0, 1 / 3)
        ),
        "your second value is the standard deviation; asked was the variance, its square": lambda: (1.5, 0.5),
        "your second value is the precision, 1 / variance: precisions add, 1 + 3; the variance is 1 / 4": (
            lambda: (1.5, 4.0)
        ),
        "you averaged the prior's mean and the data's with equal weight; each counts by its precision, 1 and 3": (
            lambda: (1.0, 0.25)
        ),
        "the mean is right; the precisions add, 1 + 3, so the variance is smaller than both 1 and 1/3": (
            lambda: (1.5, 1 / 3)
        ),
        "the mean is right; its variance is not the prior's any more: seeing x makes you surer": lambda: (1.5, 1.0),
        "you added the variances; what adds up are the precisions, 1 and 3": lambda: (1.5, 4 / 3),
        "the weights are the wrong way round: x is the more precise of the two and pulls three times as hard": (
            lambda: (0.5, 0.25)
        ),
        "the variance is right; the mean of q is where prior and x balance, not where x alone would have it": (
            lambda: (2.0, 0.25)
        ),
        "the variance is right; 6 is precision times data, 3 · 2: divide it by the sum of the precisions, 4": (
            lambda: (6.0, 0.25)
        ),
        "that is the marginal p(x) = N(0, 1 + 1/3), a density of x; asked was one of z, given x = 2": (
            lambda: (0.0, 4 / 3)
        ),
        "the two values are in the wrong order: first the mean, then the variance": lambda: (0.25, 1.5),
        "you read 1/3 as a standard deviation; it is the variance of x given z, so the precision of x is 3": (
            lambda: (1.8, 0.1)
        ),
        "you read 1/3 as a standard deviation, and gave one as well: both times the variance is meant": (
            lambda: (1.8, 0.1**0.5)
        ),
    },
)


# 3.2 ------------------------------------------------------------------------------------------------------------------


def _causes(generator, n=4):
    """p(z), p(x | z) for one x, and q(z), over n causes z."""
    likelihood = torch.rand(n, generator=generator, dtype=torch.float64) * 0.9 + 0.05
    return _distribution(generator, n), likelihood, _distribution(generator, n)


def _log_evidence(prior, likelihood):
    return (prior * likelihood).sum().log()


def _right_side(prior, likelihood, q):
    """E_q[log p(x | z)] - KL(q‖p(z))."""
    return (q * likelihood.log()).sum() - (q * (q / prior).log()).sum()


def false_equality(prior, likelihood, q):
    return _log_evidence(prior, likelihood), _right_side(prior, likelihood, q)


_p, _l = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.9, 0.1]).double()


def gap_is_the_kl(answer):
    prior, likelihood, q = _causes(torch.Generator().manual_seed(11), 6)
    left, right = answer(prior, likelihood, q)
    posterior = prior * likelihood / (prior * likelihood).sum()
    assert torch.allclose(left - right, (q * (q / posterior).log()).sum())


def equal_where_q_is_the_posterior(answer):
    prior, likelihood, _q = _causes(torch.Generator().manual_seed(12))
    left, right = answer(prior, likelihood, prior * likelihood / (prior * likelihood).sum())
    assert torch.allclose(left, right)


equality = Exercise(
    "3.2",
    "false_equality",
    reference=false_equality,
    inputs=_causes,
    edges={"q is the prior": (_p, _l, _p)},
    properties={
        "the left side minus the right side is KL(q‖p(z|x)), the gap that the false line forgets": gap_is_the_kl,
        "the two sides agree where q is the posterior": equal_where_q_is_the_posterior,
    },
    mistakes={
        "your KL has the wrong sign: KL(q‖p(z)) is the sum of q log(q / prior)": (
            lambda prior, likelihood, q: (
                _log_evidence(prior, likelihood),
                (q * likelihood.log()).sum() + (q * (q / prior).log()).sum(),
            )
        ),
        "the arguments of your KL are swapped: it is KL(q‖p(z)), an average under q": (
            lambda prior, likelihood, q: (
                _log_evidence(prior, likelihood),
                (q * likelihood.log()).sum() - (prior * (prior / q).log()).sum(),
            )
        ),
        "your right side takes log E[p(x|z)]; the line says E[log p(x|z)], the logarithm inside the average": (
            lambda prior, likelihood, q: (
                _log_evidence(prior, likelihood),
                (q * likelihood).sum().log() - (q * (q / prior).log()).sum(),
            )
        ),
        "your left side is E[log p(x|z)] under the prior; log p(x) takes the logarithm after the sum over z": (
            lambda prior, likelihood, q: ((prior * likelihood.log()).sum(), _right_side(prior, likelihood, q))
        ),
        "your left side averages p(x|z) under q; p(x) is the average under the prior": (
            lambda prior, likelihood, q: ((q * likelihood).sum().log(), _right_side(prior, likelihood, q))
        ),
        "your left side averages the n products; p(x) is their sum, the prior is the weight already": (
            lambda prior, likelihood, q: ((prior * likelihood).mean().log(), _right_side(prior, likelihood, q))
        ),
        "the prior is missing in your left side: p(x) is the sum of p(z) p(x|z)": (
            lambda prior, likelihood, q: (likelihood.sum().log(), _right_side(prior, likelihood, q))
        ),
        "your left side counts every cause alike; p(x) weighs p(x|z) by the prior": (
            lambda prior, likelihood, q: (likelihood.mean().log(), _right_side(prior, likelihood, q))
        ),
        "your left side is p(x) itself; the line is about its logarithm": (
            lambda prior, likelihood, q: ((prior * likelihood).sum(), _right_side(prior, likelihood, q))
        ),
        "your right side has no KL in it: subtract KL(q‖p(z))": (
            lambda prior, likelihood, q: (_log_evidence(prior, likelihood), (q * likelihood.log()).sum())
        ),
        "you subtracted KL(q‖p(z|x)), from the true posterior; the false line has the prior there": (
            lambda prior, likelihood, q: (
                _log_evidence(prior, likelihood),
                (q * likelihood.log()).sum()
                - (q * (q / (prior * likelihood / (prior * likelihood).sum())).log()).sum(),
            )
        ),
        "both your values are log p(x): you added the gap back in, "
        "which is what the false line forgets": lambda prior, likelihood, q: 2 * (_log_evidence(prior, likelihood),),
        "the two sides are in the wrong order: first log p(x), then the right side": (
            lambda prior, likelihood, q: false_equality(prior, likelihood, q)[::-1]
        ),
        "your right side averages log p(x|z) under the prior; the average is under q": (
            lambda prior, likelihood, q: (
                _log_evidence(prior, likelihood),
                (prior * likelihood.log()).sum() - (q * (q / prior).log()).sum(),
            )
        ),
        "your values are in bits (log2); asked were nats, the natural logarithm": (
            lambda prior, likelihood, q: tuple(v / math.log(2) for v in false_equality(prior, likelihood, q))
        ),
    },
)


# 3.3 ------------------------------------------------------------------------------------------------------------------


def gaussian_kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)


def agrees_with_monte_carlo(answer):
    mu, logvar = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.2, -0.7]])
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    z = q.sample((100_000,))
    values = (q.log_prob(z) - torch.distributions.Normal(0.0, 1.0).log_prob(z)).sum(-1)[:, 0]
    assert abs(answer(mu, logvar)[0] - values.mean()) < 4 * values.std() / 100_000**0.5


kl = Exercise(
    "3.3",
    "gaussian_kl",
    reference=gaussian_kl,
    inputs=_gaussians,
    edges={"a square batch, B = L": _gaussians(torch.Generator().manual_seed(8), 3, 3)},
    gradients=True,
    properties={
        "is zero when q is the prior": (
            lambda answer: torch.allclose(answer(torch.zeros(2, 4), torch.zeros(2, 4)), torch.zeros(2))
        ),
        "agrees with a Monte Carlo estimate of E_q[log q(z) - log p(z)]": agrees_with_monte_carlo,
    },
    mistakes={
        "the sign is flipped: a KL divergence is never negative": lambda mu, logvar: -gaussian_kl(mu, logvar),
        "you averaged over the latent dimensions; independent dimensions add": (
            lambda mu, logvar: gaussian_kl(mu, logvar) / mu.shape[-1]
        ),
        "you summed over the batch as well; each example has its own KL, shape (B,)": (
            lambda mu, logvar: gaussian_kl(mu, logvar).sum()
        ),
        "you averaged over the batch as well; each example has its own KL, shape (B,)": (
            lambda mu, logvar: gaussian_kl(mu, logvar).mean()
        ),
        "the dimensions are not summed yet: asked was one number an example, shape (B,)": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
        ),
        "you summed over axis 0, the batch; the latent dimensions are the last axis": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(0)
        ),
        "you read logvar as the variance; the variance is exp(logvar)": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar - 1 - logvar.log()).sum(-1)
        ),
        "you read logvar as the standard deviation; the variance is exp(logvar)": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar**2 - 1 - 2 * logvar.log()).sum(-1)
        ),
        "you took exp(logvar) for σ (torch's Normal wants σ as well); it is σ², and σ is exp(logvar / 2)": (
            lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1 - 2 * logvar).sum(-1)
        ),
        "exp(logvar / 2) is σ; the formula has σ², which is exp(logvar)": (
            lambda mu, logvar: 0.5 * (mu**2 + (0.5 * logvar).exp() - 1 - logvar).sum(-1)
        ),
        "you halved logvar in the last term: log σ² is logvar itself, and the ½ stands in front of all four": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - 0.5 * logvar).sum(-1)
        ),
        "the ½ stands in front of all four terms, logvar too": (
            lambda mu, logvar: (0.5 * (mu**2 + logvar.exp() - 1) - logvar).sum(-1)
        ),
        "your -1 stands outside the sum; each latent dimension has one": (
            lambda mu, logvar: 0.5 * ((mu**2 + logvar.exp() - logvar).sum(-1) - 1)
        ),
        "exp(logvar) is the variance already; you squared it": (
            lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1 - logvar).sum(-1)
        ),
        "the factor ½ is missing": lambda mu, logvar: (mu**2 + logvar.exp() - 1 - logvar).sum(-1),
        "the -1 is missing: without it the KL of the prior from itself is not 0": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar).sum(-1)
        ),
        "the mean enters squared": lambda mu, logvar: 0.5 * (mu + logvar.exp() - 1 - logvar).sum(-1),
        "the sign of logvar is wrong: a narrow q, logvar far below 0, must cost more": (
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 + logvar).sum(-1)
        ),
        "that is KL(p‖q), from the prior to q; asked was KL(q‖p), an average under q": (
            lambda mu, logvar: 0.5 * ((1 + mu**2) * (-logvar).exp() - 1 + logvar).sum(-1)
        ),
    },
)


# 3.4 ------------------------------------------------------------------------------------------------------------------


def _noise(generator, size=5, latent=3):
    return *_gaussians(generator, size, latent), torch.randn(size, latent, generator=generator)


def reparameterize(mu, logvar, noise):
    return mu + (0.5 * logvar).exp() * noise


def draws_have_mean_and_variance(answer):
    n = 100_000
    z = answer(torch.full((n, 1), 0.7), torch.full((n, 1), -1.0), torch.randn(n, 1))
    assert abs(z.mean() - 0.7) < 0.01, f"the mean is {z.mean():.2f} where mu = 0.70"
    assert abs(z.var() - math.exp(-1)) < 0.02, f"the variance is {z.var():.2f} where exp(logvar) = 0.37"


path = Exercise(
    "3.4",
    "reparameterize",
    reference=reparameterize,
    inputs=_noise,
    gradients=True,
    properties={
        "its draws have mean mu and variance exp(logvar)": draws_have_mean_and_variance,
    },
    mistakes={
        "you multiplied by exp(logvar), the variance; noise is stretched by the standard deviation, its root": (
            lambda mu, logvar, noise: mu + logvar.exp() * noise
        ),
        "you multiplied by logvar itself; the standard deviation is exp(logvar / 2)": (
            lambda mu, logvar, noise: mu + logvar * noise
        ),
        "you multiplied by logvar / 2; the standard deviation is exp(logvar / 2)": (
            lambda mu, logvar, noise: mu + 0.5 * logvar * noise
        ),
        "you drew noise of your own (randn, rsample); use the argument `noise`, so that values can be compared": (
            lambda mu, logvar, noise: mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        ),
        "this draws from a Normal, without a path for the gradient: z must be a function of mu, logvar and noise": (
            lambda mu, logvar, noise: torch.distributions.Normal(mu, (0.5 * logvar).exp()).sample()
        ),
        "the values are right, but sigma is cut off from the gradient: no detach, no .data, no numpy": (
            lambda mu, logvar, noise: mu + (0.5 * logvar).exp().detach() * noise
        ),
        "the values are right, but mu is cut off from the gradient: no detach, no .data, no numpy": (
            lambda mu, logvar, noise: mu.detach() + (0.5 * logvar).exp() * noise
        ),
        "the values are right, but no gradient reaches mu and logvar: no detach, no torch.no_grad()": (
            lambda mu, logvar, noise: reparameterize(mu, logvar, noise).detach()
        ),
        "that is the mean alone; without the noise z is no draw from q": lambda mu, logvar, noise: mu.clone(),
        "the mean was stretched too: z = mu + sigma * noise, the product first": (
            lambda mu, logvar, noise: (0.5 * logvar).exp() * (mu + noise)
        ),
        "the sign in the exponent is wrong: the standard deviation is exp(+logvar / 2)": (
            lambda mu, logvar, noise: mu + (-0.5 * logvar).exp() * noise
        ),
    },
)


# 3.5 ------------------------------------------------------------------------------------------------------------------


def _binary(generator, size=4, pixels=6, latent=3):
    x = torch.randint(2, (size, pixels), generator=generator)
    return x, 2 * torch.randn(size, pixels, generator=generator), *_gaussians(generator, size, latent)


def _bernoulli_log_prob(x, logits):
    return (x * torch.nn.functional.logsigmoid(logits) + (1 - x) * torch.nn.functional.logsigmoid(-logits)).sum(-1)


def bernoulli_elbo(x, logits, mu, logvar):
    return _bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar)


_x, _logits, _mu, _logvar = _binary(torch.Generator().manual_seed(6))


def knowing_nothing_costs_log_2_a_pixel(answer):
    nothing = torch.zeros(2, 3)
    value = answer(torch.ones(2, 10, dtype=torch.long), torch.zeros(2, 10), nothing, nothing)
    assert torch.allclose(value, torch.full((2,), -10 * math.log(2)))


def all_pictures_sum_to_one(answer):
    x = torch.cartesian_prod(*[torch.arange(2)] * 4)
    nothing = torch.zeros(16, 2)
    value = answer(x, torch.tensor([0.3, -1.0, 2.0, 0.1]).expand(16, 4), nothing, nothing)
    assert torch.allclose(value.exp().sum(), torch.tensor(1.0), atol=1e-4)


def logits_taken_for_probabilities(x, logits, mu, logvar):
    p = logits.clamp(1e-6, 1 - 1e-6)
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1) - gaussian_kl(mu, logvar)


def sigmoid_rounds_to_one(x, logits, mu, logvar):
    p = logits.sigmoid()
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1) - gaussian_kl(mu, logvar)


def logarithms_cut_at_minus_18(x, logits, mu, logvar):
    p = logits.sigmoid()
    return (x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).sum(-1) - gaussian_kl(mu, logvar)


elbo = Exercise(
    "3.5",
    "bernoulli_elbo",
    reference=bernoulli_elbo,
    inputs=_binary,
    edges={
        "logits of ±200": (_x, 200 * (2.0 * _x - 1), _mu, _logvar),
        "logits of ±200 that are sure of the wrong value": (_x, 200 * (1 - 2.0 * _x), _mu, _logvar),
    },
    tol=1e-4,
    properties={
        "with q = p(z) and logits 0 it is -D log 2": knowing_nothing_costs_log_2_a_pixel,
        "the reconstruction terms of all 2^D pictures, exponentiated, sum to 1": all_pictures_sum_to_one,
    },
    mistakes={
        "that is the negative ELBO, the loss; asked was the bound itself": (
            lambda x, logits, mu, logvar: -bernoulli_elbo(x, logits, mu, logvar)
        ),
        "the KL is subtracted: it is what it costs to tell z": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) + gaussian_kl(mu, logvar)
        ),
        "the mean over the pixels is not log p(x|z): independent pixels add": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) / x.shape[-1] - gaussian_kl(mu, logvar)
        ),
        "binary_cross_entropy_with_logits averages over everything, pixels and batch, unless told otherwise: take "
        "reduction='none', then sum(-1)": (
            lambda x, logits, mu, logvar: (
                -torch.nn.functional.binary_cross_entropy_with_logits(logits, x.float()) - gaussian_kl(mu, logvar)
            )
        ),
        "reduction='sum' adds up the whole batch; each picture has its own: take reduction='none', then sum(-1)": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits).sum() - gaussian_kl(mu, logvar)
        ),
        "the KL was averaged over the latent dimensions; they add": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar) / mu.shape[-1]
        ),
        "both terms were averaged over their dimensions; pixels add, and latent dimensions add": (
            lambda x, logits, mu, logvar: (
                _bernoulli_log_prob(x, logits) / x.shape[-1] - gaussian_kl(mu, logvar) / mu.shape[-1]
            )
        ),
        "you averaged over the batch; asked was one bound an example, shape (B,)": (
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar).mean()
        ),
        "you summed over the batch; asked was one bound an example, shape (B,)": (
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar).sum()
        ),
        "the KL is missing: that is the reconstruction term alone": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits)
        ),
        "you took the logits for probabilities; "
        "the probability of a 1 is sigmoid(logits)": logits_taken_for_probabilities,
        "the sigmoid was taken twice: binary_cross_entropy_with_logits wants logits, not probabilities": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits.sigmoid()) - gaussian_kl(mu, logvar)
        ),
        "log(sigmoid(200)) overflows the other way, log(1 - 1) = -inf: "
        "use logsigmoid or the loss with logits": sigmoid_rounds_to_one,
        "F.binary_cross_entropy cuts every log p at -100, but a decoder that is sure and wrong pays all of it: use "
        "binary_cross_entropy_with_logits": (
            lambda x, logits, mu, logvar: (
                -torch.nn.functional.binary_cross_entropy(logits.sigmoid(), x.float(), reduction="none").sum(-1)
                - gaussian_kl(mu, logvar)
            )
        ),
        "your 1e-8 cuts every log p at log(1e-8) = -18: "
        "use binary_cross_entropy_with_logits or logsigmoid": logarithms_cut_at_minus_18,
        "the sign of your first term: binary cross-entropy is minus log p(x|z)": (
            lambda x, logits, mu, logvar: -_bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar)
        ),
        "the KL was averaged over the batch; each picture pays its own, a sum over the last axis": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar).mean()
        ),
        "the KL was summed over the batch; each picture pays its own, a sum over the last axis alone": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar).sum()
        ),
        "only the dark pixels are counted: a pixel that is 0 contributes log(1 - p)": (
            lambda x, logits, mu, logvar: (x * torch.nn.functional.logsigmoid(logits)).sum(-1) - gaussian_kl(mu, logvar)
        ),
        "that is the squared error, which belongs to a Gaussian; these pixels are 0 or 1 with a probability": (
            lambda x, logits, mu, logvar: -((x - logits.sigmoid()) ** 2).sum(-1) - gaussian_kl(mu, logvar)
        ),
    },
)


# 3.6 ------------------------------------------------------------------------------------------------------------------


def _logs(generator, draws=7, size=4):
    def make(shift):
        return 3 * torch.randn(draws, size, generator=generator) + shift

    return make(-5.0), make(-1.0)


def iw_bound(log_joint, log_q):
    log_w = log_joint - log_q
    return log_w.logsumexp(0) - math.log(len(log_w))


_one, _two = _logs(torch.Generator().manual_seed(9))


def never_below_the_elbo(answer):
    a, b = _logs(torch.Generator().manual_seed(10), 20, 6)
    assert (answer(a, b) >= (a - b).mean(0) - 1e-4).all()


def exact_where_q_is_the_posterior(answer):
    log_q = torch.randn(5, 3)
    assert torch.allclose(answer(log_q - 12.5, log_q), torch.full((3,), -12.5), atol=1e-4)


def one_maximum_for_the_batch(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w - log_w.max()).exp().mean(0).log() + log_w.max()


def maximum_not_added_back(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w - log_w.amax(0)).exp().mean(0).log()


def weighted_by_their_own_weights(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w.softmax(0) * log_w).sum(0)


weighted = Exercise(
    "3.6",
    "iw_bound",
    reference=iw_bound,
    inputs=_logs,
    edges={
        "pictures of 784 pixels (log p(x, z) near -2000)": (_one - 2000, _two),
        "densities of narrow Gaussians (log p(x, z) near +1000)": (_one + 1000, _two),
        "examples that lie 1000 nats apart": (_one + torch.tensor([0.0, -1000.0, -2000.0, 1000.0]), _two),
        "a single draw": (_one[:1], _two[:1]),
    },
    tol=1e-4,
    properties={
        "it is never below the mean of the log-weights, the ELBO estimated from the same draws": never_below_the_elbo,
        "where q is the posterior, all weights are p(x), and so is their average": exact_where_q_is_the_posterior,
    },
    mistakes={
        "that is the mean of the log-weights, the ELBO; asked was the logarithm of the mean weight": (
            lambda log_joint, log_q: (log_joint - log_q).mean(0)
        ),
        "log(0): exp of -2000 is 0 in the computer. Take the largest log-weight out first (torch.logsumexp)": (
            lambda log_joint, log_q: (log_joint - log_q).exp().mean(0).log()
        ),
        "that is the log of the sum; the mean has a factor 1/k, so subtract log k": (
            lambda log_joint, log_q: (log_joint - log_q).logsumexp(0)
        ),
        "you added log k; the factor is 1/k, so subtract it": (
            lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) + math.log(len(log_q))
        ),
        "you divided the log-sum by k; the factor 1/k stands inside the logarithm, so subtract log k": (
            lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) / len(log_q)
        ),
        "you averaged over the examples; the k draws are the first axis, dim 0": (
            lambda log_joint, log_q: (log_joint - log_q).logsumexp(1) - math.log(log_q.shape[1])
        ),
        "you subtracted log of the batch size; k is the number of draws, the first axis": (
            lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) - math.log(log_q.shape[1])
        ),
        "the weights are upside down: w = p(x, z) / q(z)": lambda log_joint, log_q: iw_bound(log_q, log_joint),
        "q is missing: each weight is p(x, z) divided by q(z)": (
            lambda log_joint, log_q: log_joint.logsumexp(0) - math.log(len(log_q))
        ),
        "the product p q is no weight: subtract log q, which divides by it": (
            lambda log_joint, log_q: iw_bound(log_joint, -log_q)
        ),
        "you averaged p and q apart; the ratio p(x, z) / q(z) is formed for each draw, then averaged": (
            lambda log_joint, log_q: log_joint.logsumexp(0) - log_q.logsumexp(0)
        ),
        "you averaged over the batch as well; each example has its own bound, shape (B,)": (
            lambda log_joint, log_q: iw_bound(log_joint, log_q).mean()
        ),
        "that is the largest log-weight: a start for a stable sum, but the sum is missing": (
            lambda log_joint, log_q: (log_joint - log_q).amax(0)
        ),
        "you took out the largest log-weight of the whole batch, and an example far below it gives log(0): take each "
        "example's own, amax(0)": one_maximum_for_the_batch,
        "the largest log-weight was taken out of the sum and never added back": maximum_not_added_back,
        "you averaged p and q apart, and left the logarithms: form log p - log q for each draw, then logsumexp": (
            lambda log_joint, log_q: (log_joint.exp().mean(0) / log_q.exp().mean(0)).log()
        ),
        "that is a mean of log-weights, weighted by the weights; "
        "asked was the logarithm of their plain mean": weighted_by_their_own_weights,
    },
)


EXERCISES = (best, equality, kl, path, elbo, weighted)
