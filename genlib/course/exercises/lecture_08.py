"""The exercises of lecture 08 and the mistakes that people make in them."""

import math

import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch import Tensor
from torch.distributions import Normal

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_08 import Critic, Translator, penalty_and_gradient


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rand(g, *shape) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


# 8.1 ------------------------------------------------------------------------------------------------------------------


def frechet_distance(a, b):
    S, T = a.T.cov(), b.T.cov()
    roots = torch.linalg.eigvals(S @ T).real.clamp(min=0).sqrt()
    return (a.mean(0) - b.mean(0)).square().sum() + S.trace() + T.trace() - 2 * roots.sum()


def _two_heaps(g, n=7, m=5, d=3, apart=1.0):
    return _rand(g, n, d) @ _rand(g, d, d) + 1, 0.7 * _rand(g, m, d) @ _rand(g, d, d) - apart


def _frechet_by(parts):
    """A wrong answer by (the difference of the means, both covariances, the roots' sum) -> a number."""

    def answer(a, b):
        S, T = a.T.cov(), b.T.cov()
        roots = torch.linalg.eigvals(S @ T).real.clamp(min=0).sqrt().sum()
        return parts(a.mean(0) - b.mean(0), S, T, roots)

    return answer


def _frechet_divides_by_n(a, b):
    S, T = a.T.cov(correction=0), b.T.cov(correction=0)
    roots = torch.linalg.eigvals(S @ T).real.clamp(min=0).sqrt()
    return (a.mean(0) - b.mean(0)).square().sum() + S.trace() + T.trace() - 2 * roots.sum()


def _frechet_of_each_entry(a, b):
    S, T = a.T.cov(), b.T.cov()
    root = (S @ T).clamp(min=0).sqrt()
    return (a.mean(0) - b.mean(0)).square().sum() + (S + T - 2 * root).trace()


def _frechet_of_columns(a, b):
    """Each feature by itself, as if the covariances were diagonal."""
    return (a.mean(0) - b.mean(0)).square().sum() + (a.std(0) - b.std(0)).square().sum()


def _is_0_of_a_set_and_itself(answer):
    a, _ = _two_heaps(_seeded(3))
    assert abs(float(answer(a, a.clone()))) < 1e-5


frechet = Exercise(
    "8.1",
    "frechet_distance",
    reference=frechet_distance,
    inputs=_two_heaps,
    edges={
        "fewer examples than features": _two_heaps(_seeded(4), 3, 4, 6),
        "two features, equal numbers": _two_heaps(_seeded(5), 6, 6, 2),
        "as many examples as features": _two_heaps(_seeded(6), 4, 4, 4),
        "means a hundred apart": _two_heaps(_seeded(7), apart=100.0),
    },
    properties={"it is 0 for a set and itself": _is_0_of_a_set_and_itself},
    mistakes={
        "the term of the means is missing": _frechet_by(lambda m, S, T, r: S.trace() + T.trace() - 2 * r),
        "the covariances are missing: that is the distance of the means alone": _frechet_by(
            lambda m, S, T, r: m.square().sum()
        ),
        "the roots are to be subtracted; you added them": _frechet_by(
            lambda m, S, T, r: m.square().sum() + S.trace() + T.trace() + 2 * r
        ),
        "the factor 2 before the root is missing": _frechet_by(
            lambda m, S, T, r: m.square().sum() + S.trace() + T.trace() - r
        ),
        "the root is missing: without it the distance of a set and itself is not 0": _frechet_by(
            lambda m, S, T, r: m.square().sum() + S.trace() + T.trace()
        ),
        "you summed the eigenvalues; their square roots are to be summed": _frechet_by(
            lambda m, S, T, r: m.square().sum() + S.trace() + T.trace() - 2 * (S @ T).trace()
        ),
        "the means are to be squared: you took the length of their difference": _frechet_by(
            lambda m, S, T, r: m.norm() + S.trace() + T.trace() - 2 * r
        ),
        "the root of a trace is not the trace of the root: the eigenvalues have a root each": _frechet_by(
            lambda m, S, T, r: m.square().sum() + S.trace() + T.trace() - 2 * (S @ T).trace().clamp(min=0).sqrt()
        ),
        "that is the square root of d²; asked was d²": _frechet_by(
            lambda m, S, T, r: (m.square().sum() + S.trace() + T.trace() - 2 * r).clamp(min=0).sqrt()
        ),
        "a matrix' square root is not that of each entry": _frechet_of_each_entry,
        "the covariances were to divide by n - 1; yours divide by n": _frechet_divides_by_n,
        "you took each feature by itself: what features share is in the covariances": _frechet_of_columns,
        "you averaged over the features; the terms are sums": _frechet_by(
            lambda m, S, T, r: m.square().mean() + (S.trace() + T.trace() - 2 * r) / len(S)
        ),
        "only the covariance of the first set stands there; both belong": _frechet_by(
            lambda m, S, T, r: m.square().sum() + 2 * S.trace() - 2 * r
        ),
    },
)


# 8.2 ------------------------------------------------------------------------------------------------------------------


