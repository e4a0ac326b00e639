"""Right answers to the exercises of lecture 10, otherwise written: each is accepted, or told one true thing."""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence


def noised_in_a_loop(x, betas, k, eps):
    rows = []
    for each, storey, noise in zip(x, k.tolist(), eps, strict=True):
        kept = 1.0
        for beta in betas[:storey].tolist():
            kept *= 1 - beta
        rows.append(math.sqrt(kept) * each + math.sqrt(1 - kept) * noise)
    return torch.stack(rows)


def noised_in_numpy(x, betas, k, eps):
    kept = np.concatenate([[1.0], np.cumprod(1 - betas.numpy())])[k.numpy()][:, None]
    return torch.from_numpy(np.sqrt(kept) * x.numpy() + np.sqrt(1 - kept) * eps.numpy())


def noised_by_where(x, betas, k, eps):
    """Storeys that are not climbed keep all."""
    factors = torch.where(torch.arange(len(betas)) < k[:, None], 1 - betas, 1.0)
    kept = factors.prod(1, keepdim=True)
    return torch.sqrt(kept) * x + torch.sqrt(1 - kept) * eps


def noised_by_variance(x, betas, k, eps):
    """Signal and variance, storey by storey."""
    signal, variance = [torch.ones(())], [torch.zeros(())]
    for beta in betas:
        signal.append(signal[-1] * (1 - beta).sqrt())
        variance.append(variance[-1] * (1 - beta) + beta)
    signal, variance = torch.stack(signal).to(x), torch.stack(variance).to(x)
    return signal[k].unsqueeze(1) * x + variance[k].unsqueeze(1).sqrt() * eps


