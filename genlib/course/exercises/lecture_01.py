"""The exercises of lecture 01 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise
from genlib.course.given.lecture_01 import letter_of


def _table(generator, n=4, k=3) -> Tensor:
    """A joint distribution of n images and k labels."""
    mass = torch.rand(n, k, generator=generator, dtype=torch.float64) + 0.05
    return mass / mass.sum()


def _shares(weights):
    """Weights divided by the sum of their row, (B, K)."""
    return weights / weights.sum(1, keepdim=True)


# 1.1 ------------------------------------------------------------------------------------------------------------------


def three_distributions(joint):
    p_x = joint.sum(1)
    return joint / joint.sum(1, keepdim=True), p_x, joint / joint.sum(0, keepdim=True)


_rare = torch.tensor([[0.4, 0.1, 0], [0, 0.2, 0.3 - 4e-8], [1e-8, 3e-8, 0]], dtype=torch.float64)


three = Exercise(
    "1.1",
    "three_distributions",
    reference=three_distributions,
    inputs=lambda g: (_table(g),),
    edges={
        "a square table": (_table(torch.Generator().manual_seed(9), 3, 3),),
        "pairs that never occur, and a picture that hardly ever does": (_rare,),
    },
    tol=1e-8,
    mistakes={
        "the conditionals are swapped: p(y|x) divides by the sum of its row, p(x|y) by that of its column": (
            lambda joint: (joint / joint.sum(0, keepdim=True), joint.sum(1), joint / joint.sum(1, keepdim=True))
        ),
        "your second value is p(y): it sums over the pictures; p(x) sums over the labels, joint.sum(1)": (
            lambda joint: (joint / joint.sum(1, keepdim=True), joint.sum(0), joint / joint.sum(0, keepdim=True))
        ),
        "the conditionals are the joint itself: a condition fixes a row or a column, whose sum must become 1": (
            lambda joint: (joint, joint.sum(1), joint)
        ),
        "you divided by joint.sum(1), of shape (n,), which lines up with the columns: keep the axis, keepdim=True": (
            lambda joint: (joint / joint.sum(1), joint.sum(1), joint / joint.sum(0))
        ),
        "the sums of p(y|x) are right, but p(x|y) must divide each column by that column's own sum": (
            lambda joint: (joint / joint.sum(1, keepdim=True), joint.sum(1), joint / joint.sum())
        ),
        "you used softmax: it takes logarithms of weights; these are weights already, so divide by their sum": (
            lambda joint: (joint.softmax(1), joint.sum(1), joint.softmax(0))
        ),
        "your second value is the mean over the labels; p(x) is their sum: the pairs (x, y) exclude one another": (
            lambda joint: (joint / joint.sum(1, keepdim=True), joint.mean(1), joint / joint.sum(0))
        ),
        "p(x) has to have the shape (n,): keepdim=True is for dividing, not for the result": (
            lambda joint: (joint / joint.sum(1, keepdim=True), joint.sum(1, keepdim=True), joint / joint.sum(0))
        ),
        "p(x | y) is transposed: asked were the shape (n, K) for both conditionals": (
            lambda joint: (joint / joint.sum(1, keepdim=True), joint.sum(1), (joint / joint.sum(0)).T)
        ),
        "you added or clamped something against dividing by 0: a picture that hardly ever occurs loses its labels": (
            lambda joint: (joint / (joint.sum(1, keepdim=True) + 1e-6), joint.sum(1), joint / (joint.sum(0) + 1e-6)),
            lambda joint: (joint / (joint.sum(1, keepdim=True) + 1e-8), joint.sum(1), joint / (joint.sum(0) + 1e-8)),
            lambda joint: (joint / joint.sum(1, keepdim=True).clamp(min=1e-6), joint.sum(1), joint / joint.sum(0)),
        ),
    },
)


# 1.2 ------------------------------------------------------------------------------------------------------------------


def _rounded(value, *decimals):
    """Answers that return a number found by hand: as it is, and rounded to so many decimals."""
    return [lambda: value, *(lambda d=d: round(value, d) for d in decimals)]


def letter_given_flag():
    return 0.001 * 0.99 / (0.001 * 0.99 + 0.999 * 0.02)


letter = Exercise(
    "1.2",
    "letter_given_flag",
    reference=letter_given_flag,
    tol=5e-6,
    mistakes={
        "that is p(flag | letter), which the text gives; asked was p(letter | flag)": lambda: 0.99,
        "you left out the prior: 0.99 / (0.99 + 0.02) would be right if half of the pictures were letters": (
            _rounded(0.99 / (0.99 + 0.02), 4)
        ),
        "that is p(letter, flag), the joint probability; divide it by p(flag)": lambda: 0.001 * 0.99,
        "that is p(flag), the denominator of Bayes' rule; the numerator is p(flag | letter) p(letter)": (
            _rounded(0.001 * 0.99 + 0.999 * 0.02, 4, 3)
        ),
        "you divided by the false alarms alone; p(flag) counts the true ones as well": (
            _rounded(0.001 * 0.99 / (0.999 * 0.02))
        ),
        "you divided by p(flag | digit); the denominator is p(flag), for letters and digits together": (
            lambda: 0.001 * 0.99 / 0.02
        ),
        "that is p(digit | flag), the other label; the two sum to 1": (
            _rounded(0.999 * 0.02 / (0.001 * 0.99 + 0.999 * 0.02), 4, 3, 2)
        ),
        "the false alarms come from digits only: p(digit, flag) is 0.999 * 0.02, not 0.02": (
            _rounded(0.001 * 0.99 / (0.001 * 0.99 + 0.02), 5)
        ),
        "the detector misses one letter in a hundred: p(letter, flag) is 0.001 * 0.99, not 0.001": (
            *_rounded(0.001 / (0.001 + 0.999 * 0.02), 4),
            *_rounded(0.001 / (0.001 + 0.02), 4),
            *_rounded(1 / 20.98, 5),
        ),
        "that is p(letter), the prior, before the detector has spoken": lambda: 0.001,
        "that is p(no flag | digit), how often a digit is passed; asked was p(letter | flag)": lambda: 1 - 0.02,
        "that is p(digit, flag), how often a false alarm comes; asked was p(letter | flag)": lambda: 0.999 * 0.02,
        "you are there, but you rounded: give five decimals, or return the formula": lambda: 0.0472,
        "you may be there, but you rounded a lot: give five decimals, or return the formula": lambda: 0.047,
        "rounded so much, right and wrong look alike: give five decimals, or return the formula": lambda: 0.05,
        "that is close to it: did you cut or round something on the way? Keep more digits, or return the formula": (
            lambda: 0.0471,
            lambda: 0.0473,
            lambda: 0.04722,
            lambda: round(0.00099 / 0.021, 5),
            lambda: 0.00099 / 0.021,
            lambda: 0.048,
        ),
        "that is in percent; asked was a probability between 0 and 1": (
            lambda: 100 * letter_given_flag(),
            *_rounded(4.721, 2, 1),
        ),
    },
)


# 1.3 ------------------------------------------------------------------------------------------------------------------


def _log_densities(generator, size=5, classes=4):
    """log p(x | y) of small probabilities that do not underflow, and a prior that is not uniform."""
    log_likelihood = torch.randn(size, classes, generator=generator, dtype=torch.float64) - 3
    prior = torch.rand(classes, generator=generator, dtype=torch.float64) + 0.1
    return log_likelihood, (prior / prior.sum()).log()


def log_posterior(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.logsumexp(1, keepdim=True)


def _of_log_joint(change):
    """The answer that finds log p(x, y), (B, K), and goes wrong from there."""
    return lambda log_likelihood, log_prior: change(log_likelihood + log_prior)


_g = torch.Generator().manual_seed(7)

_small, _prior = _log_densities(_g)


_far = torch.tensor([[-100.0, -2000, -900, -101], [-3000, -40, -1000, -2500]], dtype=torch.float64)


log_bayes = Exercise(
    "1.3",
    "log_posterior",
    reference=log_posterior,
    inputs=_log_densities,
    edges={
        "pictures of 784 pixels (log p(x|y) near -2000)": (_small * 30 - 2000, _prior),
        "pictures of very different log p(x|y), -100 and -2000": (
            _small - torch.tensor([[100.0], [2000], [100], [2000], [0]]),
            _prior,
        ),
        "labels whose log p(x|y) lie a thousand nats apart": (_far, _prior),
        "as many pictures as labels": _log_densities(torch.Generator().manual_seed(8), 4, 4),
        "log-densities above 0, as real numbers have them": (_small + 900, _prior),
        "a class that never occurs (log p(y) = -inf)": (_small, torch.tensor([0.5, 0.5, 0, 0]).double().log()),
    },
    gradients=True,
    tol=1e-8,
    mistakes={
        "softmax underflows to 0 for a label that is e^1900 times less probable than another, and log 0 is -inf; "
        "log_softmax stays in logarithms": (
            lambda log_likelihood, log_prior: (log_likelihood + log_prior).softmax(1).log()
        ),
        "something was added or clamped against log 0; it changes the logarithms of improbable labels": (
            lambda log_likelihood, log_prior: ((log_likelihood + log_prior).softmax(1) + 1e-12).log(),
            lambda log_likelihood, log_prior: ((log_likelihood + log_prior).softmax(1) + 1e-8).log(),
            lambda log_likelihood, log_prior: ((log_likelihood + log_prior).softmax(1) + 1e-10).log(),
        ),
        "you subtracted the prior: multiplying by p(y) is adding log p(y)": (
            lambda log_likelihood, log_prior: (log_likelihood - log_prior).log_softmax(1)
        ),
        "you added p(y) itself: multiplying by p(y) is adding log p(y), which you were given": (
            lambda log_likelihood, log_prior: (log_likelihood + log_prior.exp()).log_softmax(1)
        ),
        "the prior is missing: the numerator of Bayes' rule is p(x|y) p(y)": (
            lambda log_likelihood, log_prior: log_likelihood.log_softmax(1)
        ),
        "you normalised over the pictures (dim 0); the labels of each picture compete, dim 1": (
            lambda log_likelihood, log_prior: (log_likelihood + log_prior).log_softmax(0)
        ),
        "these are probabilities; asked was their logarithm": (
            lambda log_likelihood, log_prior: (log_likelihood + log_prior).softmax(1)
        ),
        "this is log p(x, y), the numerator; subtract log p(x), the logsumexp over the labels": (
            lambda log_likelihood, log_prior: log_likelihood + log_prior
        ),
        "exp underflows: e^-2000 is 0 on a computer, and 0/0 is NaN; stay in logarithms and use logsumexp": (
            lambda log_likelihood, log_prior: _shares(log_likelihood.exp() * log_prior.exp()).log()
        ),
        "the sum of exponentials underflows to 0, and its logarithm is -inf; use torch.logsumexp": _of_log_joint(
            lambda a: a - a.exp().sum(1, keepdim=True).log()
        ),
        "you took out one maximum for all pictures; each row needs its own, or exp underflows again": _of_log_joint(
            lambda a: a - a.max() - (a - a.max()).exp().sum(1, keepdim=True).log()
        ),
        "logsumexp(1) has shape (B,), which does not line up with (B, K): keep the axis, keepdim=True": _of_log_joint(
            lambda a: a - a.logsumexp(1)
        ),
        "log_prior is a logarithm already; you took its logarithm again": (
            lambda log_likelihood, log_prior: (log_likelihood + log_prior.log()).log_softmax(1)
        ),
        "you normalised before the prior came in; add log_prior first, then normalise": (
            lambda log_likelihood, log_prior: log_likelihood.log_softmax(1) + log_prior
        ),
        "you subtracted the largest entry; that is stable, but the sum is more than its largest term": _of_log_joint(
            lambda a: a - a.max(1, keepdim=True).values
        ),
        "you subtracted the sum of the logarithms; "
        "what has to be summed are the probabilities: logsumexp": _of_log_joint(lambda a: a - a.sum(1, keepdim=True)),
        "log_prior is a logarithm already: multiplying becomes adding": (
            lambda log_likelihood, log_prior: (log_likelihood * log_prior).log_softmax(1)
        ),
    },
)


# 1.4 ------------------------------------------------------------------------------------------------------------------


def _posterior_and_priors(generator, size=5, classes=3):
    def weights(*shape):
        w = torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.1
        return w / w.sum(-1, keepdim=True)

    return weights(size, classes), weights(classes), weights(classes)


def change_prior(posterior, old_prior, new_prior):
    return _shares(posterior * new_prior / old_prior)


def _of_weights(change):
    """The answer that exchanges the priors, (B, K), and goes wrong from there."""
    return lambda posterior, old_prior, new_prior: change(posterior * new_prior / old_prior)


def _three(*values):
    return torch.tensor(values, dtype=torch.float64)


_seen_rarely = torch.stack([_three(1e-8, 0.3 - 1e-8, 0.7), _three(0.5, 0.2, 0.3), _three(0, 0, 1)])


prior = Exercise(
    "1.4",
    "change_prior",
    reference=change_prior,
    inputs=_posterior_and_priors,
    edges={
        "as many pictures as labels": _posterior_and_priors(torch.Generator().manual_seed(5), 3, 3),
        "a label that was very rare, and is no longer": (_seen_rarely, _three(1e-8, 0.4, 0.6), _three(0.5, 0.3, 0.2)),
        "a label that no longer occurs": (_seen_rarely, _three(0.2, 0.3, 0.5), _three(0.6, 0, 0.4)),
    },
    tol=1e-8,
    mistakes={
        "the old prior is still in there: p(y|x) contains it as a factor, so divide by it": (
            lambda posterior, old_prior, new_prior: _shares(posterior * new_prior)
        ),
        "the priors are the wrong way round: multiply by the new one, divide by the old one": (
            lambda posterior, old_prior, new_prior: _shares(posterior * old_prior / new_prior)
        ),
        "the rows do not sum to 1: p(x) changes with the prior too, so divide by the new sum": (
            lambda posterior, old_prior, new_prior: posterior * new_prior / old_prior
        ),
        "two things are missing: the old prior is still in there, and the rows do not sum to 1": (
            lambda posterior, old_prior, new_prior: posterior * new_prior
        ),
        "you divided by the sum of everything; "
        "the labels of each picture compete, so each row has its own sum": _of_weights(lambda w: w / w.sum()),
        "sum(1) has shape (B,), which does not line up with (B, K): keep the axis, keepdim=True": _of_weights(
            lambda w: w / w.sum(1)
        ),
        "that is the posterior that you were given; the new prior has to come in": (
            lambda posterior, old_prior, new_prior: posterior
        ),
        "you normalised the columns; the labels of each picture compete, so each row must sum to 1": _of_weights(
            lambda w: w / w.sum(0, keepdim=True)
        ),
        "you added the difference of the priors; in Bayes' rule they are factors": (
            lambda posterior, old_prior, new_prior: posterior + new_prior - old_prior
        ),
        "the new prior never enters your result": (
            lambda posterior, old_prior, new_prior: _shares(posterior / old_prior)
        ),
        "your result is the same for every picture: the new prior alone, the picture has no say": (
            lambda posterior, old_prior, new_prior: new_prior.expand_as(posterior).clone()
        ),
        "softmax takes logarithms of weights; these are weights, so divide by their sum": _of_weights(
            lambda w: w.softmax(1)
        ),
        "you divided by the largest weight of a picture; probabilities need the sum": _of_weights(
            lambda w: w / w.amax(1, keepdim=True)
        ),
        "you divided by the sum of new / old; each picture has its own sum, with p(y | x) in it": (
            lambda posterior, old_prior, new_prior: (posterior * new_prior / old_prior) / (new_prior / old_prior).sum()
        ),
        "something was added against dividing by 0; it changes what a rare label becomes": (
            lambda posterior, old_prior, new_prior: _shares(posterior * new_prior / (old_prior + 1e-8)),
            lambda posterior, old_prior, new_prior: _shares(posterior * new_prior / (old_prior + 1e-6)),
        ),
    },
)


# 1.5 ------------------------------------------------------------------------------------------------------------------


def _little_images(generator, size=40, pixels=3, classes=4, levels=5):
    x = torch.randint(levels, (size, pixels), generator=generator)
    y = torch.randint(classes, (size,), generator=generator)
    return x, y, classes, levels, 0.5


def _counts(x, y, classes, levels):
    """n[y, i, v]: how many images of class y have level v at pixel i, (K, D, V)."""
    counts = torch.zeros(classes, x.shape[1], levels)
    for k in range(classes):
        for v in range(levels):
            counts[k, :, v] = (x[y == k] == v).sum(0)
    return counts


def _total(counts):
    """The sum over the levels, (K, D, 1)."""
    return counts.sum(-1, keepdim=True)


def _smoothed(counts, smoothing):
    return (counts + smoothing) / (_total(counts) + smoothing * counts.shape[-1])


def count_pixels(x, y, classes, levels, smoothing):
    return _smoothed(_counts(x, y, classes, levels), smoothing)


def _of_counts(change):
    """The answer that counts right and goes wrong from there, (counts n, smoothing s) -> theta."""
    return lambda x, y, classes, levels, smoothing: change(_counts(x, y, classes, levels), smoothing)


_x = torch.tensor([[0, 1], [0, 2], [1, 1]])


def shares_smoothed_and_divided(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    smoothed = counts / _total(counts).clamp(min=1) + smoothing
    return smoothed / _total(smoothed)


def labels_play_no_part(x, y, classes, levels, smoothing):
    return _smoothed(_counts(x, torch.zeros_like(y), 1, levels).expand(classes, -1, -1), smoothing)


count = Exercise(
    "1.5",
    "count_pixels",
    reference=count_pixels,
    inputs=_little_images,
    edges={
        "a class without any picture": (_x, torch.tensor([0, 0, 2]), 3, 4, 1.0),
        "a last class without any picture": (_x, torch.tensor([1, 0, 1]), 3, 5, 0.02),
        "one class": (_x, torch.tensor([0, 0, 0]), 1, 17, 2.5),
    },
    mistakes={
        "you took the number of classes from the labels; the last class may have no picture: use `classes`": (
            lambda x, y, classes, levels, smoothing: count_pixels(x, y, int(y.max()) + 1, levels, smoothing)
        ),
        "you left out the classes without pictures; each of `classes` needs its tables": (
            lambda x, y, classes, levels, smoothing: torch.stack(
                [_smoothed(_counts(x[y == k], 0 * y[y == k], 1, levels), smoothing)[0] for k in y.unique()]
            )
        ),
        "you took the number of levels from the pictures; the highest level may never occur: use `levels`": (
            lambda x, y, classes, levels, smoothing: count_pixels(x, y, classes, int(x.max()) + 1, smoothing)
        ),
        "you divided by the number of all pictures; under a label only the pictures of that label count": (
            lambda x, y, classes, levels, smoothing: (
                (_counts(x, y, classes, levels) + smoothing) / (len(x) + smoothing * levels)
            )
        ),
        "the smoothing is missing in the denominator: smoothing is added to each of the `levels` counts": _of_counts(
            lambda n, s: (n + s) / _total(n)
        ),
        "you added the smoothing once to the denominator; "
        "it was added to every level, so add it `levels` times": _of_counts(lambda n, s: (n + s) / (_total(n) + s)),
        "there is no smoothing: a level never seen gets probability 0, and one such pixel vetoes a picture": _of_counts(
            lambda n, s: n / _total(n)
        ),
        "these are counts; divide them by their sum over the levels to get probabilities": (
            lambda x, y, classes, levels, smoothing: _counts(x, y, classes, levels) + smoothing
        ),
        "your smoothing is always 1; use the argument `smoothing`": _of_counts(lambda n, s: _smoothed(n, 1)),
        "you normalised over the classes; under each label the levels of a pixel compete, the last axis": _of_counts(
            lambda n, s: (n + s) / (n + s).sum(0, keepdim=True)
        ),
        "you normalised over the pixels; each pixel has a histogram of its own, the last axis": _of_counts(
            lambda n, s: (n + s) / (n + s).sum(1, keepdim=True)
        ),
        "these are logarithms; asked were the probabilities themselves": (
            lambda x, y, classes, levels, smoothing: count_pixels(x, y, classes, levels, smoothing).log()
        ),
        "you normalised over pixels and levels together; "
        "each pixel has a histogram of its own, the last axis": _of_counts(
            lambda n, s: (n + s) / (n + s).sum((1, 2), keepdim=True)
        ),
        "you smoothed the shares; the smoothing belongs to the counts, before you divide": _of_counts(
            lambda n, s: n / _total(n).clamp(min=1) + s
        ),
        "you smoothed the shares; the smoothing belongs to the counts, "
        "where it saves a class without pictures from 0/0": _of_counts(lambda n, s: n / _total(n) + s),
        "you smoothed the shares, as if each level had been seen smoothing * n times; smooth the counts (then a class "
        "without pictures is no 0/0 either)": _of_counts(lambda n, s: _smoothed(n / _total(n), s)),
        "you smoothed the shares, as if each level had been seen smoothing * n times; "
        "smooth the counts instead": shares_smoothed_and_divided,
        "the denominator grows by smoothing * levels: a smoothing for each level, not for each class": _of_counts(
            lambda n, s: (n + s) / (_total(n) + s * len(n))
        ),
        "the denominator grows by smoothing * levels; you added `levels` without the smoothing": _of_counts(
            lambda n, s: (n + s) / (_total(n) + n.shape[-1])
        ),
        "each picture must count once: `n[indices] += 1` adds only one for indices that occur "
        "several times": _of_counts(lambda n, s: _smoothed(n.clamp(max=1), s)),
        "the labels play no part in your counts: "
        "theta[k] must count only the pictures with y == k": labels_play_no_part,
    },
)


# 1.6 ------------------------------------------------------------------------------------------------------------------


def _proposals(generator, size=200):
    return torch.rand(size, generator=generator), torch.rand(size, generator=generator)


def accept(p_y_given_x, uniforms):
    return uniforms < p_y_given_x


def accepts_with_probability_p(answer):
    uniforms = torch.rand(100_000, generator=torch.Generator().manual_seed(2))
    share = answer(torch.full((100_000,), 0.3), uniforms).float().mean()
    assert abs(share - 0.3) < 0.01, f"with p(y|x) = 0.3 you accept {share:.2f} of the pictures"


accepting = Exercise(
    "1.6",
    "accept",
    reference=accept,
    inputs=_proposals,
    edges={
        "pictures that are surely y, and surely not": (torch.tensor([1.0, 0.0]), torch.tensor([0.999, 1e-7])),
        "uniform numbers just below and just above p": (
            torch.tensor([0.5, 0.5, 0.1, 0.1]),
            torch.tensor([0.49999, 0.50001, 0.09999, 0.10001]),
        ),
    },
    properties={
        "a picture is accepted with probability p(y|x)": accepts_with_probability_p,
    },
    mistakes={
        "you accept with probability 1 - p(y|x): a uniform number is below p with probability p": (
            lambda p_y_given_x, uniforms: uniforms > p_y_given_x
        ),
        "uniforms < 1 - p accepts with probability 1 - p(y|x); a uniform number is below p with probability p": (
            lambda p_y_given_x, uniforms: uniforms < 1 - p_y_given_x
        ),
        "uniforms > 1 - p has the right probability too; so that answers can be compared, let low numbers accept": (
            lambda p_y_given_x, uniforms: uniforms > 1 - p_y_given_x
        ),
        "you keep every picture with p(y|x) above one half; without chance, the doubtful ones never appear": (
            lambda p_y_given_x, uniforms: p_y_given_x > 0.5
        ),
        "these are 0 and 1; asked was a mask of True and False, which can select pictures": (
            lambda p_y_given_x, uniforms: (uniforms < p_y_given_x).long()
        ),
        "this is one decision for all pictures; asked was one for each": (
            lambda p_y_given_x, uniforms: uniforms.mean() < p_y_given_x.mean()
        ),
        "these are positions; asked was a mask of True and False, as long as the input": (
            lambda p_y_given_x, uniforms: (uniforms < p_y_given_x).nonzero()[:, 0]
        ),
        "these are the accepted probabilities; asked was a mask of True and False, one for each picture": (
            lambda p_y_given_x, uniforms: p_y_given_x[uniforms < p_y_given_x]
        ),
        "this is how many are accepted; asked was a mask of True and False, one for each picture": (
            lambda p_y_given_x, uniforms: (uniforms < p_y_given_x).sum()
        ),
        "you divided by the largest p(y|x): a picture is accepted with probability p(y|x), whatever the others have": (
            lambda p_y_given_x, uniforms: uniforms < p_y_given_x / p_y_given_x.max()
        ),
        "you drew your own random numbers; use the argument `uniforms`, so that the result can be compared": (
            lambda p_y_given_x, uniforms: torch.rand_like(p_y_given_x) < p_y_given_x
        ),
    },
)


# 1.7 ------------------------------------------------------------------------------------------------------------------


def _gaussian_classes(generator, size=6, pixels=3, classes=4):
    x = torch.randn(size, pixels, generator=generator, dtype=torch.float64)
    means = torch.randn(classes, pixels, generator=generator, dtype=torch.float64)
    variances = torch.rand(classes, pixels, generator=generator, dtype=torch.float64) * 2 + 0.2
    prior = torch.rand(classes, generator=generator, dtype=torch.float64) + 0.1
    return x, means, variances, (prior / prior.sum()).log()


def _squares(x, means, variances):
    """(x_i - μ)² / σ² for every picture, class and pixel, (B, K, D)."""
    return (x[:, None] - means) ** 2 / variances


def _log_density(x, means, variances):
    """log p(x | y), (B, K)."""
    return -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2


def gaussian_classifier(x, means, variances, log_prior):
    return (_log_density(x, means, variances) + log_prior).log_softmax(1)


def _of_squares(log_density):
    """The classifier whose log p(x | y) is made of the squares q and of v = log 2πσ², (B, K, D) and (K, D)."""

    def answer(x, means, variances, log_prior):
        made = log_density(_squares(x, means, variances), (2 * math.pi * variances).log())
        return (made + log_prior).log_softmax(1)

    return answer


_near, *_classes = _gaussian_classes(torch.Generator().manual_seed(17))


_narrow = (
    torch.tensor([[0.01, -0.02], [5, 0.3]]).double(),
    torch.zeros(2, 2).double(),
    torch.tensor([[1e-4, 0.02], [4, 1]]).double(),
    torch.tensor([0.9, 0.1]).double().log(),
)


def densities_underflow(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2
    joint = log_density.exp() * log_prior.exp()
    return (joint / joint.sum(1, keepdim=True)).log()


gaussian = Exercise(
    "1.7",
    "gaussian_classifier",
    reference=gaussian_classifier,
    inputs=_gaussian_classes,
    edges={
        "as many pictures as classes": _gaussian_classes(torch.Generator().manual_seed(18), size=4),
        "pictures a hundred standard deviations away": (_near + 100, *_classes),
        "a narrow class and a wide one with the same mean": _narrow,
    },
    gradients=True,
    tol=1e-8,
    mistakes={
        "a variance as small as 0.0001 was clamped, or something was added to it; the narrow class loses": (
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances + 1e-6, log_prior),
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances + 1e-8, log_prior),
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances.clamp(min=1e-3), log_prior),
        ),
        "softmax underflows to 0 far away from a class, and log 0 is -inf; log_softmax stays in logarithms": (
            lambda x, means, variances, log_prior: (_log_density(x, means, variances) + log_prior).softmax(1).log()
        ),
        "the difference to the mean must be squared": (
            lambda x, means, variances, log_prior: (
                -((x[:, None] - means).abs() / variances + (2 * math.pi * variances).log()).sum(-1) / 2 + log_prior
            ).log_softmax(1)
        ),
        "the Gaussians' factors 1/σ are missing; they differ between the classes, so they do not cancel": _of_squares(
            lambda q, v: -q.sum(-1) / 2
        ),
        "the prior is missing: the numerator of Bayes' rule is p(x|y) p(y)": (
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances, torch.zeros_like(log_prior))
        ),
        "you took the variances for standard deviations: they are σ² already, do not square them": (
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances**2, log_prior)
        ),
        "this is log p(x, y); subtract log p(x), the logsumexp over the labels": (
            lambda x, means, variances, log_prior: _log_density(x, means, variances) + log_prior
        ),
        "these are probabilities; asked was their logarithm": (
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances, log_prior).exp()
        ),
        "you averaged over the pixels; independent pixels multiply, so their logarithms add": _of_squares(
            lambda q, v: -(q + v).mean(-1) / 2
        ),
        "you normalised over the pictures (dim 0); the labels of each picture compete, dim 1": (
            lambda x, means, variances, log_prior: (_log_density(x, means, variances) + log_prior).log_softmax(0)
        ),
        "exp underflows: far from all means every p(x|y) is 0 on a computer; stay in logarithms": densities_underflow,
        "the factor 1/2 is missing: log N(x; μ, σ²) has -(x - μ)² / (2σ²)": _of_squares(
            lambda q, v: -(q + v / 2).sum(-1)
        ),
        "the factor 1/2 is missing: log N(x; μ, σ²) is -1/2 of the squares and of log 2πσ²": _of_squares(
            lambda q, v: -(q + v).sum(-1)
        ),
        "log 2πσ² needs the factor 1/2 too: the density has the square root of 2πσ²": _of_squares(
            lambda q, v: -(q / 2 + v).sum(-1)
        ),
        "log_prior is a logarithm already: add it as it is": (
            lambda x, means, variances, log_prior: gaussian_classifier(x, means, variances, log_prior.exp())
        ),
        "the sign of log σ is flipped: a wide Gaussian is a low one, so its log-density has - log σ": _of_squares(
            lambda q, v: -(q - v).sum(-1) / 2
        ),
    },
)


# 1.8 ------------------------------------------------------------------------------------------------------------------


def _mixture_of_pixels(generator, size=12, pixels=4, classes=3, levels=5):
    seen = torch.eye(levels, dtype=torch.float64)[torch.randint(levels, (size, pixels), generator=generator)]
    theta = torch.rand(classes, pixels, levels, generator=generator, dtype=torch.float64) + 0.2
    prior = torch.rand(classes, generator=generator, dtype=torch.float64) + 0.2
    return seen, theta / theta.sum(-1, keepdim=True), prior / prior.sum(), 0.5


def _log_joint(seen, theta, prior):
    return torch.einsum("ndv,kdv->nk", seen, theta.log()) + prior.log()


def _count_again(seen, shares, smoothing):
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / counts.sum(-1, keepdim=True), shares.mean(0)


def _of_joint(shares):
    """The answer that makes its shares from a = log p(x, y), (N, K)."""
    return lambda seen, theta, prior, smoothing: _count_again(seen, shares(_log_joint(seen, theta, prior)), smoothing)


def _of_shares(change):
    """The answer that finds the shares and goes wrong with what they count, (counts n, smoothing s) -> theta."""

    def answer(seen, theta, prior, smoothing):
        shares = _log_joint(seen, theta, prior).softmax(1)
        return change(torch.einsum("nk,ndv->kdv", shares, seen), smoothing), shares.mean(0)

    return answer


def em_step(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).softmax(1), smoothing)


def likelihood_never_falls(answer):
    seen, theta, prior, _ = _mixture_of_pixels(torch.Generator().manual_seed(7), 40)
    before = -math.inf
    for _ in range(10):
        now = _log_joint(seen, theta, prior).logsumexp(1).sum().item()
        assert now >= before - 1e-6, f"log p went from {before:.4f} to {now:.4f}"
        before = now
        theta, prior = (torch.as_tensor(v) for v in answer(seen, theta, prior, 1e-9))


def _no_such_label():
    """Pictures, tables, a prior under which one label never occurs, and much smoothing."""
    seen, theta, _, _ = _mixture_of_pixels(torch.Generator().manual_seed(9), 8)
    return seen, theta, torch.tensor([0.7, 0, 0.3]).double(), 3.0


def divided_by_all_pictures(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / (len(seen) + smoothing * seen.shape[-1]), shares.mean(0)


def prior_smoothed_too(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    smoothed = (shares.sum(0) + smoothing) / (len(seen) + smoothing * len(prior))
    return _count_again(seen, shares, smoothing)[0], smoothed


def prior_not_divided(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    return _count_again(seen, shares, smoothing)[0], shares.sum(0)


def pixels_summed(seen, theta, prior, smoothing):
    return _count_again(seen, _shares(torch.einsum("ndv,kdv->nk", seen, theta) * prior), smoothing)


def _likely_and_unlikely(pixels=300):
    """Three pictures of which every label expects nearly each pixel, and three of which it expects nearly none."""
    g = torch.Generator().manual_seed(11)
    seen, theta, prior, smoothing = _mixture_of_pixels(g, 6, pixels, 3, 5)
    seen[:3] = torch.eye(5, dtype=torch.float64)[0]
    usual = 0.99 + 0.001 * torch.rand(3, pixels, 1, generator=g, dtype=torch.float64)
    return seen, torch.cat([usual, (1 - usual) * _shares_of_levels(theta[..., 1:])], -1), prior, smoothing


def _shares_of_levels(weights):
    return weights / weights.sum(-1, keepdim=True)


def _of_scores(score):
    """The answer whose shares are the softmax of score(seen, theta, prior), (N, K)."""
    return lambda seen, theta, prior, smoothing: _count_again(seen, score(seen, theta, prior).softmax(1), smoothing)


def averaged_before_smoothing(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen + smoothing)
    return _shares_of_levels(counts), shares.mean(0)


def prior_by_best_label(seen, theta, prior, smoothing):
    best = torch.nn.functional.one_hot(_log_joint(seen, theta, prior).argmax(1), len(prior)).double()
    return em_step(seen, theta, prior, smoothing)[0], best.mean(0)


def in_single_precision(seen, theta, prior, smoothing):
    return tuple(v.double() for v in em_step(seen.float(), theta.float(), prior.float(), smoothing))


em = Exercise(
    "1.8",
    "em_step",
    reference=em_step,
    inputs=_mixture_of_pixels,
    edges={
        "pictures of 1,600 pixels": _mixture_of_pixels(torch.Generator().manual_seed(4), 6, 1600, 3, 5),
        "as many pictures as classes": _mixture_of_pixels(torch.Generator().manual_seed(5), 3, 4, 3, 5),
        "one class, for which it counts as in exercise 1.5": _mixture_of_pixels(
            torch.Generator().manual_seed(8), classes=1
        ),
        "a label that never occurs, p(y) = 0, and a smoothing of 3": _no_such_label(),
        "pictures of very different log p(x), -5 and -1500": _likely_and_unlikely(),
    },
    tol=1e-8,
    properties={
        "with next to no smoothing, ten steps never lower the likelihood": likelihood_never_falls,
    },
    mistakes={
        "you gave each picture wholly to its best label; "
        "EM lets it count for every label by its share p(y|x)": _of_joint(
            lambda a: torch.nn.functional.one_hot(a.argmax(1), a.shape[1]).to(a)
        ),
        "the prior is missing in the shares: p(y|x) is proportional to p(x|y) p(y)": (
            lambda seen, theta, prior, smoothing: em_step(
                seen, theta, torch.full_like(prior, 1 / len(prior)), smoothing
            )
        ),
        "your prior is still the old one; the new p(y) is the mean of the shares": (
            lambda seen, theta, prior, smoothing: (em_step(seen, theta, prior, smoothing)[0], prior)
        ),
        "you normalised the shares over the pictures (dim 0); the labels of each picture compete, dim 1": _of_joint(
            lambda a: a.softmax(0)
        ),
        "you divided the counts by the number of all pictures; "
        "each label has its own sum over the levels": divided_by_all_pictures,
        "there is no smoothing: add it to every count before you divide": _of_shares(lambda n, s: n / _total(n)),
        "you smoothed after dividing; add the smoothing to the counts, then divide by their sum": _of_shares(
            lambda n, s: n / _total(n) + s
        ),
        "the smoothing is missing in the sum that you divide by: the new tables must sum to 1": _of_shares(
            lambda n, s: (n + s) / _total(n)
        ),
        "you added the smoothing once to the denominator; it was added to every level, so add it V times": _of_shares(
            lambda n, s: (n + s) / (_total(n) + s)
        ),
        "you normalised over pixels and levels together; "
        "the levels of one pixel compete, the last dimension": _of_shares(
            lambda n, s: (n + s) / (n + s).sum((1, 2), keepdim=True)
        ),
        "these are the counts; divide each table by its sum over the levels": _of_shares(lambda n, s: n + s),
        "you divided by a sum over the pixels; the levels of one pixel compete, the last dimension": _of_shares(
            lambda n, s: (n + s) / (n + s).sum(1, keepdim=True)
        ),
        "you divided by a sum over the labels; the levels of one pixel compete, the last dimension": _of_shares(
            lambda n, s: (n + s) / (n + s).sum(0, keepdim=True)
        ),
        "you added the prior itself; logarithms add: prior.log()": (
            lambda seen, theta, prior, smoothing: em_step(seen, theta, prior.exp(), smoothing)
        ),
        "your shares are logarithms; a picture counts by p(y|x) itself: softmax, not log_softmax": _of_joint(
            lambda a: a.log_softmax(1)
        ),
        "you smoothed the prior as well; asked was the plain mean of the shares": prior_smoothed_too,
        "your new prior is a sum; divide it by the number of pictures": prior_not_divided,
        "the product over many pixels underflows to 0; add logarithms and use softmax": _of_joint(
            lambda a: _shares(a.exp())
        ),
        "you used p(x, y) as the shares; divide by p(x), so that the shares of a picture sum to 1": _of_joint(
            lambda a: a.exp()
        ),
        "you summed the probabilities of the pixels; independent pixels multiply: add their logarithms": (
            pixels_summed,
            _of_scores(lambda seen, theta, prior: torch.einsum("ndv,kdv->nk", seen, theta) + prior.log()),
        ),
        "you took out one maximum for all pictures; each row needs its own, or exp underflows again": _of_joint(
            lambda a: _shares((a - a.max()).exp())
        ),
        "you averaged the logarithms over the pixels; independent pixels multiply: add their logarithms": _of_scores(
            lambda seen, theta, prior: torch.einsum("ndv,kdv->nk", seen, theta.log()) / seen.shape[1] + prior.log()
        ),
        "the prior stands in the shares twice; log p(x, y) has it once": _of_scores(
            lambda seen, theta, prior: _log_joint(seen, theta, prior) + prior.log()
        ),
        "you normalised before the prior came in, so the shares of a picture do not sum to 1": (
            lambda seen, theta, prior, smoothing: _count_again(
                seen, torch.einsum("ndv,kdv->nk", seen, theta.log()).softmax(1) * prior, smoothing
            )
        ),
        "your logarithms are to base 2, but softmax takes powers of e: use natural ones": _of_joint(
            lambda a: (a / math.log(2)).softmax(1)
        ),
        "the smoothing got the weight of all pictures: add it once, to the summed counts": averaged_before_smoothing,
        "the amount of smoothing is wrong: it is the argument, added to every level": (
            lambda seen, theta, prior, smoothing: em_step(seen, theta, prior, 1.0),
            lambda seen, theta, prior, smoothing: em_step(seen, theta, prior, smoothing * theta.shape[-1]),
            lambda seen, theta, prior, smoothing: em_step(seen, theta, prior, smoothing / theta.shape[-1]),
        ),
        "your tables are still the old ones; count again, with the shares": (
            lambda seen, theta, prior, smoothing: (theta, em_step(seen, theta, prior, smoothing)[1])
        ),
        "these are the values after two steps; asked was one": (
            lambda seen, theta, prior, smoothing: em_step(seen, *em_step(seen, theta, prior, smoothing), smoothing)
        ),
        "your new prior counts best labels; it is the mean of the shares": prior_by_best_label,
        "these are logarithms; asked were the tables and the prior themselves": (
            lambda seen, theta, prior, smoothing: tuple(v.log() for v in em_step(seen, theta, prior, smoothing)),
            lambda seen, theta, prior, smoothing: (
                em_step(seen, theta, prior, smoothing)[0].log(),
                em_step(seen, theta, prior, smoothing)[1],
            ),
            lambda seen, theta, prior, smoothing: (
                em_step(seen, theta, prior, smoothing)[0],
                em_step(seen, theta, prior, smoothing)[1].log(),
            ),
        ),
        "your shares do not depend on the picture; E-step: p(y|x) of each picture, from the old tables": (
            lambda seen, theta, prior, smoothing: _count_again(seen, prior.expand(len(seen), -1), smoothing),
            lambda seen, theta, prior, smoothing: _count_again(
                seen, torch.full((len(seen), len(prior)), 1 / len(prior)).double(), smoothing
            ),
        ),
        "the values are off by a rounding: did you compute in float32? Keep the float64 of the arguments": (
            in_single_precision
        ),
        "something was added or clamped against log 0; it changes what is rare": (
            lambda seen, theta, prior, smoothing: _count_again(
                seen, _log_joint(seen, theta, prior + 1e-8).softmax(1), smoothing
            ),
            lambda seen, theta, prior, smoothing: _count_again(
                seen, _log_joint(seen, theta + 1e-8, prior + 1e-8).softmax(1), smoothing
            ),
            lambda seen, theta, prior, smoothing: _count_again(
                seen, _log_joint(seen, theta + 1e-8, prior).softmax(1), smoothing
            ),
        ),
    },
)


# 1.9 ------------------------------------------------------------------------------------------------------------------


def kl_by_hand():
    return math.log(2) + (1 + 1) / 8 - 0.5


by_hand = Exercise(
    "1.9",
    "kl_by_hand",
    reference=kl_by_hand,
    tol=5e-6,
    mistakes={
        "that is KL(q‖p), the other way round; the mean is taken under p = N(1, 1)": (
            _rounded(-math.log(2) + (4 + 1) / 2 - 0.5, 4, 3, 2)
        ),
        "you read N(0, 4) as a standard deviation of 4; its variance is 4, so σ = 2": (
            _rounded(math.log(4) + (1 + 1) / 32 - 0.5, 4, 3, 2)
        ),
        "the - 1/2 is missing: it is the mean of (x - μ)²/2σ² under p itself, from log p": (
            _rounded(math.log(2) + (1 + 1) / 8, 4, 3, 2)
        ),
        "the means differ by 1: the mean of x² under N(1, 1) is 1² + 1 = 2, not 1": (
            _rounded(math.log(2) + 1 / 8 - 0.5, 4, 3, 2)
        ),
        "that is in bits; asked was nats": _rounded(kl_by_hand() / math.log(2), 4, 3, 2),
        "the logarithm has the wrong sign: log(σ of q / σ of p), since q stands in the denominator": (
            _rounded(-math.log(2) + (1 + 1) / 8 - 0.5, 4, 3, 2)
        ),
        "you took the logarithm of the ratio of the variances; it is half of that, log 2": (
            _rounded(math.log(4) + (1 + 1) / 8 - 0.5, 4, 3, 2)
        ),
        "(x - 0)² is divided by 2σ² = 8 under q, not by σ² = 4": (_rounded(math.log(2) + (1 + 1) / 4 - 0.5, 4, 3, 2)),
        "that is the cross-entropy part -E_p[log q] alone; subtract the entropy of p, 1/2 log(2πe)": (
            _rounded(0.5 * math.log(2 * math.pi * 4) + (1 + 1) / 8, 4, 3, 2)
        ),
        "the logarithm is missing: log(σ of q / σ of p) = log 2": lambda: (1 + 1) / 8 - 0.5,
        "the sign is flipped: a KL divergence is never negative": _rounded(-kl_by_hand(), 4, 3, 2),
        "you took log to base 10; nats are the natural logarithm": (_rounded(math.log10(2) + (1 + 1) / 8 - 0.5, 4, 3)),
        "you took log to base 2 in one place; nats are the natural logarithm": lambda: 1 + (1 + 1) / 8 - 0.5,
        "you are there, but you rounded: give five decimals, or return the formula": lambda: 0.4431,
        "you may be there, but you rounded a lot: give five decimals, or return the formula": (
            lambda: 0.443,
            lambda: 0.44,
        ),
        "that is close to it: did you cut or round something on the way? Keep more digits, or return the formula": (
            lambda: 0.4432,
            lambda: 0.44314,
            lambda: 0.7 - 0.25,
        ),
    },
)


# 1.10 -----------------------------------------------------------------------------------------------------------------


def _two_gaussians(generator, size=6):
    def draw():
        return torch.randn(size, generator=generator, dtype=torch.float64)

    return draw(), draw().mul(0.4).exp(), draw(), draw().mul(0.4).exp()


def kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / (2 * sigma_q**2) - 0.5


_one = torch.ones(3, dtype=torch.float64)


def _kl_of(change):
    """The answer change(r, s, d, t): r = log(sigma_q / sigma_p), s = sigma_p, d = mean_p - mean_q, t = sigma_q."""
    return lambda mean_p, sigma_p, mean_q, sigma_q: change((sigma_q / sigma_p).log(), sigma_p, mean_p - mean_q, sigma_q)


kl = Exercise(
    "1.10",
    "kl_of_gaussians",
    reference=kl_of_gaussians,
    inputs=_two_gaussians,
    edges={
        "the same Gaussian twice": (_one, 2 * _one, _one, 2 * _one),
        "a p that is almost a point": (0 * _one, 1e-3 * _one, _one, _one),
        "the two of exercise 1.9": tuple(torch.tensor([v], dtype=torch.float64) for v in (1, 1, 0, 2)),
    },
    gradients=True,
    tol=1e-8,
    mistakes={
        "that is KL(q‖p): p and q are swapped": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_q, sigma_q, mean_p, sigma_p)
        ),
        "you took sigma for the variance; sigma is the standard deviation, so square it in the fraction": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() / 2 + (sigma_p + (mean_p - mean_q) ** 2) / (2 * sigma_q) - 0.5
            )
        ),
        "the logarithm is right, but sigma_p and sigma_q in the fraction are standard deviations: square both": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (sigma_p + (mean_p - mean_q) ** 2) / (2 * sigma_q) - 0.5
            )
        ),
        "brackets are missing: all of sigma_p**2 + (mean_p - mean_q)**2 is divided by 2 * sigma_q**2": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + sigma_p**2 + (mean_p - mean_q) ** 2 / (2 * sigma_q**2) - 0.5
            )
        ),
        "the sign is flipped: a KL divergence is never negative": (
            lambda mean_p, sigma_p, mean_q, sigma_q: -kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q)
        ),
        "the - 1/2 is missing: a Gaussian must have the divergence 0 from itself": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) + 0.5
        ),
        "the ratio in the logarithm is upside down: log(sigma_q / sigma_p)": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) - 2 * (sigma_q / sigma_p).log()
            )
        ),
        "you divided by the variance of p; the squares come from log q, so q's variance divides them": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / (2 * sigma_p**2) - 0.5
            )
        ),
        "the variance of p is missing in the fraction: x spreads around its mean under p": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (mean_p - mean_q) ** 2 / (2 * sigma_q**2) - 0.5
            )
        ),
        "the difference of the means must be squared": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q).abs()) / (2 * sigma_q**2) - 0.5
            )
        ),
        "that is the ratio of variances in the logarithm: halve it, or use the standard deviations": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) + (sigma_q / sigma_p).log()
            )
        ),
        "the squares are divided by 2σ² of q, not by σ²": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / sigma_q**2 - 0.5
            )
        ),
        "a / 2 * b divides by 2 and multiplies by b; put brackets around 2 * sigma_q**2": (
            lambda mean_p, sigma_p, mean_q, sigma_q: (
                (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / 2 * sigma_q**2 - 0.5
            )
        ),
        "that is in bits; asked was nats, the natural logarithm": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) / math.log(2)
        ),
        "you returned one number for the whole batch; asked was one for each pair, shape (B,)": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q).mean(),
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q).sum(),
        ),
        "the logarithm is missing: log(sigma_q / sigma_p)": _kl_of(lambda r, s, d, t: (s**2 + d**2) / (2 * t**2) - 0.5),
        "you took the ratio of the standard deviations itself; its logarithm was asked": _kl_of(
            lambda r, s, d, t: r.exp() + (s**2 + d**2) / (2 * t**2) - 0.5
        ),
        "that is half of the logarithm: with standard deviations in it, log(sigma_q / sigma_p) stands whole": _kl_of(
            lambda r, s, d, t: r / 2 + (s**2 + d**2) / (2 * t**2) - 0.5
        ),
        "the logarithm can be negative, where p is wider than q; you took its absolute value": _kl_of(
            lambda r, s, d, t: r.abs() + (s**2 + d**2) / (2 * t**2) - 0.5
        ),
        "the logarithms are added; it is log sigma_q minus log sigma_p": _kl_of(
            lambda r, s, d, t: t.log() + s.log() + (s**2 + d**2) / (2 * t**2) - 0.5
        ),
        "the logarithm is to another base than e; nats are the natural logarithm": (
            _kl_of(lambda r, s, d, t: r / math.log(2) + (s**2 + d**2) / (2 * t**2) - 0.5),
            _kl_of(lambda r, s, d, t: r / math.log(10) + (s**2 + d**2) / (2 * t**2) - 0.5),
        ),
        "that is twice the divergence: a half is missing in front": _kl_of(
            lambda r, s, d, t: 2 * r + (s**2 + d**2) / t**2 - 1
        ),
        "the last term is - 1/2: a Gaussian must have the divergence 0 from itself": (
            _kl_of(lambda r, s, d, t: r + (s**2 + d**2) / (2 * t**2) - 1),
            _kl_of(lambda r, s, d, t: r + (s**2 + d**2) / (2 * t**2) + 0.5),
        ),
        "the difference of the means is missing: a q in another place costs more": _kl_of(
            lambda r, s, d, t: r + s**2 / (2 * t**2) - 0.5
        ),
        "the squared difference of the means is divided by 2 * sigma_q**2 too": (
            _kl_of(lambda r, s, d, t: r + s**2 / (2 * t**2) + d**2 - 0.5),
            _kl_of(lambda r, s, d, t: r + s**2 / (2 * t**2) + d**2 / 2 - 0.5),
            _kl_of(lambda r, s, d, t: r + s**2 / (2 * t**2) + d**2 / (2 * s**2) - 0.5),
        ),
        "the variance of p and the squared difference of the means add: there is a minus": _kl_of(
            lambda r, s, d, t: r + (s**2 - d**2) / (2 * t**2) - 0.5
        ),
        "you squared a sum; sigma_p and the difference of the means are squared one by one": _kl_of(
            lambda r, s, d, t: r + (s + d) ** 2 / (2 * t**2) - 0.5
        ),
        "it is the difference of the means that counts, not their sum": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, -mean_q, sigma_q)
        ),
        "you squared the 2 as well: sigma_q**2 is squared before 2 multiplies it": _kl_of(
            lambda r, s, d, t: r + (s**2 + d**2) / (2 * t) ** 2 - 0.5
        ),
        "sigma_p has to be squared: the numerator is a variance and a squared difference": _kl_of(
            lambda r, s, d, t: r + (s + d**2) / (2 * t**2) - 0.5
        ),
        "you squared sigma_p and sigma_q before they went into the formula, which squares them itself": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p**2, mean_q, sigma_q**2)
        ),
        "you read sigma as a logarithm; sigma_p and sigma_q are the standard deviations themselves": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p.exp(), mean_q, sigma_q.exp()),
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(
                mean_p, (sigma_p / 2).exp(), mean_q, (sigma_q / 2).exp()
            ),
        ),
        "that is symmetric in p and q; KL(p‖q) is not": (
            lambda m, s, n, t: kl_of_gaussians(m, s, n, t) + kl_of_gaussians(n, t, m, s),
            lambda m, s, n, t: (kl_of_gaussians(m, s, n, t) + kl_of_gaussians(n, t, m, s)) / 2,
        ),
        "that is the cross-entropy -E_p[log q] alone; subtract the entropy of p": _kl_of(
            lambda r, s, d, t: t.log() + (s**2 + d**2) / (2 * t**2) + math.log(2 * math.pi) / 2
        ),
        "q is not the standard normal here: mean_q and sigma_q have to come in": (
            lambda mean_p, sigma_p, mean_q, sigma_q: kl_of_gaussians(mean_p, sigma_p, 0 * mean_q, sigma_q / sigma_q)
        ),
        "something was added against dividing by 0 or log 0; standard deviations are above 0, so it only disturbs": (
            _kl_of(lambda r, s, d, t: (t / s + 1e-6).log() + (s**2 + d**2) / (2 * t**2) - 0.5),
            _kl_of(lambda r, s, d, t: (t / (s + 1e-8)).log() + (s**2 + d**2) / (2 * t**2 + 1e-8) - 0.5),
            _kl_of(lambda r, s, d, t: (t / s + 1e-8).log() + (s**2 + d**2) / (2 * t**2) - 0.5),
            _kl_of(lambda r, s, d, t: (t / s).log() + (s**2 + d**2) / (2 * t**2 + 1e-8) - 0.5),
        ),
    },
)


# 1.11 -----------------------------------------------------------------------------------------------------------------


def false_statement():
    return "d"


spot = Exercise(
    "1.11",
    "false_statement",
    reference=false_statement,
    observe=letter_of,
    mistakes={
        "(a) is true: by (1.8), draw x from p(x) and accept it with probability p(y | x)": lambda: "a",
        "(b) is true: in section 8 the network has fewer bits per dimension, and falls for punctuation far more": (
            lambda: "b"
        ),
        "(c) is true: in section 10 the blue number is least for a q over both modes, and its peak lies between them": (
            lambda: "c"
        ),
        "(e) is true: by (1.17) the mean has the least squared error, and the mean of two answers may be none": (
            lambda: "e"
        ),
    },
)


EXERCISES = (three, letter, log_bayes, prior, count, accepting, gaussian, em, by_hand, kl, spot)