def precision_recall(real, fake, k):
    def inside(points, support):
        reach = torch.cdist(support, support).sort(1).values[:, k]
        return (torch.cdist(points, support) <= reach).any(1).double().mean()

    return inside(fake, real), inside(real, fake)


def _clouds(g, n=12, m=9, d=2, k=2):
    return _rand(g, n, d), 1.3 * _rand(g, m, d) + 0.5, k


def _lattice(k):
    """Points whose distances are whole numbers: edges count."""
    real = torch.tensor([[0.0, 0], [3, 0], [0, 4], [9, 0], [9, 12]], dtype=torch.float64)
    fake = torch.tensor([[3.0, 4], [12, 12], [9, 4], [0, -3], [20, 20], [6, 0]], dtype=torch.float64)
    return real, fake, k


def _shares(reach_of=None, near=None, of=None):
    """A wrong answer: other radii (support, k) -> (n,), another comparison, or another share."""
    reach_of = reach_of or (lambda s, k: torch.cdist(s, s).sort(1).values[:, k])
    near = near or (lambda distance, reach: distance <= reach)
    of = of or (lambda inside: inside.any(1).double().mean())

    def answer(real, fake, k):
        return tuple(of(near(torch.cdist(p, s), reach_of(s, k))) for p, s in ((fake, real), (real, fake)))

    return answer


precision = Exercise(
    "8.2",
    "precision_recall",
    reference=precision_recall,
    inputs=_clouds,
    edges={
        "k = 1": _clouds(_seeded(2), k=1),
        "k = 4, as many fakes as real ones": _clouds(_seeded(3), 10, 10, 3, 4),
        "points on the edge of a ball": _lattice(1),
        "points on the edge of a ball, k = 2": _lattice(2),
        "fakes far away": (_rand(_seeded(5), 6, 2), _rand(_seeded(6), 7, 2) + 50, 2),
    },
    mistakes={
        "the two are exchanged: first precision, the share of the fakes": lambda *a: precision_recall(*a)[::-1],
        "the nearest of all is the point itself, at distance 0: your ball reaches to the neighbour before": _shares(
            lambda s, k: torch.cdist(s, s).sort(1).values[:, k - 1]
        ),
        "your ball reaches to the neighbour after: the k-th other one is at place k of the sorted row": _shares(
            lambda s, k: torch.cdist(s, s).sort(1).values[:, min(k + 1, len(s) - 1)]
        ),
        "a point at the edge of a ball is in it: <=, not <": _shares(near=lambda d, r: d < r),
        "each ball has its own radius; you took the mean of all": _shares(
            lambda s, k: torch.cdist(s, s).sort(1).values[:, k].mean()
        ),
        "each ball has its own radius; you took the largest": _shares(
            lambda s, k: torch.cdist(s, s).sort(1).values[:, k].max()
        ),
        "one ball is enough; you asked for all": _shares(of=lambda inside: inside.all(1).double().mean()),
        "asked was the share of points in at least one ball, not that of pairs": _shares(
            of=lambda inside: inside.double().mean()
        ),
        "asked was a share; you counted": _shares(of=lambda inside: inside.any(1).double().sum()),
        "that is the share of balls that hold a point; asked was the share of points in a ball": _shares(
            of=lambda inside: inside.any(0).double().mean()
        ),
        "you squared the distances, but not the radii": _shares(near=lambda d, r: d**2 <= r),
        "you returned precision twice: for recall exchange real and fake": lambda *a: (precision_recall(*a)[0],) * 2,
        "the balls of precision lie around the real points, for both: for recall they lie around the fakes": (
            lambda real, fake, k: (
                precision_recall(real, fake, k)[0],
                (torch.cdist(fake, real) <= torch.cdist(real, real).sort(1).values[:, k]).any(0).double().mean(),
            )
        ),
    },
)


# 8.3 ------------------------------------------------------------------------------------------------------------------


def acgan_losses(real, fake, real_classes, fake_classes, y):
    guess = F.cross_entropy(fake_classes, y)
    judge = F.softplus(-real).mean() + F.softplus(fake).mean() + F.cross_entropy(real_classes, y) + guess
    return judge, F.softplus(-fake).mean() + guess


def _labelled(g, B=5, K=4, scale=2.0):
    y = torch.randint(K, (B,), generator=g)
    return scale * _rand(g, B), scale * _rand(g, B) + 1, scale * _rand(g, B, K), scale * _rand(g, B, K) - 1, y


def _acgan_by(judge, maker):
    """A wrong answer by the four parts of the one loss and the three of the other: functions of (parts)."""

    def answer(real, fake, real_classes, fake_classes, y):
        parts = {
            "real": F.softplus(-real).mean(),
            "fake": F.softplus(fake).mean(),
            "fools": F.softplus(-fake).mean(),
            "C_real": F.cross_entropy(real_classes, y),
            "C_fake": F.cross_entropy(fake_classes, y),
            "fake_logit": fake,
            "real_logit": real,
        }
        return judge(parts), maker(parts)

    return answer


def _judge_right(p):
    return p["real"] + p["fake"] + p["C_real"] + p["C_fake"]


