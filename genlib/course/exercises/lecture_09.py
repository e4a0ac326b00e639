"""The exercises of lecture 09 and the mistakes that people make in them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_09 import Pulled, weight_of_two_losses


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rand(g, *shape) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


# 9.1 ------------------------------------------------------------------------------------------------------------------


def lloyd_step(x, codes):
    t = (x[:, None] - codes).square().sum(2).argmin(1)
    moved = [x[t == k].mean(0) if (t == k).any() else codes[k] for k in range(len(codes))]
    return t, torch.stack(moved)


def _cloud(g, n=12, K=4, D=3, apart=1.0):
    return apart * _rand(g, n, D) + 0.5, apart * _rand(g, K, D)


def _with_a_code_far_away(g):
    x, codes = _cloud(g)
    return x, torch.cat([codes[:2], codes[:1] + 90, codes[2:]])


def _on_the_border():
    """Points as far from two codes: the lower index counts. Equal points, and a code that gets none."""
    x = torch.tensor([[0.0, 0], [2, 0], [4, 0], [4, 0], [1, 0], [3, 0]], dtype=torch.float64)
    codes = torch.tensor([[0.0, 1], [2, 1], [4, 1], [2, 1]], dtype=torch.float64)
    return x, codes


def _lloyd_by(nearest=None, moved=None):
    """A wrong answer: another assignment (x, codes) -> t, or another place for a code: (its points, it, all x)."""
    nearest = nearest or (lambda x, codes: torch.cdist(x, codes).argmin(1))
    moved = moved or (lambda mine, code, x: mine.mean(0) if len(mine) else code)

    def answer(x, codes):
        t = nearest(x, codes)
        return t, torch.stack([moved(x[t == k], code, x) for k, code in enumerate(codes)])

    return answer


def _twice(x, codes):
    return lloyd_step(x, lloyd_step(x, codes)[1])


def _assigned_afterwards(x, codes):
    return _twice(x, codes)[0], lloyd_step(x, codes)[1]


def _last_of_ties(x, codes):
    d = (x[:, None] - codes).square().sum(2)
    return len(codes) - 1 - d.flip(1).argmin(1)


lloyd = Exercise(
    "9.1",
    "lloyd_step",
    reference=lloyd_step,
    inputs=_cloud,
    edges={
        "a code that no point is near to": _with_a_code_far_away(_seeded(3)),
        "points on the border of two cells": _on_the_border(),
        "as many points as codes as dimensions": _cloud(_seeded(4), 4, 4, 4),
        "one code": _cloud(_seeded(5), 5, 1, 2),
        "more codes than points": _cloud(_seeded(6), 3, 6, 2),
        "far from the origin": tuple(part + 1e6 for part in _cloud(_seeded(7))),
    },
    mistakes={
        "the two are exchanged: first the indices, then the codes": lambda x, codes: lloyd_step(x, codes)[::-1],
        "a code without points became NaN: it was to stay where it is": _lloyd_by(moved=lambda m, c, x: m.mean(0)),
        "a code without points went to the origin: it was to stay where it is": _lloyd_by(
            moved=lambda m, c, x: m.sum(0) / max(1, len(m))
        ),
        "a code without points went to the mean of all points: it was to stay where it is": _lloyd_by(
            moved=lambda m, c, x: m.mean(0) if len(m) else x.mean(0)
        ),
        "a code goes to the mean of its points; yours went to their sum": _lloyd_by(
            moved=lambda m, c, x: m.sum(0) if len(m) else c
        ),
        "you divided by the number of all points; a mean divides by the code's own": _lloyd_by(
            moved=lambda m, c, x: m.sum(0) / len(x) if len(m) else c
        ),
        "a code goes to the mean of its points; yours went to their median": _lloyd_by(
            moved=lambda m, c, x: m.median(0).values if len(m) else c
        ),
        "the codes did not move": lambda x, codes: (lloyd_step(x, codes)[0], codes.clone()),
        "your code went half of the way to the mean of its points: it goes all the way": _lloyd_by(
            moved=lambda m, c, x: (m.mean(0) + c) / 2 if len(m) else c
        ),
        "you took the farthest code": _lloyd_by(lambda x, codes: torch.cdist(x, codes).argmax(1)),
        "you took the code with the largest product, which is the nearest only among codes of one length": _lloyd_by(
            lambda x, codes: (x @ codes.T).argmax(1)
        ),
        "you summed the differences: they must be squared first, or a minus cancels a plus": _lloyd_by(
            lambda x, codes: (x[:, None] - codes).sum(2).argmin(1)
        ),
        "you compared by the largest difference of a coordinate; asked was the distance": _lloyd_by(
            lambda x, codes: (x[:, None] - codes).abs().amax(2).argmin(1)
        ),
        "you compared by the sum of absolute differences; asked was the distance": _lloyd_by(
            lambda x, codes: (x[:, None] - codes).abs().sum(2).argmin(1)
        ),
        "you gave each code its nearest point; each point is to get its nearest code": lambda x, codes: (
            torch.cdist(x, codes).argmin(0),
            x[torch.cdist(x, codes).argmin(0)],
        ),
        "of two codes equally near the lower index counts; you took the higher": _lloyd_by(_last_of_ties),
        "those are the indices after the codes moved; asked were those by which they move": _assigned_afterwards,
        "you took two steps": _twice,
    },
)


# 9.2 ------------------------------------------------------------------------------------------------------------------


def straight_through(z, codes):
    e = codes[torch.cdist(z, codes).argmin(1)]
    return z + (e - z).detach()


def _vectors(g, N=7, K=5, D=3):
    return _rand(g, N, D), _rand(g, K, D)


def _quantised(made):
    """A wrong answer by (z, the nearest codes, all codes) -> z_q."""
    return lambda z, codes: made(z, codes[torch.cdist(z, codes).argmin(1)], codes)


through = Exercise(
    "9.2",
    "straight_through",
    reference=straight_through,
    inputs=_vectors,
    edges={
        "one code": _vectors(_seeded(2), 4, 1, 2),
        "as many vectors as codes as dimensions": _vectors(_seeded(3), 3, 3, 3),
        "a code far away": (_vectors(_seeded(4))[0], 50 * _vectors(_seeded(4))[1]),
        "large vectors, the codes next to each other": (100 * _vectors(_seeded(5))[0], 0.1 * _vectors(_seeded(5))[1]),
    },
    gradients=True,
    mistakes={
        "no gradient reaches z: that is the bare code": _quantised(lambda z, e, c: e.detach() + 0 * z.detach()),
        "the gradient goes to the codes and none to z: that is what the bare code does": [
            _quantised(lambda z, e, c: e),
            _quantised(lambda z, e, c: z.detach() + (e - z.detach())),
            _quantised(lambda z, e, c: z + e - z),
        ],
        "the gradient reaches the codes as well: what you added is not cut off from them": _quantised(
            lambda z, e, c: z - z.detach() + e
        ),
        "forwards that is z itself; the decoder is to see the code": _quantised(lambda z, e, c: z + (z - z).detach()),
        "the signs inside are exchanged: forwards that is 2z - e": _quantised(lambda z, e, c: z + (z - e).detach()),
        "the gradient of z is there twice": _quantised(lambda z, e, c: 2 * z + (e - 2 * z).detach()),
        "you took the farthest code": lambda z, codes: z + (codes[torch.cdist(z, codes).argmax(1)] - z).detach(),
        "you took the code with the largest product; asked was the nearest": lambda z, codes: (
            z + (codes[(z @ codes.T).argmax(1)] - z).detach()
        ),
        "you blended all codes with weights; forwards it is to be the nearest one": lambda z, codes: (
            (-torch.cdist(z, codes).square()).softmax(1) @ codes
        ),
    },
)


# 9.3 ------------------------------------------------------------------------------------------------------------------


def vq_terms(z, e, beta):
    def squared(d):
        return d.square().flatten(1).sum(1).mean()

    return squared(z.detach() - e) + beta * squared(z - e.detach())


def _chosen(g, B=3, T=4, D=2, beta=0.25):
    return _rand(g, B, T, D), _rand(g, B, T, D) + 0.5, beta


def _terms_by(made, of=None):
    """A wrong answer by both terms and beta; or another size of what is squared (B, T, D)."""
    of = of or (lambda d: d.square().flatten(1).sum(1).mean())

    def answer(z, e, beta):
        return made(of(z.detach() - e), of(z - e.detach()), beta)

    return answer


def _right_sum(codebook, commitment, beta):
    return codebook + beta * commitment


def _both_ways(z, e, beta):
    return (1 + beta) * (z - e).square().flatten(1).sum(1).mean()


terms = Exercise(
    "9.3",
    "vq_terms",
    reference=vq_terms,
    inputs=_chosen,
    edges={
        "beta = 1": _chosen(_seeded(2), beta=1.0),
        "beta = 3": _chosen(_seeded(3), beta=3.0),
        "one example, one token": _chosen(_seeded(4), 1, 1, 3),
        "as many examples as tokens as dimensions": _chosen(_seeded(5), 3, 3, 3),
        "vectors far from their codes": (100 * _chosen(_seeded(6))[0], *_chosen(_seeded(6))[1:]),
        "vectors on their codes": (_chosen(_seeded(7))[0], _chosen(_seeded(7))[0].clone(), 0.5),
    },
    gradients=True,
    mistakes={
        "β weights the wrong pull: it belongs to the one that moves the encoder, and yours is on that of the codes": (
            _terms_by(lambda codebook, commitment, beta: beta * codebook + commitment)
        ),
        "nothing is detached: both terms move both": _both_ways,
        "β is missing": _terms_by(lambda codebook, commitment, beta: codebook + commitment),
        "the commitment is missing: nothing holds the encoder at its codes": _terms_by(lambda a, b, beta: a),
        "the codebook's term is missing: no code would move": _terms_by(lambda a, b, beta: beta * b),
        "β is on both terms": _terms_by(lambda a, b, beta: beta * (a + b)),
        "no gradient reaches the encoder: z is detached in both terms": _terms_by(
            lambda a, b, beta: a + beta * b.detach()
        ),
        "no gradient reaches the codes: they are detached in both terms": _terms_by(
            lambda a, b, beta: a.detach() + beta * b
        ),
        "the terms are to be added": _terms_by(lambda a, b, beta: a - beta * b),
        "a squared length is the sum over the D numbers, and an example has T of them: you took a mean": [
            _terms_by(_right_sum, lambda d: d.square().mean()),
            _terms_by(_right_sum, lambda d: d.square().sum(2).mean()),
            _terms_by(_right_sum, lambda d: d.square().mean(2).sum(1).mean()),
        ],
        "you summed over the batch; a loss is its mean": _terms_by(_right_sum, lambda d: d.square().sum()),
        "the square is missing: those are lengths": _terms_by(_right_sum, lambda d: d.norm(dim=2).sum(1).mean()),
        "those are absolute values; asked were squares": _terms_by(
            _right_sum, lambda d: d.abs().flatten(1).sum(1).mean()
        ),
    },
)


# 9.4 ------------------------------------------------------------------------------------------------------------------


def moving_average(counts, sums, z, t, decay):
    chosen = F.one_hot(t, len(counts)).to(z)
    counts = decay * counts + (1 - decay) * chosen.sum(0)
    sums = decay * sums + (1 - decay) * chosen.T @ z
    return counts, sums, sums / counts[:, None]


def _averages(g, N=9, K=4, D=3, decay=0.8, t=None):
    counts = 1 + torch.rand(K, generator=g, dtype=torch.float64)
    t = torch.randint(K - 1, (N,), generator=g) if t is None else torch.tensor(t)
    return counts, _rand(g, K, D) + 1, _rand(g, len(t), D), t, decay


def _often(g):
    counts, sums, *rest = _averages(g)
    return 20 * counts, 20 * sums, *rest


def _averaged_by(made):
    """A wrong answer by (N, m, n, s, γ) -> (counts, sums, codes): averages, and the batch's counts and sums."""

    def answer(counts, sums, z, t, decay):
        chosen = F.one_hot(t, len(counts)).to(z)
        return made(counts, sums, chosen.sum(0), chosen.T @ z, decay)

    return answer


