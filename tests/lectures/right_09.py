"""Right answers to the exercises of lecture 09, otherwise written: each is accepted, or told one true thing."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.cluster.vq import vq
from torch.distributions import Categorical, OneHotCategorical, kl_divergence


def lloyd_in_loops(x, codes):
    t, moved = [], [list(map(float, code)) for code in codes]
    for point in x:
        distances = [sum((a - b) ** 2 for a, b in zip(point.tolist(), code.tolist(), strict=True)) for code in codes]
        t.append(distances.index(min(distances)))
    for k in range(len(codes)):
        mine = [point.tolist() for point, of in zip(x, t, strict=True) if of == k]
        if mine:
            moved[k] = [sum(column) / len(mine) for column in zip(*mine, strict=True)]
    return t, moved


def lloyd_in_numpy(x, codes):
    x, codes = x.numpy(), codes.numpy().copy()
    t = ((x[:, None] - codes[None]) ** 2).sum(-1).argmin(-1)
    moved = codes.copy()
    for k in np.unique(t):
        moved[k] = x[t == k].mean(0)
    return t, moved


def lloyd_by_one_hot(x, codes):
    t = torch.linalg.vector_norm(x.unsqueeze(1) - codes.unsqueeze(0), dim=2).argmin(dim=1)
    chosen = F.one_hot(t, len(codes)).to(x)
    counts = chosen.sum(0)[:, None]
    return [t, torch.where(counts > 0, chosen.T @ x / counts.clamp(min=1), codes)]


def lloyd_by_scatter(x, codes):
    t = torch.cdist(x, codes, compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
    moved = codes.clone().scatter_reduce(0, t[:, None].expand_as(x), x, "mean", include_self=False)
    return t, moved


def through_by_a_function(z, codes):
    class Nearest(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, codes):
            return codes[torch.cdist(z, codes).argmin(1)]

        @staticmethod
        def backward(ctx, gradient):
            return gradient, None

    return Nearest.apply(z, codes)


def through_by_no_grad(z, codes):
    with torch.no_grad():
        t = (z[:, None, :] - codes[None]).pow(2).sum(-1).argmin(-1)
        jump = torch.index_select(codes, 0, t) - z
    return z + jump


def through_in_a_loop(z, codes):
    rows = []
    for vector in z:
        e = min(codes.detach(), key=lambda code: (vector.detach() - code).square().sum().item())
        rows.append(vector - vector.detach() + e)
    return torch.stack(rows)


def through_by_scipy(z, codes):
    t = torch.from_numpy(vq(z.detach().numpy(), codes.detach().numpy())[0]).long()
    return codes[t].detach() + (z - z.detach())


def terms_by_mse(z, e, beta):
    B = z.shape[0]
    return (F.mse_loss(z.detach(), e, reduction="sum") + beta * F.mse_loss(z, e.detach(), reduction="sum")) / B


def terms_by_einsum(z, e, beta):
    a, b = z.detach() - e, z - e.detach()
    return (torch.einsum("btd,btd->b", a, a) + beta * torch.einsum("btd,btd->b", b, b)).mean()


def terms_in_a_loop(z, e, beta):
    total = 0
    for i in range(len(z)):
        for j in range(z.shape[1]):
            total = total + ((z[i, j].detach() - e[i, j]) ** 2).sum() + beta * ((z[i, j] - e[i, j].detach()) ** 2).sum()
    return total / len(z)


def terms_with_a_name(z, e, beta):
    sg = torch.Tensor.detach
    return torch.sum((sg(z) - e) ** 2, dim=(1, 2)).mean() + torch.mean(beta * (z - sg(e)).norm(dim=2).square().sum(1))


def averaged_by_index_add(counts, sums, z, t, decay):
    n = torch.bincount(t, minlength=len(counts)).to(counts)
    s = torch.zeros_like(sums).index_add_(0, t, z)
    counts, sums = torch.lerp(n, counts, decay), torch.lerp(s, sums, decay)
    return [counts, sums, sums / counts.unsqueeze(1)]


def averaged_in_a_loop(counts, sums, z, t, decay):
    N, m, e = [], [], []
    for k in range(len(counts)):
        mine = z[t == k]
        N.append(decay * counts[k] + (1 - decay) * len(mine))
        m.append(decay * sums[k] + (1 - decay) * mine.sum(0))
        e.append(m[-1] / N[-1])
    return torch.stack(N), torch.stack(m), torch.stack(e)


def averaged_in_numpy(counts, sums, z, t, decay):
    chosen = np.eye(len(counts))[t.numpy()]
    N = decay * counts.numpy() + (1 - decay) * chosen.sum(0)
    m = decay * sums.numpy() + (1 - decay) * np.einsum("nk,nd->kd", chosen, z.numpy())
    return N, m, m / N[:, None]


def fsq_by_a_loop(z, levels):
    columns, index, place = [], 0, 1
    for i, L in enumerate(levels):
        f = torch.tanh(z[:, i]) * (L - 1) / 2
        if L % 2 == 0:
            f = f - 0.5
        r = torch.round(f).detach()
        columns.append(f + r - f.detach())
        index = index + place * (r.long() + L // 2)
        place = place * L
    return torch.stack(columns, 1), index


def fsq_by_a_function(z, levels):
    class Round(torch.autograd.Function):
        @staticmethod
        def forward(ctx, f):
            return f.round()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    L = torch.as_tensor(levels, dtype=z.dtype)
    level = Round.apply((L - 1) * (torch.sigmoid(2 * z) - 0.5) - torch.where(L % 2 == 0, 0.5, 0.0))
    digits = (level.detach() + torch.floor(L / 2)).long()
    places = np.cumprod([1, *levels[:-1]])
    return level, (digits * torch.from_numpy(places)).sum(dim=1)


def fsq_by_horner(z, levels):
    L = torch.tensor(list(levels))
    f = 0.5 * (L - 1) * z.tanh() - 0.5 * (1 - L % 2)
    level = f - f.detach() + torch.round(f.detach())
    number = torch.zeros(len(z), dtype=torch.long)
    for i in reversed(range(len(levels))):
        number = number * levels[i] + torch.round(f[:, i].detach()).long() + levels[i] // 2
    return [level, number]


def gumbel_by_distributions(logits, g, tau):
    q = Categorical(logits=logits)
    return F.softmax((q.logits + g) / tau, dim=-1), kl_divergence(q, Categorical(logits=torch.zeros_like(logits))).sum(
        -1
    )


def gumbel_by_entropy(logits, g, tau):
    K = logits.size(-1)
    scaled = (logits + g) / tau
    w = (scaled - scaled.logsumexp(-1, keepdim=True)).exp()
    return [w, (math.log(K) - Categorical(logits=logits).entropy()).sum(dim=1)]


def gumbel_in_a_loop(logits, g, tau):
    kl = []
    for example in logits:
        total = 0
        for place in example:
            p = torch.softmax(place, 0)
            total = total + (p * (torch.log_softmax(place, 0) - math.log(1 / len(place)))).sum()
        kl.append(total)
    return torch.softmax((logits + g) / tau, -1), torch.stack(kl)


def bits_by_distributions(distortion, logits, t, pixels):
    return (distortion - Categorical(logits=logits).log_prob(t).sum(-1)) / math.log(2) / pixels


def bits_by_gather(distortion, logits, t, pixels):
    log2_p = (logits - logits.logsumexp(-1, keepdim=True)).gather(-1, t.unsqueeze(-1)).squeeze(-1) / np.log(2)
    return (distortion / np.log(2) - log2_p.sum(1)) / pixels


def bits_in_a_loop(distortion, logits, t, pixels):
    whole = []
    for lost, rows, tokens in zip(distortion, logits, t, strict=True):
        for row, token in zip(rows, tokens, strict=True):
            lost = lost - row.log_softmax(0)[token]
        whole.append(lost / (pixels * math.log(2)))
    return torch.stack(whole)


def bits_by_one_hot(distortion, logits, t, pixels):
    one = F.one_hot(t, logits.shape[-1]).to(logits)
    length = -OneHotCategorical(logits=logits).log_prob(one).sum(1)
    return (distortion + length).div(pixels).div(math.log(2))


def weight_by_norms(rec, adversarial, weights, delta):
    a = torch.autograd.grad(rec, [weights], retain_graph=True)[0]
    b = torch.autograd.grad(adversarial, [weights], retain_graph=True)[0]
    return torch.linalg.vector_norm(a).detach() / (torch.linalg.vector_norm(b).detach() + delta)


def weight_by_sums(rec, adversarial, weights, delta):
    a, b = (torch.autograd.grad(v, weights, retain_graph=True, create_graph=True)[0] for v in (rec, adversarial))
    with torch.no_grad():
        return a.pow(2).sum().sqrt() / (b.pow(2).sum().sqrt() + delta)


def weight_as_a_function(rec, adversarial, weights, delta):
    def length(v):
        return torch.autograd.grad(v, weights, retain_graph=True)[0].flatten().norm(p=2)

    return torch.div(length(rec), length(adversarial) + delta).clone().detach()


RIGHT = {
    "lloyd_step": {
        "Python loops, lists": lloyd_in_loops,
        "NumPy": lloyd_in_numpy,
        "one-hot, a list": lloyd_by_one_hot,
        "scatter_reduce": lloyd_by_scatter,
    },
    "straight_through": {
        "an autograd function": through_by_a_function,
        "under no_grad": through_by_no_grad,
        "a loop": through_in_a_loop,
        "SciPy": through_by_scipy,
    },
    "vq_terms": {
        "mse_loss": terms_by_mse,
        "einsum": terms_by_einsum,
        "loops": terms_in_a_loop,
        "norms": terms_with_a_name,
    },
    "moving_average": {
        "index_add, a list": averaged_by_index_add,
        "a loop": averaged_in_a_loop,
        "NumPy": averaged_in_numpy,
        "einsum": lambda counts, sums, z, t, decay: (
            N := decay * counts + (1 - decay) * torch.bincount(t, minlength=len(counts)),
            m := decay * sums + (1 - decay) * torch.einsum("nk,nd->kd", F.one_hot(t, len(counts)).double(), z),
            m / N[:, None],
        ),
    },
    "token_bits": {
        "powers": lambda: (49 * math.log2(128), 49 * math.log2(32), 49 * 5 / 28**2),
        "a tensor": lambda: torch.tensor([343.0, 245.0, 0.3125]),
        "a list": lambda: [343, 245, 0.3125],
        "an array": lambda: np.array([343, 245, 245 / 784]),
    },
    "fsq": {
        "a loop over the numbers": fsq_by_a_loop,
        "an autograd function, sigmoid": fsq_by_a_function,
        "Horner's rule": fsq_by_horner,
        "a hint of types": lambda z, levels: tuple(fsq_by_a_loop(z, tuple(int(L) for L in levels))),
    },
    "gumbel_weights": {
        "distributions": gumbel_by_distributions,
        "entropy, a list": gumbel_by_entropy,
        "a loop": gumbel_in_a_loop,
        "kl_div": lambda logits, g, tau: (
            torch.nn.functional.softmax((logits.log_softmax(-1) + g) / tau, dim=2),
            (logits.softmax(2) * (logits.log_softmax(2) + math.log(logits.shape[2]))).flatten(1).sum(1),
        ),
    },
    "bits_per_pixel": {
        "distributions": bits_by_distributions,
        "gather": bits_by_gather,
        "loops": bits_in_a_loop,
        "one-hot": bits_by_one_hot,
    },
    "adaptive_weight": {
        "vector norms": weight_by_norms,
        "roots of sums": weight_by_sums,
        "a function within": weight_as_a_function,
        "not detached, for it needs no graph": lambda rec, adversarial, weights, delta: (
            torch.autograd.grad(rec, weights, retain_graph=True)[0].norm()
            / (torch.autograd.grad(adversarial, weights, retain_graph=True)[0].norm() + delta)
        ),
    },
    "token_bugs": {
        "small letters": lambda: dict(zip("abcdef", (True, True, False, True, False, True), strict=True)),
        "a list": lambda: [True, True, False, True, False, True],
        "compared": lambda: {letter: letter not in "CE" for letter in "ABCDEF"},
        "a tensor": lambda: torch.tensor([True, True, False, True, False, True]),
    },
    "prior_bugs": {
        "small letters": lambda: dict(zip("abcdef", (True, False, True, True, True, False), strict=True)),
        "a list": lambda: [True, False, True, True, True, False],
        "another order": lambda: {"F": False, "E": True, "D": True, "C": True, "B": False, "A": True},
        "a tensor": lambda: torch.tensor([True, False, True, True, True, False]),
    },
}