def _maker_right(p):
    return p["fools"] + p["C_fake"]


def _acgan_summed(real, fake, real_classes, fake_classes, y):
    return tuple(len(y) * loss for loss in acgan_losses(real, fake, real_classes, fake_classes, y))


def _acgan_probabilities(real, fake, real_classes, fake_classes, y):
    return acgan_losses(real, fake, real_classes.softmax(1), fake_classes.softmax(1), y)


def _acgan_twice_sigmoid(real, fake, real_classes, fake_classes, y):
    return acgan_losses(real.sigmoid(), fake.sigmoid(), real_classes, fake_classes, y)


acgan = Exercise(
    "8.3",
    "acgan_losses",
    reference=acgan_losses,
    inputs=_labelled,
    edges={
        "logits of a thousand": _labelled(_seeded(2), scale=1000.0),
        "as many classes as examples": _labelled(_seeded(3), 4, 4),
        "one example": _labelled(_seeded(4), 1, 3),
    },
    gradients=True,
    mistakes={
        "in D's loss the classifier's term of the data is missing": _acgan_by(
            lambda p: p["real"] + p["fake"] + p["C_fake"], _maker_right
        ),
        "in D's loss the classifier's term of the fakes is missing: D minimises it, too": _acgan_by(
            lambda p: p["real"] + p["fake"] + p["C_real"], _maker_right
        ),
        "in D's loss both of the classifier's terms are missing": _acgan_by(
            lambda p: p["real"] + p["fake"], _maker_right
        ),
        "in G's loss the classifier's term is missing: nobody would ask G for the class": _acgan_by(
            _judge_right, lambda p: p["fools"]
        ),
        "G wants its class to be guessed: the classifier's term is added to its loss, not subtracted": _acgan_by(
            _judge_right, lambda p: p["fools"] - p["C_fake"]
        ),
        "D guesses the fakes' class as well as it can: that term is added, not subtracted": _acgan_by(
            lambda p: p["real"] + p["fake"] + p["C_real"] - p["C_fake"], _maker_right
        ),
        "G's part is that of minimax, log(1 - D); asked was non-saturating, -log D": _acgan_by(
            _judge_right, lambda p: p["C_fake"] - p["fake"]
        ),
        "real and fake are exchanged in D's loss: it would call fakes real": _acgan_by(
            lambda p: (
                F.softplus(p["real_logit"]).mean() + F.softplus(-p["fake_logit"]).mean() + p["C_real"] + p["C_fake"]
            ),
            _maker_right,
        ),
        "G's data term does not belong there: what C says of data does not depend on G": _acgan_by(
            _judge_right, lambda p: p["fools"] + p["C_fake"] + p["C_real"]
        ),
        "G's sign is flipped: it wants the logit of its fakes to be high": _acgan_by(
            _judge_right, lambda p: p["fake"] + p["C_fake"]
        ),
        "the two classifier's terms have the weight 1 each; you took their mean": _acgan_by(
            lambda p: p["real"] + p["fake"] + (p["C_real"] + p["C_fake"]) / 2, _maker_right
        ),
        "D's two terms have the weight 1 each; you took their mean": _acgan_by(
            lambda p: (p["real"] + p["fake"]) / 2 + p["C_real"] + p["C_fake"], _maker_right
        ),
        "the two losses are exchanged: first D's": lambda *five: acgan_losses(*five)[::-1],
        "you summed over the batch; losses are means": _acgan_summed,
        "cross_entropy takes logits; you gave it probabilities": _acgan_probabilities,
        "real and fake are logits already; you took the sigmoid twice": _acgan_twice_sigmoid,
    },
)


# 8.4 ------------------------------------------------------------------------------------------------------------------


def information_bound(logits, means, category, values, scale):
    entropy = math.log(logits.shape[1]) + values.shape[1] * math.log(2)
    lost = F.cross_entropy(logits, category) - Normal(means, scale).log_prob(values).sum(1).mean()
    return entropy - lost


def _read(g, B=6, K=5, V=2, scale=0.4):
    category = torch.randint(K, (B,), generator=g)
    values = 2 * torch.rand(B, V, generator=g, dtype=torch.float64) - 1
    return 2 * _rand(g, B, K), values + 0.3 * _rand(g, B, V), category, values, scale


def _well_read(g, B=5, K=100, V=4):
    _, _, category, values, scale = _read(g, B, K, V, 0.05)
    return (
        20 * F.one_hot(category, K).double() + _rand(g, B, K),
        values + 0.02 * _rand(g, B, V),
        category,
        values,
        scale,
    )


def _bound(entropy=None, of_category=None, of_values=None):
    """A wrong answer by its three parts, each a function of all arguments."""
    entropy = entropy or (lambda q, m, c, v, s: math.log(q.shape[1]) + v.shape[1] * math.log(2))
    of_category = of_category or (lambda q, m, c, v, s: F.cross_entropy(q, c))
    of_values = of_values or (lambda q, m, c, v, s: -Normal(m, s).log_prob(v).sum(1).mean())

    def answer(*five):
        return entropy(*five) - of_category(*five) - of_values(*five)

    return answer