def _then_codes(counts, sums):
    return counts, sums, sums / counts[:, None]


def _average_of_means(N, m, n, s, decay):
    """The codes themselves as averages of the batch's means."""
    e = m / N[:, None]
    seen = (n > 0)[:, None]
    means = torch.where(seen, s / n.clamp(min=1)[:, None], e)
    return decay * N + (1 - decay) * n, decay * m + (1 - decay) * s, decay * e + (1 - decay) * means


def _fed(z_of=None):
    def answer(counts, sums, z, t, decay):
        return moving_average(counts, sums, z_of(counts, sums, z, t), t, decay)

    return answer


averaged = Exercise(
    "9.4",
    "moving_average",
    reference=moving_average,
    inputs=_averages,
    edges={
        "a code that nobody chose": _averages(_seeded(2), t=[0, 0, 3, 3, 1]),
        "one vector": _averages(_seeded(3), t=[2]),
        "a long memory": _averages(_seeded(4), decay=0.99),
        "a short memory": _averages(_seeded(5), decay=0.1),
        "as many vectors as codes as dimensions": _averages(_seeded(6), 4, 4, 4),
        "all chose the last code": _averages(_seeded(7), t=[3, 3, 3, 3, 3, 3]),
        "codes that are often used": _often(_seeded(8)),
    },
    mistakes={
        "γ is what the average keeps of itself; you gave it to the batch": _averaged_by(
            lambda N, m, n, s, g: _then_codes((1 - g) * N + g * n, (1 - g) * m + g * s)
        ),
        "the counts have no memory: they are those of the batch alone": _averaged_by(
            lambda N, m, n, s, g: _then_codes(n, g * m + (1 - g) * s)
        ),
        "the sums have no memory: they are those of the batch alone": _averaged_by(
            lambda N, m, n, s, g: _then_codes(g * N + (1 - g) * n, s)
        ),
        "there is no memory at all: that is a step of Lloyd's on this batch": _averaged_by(
            lambda N, m, n, s, g: _then_codes(n, s)
        ),
        "the factor 1 - γ before the batch is missing": _averaged_by(
            lambda N, m, n, s, g: _then_codes(g * N + n, g * m + s)
        ),
        "the averages forget nothing: γ is missing": _averaged_by(
            lambda N, m, n, s, g: _then_codes(N + (1 - g) * n, m + (1 - g) * s)
        ),
        "you averaged the batch's means; a code that was chosen once would count as much as one chosen often": (
            _averaged_by(_average_of_means)
        ),
        "the codes are to be the new sums by the new counts; yours are from before the update": _averaged_by(
            lambda N, m, n, s, g: (g * N + (1 - g) * n, g * m + (1 - g) * s, m / N[:, None])
        ),
        "the codes are the new sums by the old counts": _averaged_by(
            lambda N, m, n, s, g: (g * N + (1 - g) * n, g * m + (1 - g) * s, (g * m + (1 - g) * s) / N[:, None])
        ),
        "the codes are not divided by the counts: those are the sums": _averaged_by(
            lambda N, m, n, s, g: (g * N + (1 - g) * n, g * m + (1 - g) * s, g * m + (1 - g) * s)
        ),
        "the codes learn from what was quantised already: z must be the encoder's vectors, not the codes": _fed(
            lambda counts, sums, z, t: (sums / counts[:, None])[t]
        ),
        "you averaged the batch's sums over its vectors; s_k is a sum": _averaged_by(
            lambda N, m, n, s, g: _then_codes(g * N + (1 - g) * n, g * m + (1 - g) * s / n.sum())
        ),
        "you took the batch's counts as shares": _averaged_by(
            lambda N, m, n, s, g: _then_codes(g * N + (1 - g) * n / n.sum(), g * m + (1 - g) * s)
        ),
        "a code that nobody chose was left as it was: its average shrinks as well, count and sum alike": _averaged_by(
            lambda N, m, n, s, g: _then_codes(
                torch.where(n > 0, g * N + (1 - g) * n, N), torch.where((n > 0)[:, None], g * m + (1 - g) * s, m)
            )
        ),
    },
)


