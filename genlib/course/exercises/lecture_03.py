"""The exercises of lecture 03 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged


def _distribution(generator, n: int) -> Tensor:
    weights = torch.rand(n, generator=generator, dtype=torch.float64) + 0.05
    return weights / weights.sum()


def _gaussians(generator, size=5, latent=3) -> tuple[Tensor, Tensor]:
    return torch.randn(size, latent, generator=generator), torch.randn(size, latent, generator=generator)


# 3.1 ------------------------------------------------------------------------------------------------------------------


def optimal_q():
    return 1.5, 0.25


best = Exercise(
    "3.1",
    "optimal_q",
    reference=optimal_q,
    tol=1e-4,
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
        "the mean is right; 1 and 1/3 are variances, so the precisions that add up are 1 and 3": (lambda: (1.5, 0.75)),
        "the mean is right; you averaged the two variances, the posterior's is smaller than both": (
            lambda: (1.5, 2 / 3)
        ),
        "the mean is right; 1/4 is the variance already, you squared it": (lambda: (1.5, 1 / 16)),
        "you read 1/3 as a standard deviation; it is the variance of x given z, so the precision of x is 3": (
            lambda: (1.8, 0.1)
        ),
        "you read 1/3 as a standard deviation, and gave one as well: both times the variance is meant": (
            lambda: (1.8, 0.1**0.5)
        ),
    },
)


# 3.2 ------------------------------------------------------------------------------------------------------------------


def gaussian_kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)


def _far(generator, size=3, latent=3) -> tuple[Tensor, Tensor]:
    """Of three rows, one with log σ² about -40, one with +40, and one whose means are about 30."""
    mu, logvar = _gaussians(generator, size, latent)
    shift = torch.tensor([[0.0], [0.0], [30.0]]), torch.tensor([[-40.0], [40.0], [0.0]])
    return mu + shift[0], logvar + shift[1]


# Slips in the formula, {hint: (mu, logvar) -> (B,)}; 3.5 has the same KL in it, and the same slips.
_KL_SLIPS = {
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
}


kl = Exercise(
    "3.2",
    "gaussian_kl",
    reference=gaussian_kl,
    inputs=_gaussians,
    edges={
        "a square batch, B = L": _gaussians(torch.Generator().manual_seed(8), 3, 3),
        "the prior itself, which is 0 from itself": (torch.zeros(2, 4), torch.zeros(2, 4)),
        "log σ² of about -40 and +40": _far(torch.Generator().manual_seed(13)),
        "one picture with one latent": _gaussians(torch.Generator().manual_seed(14), 1, 1),
    },
    gradients=True,
    mistakes={
        "the sign is flipped: a KL divergence is never negative": lambda mu, logvar: -gaussian_kl(mu, logvar),
        "the formula is right as long as log σ² is moderate; don't clamp it, it may be any real number": [
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-5, 5)),
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-10, 10)),
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-20, 20)),
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-30, 20)),
            lambda mu, logvar: gaussian_kl(mu, logvar.clamp(-20, 2)),
        ],
        "you took the logarithm of exp(logvar) plus an epsilon; log σ² is logvar itself": [
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - (logvar.exp() + 1e-6).log()).sum(-1),
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - (logvar.exp() + 1e-8).log()).sum(-1),
        ],
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
        **_KL_SLIPS,
    },
)


# 3.3 ------------------------------------------------------------------------------------------------------------------


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
    left = (prior * likelihood).sum().log()
    right = (q * likelihood.log()).sum() - (q * (q / prior).log()).sum()
    return left, right


_p, _l = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.9, 0.1]).double()
_prior, _likelihood, _q = _causes(torch.Generator().manual_seed(12), 6)


equality = Exercise(
    "3.3",
    "false_equality",
    reference=false_equality,
    inputs=_causes,
    edges={
        "two causes, where q is the prior": (_p, _l, _p),
        "the posterior for q, where the two sides agree": (
            _prior,
            _likelihood,
            _prior * _likelihood / (_prior * _likelihood).sum(),
        ),
        "an x that no cause makes likely": (_prior, 1e-30 * _likelihood, _q),
    },
    tol=1e-8,
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


# 3.4 ------------------------------------------------------------------------------------------------------------------


def _noise(generator, size=5, latent=3):
    return *_gaussians(generator, size, latent), torch.randn(size, latent, generator=generator)


def reparameterize(mu, logvar, noise):
    return mu + (0.5 * logvar).exp() * noise


path = Exercise(
    "3.4",
    "reparameterize",
    reference=reparameterize,
    inputs=_noise,
    edges={
        "log σ² of about -40 and +40": (
            *_far(torch.Generator().manual_seed(15)),
            torch.randn(3, 3, generator=torch.Generator().manual_seed(16)),
        ),
        "one picture with one latent": _noise(torch.Generator().manual_seed(17), 1, 1),
    },
    gradients=True,
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
            [
                lambda mu, logvar, noise: mu + (0.5 * logvar).exp() * torch.randn_like(mu),
                lambda mu, logvar, noise: torch.distributions.Normal(mu, (0.5 * logvar).exp()).rsample(),
            ]
        ),
        "the values are right as long as log σ² is moderate; don't clamp it, it may be any real number": [
            lambda mu, logvar, noise: reparameterize(mu, logvar.clamp(-5, 5), noise),
            lambda mu, logvar, noise: reparameterize(mu, logvar.clamp(-10, 10), noise),
            lambda mu, logvar, noise: reparameterize(mu, logvar.clamp(-20, 20), noise),
            lambda mu, logvar, noise: reparameterize(mu, logvar.clamp(-30, 20), noise),
        ],
        "you took exp(logvar) to the power 2; the standard deviation is the root of exp(logvar), not its square": (
            lambda mu, logvar, noise: mu + (2 * logvar).exp() * noise
        ),
        "you took softplus(logvar); logvar is log σ², so σ is exp(logvar / 2)": (
            lambda mu, logvar, noise: mu + torch.nn.functional.softplus(logvar) * noise
        ),
        "you subtracted the noise; asked was mu plus sigma times noise (as a draw it would do as well)": (
            lambda mu, logvar, noise: mu - (0.5 * logvar).exp() * noise
        ),
        "without mu z is noise of the right width around 0": lambda mu, logvar, noise: (0.5 * logvar).exp() * noise,
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
    return (x * logsigmoid(logits) + (1 - x) * logsigmoid(-logits)).sum(-1)


def bernoulli_elbo(x, logits, mu, logvar):
    log_px = (x * logsigmoid(logits) + (1 - x) * logsigmoid(-logits)).sum(-1)
    return log_px - 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)


_x, _logits, _mu, _logvar = _binary(torch.Generator().manual_seed(6))
_mu_far, _logvar_far = _far(torch.Generator().manual_seed(18))


def _with_this_kl(kl):
    return lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) - kl(mu, logvar)


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
        "logits 0 and q = p(z), where it is -D log 2": (_x, 0 * _logits, 0 * _mu, 0 * _logvar),
        "log σ² of about -40 and +40": (_x[:3], _logits[:3], _mu_far, _logvar_far),
        "as many pictures as pixels and latents": _binary(torch.Generator().manual_seed(19), 3, 3, 3),
    },
    gradients=True,
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
            lambda x, logits, mu, logvar: (x * logsigmoid(logits)).sum(-1) - gaussian_kl(mu, logvar)
        ),
        "the arguments of binary_cross_entropy_with_logits are swapped: the logits come first, then x": (
            lambda x, logits, mu, logvar: (
                -torch.nn.functional.binary_cross_entropy_with_logits(x.float(), logits, reduction="none").sum(-1)
                - gaussian_kl(mu, logvar)
            )
        ),
        "the values are right as long as log σ² is moderate; don't clamp it, it may be any real number": [
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar.clamp(-5, 5)),
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar.clamp(-10, 10)),
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar.clamp(-20, 20)),
            lambda x, logits, mu, logvar: bernoulli_elbo(x, logits, mu, logvar.clamp(-30, 20)),
        ],
        "the values are right, but the KL is cut off from the gradient: no detach, no torch.no_grad()": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits) - gaussian_kl(mu, logvar).detach()
        ),
        "the values are right, but the reconstruction term is cut off from the gradient: no detach, no .data": (
            lambda x, logits, mu, logvar: _bernoulli_log_prob(x, logits).detach() - gaussian_kl(mu, logvar)
        ),
        **{f"your KL: {hint}": _with_this_kl(slip) for hint, slip in _KL_SLIPS.items()},
        "that is the squared error, which belongs to a Gaussian; these pixels are 0 or 1 with a probability": (
            lambda x, logits, mu, logvar: -((x - logits.sigmoid()) ** 2).sum(-1) - gaussian_kl(mu, logvar)
        ),
    },
)


# 3.6 ------------------------------------------------------------------------------------------------------------------


def _place(generator, size=6, latent=3, pixels=5):
    """A place z, mu and logvar of q(z | x) for some pictures, and the pictures, on any scale."""
    mu, logvar = _gaussians(generator, size, latent)
    return torch.randn(latent, generator=generator), mu, logvar, 5 * torch.randn(size, pixels, generator=generator)


def best_picture(z, mu, logvar, x):
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(1)
    return log_q.softmax(0) @ x


def _normal(z, mu, logvar):
    """log N(z; mu, exp(logvar)), the latent dimensions not summed."""
    return -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar + math.log(2 * math.pi))


def _weighted(log_weights):
    """A wrong answer whose logarithms of the weights are off, and used as they should be."""
    return lambda z, mu, logvar, x: log_weights(z, mu, logvar).softmax(0) @ x


def _of_densities(averaged):
    """A wrong answer that makes the densities q(z | x) as it should, and something else of them."""
    return lambda z, mu, logvar, x: averaged(_normal(z, mu, logvar).sum(1), x)


_far_place = _place(torch.Generator().manual_seed(21))

average = Exercise(
    "3.6",
    "best_picture",
    reference=best_picture,
    inputs=_place,
    edges={
        "a place far from all codes": (_far_place[0] + 60, *_far_place[1:]),
        "as many pictures as latents and pixels": _place(torch.Generator().manual_seed(22), 3, 3, 3),
        "a single picture": _place(torch.Generator().manual_seed(23), 1),
        "one code in two pictures": (
            torch.zeros(2),
            torch.ones(2, 2),
            torch.zeros(2, 2),
            torch.tensor([[1.0, 3.0], [2.0, 7.0]]),
        ),
        "a wide q and a narrow one at the same place": (
            torch.zeros(2),
            torch.zeros(2, 2),
            torch.tensor([[2.0, 1.0], [-1.0, -2.0]]),
            torch.tensor([[1.0, 3.0], [2.0, 7.0]]),
        ),
    },
    mistakes={
        "that is the plain average of all pictures; each counts by q(z | x), the density of its code at z": (
            lambda z, mu, logvar, x: x.mean(0)
        ),
        "that is the picture with the largest q(z | x) alone; the others claim the place too, with their weights": (
            _of_densities(lambda log_q, x: x[log_q.argmax()])
        ),
        "that is the picture whose mu is nearest; all pictures count, by q(z | x)": (
            lambda z, mu, logvar, x: x[(z - mu).square().sum(1).argmin()]
        ),
        "the widths are missing: weigh by q(z | x), which is broad for some pictures and narrow for others": [
            _weighted(lambda z, mu, logvar: -0.5 * ((z - mu) ** 2).sum(1)),
            _weighted(lambda z, mu, logvar: -((z - mu) ** 2).sum(1)),
            _weighted(lambda z, mu, logvar: -(z - mu).norm(dim=1)),
        ],
        "your log q lacks -½ Σ logvar: a narrow q is a high one": (
            _weighted(lambda z, mu, logvar: -0.5 * ((z - mu) ** 2 / logvar.exp()).sum(1))
        ),
        "in your log q it is -logvar where -½ logvar should be: log σ is half of log σ²": (
            _weighted(lambda z, mu, logvar: (-0.5 * (z - mu) ** 2 / logvar.exp() - logvar).sum(1))
        ),
        "the sign of logvar is wrong in your log q: it is -½ logvar, for a narrow q is a high one": (
            _weighted(lambda z, mu, logvar: -0.5 * ((z - mu) ** 2 / logvar.exp() - logvar).sum(1))
        ),
        "the ½ is missing in log q: it is -½ ((z - mu)² / σ² + log σ²), summed": (
            _weighted(lambda z, mu, logvar: -((z - mu) ** 2 / logvar.exp() + logvar).sum(1))
        ),
        "the ½ stands before both terms of log q, the squared distance too": (
            _weighted(lambda z, mu, logvar: -((z - mu) ** 2 / logvar.exp() + 0.5 * logvar).sum(1))
        ),
        "the sign of your log q is wrong: a far code gets the largest weight": (
            _weighted(lambda z, mu, logvar: 0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(1))
        ),
        "you took exp(logvar) for σ (torch's Normal wants σ as well); it is σ², and σ is exp(logvar / 2)": (
            _weighted(lambda z, mu, logvar: _normal(z, mu, 2 * logvar).sum(1))
        ),
        "you divided by σ = exp(logvar / 2); the squared distance is divided by σ², which is exp(logvar)": (
            _weighted(lambda z, mu, logvar: -0.5 * ((z - mu) ** 2 / (0.5 * logvar).exp() + logvar).sum(1))
        ),
        "you took logvar for σ or for σ²; it may be negative, and the variance is exp(logvar)": [
            _weighted(lambda z, mu, logvar: _normal(z, mu, 2 * logvar.log()).sum(1)),
            _weighted(lambda z, mu, logvar: _normal(z, mu, logvar.log()).sum(1)),
        ],
        "your log q is averaged over the latents; densities of independent numbers multiply, so their logarithms add": (
            _weighted(lambda z, mu, logvar: _normal(z, mu, logvar).mean(1))
        ),
        "exp of log q is 0 for every picture far from all codes, and 0 / 0 is no weight: softmax of log q takes the "
        "largest out first": [
            _of_densities(lambda log_q, x: (log_q.exp() / log_q.exp().sum()) @ x),
        ],
        "far from all codes your weights are all 0, and the picture with them (an epsilon in the denominator, or 0 / 0 "
        "taken for 0): softmax of log q takes the largest out first": [
            _of_densities(lambda log_q, x: log_q.exp() @ x / (log_q.exp().sum() + 1e-8)),
            _of_densities(lambda log_q, x: log_q.exp() @ x / (log_q.exp().sum() + 1e-6)),
            _of_densities(lambda log_q, x: log_q.exp() @ x / (log_q.exp().sum() + 1e-12)),
            _of_densities(lambda log_q, x: (log_q.exp() / log_q.exp().sum()).nan_to_num() @ x),
        ],
        "far from all codes you gave the plain average; there too some q(z | x) are much larger than others, and their "
        "logarithms know it": _of_densities(lambda log_q, x: log_q.clamp(min=-80).softmax(0) @ x),
        "you took the softmax of q itself; a softmax is exp and a sum, so it wants log q": (
            _of_densities(lambda log_q, x: log_q.exp().softmax(0) @ x)
        ),
        "your weights do not sum to 1: divide by the sum of all q(z | x)": [
            _of_densities(lambda log_q, x: log_q.exp() @ x),
            _of_densities(lambda log_q, x: log_q.exp() @ x / len(x)),
        ],
        "you weighed by log q itself, which is negative; the weights are q(z | x), divided by their sum": [
            _of_densities(lambda log_q, x: log_q @ x / log_q.sum()),
            _of_densities(lambda log_q, x: log_q @ x),
        ],
        "you multiplied by the weights and did not add up: asked was one picture, shape (D,)": (
            _of_densities(lambda log_q, x: log_q.softmax(0)[:, None] * x)
        ),
        "you divided by n as well; the weights sum to 1 already, so it is a sum": (
            _of_densities(lambda log_q, x: (log_q.softmax(0)[:, None] * x).mean(0))
        ),
        "you took the softmax for each latent apart: a picture has one weight, from the sum of its log q": (
            lambda z, mu, logvar, x: _normal(z, mu, logvar).softmax(0).mean(1) @ x
        ),
        "the roles are swapped: that is a density with the prior's width at mu; q(z | x) has mean mu and variance σ²": (
            _weighted(lambda z, mu, logvar: _normal(mu, 0 * mu, 0 * mu).sum(1))
        ),
        "you multiplied q by the prior p(z), or its logarithm, of mu: the weights are q(z | x) alone": (
            _weighted(lambda z, mu, logvar: _normal(z, mu, logvar).sum(1) + _normal(mu, 0 * mu, 0 * mu).sum(1))
        ),
    },
)


# 3.7 ------------------------------------------------------------------------------------------------------------------


def _draws(generator, draws=7, size=4, latent=3):
    """log p(x | z), z, mu, logvar in float64: draws that lie where q is, and a q that is not the prior."""

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mu, logvar = normal(size, latent), normal(size, latent) - 0.5
    return 3 * normal(draws, size) - 5, mu + (0.5 * logvar).exp() * normal(draws, size, latent), mu, logvar


def iw_bound(log_px, z, mu, logvar):
    log_prior = -0.5 * (z**2).sum(-1)  # the constant of both normal densities cancels
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(-1)
    log_w = log_px + log_prior - log_q
    return log_w.logsumexp(0) - math.log(len(log_w))


def _parts(log_px, z, mu, logvar):
    """log p(x, z) and log q(z), (k, B) each."""
    return log_px + _normal(z, 0 * mu, 0 * mu).sum(-1), _normal(z, mu, logvar).sum(-1)


def _from_parts(wrong):
    """A wrong answer that makes (log p(x, z), log q(z)) as it should, and something else of them."""
    return lambda log_px, z, mu, logvar: wrong(*_parts(log_px, z, mu, logvar))


def _log_mean(log_w):
    return log_w.logsumexp(0) - math.log(len(log_w))


def _averaged(log_weights):
    """A wrong answer whose weights are off, and averaged as they should be."""
    return lambda log_px, z, mu, logvar: _log_mean(log_weights(log_px, z, mu, logvar))


def one_maximum_for_the_batch(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w - log_w.max()).exp().mean(0).log() + log_w.max()


def maximum_not_added_back(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w - log_w.amax(0)).exp().mean(0).log()


def weighted_by_their_own_weights(log_joint, log_q):
    log_w = log_joint - log_q
    return (log_w.softmax(0) * log_w).sum(0)


_log_px, *_rest = _draws(torch.Generator().manual_seed(9))
_apart = torch.tensor([0.0, -1000.0, -2000.0, 1000.0], dtype=torch.float64)

weighted = Exercise(
    "3.7",
    "iw_bound",
    reference=iw_bound,
    inputs=_draws,
    edges={
        "pictures of 784 pixels (log p(x | z) near -2000)": (_log_px - 2000, *_rest),
        "densities of narrow Gaussians (log p(x | z) near +1000)": (_log_px + 1000, *_rest),
        "examples that lie 1000 nats apart": (_log_px + _apart, *_rest),
        "a single draw": _draws(torch.Generator().manual_seed(10), 1),
        "as many draws as examples and latents": _draws(torch.Generator().manual_seed(11), 3, 3, 3),
    },
    tol=1e-6,
    gradients=True,
    mistakes={
        "that is the mean of the log-weights, the ELBO; asked was the logarithm of the mean weight": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).mean(0))
        ),
        "that is the mean of log p(x|z) minus the KL in closed form, an ELBO; asked was the logarithm of the mean "
        "weight": (lambda log_px, z, mu, logvar: log_px.mean(0) - gaussian_kl(mu, logvar)),
        "exp of -2000 is 0 in the computer, and exp of +1000 is infinite. Take the largest log-weight out first "
        "(torch.logsumexp)": _from_parts(lambda log_joint, log_q: (log_joint - log_q).exp().mean(0).log()),
        "that is the log of the sum; the mean has a factor 1/k, so subtract log k": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0))
        ),
        "you added log k; the factor is 1/k, so subtract it": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) + math.log(len(log_q)))
        ),
        "you divided the log-sum by k; the factor 1/k stands inside the logarithm, so subtract log k": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) / len(log_q))
        ),
        "you subtracted log k twice: logsumexp minus log k is the mean already": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint - log_q) - math.log(len(log_q)))
        ),
        "you averaged over the examples; the k draws are the first axis, dim 0": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(1) - math.log(log_q.shape[1]))
        ),
        "you subtracted log of the batch size; k is the number of draws, the first axis": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) - math.log(log_q.shape[1]))
        ),
        "you subtracted log of the number of latents; k is the number of draws, the first axis": (
            lambda log_px, z, mu, logvar: iw_bound(log_px, z, mu, logvar) + math.log(len(z) / z.shape[-1])
        ),
        "the weights are upside down: w = p(x, z) / q(z)": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_q - log_joint))
        ),
        "q is missing: each weight is p(x, z) divided by q(z)": _from_parts(lambda joint, log_q: _log_mean(joint)),
        "the prior is missing: p(x, z) is p(x|z) times p(z), and p(z) = N(0, I)": (
            _averaged(lambda log_px, z, mu, logvar: log_px - _normal(z, mu, logvar).sum(-1))
        ),
        "prior and q are missing: that is the average of section 3, for draws from the prior; these are from q": (
            _averaged(lambda log_px, z, mu, logvar: log_px)
        ),
        "the product p q is no weight: subtract log q, which divides by it": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint + log_q))
        ),
        "the KL in closed form has no place here: each weight belongs to one draw, log p(z) - log q(z) at that z": (
            _averaged(lambda log_px, z, mu, logvar: log_px - gaussian_kl(mu, logvar))
        ),
        "you took exp(logvar) for σ (torch's Normal wants σ as well); it is σ², and σ is exp(logvar / 2)": (
            _averaged(
                lambda log_px, z, mu, logvar: _parts(log_px, z, mu, logvar)[0] - _normal(z, mu, 2 * logvar).sum(-1)
            )
        ),
        "you took logvar for σ; log σ² may be negative, and σ is exp(logvar / 2)": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    _parts(log_px, z, mu, logvar)[0] - _normal(z, mu, 2 * logvar.log()).sum(-1)
                )
            )
        ),
        "your log q lacks -½ Σ logvar: a narrow q is a high one": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    _parts(log_px, z, mu, logvar)[0] - (_normal(z, mu, logvar) + 0.5 * logvar).sum(-1)
                )
            )
        ),
        "in your log q it is -logvar where -½ logvar should be: log σ is half of log σ²": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    _parts(log_px, z, mu, logvar)[0] - (_normal(z, mu, logvar) - 0.5 * logvar).sum(-1)
                )
            )
        ),
        "your log q lacks the ½: log q is -½ ((z - mu)² / σ² + logvar), summed": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    log_px - 0.5 * (z**2).sum(-1) + ((z - mu) ** 2 / logvar.exp() + logvar).sum(-1)
                )
            )
        ),
        "the ½ stands before both terms of log q, the squared distance too": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    log_px - 0.5 * (z**2).sum(-1) + ((z - mu) ** 2 / logvar.exp() + 0.5 * logvar).sum(-1)
                )
            )
        ),
        "the ½ is missing in both densities: each is exp(-½ …)": (
            _averaged(
                lambda log_px, z, mu, logvar: log_px - (z**2).sum(-1) + ((z - mu) ** 2 / logvar.exp() + logvar).sum(-1)
            )
        ),
        "the sign of logvar is wrong in your log q: it is -½ logvar, for a narrow q is a high one": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    log_px - 0.5 * (z**2).sum(-1) + 0.5 * ((z - mu) ** 2 / logvar.exp() - logvar).sum(-1)
                )
            )
        ),
        "you divided by σ = exp(logvar / 2); the squared distance is divided by σ², which is exp(logvar)": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    log_px - 0.5 * (z**2).sum(-1) + 0.5 * ((z - mu) ** 2 / (0.5 * logvar).exp() + logvar).sum(-1)
                )
            )
        ),
        "-½ log 2π stands in one of your two densities only; in the ratio it cancels, so in both or in neither": [
            _averaged(lambda *given: _parts(*given)[0] - _parts(*given)[1] - 0.9189385332046727 * given[1].shape[-1]),
            _averaged(lambda *given: _parts(*given)[0] - _parts(*given)[1] + 0.9189385332046727 * given[1].shape[-1]),
        ],
        "your log p(z) is taken at mu; each draw has its own weight, with log p at that z": (
            _averaged(
                lambda log_px, z, mu, logvar: log_px + (_normal(mu, 0 * mu, 0 * mu) - _normal(z, mu, logvar)).sum(-1)
            )
        ),
        "your log q(z) is taken at mu; each draw has its own weight, with log q at that z": (
            _averaged(
                lambda log_px, z, mu, logvar: log_px + (_normal(z, 0 * mu, 0 * mu) - _normal(mu, mu, logvar)).sum(-1)
            )
        ),
        "the sign of your log p(z) is wrong: it is -½ z², summed, so that far draws count less": (
            _averaged(
                lambda log_px, z, mu, logvar: (
                    log_px
                    + (-_normal(z, 0 * mu, 0 * mu) - _normal(z, mu, logvar)).sum(-1)
                    - math.log(2 * math.pi) * z.shape[-1]
                )
            )
        ),
        "you added up the log-weights of the draws; asked was the logarithm of the mean weight": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).sum(0))
        ),
        "that is the mean weight, an estimate of p(x) itself; asked was its logarithm": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint - log_q).exp())
        ),
        "your value is in bits (log2); asked were nats, the natural logarithm": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint - log_q) / math.log(2))
        ),
        "you subtracted log2 k; the bound is in nats, so it is the natural logarithm of k": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) - math.log2(len(log_q)))
        ),
        "you subtracted k; the factor 1/k in front of the sum becomes -log k": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).logsumexp(0) - len(log_q))
        ),
        "the values are right to single precision: you computed in float32; all is float64, and stays so": (
            lambda *given: iw_bound(*(part.float() for part in given)).double()
        ),
        "an epsilon in the logarithm cuts every small mean weight off; take the largest log-weight out first "
        "(torch.logsumexp)": [
            _from_parts(lambda log_joint, log_q: ((log_joint - log_q).exp().mean(0) + 1e-12).log()),
            _from_parts(lambda log_joint, log_q: ((log_joint - log_q).exp().mean(0) + 1e-10).log()),
            _from_parts(lambda log_joint, log_q: ((log_joint - log_q).exp().mean(0) + 1e-8).log()),
        ],
        "don't clamp the log-weights: a picture of 784 pixels may have -2000, and that is right": (
            _from_parts(lambda log_joint, log_q: _log_mean((log_joint - log_q).clamp(-700, 700)))
        ),
        "the values are right, but no gradient passes through z: no detach, no torch.no_grad()": (
            lambda log_px, z, mu, logvar: iw_bound(log_px, z.detach(), mu, logvar)
        ),
        "the values are right, but q's own mu and logvar are cut off from the gradient (some estimators do that on "
        "purpose; here it should reach all four)": (
            lambda log_px, z, mu, logvar: iw_bound(log_px, z, mu.detach(), logvar.detach())
        ),
        "the values are right, but log_px is cut off from the gradient, and with it the decoder: no detach": (
            lambda log_px, z, mu, logvar: iw_bound(log_px.detach(), z, mu, logvar)
        ),
        "the ½ is missing in log p(z): -½ z², summed": (
            _averaged(
                lambda log_px, z, mu, logvar: log_px - (z**2).sum(-1) - (_normal(z, mu, logvar) + 0.9189385332).sum(-1)
            )
        ),
        "your log p(z) and log q(z) are averaged over the latent dimensions; densities of independent numbers "
        "multiply, so their logarithms add": (
            _averaged(
                lambda log_px, z, mu, logvar: log_px + (_normal(z, 0 * mu, 0 * mu) - _normal(z, mu, logvar)).mean(-1)
            )
        ),
        "you averaged p and q apart; the ratio p(x, z) / q(z) is formed for each draw, then averaged": (
            _from_parts(lambda log_joint, log_q: log_joint.logsumexp(0) - log_q.logsumexp(0))
        ),
        "you averaged over the batch as well; each example has its own bound, shape (B,)": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint - log_q).mean())
        ),
        "you summed over the batch as well; each example has its own bound, shape (B,)": (
            _from_parts(lambda log_joint, log_q: _log_mean(log_joint - log_q).sum())
        ),
        "that is the largest log-weight: a start for a stable sum, but the sum is missing": (
            _from_parts(lambda log_joint, log_q: (log_joint - log_q).amax(0))
        ),
        "you took out the largest log-weight of the whole batch, and an example far below it gives log(0): take each "
        "example's own, amax(0)": _from_parts(one_maximum_for_the_batch),
        "the largest log-weight was taken out of the sum and never added back": _from_parts(maximum_not_added_back),
        "you averaged p and q apart, and left the logarithms: form log p - log q for each draw, then logsumexp": (
            _from_parts(lambda log_joint, log_q: (log_joint.exp().mean(0) / log_q.exp().mean(0)).log())
        ),
        "that is a mean of log-weights, weighted by the weights; asked was the logarithm of their plain mean": (
            _from_parts(weighted_by_their_own_weights)
        ),
        "that is the negative bound, a loss; asked was the bound itself": (
            lambda log_px, z, mu, logvar: -iw_bound(log_px, z, mu, logvar)
        ),
        "the values are right, but the weights of z are cut off from the gradient: no detach, no torch.no_grad()": (
            lambda log_px, z, mu, logvar: iw_bound(log_px, z.detach(), mu.detach(), logvar.detach())
        ),
    },
)


# 3.8 and 3.9: is this a bug? ------------------------------------------------------------------------------------------


def loss_bugs():
    return {"A": True, "B": False, "C": True, "D": False, "E": True}


in_the_loss = Exercise(
    "3.8",
    "loss_bugs",
    reference=loss_bugs,
    observe=judged(loss_bugs()),
    mistakes=misjudged(
        loss_bugs(),
        {
            "A": "a bug. The pixels are summed and the KL is averaged over the L latents, so it counts 1/L of what "
            "(3.11) says: a hidden β = 1/L. (Reconstructions look better for it, draws from the prior worse.)",
            "B": "no bug. Both terms are summed over the batch, so this is B times the mean of -ELBO: the same "
            "minimum and the same direction of the gradient; only the size of a step goes with B.",
            "C": "a bug. exp(logvar) is the variance; z is drawn with it as deviation, and the KL is that of another "
            "q. The expectation and the price must belong to the same q.",
            "D": "no bug. softplus is another way to make a positive number of a real one; draw and KL both use this "
            "sd, and the KL is (3.11).",
            "E": "a bug. B / N times the KL, where N is the number of training pictures, is a hidden β (0.09 for 128 "
            "of 1,437): both terms are means over the batch already.",
        },
    ),
)


def bound_bugs():
    return {"A": False, "B": True, "C": True, "D": False, "E": True}


in_the_bound = Exercise(
    "3.9",
    "bound_bugs",
    reference=bound_bugs,
    observe=judged(bound_bugs()),
    mistakes=misjudged(
        bound_bugs(),
        {
            "A": "no bug. The KL in closed form is the mean of log q(z) - log p(z) under q; one draw estimates it "
            "without bias, so this is the ELBO in the mean, (3.6).",
            "B": "a bug. A mean of logarithms is the ELBO, for any k: more draws make it less noisy and no tighter. "
            "IW takes the mean first, then the logarithm.",
            "C": "a bug. A weight belongs to one draw, log p(z) - log q(z) at that z. With the KL in its place you get "
            "log E[p(x|z)] - KL, which exceeds log p(x) when q is the posterior: no bound.",
            "D": "no bug. N(0, I) for p(z|c) is a choice of the model: z then holds what the label does not say, and "
            "(3.6) holds with c given everywhere. A prior that depends on c is another choice.",
            "E": "a bug. step counts from 0 in each epoch, and an epoch has 12 batches: β never gets beyond 0.011, and "
            "falls back to 0 again and again.",
        },
    ),
)


EXERCISES = (best, kl, equality, path, elbo, average, weighted, in_the_loss, in_the_bound)