information = Exercise(
    "8.4",
    "information_bound",
    reference=information_bound,
    inputs=_read,
    edges={
        "two categories, one value": _read(_seeded(2), 4, 2, 1, 0.7),
        "as many examples as categories and values": _read(_seeded(3), 3, 3, 3, 0.5),
        "a narrow Q": _read(_seeded(4), scale=0.05),
        "a wide Q": _read(_seeded(5), scale=3.0),
        "logits of a thousand": (1000 * _read(_seeded(6))[0], *_read(_seeded(6))[1:]),
        "a code that is read nearly without error": _well_read(_seeded(7)),
    },
    gradients=True,
    mistakes={
        "that is the loss: L_I with the sign flipped": lambda *five: -information_bound(*five),
        "the entropy of the codes is missing": _bound(lambda *five: 0.0),
        "the entropy of the category is missing, log K": _bound(lambda q, m, c, v, s: v.shape[1] * math.log(2)),
        "the entropy of the values is missing: an interval of length 2 has log 2, for each value": _bound(
            lambda q, m, c, v, s: math.log(q.shape[1])
        ),
        "each value has the entropy log 2; you counted one": _bound(
            lambda q, m, c, v, s: math.log(q.shape[1]) + math.log(2)
        ),
        "you subtracted the entropy of the values: an interval of length 2 has log 2, and it is added": _bound(
            lambda q, m, c, v, s: math.log(q.shape[1]) - v.shape[1] * math.log(2)
        ),
        "both entropies are subtracted; they are what there was to know, and are added": _bound(
            lambda q, m, c, v, s: -math.log(q.shape[1]) - v.shape[1] * math.log(2)
        ),
        "the values are missing altogether: their entropy, and what Q says of them": _bound(
            lambda q, m, c, v, s: math.log(q.shape[1]), None, lambda *five: 0.0
        ),
        "the values' log-density is missing": _bound(None, None, lambda *five: 0.0),
        "the category's log-probability is missing": _bound(None, lambda *five: 0.0),
        "you averaged over the values; independent densities multiply, so their logarithms add": _bound(
            None, None, lambda q, m, c, v, s: -Normal(m, s).log_prob(v).mean()
        ),
        "you summed over the batch; an expectation is a mean": _bound(
            None,
            lambda q, m, c, v, s: F.cross_entropy(q, c, reduction="sum"),
            lambda q, m, c, v, s: -Normal(m, s).log_prob(v).sum(),
        ),
        "scale is the standard deviation; you took it for the variance": _bound(
            None, None, lambda q, m, c, v, s: -Normal(m, s**0.5).log_prob(v).sum(1).mean()
        ),
        "squared errors alone are no log-density: the Gaussian's constant belongs there": _bound(
            None, None, lambda q, m, c, v, s: ((v - m) ** 2 / (2 * s**2)).sum(1).mean()
        ),
        "the scale does not count in yours: that is a Gaussian of deviation 1": _bound(
            None, None, lambda q, m, c, v, s: -Normal(m, 1.0).log_prob(v).sum(1).mean()
        ),
        "the ½ log 2π of the Gaussian is missing": _bound(
            None, None, lambda q, m, c, v, s: ((v - m) ** 2 / (2 * s**2) + math.log(s)).sum(1).mean()
        ),
        "cross_entropy takes logits; you gave it probabilities": _bound(
            None, lambda q, m, c, v, s: F.cross_entropy(q.softmax(1), c)
        ),
        "these are bits; asked were nats": lambda *five: information_bound(*five) / math.log(2),
        "log B is not the entropy of the category: it is uniform among K": _bound(
            lambda q, m, c, v, s: math.log(len(q)) + v.shape[1] * math.log(2)
        ),
    },
)


# 8.5 ------------------------------------------------------------------------------------------------------------------


def gradient_penalty(critic, real, fake, u):
    u = u[:, None, None, None]
    between = (u * real + (1 - u) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def _judged_pictures(g, B=4, C=2, H=3, W=2, units=5):
    critic = Critic(0.4 * _rand(g, C * H * W, units), _rand(g, units))
    u = torch.rand(B, generator=g, dtype=torch.float64)
    return critic, _rand(g, B, C, H, W), _rand(g, B, C, H, W) + 1, u


def _steep(critic):
    return Critic(critic.weight, 10 * critic.bend)


def _penalty(mix=None, of=None, graph=True):
    """A wrong answer: another place (real, fake, u) -> x, or another number of the slopes (B, C, H, W)."""
    mix = mix or (lambda real, fake, u: u * real + (1 - u) * fake)
    of = of or (lambda slope: (slope.flatten(1).norm(dim=1) - 1).square().mean())

    def answer(critic, real, fake, u):
        between = mix(real, fake, u[:, None, None, None]).clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=graph)
        return of(slope)

    return answer


def _one_number_for_all(critic, real, fake, u):
    return gradient_penalty(critic, real, fake, u[:1].expand(len(u)))


def _of_the_mean_score(critic, real, fake, u):
    return _penalty(of=lambda slope: ((slope / len(slope)).flatten(1).norm(dim=1) - 1).square().mean())(
        critic, real, fake, u
    )


