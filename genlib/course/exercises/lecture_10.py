"""The exercises of lecture 10 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_10 import LabelledDenoiser, Velocity


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rand(g, *shape) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def _unit(g, *shape) -> Tensor:
    """Numbers between 0.05 and 0.95."""
    return 0.05 + 0.9 * torch.rand(*shape, generator=g, dtype=torch.float64)


def _double(*values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# 10.1 -----------------------------------------------------------------------------------------------------------------


def noised(x, betas, k, eps):
    kept = torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)])[k][:, None]
    return kept.sqrt() * x + (1 - kept).sqrt() * eps


def _climbing(g, B=5, D=3, T=6):
    k = torch.randint(T + 1, (B,), generator=g)
    k[:2] = torch.tensor([T, 1])  # the top storey, and the first
    return _rand(g, B, D), 0.6 * _unit(g, T), k, _rand(g, B, D)


def _mixed(of_kept=None, signal=None, noise=None):
    """A wrong answer: another ᾱ (betas, k) -> (B,), or other factors of it."""
    of_kept = of_kept or (lambda betas, k: torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)])[k])
    signal, noise = signal or (lambda kept: kept.sqrt()), noise or (lambda kept: (1 - kept).sqrt())

    def answer(x, betas, k, eps):
        kept = of_kept(betas, k)[:, None]
        return signal(kept) * x + noise(kept) * eps

    return answer


def _padded(values, first=1.0):
    return torch.cat([values.new_full((1,), first), values])


marginal = Exercise(
    "10.1",
    "noised",
    reference=noised,
    inputs=_climbing,
    edges={
        "no storey climbed": (*_climbing(_seeded(3))[:2], torch.zeros(5, dtype=torch.long), _rand(_seeded(4), 5, 3)),
        "as many examples as numbers and storeys": _climbing(_seeded(5), 4, 4, 4),
        "one storey": _climbing(_seeded(6), 3, 2, 1),
        "large numbers": (30 * _rand(_seeded(11), 5, 3), *_climbing(_seeded(12))[1:]),
        "a storey that takes all": (
            _rand(_seeded(7), 3, 2),
            _double(0.2, 1.0, 0.3),
            torch.tensor([1, 2, 3]),
            _rand(_seeded(8), 3, 2),
        ),
        "a thousand storeys": (
            _rand(_seeded(9), 4, 2),
            torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64),
            torch.tensor([0, 1, 500, 1000]),
            _rand(_seeded(10), 4, 2),
        ),
    },
    mistakes={
        "x is shrunk by the root of ᾱ; yours is shrunk by ᾱ itself": _mixed(signal=lambda kept: kept),
        "1 - ᾱ is the variance of the noise; its factor is the root": _mixed(noise=lambda kept: 1 - kept),
        "both factors lack their roots": _mixed(signal=lambda kept: kept, noise=lambda kept: 1 - kept),
        "you took the storey's own 1 - β; all storeys below multiply": _mixed(lambda betas, k: _padded(1 - betas)[k]),
        "you took one storey too many: k storeys are climbed, and for k = 0 none": _mixed(
            lambda betas, k: (1 - betas).cumprod(0)[k.clamp(max=len(betas) - 1)]
        ),
        "you took one storey too few: betas[k - 1] belongs to the k-th storey": _mixed(
            lambda betas, k: _padded((1 - betas).cumprod(0))[(k - 1).clamp(min=0)]
        ),
        "you summed the β; the factors 1 - β multiply": _mixed(
            lambda betas, k: (1 - _padded(betas.cumsum(0), 0.0)[k]).clamp(min=0)
        ),
        "you multiplied the β; the factors are 1 - β": _mixed(lambda betas, k: 1 - _padded(betas.cumprod(0), 0.0)[k]),
        "signal and noise are exchanged": _mixed(signal=lambda kept: (1 - kept).sqrt(), noise=lambda kept: kept.sqrt()),
        "the noise is missing": _mixed(noise=lambda kept: 0 * kept),
        "the noise has its full strength at every storey": _mixed(noise=lambda kept: torch.ones_like(kept)),
        "all examples have climbed as far as the first in yours; each has its own k": lambda x, betas, k, eps: noised(
            x, betas, k[:1].expand(len(k)), eps
        ),
        "the noise is subtracted; for one draw that is another x_k": lambda x, betas, k, eps: noised(x, betas, k, -eps),
    },
)


# 10.2 -----------------------------------------------------------------------------------------------------------------


def snr_after_three():
    kept = 0.9 * 0.7 * 0.5
    return kept / (1 - kept)


snr = Exercise(
    "10.2",
    "snr_after_three",
    reference=snr_after_three,
    tol=2e-3,
    mistakes={
        "that is ᾱ, the square of the signal's factor; divide it by that of the noise": lambda: 0.315,
        "that is the noise's variance; asked was the ratio": lambda: 0.685,
        "that is noise to signal: turn it round": lambda: 0.685 / 0.315,
        "that is α/σ; the ratio is of the squares": lambda: math.sqrt(0.315 / 0.685),
        "you took √ᾱ and 1 - √ᾱ; the factors are √ᾱ and √(1 - ᾱ), and their squares are asked": (
            lambda: math.sqrt(0.315) / (1 - math.sqrt(0.315))
        ),
        "that is its logarithm, λ": lambda: math.log(0.315 / 0.685),
        "that is the ratio after two storeys": lambda: 0.63 / 0.37,
        "that is the ratio of the last storey alone": lambda: 1.0,
        "that is the ratio after the first storey": lambda: 9.0,
        "you multiplied the β; the factors are 1 - β": lambda: (1 - 0.015) / 0.015,
        "you multiplied the three ratios, and so divided ᾱ by the product of the β; the noise's variance is 1 - ᾱ": (
            lambda: 0.315 / 0.015
        ),
        "you summed the β; the factors 1 - β multiply": lambda: 0.1 / 0.9,
        "you divided by the sum of the β; the early noise is shrunk by the later storeys": lambda: 0.315 / 0.9,
        "you took the mean of the three β, three times; the factors multiply each for itself": (lambda: 0.343 / 0.657),
    },
)


# 10.3 -----------------------------------------------------------------------------------------------------------------


def posterior(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
    a = alpha_t / alpha_s
    b2 = sigma_t**2 - a**2 * sigma_s**2
    variance = 1 / (1 / sigma_s**2 + a**2 / b2)
    return variance * (alpha_s * x / sigma_s**2 + a * x_t / b2), variance


def _two_times(g, B=4, D=3):
    """α and σ at s and t, the SNR falling, no α² + σ² = 1."""
    alpha_s, sigma_s = 0.5 + _unit(g, B, 1), 0.3 * _unit(g, B, 1) + 0.1
    alpha_t = alpha_s * _unit(g, B, 1)
    return _rand(g, B, D), _rand(g, B, D), alpha_s, sigma_s, alpha_t, sigma_s + _unit(g, B, 1)


def _preserving(g, B=3, D=2):
    phi = _unit(g, B, 1) * 0.7
    psi = phi + 0.1 + 0.6 * _unit(g, B, 1)
    return _rand(g, B, D), _rand(g, B, D), phi.cos(), phi.sin(), psi.cos(), psi.sin()


def _exploding(g, B=3, D=3):
    one, sigma = torch.ones(B, 1, dtype=torch.float64), 5 * _unit(g, B, 1)
    return 4 * _rand(g, B, D), _rand(g, B, D), one, sigma, one, 3 * sigma


def _posterior_by(mean=None, variance=None, b2_of=None):
    """A wrong answer by functions of (x_t, x, alpha_s, sigma_s, alpha_t, sigma_t, a, b2)."""
    b2_of = b2_of or (lambda sigma_s, sigma_t, a: sigma_t**2 - a**2 * sigma_s**2)

    def answer(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
        a = alpha_t / alpha_s
        b2 = b2_of(sigma_s, sigma_t, a)
        v = 1 / (1 / sigma_s**2 + a**2 / b2)
        everything = (x_t, x, alpha_s, sigma_s, alpha_t, sigma_t, a, b2)
        m = v * (alpha_s * x / sigma_s**2 + a * x_t / b2)
        return (mean(*everything) if mean else m), (variance(*everything) if variance else v)

    return answer


bayes = Exercise(
    "10.3",
    "posterior",
    reference=posterior,
    inputs=_two_times,
    gradients=True,
    edges={
        "α² + σ² = 1": _preserving(_seeded(3)),
        "α = 1, much noise": _exploding(_seeded(4)),
        "large numbers": (30 * _rand(_seeded(7), 4, 3), 30 * _rand(_seeded(8), 4, 3), *_two_times(_seeded(9))[2:]),
        "as many examples as numbers": _two_times(_seeded(5), 3, 3),
        "one example": _two_times(_seeded(6), 1, 2),
    },
    mistakes={
        "your variance is that of the way up, b²; what is known of x_s from below narrows it": _posterior_by(
            variance=lambda x_t, x, as_, ss, at, st, a, b2: b2
        ),
        "your variance is that of x_s given x alone; x_t tells something, too": _posterior_by(
            variance=lambda x_t, x, as_, ss, at, st, a, b2: ss**2
        ),
        "that is the standard deviation; asked was the variance": _posterior_by(
            variance=lambda x_t, x, as_, ss, at, st, a, b2: (ss**2 * b2 / st**2).sqrt()
        ),
        "you returned the precision; the variance is one over it": _posterior_by(
            variance=lambda x_t, x, as_, ss, at, st, a, b2: st**2 / (ss**2 * b2)
        ),
        "variances do not add here; precisions do": [
            _posterior_by(variance=lambda x_t, x, as_, ss, at, st, a, b2: ss**2 + b2),
            _posterior_by(
                lambda x_t, x, as_, ss, at, st, a, b2: (ss**2 + b2 / a**2) * (as_ * x / ss**2 + a * x_t / b2),
                lambda x_t, x, as_, ss, at, st, a, b2: ss**2 + b2 / a**2,
            ),
        ],
        "as a function of x_s the first factor has the precision a²/b², not 1/b²": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: (as_ * x / ss**2 + a * x_t / b2) / (1 / ss**2 + 1 / b2),
            lambda x_t, x, as_, ss, at, st, a, b2: 1 / (1 / ss**2 + 1 / b2),
        ),
        "the first factor's mean is x_t / a, with the precision a²/b²: together a x_t / b²; yours lacks the a": (
            _posterior_by(lambda x_t, x, as_, ss, at, st, a, b2: (as_ * x / ss**2 + x_t / b2) * (ss**2 * b2 / st**2))
        ),
        "in your mean α_s x is missing: the second factor is q(x_s | x)": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: a * x_t * ss**2 / st**2
        ),
        "in your mean x stands without α_s": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: (x / ss**2 + a * x_t / b2) * (ss**2 * b2 / st**2)
        ),
        "your mean is that of q(x_s | x): x_t does not count": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: as_ * x
        ),
        "your mean keeps all of the noise that x_t has; only the part that goes with x_s is kept": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: as_ * x + ss / st * (x_t - at * x)
        ),
        "your mean is the plain mean of the two; precisions weigh them": _posterior_by(
            lambda x_t, x, as_, ss, at, st, a, b2: (as_ * x + x_t / a) / 2
        ),
        "b² is σ_t² - a² σ_s²; you left a² out": _posterior_by(b2_of=lambda ss, st, a: st**2 - ss**2),
        "b² is σ_t² - a² σ_s²; you took 1 - a², which asks for α² + σ² = 1 and for s = 0": _posterior_by(
            b2_of=lambda ss, st, a: 1 - a**2
        ),
        "a is α_t / α_s; you turned it round": lambda x_t, x, as_, ss, at, st: _turned_round(x_t, x, as_, ss, at, st),
        "the two are exchanged: first the mean": lambda *six: posterior(*six)[::-1],
    },
)


def _turned_round(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
    a = alpha_s / alpha_t
    b2 = sigma_t**2 - a**2 * sigma_s**2
    variance = 1 / (1 / sigma_s**2 + a**2 / b2)
    return variance * (alpha_s * x / sigma_s**2 + a * x_t / b2), variance


# 10.4 -----------------------------------------------------------------------------------------------------------------


def bound_terms(x, alpha, sigma, errors):
    D, variance = len(x), sigma[-1] ** 2
    prior = 0.5 * (D * variance + (alpha[-1] * x).square().sum() - D - D * variance.log())
    snr = (alpha / sigma) ** 2
    diffusion = 0.5 * ((snr[:-1] - snr[1:]) * errors).sum()
    return prior, diffusion, D / 2 * (2 * math.pi * math.e * (sigma[0] / alpha[0]) ** 2).log()


def _storeys(g, D=4, T=5):
    alpha = 0.4 + _unit(g, T + 1).sort(descending=True).values
    sigma = 1.5 * _unit(g, T + 1).sort().values
    return 2 * _rand(g, D), alpha, sigma, 3 * _unit(g, T)


def _terms_by(prior=None, diffusion=None, reconstruction=None):
    """A wrong answer by functions of (x, alpha, sigma, errors, snr)."""

    def answer(x, alpha, sigma, errors):
        snr = (alpha / sigma) ** 2
        made = list(bound_terms(x, alpha, sigma, errors))
        for i, part in enumerate((prior, diffusion, reconstruction)):
            if part is not None:
                made[i] = part(x, alpha, sigma, errors, snr)
        return tuple(made)

    return answer


def _prior_with(logs=1.0, squares=1.0, ones=1.0):
    def part(x, alpha, sigma, errors, snr):
        D, v = len(x), sigma[-1] ** 2
        return 0.5 * (D * v + squares * (alpha[-1] * x).square().sum() - ones * D - logs * D * v.log())

    return part


three_terms = Exercise(
    "10.4",
    "bound_terms",
    reference=bound_terms,
    inputs=_storeys,
    gradients=True,
    edges={
        "one storey": _storeys(_seeded(3), 3, 1),
        "one number": _storeys(_seeded(4), 1, 4),
        "as many numbers as storeys": _storeys(_seeded(5), 4, 4),
        "x is 0": (torch.zeros(3, dtype=torch.float64), *_storeys(_seeded(6), 3)[1:]),
        "much of x is left at the top": (20 * _rand(_seeded(8), 3), *_storeys(_seeded(9), 3)[1:]),
        "little noise, at the top as well": (
            _rand(_seeded(10), 2),
            _double(1.0, 0.9, 0.8),
            _double(1e-3, 2e-3, 5e-3),
            _double(1e-6, 1e-5),
        ),
        "hardly any noise at first": (
            _rand(_seeded(7), 3),
            _double(1.0, 0.8, 0.1),
            _double(1e-3, 0.6, 0.99),
            _double(1e-6, 1.2),
        ),
    },
    mistakes={
        "in the diffusion term the ½ is missing": _terms_by(
            diffusion=lambda x, a, s, e, r: ((r[:-1] - r[1:]) * e).sum()
        ),
        "the diffusion term weighs by the difference of the SNR; you weighed all storeys alike": [
            _terms_by(diffusion=lambda x, a, s, e, r: 0.5 * e.sum()),
            _terms_by(diffusion=lambda x, a, s, e, r: e.sum()),
        ],
        "the diffusion term is a sum over the storeys; you took their mean": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * ((r[:-1] - r[1:]) * e).mean()
        ),
        "the SNR falls: SNR_s - SNR_t is the lower storey's minus the upper one's": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * ((r[1:] - r[:-1]) * e).sum()
        ),
        "the weights are differences of the SNR; you took those of its logarithm": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * ((r[:-1].log() - r[1:].log()) * e).sum()
        ),
        "the SNR is α²/σ²; you took α/σ": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * ((r[:-1].sqrt() - r[1:].sqrt()) * e).sum()
        ),
        "each storey pays the difference of two SNR; you took the upper one's alone": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * (r[1:] * e).sum()
        ),
        "each storey pays the difference of two SNR; you took the lower one's alone": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * (r[:-1] * e).sum()
        ),
        "the errors are squared already": _terms_by(
            diffusion=lambda x, a, s, e, r: 0.5 * ((r[:-1] - r[1:]) * e**2).sum()
        ),
        "in the prior term the logarithm of the variance is missing": _terms_by(_prior_with(logs=0.0)),
        "in the prior term the logarithm of the variance has the wrong sign": _terms_by(_prior_with(logs=-1.0)),
        "in the prior term you took the logarithm of σ for that of σ²": _terms_by(_prior_with(logs=0.5)),
        "in the prior term what is left of x is missing, ‖α_T x‖²": _terms_by(_prior_with(squares=0.0)),
        "in the prior term the -D is missing: the KL of equal Gaussians is 0": _terms_by(_prior_with(ones=0.0)),
        "in the prior term the ½ is missing": _terms_by(lambda *five: 2 * _prior_with()(*five)),
        "in the prior term D counts: each number has a variance of its own; you counted one": _terms_by(
            lambda x, a, s, e, r: 0.5 * (s[-1] ** 2 + (a[-1] * x).square().sum() - 1 - (s[-1] ** 2).log())
        ),
        "the prior term is a sum over the numbers of x; you took their mean": _terms_by(
            lambda *five: _prior_with()(*five) / len(five[0])
        ),
        "the prior term is that of the top, storey T; you took storey 0": _terms_by(
            lambda x, a, s, e, r: _prior_with()(x, a[:1], s[:1], e, r)
        ),
        "in the prior term x is shrunk by α_T; yours is not": _terms_by(
            lambda x, a, s, e, r: _prior_with()(x, torch.ones_like(a), s, e, r)
        ),
        "in the reconstruction the Gaussian's log 2π is missing": _terms_by(
            reconstruction=lambda x, a, s, e, r: len(x) / 2 * (math.e / r[0]).log()
        ),
        "in the reconstruction the mean of ε²/2 is missing: ½ for each number": _terms_by(
            reconstruction=lambda x, a, s, e, r: len(x) / 2 * (2 * math.pi / r[0]).log()
        ),
        "the reconstruction is one for each number of x; you counted one": _terms_by(
            reconstruction=lambda x, a, s, e, r: 0.5 * (2 * math.pi * math.e / r[0]).log()
        ),
        "the sign of the reconstruction is flipped: the terms are those of the negative ELBO": _terms_by(
            reconstruction=lambda x, a, s, e, r: -len(x) / 2 * (2 * math.pi * math.e / r[0]).log()
        ),
        "the reconstruction's variance is (σ_0/α_0)²; you took σ_0²": _terms_by(
            reconstruction=lambda x, a, s, e, r: len(x) / 2 * (2 * math.pi * math.e * s[0] ** 2).log()
        ),
        "the reconstruction's variance is (σ_0/α_0)²; you took the deviation": _terms_by(
            reconstruction=lambda x, a, s, e, r: len(x) / 2 * (2 * math.pi * math.e * s[0] / a[0]).log()
        ),
        "that is the ELBO, with its sign; asked were the terms of the negative one": (
            lambda *four: tuple(-term for term in bound_terms(*four))
        ),
        "these are bits; asked were nats": lambda *four: tuple(term / math.log(2) for term in bound_terms(*four)),
    },
)


# 10.5 -----------------------------------------------------------------------------------------------------------------


def from_v(x_t, v, alpha, sigma):
    x, eps = alpha * x_t - sigma * v, sigma * x_t + alpha * v
    return x, eps, -eps / sigma


def _angles(g, B=4, D=3):
    phi = math.pi / 2 * _unit(g, B, 1)
    return _rand(g, B, D), _rand(g, B, D), phi.cos(), phi.sin()


def _names_by(x=None, eps=None, score=None):
    """A wrong answer by functions of (x_t, v, alpha, sigma); the score follows the noise, if it is not told."""

    def answer(x_t, v, alpha, sigma):
        guess, noise, slope = from_v(x_t, v, alpha, sigma)
        guess = x(x_t, v, alpha, sigma) if x else guess
        noise = eps(x_t, v, alpha, sigma) if eps else noise
        slope = score(x_t, v, alpha, sigma) if score else -noise / sigma
        return guess, noise, slope

    return answer


_eps_of = lambda x_t, v, alpha, sigma: sigma * x_t + alpha * v  # noqa: E731

conversions = Exercise(
    "10.5",
    "from_v",
    reference=from_v,
    inputs=_angles,
    gradients=True,
    edges={
        "α is 0": (_rand(_seeded(3), 2, 3), _rand(_seeded(4), 2, 3), *(_double([v], [v]) for v in (0.0, 1.0))),
        "hardly any noise": (
            _rand(_seeded(5), 2, 2),
            _rand(_seeded(6), 2, 2),
            *(_double([v], [v]) for v in (math.cos(1e-3), math.sin(1e-3))),
        ),
        "as many examples as numbers": _angles(_seeded(7), 3, 3),
        "large numbers": (30 * _rand(_seeded(8), 4, 3), 30 * _rand(_seeded(9), 4, 3), *_angles(_seeded(10))[2:]),
    },
    mistakes={
        "in x̂ the sign of v is flipped": _names_by(x=lambda x_t, v, a, s: a * x_t + s * v),
        "in ε̂ the sign of v is flipped": _names_by(eps=lambda x_t, v, a, s: s * x_t - a * v),
        "in both x̂ and ε̂ the sign of v is flipped": _names_by(
            lambda x_t, v, a, s: a * x_t + s * v, lambda x_t, v, a, s: s * x_t - a * v
        ),
        "in x̂ α and σ are exchanged": _names_by(x=lambda x_t, v, a, s: s * x_t - a * v),
        "in ε̂ α and σ are exchanged": _names_by(eps=lambda x_t, v, a, s: a * x_t + s * v),
        "x̂ and ε̂ are exchanged": lambda *four: (*from_v(*four)[1::-1], from_v(*four)[2]),
        "the score has the wrong sign: it points away from the noise": _names_by(score=lambda *f: _eps_of(*f) / f[3]),
        "the score is -ε̂/σ; you divided by σ²": _names_by(score=lambda *f: -_eps_of(*f) / f[3] ** 2),
        "the score is -ε̂/σ; you multiplied by σ": _names_by(score=lambda *f: -_eps_of(*f) * f[3]),
        "the score is -ε̂/σ; the division by σ is missing": _names_by(score=lambda *f: -_eps_of(*f)),
        "you took v for the noise: v = α ε̂ - σ x̂": _names_by(
            lambda x_t, v, a, s: (x_t - s * v) / a, lambda x_t, v, a, s: v
        ),
        "you took v for the picture: v = α ε̂ - σ x̂": _names_by(
            lambda x_t, v, a, s: v, lambda x_t, v, a, s: (x_t - a * v) / s
        ),
        "where α is 0 you divide 0 by 0: x̂ = α x_t - σ v̂ needs no division": _names_by(
            x=lambda x_t, v, a, s: (x_t - s * (s * x_t + a * v)) / a
        ),
    },
)


# 10.6 -----------------------------------------------------------------------------------------------------------------


def mixture_score(x_t, means, scales, weights, alpha, sigma):
    variances = alpha**2 * scales**2 + sigma**2
    away = x_t[:, None] - alpha * means
    log_r = weights.log() - away.square().sum(2) / (2 * variances) - means.shape[1] / 2 * variances.log()
    return -(log_r.softmax(1)[..., None] * away / variances[:, None]).sum(1)


def _mixture(g, B=5, K=3, D=2, alpha=0.7, sigma=0.6, far=1.0):
    weights = _unit(g, K)
    return far * _rand(g, B, D), 2 * _rand(g, K, D), 0.2 + _unit(g, K), weights / weights.sum(), alpha, sigma


def _score_by(variances=None, log_r=None, away=None, of=None):
    """A wrong answer: other variances (scales, alpha, sigma), logits, differences, or another mean."""
    variances = variances or (lambda scales, alpha, sigma: alpha**2 * scales**2 + sigma**2)
    away = away or (lambda x_t, means, alpha: x_t[:, None] - alpha * means)
    log_r = log_r or (lambda w, d, v, D: w.log() - d / (2 * v) - D / 2 * v.log())
    of = of or (lambda r, apart, v: -(r[..., None] * apart / v[:, None]).sum(1))

    def answer(x_t, means, scales, weights, alpha, sigma):
        v, apart = variances(scales, alpha, sigma), away(x_t, means, alpha)
        logits = log_r(weights, apart.square().sum(2), v, means.shape[1])
        return of(logits.softmax(1), apart, v)

    return answer


def _by_densities(x_t, means, scales, weights, alpha, sigma):
    """exp before the division: 0/0 far away."""
    v = alpha**2 * scales**2 + sigma**2
    away = x_t[:, None] - alpha * means
    density = weights * (-away.square().sum(2) / (2 * v)).exp() / v ** (means.shape[1] / 2)
    return -(density[..., None] * away / v[:, None]).sum(1) / density.sum(1)[:, None]


mixed = Exercise(
    "10.6",
    "mixture_score",
    reference=mixture_score,
    inputs=_mixture,
    edges={
        "far away from all means": _mixture(_seeded(3), far=200.0),
        "one Gaussian": _mixture(_seeded(4), 3, 1, 3),
        "points: all scales are 0": (
            *_mixture(_seeded(5))[:2],
            torch.zeros(3, dtype=torch.float64),
            *_mixture(_seeded(5))[3:],
        ),
        "as many examples as Gaussians and numbers": _mixture(_seeded(6), 3, 3, 3),
        "α = 1, much noise": _mixture(_seeded(7), alpha=1.0, sigma=4.0),
        "hardly any noise": (
            1e-3 * _rand(_seeded(9), 4, 2),
            _double([0.0, 0.0], [2e-3, 0.0], [0.0, -1e-3]),
            _double(0.0, 1e-3, 3e-3),
            _double(0.3, 0.3, 0.4),
            1.0,
            1e-3,
        ),
        "a Gaussian that is hardly ever chosen": (
            _double([3.0], [2.2]),
            _double([0.0], [3.0]),
            _double(0.5, 0.4),
            _double(1 - 1e-9, 1e-9),
            1.0,
            0.1,
        ),
        "one number": _mixture(_seeded(8), 4, 2, 1),
    },
    mistakes={
        "the sign is flipped: the score points towards the means": lambda *six: -mixture_score(*six),
        "the means shrink with x: yours lie where they were, without α": _score_by(
            away=lambda x_t, means, alpha: x_t[:, None] - means
        ),
        "the data's scale shrinks with x, by α: the variance is α² s² + σ²": _score_by(
            lambda scales, alpha, sigma: scales**2 + sigma**2
        ),
        "the variance is α² s² + σ²; you took α for α²": _score_by(
            lambda scales, alpha, sigma: alpha * scales**2 + sigma**2
        ),
        "the variance is α² s² + σ²; the data's own is missing": _score_by(
            lambda scales, alpha, sigma: sigma**2 + 0 * scales
        ),
        "variances add, not deviations: yours is (α s + σ)²": _score_by(
            lambda scales, alpha, sigma: (alpha * scales + sigma) ** 2
        ),
        "you took the deviation for the variance": _score_by(
            lambda scales, alpha, sigma: (alpha**2 * scales**2 + sigma**2).sqrt()
        ),
        "the weights do not count in yours": _score_by(log_r=lambda w, d, v, D: -d / (2 * v) - D / 2 * v.log()),
        "your Gaussians lack their constants, (2π v)^(-D/2): wide ones count too much": _score_by(
            log_r=lambda w, d, v, D: w.log() - d / (2 * v)
        ),
        "the constant of a Gaussian has the power D/2: each dimension brings one": _score_by(
            log_r=lambda w, d, v, D: w.log() - d / (2 * v) - v.log() / 2
        ),
        "the ½ in the exponent is missing": _score_by(log_r=lambda w, d, v, D: w.log() - d / v - D / 2 * v.log()),
        "the score of each Gaussian is divided by its variance; yours is not": _score_by(
            of=lambda r, apart, v: -(r[..., None] * apart).sum(1)
        ),
        "you weighed the Gaussians by π alone; near a mean its Gaussian counts more": (
            lambda x_t, means, scales, weights, alpha, sigma: (
                -((weights / (alpha**2 * scales**2 + sigma**2))[:, None] * (x_t[:, None] - alpha * means)).sum(1)
            )
        ),
        "you took the nearest Gaussian alone": _score_by(
            of=lambda r, apart, v: -(apart / v[:, None])[torch.arange(len(r)), r.argmax(1)]
        ),
        "far away all densities are 0, and 0/0 is no number: stay with logarithms, and softmax": _by_densities,
        "you averaged over the Gaussians; their shares r sum to 1 already": (
            lambda *six: mixture_score(*six) / len(six[1])
        ),
    },
)


# 10.7 -----------------------------------------------------------------------------------------------------------------


def langevin_step(score, x, epsilon, noise):
    return x + epsilon * score(x) + (2 * epsilon) ** 0.5 * noise


def _walk(g, B=4, D=3, epsilon=0.07):
    return Velocity(_rand(g, D, D)), _rand(g, B, D), epsilon, _rand(g, B, D)


def _stepping(climb=None, shake=None):
    climb, shake = climb or (lambda e: e), shake or (lambda e: (2 * e) ** 0.5)
    return lambda score, x, epsilon, noise: x + climb(epsilon) * score(x) + shake(epsilon) * noise


shaken = Exercise(
    "10.7",
    "langevin_step",
    reference=langevin_step,
    inputs=_walk,
    edges={
        "a large step": _walk(_seeded(3), epsilon=3.0),
        "a tiny step": _walk(_seeded(4), epsilon=1e-6),
        "no step": _walk(_seeded(5), epsilon=0.0),
        "one walker": _walk(_seeded(6), 1, 2),
    },
    mistakes={
        "the noise's factor is √(2ε); yours is √ε": _stepping(shake=lambda e: e**0.5),
        "the noise's factor is √(2ε); the root is missing": _stepping(shake=lambda e: 2 * e),
        "the noise's factor is √(2ε); yours is 2√ε": _stepping(shake=lambda e: 2 * e**0.5),
        "the noise's factor is √(2ε); yours is √(ε/2)": _stepping(shake=lambda e: (e / 2) ** 0.5),
        "the noise's factor is √(2ε); you took ε": _stepping(shake=lambda e: e),
        "the noise is missing: that climbs to a mode and stays": _stepping(shake=lambda e: 0.0),
        "the climb has the factor ε; yours is ε/2, which goes with noise of √ε": [
            _stepping(lambda e: e / 2, lambda e: e**0.5),
            _stepping(lambda e: e / 2),
        ],
        "the climb has the factor ε; yours is 2ε": _stepping(lambda e: 2 * e),
        "the climb's factor ε is missing": _stepping(lambda e: 1.0),
        "you go down: the score is added": _stepping(lambda e: -e),
        "you returned the step; x is to be added": lambda s, x, e, n: langevin_step(s, x, e, n) - x,
        "the score is to be taken at x, before the shaking": lambda s, x, e, n: (
            x + (2 * e) ** 0.5 * n + e * s(x + (2 * e) ** 0.5 * n)
        ),
    },
)


# 10.8 -----------------------------------------------------------------------------------------------------------------


def divergence(velocity, x, signs):
    x = x.detach().requires_grad_()
    v, total = velocity(x), 0
    for e in signs:
        (row,) = torch.autograd.grad((v * e).sum(), x, retain_graph=True)
        total = total + (row * e).sum(1)
    return total / len(signs)


def _directions(g, B=4, D=3, n=2):
    signs = torch.randint(2, (n, B, D), generator=g).double() * 2 - 1
    return Velocity(_rand(g, D, D)), _rand(g, B, D), signs


def _traced(of=None, total=None):
    """A wrong answer: another number of (row, e), or another mean over the directions."""
    of, total = of or (lambda row, e: (row * e).sum(1)), total or (lambda each: each.mean(0))

    def answer(velocity, x, signs):
        x = x.detach().requires_grad_()
        v, each = velocity(x), []
        for e in signs:
            (row,) = torch.autograd.grad((v * e).sum(), x, retain_graph=True)
            each.append(of(row, e))
        return total(torch.stack(each))

    return answer


def _whole_trace(velocity, x, signs):
    J = torch.stack([torch.autograd.functional.jacobian(lambda u: velocity(u[None])[0], each) for each in x])
    return J.diagonal(dim1=1, dim2=2).sum(1)


def _without_directions(velocity, x, signs):
    x = x.detach().requires_grad_()
    (rows,) = torch.autograd.grad(velocity(x).sum(), x)
    return rows.sum(1)


traced = Exercise(
    "10.8",
    "divergence",
    reference=divergence,
    inputs=_directions,
    edges={
        "one direction": _directions(_seeded(3), n=1),
        "as many directions as examples and numbers": _directions(_seeded(4), 3, 3, 3),
        "directions that are Gaussian": (*_directions(_seeded(5))[:2], _rand(_seeded(6), 3, 4, 3)),
        "one example": _directions(_seeded(7), 1, 4, 3),
        "one number": _directions(_seeded(8), 3, 1, 2),
        "large numbers": (Velocity(9 * _rand(_seeded(9), 3, 3)), *_directions(_seeded(10))[1:]),
    },
    mistakes={
        "you summed over the directions; asked was their mean": _traced(total=lambda each: each.sum(0)),
        "only the first direction counts in yours": lambda velocity, x, signs: divergence(velocity, x, signs[:1]),
        "you took the mean over the numbers of x; eᵀ J e is a sum": _traced(lambda row, e: (row * e).mean(1)),
        "that is eᵀ J summed: e has to be multiplied on both sides": _traced(lambda row, e: row.sum(1)),
        "that is the sum of all entries of J; the directions do not count": _without_directions,
        "that is the trace itself, by a whole Jacobian; asked was the estimate along these directions": _whole_trace,
        "you summed over the batch: each example has a trace of its own": _traced(
            lambda row, e: (row * e).sum().expand(len(row))
        ),
        "the sign is flipped": lambda *three: -divergence(*three),
        "you squared: that is ‖eᵀJ‖², and its mean is the sum of all squared entries": _traced(
            lambda row, e: row.square().sum(1)
        ),
        "that is eᵀ v, without any derivative": lambda velocity, x, signs: (velocity(x) * signs).sum(2).mean(0),
    },
)


# 10.9 -----------------------------------------------------------------------------------------------------------------


def ddim_step(x_t, eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    fresh = eta**2 * sigma_s**2 * (1 - (alpha_t * sigma_s / (alpha_s * sigma_t)) ** 2)
    guess = (x_t - sigma_t * eps) / alpha_t
    return alpha_s * guess + (sigma_s**2 - fresh) ** 0.5 * eps + fresh**0.5 * noise


def _down(g, B=4, D=3, eta=0.6):
    alpha_s, sigma_s = (0.6 + 0.4 * torch.rand(2, generator=g, dtype=torch.float64)).tolist()
    return (*(_rand(g, B, D) for _ in range(3)), 0.5 * alpha_s, sigma_s + 0.5, alpha_s, 0.7 * sigma_s, eta)


def _falling(g, eta):
    """α² + σ² = 1, as tensors."""
    phi, psi = _double(0.4, 0.9)
    return (*(_rand(g, 3, 2) for _ in range(3)), psi.cos(), psi.sin(), phi.cos(), phi.sin(), eta)


def _last(g, eta):
    return (*(_rand(g, 3, 2) for _ in range(3)), 0.9, 0.3, 1.0, 0.0, eta)


def _ddim_by(fresh=None, old=None, new=None, guess=None):
    """A wrong answer: another fresh variance (η, α_t, σ_t, α_s, σ_s), other factors of (σ_s, fresh), another guess."""
    fresh = fresh or (lambda eta, at, st, as_, ss: eta**2 * ss**2 * (1 - (at * ss / (as_ * st)) ** 2))
    old = old or (lambda ss, f: (ss**2 - f) ** 0.5)
    new = new or (lambda ss, f: f**0.5)
    guess = guess or (lambda x_t, eps, at, st: (x_t - st * eps) / at)

    def answer(x_t, eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
        alpha_t, sigma_t, alpha_s, sigma_s, eta = (
            torch.as_tensor(v, dtype=torch.float64) for v in (alpha_t, sigma_t, alpha_s, sigma_s, eta)
        )
        f = fresh(eta, alpha_t, sigma_t, alpha_s, sigma_s)
        return alpha_s * guess(x_t, eps, alpha_t, sigma_t) + old(sigma_s, f) * eps + new(sigma_s, f) * noise

    return answer


stepped = Exercise(
    "10.9",
    "ddim_step",
    reference=ddim_step,
    inputs=_down,
    edges={
        "η = 0": _down(_seeded(3), eta=0.0),
        "η = 1": _down(_seeded(4), eta=1.0),
        "α² + σ² = 1, tensors": _falling(_seeded(5), 0.3),
        "the last step, σ_s = 0": _last(_seeded(6), 0.0),
        "the last step, with η = 1": _last(_seeded(7), 1.0),
        "α = 1": (*(_rand(_seeded(8), 2, 2) for _ in range(3)), 1.0, 5.0, 1.0, 2.0, 0.5),
    },
    mistakes={
        "the fresh variance is η² σ̃²; you took η σ̃²": _ddim_by(
            lambda eta, at, st, as_, ss: eta * ss**2 * (1 - (at * ss / (as_ * st)) ** 2)
        ),
        "your fresh noise has the variance of the way up, b²; it is σ̃², which x̂ narrows": _ddim_by(
            lambda eta, at, st, as_, ss: eta**2 * (st**2 - (at / as_) ** 2 * ss**2),
            lambda ss, f: (ss**2 - f).clamp(min=0) ** 0.5,
        ),
        "your fresh noise is made of σ_t alone, and the clamp hides that it is too much": _ddim_by(
            lambda eta, at, st, as_, ss: eta**2 * st**2, lambda ss, f: (ss**2 - f).clamp(min=0) ** 0.5
        ),
        "your fresh variance is a share η² of all of σ_s²; only σ̃² may be fresh": _ddim_by(
            lambda eta, at, st, as_, ss: eta**2 * ss**2
        ),
        "the old noise must make room for the fresh one: √(σ_s² - η²σ̃²)": _ddim_by(old=lambda ss, f: ss),
        "variances make room, not deviations: √(σ_s² - f), not σ_s - √f": _ddim_by(old=lambda ss, f: ss - f**0.5),
        "the fresh noise is missing": _ddim_by(new=lambda ss, f: 0.0),
        "the fresh noise has the factor √f; you took the variance": _ddim_by(new=lambda ss, f: f),
        "η does not count in yours: that is DDIM, η = 0": _ddim_by(lambda eta, at, st, as_, ss: 0 * ss),
        "η does not count in yours: that is ancestral sampling, η = 1": _ddim_by(
            lambda eta, at, st, as_, ss: ss**2 * (1 - (at * ss / (as_ * st)) ** 2)
        ),
        "in σ̃² α is missing: it is σ_s² (1 - SNR_t / SNR_s)": _ddim_by(
            lambda eta, at, st, as_, ss: eta**2 * ss**2 * (1 - (ss / st) ** 2)
        ),
        "in σ̃² the ratio is to be squared": _ddim_by(
            lambda eta, at, st, as_, ss: eta**2 * ss**2 * (1 - at * ss / (as_ * st))
        ),
        "your guess of x is not divided by α_t": _ddim_by(guess=lambda x_t, eps, at, st: x_t - st * eps),
        "your guess of x lacks σ_t before ε̂": _ddim_by(guess=lambda x_t, eps, at, st: (x_t - eps) / at),
        "in your guess of x the noise is added; it is to be taken away": _ddim_by(
            guess=lambda x_t, eps, at, st: (x_t + st * eps) / at
        ),
        "you put the guess where x_s starts from without α_s": lambda x_t, e, n, at, st, as_, ss, eta: (
            ddim_step(x_t, e, n, at, st, as_, ss, eta) + (1 - as_) * (x_t - st * e) / at
        ),
        "old and fresh noise are exchanged": lambda x_t, e, n, at, st, as_, ss, eta: (
            ddim_step(x_t, e, n, at, st, as_, ss, eta) + _swapped(e, n, at, st, as_, ss, eta)
        ),
    },
)


def _swapped(eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    fresh = eta**2 * sigma_s**2 * (1 - (alpha_t * sigma_s / (alpha_s * sigma_t)) ** 2)
    return ((sigma_s**2 - fresh) ** 0.5 - fresh**0.5) * (noise - eps)


# 10.10 ----------------------------------------------------------------------------------------------------------------


def guided(denoise, x_t, y, w):
    without = denoise(x_t, None)
    return without + w[:, None] * (denoise(x_t, y) - without)


def _asked(g, B=5, D=3, K=4, w=None):
    denoise = LabelledDenoiser(_rand(g, D, D), _rand(g, K, D))
    y = torch.randint(K, (B,), generator=g)
    return denoise, _rand(g, B, D), y, 4 * _unit(g, B) if w is None else torch.full((B,), w, dtype=torch.float64)


def _guided_by(of):
    """A wrong answer by a function of (with the label, without it, w)."""
    return lambda denoise, x_t, y, w: of(denoise(x_t, y), denoise(x_t, None), w[:, None])


guidance = Exercise(
    "10.10",
    "guided",
    reference=guided,
    inputs=_asked,
    edges={
        "w = 0": _asked(_seeded(3), w=0.0),
        "w = 1": _asked(_seeded(4), w=1.0),
        "w below 0": _asked(_seeded(5), w=-1.5),
        "as many examples as numbers": _asked(_seeded(6), 3, 3),
        "one example": _asked(_seeded(7), 1, 2),
    },
    mistakes={
        "your w counts from the conditional model: at w = 1 it is past it already": _guided_by(
            lambda given, without, w: (1 + w) * given - w * without
        ),
        "your w is one too small: at w = 1 yours is the unconditional model": _guided_by(
            lambda given, without, w: without + (w - 1) * (given - without)
        ),
        "with and without the label are exchanged": _guided_by(lambda given, without, w: given + w * (without - given)),
        "the difference has the wrong sign: w > 0 leads away from the label": _guided_by(
            lambda given, without, w: without - w * (given - without)
        ),
        "that is the difference alone; the guess without the label is to be added": _guided_by(
            lambda given, without, w: w * (given - without)
        ),
        "you did not subtract the guess without the label": _guided_by(lambda given, without, w: without + w * given),
        "w does not count in yours: that is the conditional model": _guided_by(lambda given, without, w: given),
        "w does not count in yours: that is the model without the label": _guided_by(lambda given, without, w: without),
        "each example has a weight of its own; you took the first for all": _guided_by(
            lambda given, without, w: without + w[:1] * (given - without)
        ),
        "you took the mean of the weights; each example has its own": _guided_by(
            lambda given, without, w: without + w.mean() * (given - without)
        ),
        "you held w within 0 and 1; more than 1 exaggerates, which is the point": _guided_by(
            lambda given, without, w: without + w.clamp(0, 1) * (given - without)
        ),
    },
)


# 10.11 ----------------------------------------------------------------------------------------------------------------


def diffusion_bugs():
    return {"A": True, "B": False, "C": True, "D": True, "E": False, "F": True}


bugs = Exercise(
    "10.11",
    "diffusion_bugs",
    reference=diffusion_bugs,
    observe=judged(diffusion_bugs()),
    mistakes=misjudged(
        diffusion_bugs(),
        {
            "A": "a bug: near t = 0 the fresh noise is more than x_s may hold; the clamp hides the negative root",
            "B": "no bug: β and the posterior's variance are both legal, and with small steps nearly the same",
            "C": "a bug: ᾱ is 1 at first, so λ is infinite there, and so is the first weight; start a little later",
            "D": "a bug: axis 0 is the batch; that makes (2B, K), features of one example in the rows of another",
            "E": "no bug: it counts from the conditional model, w = 0; the same dial as ours, shifted by 1",
            "F": "a bug: no frequency is above 1, so the fastest makes a sixth of a turn; they are for t = 0 … 1000",
        },
    ),
)


# 10.12 ----------------------------------------------------------------------------------------------------------------


def sampling_bugs():
    return {"A": True, "B": True, "C": False, "D": True, "E": True, "F": False}


more_bugs = Exercise(
    "10.12",
    "sampling_bugs",
    reference=sampling_bugs,
    observe=judged(sampling_bugs()),
    mistakes=misjudged(
        sampling_bugs(),
        {
            "A": "a bug: the root of η times the variance has √η; a share η of the deviation has η² in the variance",
            "B": "a bug: the noise's factor is √(2ε); with √ε the samples have about half of the variance",
            "C": "no bug: σ s + ε is σ (s + ε/σ), so its square is the loss weighted by σ²; nothing is missing",
            "D": "a bug: a level is 1 of 255 and 2/255 of the scaled axis, so log₂ 127.5 ≈ 7 bits a pixel are missing",
            "E": "a bug: at σ = 80 the data are noise of deviation 80; this is 80 times too small",
            "F": "no bug: the averaged weights sample; the loss of the others is only a measure of the training",
        },
    ),
)


EXERCISES = (
    marginal, snr, bayes, three_terms, conversions, mixed, shaken, traced, stepped, guidance, bugs, more_bugs,
)  # fmt: skip