# 9.5 ------------------------------------------------------------------------------------------------------------------


def token_bits():
    return 343, 245, 0.3125


by_hand = Exercise(
    "9.5",
    "token_bits",
    reference=token_bits,
    tol=1e-6,
    mistakes={
        "a token that is one of 128 costs log₂ 128 = 7 bits, and there are 49": [
            lambda: (49 * 128, 245, 0.3125),
            lambda: (7, 5, 5 / 784),
            lambda: (7, 245, 0.3125),
        ],
        "those are nats; asked were bits": lambda: (
            49 * math.log(128),
            49 * math.log(32),
            49 * math.log(32) / 784,
        ),
        "the second number is with the uniform code: a perplexity of 32 means log₂ 32 bits a token": [
            lambda: (343, 343, 0.4375),
            lambda: (343, 343, 0.3125),
        ],
        "the second number is what is saved; asked was what is left to pay": [
            lambda: (343, 98, 0.125),
            lambda: (343, 98, 0.3125),
        ],
        "the third number divides the first cost by the pixels; asked was the second": lambda: (343, 245, 0.4375),
        "the third number is a cost for each token; asked was for each pixel": [
            lambda: (343, 245, 5),
            lambda: (343, 245, 7),
        ],
        "a picture has 28 · 28 = 784 pixels; you divided by 28": lambda: (343, 245, 8.75),
        "the third number is turned round: bits by pixels, not pixels by bits": lambda: (343, 245, 3.2),
    },
)