def _detached_slope(critic, real, fake, u):
    return gradient_penalty(critic, real, fake, u).detach()


penalised = Exercise(
    "8.5",
    "gradient_penalty",
    reference=gradient_penalty,
    inputs=_judged_pictures,
    observe=penalty_and_gradient,
    edges={
        "one channel": _judged_pictures(_seeded(2), 3, 1, 2, 2),
        "as many pictures as channels and pixels": _judged_pictures(_seeded(3), 3, 3, 3, 3),
        "one picture": _judged_pictures(_seeded(4), 1, 2, 2, 3),
        "a steep critic": (_steep(_judged_pictures(_seeded(6))[0]), *_judged_pictures(_seeded(6))[1:]),
        "u is 0 or 1": (*_judged_pictures(_seeded(5))[:3], torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)),
    },
    mistakes={
        "the length is to be over the whole picture; yours is over the channels, one for each pixel": _penalty(
            of=lambda s: (s.norm(dim=1) - 1).square().mean()
        ),
        "each picture has a length of its own; you took one of the whole batch": _penalty(
            of=lambda s: (s.norm() - 1).square()
        ),
        "the 1 is missing: you penalise every slope, as R1 does": _penalty(
            of=lambda s: s.flatten(1).norm(dim=1).square().mean()
        ),
        "the square is outside the bracket: (‖∇f‖ - 1)², not ‖∇f‖² - 1": _penalty(
            of=lambda s: (s.flatten(1).norm(dim=1).square() - 1).mean()
        ),
        "you squared the length before subtracting 1": _penalty(
            of=lambda s: (s.flatten(1).square().sum(1) - 1).square().mean()
        ),
        "the square is missing": [
            _penalty(of=lambda s: (s.flatten(1).norm(dim=1) - 1).mean()),
            _penalty(of=lambda s: (s.flatten(1).norm(dim=1) - 1).abs().mean()),
        ],
        "you penalise slopes above 1 only; asked was the distance from 1, either way": _penalty(
            of=lambda s: (s.flatten(1).norm(dim=1) - 1).clamp(min=0).square().mean()
        ),
        "you summed over the pictures; asked was their mean": _penalty(
            of=lambda s: (s.flatten(1).norm(dim=1) - 1).square().sum()
        ),
        "the mean length is not what is held to 1: square first, then take the mean": _penalty(
            of=lambda s: (s.flatten(1).norm(dim=1).mean() - 1).square()
        ),
        "that is the root of the mean of squares over the pixels; a length is that of their sum": _penalty(
            of=lambda s: (s.flatten(1).square().mean(1).sqrt() - 1).square().mean()
        ),
        "the length is the root of the sum of squares; you summed the sizes": _penalty(
            of=lambda s: (s.flatten(1).abs().sum(1) - 1).square().mean()
        ),
        "u belongs to the data, 1 - u to the fakes; you exchanged them": _penalty(
            lambda real, fake, u: (1 - u) * real + u * fake
        ),
        "the slope is to be taken between data and fakes; you took it at the data": _penalty(
            lambda real, fake, u: real + 0 * u
        ),
        "the slope is to be taken between data and fakes; you took it at the fakes": _penalty(
            lambda real, fake, u: fake + 0 * u
        ),
        "the slope is to be taken at x̂ = u real + (1 - u) fake; yours lies beyond the data": _penalty(
            lambda real, fake, u: real + u * fake
        ),
        "each picture has a u of its own; you took the first for all": _one_number_for_all,
        "you took the slope of the mean score: it is B times too small; take that of the sum": _of_the_mean_score,
        "the value is right, but no gradient reaches the critic: create_graph=True is missing": [
            _penalty(graph=False),
            _detached_slope,
        ],
    },
)


# 8.6 ------------------------------------------------------------------------------------------------------------------


def earth_moved(p, q, cost):
    n, m = cost.shape
    leaves = torch.kron(torch.eye(n), torch.ones(m))
    arrives = torch.eye(m).repeat(1, n)
    return linprog(cost.flatten(), A_eq=torch.cat([leaves, arrives]), b_eq=torch.cat([p, q])).fun


def _masses(g, n):
    p = torch.rand(n, generator=g, dtype=torch.float64) + 0.05
    return p / p.sum()


def _heaps_and_costs(g, n=4, m=3):
    return _masses(g, n), _masses(g, m), torch.rand(n, m, generator=g, dtype=torch.float64) * 5


def _greedy(p, q, cost):
    """From each place to the cheapest that still has room."""
    left, room, total = p.clone(), q.clone(), 0.0
    for at in cost.flatten().argsort().tolist():
        i, j = divmod(at, cost.shape[1])
        mass = min(left[i].item(), room[j].item())
        left[i] -= mass
        room[j] -= mass
        total += mass * cost[i, j].item()
    return total


