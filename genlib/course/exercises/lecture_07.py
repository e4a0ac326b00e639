"""The exercises of lecture 07 and the mistakes that people make in them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.exercise.judging import judged, misjudged
from genlib.course.given.lecture_07 import step_on_pictures, two_steps, without_autograd


def _double(*values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# 7.1 ------------------------------------------------------------------------------------------------------------------


def optimal_discriminator(log_p_data, log_p_g):
    return torch.sigmoid(log_p_data - log_p_g)


def _log_densities(generator, n=6):
    return tuple(2 * torch.randn(n, generator=generator, dtype=torch.float64) - 3 for _ in range(2))


_a, _b = _log_densities(torch.Generator().manual_seed(7))


def one_maximum_for_all_points(log_p_data, log_p_g):
    most = max(log_p_data.max(), log_p_g.max())
    p, q = (log_p_data - most).exp(), (log_p_g - most).exp()
    return p / (p + q)


def each_with_its_own_maximum(log_p_data, log_p_g):
    p, q = (log_p_data - log_p_data.max()).exp(), (log_p_g - log_p_g.max()).exp()
    return p / (p + q)


def each_sums_to_one(log_p_data, log_p_g):
    p, q = log_p_data.softmax(0), log_p_g.softmax(0)
    return p / (p + q)


def equal_densities_give_half(answer):
    log_p, _ = _log_densities(torch.Generator().manual_seed(3))
    assert torch.allclose(answer(log_p, log_p), torch.full_like(log_p, 0.5))


def exchanged_gives_the_rest(answer):
    log_p, log_q = _log_densities(torch.Generator().manual_seed(4))
    assert torch.allclose(answer(log_p, log_q) + answer(log_q, log_p), torch.ones_like(log_p))


optimal = Exercise(
    "7.1",
    "optimal_discriminator",
    reference=optimal_discriminator,
    inputs=_log_densities,
    edges={
        "densities far below the smallest float (log p near -2000)": (_a - 2000, _b - 2000),
        "places with densities of very different size": (_double(-2000, 5, -900, 0), _double(-2001, 3, -897, -1)),
        "places where one of the two densities is 0": (_double(-1, -math.inf, -2), _double(-math.inf, -1, -2)),
    },
    properties={
        "where both densities are the same, it is 1/2": equal_densities_give_half,
        "whoever exchanges data and fakes gets 1 - D*": exchanged_gives_the_rest,
    },
    mistakes={
        "that is 1 - D*, the probability of a fake; D is the probability that x is real": (
            lambda log_p_data, log_p_g: torch.sigmoid(log_p_g - log_p_data)
        ),
        "exp underflows: e^-2000 is 0, and 0/0 is NaN; stay in logarithms: D* = sigmoid(log p_data - log p_g)": (
            lambda log_p_data, log_p_g: log_p_data.exp() / (log_p_data.exp() + log_p_g.exp())
        ),
        "that is the ratio p_data / p_g; D* is p_data / (p_data + p_g)": (
            lambda log_p_data, log_p_g: (log_p_data - log_p_g).exp()
        ),
        "that is the logit of D*, log p_data - log p_g; the sigmoid of it is D*": (
            lambda log_p_data, log_p_g: log_p_data - log_p_g
        ),
        "that is log D*; asked was D*, between 0 and 1": lambda log_p_data, log_p_g: F.logsigmoid(log_p_data - log_p_g),
        "you divided the logarithms; the formula divides the densities": (
            lambda log_p_data, log_p_g: log_p_data / (log_p_data + log_p_g)
        ),
        "you made the points x compete; at each x the two densities compete: softmax over those two": (
            lambda log_p_data, log_p_g: (log_p_data - log_p_g).softmax(0)
        ),
        "exp(-2000) is 0 in a computer, and 0/0 became 0 (by a small number below, or by nan_to_num); "
        "0 is wrong too: stay in logarithms, with a sigmoid": (
            lambda log_p_data, log_p_g: log_p_data.exp() / (log_p_data.exp() + log_p_g.exp() + 1e-12)
        ),
        "exp(-2000) is 0 in a computer, and 1/2 for 0/0 is wrong too: stay in logarithms, with a sigmoid": (
            lambda log_p_data, log_p_g: (log_p_data.exp() / (log_p_data.exp() + log_p_g.exp())).nan_to_num(0.5)
        ),
        "that is half of D*: the denominator is p_data + p_g, nothing twice": (
            lambda log_p_data, log_p_g: torch.sigmoid(log_p_data - log_p_g) / 2
        ),
        "that is p_data alone; D* is its share of p_data + p_g": lambda log_p_data, log_p_g: log_p_data.exp(),
        "tanh lies between -1 and 1; D* = sigmoid(log p_data - log p_g)": (
            lambda log_p_data, log_p_g: torch.tanh(log_p_data - log_p_g)
        ),
        "you cut the logit off at 0 and 1; the sigmoid brings it between 0 and 1": (
            lambda log_p_data, log_p_g: (log_p_data - log_p_g).clamp(0, 1)
        ),
        "you added the logarithms, which multiplies the densities; their difference goes into the sigmoid": (
            lambda log_p_data, log_p_g: torch.sigmoid(log_p_data + log_p_g)
        ),
        "log is the natural logarithm, so undo it with e and not with 10": (
            lambda log_p_data, log_p_g: 1 / (1 + 10 ** (log_p_g - log_p_data))
        ),
        "log is the natural logarithm, so undo it with e and not with 2": (
            lambda log_p_data, log_p_g: 1 / (1 + 2 ** (log_p_g - log_p_data))
        ),
        "you took the sigmoid twice; log p_data - log p_g is the logit, one sigmoid of it is D*": (
            lambda log_p_data, log_p_g: torch.sigmoid(torch.sigmoid(log_p_data - log_p_g))
        ),
        "that is the softmax over the wrong axis: stacked, the two densities lie along axis 0": (
            lambda log_p_data, log_p_g: torch.stack([log_p_data, log_p_g]).softmax(1)[0]
        ),
        "one maximum for all points leaves 0/0 where both densities are much smaller than elsewhere; "
        "take the larger of the two at each point, or a sigmoid": one_maximum_for_all_points,
        "you divided each density by its own maximum, another one for each; "
        "only a factor that both share cancels": each_with_its_own_maximum,
        "you made each density sum to 1 over the points; compare the densities as they are, at each point": (
            each_sums_to_one
        ),
        "that is log p_data / (log p_data + log p_g) put through a sigmoid; the difference of the logarithms goes in": (
            lambda log_p_data, log_p_g: torch.sigmoid(log_p_data / (log_p_data + log_p_g))
        ),
        "the sigmoid stands around each logarithm; it goes around their difference": (
            lambda log_p_data, log_p_g: log_p_data.sigmoid() / (log_p_data.sigmoid() + log_p_g.sigmoid())
        ),
        "that is sigmoid(log p_data) alone; D* compares it with log p_g": lambda log_p_data, log_p_g: (
            log_p_data.sigmoid()
        ),
        "you rounded D* to a decision; asked was the probability": (
            lambda log_p_data, log_p_g: (log_p_data > log_p_g).to(log_p_data)
        ),
        "that is twice D*: the denominator is p_data + p_g, not their mean": (
            lambda log_p_data, log_p_g: 2 * torch.sigmoid(log_p_data - log_p_g)
        ),
    },
)


# 7.2 ------------------------------------------------------------------------------------------------------------------


def value_at_one_half():
    return -math.log(4)


half = Exercise(
    "7.2",
    "value_at_one_half",
    reference=value_at_one_half,
    tol=5e-6,
    mistakes={
        "that is one of the two terms, or the mean of the two; "
        "V is their sum, one for the data and one for the fakes": (
            lambda: -math.log(2),
            lambda: -0.6931,
            lambda: -0.693,
            lambda: -0.69,
        ),
        "the sign is flipped: log(1/2) is negative, so V is too; -V is what D's loss is": (
            lambda: math.log(4),
            lambda: 1.3862,
            lambda: 1.386,
            lambda: 1.39,
        ),
        "that is one term, and with the sign of a loss; V is the sum of two logarithms of 1/2": (
            lambda: math.log(2),
            lambda: 0.6931,
            lambda: 0.693,
            lambda: 0.69,
        ),
        "that is three times log 1/2; V has two terms": lambda: 3 * math.log(0.5),
        "that is in bits; asked was nats, the natural logarithm": lambda: -2.0,
        "that is with logarithms to base 10; asked was nats, the natural logarithm": (
            lambda: -math.log10(4),
            lambda: -0.602,
            lambda: -0.6,
        ),
        "that would be certainty: log 1 + log 1. Here D says 1/2, and V adds two logarithms of 1/2": lambda: 0.0,
        "these are the probabilities, 1/2 + 1/2; V adds their logarithms": lambda: 1.0,
        "you multiplied the two logarithms; V adds them": lambda: math.log(2) ** 2,
        "that is half of one term; V adds two whole logarithms of 1/2, without weights": lambda: math.log(0.25) / 4,
        "log 4 holds both terms already, 2 log 2; V is log 1/2 + log 1/2, nothing twice": lambda: -2 * math.log(4),
        "you multiplied the probabilities, 1/2 times 1/2; V is the logarithm of that": lambda: 0.25,
        "that is one of the two terms, and in bits; V is the sum of both, in nats": lambda: -1.0,
        "that is what D says; V is the sum of two logarithms of it": lambda: 0.5,
        "that is log 4 in bits, and with the sign of a loss; V is negative, and in nats": lambda: 2.0,
        "that is one of the two terms, to base 10; V is the sum of both, in nats": lambda: math.log10(1 / 2),
        "that is with the sign of a loss, to base 10; V is negative, and in nats": lambda: math.log10(4),
        "the cross-entropy is -V/2; you halved twice": lambda: -math.log(4) / 8,
        "you are there, but you rounded: give five decimals, or return the formula": (
            lambda: -1.3862,
            lambda: -1.386,
            lambda: -1.38,
        ),
        "you may be there, but you rounded a lot: give five decimals, or return the formula": (
            lambda: -1.39,
            lambda: -1.4,
            lambda: -1.3,
        ),
    },
)


# 7.3 ------------------------------------------------------------------------------------------------------------------


def jensen_shannon(p, q):
    m = (p + q) / 2
    return torch.special.entr(m).sum() - (torch.special.entr(p).sum() + torch.special.entr(q).sum()) / 2


def _two_tables(generator, n=6):
    tables = torch.rand(2, n, generator=generator, dtype=torch.float64) + 0.05
    return tuple(tables / tables.sum(1, keepdim=True))


def _kl(p, q):
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum()


def equal_tables_give_zero(answer):
    p, _ = _two_tables(torch.Generator().manual_seed(3))
    assert abs(float(answer(p, p))) < 1e-12


def order_does_not_matter(answer):
    p, q = _two_tables(torch.Generator().manual_seed(4))
    assert torch.allclose(answer(p, q), answer(q, p))


def zeros_give_nan(p, q):
    m = (p + q) / 2
    return ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2


def zeros_in_both_give_nan(p, q):
    m = (p + q) / 2
    return (torch.special.xlogy(p, p / m).sum() + torch.special.xlogy(q, q / m).sum()) / 2


def normalised_once_more(p, q):
    return jensen_shannon(p.softmax(0), q.softmax(0))


def total_variation(p, q):
    return (p - q).abs().sum() / 2


def hellinger(p, q):
    return (p.sqrt() - q.sqrt()).square().sum() / 2


def with_an_epsilon(p, q):
    p, q = p + 1e-3, q + 1e-3
    m = (p + q) / 2
    return (_kl(p, m) + _kl(q, m)) / 2


def geometric_mixture(p, q):
    m = (p * q).sqrt()
    return (_kl(p, m) + _kl(q, m)) / 2


def entropy_of_the_mixture(p, q):
    return torch.special.entr((p + q) / 2).sum()


def divergences_from_the_mixture(p, q):
    m = (p + q) / 2
    return (_kl(m, p) + _kl(m, q)) / 2


def kl_div_with_its_arguments_exchanged(p, q):
    m = (p + q) / 2
    return (F.kl_div(p.log(), m, reduction="sum") + F.kl_div(q.log(), m, reduction="sum")) / 2


def kl_div_without_the_logarithm(p, q):
    m = (p + q) / 2
    return (F.kl_div(m, p, reduction="sum") + F.kl_div(m, q, reduction="sum")) / 2


def the_larger_of_the_two(p, q):
    m = (p + q) / 2
    return torch.maximum(_kl(p, m), _kl(q, m))


def only_where_both_are_positive(p, q):
    both = (p > 0) & (q > 0)
    m = (p + q) / 2
    return (_kl(p[both], m[both]) + _kl(q[both], m[both])) / 2


shannon = Exercise(
    "7.3",
    "jensen_shannon",
    reference=jensen_shannon,
    inputs=_two_tables,
    edges={
        "distributions with zeros": (_double(0.5, 0.5, 0, 0), _double(0, 0.5, 0.5, 0)),
        "distributions that share no outcome": (_double(0.25, 0.75, 0, 0), _double(0, 0, 0.5, 0.5)),
    },
    properties={
        "is 0 for two equal distributions": equal_tables_give_zero,
        "does not care which of the two comes first": order_does_not_matter,
    },
    mistakes={
        "0 · log 0 counts as 0, but a computer says NaN: "
        "use torch.special.xlogy, or leave the zeros out": zeros_give_nan,
        "where p and q are both 0, p/m is 0/0 and NaN: "
        "not xlogy(p, p/m), but xlogy(p, p) - xlogy(p, m)": zeros_in_both_give_nan,
        "the halves are missing: the JSD is the mean of the two KL divergences, not their sum": (
            lambda p, q: 2 * jensen_shannon(p, q)
        ),
        "that is only KL(p‖m); the JSD is the mean of KL(p‖m) and KL(q‖m)": lambda p, q: _kl(p, (p + q) / 2),
        "that is only KL(q‖m); the JSD is the mean of KL(p‖m) and KL(q‖m)": lambda p, q: _kl(q, (p + q) / 2),
        "that is KL(p‖q), which is infinite where q has zeros; both are compared with their mean m": (
            lambda p, q: _kl(p, q)
        ),
        "that is KL(q‖p), which is infinite where p has zeros; both are compared with their mean m": (
            lambda p, q: _kl(q, p)
        ),
        "that is the mean of KL(p‖q) and KL(q‖p); the JSD compares each of the two with their mean m": (
            lambda p, q: (_kl(p, q) + _kl(q, p)) / 2
        ),
        "you compared with p + q, which sums to 2; the mean is m = (p + q)/2": (
            lambda p, q: jensen_shannon(p, q) - math.log(2)
        ),
        "that is its square root, a distance with a name of its own; asked was the divergence itself": (
            lambda p, q: jensen_shannon(p, q).clamp(min=0).sqrt()
        ),
        "that is V(G, D*), which is -log 4 + 2 JSD; asked was the JSD alone": (
            lambda p, q: 2 * jensen_shannon(p, q) - math.log(4)
        ),
        "that is in bits; use the natural logarithm": lambda p, q: jensen_shannon(p, q) / math.log(2),
        "the sign is flipped: a divergence is never negative": lambda p, q: -jensen_shannon(p, q),
        "you averaged over the outcomes; each is weighted by its probability already, so sum them": (
            lambda p, q: jensen_shannon(p, q) / len(p)
        ),
        "p and q sum to 1 already; a softmax makes other distributions of them": normalised_once_more,
        "that is the total variation, half of the sum of |p - q|; asked was the mean of two KL divergences": (
            total_variation
        ),
        "that compares square roots (Hellinger); asked was the mean of two KL divergences to m": hellinger,
        "an epsilon in the probabilities shifts the result; "
        "0 · log 0 is 0 with torch.special.xlogy, without any": with_an_epsilon,
        "m is the mean (p + q)/2, not the geometric mean √(pq)": geometric_mixture,
        "that is the entropy of m; subtract the mean of the entropies of p and q": entropy_of_the_mixture,
        "these are the divergences from m to p and q; the first argument of each KL is p, or q: KL(p‖m)": (
            divergences_from_the_mixture,
            kl_div_with_its_arguments_exchanged,
        ),
        "F.kl_div takes the logarithm of its first argument's probabilities: F.kl_div(m.log(), p, reduction='sum')": (
            kl_div_without_the_logarithm
        ),
        "that is the larger of KL(p‖m) and KL(q‖m); the JSD is their mean": the_larger_of_the_two,
        "you halved twice: the JSD is half of KL(p‖m) plus half of KL(q‖m)": lambda p, q: jensen_shannon(p, q) / 2,
        "only one of the two KL divergences is halved; the JSD is the mean of both": (
            lambda p, q: _kl(p, (p + q) / 2) / 2 + _kl(q, (p + q) / 2),
            lambda p, q: _kl(p, (p + q) / 2) + _kl(q, (p + q) / 2) / 2,
        ),
        "that is the sum of the two, and in bits; asked was their mean, in nats": (
            lambda p, q: 2 * jensen_shannon(p, q) / math.log(2)
        ),
        "you left out every outcome where one of the two is 0; where only one is, the other still pays": (
            only_where_both_are_positive
        ),
        "that is a similarity, 1 for equal distributions; asked was the divergence": (
            lambda p, q: 1 - jensen_shannon(p, q) / math.log(2),
            lambda p, q: 1 - jensen_shannon(p, q),
        ),
        "V(G, D*) is -log 4 + 2 JSD, with a 2; and asked was the JSD alone": (
            lambda p, q: jensen_shannon(p, q) - math.log(4)
        ),
        "the two KL divergences are subtracted; their mean is the JSD": (
            lambda p, q: (_kl(p, (p + q) / 2) - _kl(q, (p + q) / 2)) / 2
        ),
    },
)


# 7.4 ------------------------------------------------------------------------------------------------------------------


def wasserstein_1d(x, y):
    return (x.sort().values - y.sort().values).abs().mean()


def _two_samples(generator, n=9):
    x, y = torch.randn(2, n, generator=generator, dtype=torch.float64)
    return x, 2 * y + 0.5  # crossing distribution functions, so that signs do not all agree


def another_order_is_nothing(answer):
    few = _double(3, 1, 2, 1)
    assert abs(float(answer(few, few[[1, 2, 3, 0]]))) < 1e-12


def square_of_means(x, y):
    return (x.sort().values - y.sort().values).abs().mean().square()


def _area_between(x, y, squared=False):
    """The integral of |F_x - F_y| over the line, or of its square."""
    places = torch.cat([x, y]).sort().values
    gap = ((x[:, None] <= places).double().mean(0) - (y[:, None] <= places).double().mean(0))[:-1]
    return ((gap.square() if squared else gap.abs()) * places.diff()).sum()


def largest_gap(x, y):
    places = torch.cat([x, y])
    return ((x[:, None] <= places).double().mean(0) - (y[:, None] <= places).double().mean(0)).abs().max()


wasserstein = Exercise(
    "7.4",
    "wasserstein_1d",
    reference=wasserstein_1d,
    inputs=_two_samples,
    edges={
        "samples far apart": (_double(-7, 0, 1), _double(40, 90, -20)),
        "more points": (torch.linspace(-3, 2, 50, dtype=torch.float64) ** 3, torch.linspace(2, -1, 50).double() ** 2),
    },
    properties={
        "the same points in another order are 0 away": another_order_is_nothing,
    },
    gradients=True,
    mistakes={
        "you paired the points in the order in which they came; the cheapest pairs are by rank: sort both": (
            lambda x, y: (x - y).abs().mean()
        ),
        "that is how far the means are apart; two samples with one mean can still differ": (
            lambda x, y: (x.mean() - y.mean()).abs()
        ),
        "you squared the distances; earth is paid by the distance itself: abs": (
            lambda x, y: ((x.sort().values - y.sort().values) ** 2).mean()
        ),
        "that is the 2-Wasserstein distance, the root of the mean square; asked was the mean distance": (
            lambda x, y: ((x.sort().values - y.sort().values) ** 2).mean().sqrt()
        ),
        "you summed; each of the n points carries a mass of 1/n, so take the mean": (
            lambda x, y: (x.sort().values - y.sort().values).abs().sum()
        ),
        "moves to the left and to the right cancel; take the absolute value before the mean": (
            lambda x, y: (x.sort().values - y.sort().values).mean()
        ),
        "one is sorted upwards, the other downwards: those are the most expensive pairs": (
            lambda x, y: (x.sort().values - y.sort(descending=True).values).abs().mean()
        ),
        "that is the longest way that any point goes; asked was the mean": (
            lambda x, y: (x.sort().values - y.sort().values).abs().max()
        ),
        "that is the mean over all pairs; each point goes to one place only, by rank": (
            lambda x, y: (x[:, None] - y).abs().mean()
        ),
        "that is each point's way to the nearest one; many would go to the same place": (
            lambda x, y: (x[:, None] - y).abs().min(1).values.mean()
        ),
        "argsort tells places, not values: you compared places; take x.sort().values, or x[x.argsort()]": (
            lambda x, y: (x.argsort() - y.argsort()).abs().to(x).mean()
        ),
        "argsort tells places, which are integers and have no mean; take x.sort().values, or x[x.argsort()]": (
            lambda x, y: (x.argsort() - y.argsort()).abs().mean()
        ),
        "that is the integral of (F - F)²; without the square it is right": lambda x, y: _area_between(x, y, True),
        "you squared the result; asked was the mean distance itself": square_of_means,
        "that is the distance in the middle; asked was the mean over all pairs by rank": (
            lambda x, y: (x.sort().values - y.sort().values).abs().median()
        ),
        "you took the root of the sum of squares; asked was the mean of the absolute values": (
            lambda x, y: (x.sort().values - y.sort().values).norm()
        ),
        "you halved the mean; each point carries a mass of 1/n and goes the whole way": (
            lambda x, y: (x.sort().values - y.sort().values).abs().mean() / 2
        ),
        "the mean divides by n; you divided by n - 1": (
            lambda x, y: (x.sort().values - y.sort().values).abs().sum() / (len(x) - 1)
        ),
        "that is twice the mean distance; each point goes its way once": (
            lambda x, y: 2 * (x.sort().values - y.sort().values).abs().mean()
        ),
        "you took absolute values of the points, so -3 and 3 became one place; take them of the differences": (
            lambda x, y: (x.abs().sort().values - y.abs().sort().values).abs().mean()
        ),
        "that is how far the medians are apart; asked was the mean over all pairs by rank": (
            lambda x, y: (x.median() - y.median()).abs()
        ),
        "that compares spreads (standard deviations); asked was how far the points must go": (
            lambda x, y: (x.std() - y.std()).abs()
        ),
        "that is the largest gap of the two cumulative distribution functions; W1 is the area between them": (
            largest_gap
        ),
        "that is each point's way to the nearest one, in both directions; many would go to the same place": (
            lambda x, y: ((x[:, None] - y).abs().min(1).values.mean() + (x[:, None] - y).abs().min(0).values.mean()) / 2
        ),
        "the smooth L1 loss squares small distances; asked was the mean of |x - y| over the sorted points": (
            lambda x, y: F.smooth_l1_loss(x.sort().values, y.sort().values)
        ),
        "you sorted only the second of the two": lambda x, y: (x - y.sort().values).abs().mean(),
        "you sorted only the first of the two": lambda x, y: (x.sort().values - y).abs().mean(),
    },
)


# 7.5 ------------------------------------------------------------------------------------------------------------------


def generator_losses(logits):
    return -F.softplus(logits).mean(), F.softplus(-logits).mean()


def _logits(generator, n=7):
    return (3 * torch.randn(n, generator=generator, dtype=torch.float64) - 1,)


def losses_of_an_undecided_D(answer):
    minimax, non_saturating = answer(torch.zeros(4, dtype=torch.float64))
    assert abs(float(minimax) + math.log(2)) < 1e-9
    assert abs(float(non_saturating) - math.log(2)) < 1e-9


def logits_held_between(logits):
    held = logits.clamp(-30, 30)
    return -F.softplus(held).mean(), F.softplus(-held).mean()


def probabilities_held_between(logits):
    D = logits.sigmoid().clamp(1e-7, 1 - 1e-7)
    return (1 - D).log().mean(), -D.log().mean()


def exponentials_overflow(logits):
    return -(1 + logits.exp()).log().mean(), (1 + (-logits).exp()).log().mean()


def logarithms_cut_at_minus_100(logits):
    D = logits.sigmoid()
    zeros, ones = torch.zeros_like(D), torch.ones_like(D)
    return -F.binary_cross_entropy(D, zeros), F.binary_cross_entropy(D, ones)


losses = Exercise(
    "7.5",
    "generator_losses",
    reference=generator_losses,
    inputs=_logits,
    edges={
        "a discriminator that is very sure (logits of 800 and more)": (_double(-800, 900, -1000),),
        "a single fake": (_double(-3),),
    },
    properties={
        "where D says 1/2, the losses are -log 2 and log 2": losses_of_an_undecided_D,
    },
    gradients=True,
    mistakes={
        "sigmoid(-800) is 0 and exp(900) is infinite in a computer, and their logarithms infinite too; "
        "log sigmoid(a) = -softplus(-a) is exact: F.logsigmoid": (
            lambda logits: ((1 - logits.sigmoid()).log().mean(), -logits.sigmoid().log().mean()),
            exponentials_overflow,
        ),
        "log(1 - D) still overflows: 1 - sigmoid(a) is sigmoid(-a), so use F.logsigmoid(-a)": (
            lambda logits: ((1 - logits.sigmoid()).log().mean(), -F.logsigmoid(logits).mean())
        ),
        "F.binary_cross_entropy cuts its logarithms off at -100; "
        "stay with the logits: F.logsigmoid is exact": logarithms_cut_at_minus_100,
        "a small number inside the logarithm cuts it off, at -18 for 1e-8; stay with the logits: F.logsigmoid": (
            lambda logits: ((1 - logits.sigmoid() + 1e-8).log().mean(), -(logits.sigmoid() + 1e-8).log().mean())
        ),
        "a small number inside the logarithm cuts it off, at -28 for 1e-12; stay with the logits: F.logsigmoid": (
            lambda logits: ((1 - logits.sigmoid() + 1e-12).log().mean(), -(logits.sigmoid() + 1e-12).log().mean())
        ),
        "clamped logits give another loss, and no gradient beyond the clamp; F.logsigmoid needs none": (
            logits_held_between
        ),
        "clamped probabilities give another loss, and no gradient beyond the clamp; "
        "stay with the logits: F.logsigmoid": probabilities_held_between,
        "both are the non-saturating loss; minimax is the mean of log(1 - D)": (
            lambda logits: (F.softplus(-logits).mean(), F.softplus(-logits).mean())
        ),
        "both are the minimax loss; the non-saturating one is the mean of -log D": (
            lambda logits: (-F.softplus(logits).mean(), -F.softplus(logits).mean())
        ),
        "those are bits; use the natural logarithm": (
            lambda logits: (-F.softplus(logits).mean() / math.log(2), F.softplus(-logits).mean() / math.log(2))
        ),
        "the values are right, but no gradient flows to the logits, and G could not be trained; "
        "leave out detach, item and no_grad": (
            lambda logits: (-F.softplus(logits).mean().detach(), F.softplus(-logits).mean().detach())
        ),
        "that is the logarithm of the mean; asked was the mean of the logarithms: first log, then mean": (
            lambda logits: ((-logits).sigmoid().mean().log(), -logits.sigmoid().mean().log())
        ),
        "the two are in the other order: minimax is log(1 - D), non-saturating -log D": (
            lambda logits: (F.softplus(-logits).mean(), -F.softplus(logits).mean())
        ),
        "minimax has the wrong sign: G minimises mean log(1 - D), which is negative": (
            lambda logits: (F.softplus(logits).mean(), F.softplus(-logits).mean())
        ),
        "non-saturating has the wrong sign: G minimises mean -log D, which is positive": (
            lambda logits: (-F.softplus(logits).mean(), -F.softplus(-logits).mean())
        ),
        "both signs are flipped: these are what G would maximise": (
            lambda logits: (F.softplus(logits).mean(), -F.softplus(-logits).mean())
        ),
        "real and fake are exchanged: G wants D to call its fakes real": (
            lambda logits: (-F.softplus(-logits).mean(), F.softplus(logits).mean())
        ),
        "the first is the mean of log D; minimax is the mean of log(1 - D), F.logsigmoid(-logits)": (
            lambda logits: (-F.softplus(-logits).mean(), F.softplus(-logits).mean())
        ),
        "minimax is right; the second is the mean of -log(1 - D), which D minimises. G minimises -log D": (
            lambda logits: (-F.softplus(logits).mean(), F.softplus(logits).mean())
        ),
        "the first is the sum of log(1 - D) and log D; minimax has the first of them alone": (
            lambda logits: (-F.softplus(logits).mean() - F.softplus(-logits).mean(), F.softplus(-logits).mean())
        ),
        "you halved both; each is the mean as it stands": (
            lambda logits: (-F.softplus(logits).mean() / 2, F.softplus(-logits).mean() / 2)
        ),
        "that is the Wasserstein loss, minus the mean score; asked were log(1 - D) and -log D": (
            lambda logits: (-logits.mean(), -logits.mean())
        ),
        "that is the least-squares loss; asked were log(1 - D) and -log D": (
            lambda logits: ((logits - 1).square().mean() / 2, (logits - 1).square().mean() / 2)
        ),
        "you took the mean of the logits first; asked was the mean of the losses": (
            lambda logits: (-F.softplus(logits.mean()), F.softplus(-logits.mean()))
        ),
        "minimax is summed over the batch, the other averaged; both are means": (
            lambda logits: (-F.softplus(logits).sum(), F.softplus(-logits).mean())
        ),
        "non-saturating is summed over the batch, the other averaged; both are means": (
            lambda logits: (-F.softplus(logits).mean(), F.softplus(-logits).sum())
        ),
        "you summed over the batch; the losses are means": (
            lambda logits: (-F.softplus(logits).sum(), F.softplus(-logits).sum())
        ),
        "you left the batch as it was; return the mean of each, a single number": (
            lambda logits: (-F.softplus(logits), F.softplus(-logits))
        ),
        "logits are not probabilities yet: D = sigmoid(logit)": (
            lambda logits: ((1 - logits).log().mean(), -logits.log().mean())
        ),
        "the logarithms are missing: the losses are log(1 - D) and -log D": (
            lambda logits: ((1 - logits.sigmoid()).mean(), -logits.sigmoid().mean())
        ),
    },
)


# 7.6 ------------------------------------------------------------------------------------------------------------------


def logit_gradients(logits):
    return logits.sigmoid(), logits.sigmoid() - (-logits).sigmoid()


def works_without_autograd(answer):
    stopped = answer.watched(without_autograd, _double(-4, 0.5, 2))
    assert not stopped, f"yours stopped: {stopped}"


def ten_digits_are_right(answer):
    a = _double(-4, 0.5, 2)
    for found, right in zip(answer(a), logit_gradients(a), strict=True):
        assert (torch.as_tensor(found) - right).abs().max() < 1e-10


def nothing_is_cut_off(answer):
    a = _double(-20, -25)
    of_D, total = (torch.as_tensor(found) for found in answer(a))
    assert (of_D - a.sigmoid()).abs().max() < 1e-10
    assert (total - (2 * a.sigmoid() - 1)).abs().max() < 1e-10


def with_respect_to_D(logits):
    D = logits.sigmoid()
    return 1 / (1 - D), 1 / (1 - D) - 1 / D


def slope_of_D(logits):
    slope = logits.sigmoid() * (-logits).sigmoid()
    return slope, slope - (-logits).sigmoid()


def overflowing(logits):
    of_D = logits.exp() / (1 + logits.exp())
    return of_D, of_D - 1 / (1 + logits.exp())


def rounded_to_a_decision(logits):
    D = (logits > 0).to(logits)
    return D, 2 * D - 1


def divided_by_the_batch(logits):
    n = len(logits)
    return logits.sigmoid() / n, (logits.sigmoid() - (-logits).sigmoid()) / n


gradients = Exercise(
    "7.6",
    "logit_gradients",
    reference=logit_gradients,
    inputs=_logits,
    edges={"a discriminator that is very sure": (_double(-800, 900, 0),)},
    properties={
        "it is a formula, and works where autograd is switched off": works_without_autograd,
        "it is a formula, not a quotient of differences: ten digits are right": ten_digits_are_right,
        "where D is very sure, its slope is nearly 0 and not cut off (no clamp, no epsilon)": nothing_is_cut_off,
    },
    mistakes={
        "the signs are flipped: D's loss -log(1 - D) rises with a fake's logit, so its slope is positive": (
            lambda logits: (-logits.sigmoid(), (-logits).sigmoid() - logits.sigmoid())
        ),
        "D's slope is right, the sign of the sum is not: add G's slope, -(1 - sigmoid(a))": (
            lambda logits: (logits.sigmoid(), (-logits).sigmoid() - logits.sigmoid())
        ),
        "you subtracted G's slope; asked was the derivative of the sum, and G's slope is negative": (
            lambda logits: (logits.sigmoid(), torch.ones_like(logits))
        ),
        "the second is G's slope alone; asked was the derivative of the sum of both losses": (
            lambda logits: (logits.sigmoid(), -(-logits).sigmoid())
        ),
        "those are both slopes of G, minimax and non-saturating; asked was D's, and the sum": (
            lambda logits: (-logits.sigmoid(), -(-logits).sigmoid())
        ),
        "you added G's minimax loss, which cancels D's; asked was the non-saturating one, -log D": (
            lambda logits: (logits.sigmoid(), torch.zeros_like(logits))
        ),
        "that is D's slope at a real point, where its loss is -log D; here D looks at a fake: -log(1 - D)": (
            lambda logits: (-(-logits).sigmoid(), -2 * (-logits).sigmoid())
        ),
        "those are derivatives with respect to D; by the chain rule times dD/da = D (1 - D)": with_respect_to_D,
        "that is the slope of D itself, σ(1 - σ); D's loss is -log(1 - D), so divide it by 1 - D": slope_of_D,
        "the logarithms are missing: σ(1 - σ) is the slope of D itself; the losses are -log(1 - D) and -log D": (
            lambda logits: (logits.sigmoid() * (-logits).sigmoid(), torch.zeros_like(logits))
        ),
        "the sum is right; the first is the slope of D itself, σ(1 - σ), and D's loss is -log(1 - D)": (
            lambda logits: (logits.sigmoid() * (-logits).sigmoid(), logits.sigmoid() - (-logits).sigmoid())
        ),
        "exp(900) is infinite, and inf/inf is NaN; torch.sigmoid is exact": overflowing,
        "that is what D decides, 0 or 1; asked are the slopes of the losses": rounded_to_a_decision,
        "that is D's slope twice; add G's, -(1 - sigmoid(a))": lambda logits: (logits.sigmoid(), 2 * logits.sigmoid()),
        "the second is the mean of the two slopes; asked was their sum": (
            lambda logits: (logits.sigmoid(), logits.sigmoid() - 0.5)
        ),
        "the first is 1 - D, the size of G's slope; D's own slope at a fake is σ(a)": (
            lambda logits: ((-logits).sigmoid(), logits.sigmoid() - (-logits).sigmoid())
        ),
        "you divided by the batch; asked was the derivative of each fake's own loss": divided_by_the_batch,
        "the sum is right; the sign of the first is not: D's loss -log(1 - D) rises with the logit of a fake": (
            lambda logits: (-logits.sigmoid(), logits.sigmoid() - (-logits).sigmoid())
        ),
        "the sum is right; the first is D's slope at a real point, σ(a) - 1, or G's; at a fake it is σ(a)": (
            lambda logits: (-(-logits).sigmoid(), logits.sigmoid() - (-logits).sigmoid())
        ),
        "both are about 1 - D: D's slope at a fake is σ(a), G's is -(1 - σ(a)), and asked were the first and the sum": (
            lambda logits: ((-logits).sigmoid(), (-logits).sigmoid() - logits.sigmoid())
        ),
        "the sum has a sign, negative where D says less than 1/2; leave out the absolute value": (
            lambda logits: (logits.sigmoid(), (logits.sigmoid() - (-logits).sigmoid()).abs())
        ),
        "the first is twice D's slope at a fake, which is σ(a)": (
            lambda logits: (2 * logits.sigmoid(), logits.sigmoid() - (-logits).sigmoid())
        ),
        "those are derivatives with respect to D, and D's has the wrong sign; by the chain rule times D (1 - D)": (
            lambda logits: (-1 / (-logits).sigmoid(), -1 / (-logits).sigmoid() - 1 / logits.sigmoid())
        ),
        "those are logarithms; the derivatives are σ(a) and σ(a) - (1 - σ(a)), without any": (
            lambda logits: (F.logsigmoid(logits), F.logsigmoid(logits) - F.logsigmoid(-logits))
        ),
        "σ(a) - (1 - σ(a)) is tanh(a/2), not tanh(a)": lambda logits: (logits.sigmoid(), logits.tanh()),
        "those are the losses themselves; asked were their derivatives": (
            lambda logits: (F.softplus(logits), F.softplus(logits) + F.softplus(-logits))
        ),
        "the two are in the other order: first D's slope, then the sum": (
            lambda logits: (logits.sigmoid() - (-logits).sigmoid(), logits.sigmoid())
        ),
    },
)


# 7.7 ------------------------------------------------------------------------------------------------------------------


def _step(h, *field):
    """I + hJ, the matrix of a step of size h in a linear field of matrix J, given row by row."""
    return torch.eye(2, dtype=torch.float64) + h * _double(*field).view(2, 2)


def _growth_of(matrix):
    return torch.linalg.eigvals(matrix).abs().max().item()


def growth(h, gamma):
    return _growth_of(_step(h, 0, 0.5, -0.5, -gamma))


def _step_and_penalty(generator):
    h, gamma = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.3 + h, 0.1 + 0.6 * gamma


def _eigenvalues(h, gamma):
    return torch.linalg.eigvals(_double(0, 0.5, -0.5, -gamma).view(2, 2))


def alternating_step(h, gamma):
    damped = 1 - h * gamma
    return _growth_of(_double(1 - h * h / 4, h / 2 * damped, -h / 2, damped).view(2, 2))


def of_the_larger_real_part(h, gamma):
    values = 1 + h * _eigenvalues(h, gamma)
    return values[values.real.argmax()].abs().item()


def root_of_the_determinant(h, gamma):
    return math.sqrt(abs(1 - h * gamma + h * h / 4))


spiral = Exercise(
    "7.7",
    "growth",
    reference=growth,
    inputs=_step_and_penalty,
    edges={
        "no penalty": (0.6, 0.0),
        "a penalty so strong that nothing turns any more": (0.4, 2.0),
        "a penalty at which the step overshoots": (1.5, 2.0),
    },
    mistakes={
        "that is |λ| of J, the field; a step multiplies by I + hJ, whose eigenvalues are 1 + hλ": (
            lambda h, gamma: _eigenvalues(h, gamma).abs().max().item()
        ),
        "that is an alternating step, D first and then G; asked was a simultaneous one: 1 + hλ": alternating_step,
        "the 1 is missing: a step adds h times the field to where you are, so the eigenvalue is 1 + hλ": (
            lambda h, gamma: h * _eigenvalues(h, gamma).abs().max().item()
        ),
        "you took the real part; the imaginary part turns, and makes the step longer: take the absolute value": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).real.max().item()
        ),
        "h is missing: the eigenvalues of a step are 1 + hλ": (
            lambda h, gamma: (1 + _eigenvalues(h, gamma)).abs().max().item()
        ),
        "you took the smaller of the two; the larger one wins in the long run": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).abs().min().item()
        ),
        "that is the product of the two (the determinant), by which areas grow; asked was the larger |1 + hλ|": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).prod().abs().item()
        ),
        "a sign is flipped: the penalty adds -γψ to D's speed, so the entry of J is -γ, and a step is 1 + hλ": (
            lambda h, gamma: growth(h, -gamma)
        ),
        "the derivative of γψ²/2 is γψ: the entry of J is -γ, not -γ/2": lambda h, gamma: growth(h, gamma / 2),
        "the penalty is γψ²/2, with its half, and its derivative γψ: the entry of J is -γ, not -2γ": (
            lambda h, gamma: growth(h, 2 * gamma)
        ),
        "you took the real parts; the imaginary part turns, and makes the step longer: take |1 + hλ|": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).real.abs().max().item(),
            lambda h, gamma: abs(1 - h * gamma / 2),
            lambda h, gamma: 1 - h * gamma / 2,
        ),
        "that is the imaginary part alone; take |1 + hλ|": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).imag.abs().max().item()
        ),
        "you added the two; asked was the larger |1 + hλ|": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).abs().sum().item()
        ),
        "that is the mean of the two; asked was the larger |1 + hλ|": (
            lambda h, gamma: (1 + h * _eigenvalues(h, gamma)).abs().mean().item()
        ),
        "that is the determinant, the product of the two; asked was the larger |1 + hλ|": (
            lambda h, gamma: 1 - h * gamma + h * h / 4
        ),
        "that is the trace, the sum of the two eigenvalues; asked was the larger |1 + hλ|": (
            lambda h, gamma: 2 - h * gamma
        ),
        "that is the decay of the exact flow, exp(-hγ/2); a step of size h multiplies by 1 + hλ": (
            lambda h, gamma: math.exp(-h * gamma / 2)
        ),
        "the entries off the diagonal are 1/2 and -1/2, not 1/4": (
            lambda h, gamma: _growth_of(_step(h, 0, 0.25, -0.25, -gamma))
        ),
        "h stands squared; a step is I + hJ": lambda h, gamma: growth(h * h, gamma),
        "gamma stands squared; the penalty is γψ²/2, and the entry of J is -γ": lambda h, gamma: growth(h, gamma**2),
        "the penalty is missing, and so is the root: that is 1 + h²/4": lambda h, gamma: 1 + h * h / 4,
        "the penalty stands off the diagonal; it is D's own, so only the lower right entry of J is -γ": (
            lambda h, gamma: _growth_of(_step(h, 0, 0.5, -0.5 - gamma, 0)),
            lambda h, gamma: _growth_of(_step(h, 0, 0.5 - gamma, -0.5, 0)),
        ),
        "that is the Frobenius norm of the step; in the long run the eigenvalues decide": (
            lambda h, gamma: torch.linalg.matrix_norm(_step(h, 0, 0.5, -0.5, -gamma)).item()
        ),
        "you took the eigenvalue with the larger real part; where a step overshoots the other one is larger in size": (
            of_the_larger_real_part
        ),
        "that is the square of it; asked was |1 + hλ| itself": lambda h, gamma: growth(h, gamma) ** 2,
        "that is the logarithm of it; asked was the factor |1 + hλ| itself": lambda h, gamma: math.log(
            growth(h, gamma)
        ),
        "that is by how much it grows, |1 + hλ| - 1; asked was the factor": lambda h, gamma: growth(h, gamma) - 1,
        "that is an implicit step, 1 / |1 - hλ|; asked was I + hJ": (
            lambda h, gamma: (1 / (1 - h * _eigenvalues(h, gamma))).abs().max().item()
        ),
        "the penalty is missing, so you get √(1 + h²/4): D is damped, the lower right entry of J is -γ": (
            lambda h, gamma: growth(h, 0.0)
        ),
        "that is the root of the determinant, right only while the eigenvalues are a complex pair; "
        "for γ > 1 they are real and differ": root_of_the_determinant,
        "both signs off the diagonal are the same: one player goes uphill, the other downhill, so 1/2 and -1/2": (
            lambda h, gamma: _growth_of(_step(h, 0, 0.5, 0.5, -gamma))
        ),
        "that is the largest singular value, by which one step can stretch; in the long run the eigenvalues decide": (
            lambda h, gamma: torch.linalg.matrix_norm(_step(h, 0, 0.5, -0.5, -gamma), 2).item()
        ),
        "that is the exact flow, which shrinks by exp(h Re λ) in a time h; a step of size h multiplies by 1 + hλ": (
            lambda h, gamma: (h * _eigenvalues(h, gamma)).exp().abs().max().item()
        ),
        "you took the absolute value too early: 1 + h|λ|; asked was |1 + hλ|": (
            lambda h, gamma: 1 + h * _eigenvalues(h, gamma).abs().max().item()
        ),
        "the slope of the sigmoid is missing: σ(0) = 1/2, so the entries off the diagonal are 1/2 and -1/2": (
            lambda h, gamma: _growth_of(_step(h, 0, 1, -1, -gamma))
        ),
        "you damped both players; the penalty is D's alone, so only the lower right entry of J is -γ": (
            lambda h, gamma: _growth_of(_step(h, -gamma, 0.5, -0.5, -gamma))
        ),
    },
)


# 7.8 ------------------------------------------------------------------------------------------------------------------


def gan_step(G, D, optimizer_G, optimizer_D, x, z):
    loss_D = F.softplus(-D(x)).mean() + F.softplus(D(G(z).detach())).mean()
    optimizer_D.zero_grad()
    loss_D.backward()
    optimizer_D.step()
    loss_G = F.softplus(-D(G(z))).mean()
    optimizer_G.zero_grad()
    loss_G.backward()
    optimizer_G.step()


def _batch(generator, n=16):
    x = torch.randn(n, 2, generator=generator, dtype=torch.float64) + 2
    return x, torch.randn(n, 3, generator=generator, dtype=torch.float64)


def works_for_pictures(answer):
    found, right = answer.watched(step_on_pictures), step_on_pictures(gan_step)
    for player, a, b in zip("GD", found, right, strict=True):
        assert torch.allclose(a, b, atol=1e-4), f"{player} is moved by its own optimizer, optimizer_{player}"


def _loss_D(D, real, fake):
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


def _move(loss, optimizer, zero=True):
    if zero:
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _turns(
    loss_D=lambda G, D, x, z: _loss_D(D, x, G(z).detach()),
    loss_G=lambda G, D, z: F.softplus(-D(G(z))).mean(),
    zero_D=True,
    zero_G=True,
):
    """The answer with these losses, right where they are not given, and with or without setting gradients to zero."""

    def answer(G, D, optimizer_G, optimizer_D, x, z):
        _move(loss_D(G, D, x, z), optimizer_D, zero_D)
        _move(loss_G(G, D, z), optimizer_G, zero_G)

    return answer


def zeroed_only_at_the_top(G, D, optimizer_G, optimizer_D, x, z):
    optimizer_G.zero_grad()
    optimizer_D.zero_grad()
    _move(_loss_D(D, x, G(z)), optimizer_D, zero=False)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G, zero=False)


def D_never_steps(G, D, optimizer_G, optimizer_D, x, z):
    optimizer_D.zero_grad()
    _loss_D(D, x, G(z).detach()).backward()
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def G_never_steps(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    optimizer_G.zero_grad()
    F.softplus(-D(G(z))).mean().backward()


def zeroed_after_each_step(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z).detach()), optimizer_D, zero=False)
    optimizer_D.zero_grad()
    _move(F.softplus(-D(G(z))).mean(), optimizer_G, zero=False)
    optimizer_G.zero_grad()


def detached_in_the_wrong_turn(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z)), optimizer_D)
    _move(F.softplus(-D(G(z).detach())).mean(), optimizer_G, zero=False)


def two_turns_of_D(G, D, optimizer_G, optimizer_D, x, z):
    for _ in range(2):
        _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def two_turns_of_G(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    for _ in range(2):
        _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def optimizers_exchanged(G, D, optimizer_G, optimizer_D, x, z):
    gan_step(G, D, optimizer_D, optimizer_G, x, z)


def both_optimizers_in_the_turn_of_G(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)
    optimizer_D.step()


def _one_backward(detach):
    def answer(G, D, optimizer_G, optimizer_D, x, z):
        fake = G(z)
        optimizer_D.zero_grad()
        optimizer_G.zero_grad()
        (_loss_D(D, x, fake.detach() if detach else fake) + F.softplus(-D(fake)).mean()).backward()
        optimizer_D.step()
        optimizer_G.step()

    return answer


def zeroed_before_the_step(G, D, optimizer_G, optimizer_D, x, z):
    _loss_D(D, x, G(z).detach()).backward()
    optimizer_D.zero_grad()
    optimizer_D.step()
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def G_zeroed_before_the_step(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    F.softplus(-D(G(z))).mean().backward()
    optimizer_G.zero_grad()
    optimizer_G.step()


def G_moves_first(G, D, optimizer_G, optimizer_D, x, z):
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)
    _move(_loss_D(D, x, G(z).detach()), optimizer_D)


def simultaneous_step(G, D, optimizer_G, optimizer_D, x, z):
    loss_G, loss_D = F.softplus(-D(G(z))).mean(), _loss_D(D, x, G(z).detach())
    g = torch.autograd.grad(loss_G, list(G.parameters()))
    _move(loss_D, optimizer_D)
    for p, gradient in zip(G.parameters(), g, strict=True):
        p.grad = gradient
    optimizer_G.step()


def D_has_noise_of_its_own(G, D, optimizer_G, optimizer_D, x, z):
    _move(_loss_D(D, x, G(torch.randn_like(z)).detach()), optimizer_D)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def a_step_for_each_part(G, D, optimizer_G, optimizer_D, x, z):
    _move(F.softplus(-D(x)).mean(), optimizer_D)
    _move(F.softplus(D(G(z).detach())).mean(), optimizer_D)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def smoothed_labels(G, D, optimizer_G, optimizer_D, x, z):
    real = D(x)
    _move(
        0.9 * F.softplus(-real).mean() + 0.1 * F.softplus(real).mean() + F.softplus(D(G(z).detach())).mean(),
        optimizer_D,
    )
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def two_backwards_of_D(G, D, optimizer_G, optimizer_D, x, z):
    optimizer_D.zero_grad()
    for _ in range(2):
        _loss_D(D, x, G(z).detach()).backward()
    optimizer_D.step()
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def three_turns_of_D(G, D, optimizer_G, optimizer_D, x, z):
    for _ in range(3):
        _move(_loss_D(D, x, G(z).detach()), optimizer_D)
    _move(F.softplus(-D(G(z))).mean(), optimizer_G)


def sigmoid_twice(G, D, optimizer_G, optimizer_D, x, z):
    real, fake = D(x).sigmoid(), D(G(z).detach()).sigmoid()
    _move(F.softplus(-real).mean() + F.softplus(fake).mean(), optimizer_D)
    _move(F.softplus(-D(G(z)).sigmoid()).mean(), optimizer_G)


step = Exercise(
    "7.8",
    "gan_step",
    reference=gan_step,
    inputs=_batch,
    observe=two_steps,
    seconds=20,
    properties={
        "it works for pictures and for a D with its own optimizer settings too": works_for_pictures,
    },
    mistakes={
        "in D's turn a gradient runs through G as well: give D the fakes as data, G(z).detach()": _turns(
            loss_D=lambda G, D, x, z: _loss_D(D, x, G(z))
        ),
        "no detach, and both gradients are set to zero only at the top of the step: "
        "D's turn pushes G to be caught": zeroed_only_at_the_top,
        "no detach, and G's gradient is never set to zero: D's turn pushes G to be caught": _turns(
            loss_D=lambda G, D, x, z: _loss_D(D, x, G(z)), zero_G=False
        ),
        "D never moves: in its turn backward() or optimizer_D.step() is missing, or zero_grad stands between the two": (
            D_never_steps,
            zeroed_before_the_step,
        ),
        "G never moves, though a gradient reaches it: in its turn optimizer_G.step() is missing, "
        "or zero_grad stands between backward and step": (G_never_steps, G_zeroed_before_the_step),
        "D takes two steps; one step each was asked": two_turns_of_D,
        "D takes three steps; one step each was asked": three_turns_of_D,
        "D takes a step for its part on the data and another for the fakes; add the two, then one step": (
            a_step_for_each_part
        ),
        "backward runs twice in D's turn, and the gradients add up; once is enough": two_backwards_of_D,
        "D's turn draws noise of its own; here both turns use the same z, so that the check knows it": (
            D_has_noise_of_its_own
        ),
        "the labels of the data are smoothed to 0.9 (a known trick); asked was -log D, the label 1": smoothed_labels,
        "those are least squares; asked were D's cross-entropy and -log D": _turns(
            lambda G, D, x, z: (D(x) - 1).square().mean() + D(G(z).detach()).square().mean(),
            lambda G, D, z: (D(G(z)) - 1).square().mean(),
        ),
        "you summed D's loss over the batch; each part of a loss is a mean": _turns(
            lambda G, D, x, z: F.softplus(-D(x)).sum() + F.softplus(D(G(z).detach())).sum()
        ),
        "you summed G's loss over the batch; it is a mean": _turns(loss_G=lambda G, D, z: F.softplus(-D(G(z))).sum()),
        "G takes two steps; one step each was asked": two_turns_of_G,
        "the optimizers are exchanged: D's turn steps with optimizer_D, G's with optimizer_G": optimizers_exchanged,
        "D steps once more in G's turn, along G's gradient; there only optimizer_G steps": (
            both_optimizers_in_the_turn_of_G
        ),
        "D steps with G's gradient in it too, and G answers to the old D (one backward for both losses, or "
        "optimizer_D.step() comes too late); each loss has a turn of its own": (
            _one_backward(detach=True),
            _one_backward(detach=False),
        ),
        "D learns only from its part for the data; the fakes are missing, or no gradient comes from them: add the mean "
        "of -log(1 - D), and detach G(z), not D(G(z))": _turns(loss_D=lambda G, D, x, z: F.softplus(-D(x)).mean()),
        "that is the Wasserstein or the hinge loss; asked were the cross-entropy and -log D": _turns(
            lambda G, D, x, z: D(G(z).detach()).mean() - D(x).mean(), lambda G, D, z: -D(G(z)).mean()
        ),
        "you halved G's loss; take the mean of -log D as it stands": _turns(
            loss_G=lambda G, D, z: F.softplus(-D(G(z))).mean() / 2
        ),
        "D minimises +V, so it gets worse: the loss is -V, the mean of -log D plus the mean of -log(1 - D)": _turns(
            loss_D=lambda G, D, x, z: -_loss_D(D, x, G(z).detach())
        ),
        "you summed over the batch; each part of a loss is a mean": _turns(
            lambda G, D, x, z: F.softplus(-D(x)).sum() + F.softplus(D(G(z).detach())).sum(),
            lambda G, D, z: F.softplus(-D(G(z))).sum(),
        ),
        "the gradient is set to zero after each step, and G's turn then leaves one in D; "
        "set it to zero before": zeroed_after_each_step,
        "G's turn draws noise of its own; here both turns use the same z, so that the check knows it": _turns(
            loss_G=lambda G, D, z: F.softplus(-D(G(torch.randn_like(z)))).mean()
        ),
        "G never moves: its turn is missing, or its fakes are detached there too, and no gradient reaches it": _turns(
            loss_G=lambda G, D, z: F.softplus(-D(G(z).detach())).mean()
        ),
        "the detach is in the wrong turn: D's turn needs it, G's turn must not have it": detached_in_the_wrong_turn,
        "G moved first; asked was D first, then G against the new D": G_moves_first,
        "G answers to the D of before its update (that is a simultaneous step); "
        "call D(G(z)) again after D moved": simultaneous_step,
        "the labels of D are swapped: softplus(-logit) is the loss where the right answer is real": _turns(
            loss_D=lambda G, D, x, z: _loss_D(D, G(z).detach(), x)
        ),
        "G helps D: softplus(logit) is low where D sees the fakes; G wants -log D, softplus(-logit)": _turns(
            loss_G=lambda G, D, z: F.softplus(D(G(z))).mean()
        ),
        "that is the minimax loss, log(1 - D); asked was the non-saturating one, -log D": _turns(
            loss_G=lambda G, D, z: -F.softplus(D(G(z))).mean()
        ),
        "D's gradient is not set to zero: what G's turn left in it is added to D's next step": _turns(zero_D=False),
        "G's gradient is not set to zero: the one of the last step is still in it": _turns(zero_G=False),
        "no gradient is ever set to zero, so all earlier ones add up; call zero_grad before each backward": _turns(
            zero_D=False, zero_G=False
        ),
        "D learns only from the fakes; its loss has two parts, and a gradient must come from D(x) as well": _turns(
            loss_D=lambda G, D, x, z: F.softplus(D(G(z).detach())).mean()
        ),
        "D's loss is the sum of its two means, -V; you halved it": _turns(
            loss_D=lambda G, D, x, z: _loss_D(D, x, G(z).detach()) / 2
        ),
        "D gives logits; you passed them through a sigmoid and then through a loss that does so again": sigmoid_twice,
    },
)


# 7.9 and 7.10: is this a bug? -----------------------------------------------------------------------------------------


def bugs_in_the_step():
    return {"A": False, "B": True, "C": False, "D": True, "E": True}


step_bugs = Exercise(
    "7.9",
    "bugs_in_the_step",
    reference=bugs_in_the_step,
    observe=judged(bugs_in_the_step()),
    mistakes=misjudged(
        bugs_in_the_step(),
        {
            "A": "no bug, only slow: without detach D's turn leaves a gradient in G, which optimizer_G.zero_grad() "
            "wipes out before G's own",
            "B": "a bug: the gradients are wiped out between backward and step, so D never learns",
            "C": "no bug: the fakes are made once, D moves, and then the new D looks at them again; that saves a pass "
            "of G",
            "D": "a bug: binary_cross_entropy_with_logits takes a sigmoid itself, so D's probabilities only reach from "
            "0.5 to 0.73",
            "E": "a bug: nothing wipes out what D's turn left in G, so G is also moved to be caught",
        },
    ),
)


def bugs_in_the_penalty():
    return {"A": True, "B": True, "C": False, "D": True, "E": True}


penalty_bugs = Exercise(
    "7.10",
    "bugs_in_the_penalty",
    reference=bugs_in_the_penalty,
    observe=judged(bugs_in_the_penalty()),
    mistakes=misjudged(
        bugs_in_the_penalty(),
        {
            "A": "a bug: dim=1 are the channels, so each pixel has a length of its own and is pulled to 1; flatten "
            "each picture first",
            "B": "a bug: that is one length for the whole batch of B, and it drives each picture's own to 1/√B",
            "C": "no bug: the ones are the weights of a sum, and each score depends on its own picture alone",
            "D": "a bug: with a number for each pixel the mixture lies anywhere in a box, not on the line from a "
            "picture to a fake; one number a picture",
            "E": "a bug: without create_graph=True the slope is a constant, and the penalty has no gradient for D",
        },
    ),
)


EXERCISES = (optimal, half, shannon, wasserstein, losses, gradients, spiral, step, step_bugs, penalty_bugs)