# 9.6 ------------------------------------------------------------------------------------------------------------------


def fsq(z, levels):
    L = torch.tensor(levels)
    f = (L - 1) / 2 * torch.tanh(z) - 0.5 * (L % 2 == 0)
    level = f + (f.round() - f).detach()
    places = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    return level, ((f.round().long() + L // 2) * places).sum(1)


def _numbers(g, N=40, levels=(5, 4, 3), scale=1.5):
    return scale * _rand(g, N, len(levels)), levels


def _fsq_by(bounded=None, rounded=None, numbered=None):
    """A wrong answer by one other part: f (z, L), its levels with their gradient (f), or the index (levels, L, z)."""
    bounded = bounded or (lambda z, L: (L - 1) / 2 * torch.tanh(z) - 0.5 * (L % 2 == 0))
    rounded = rounded or (lambda f: f + (f.round() - f).detach())

    def right(level, L):
        places = torch.cat([torch.ones(1, dtype=torch.long), L[:-1].cumprod(0)])
        return ((level + L // 2) * places).sum(-1)

    numbered = numbered or right

    def answer(z, levels):
        L = torch.tensor(levels)
        level = rounded(bounded(z, L))
        return level, numbered(level.detach().round().long(), L)

    return answer


def _last_fastest(level, L):
    places = torch.cat([L.flip(0)[:-1].cumprod(0).flip(0), torch.ones(1, dtype=torch.long)])
    return ((level + L // 2) * places).sum(-1)


finite = Exercise(
    "9.6",
    "fsq",
    reference=fsq,
    inputs=_numbers,
    edges={
        "even counts": _numbers(_seeded(2), levels=(8, 4, 4)),
        "odd counts": _numbers(_seeded(3), levels=(3, 5)),
        "many levels": _numbers(_seeded(8), levels=(16, 15, 3)),
        "two levels": _numbers(_seeded(4), levels=(2, 2, 2, 2)),
        "one number": _numbers(_seeded(5), levels=(7,)),
        "large numbers": _numbers(_seeded(6), scale=100.0),
        "as many vectors as numbers": _numbers(_seeded(7), 3),
    },
    gradients=True,
    mistakes={
        "rounding has no slope: no gradient reaches z; let it through as in exercise 9.2": _fsq_by(
            rounded=lambda f: f.round().detach()
        ),
        "the gradient skips tanh: rounding alone is passed over, not what comes before it": lambda z, levels: (
            z + (fsq(z, levels)[0] - z).detach(),
            fsq(z, levels)[1],
        ),
        "where L is even the ½ is missing: you have one level too many": _fsq_by(
            lambda z, L: (L - 1) / 2 * torch.tanh(z)
        ),
        "the ½ was for even L alone": _fsq_by(lambda z, L: (L - 1) / 2 * torch.tanh(z) - 0.5),
        "the ½ is to be subtracted: the levels are -L/2 … L/2 - 1": _fsq_by(
            lambda z, L: (L - 1) / 2 * torch.tanh(z) + 0.5 * (L % 2 == 0)
        ),
        "tanh is missing: nothing keeps the numbers within their levels": _fsq_by(
            lambda z, L: (L - 1) / 2 * z - 0.5 * (L % 2 == 0)
        ),
        "tanh goes from -1 to 1, a width of 2: the factor is (L - 1)/2, not L - 1": _fsq_by(
            lambda z, L: (L - 1) * torch.tanh(z) - 0.5 * (L % 2 == 0)
        ),
        "the factor is (L - 1)/2; you took L/2": _fsq_by(lambda z, L: L / 2 * torch.tanh(z) - 0.5 * (L % 2 == 0)),
        "you cut the digits off; asked was the nearest level": _fsq_by(rounded=lambda f: f + (f.trunc() - f).detach()),
        "you took the level below; asked was the nearest": _fsq_by(rounded=lambda f: f + (f.floor() - f).detach()),
        "you returned f; asked were the levels": _fsq_by(rounded=lambda f: f),
        "in your index the last number runs fastest; asked was the first": _fsq_by(numbered=_last_fastest),
        "your index counts from the middle: add L // 2, so that the lowest level is 0": _fsq_by(
            numbered=lambda level, L: (level * torch.cat([torch.ones(1, dtype=torch.long), L[:-1].cumprod(0)])).sum(-1)
        ),
        "your index adds up the levels, so that many codes share one": _fsq_by(
            numbered=lambda level, L: (level + L // 2).sum(-1)
        ),
        "all places of your index have the base of the first number": _fsq_by(
            numbered=lambda level, L: ((level + L // 2) * L[0] ** torch.arange(len(L))).sum(-1)
        ),
    },
)


# 9.7 ------------------------------------------------------------------------------------------------------------------


def gumbel_weights(logits, g, tau):
    log_q = logits.log_softmax(2)
    kl = math.log(logits.shape[2]) + (log_q.exp() * log_q).sum(2)
    return ((logits + g) / tau).softmax(2), kl.sum(1)


def _relaxed(g, B=3, T=4, K=5, tau=0.7, scale=2.0):
    u = torch.rand(B, T, K, generator=g, dtype=torch.float64)
    return scale * _rand(g, B, T, K), -(-u.log()).log(), tau


def _certain(g):
    """Logits of which one is far above the others: q log q of the others is 0, not NaN."""
    logits, noise, tau = _relaxed(g)
    return 1000 * logits, noise, tau


def _gumbel_by(weights=None, kl=None):
    """A wrong answer: other weights (logits, g, tau), or another KL of (logits) -> (B,)."""
    weights = weights or (lambda logits, g, tau: ((logits + g) / tau).softmax(2))
    kl = kl or (lambda logits: gumbel_weights(logits, logits, 1.0)[1])
    return lambda logits, g, tau: (weights(logits, g, tau), kl(logits))


def _entropy(logits):
    log_q = logits.log_softmax(2)
    return -(log_q.exp() * log_q).sum(2)


gumbel = Exercise(
    "9.7",
    "gumbel_weights",
    reference=gumbel_weights,
    inputs=_relaxed,
    edges={
        "a low temperature": _relaxed(_seeded(2), tau=0.05),
        "a high temperature": _relaxed(_seeded(3), tau=20.0),
        "as many examples as tokens as codes": _relaxed(_seeded(4), 3, 3, 3),
        "logits of a thousand": _certain(_seeded(5)),
        "one token of two codes": _relaxed(_seeded(6), 2, 1, 2),
        "uniform": (torch.zeros(2, 3, 4, dtype=torch.float64), _relaxed(_seeded(7), 2, 3, 4)[1], 1.0),
    },
    gradients=True,
    mistakes={
        "the two are exchanged: first the weights": lambda *three: gumbel_weights(*three)[::-1],
        "the noise is added after the temperature: it is divided as well": _gumbel_by(
            lambda logits, g, tau: (logits / tau + g).softmax(2)
        ),
        "the temperature divides; you multiplied": _gumbel_by(lambda logits, g, tau: ((logits + g) * tau).softmax(2)),
        "the temperature is missing": _gumbel_by(lambda logits, g, tau: (logits + g).softmax(2)),
        "the noise is missing: that is no draw": _gumbel_by(lambda logits, g, tau: (logits / tau).softmax(2)),
        "the noise is subtracted; it was given with its sign": _gumbel_by(
            lambda logits, g, tau: ((logits - g) / tau).softmax(2)
        ),
        "the noise was added to probabilities; it belongs to the logits": _gumbel_by(
            lambda logits, g, tau: ((logits.softmax(2) + g) / tau).softmax(2)
        ),
        "the weights are a softmax over the tokens; of each token they sum to 1 over the codes": _gumbel_by(
            lambda logits, g, tau: ((logits + g) / tau).softmax(1)
        ),
        "log K is missing: that is minus the entropy, and never positive": _gumbel_by(
            kl=lambda logits: -_entropy(logits).sum(1)
        ),
        "the sign of the KL is flipped: it is never negative": _gumbel_by(
            kl=lambda logits: -gumbel_weights(logits, logits, 1.0)[1]
        ),
        "you returned the entropy; the KL is what it lacks of log K": _gumbel_by(
            kl=lambda logits: _entropy(logits).sum(1)
        ),
        "the entropy is to be subtracted from log K; you added it": _gumbel_by(
            kl=lambda logits: (math.log(logits.shape[2]) + _entropy(logits)).sum(1)
        ),
        "the tokens are independent under q, so their KLs add; you took the mean": _gumbel_by(
            kl=lambda logits: (math.log(logits.shape[2]) - _entropy(logits)).mean(1)
        ),
        "each token has a KL of log K minus its entropy; you added log K once for all": _gumbel_by(
            kl=lambda logits: math.log(logits.shape[2]) - _entropy(logits).sum(1)
        ),
        "the KL's arguments are exchanged: that is KL(uniform ‖ q)": _gumbel_by(
            kl=lambda logits: (-math.log(logits.shape[2]) - logits.log_softmax(2).mean(2)).sum(1)
        ),
        "log of a probability of 0 makes it NaN: take log_softmax": _gumbel_by(
            kl=lambda logits: (math.log(logits.shape[2]) + (logits.softmax(2) * logits.softmax(2).log()).sum(2)).sum(1)
        ),
        "the KL is that of the relaxed weights; asked was that of q": lambda logits, g, tau: (
            gumbel_weights(logits, g, tau)[0],
            gumbel_weights((logits + g) / tau, g, tau)[1],
        ),
        "those are bits; asked were nats": _gumbel_by(
            kl=lambda logits: gumbel_weights(logits, logits, 1.0)[1] / math.log(2)
        ),
    },
)


# 9.8 ------------------------------------------------------------------------------------------------------------------


def bits_per_pixel(distortion, logits, t, pixels):
    length = F.cross_entropy(logits.transpose(1, 2), t, reduction="none").sum(1)
    return (distortion + length) / (pixels * math.log(2))


def _coded(g, B=3, T=5, K=4, pixels=49):
    t = torch.randint(K, (B, T), generator=g)
    return 20 * torch.rand(B, generator=g, dtype=torch.float64) + 3, 2 * _rand(g, B, T, K), t, pixels


def _bits_by(length=None, whole=None):
    """A wrong answer: another code length (logits, t) -> (B,), or another whole (distortion, length, pixels, T)."""
    length = length or (lambda q, t: F.cross_entropy(q.transpose(1, 2), t, reduction="none").sum(1))
    whole = whole or (lambda d, n, pixels, T: (d + n) / (pixels * math.log(2)))
    return lambda d, q, t, pixels: whole(d, length(q, t), pixels, t.shape[1])


bits = Exercise(
    "9.8",
    "bits_per_pixel",
    reference=bits_per_pixel,
    inputs=_coded,
    edges={
        "as many examples as tokens as codes": _coded(_seeded(2), 4, 4, 4, 16),
        "one token": _coded(_seeded(3), 2, 1, 3),
        "logits of a thousand": (_coded(_seeded(4))[0], 500 * _coded(_seeded(4))[1], *_coded(_seeded(4))[2:]),
        "no distortion": (torch.zeros(3, dtype=torch.float64), *_coded(_seeded(5))[1:]),
    },
    gradients=True,
    mistakes={
        "the code length is missing: distortion alone bounds nothing": _bits_by(
            whole=lambda d, n, pixels, T: d / (pixels * math.log(2)) + 0 * n
        ),
        "the distortion is missing: the tokens do not say the pixels": _bits_by(
            whole=lambda d, n, pixels, T: n / (pixels * math.log(2)) + 0 * d
        ),
        "you subtracted the code length: both are paid": _bits_by(
            whole=lambda d, n, pixels, T: (d - n) / (pixels * math.log(2))
        ),
        "those are nats for each pixel; asked were bits": _bits_by(whole=lambda d, n, pixels, T: (d + n) / pixels),
        "you multiplied by log 2; from nats to bits one divides": _bits_by(
            whole=lambda d, n, pixels, T: (d + n) * math.log(2) / pixels
        ),
        "the distortion is in nats as well: convert both": _bits_by(
            whole=lambda d, n, pixels, T: (d + n / math.log(2)) / pixels
        ),
        "those are the bits of the whole picture; asked was for each pixel": _bits_by(
            whole=lambda d, n, pixels, T: (d + n) / math.log(2)
        ),
        "you divided by the number of tokens; asked was for each pixel": _bits_by(
            whole=lambda d, n, pixels, T: (d + n) / (T * math.log(2))
        ),
        "each part is divided by its own number; both are to be for each pixel": _bits_by(
            whole=lambda d, n, pixels, T: (d / pixels + n / T) / math.log(2)
        ),
        "the tokens' code lengths add up; you took their mean": _bits_by(
            lambda q, t: F.cross_entropy(q.transpose(1, 2), t, reduction="none").mean(1)
        ),
        "that is the uniform code's length, T log K; asked was the prior's": _bits_by(
            lambda q, t: torch.full_like(q[:, 0, 0], t.shape[1] * math.log(q.shape[2])) + 0 * q.sum((1, 2))
        ),
        "you took the entropy of the prior; what a token costs is -log of its own probability": _bits_by(
            lambda q, t: -(q.softmax(2) * q.log_softmax(2)).sum((1, 2))
        ),
        "you took the most probable token's; what is paid is for the token that is there": _bits_by(
            lambda q, t: -q.log_softmax(2).amax(2).sum(1)
        ),
        "logits are no log-probabilities: subtract logsumexp": _bits_by(
            lambda q, t: -q.gather(2, t[..., None]).sum((1, 2))
        ),
        "cross_entropy takes logits; you gave it probabilities": _bits_by(
            lambda q, t: F.cross_entropy(q.softmax(2).transpose(1, 2), t, reduction="none").sum(1)
        ),
        "asked was a number for each example; you averaged over the batch": _bits_by(
            lambda q, t: F.cross_entropy(q.transpose(1, 2), t, reduction="none").sum(1).mean().expand(len(t)),
            lambda d, n, pixels, T: (d.mean() + n) / (pixels * math.log(2)),
        ),
    },
)


# 9.9 ------------------------------------------------------------------------------------------------------------------


def adaptive_weight(rec, adversarial, weights, delta):
    (of_rec,) = torch.autograd.grad(rec, weights, retain_graph=True)
    (of_critic,) = torch.autograd.grad(adversarial, weights, retain_graph=True)
    return of_rec.norm() / (of_critic.norm() + delta)


def _two_losses(g, shape=(3, 4), delta=1e-4, scale=1.0):
    return (
        Pulled(_rand(g, *shape), scale * _rand(g, *shape), scale),
        Pulled(_rand(g, *shape), _rand(g, *shape), 1.0),
        delta,
    )


def _weight_by(made, attached=False):
    """A wrong answer by both gradients, both losses and delta."""

    def answer(rec, adversarial, weights, delta):
        (a,) = torch.autograd.grad(rec, weights, retain_graph=True, create_graph=attached)
        (b,) = torch.autograd.grad(adversarial, weights, retain_graph=True, create_graph=attached)
        found = made(a, b, rec, adversarial, delta)
        return found if attached else found.detach()

    return answer


adaptive = Exercise(
    "9.9",
    "adaptive_weight",
    reference=adaptive_weight,
    inputs=_two_losses,
    observe=weight_of_two_losses,
    edges={
        "delta is not small": _two_losses(_seeded(2), delta=0.5),
        "a weight of one number": _two_losses(_seeded(3), (1, 1)),
        "a reconstruction in other units": _two_losses(_seeded(4), scale=100.0),
        "a square weight": _two_losses(_seeded(5), (3, 3)),
    },
    mistakes={
        "the ratio is turned round: the critic's gradient is below": _weight_by(
            lambda a, b, r, c, d: b.norm() / (a.norm() + d)
        ),
        "that is the ratio of the losses; asked was that of their gradients": _weight_by(
            lambda a, b, r, c, d: r.abs() / (c.abs() + d)
        ),
        "delta is missing: it keeps the ratio finite": _weight_by(lambda a, b, r, c, d: a.norm() / b.norm()),
        "delta belongs below, beside the critic's gradient": _weight_by(lambda a, b, r, c, d: a.norm() / b.norm() + d),
        "the squares were not asked for: λ is the ratio of the lengths": _weight_by(
            lambda a, b, r, c, d: a.square().sum() / (b.square().sum() + d)
        ),
        "the length is the root of the sum of squares; you summed the sizes": _weight_by(
            lambda a, b, r, c, d: a.abs().sum() / (b.abs().sum() + d)
        ),
        "that is a ratio of means of squares' roots: delta counts for more in it; take the lengths": _weight_by(
            lambda a, b, r, c, d: a.square().mean().sqrt() / (b.square().mean().sqrt() + d)
        ),
        "the ratio is to be one number, of the lengths; you divided number by number": _weight_by(
            lambda a, b, r, c, d: (a / (b + d)).norm()
        ),
        "those are the largest entries; asked were the lengths": _weight_by(
            lambda a, b, r, c, d: a.abs().max() / (b.abs().max() + d)
        ),
        "a gradient flows through λ: detach it, or the loss would change its own weight": _weight_by(
            lambda a, b, r, c, d: a.norm() / (b.norm() + d), attached=True
        ),
        "the losses' graphs are used up: whoever calls backward afterwards gets an error; pass retain_graph=True": (
            lambda rec, adversarial, weights, delta: (
                torch.autograd.grad(rec, weights)[0].norm()
                / (torch.autograd.grad(adversarial, weights)[0].norm() + delta)
            ).detach()
        ),
    },
)


# 9.10 -----------------------------------------------------------------------------------------------------------------


def token_bugs():
    return {"A": True, "B": True, "C": False, "D": True, "E": False, "F": True}


bugs = Exercise(
    "9.10",
    "token_bugs",
    reference=token_bugs,
    observe=judged(token_bugs()),
    mistakes=misjudged(
        token_bugs(),
        {
            "A": "a bug: β weights the commitment, |z - sg[e]|²; here it is on the codes' term",
            "B": "a bug: z_q is z already where gradients are concerned, so the codes get none from this term",
            "C": "no bug: detaching z there and e here is how it should be; both terms have the same value forwards",
            "D": "a bug: the codes are averaged with themselves, and stay where they are",
            "E": "no bug: log K is a constant, so the gradient is right; only the number printed is off",
            "F": "a bug: distortion alone is no bound; the tokens must be paid for as well",
        },
    ),
)


# 9.11 -----------------------------------------------------------------------------------------------------------------


def prior_bugs():
    return {"A": True, "B": False, "C": True, "D": True, "E": True, "F": False}


more_bugs = Exercise(
    "9.11",
    "prior_bugs",
    reference=prior_bugs,
    observe=judged(prior_bugs()),
    mistakes=misjudged(
        prior_bugs(),
        {
            "A": "a bug: the numbers of tokens mean nothing without their codebook; the second run has another one",
            "B": "no bug: the order of the tokens is free, as long as training and sampling use the same one",
            "C": "a bug: the counts are smoothed, but no longer sum to what they did: codes without points explode",
            "D": "a bug: a picture's token can be no word; without the mask some probability is lost on what can't be",
            "E": "a bug: guidance must stay on logits or logarithms; these numbers can be negative and sum to anything",
            "F": "no bug: it draws eight pictures of one caption, and keeps the one with the highest score",
        },
    ),
)


EXERCISES = (lloyd, through, terms, averaged, by_hand, finite, gumbel, bits, adaptive, bugs, more_bugs)