def _northwest(p, q, cost):
    """In order, the cost not looked at."""
    left, room, total, i, j = p.clone(), q.clone(), 0.0, 0, 0
    while i < len(p) and j < len(q):
        mass = min(left[i].item(), room[j].item())
        left[i] -= mass
        room[j] -= mass
        total += mass * cost[i, j].item()
        i, j = (i + 1, j) if left[i] <= room[j] else (i, j + 1)
    return total


def _relaxed(rows, columns):
    """A wrong answer that asks for the sums of the rows only, or of the columns only."""

    def answer(p, q, cost):
        return ((p @ cost.min(1).values) if rows else (q @ cost.min(0).values)).item() * (rows or columns)

    return answer


moved = Exercise(
    "8.6",
    "earth_moved",
    reference=earth_moved,
    inputs=_heaps_and_costs,
    edges={
        "equal numbers of places": _heaps_and_costs(_seeded(2), 4, 4),
        "one place to be filled": _heaps_and_costs(_seeded(3), 5, 1),
        "one place to be emptied": _heaps_and_costs(_seeded(4), 1, 4),
        "a place without mass": (
            torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64),
            torch.tensor([0.0, 0.3, 0.7], dtype=torch.float64),
            torch.tensor([[1.0, 4, 2], [0.1, 0.1, 0.1], [3, 1, 5]], dtype=torch.float64),
        ),
        "costs below 0": (*_heaps_and_costs(_seeded(5))[:2], _heaps_and_costs(_seeded(5))[2] - 3),
        "a cheap way that makes the others dear": (
            torch.tensor([0.5, 0.5], dtype=torch.float64),
            torch.tensor([0.5, 0.5], dtype=torch.float64),
            torch.tensor([[1.0, 2.0], [2.0, 30.0]], dtype=torch.float64),
        ),
    },
    mistakes={
        "you took the cheapest way first, again and again; that can make the rest dear": _greedy,
        "that is a plan, but not the cheapest: it fills one place after the other": _northwest,
        "what arrives must sum to q: you sent each mass to its cheapest place": _relaxed(True, False),
        "what leaves must sum to p: you took each mass from its cheapest place": _relaxed(False, True),
        "you sent everything everywhere, in proportion; that is a plan, but not the cheapest": (
            lambda p, q, cost: (p @ cost @ q).item()
        ),
        "that is the dearest plan: linprog minimises": lambda p, q, cost: -earth_moved(p, q, -cost),
        "the sign is flipped": lambda p, q, cost: -earth_moved(p, q, cost),
        "you took the mean over the ways; masses weigh them already": (
            lambda p, q, cost: earth_moved(p, q, cost) / cost.numel()
        ),
        "the masses are not all equal: p and q say how much lies where": (
            lambda p, q, cost: earth_moved(torch.full_like(p, 1 / len(p)), torch.full_like(q, 1 / len(q)), cost)
        ),
        "costs are not distances to be squared: take them as they are": (lambda p, q, cost: earth_moved(p, q, cost**2)),
    },
)


# 8.7 ------------------------------------------------------------------------------------------------------------------


def cycle_loss(G, F_back, x, y, weight, identity):
    cycle = (F_back(G(x)) - x).abs().mean() + (G(F_back(y)) - y).abs().mean()
    return weight * cycle + identity * ((G(y) - y).abs().mean() + (F_back(x) - x).abs().mean())


def _domains(g, B=4, others=6, D=3, weight=10.0, identity=3.0):
    G, F_back = Translator(_rand(g, D, D)), Translator(_rand(g, D, D))
    return G, F_back, _rand(g, B, D), 0.5 * _rand(g, others, D) + 2, weight, identity


def _cycles(cycle=None, same=None, size=lambda t: t.abs().mean()):
    """A wrong answer: other cycles, or other identities, as functions (G, F, x, y) -> two differences."""
    cycle = cycle or (lambda G, F_, x, y: (F_(G(x)) - x, G(F_(y)) - y))
    same = same or (lambda G, F_, x, y: (G(y) - y, F_(x) - x))

    def answer(G, F_back, x, y, weight, identity):
        there, again = (sum(size(d) for d in differences(G, F_back, x, y)) for differences in (cycle, same))
        return weight * there + identity * again

    return answer


def _weights_exchanged(G, F_back, x, y, weight, identity):
    return cycle_loss(G, F_back, x, y, identity, weight)


def _weight_of_both(G, F_back, x, y, weight, identity):
    return cycle_loss(G, F_back, x, y, weight, weight * identity)


def _without_weights(G, F_back, x, y, weight, identity):
    return cycle_loss(G, F_back, x, y, 1.0, 1.0)


def _cycle_detached(G, F_back, x, y, weight, identity):
    return _cycles(lambda G, F_, x, y: (F_(G(x).detach()) - x, G(F_(y).detach()) - y))(
        G, F_back, x, y, weight, identity
    )


