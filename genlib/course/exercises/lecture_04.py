"""The exercises of lecture 04 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_04 import gradients


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z; mu, σ²) of each number."""
    return -0.5 * ((z - mu) ** 2 * (-logvar).exp() + logvar + math.log(2 * math.pi))


def _kl_each(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


# 4.1 ------------------------------------------------------------------------------------------------------------------


def water_filling(values, sigma, beta):
    level = beta * sigma**2
    rate = 0.5 * (values / level).log().clamp(min=0).sum()
    distortion = 0.5 * (values.clamp(max=level) / sigma**2 + math.log(2 * math.pi * sigma**2)).sum()
    return rate, distortion


def _spectrum(generator, n=6):
    """Eigenvalues, σ and β, such that some eigenvalues are above βσ² and some below."""
    values = (1.2 * torch.randn(n, generator=generator, dtype=torch.float64)).exp()
    sigma, beta = (0.4 + 0.5 * torch.rand(2, generator=generator)).tolist()
    return values, sigma, 3 * beta


def _filled(values, sigma, level, half=0.5):
    """The distortion with another level of the water."""
    return half * (values.clamp(max=level) / sigma**2 + math.log(2 * math.pi * sigma**2)).sum()


def _rate(values, level):
    return 0.5 * (values / level).log().clamp(min=0).sum()


_both = water_filling

curve = Exercise(
    "4.1",
    "water_filling",
    reference=water_filling,
    inputs=_spectrum,
    edges={
        "all eigenvalues above βσ²": (torch.tensor([9.0, 5.0, 4.0], dtype=torch.float64), 0.5, 2.0),
        "all eigenvalues below βσ²": (torch.tensor([0.3, 0.2], dtype=torch.float64), 0.8, 3.0),
        "eigenvalues of a million": (torch.tensor([4e6, 1e6, 0.1], dtype=torch.float64), 0.5, 1.0),
        "an eigenvalue of 0": (torch.tensor([3.0, 0.0, 0.5], dtype=torch.float64), 0.5, 1.5),
    },
    tol=1e-8,
    mistakes={
        "a rate can't be negative: a latent below the water costs 0; cut each logarithm off at 0 before you add up": [
            lambda v, s, b: (0.5 * (v / (b * s**2)).log().sum(), _both(v, s, b)[1]),
            lambda v, s, b: (0.5 * (v / (b * s**2)).log().sum().clamp(min=0), _both(v, s, b)[1]),
        ],
        "your rate lacks the ½: the logarithm is of a variance": (
            lambda v, s, b: (2 * _both(v, s, b)[0], _both(v, s, b)[1])
        ),
        "your rate is in bits (log2); asked were nats": (
            lambda v, s, b: (_both(v, s, b)[0] / math.log(2), _both(v, s, b)[1])
        ),
        "you compared the eigenvalues, which are variances, with βσ; the level is βσ²": (
            lambda v, s, b: (_rate(v, b * s), _filled(v, s, b * s))
        ),
        "you compared the eigenvalues with σ²; the level of the water is βσ²": (
            lambda v, s, b: (_rate(v, s**2), _filled(v, s, s**2))
        ),
        "the level is βσ², and β is not squared with σ": (
            lambda v, s, b: (_rate(v, (b * s) ** 2), _filled(v, s, (b * s) ** 2))
        ),
        "the level is βσ²; you divided by β": (lambda v, s, b: (_rate(v, s**2 / b), _filled(v, s, s**2 / b))),
        "your distortion divides by 2βσ²; the decoder believes in σ, whatever β is: divide by 2σ²": (
            lambda v, s, b: (
                _both(v, s, b)[0],
                0.5 * (v.clamp(max=b * s**2) / (b * s**2) + math.log(2 * math.pi * s**2)).sum(),
            )
        ),
        "your distortion keeps the larger of λ and βσ²; a latent in use leaves βσ², the smaller one": (
            lambda v, s, b: (
                _both(v, s, b)[0],
                0.5 * (v.clamp(min=b * s**2) / s**2 + math.log(2 * math.pi * s**2)).sum(),
            )
        ),
        "your distortion leaves out what the latents under water lose: their whole eigenvalue": (
            lambda v, s, b: (
                _both(v, s, b)[0],
                0.5 * (b * (v > b * s**2).double() + math.log(2 * math.pi * s**2)).sum(),
            )
        ),
        "your distortion counts βσ² in every direction; one with a smaller eigenvalue has no more to lose than that": (
            lambda v, s, b: (_both(v, s, b)[0], 0.5 * len(v) * (b + math.log(2 * math.pi * s**2)))
        ),
        "½ log 2πσ² belongs to every direction: it is in your distortion once": (
            lambda v, s, b: (
                _both(v, s, b)[0],
                0.5 * ((v.clamp(max=b * s**2) / s**2).sum() + math.log(2 * math.pi * s**2)),
            )
        ),
        "your distortion lacks the constants, ½ log 2πσ² in each direction": (
            lambda v, s, b: (_both(v, s, b)[0], 0.5 * (v.clamp(max=b * s**2) / s**2).sum())
        ),
        "your distortion is the squared error itself; in nats it is divided by 2σ², and ½ log 2πσ² comes on top": (
            lambda v, s, b: (_both(v, s, b)[0], v.clamp(max=b * s**2).sum())
        ),
        "your distortion lacks the ½": lambda v, s, b: (_both(v, s, b)[0], 2 * _both(v, s, b)[1]),
        "you multiplied the rate by β; asked was the rate itself, β is only its price": (
            lambda v, s, b: (b * _both(v, s, b)[0], _both(v, s, b)[1])
        ),
        "the two are in the wrong order: first the rate, then the distortion": lambda *given: _both(*given)[::-1],
    },
)


# 4.2 ------------------------------------------------------------------------------------------------------------------


def last_betas():
    return 36.0, 16.0, 1.0


last = Exercise(
    "4.2",
    "last_betas",
    reference=last_betas,
    tol=1e-5,
    mistakes={
        "3, 2 and ½ are standard deviations; an eigenvalue of the covariance is a variance, its square": lambda: (
            12.0,
            8.0,
            2.0,
        ),
        "you divided by σ; the level is βσ², and σ² is ¼": lambda: (18.0, 8.0, 0.5),
        "these are the eigenvalues; a latent collapses where its eigenvalue is βσ², so divide by σ² = ¼": (
            lambda: (9.0, 4.0, 0.25)
        ),
        "you multiplied by σ²; λ = βσ² is solved by λ / σ²": lambda: (2.25, 1.0, 0.0625),
        "that is σ² / λ; λ = βσ² is solved by λ / σ²": lambda: (1 / 36, 1 / 16, 1.0),
        "that is standard deviation over σ, the root of λ / σ²; β itself is asked": lambda: (6.0, 4.0, 1.0),
        "the values are right, in the wrong order: that of standard deviation 3 first": lambda: (1.0, 16.0, 36.0),
        "the last one is 1: its variance is ¼, as large as σ²": [lambda: (36.0, 16.0, 0.0), lambda: (36.0, 16.0, 0.5)],
    },
)


# 4.3 ------------------------------------------------------------------------------------------------------------------


def free_bits(kl, least):
    return kl.mean(0).clamp(min=least).sum()


def _prices(generator, size=7, latent=4):
    kl = torch.rand(size, latent, generator=generator) * torch.tensor([0.3, 0.8, 1.5, 4.0])[:latent]
    return kl, 0.5


free = Exercise(
    "4.3",
    "free_bits",
    reference=free_bits,
    inputs=_prices,
    edges={
        "no free bits": (_prices(_seeded(5))[0], 0.0),
        "more free bits than most latents have": (_prices(_seeded(6))[0], 1.2),
        "one picture": (_prices(_seeded(7), 1)[0], 0.7),
        "as many pictures as latents": (_prices(_seeded(8), 4)[0], 0.4),
    },
    gradients=True,
    mistakes={
        "you took the larger one for each picture; first average over the batch, then compare each latent": (
            lambda kl, least: kl.clamp(min=least).mean(0).sum()
        ),
        "you compared the sum over latents; each latent has its own free bits": [
            lambda kl, least: kl.mean(0).sum().clamp(min=least * kl.shape[1]),
        ],
        "you averaged over latents; prices of independent latents add up": (
            lambda kl, least: kl.mean(0).clamp(min=least).mean()
        ),
        "you summed over the batch before you compared; average over it": (
            lambda kl, least: kl.sum(0).clamp(min=least).sum()
        ),
        "you took the smaller of the two; charged is at least κ": lambda kl, least: kl.mean(0).clamp(max=least).sum(),
        "you subtracted κ. The gradient is the right one, but asked was max(κ, KL) itself": (
            lambda kl, least: (kl.mean(0) - least).clamp(min=0).sum()
        ),
        "a latent below κ costs κ in your sum, not 0": (lambda kl, least: (kl.mean(0) * (kl.mean(0) > least)).sum()),
        "you added κ to each KL; charged is the larger of the two": lambda kl, least: (kl.mean(0) + least).sum(),
        "you averaged over the latents, axis 1, and summed over pictures; the batch is axis 0": (
            lambda kl, least: kl.mean(1).clamp(min=least).sum()
        ),
        "the latents are not added up yet: asked was one number": lambda kl, least: kl.mean(0).clamp(min=least),
        "the free bits are missing: no latent's KL is compared with κ": lambda kl, least: kl.mean(0).sum(),
        "the values are right, but no gradient passes: no detach, no item": (
            lambda kl, least: kl.detach().mean(0).clamp(min=least).sum()
        ),
    },
)


# 4.4 ------------------------------------------------------------------------------------------------------------------


def units_in_use(mu, logvar, least):
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    return kl.mean(0) > least


def _codes(generator, size=40, latent=6):
    """Means and log-variances: a latent that has collapsed, one of needles, one that moves a little, and more."""
    spread = torch.tensor([0.0, 0.0, 0.2, 1.5, 0.05, 0.6])[:latent]
    shift = torch.tensor([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])[:latent]
    narrow = torch.tensor([0.0, -0.8, 0.0, -2.5, -0.05, -0.3])[:latent]
    mu = shift + spread * torch.randn(size, latent, generator=generator)
    return mu, narrow + 0.05 * torch.randn(size, latent, generator=generator), 0.1


def _at(places, values):
    """Codes of which each latent has this KL, for all pictures: μ = √(2 KL), σ = 1."""
    mu = (2 * torch.tensor(values)).sqrt().expand(places, -1).clone()
    return mu, torch.zeros_like(mu)


in_use = Exercise(
    "4.4",
    "units_in_use",
    reference=units_in_use,
    inputs=_codes,
    edges={
        "another threshold": (*_codes(_seeded(9))[:2], 0.6),
        "one picture": (*_codes(_seeded(10), 1)[:2], 0.1),
        "as many pictures as latents": (*_codes(_seeded(11), 6)[:2], 0.3),
        "KL 0.05, 0.2 and 0 everywhere, threshold 0": (*_at(4, [0.05, 0.2, 0.0]), 0.0),
        "a single picture of twenty uses a latent": (
            torch.cat([torch.full((1, 2), 1.5), torch.zeros(19, 2)]) * torch.tensor([1.0, 1.6]),
            torch.zeros(20, 2),
            0.1,
        ),
        "codes on both sides of 0": (torch.tensor([[1.0, 0.3], [-1.0, -0.3]]), torch.zeros(2, 2), 0.1),
        "log σ² of -40": (torch.zeros(3, 2), torch.tensor([-40.0, 0.0]).expand(3, 2).clone(), 0.1),
    },
    mistakes={
        "that is the variance rule: you asked whether μ moves with the picture; asked was whether the KL, averaged "
        "over pictures, is above the threshold": lambda mu, logvar, least: mu.var(0) > least,
        "you asked whether any picture has a KL above the threshold; asked was the average over pictures": (
            lambda mu, logvar, least: (_kl_each(mu, logvar) > least).any(0)
        ),
        "you asked whether every picture has a KL above the threshold; asked was the average over pictures": (
            lambda mu, logvar, least: (_kl_each(mu, logvar) > least).all(0)
        ),
        "you summed over the pictures; average over them": (
            lambda mu, logvar, least: _kl_each(mu, logvar).sum(0) > least
        ),
        "you averaged over the latents, axis 1; the pictures are axis 0": (
            lambda mu, logvar, least: _kl_each(mu, logvar).mean(1) > least
        ),
        "that is the opposite: True where the KL is above the threshold": (
            lambda mu, logvar, least: _kl_each(mu, logvar).mean(0) < least
        ),
        "above the threshold, not at it: with a threshold of 0 a KL of 0 is not in use": (
            lambda mu, logvar, least: _kl_each(mu, logvar).mean(0) >= least
        ),
        "the ½ of the KL is missing": lambda mu, logvar, least: 2 * _kl_each(mu, logvar).mean(0) > least,
        "you took the KL of the average code; asked was the average of the KLs": (
            lambda mu, logvar, least: _kl_each(mu.mean(0), logvar.mean(0)) > least
        ),
        "you looked at μ alone: a narrow q costs something, too": (
            lambda mu, logvar, least: (0.5 * mu**2).mean(0) > least
        ),
        "you looked at the widths alone: a q far from 0 costs something, too": (
            lambda mu, logvar, least: _kl_each(0 * mu, logvar).mean(0) > least
        ),
        "that is how many are in use; asked was which, a bool for each latent": (
            lambda mu, logvar, least: (_kl_each(mu, logvar).mean(0) > least).sum()
        ),
        "you read logvar as the standard deviation's logarithm; it is log σ²": (
            lambda mu, logvar, least: _kl_each(mu, 2 * logvar).mean(0) > least
        ),
    },
)


# 4.5 ------------------------------------------------------------------------------------------------------------------


def conditional_elbo(log_px, mu, logvar, prior_mu, prior_logvar):
    spread = (logvar - prior_logvar).exp()
    distance = (mu - prior_mu) ** 2 / prior_logvar.exp()
    kl = 0.5 * (spread + distance - 1 - logvar + prior_logvar).sum(-1)
    return log_px - kl


def _conditional(generator, size=5, latent=3):
    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    return 4 * normal(size) - 9, *(normal(size, latent) for _ in range(4))


def _priced(kl):
    """A wrong answer whose KL is off: (mu, logvar, prior_mu, prior_logvar) -> (B, L)."""
    return lambda log_px, *four: log_px - kl(*four).sum(-1)


def _kl_of_two(m, s, pm, ps):
    return 0.5 * ((s - ps).exp() + (m - pm) ** 2 * (-ps).exp() - 1 - s + ps)


_five = _conditional(_seeded(12), 4, 2)

given = Exercise(
    "4.5",
    "conditional_elbo",
    reference=conditional_elbo,
    inputs=_conditional,
    edges={
        "q is the prior p(z | c), which costs nothing": (_five[0], _five[1], _five[2], _five[1], _five[2]),
        "densities of narrow Gaussians (log p(x | z, c) near +1000)": (_five[0] + 1000, *_five[1:]),
        "a square batch, B = L": _conditional(_seeded(13), 3, 3),
        "one picture with one latent": _conditional(_seeded(14), 1, 1),
        "log σ² of -30 and +20": (
            _five[0],
            _five[1],
            _five[2] - 30,
            _five[3],
            _five[4] + torch.tensor([0.0, 20.0]),
        ),
    },
    gradients=True,
    mistakes={
        "you measured from N(0, I); what q is measured from is the prior p(z | c), with its own mean and width": (
            _priced(lambda m, s, pm, ps: _kl_each(m, s))
        ),
        "you added the KL; it is a price and is subtracted": _priced(lambda *four: -_kl_of_two(*four)),
        "that is KL(p‖q), from the prior to q; asked was KL(q‖p), an average under q": (
            _priced(lambda m, s, pm, ps: _kl_of_two(pm, ps, m, s))
        ),
        "the squared distance of the means is divided by the prior's variance, exp(prior_logvar)": [
            _priced(lambda m, s, pm, ps: 0.5 * ((s - ps).exp() + (m - pm) ** 2 - 1 - s + ps)),
            _priced(lambda m, s, pm, ps: 0.5 * ((s - ps).exp() + (m - pm) ** 2 * (-s).exp() - 1 - s + ps)),
        ],
        "you divided by the prior's standard deviation; it is its variance, exp(prior_logvar)": (
            _priced(lambda m, s, pm, ps: 0.5 * ((s - ps).exp() + (m - pm) ** 2 * (-0.5 * ps).exp() - 1 - s + ps))
        ),
        "the ratio of the variances is exp(logvar - prior_logvar); the prior's is missing in yours": (
            _priced(lambda m, s, pm, ps: 0.5 * (s.exp() + (m - pm) ** 2 * (-ps).exp() - 1 - s + ps))
        ),
        "the prior's log-variance is missing: without it the KL of the prior from itself is not 0": (
            _priced(lambda m, s, pm, ps: 0.5 * ((s - ps).exp() + (m - pm) ** 2 * (-ps).exp() - 1 - s))
        ),
        "the signs of the two log-variances are exchanged": (
            _priced(lambda m, s, pm, ps: 0.5 * ((s - ps).exp() + (m - pm) ** 2 * (-ps).exp() - 1 + s - ps))
        ),
        "the -1 is missing: without it the KL of the prior from itself is not 0": (
            _priced(lambda m, s, pm, ps: _kl_of_two(m, s, pm, ps) + 0.5)
        ),
        "the factor ½ is missing": _priced(lambda *four: 2 * _kl_of_two(*four)),
        "you took exp(logvar) for σ (torch's Normal wants σ as well); it is σ², and σ is exp(logvar / 2)": (
            _priced(lambda m, s, pm, ps: _kl_of_two(m, 2 * s, pm, 2 * ps))
        ),
        "you averaged over the latents; independent dimensions add": (
            lambda log_px, *four: log_px - _kl_of_two(*four).mean(-1)
        ),
        "you summed over the batch as well; each picture has its own bound, shape (B,)": (
            lambda log_px, *four: (log_px - _kl_of_two(*four).sum(-1)).sum()
        ),
        "you averaged over the batch as well; each picture has its own bound, shape (B,)": (
            lambda log_px, *four: (log_px - _kl_of_two(*four).sum(-1)).mean()
        ),
        "that is a loss, the negative; asked was the bound": lambda log_px, *four: _kl_of_two(*four).sum(-1) - log_px,
        "that is the KL alone; the bound is log p(x|z, c) minus it": lambda log_px, *four: _kl_of_two(*four).sum(-1),
        "the values are right, but the prior is cut off from the gradient, so that it can't be learned: no detach": (
            lambda log_px, m, s, pm, ps: log_px - _kl_of_two(m, s, pm.detach(), ps.detach()).sum(-1)
        ),
    },
)


# 4.6 ------------------------------------------------------------------------------------------------------------------


def kl_to_mixture(z, mu, logvar, weights, means, logvars):
    log_q = -0.5 * ((z - mu) ** 2 / logvar.exp() + logvar).sum(-1)
    parts = -0.5 * ((z[..., None, :] - means) ** 2 / logvars.exp() + logvars).sum(-1)
    log_p = (parts + weights.log()).logsumexp(-1)
    return (log_q - log_p).mean(0)


def _mixture(generator, draws=6, size=4, latent=3, parts=5):
    """Draws of q, q itself, and a mixture: weights, means, log-variances."""

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mu, logvar = normal(size, latent), normal(size, latent) - 1
    weights = torch.rand(parts, generator=generator, dtype=torch.float64) + 0.1
    z = mu + (0.5 * logvar).exp() * normal(draws, size, latent)
    return z, mu, logvar, weights / weights.sum(), 2 * normal(parts, latent), 0.5 * normal(parts, latent)


def _log_parts(z, means, logvars):
    return _normal(z[..., None, :], means, logvars).sum(-1)  # (k, B, K)


def _against(log_p):
    """A wrong answer whose log p(z) is off: (log of the parts (k, B, K), weights) -> (k, B)."""
    return lambda z, mu, logvar, weights, means, logvars: (
        _normal(z, mu, logvar).sum(-1) - log_p(_log_parts(z, means, logvars), weights)
    ).mean(0)


def _log_mixture(parts, weights):
    return (parts + weights.log()).logsumexp(-1)


def _ends(change):
    """A wrong answer that makes (log q, log p), (k, B) each, as it should, and something else of them."""
    return lambda z, mu, logvar, weights, means, logvars: change(
        _normal(z, mu, logvar).sum(-1), _log_mixture(_log_parts(z, means, logvars), weights)
    )


def _gradients_reach_all_but_the_weights(answer):
    """Not those of the weights: a mixture that divides them by their sum is right, and has another gradient."""
    six = _mixture(_seeded(24))
    found, right = answer.watched(gradients, *six), gradients(kl_to_mixture, *six)
    assert found is not None, "no gradient flows; use torch, without detach or item"
    for mine, expected in zip(found, right, strict=True):
        assert mine is not None
        assert torch.allclose(mine, expected, atol=1e-6)


_far = _mixture(_seeded(20))
_alone = _mixture(_seeded(21), parts=1)

to_mixture = Exercise(
    "4.6",
    "kl_to_mixture",
    reference=kl_to_mixture,
    inputs=_mixture,
    edges={
        "a mixture of one": _alone,
        "codes far from all parts": (_far[0] + 60, _far[1] + 60, *_far[2:]),
        "draws at the top of a needle of the mixture": (
            _far[4][:4].expand(6, -1, -1).clone(),
            *_far[1:5],
            _far[5] - 15,
        ),
        "a single draw": _mixture(_seeded(22), 1),
        "draws, pictures, latents and parts alike in number": _mixture(_seeded(23), 3, 3, 3, 3),
    },
    tol=1e-8,
    properties={"gradients reach the draws, q and the parts of the mixture": _gradients_reach_all_but_the_weights},
    mistakes={
        "that is a mean of the parts' logarithms, weighted; the density of a mixture is the weighted mean of the "
        "densities, and then comes the logarithm": _against(lambda parts, w: (w * parts).sum(-1)),
        "the weights are missing: each part counts by its own": [
            _against(lambda parts, w: parts.logsumexp(-1)),
            _against(lambda parts, w: parts.logsumexp(-1) - math.log(len(w))),
        ],
        "the weights stand in front of the densities; inside logsumexp it is their logarithm that is added": [
            _against(lambda parts, w: (parts + w).logsumexp(-1)),
            _against(lambda parts, w: (parts * w).logsumexp(-1)),
        ],
        "exp of the parts is 0 far from all of them, and log 0 is -∞; add log weights and take logsumexp": (
            _against(lambda parts, w: (parts.exp() * w).sum(-1).log())
        ),
        "an epsilon in the logarithm cuts every small density off; add log weights and take logsumexp": [
            _against(lambda parts, w, eps=eps: ((parts.exp() * w).sum(-1) + eps).log())
            for eps in (1e-6, 1e-8, 1e-10, 1e-12)
        ],
        "you took the nearest part alone; all of them add up": (_against(lambda parts, w: (parts + w.log()).amax(-1))),
        "the sign is wrong: KL(q‖p) is the mean of log q - log p": _ends(lambda log_q, log_p: (log_p - log_q).mean(0)),
        "log q is missing: the KL is the mean of log q - log p": _ends(lambda log_q, log_p: -log_p.mean(0)),
        "log p is missing: the KL is the mean of log q - log p": _ends(lambda log_q, log_p: log_q.mean(0)),
        "you averaged over the pictures, too; each has its own KL, shape (B,)": (
            _ends(lambda log_q, log_p: (log_q - log_p).mean())
        ),
        "you summed over the draws; an expectation is their mean": _ends(lambda log_q, log_p: (log_q - log_p).sum(0)),
        "you averaged over axis 1, the pictures; the draws are axis 0": (
            _ends(lambda log_q, log_p: (log_q - log_p).mean(1))
        ),
        "that is the logarithm of a mean weight; a KL is the mean of the logarithms": (
            _ends(lambda log_q, log_p: (log_q - log_p).logsumexp(0) - math.log(len(log_q)))
        ),
        "-½ log 2π stands in one of your two densities only; it cancels, so in both or in neither": [
            lambda z, *rest: kl_to_mixture(z, *rest) + 0.9189385332046727 * z.shape[-1],
            lambda z, *rest: kl_to_mixture(z, *rest) - 0.9189385332046727 * z.shape[-1],
        ],
        "you took exp(logvar) for σ (torch's Normal wants σ as well); it is σ², and σ is exp(logvar / 2)": (
            lambda z, mu, logvar, w, means, logvars: kl_to_mixture(z, mu, 2 * logvar, w, means, 2 * logvars)
        ),
        "you added up the latents after the logsumexp; a part's density is the product over its latents, so add their "
        "logarithms first": (
            lambda z, mu, logvar, w, means, logvars: (
                _normal(z, mu, logvar).sum(-1)
                - (_normal(z[..., None, :], means, logvars) + w.log()[:, None]).logsumexp(-2).sum(-1)
            ).mean(0)
        ),
        "the prior is taken at μ; each draw has its own p(z)": (
            lambda z, mu, logvar, w, means, logvars: (
                _normal(z, mu, logvar).sum(-1) - _log_mixture(_log_parts(mu, means, logvars), w)
            ).mean(0)
        ),
        "the values are right to single precision: you computed in float32; all is float64, and stays so": (
            lambda *six: kl_to_mixture(*(part.float() for part in six)).double()
        ),
    },
)


# 4.7 ------------------------------------------------------------------------------------------------------------------


def doubly_reparameterized(log_w, slope):
    w = log_w.softmax(0)
    return (w**2 * slope).sum(0)


def _weighed(generator, draws=6, size=4):
    return (
        2 * torch.randn(draws, size, generator=generator, dtype=torch.float64) - 5,
        torch.randn(draws, size, generator=generator, dtype=torch.float64),
    )


_w, _slope = _weighed(_seeded(30))

doubly = Exercise(
    "4.7",
    "doubly_reparameterized",
    reference=doubly_reparameterized,
    inputs=_weighed,
    edges={
        "pictures of 784 pixels (log w near -2000)": (_w - 2000, _slope),
        "densities of narrow Gaussians (log w near +1000)": (_w + 1000, _slope),
        "steep slopes": (_w, 40 * _slope),
        "a single draw": _weighed(_seeded(31), 1),
        "as many draws as pictures": _weighed(_seeded(32), 4, 4),
    },
    tol=1e-8,
    mistakes={
        "you weighed once: that is the plain gradient's path; the square is what makes up for the score that is left "
        "out": lambda log_w, slope: (log_w.softmax(0) * slope).sum(0),
        "you squared the sum: each draw is weighed by its own w̃²": (
            lambda log_w, slope: (log_w.softmax(0) * slope).sum(0) ** 2
        ),
        "you squared the slope as well": lambda log_w, slope: ((log_w.softmax(0) * slope) ** 2).sum(0),
        "you normalised w̃² to sum to 1; it is the square of the normalised weight": (
            lambda log_w, slope: ((2 * log_w).softmax(0) * slope).sum(0)
        ),
        "your weights are not normalised: w̃ is w divided by the sum over the draws (softmax)": (
            lambda log_w, slope: (log_w.exp() ** 2 * slope).sum(0)
        ),
        "you squared log w before the softmax; square the weight": (
            lambda log_w, slope: ((log_w**2).softmax(0) * slope).sum(0)
        ),
        "exp of -2000 is 0 in the computer, and exp of +1000 is infinite: softmax takes the largest out first": (
            lambda log_w, slope: ((log_w.exp() / log_w.exp().sum(0)) ** 2 * slope).sum(0)
        ),
        "an epsilon in the denominator makes all small weights 0: softmax takes the largest out first": [
            lambda log_w, slope: ((log_w.exp() / (log_w.exp().sum(0) + 1e-8)) ** 2 * slope).sum(0),
            lambda log_w, slope: ((log_w.exp() / (log_w.exp().sum(0) + 1e-12)) ** 2 * slope).sum(0),
        ],
        "you normalised over the pictures; the draws are axis 0": (
            lambda log_w, slope: (log_w.softmax(1) ** 2 * slope).sum(0)
        ),
        "you averaged over the draws; the weights sum to 1 already": (
            lambda log_w, slope: (log_w.softmax(0) ** 2 * slope).mean(0)
        ),
        "you added up the pictures; each has a gradient of its own, shape (B,)": (
            lambda log_w, slope: (log_w.softmax(0) ** 2 * slope).sum(1)
        ),
        "asked was the gradient of the bound, not of the loss: no minus": (
            lambda log_w, slope: -(log_w.softmax(0) ** 2 * slope).sum(0)
        ),
        "that is the gradient of the ELBO, all draws alike; the bound of k draws weighs them by w̃²": [
            lambda log_w, slope: slope.mean(0),
            lambda log_w, slope: slope.sum(0),
        ],
    },
)


# 4.8 and 4.9: is this a bug? ------------------------------------------------------------------------------------------


def training_bugs():
    return {"A": True, "B": True, "C": False, "D": False, "E": True}


in_training = Exercise(
    "4.8",
    "training_bugs",
    reference=training_bugs,
    observe=judged(training_bugs()),
    mistakes=misjudged(
        training_bugs(),
        {
            "A": "a bug. weighted is computed and never used: whatever β is, this trains the plain VAE.",
            "B": "a bug. The schedule is made anew for each batch, so β is its first value, 0, for ever.",
            "C": "no bug. N(0, I) for p(z|c) is a choice: z then holds what c does not say. It is the right one where "
            "z is to mean the same for every c; a learned p(z|c) may fit better.",
            "D": "no bug, though a waste. The bound holds for any q, also one that does not look at c. It gives more "
            "away, because the posterior p(z|x, c) does depend on c.",
            "E": "a bug. That is the mean of log q(z|x) - log p(z), the rate. Total correlation is KL from q̄(z) to the "
            "product of its marginals; no single q(z|x) knows it.",
        },
    ),
)


def estimate_bugs():
    return {"A": True, "B": True, "C": False, "D": False, "E": True}


in_estimates = Exercise(
    "4.9",
    "estimate_bugs",
    reference=estimate_bugs,
    observe=judged(estimate_bugs()),
    mistakes=misjudged(
        estimate_bugs(),
        {
            "A": "a bug. log_mean_exp has divided by 50 already; taken off twice, log 50 = 3.9 nats are missing.",
            "B": "a bug. w depends on the parameters too, so the gradient of w · log w has a term that the bound's "
            "lacks. The weights must be constants: detach them.",
            "C": "no bug. The value is no bound, but the gradient of log-mean-exp is the weighted mean of gradients, "
            "with the weights as constants.",
            "D": "no bug. The bound holds for any q, and the test pictures' own q is found without changing the model. "
            "(Say that you did it: the number is lower than the encoder's.)",
            "E": "a bug. model.parameters() are those of the decoder as well: this trains the model on the test "
            "pictures.",
        },
    ),
)


EXERCISES = (curve, last, free, in_use, given, to_mixture, doubly, in_training, in_estimates)