def posterior_tidy(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
    a = alpha_t / alpha_s
    variance = sigma_s**2 * (sigma_t**2 - a**2 * sigma_s**2) / sigma_t**2
    return alpha_s * x + a * sigma_s**2 / sigma_t**2 * (x_t - alpha_t * x), variance


def posterior_by_conditioning(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
    """x_s and x_t are jointly Gaussian: mean + covariance / variance · (x_t - its mean)."""
    covariance = (alpha_t / alpha_s) * sigma_s**2
    gain = covariance / sigma_t**2
    return alpha_s * x + gain * (x_t - alpha_t * x), sigma_s**2 - gain * covariance


def posterior_by_precisions(x_t, x, alpha_s, sigma_s, alpha_t, sigma_t):
    a = alpha_t / alpha_s
    of_x, of_x_t = 1 / sigma_s.square(), a.square() / (sigma_t.square() - (a * sigma_s).square())
    return [(of_x * alpha_s * x + of_x_t * x_t / a) / (of_x + of_x_t), (of_x + of_x_t).reciprocal()]


def posterior_in_a_loop(x_t, x, *four):
    rows = [posterior_tidy(x_t[i], x[i], *(v[i] for v in four)) for i in range(len(x))]
    return torch.stack([m for m, _ in rows]), torch.stack([v for _, v in rows])


def terms_by_distributions(x, alpha, sigma, errors):
    prior = kl_divergence(Normal(alpha[-1] * x, sigma[-1].expand(len(x))), Normal(0.0, 1.0)).sum()
    weights = -(alpha.square() / sigma.square()).diff() / 2
    return prior, weights @ errors, len(x) * Normal(0.0, sigma[0] / alpha[0]).entropy()


def terms_in_a_loop(x, alpha, sigma, errors):
    prior = sum(0.5 * (sigma[-1] ** 2 + (alpha[-1] * each) ** 2 - 1) - sigma[-1].log() for each in x)
    diffusion = 0.0
    for k in range(1, len(alpha)):
        below, above = ((alpha[j] / sigma[j]) ** 2 for j in (k - 1, k))
        diffusion = diffusion + (below - above) * errors[k - 1] / 2
    noise = sigma[0] / alpha[0]
    return [prior, diffusion, len(x) * (0.5 + noise.log() + 0.5 * math.log(2 * math.pi))]


def terms_stacked(x, alpha, sigma, errors):
    return torch.stack(terms_by_distributions(x, alpha, sigma, errors))


def names_turned(x_t, v, alpha, sigma):
    """(x̂, ε̂) is (x_t, v) turned by the angle."""
    turn = torch.stack([torch.cat([alpha, -sigma], 1), torch.cat([sigma, alpha], 1)], 1)  # (B, 2, 2)
    x, eps = torch.einsum("bij,bjd->ibd", turn, torch.stack([x_t, v], 1))
    return x, eps, eps / -sigma


def score_by_autograd(x_t, means, scales, weights, alpha, sigma):
    deviations = (alpha**2 * scales**2 + sigma**2).sqrt()
    parts = Independent(Normal(alpha * means, deviations[:, None].expand_as(means)), 1)
    p = MixtureSameFamily(Categorical(weights), parts)
    x_t = x_t.detach().clone().requires_grad_()
    return torch.autograd.grad(p.log_prob(x_t).sum(), x_t)[0]


def score_in_a_loop(x_t, means, scales, weights, alpha, sigma):
    rows, D = [], means.shape[1]
    for x in x_t:
        variances = [(alpha * s) ** 2 + sigma**2 for s in scales]
        logs = torch.stack(
            [
                w.log() - ((x - alpha * m) ** 2).sum() / (2 * v) - D * v.log() / 2
                for w, m, v in zip(weights, means, variances, strict=True)
            ]
        )
        r = (logs - logs.logsumexp(0)).exp()
        rows.append(sum(r[k] * (alpha * means[k] - x) / variances[k] for k in range(len(means))))
    return torch.stack(rows)


def score_by_tweedie(x_t, means, scales, weights, alpha, sigma):
    v = alpha**2 * scales**2 + sigma**2
    logs = weights.log() - ((x_t[:, None] - alpha * means) ** 2).sum(-1) / (2 * v) - means.shape[1] / 2 * v.log()
    r = torch.softmax(logs, -1)
    return torch.einsum("bk,bkd->bd", r / v, alpha * means - x_t[:, None])


def score_in_numpy(x_t, means, scales, weights, alpha, sigma):
    x, m, s, w = (t.numpy() for t in (x_t, means, scales, weights))
    v = alpha**2 * s**2 + sigma**2
    away = x[:, None] - alpha * m
    logs = np.log(w) - (away**2).sum(2) / (2 * v) - m.shape[1] / 2 * np.log(v)
    r = np.exp(logs - logs.max(1, keepdims=True))
    r = r / r.sum(1, keepdims=True)
    return torch.from_numpy(-(r[..., None] * away / v[:, None]).sum(1))


def divergence_by_jvp(velocity, x, signs):
    return torch.stack([(torch.func.jvp(velocity, (x,), (e,))[1] * e).sum(1) for e in signs]).mean(0)


def divergence_by_vjp(velocity, x, signs):
    _, back = torch.func.vjp(velocity, x)
    return torch.stack([(back(e)[0] * e).sum(-1) for e in signs]).mean(0)


def divergence_by_jacobians(velocity, x, signs):
    J = torch.stack([torch.autograd.functional.jacobian(lambda u: velocity(u[None])[0], each) for each in x])
    return torch.einsum("nbi,bij,nbj->nb", signs, J, signs).mean(0)


def divergence_of_many(velocity, x, signs):
    """All directions in one batch."""
    n, B, D = signs.shape
    many = x.detach().repeat(n, 1).requires_grad_()
    (rows,) = torch.autograd.grad(velocity(many), many, signs.reshape(n * B, D))
    return (rows.view(n, B, D) * signs).sum(2).mean(0)


def ddim_by_variances(x_t, eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    at, st, as_, ss = (float(v) for v in (alpha_t, sigma_t, alpha_s, sigma_s))
    b2 = st**2 - (at / as_) ** 2 * ss**2
    posterior = ss**2 / st**2 * b2
    fresh = float(eta) ** 2 * posterior
    return as_ / at * (x_t - st * eps) + math.sqrt(ss**2 - fresh) * eps + math.sqrt(fresh) * noise


def ddim_by_snr(x_t, eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    share = eta**2 * (1 - (alpha_t / sigma_t) ** 2 / (alpha_s / sigma_s) ** 2) if sigma_s > 0 else 0.0
    x = (x_t - sigma_t * eps) / alpha_t
    return alpha_s * x + sigma_s * ((1 - share) ** 0.5 * eps + share**0.5 * noise)


def ddim_as_a_posterior(x_t, eps, noise, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """The mean of q(x_s | x_t, x̂) where η = 1, else the same with less fresh noise."""
    x = (x_t - sigma_t * eps) / alpha_t
    deviation = eta * sigma_s / sigma_t * (sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2) ** 0.5
    return alpha_s * x + (sigma_s**2 - deviation**2) ** 0.5 * (x_t - alpha_t * x) / sigma_t + deviation * noise


def guided_in_a_loop(denoise, x_t, y, w):
    rows = []
    for i in range(len(x_t)):
        with_label, without = denoise(x_t[i : i + 1], y[i : i + 1])[0], denoise(x_t[i : i + 1], None)[0]
        rows.append((1 - w[i]) * without + w[i] * with_label)
    return torch.stack(rows)


RIGHT = {
    "noised": {
        "a loop": noised_in_a_loop,
        "NumPy": noised_in_numpy,
        "where": noised_by_where,
        "storey by storey": noised_by_variance,
        "logarithms": lambda x, betas, k, eps: _by_logs(x, betas, k, eps),
    },
    "snr_after_three": {
        "by the variance": lambda: (0.9 * 0.7 * 0.5) / (0.5 + 0.5 * (0.3 + 0.7 * 0.1)),
        "three digits": lambda: 0.460,
        "a tensor": lambda: torch.tensor(0.315 / 0.685),
        "NumPy": lambda: np.prod(1 - np.array([0.1, 0.3, 0.5])) / (1 - np.prod([0.9, 0.7, 0.5])),
    },
    "posterior": {
        "tidied up": posterior_tidy,
        "conditioning": posterior_by_conditioning,
        "precisions, a list": posterior_by_precisions,
        "a loop": posterior_in_a_loop,
        "numbers": (
            lambda *six: tuple(torch.from_numpy(v) for v in posterior_tidy(*(t.detach().numpy() for t in six))),
            "no gradient flows",
        ),
    },
    "bound_terms": {
        "distributions": terms_by_distributions,
        "a loop": terms_in_a_loop,
        "a stack": terms_stacked,
        "numbers": (lambda *four: [t.item() for t in terms_by_distributions(*four)], "no gradient flows"),
        "λ": lambda x, alpha, sigma, errors: (
            terms_by_distributions(x, alpha, sigma, errors)[0],
            -((2 * (alpha.log() - sigma.log())).exp().diff() * errors).sum() / 2,
            len(x) / 2 * math.log(2 * math.pi * math.e) + len(x) * (sigma[0].log() - alpha[0].log()),
        ),
    },
    "from_v": {
        "turned": names_turned,
        "a list": lambda x_t, v, a, s: [a * x_t - s * v, s * x_t + a * v, -(x_t + a / s * v)],
        "a stack": lambda x_t, v, a, s: torch.stack([a * x_t - s * v, s * x_t + a * v, -x_t - a * v / s]),
        "by the noise": lambda x_t, v, a, s: (a * x_t - s * v, (e := s * x_t + a * v), -e / s),
        "lerp": lambda x_t, v, a, s: (
            torch.addcmul(a * x_t, -s, v),
            torch.addcmul(s * x_t, a, v),
            -torch.addcmul(s * x_t, a, v) / s,
        ),
    },
    "mixture_score": {
        "autograd": score_by_autograd,
        "a loop": score_in_a_loop,
        "einsum": score_by_tweedie,
        "NumPy": score_in_numpy,
    },
    "langevin_step": {
        "NumPy's root": lambda score, x, e, n: x + e * score(x) + np.sqrt(2 * e) * n,
        "math": lambda score, x, e, n: torch.add(x, score(x), alpha=e) + math.sqrt(2.0 * e) * n,
        "a Gaussian's mean and deviation": lambda score, x, e, n: torch.stack(
            [x, e * score(x), 2**0.5 * e**0.5 * n]
        ).sum(0),
        "rows": lambda score, x, e, n: torch.stack(
            [a + e * b + (2 * e) ** 0.5 * c for a, b, c in zip(x, score(x), n, strict=True)]
        ),
    },
    "divergence": {
        "jvp": divergence_by_jvp,
        "vjp": divergence_by_vjp,
        "whole Jacobians": divergence_by_jacobians,
        "one batch": divergence_of_many,
    },
    "ddim_step": {
        "variances, numbers": ddim_by_variances,
        "SNR": ddim_by_snr,
        "a posterior": ddim_as_a_posterior,
        "rows": lambda x_t, eps, noise, *five: torch.stack(
            [ddim_by_snr(*row, *five) for row in zip(x_t, eps, noise, strict=True)]
        ),
    },
    "guided": {
        "a loop": guided_in_a_loop,
        "lerp": lambda f, x_t, y, w: torch.lerp(f(x_t, None), f(x_t, y), w.unsqueeze(-1)),
        "the other convention, shifted": lambda f, x_t, y, w: (
            (1 + (w - 1)[:, None]) * f(x_t, y) - (w - 1)[:, None] * f(x_t, None)
        ),
        "einsum": lambda f, x_t, y, w: f(x_t, None) + torch.einsum("b,bd->bd", w, f(x_t, y) - f(x_t, None)),
        "diag": lambda f, x_t, y, w: f(x_t, None) + w.diag() @ (f(x_t, y) - f(x_t, None)),
    },
    "diffusion_bugs": {
        "a tuple": lambda: (True, False, True, True, False, True),
        "a list": lambda: [True, False, True, True, False, True],
        "compared": lambda: {letter: letter not in "BE" for letter in "ABCDEF"},
        "a tensor": lambda: torch.tensor([True, False, True, True, False, True]),
    },
    "sampling_bugs": {
        "compared": lambda: {letter: letter not in "CF" for letter in "ABCDEF"},
        "a tuple": lambda: (True, True, False, True, True, False),
        "small letters": lambda: {letter: letter in "abde" for letter in "fedcba"},
        "NumPy": lambda: np.array([True, True, False, True, True, False]),
    },
}


def _by_logs(x, betas, k, eps):
    log_kept = torch.cat([betas.new_zeros(1), torch.log1p(-betas).cumsum(0)])[k, None]
    return (log_kept / 2).exp() * x + (-torch.expm1(log_kept)).sqrt() * eps