cycled = Exercise(
    "8.7",
    "cycle_loss",
    reference=cycle_loss,
    inputs=_domains,
    edges={
        "no identity loss": _domains(_seeded(2), identity=0.0),
        "equally many on both sides": _domains(_seeded(3), 3, 3),
        "as many examples as numbers, one of the other": _domains(_seeded(4), 2, 1, 2),
        "weights below 1": _domains(_seeded(5), weight=0.5, identity=0.25),
    },
    gradients=True,
    mistakes={
        "the identity loss is on the wrong domain: G(y) ≈ y and F(x) ≈ x; yours forbids to translate": _cycles(
            None, lambda G, F_, x, y: (G(x) - x, F_(y) - y)
        ),
        "the cycle goes through the translators in the wrong order: F(G(x)) and G(F(y))": _cycles(
            lambda G, F_, x, y: (G(F_(x)) - x, F_(G(y)) - y)
        ),
        "that is no cycle: after G comes F, not G again": _cycles(lambda G, F_, x, y: (G(G(x)) - x, F_(F_(y)) - y)),
        "the cycle of y is missing": _cycles(lambda G, F_, x, y: (F_(G(x)) - x,)),
        "the cycle of x is missing": _cycles(lambda G, F_, x, y: (G(F_(y)) - y,)),
        "there must be a way back: you compared G(x) with x": _cycles(lambda G, F_, x, y: (G(x) - x, F_(y) - y)),
        "the identity loss of F is missing": _cycles(None, lambda G, F_, x, y: (G(y) - y,)),
        "the identity loss of G is missing": _cycles(None, lambda G, F_, x, y: (F_(x) - x,)),
        "the identity loss is missing": _cycles(None, lambda G, F_, x, y: (0 * G(y),)),
        "the bars are absolute values; you squared": _cycles(size=lambda t: t.square().mean()),
        "the absolute value is missing: errors up and down cancel": _cycles(size=lambda t: t.mean()),
        "you summed over examples and numbers; asked were means": _cycles(size=lambda t: t.abs().sum()),
        "you summed over the numbers of an example; asked was the mean": _cycles(size=lambda t: t.abs().sum(1).mean()),
        "the weights are exchanged": _weights_exchanged,
        "the identity loss has the weight λ_id alone; yours has λ λ_id": _weight_of_both,
        "the weights are missing": _without_weights,
        "the values are right, but no gradient flows through the first translator: no detach there": _cycle_detached,
        "the two cycles add up; you took their mean": (lambda G, F_, x, y, w, i: cycle_loss(G, F_, x, y, w / 2, i / 2)),
    },
)


# 8.8 ------------------------------------------------------------------------------------------------------------------


def permuted_cycle(truth, pi):
    G = pi[truth]
    return G, G.argsort()


def _permutations(g, n=5):
    """Two permutations that do not commute, neither its own inverse, none the identity."""
    while True:
        truth, pi = torch.randperm(n, generator=g), torch.randperm(n, generator=g)
        odd = all(not torch.equal(p.argsort(), p) for p in (truth, pi, pi[truth]))
        if odd and not torch.equal(pi[truth], truth[pi]):
            return truth, pi


def _closes(answer):
    truth, pi = _permutations(_seeded(9), 7)
    G, F_back = answer(truth, pi)
    home = torch.as_tensor(F_back)[torch.as_tensor(G)]
    assert torch.equal(home.long(), torch.arange(7)), "F(G(x)) is not x"


permuted = Exercise(
    "8.8",
    "permuted_cycle",
    reference=permuted_cycle,
    inputs=_permutations,
    edges={
        "π changes nothing": (torch.tensor([2, 0, 1]), torch.arange(3)),
        "eight pictures": _permutations(_seeded(3), 8),
        "one picture": (torch.tensor([0]), torch.tensor([0])),
    },
    properties={"F(G(x)) is x, for every x": _closes},
    mistakes={
        "π comes after the truth, π[truth]; you took the truth after π": lambda t, p: (p_ := t[p], p_.argsort()),
        "that is the right translation: π is left out": lambda t, p: (t, t.argsort()),
        "your F undoes the true partners; it has to undo what your G does": lambda t, p: (p[t], t.argsort()),
        "your F undoes π alone": lambda t, p: (p[t], p.argsort()),
        "your F does what G does; it has to undo it": lambda t, p: (p[t], p[t]),
        "the inverses stand in the wrong order: what was done last is undone first": (
            lambda t, p: (p[t], p.argsort()[t.argsort()])
        ),
        "the two are exchanged: first G, then F": lambda t, p: (p[t].argsort(), p[t]),
        "your G is π alone: π acts on Y, so the true partner comes first": lambda t, p: (p, p.argsort()),
        "your G undoes π; asked was π of the true partner": lambda t, p: (p.argsort()[t], p.argsort()[t].argsort()),
        "your F is sorted; each entry has to say where its picture came from": (
            lambda t, p: (p[t], p[t].sort().values)
        ),
    },
)


# 8.9 ------------------------------------------------------------------------------------------------------------------


def feature_matching(real, fake, y, K):
    there = [y == k for k in range(K) if (y == k).any()]
    return sum((real[of].mean(0) - fake[of].mean(0)).square().sum() for of in there)


def _features(g, B=7, D=3, K=4, labels=None):
    y = torch.randint(K, (B,), generator=g) if labels is None else torch.tensor(labels)
    return _rand(g, len(y), D), 2 * _rand(g, len(y), D) + 1, y, K


def _by_class(of):
    """A wrong answer by a function of each class that is there: (real, fake) of it -> a number, summed."""

    def answer(real, fake, y, K):
        return sum(of(real[y == k], fake[y == k], len(y), K, (y == k).double().mean()) for k in y.unique().tolist())

    return answer


def _means_apart(r, f):
    return (r.mean(0) - f.mean(0)).square().sum()


matched = Exercise(
    "8.9",
    "feature_matching",
    reference=feature_matching,
    inputs=_features,
    edges={
        "a class is missing": _features(_seeded(2), labels=[0, 0, 3, 3, 3, 1]),
        "the first and the last class are missing": _features(_seeded(3), K=5, labels=[1, 2, 1, 3, 3]),
        "one class only": _features(_seeded(4), labels=[2, 2, 2]),
        "one example a class": _features(_seeded(5), labels=[3, 1, 0, 2]),
        "as many examples as features as classes": _features(_seeded(6), 3, 3, 3),
    },
    gradients=True,
    mistakes={
        "you compared each fake with a data point; compare the means of a class": _by_class(
            lambda r, f, B, K, share: (r - f).square().sum(1).mean()
        ),
        "you compared all examples; the classes are to be compared each for itself": (
            lambda real, fake, y, K: _means_apart(real, fake)
        ),
        "the square is missing: that is the length": _by_class(
            lambda r, f, B, K, share: (r.mean(0) - f.mean(0)).norm()
        ),
        "the length squared is a sum over the features; you took their mean": _by_class(
            lambda r, f, B, K, share: (r.mean(0) - f.mean(0)).square().mean()
        ),
        "you took the mean over the classes; asked was the sum": _by_class(
            lambda r, f, B, K, share: _means_apart(r, f) / K
        ),
        "you weighted each class by its share; asked was the plain sum": _by_class(
            lambda r, f, B, K, share: share * _means_apart(r, f)
        ),
        "the mean of a class divides by its number of examples, not by that of the batch": _by_class(
            lambda r, f, B, K, share: ((r.sum(0) - f.sum(0)) / B).square().sum()
        ),
        "you summed the features of a class; its mean is asked": _by_class(
            lambda r, f, B, K, share: (r.sum(0) - f.sum(0)).square().sum()
        ),
        "you took absolute values; asked was the square": _by_class(
            lambda r, f, B, K, share: (r.mean(0) - f.mean(0)).abs().sum()
        ),
        "the last class is left out": lambda real, fake, y, K: feature_matching(real, fake, y, K - 1) + 0 * real.sum(),
        "the first class is left out": lambda real, fake, y, K: (
            feature_matching(real, fake, torch.where(y == 0, K, y), K) + 0 * real.sum()
        ),
        "the classes that are missing make it NaN: they count nothing": lambda real, fake, y, K: sum(
            _means_apart(real[y == k], fake[y == k]) for k in range(K)
        ),
        "the values are right, but no gradient reaches the fakes": lambda real, fake, y, K: feature_matching(
            real, fake.detach(), y, K
        ),
    },
)


# 8.10 -----------------------------------------------------------------------------------------------------------------


def gan_bugs():
    return {"A": True, "B": True, "C": True, "D": False, "E": True, "F": True}


bugs = Exercise(
    "8.10",
    "gan_bugs",
    reference=gan_bugs,
    observe=judged(gan_bugs()),
    mistakes=misjudged(
        gan_bugs(),
        {
            "A": "a bug: dim=1 are the channels, so each pixel has a length of its own and is pulled to 1",
            "B": "a bug: batch normalisation makes the score of a picture depend on all others of the batch",
            "C": "a bug: it forbids G to translate; the identity is asked of what is in the target already, G(y) ≈ y",
            "D": "no bug: opt_D changes D alone, and G's gradient is set to zero before its turn; it is only slower",
            "E": "a bug: the distance is too large by about c/n, so that A with its 2,000 looks worse than it is",
            "F": "a bug: D judges without the label and nobody guesses it, so G has no reason to follow y",
        },
    ),
)


# 8.11 -----------------------------------------------------------------------------------------------------------------


def code_bugs():
    return {"A": True, "B": True, "C": True, "D": False, "E": True, "F": False}


more_bugs = Exercise(
    "8.11",
    "code_bugs",
    reference=code_bugs,
    observe=judged(code_bugs()),
    mistakes=misjudged(
        code_bugs(),
        {
            "A": "a bug: the sign; cross_entropy is -log Q already, and it is to be small",
            "B": "a bug: rand is uniform in 0..1; 2 * torch.rand(B, V) - 1 is uniform in -1..1",
            "C": "a bug: with a number for each pixel the mixture lies anywhere in a box, not on the line",
            "D": "no bug: L_I is to be large for both, so one optimizer may hold both",
            "E": "a bug: that is one length for the whole batch; it drives each picture's own to 1/√B",
            "F": "no bug: C learns from both; detached, this loss changes C alone, and G has its own turn",
        },
    ),
)


EXERCISES = (frechet, precision, acgan, information, penalised, moved, cycled, permuted, matched, bugs, more_bugs)
