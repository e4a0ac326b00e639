"""The exercises of lecture 01 and the mistakes that people make in them."""

import math

import torch
from torch import Tensor

from genlib.course.exercise import Exercise


def _table(generator, n=4, k=3) -> Tensor:
    """A joint distribution of n images and k labels."""
    mass = torch.rand(n, k, generator=generator, dtype=torch.float64) + 0.05
    return mass / mass.sum()


# 1.1 ------------------------------------------------------------------------------------------------------------------


def three_distributions(joint):
    p_x = joint.sum(1)
    return joint / joint.sum(1, keepdim=True), p_x, joint / joint.sum(0, keepdim=True)


three = Exercise(
    "1.1",
    "three_distributions",
    reference=three_distributions,
    inputs=lambda g: (_table(g),),
    edges={"a square table": (_table(torch.Generator().manual_seed(9), 3, 3),)},
)


@three.property("under the first, every row sums to 1; the second sums to 1; under the third, every column does")
def _(answer):
    p_y_given_x, p_x, p_x_given_y = answer(_table(torch.Generator().manual_seed(5), 6, 2))
    one = torch.ones(6, dtype=torch.float64)
    assert torch.allclose(p_y_given_x.sum(1), one)
    assert torch.allclose(p_x.sum(), one[0])
    assert torch.allclose(p_x_given_y.sum(0), one[:2])


@three.mistake("the conditionals are swapped: p(y|x) divides by the sum of its row, p(x|y) by that of its column")
def _(joint):
    return joint / joint.sum(0, keepdim=True), joint.sum(1), joint / joint.sum(1, keepdim=True)


@three.mistake("your second value is p(y): it sums over the pictures; p(x) sums over the labels, joint.sum(1)")
def _(joint):
    return joint / joint.sum(1, keepdim=True), joint.sum(0), joint / joint.sum(0, keepdim=True)


@three.mistake("the conditionals are the joint itself: a condition fixes a row or a column, whose sum must become 1")
def _(joint):
    return joint, joint.sum(1), joint


@three.mistake(
    "you divided by joint.sum(1), of shape (n,), which lines up with the columns: keep the axis, keepdim=True"
)
def _(joint):
    return joint / joint.sum(1), joint.sum(1), joint / joint.sum(0)


@three.mistake("the sums of p(y|x) are right, but p(x|y) must divide each column by that column's own sum")
def _(joint):
    return joint / joint.sum(1, keepdim=True), joint.sum(1), joint / joint.sum()


@three.mistake("you used softmax: it takes logarithms of weights; these are weights already, so divide by their sum")
def _(joint):
    return joint.softmax(1), joint.sum(1), joint.softmax(0)


# 1.2 ------------------------------------------------------------------------------------------------------------------


def letter_given_flag():
    return 0.001 * 0.99 / (0.001 * 0.99 + 0.999 * 0.02)


letter = Exercise("1.2", "letter_given_flag", reference=letter_given_flag, tol=5e-6)


@letter.property("it is a probability")
def _(answer):
    assert 0 <= answer() <= 1


@letter.mistake("that is p(flag | letter), which the text gives; asked was p(letter | flag)")
def _():
    return 0.99


@letter.mistake("you left out the prior: 0.99 / (0.99 + 0.02) would be right if half of the pictures were letters")
def _():
    return 0.99 / (0.99 + 0.02)


@letter.mistake("that is p(letter, flag), the joint probability; divide it by p(flag)")
def _():
    return 0.001 * 0.99


@letter.mistake("that is p(flag), the denominator of Bayes' rule; the numerator is p(flag | letter) p(letter)")
def _():
    return 0.001 * 0.99 + 0.999 * 0.02


@letter.mistake("you divided by the false alarms alone; p(flag) counts the true ones as well")
def _():
    return 0.001 * 0.99 / (0.999 * 0.02)


@letter.mistake("you divided by p(flag | digit); the denominator is p(flag), for letters and digits together")
def _():
    return 0.001 * 0.99 / 0.02


@letter.mistake("that is p(digit | flag), the other label; the two sum to 1")
def _():
    return 0.999 * 0.02 / (0.001 * 0.99 + 0.999 * 0.02)


@letter.mistake("the false alarms come from digits only: p(digit, flag) is 0.999 * 0.02, not 0.02")
def _():
    return 0.001 * 0.99 / (0.001 * 0.99 + 0.02)


@letter.mistake("that is p(letter), the prior, before the detector has spoken")
def _():
    return 0.001


@letter.mistake("that is p(no flag | digit), how often a digit is passed; asked was p(letter | flag)")
def _():
    return 1 - 0.02


@letter.mistake("you are there, but you rounded: give five decimals, or return the formula")
def _():
    return 0.0472


@letter.mistake("you may be there, but you rounded a lot: give five decimals, or return the formula")
def _():
    return 0.047


@letter.mistake("rounded so much, right and wrong look alike: give five decimals, or return the formula")
def _():
    return 0.05


@letter.mistake("that is in percent; asked was a probability between 0 and 1")
def _():
    return 100 * letter_given_flag()


@letter.mistake("that is in percent, rounded to three decimals; asked was a probability between 0 and 1")
def _():
    return 4.721


@letter.mistake("that is in percent, rounded to two decimals; asked was a probability between 0 and 1")
def _():
    return 4.72


@letter.mistake("that is in percent, rounded to one decimal; asked was a probability between 0 and 1")
def _():
    return 4.7


# 1.3 ------------------------------------------------------------------------------------------------------------------


def _log_densities(generator, size=5, classes=4):
    """log p(x | y) of small probabilities that do not underflow, and a prior that is not uniform."""
    log_likelihood = torch.randn(size, classes, generator=generator, dtype=torch.float64) - 3
    prior = torch.rand(classes, generator=generator, dtype=torch.float64) + 0.1
    return log_likelihood, (prior / prior.sum()).log()


def log_posterior(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.logsumexp(1, keepdim=True)


_g = torch.Generator().manual_seed(7)
_small, _prior = _log_densities(_g)
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
        "a class that never occurs (log p(y) = -inf)": (_small, torch.tensor([0.5, 0.5, 0, 0]).double().log()),
    },
)


@log_bayes.property("the probabilities of the labels of a picture sum to 1")
def _(answer):
    log_likelihood, log_prior = _log_densities(torch.Generator().manual_seed(3), 7, 3)
    assert torch.allclose(answer(log_likelihood, log_prior).exp().sum(1), torch.ones(7, dtype=torch.float64))


@log_bayes.property("a factor that all labels share cancels: adding 100 to a picture's row changes nothing")
def _(answer):
    log_likelihood, log_prior = _log_densities(torch.Generator().manual_seed(4))
    assert torch.allclose(answer(log_likelihood + 100, log_prior), answer(log_likelihood, log_prior))


@log_bayes.mistake("the prior is missing: the numerator of Bayes' rule is p(x|y) p(y)")
def _(log_likelihood, log_prior):
    return log_likelihood.log_softmax(1)


@log_bayes.mistake("you normalised over the pictures (dim 0); the labels of each picture compete, dim 1")
def _(log_likelihood, log_prior):
    return (log_likelihood + log_prior).log_softmax(0)


@log_bayes.mistake("these are probabilities; asked was their logarithm")
def _(log_likelihood, log_prior):
    return (log_likelihood + log_prior).softmax(1)


@log_bayes.mistake("this is log p(x, y), the numerator; subtract log p(x), the logsumexp over the labels")
def _(log_likelihood, log_prior):
    return log_likelihood + log_prior


@log_bayes.mistake("exp underflows: e^-2000 is 0 on a computer, and 0/0 is NaN; stay in logarithms and use logsumexp")
def _(log_likelihood, log_prior):
    joint = log_likelihood.exp() * log_prior.exp()
    return (joint / joint.sum(1, keepdim=True)).log()


@log_bayes.mistake("the sum of exponentials underflows to 0, and its logarithm is -inf; use torch.logsumexp")
def _(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.exp().sum(1, keepdim=True).log()


@log_bayes.mistake("you took out one maximum for all pictures; each row needs its own, or exp underflows again")
def _(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    m = log_joint.max()
    return log_joint - m - (log_joint - m).exp().sum(1, keepdim=True).log()


@log_bayes.mistake("logsumexp(1) has shape (B,), which does not line up with (B, K): keep the axis, keepdim=True")
def _(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.logsumexp(1)


@log_bayes.mistake("log_prior is a logarithm already; you took its logarithm again")
def _(log_likelihood, log_prior):
    return (log_likelihood + log_prior.log()).log_softmax(1)


@log_bayes.mistake("you normalised before the prior came in; add log_prior first, then normalise")
def _(log_likelihood, log_prior):
    return log_likelihood.log_softmax(1) + log_prior


@log_bayes.mistake("you subtracted the largest entry; that is stable, but the sum is more than its largest term")
def _(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.max(1, keepdim=True).values


@log_bayes.mistake("you subtracted the sum of the logarithms; what has to be summed are the probabilities: logsumexp")
def _(log_likelihood, log_prior):
    log_joint = log_likelihood + log_prior
    return log_joint - log_joint.sum(1, keepdim=True)


@log_bayes.mistake("log_prior is a logarithm already: multiplying becomes adding")
def _(log_likelihood, log_prior):
    return (log_likelihood * log_prior).log_softmax(1)


# 1.4 ------------------------------------------------------------------------------------------------------------------


def _posterior_and_priors(generator, size=5, classes=3):
    def weights(*shape):
        w = torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.1
        return w / w.sum(-1, keepdim=True)

    return weights(size, classes), weights(classes), weights(classes)


def change_prior(posterior, old_prior, new_prior):
    weights = posterior * new_prior / old_prior
    return weights / weights.sum(1, keepdim=True)


prior = Exercise("1.4", "change_prior", reference=change_prior, inputs=_posterior_and_priors)


@prior.property("the same prior changes nothing")
def _(answer):
    posterior, old, _ = _posterior_and_priors(torch.Generator().manual_seed(3))
    assert torch.allclose(answer(posterior, old, old), posterior)


@prior.property("there and back again is where you were")
def _(answer):
    posterior, old, new = _posterior_and_priors(torch.Generator().manual_seed(4))
    assert torch.allclose(answer(answer(posterior, old, new), new, old), posterior)


@prior.mistake("the old prior is still in there: p(y|x) contains it as a factor, so divide by it")
def _(posterior, old_prior, new_prior):
    weights = posterior * new_prior
    return weights / weights.sum(1, keepdim=True)


@prior.mistake("the priors are the wrong way round: multiply by the new one, divide by the old one")
def _(posterior, old_prior, new_prior):
    weights = posterior * old_prior / new_prior
    return weights / weights.sum(1, keepdim=True)


@prior.mistake("the rows do not sum to 1: p(x) changes with the prior too, so divide by the new sum")
def _(posterior, old_prior, new_prior):
    return posterior * new_prior / old_prior


@prior.mistake("two things are missing: the old prior is still in there, and the rows do not sum to 1")
def _(posterior, old_prior, new_prior):
    return posterior * new_prior


@prior.mistake("you divided by the sum of everything; the labels of each picture compete, so each row has its own sum")
def _(posterior, old_prior, new_prior):
    weights = posterior * new_prior / old_prior
    return weights / weights.sum()


@prior.mistake("sum(1) has shape (B,), which does not line up with (B, K): keep the axis, keepdim=True")
def _(posterior, old_prior, new_prior):
    weights = posterior * new_prior / old_prior
    return weights / weights.sum(1)


@prior.mistake("that is the posterior that you were given; the new prior has to come in")
def _(posterior, old_prior, new_prior):
    return posterior


@prior.mistake("you normalised the columns; the labels of each picture compete, so each row must sum to 1")
def _(posterior, old_prior, new_prior):
    weights = posterior * new_prior / old_prior
    return weights / weights.sum(0, keepdim=True)


@prior.mistake("you added the difference of the priors; in Bayes' rule they are factors")
def _(posterior, old_prior, new_prior):
    return posterior + new_prior - old_prior


@prior.mistake("the new prior never enters your result")
def _(posterior, old_prior, new_prior):
    weights = posterior / old_prior
    return weights / weights.sum(1, keepdim=True)


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


def count_pixels(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing * levels)


_x = torch.tensor([[0, 1], [0, 2], [1, 1]])
count = Exercise(
    "1.5",
    "count_pixels",
    reference=count_pixels,
    inputs=_little_images,
    edges={"a class without any picture": (_x, torch.tensor([0, 0, 2]), 3, 4, 1.0)},
)


@count.property("for each class and pixel, the probabilities of the levels sum to 1")
def _(answer):
    theta = answer(*_little_images(torch.Generator().manual_seed(5)))
    assert torch.allclose(theta.sum(-1), torch.ones_like(theta[..., 0]))


@count.property("a level that was never seen still has a probability above 0")
def _(answer):
    assert (answer(_x, torch.tensor([0, 0, 0]), 1, 17, 1.0) > 0).all()


@count.mistake("you divided by the number of all pictures; under a label only the pictures of that label count")
def _(x, y, classes, levels, smoothing):
    return (_counts(x, y, classes, levels) + smoothing) / (len(x) + smoothing * levels)


@count.mistake("the smoothing is missing in the denominator: smoothing is added to each of the `levels` counts")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + smoothing) / counts.sum(-1, keepdim=True)


@count.mistake("you added the smoothing once to the denominator; it was added to every level, so add it `levels` times")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing)


@count.mistake("there is no smoothing: a level never seen gets probability 0, and one such pixel vetoes a picture")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return counts / counts.sum(-1, keepdim=True)


@count.mistake("these are counts; divide them by their sum over the levels to get probabilities")
def _(x, y, classes, levels, smoothing):
    return _counts(x, y, classes, levels) + smoothing


@count.mistake("your smoothing is always 1; use the argument `smoothing`")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + 1) / (counts.sum(-1, keepdim=True) + levels)


@count.mistake("you normalised over the classes; under each label the levels of a pixel compete, the last axis")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels) + smoothing
    return counts / counts.sum(0, keepdim=True)


@count.mistake("you normalised over the pixels; each pixel has a histogram of its own, the last axis")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels) + smoothing
    return counts / counts.sum(1, keepdim=True)


@count.mistake("these are logarithms; asked were the probabilities themselves")
def _(x, y, classes, levels, smoothing):
    return count_pixels(x, y, classes, levels, smoothing).log()


@count.mistake("you normalised over pixels and levels together; each pixel has a histogram of its own, the last axis")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels) + smoothing
    return counts / counts.sum((1, 2), keepdim=True)


@count.mistake("you smoothed the shares; the smoothing belongs to the counts, before you divide")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return counts / counts.sum(-1, keepdim=True).clamp(min=1) + smoothing


@count.mistake(
    "you smoothed the shares; the smoothing belongs to the counts, where it saves a class without pictures from 0/0"
)
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return counts / counts.sum(-1, keepdim=True) + smoothing


@count.mistake(
    "you smoothed the shares, as if each level had been seen smoothing * n times; smooth the counts (then a class "
    "without pictures is no 0/0 either)"
)
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts / counts.sum(-1, keepdim=True) + smoothing) / (1 + smoothing * levels)


@count.mistake("you smoothed the shares, as if each level had been seen smoothing * n times; smooth the counts instead")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    smoothed = counts / counts.sum(-1, keepdim=True).clamp(min=1) + smoothing
    return smoothed / smoothed.sum(-1, keepdim=True)


@count.mistake("the denominator grows by smoothing * levels: a smoothing for each level, not for each class")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing * classes)


@count.mistake("the denominator grows by smoothing * levels; you added `levels` without the smoothing")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + levels)


@count.mistake("each picture must count once: `n[indices] += 1` adds only one for indices that occur several times")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, y, classes, levels).clamp(max=1)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing * levels)


@count.mistake("the labels play no part in your counts: theta[k] must count only the pictures with y == k")
def _(x, y, classes, levels, smoothing):
    counts = _counts(x, torch.zeros_like(y), 1, levels).expand(classes, -1, -1)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing * levels)


# 1.6 ------------------------------------------------------------------------------------------------------------------


def _proposals(generator, size=200):
    return torch.rand(size, generator=generator), torch.rand(size, generator=generator)


def accept(p_y_given_x, uniforms):
    return uniforms < p_y_given_x


accepting = Exercise(
    "1.6",
    "accept",
    reference=accept,
    inputs=_proposals,
    edges={"pictures that are surely y, and surely not": (torch.tensor([1.0, 0.0]), torch.tensor([0.999, 0.001]))},
)


@accepting.property("a picture is accepted with probability p(y|x)")
def _(answer):
    uniforms = torch.rand(100_000, generator=torch.Generator().manual_seed(2))
    share = answer(torch.full((100_000,), 0.3), uniforms).float().mean()
    assert abs(share - 0.3) < 0.01, f"with p(y|x) = 0.3 you accept {share:.2f} of the pictures"


@accepting.mistake("you accept with probability 1 - p(y|x): a uniform number is below p with probability p")
def _(p_y_given_x, uniforms):
    return uniforms > p_y_given_x


@accepting.mistake(
    "uniforms < 1 - p accepts with probability 1 - p(y|x); a uniform number is below p with probability p"
)
def _(p_y_given_x, uniforms):
    return uniforms < 1 - p_y_given_x


@accepting.mistake(
    "uniforms > 1 - p has the right probability too; so that answers can be compared, let low numbers accept"
)
def _(p_y_given_x, uniforms):
    return uniforms > 1 - p_y_given_x


@accepting.mistake("you keep every picture with p(y|x) above one half; without chance, the doubtful ones never appear")
def _(p_y_given_x, uniforms):
    return p_y_given_x > 0.5


@accepting.mistake("these are 0 and 1; asked was a mask of True and False, which can select pictures")
def _(p_y_given_x, uniforms):
    return (uniforms < p_y_given_x).long()


@accepting.mistake("this is one decision for all pictures; asked was one for each")
def _(p_y_given_x, uniforms):
    return uniforms.mean() < p_y_given_x.mean()


@accepting.mistake("these are positions; asked was a mask of True and False, as long as the input")
def _(p_y_given_x, uniforms):
    return (uniforms < p_y_given_x).nonzero()[:, 0]


@accepting.mistake("you drew your own random numbers; use the argument `uniforms`, so that the result can be compared")
def _(p_y_given_x, uniforms):
    return torch.rand_like(p_y_given_x) < p_y_given_x


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


def gaussian_classifier(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2
    return (log_density + log_prior).log_softmax(1)


_near, *_classes = _gaussian_classes(torch.Generator().manual_seed(17))
gaussian = Exercise(
    "1.7",
    "gaussian_classifier",
    reference=gaussian_classifier,
    inputs=_gaussian_classes,
    edges={
        "as many pictures as classes": _gaussian_classes(torch.Generator().manual_seed(18), size=4),
        "pictures a hundred standard deviations away": (_near + 100, *_classes),
    },
)


@gaussian.property("the probabilities of the labels of a picture sum to 1")
def _(answer):
    total = answer(*_gaussian_classes(torch.Generator().manual_seed(3), 7, 5, 3)).exp().sum(1)
    assert torch.allclose(total, torch.ones(7, dtype=torch.float64))


@gaussian.property("at the mean of one of two classes that differ in nothing else, that class wins")
def _(answer):
    means, one = torch.tensor([[-1.0, 0], [1, 0]]).double(), torch.ones(2, 2).double()
    assert answer(means, means, one, torch.tensor([0.5, 0.5]).double().log()).argmax(1).tolist() == [0, 1]


@gaussian.property("of two classes with one mean, the narrow one wins at the mean and the wide one far away")
def _(answer):
    x, variances = torch.tensor([[0.0], [5]]).double(), torch.tensor([[0.1], [4]]).double()
    posterior = answer(x, torch.zeros(2, 1).double(), variances, torch.tensor([0.5, 0.5]).double().log())
    assert posterior.argmax(1).tolist() == [0, 1]


@gaussian.mistake("the Gaussians' factors 1/σ are missing; they differ between the classes, so they do not cancel")
def _(x, means, variances, log_prior):
    return (-_squares(x, means, variances).sum(-1) / 2 + log_prior).log_softmax(1)


@gaussian.mistake("the prior is missing: the numerator of Bayes' rule is p(x|y) p(y)")
def _(x, means, variances, log_prior):
    return gaussian_classifier(x, means, variances, torch.zeros_like(log_prior))


@gaussian.mistake("you took the variances for standard deviations: they are σ² already, do not square them")
def _(x, means, variances, log_prior):
    return gaussian_classifier(x, means, variances**2, log_prior)


@gaussian.mistake("this is log p(x, y); subtract log p(x), the logsumexp over the labels")
def _(x, means, variances, log_prior):
    return -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2 + log_prior


@gaussian.mistake("these are probabilities; asked was their logarithm")
def _(x, means, variances, log_prior):
    return gaussian_classifier(x, means, variances, log_prior).exp()


@gaussian.mistake("you averaged over the pixels; independent pixels multiply, so their logarithms add")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).mean(-1) / 2
    return (log_density + log_prior).log_softmax(1)


@gaussian.mistake("you normalised over the pictures (dim 0); the labels of each picture compete, dim 1")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2
    return (log_density + log_prior).log_softmax(0)


@gaussian.mistake("exp underflows: far from all means every p(x|y) is 0 on a computer; stay in logarithms")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1) / 2
    joint = log_density.exp() * log_prior.exp()
    return (joint / joint.sum(1, keepdim=True)).log()


@gaussian.mistake("the factor 1/2 is missing: log N(x; μ, σ²) has -(x - μ)² / (2σ²)")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log() / 2).sum(-1)
    return (log_density + log_prior).log_softmax(1)


@gaussian.mistake("the factor 1/2 is missing: log N(x; μ, σ²) is -1/2 of the squares and of log 2πσ²")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) + (2 * math.pi * variances).log()).sum(-1)
    return (log_density + log_prior).log_softmax(1)


@gaussian.mistake("log 2πσ² needs the factor 1/2 too: the density has the square root of 2πσ²")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) / 2 + (2 * math.pi * variances).log()).sum(-1)
    return (log_density + log_prior).log_softmax(1)


@gaussian.mistake("log_prior is a logarithm already: add it as it is")
def _(x, means, variances, log_prior):
    return gaussian_classifier(x, means, variances, log_prior.exp())


@gaussian.mistake("the sign of log σ is flipped: a wide Gaussian is a low one, so its log-density has - log σ")
def _(x, means, variances, log_prior):
    log_density = -(_squares(x, means, variances) - (2 * math.pi * variances).log()).sum(-1) / 2
    return (log_density + log_prior).log_softmax(1)


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


def em_step(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).softmax(1), smoothing)


em = Exercise(
    "1.8",
    "em_step",
    reference=em_step,
    inputs=_mixture_of_pixels,
    edges={
        "pictures of 1,600 pixels": _mixture_of_pixels(torch.Generator().manual_seed(4), 6, 1600, 3, 5),
        "as many pictures as classes": _mixture_of_pixels(torch.Generator().manual_seed(5), 3, 4, 3, 5),
    },
)


@em.property("each new table sums to 1 over the levels, and the new prior sums to 1")
def _(answer):
    theta, prior = answer(*_mixture_of_pixels(torch.Generator().manual_seed(6)))
    assert torch.allclose(theta.sum(-1), torch.ones_like(theta[..., 0]))
    assert abs(prior.sum() - 1) < 1e-9


@em.property("with next to no smoothing, ten steps never lower the likelihood")
def _(answer):
    seen, theta, prior, _ = _mixture_of_pixels(torch.Generator().manual_seed(7), 40)
    before = -math.inf
    for _ in range(10):
        now = _log_joint(seen, theta, prior).logsumexp(1).sum().item()
        assert now >= before - 1e-6, f"log p went from {before:.4f} to {now:.4f}"
        before = now
        theta, prior = answer(seen, theta, prior, 1e-9)


@em.property("with one class it counts, as in exercise 1.5")
def _(answer):
    seen, theta, _, _ = _mixture_of_pixels(torch.Generator().manual_seed(8), classes=1)
    expected, _ = _count_again(seen, torch.ones(12, 1).double(), 0.5)
    assert torch.allclose(answer(seen, theta, torch.ones(1).double(), 0.5)[0], expected)


@em.mistake("you gave each picture wholly to its best label; EM lets it count for every label by its share p(y|x)")
def _(seen, theta, prior, smoothing):
    shares = torch.nn.functional.one_hot(_log_joint(seen, theta, prior).argmax(1), len(prior)).to(seen)
    return _count_again(seen, shares, smoothing)


@em.mistake("the prior is missing in the shares: p(y|x) is proportional to p(x|y) p(y)")
def _(seen, theta, prior, smoothing):
    return em_step(seen, theta, torch.full_like(prior, 1 / len(prior)), smoothing)


@em.mistake("your prior is still the old one; the new p(y) is the mean of the shares")
def _(seen, theta, prior, smoothing):
    return em_step(seen, theta, prior, smoothing)[0], prior


@em.mistake("you normalised the shares over the pictures (dim 0); the labels of each picture compete, dim 1")
def _(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).softmax(0), smoothing)


@em.mistake("you divided the counts by the number of all pictures; each label has its own sum over the levels")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / (len(seen) + smoothing * seen.shape[-1]), shares.mean(0)


@em.mistake("there is no smoothing: add it to every count before you divide")
def _(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).softmax(1), 0.0)


@em.mistake("you smoothed after dividing; add the smoothing to the counts, then divide by their sum")
def _(seen, theta, prior, smoothing):
    table, new_prior = _count_again(seen, _log_joint(seen, theta, prior).softmax(1), 0.0)
    return table + smoothing, new_prior


@em.mistake("the smoothing is missing in the sum that you divide by: the new tables must sum to 1")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen)
    return (counts + smoothing) / counts.sum(-1, keepdim=True), shares.mean(0)


@em.mistake("you added the smoothing once to the denominator; it was added to every level, so add it V times")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen)
    return (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing), shares.mean(0)


@em.mistake("you normalised over pixels and levels together; the levels of one pixel compete, the last dimension")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / counts.sum((1, 2), keepdim=True), shares.mean(0)


@em.mistake("these are the counts; divide each table by its sum over the levels")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    return torch.einsum("nk,ndv->kdv", shares, seen) + smoothing, shares.mean(0)


@em.mistake("you divided by a sum over the pixels; the levels of one pixel compete, the last dimension")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / counts.sum(1, keepdim=True), shares.mean(0)


@em.mistake("you divided by a sum over the labels; the levels of one pixel compete, the last dimension")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    counts = torch.einsum("nk,ndv->kdv", shares, seen) + smoothing
    return counts / counts.sum(0, keepdim=True), shares.mean(0)


@em.mistake("you added the prior itself; logarithms add: prior.log()")
def _(seen, theta, prior, smoothing):
    return em_step(seen, theta, prior.exp(), smoothing)


@em.mistake("your shares are logarithms; a picture counts by p(y|x) itself: softmax, not log_softmax")
def _(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).log_softmax(1), smoothing)


@em.mistake("you smoothed the prior as well; asked was the plain mean of the shares")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    smoothed = (shares.sum(0) + smoothing) / (len(seen) + smoothing * len(prior))
    return _count_again(seen, shares, smoothing)[0], smoothed


@em.mistake("your new prior is a sum; divide it by the number of pictures")
def _(seen, theta, prior, smoothing):
    shares = _log_joint(seen, theta, prior).softmax(1)
    return _count_again(seen, shares, smoothing)[0], shares.sum(0)


@em.mistake("the product over many pixels underflows to 0; add logarithms and use softmax")
def _(seen, theta, prior, smoothing):
    joint = _log_joint(seen, theta, prior).exp()
    return _count_again(seen, joint / joint.sum(1, keepdim=True), smoothing)


@em.mistake("you used p(x, y) as the shares; divide by p(x), so that the shares of a picture sum to 1")
def _(seen, theta, prior, smoothing):
    return _count_again(seen, _log_joint(seen, theta, prior).exp(), smoothing)


@em.mistake("you summed the probabilities of the pixels; independent pixels multiply: add their logarithms")
def _(seen, theta, prior, smoothing):
    joint = torch.einsum("ndv,kdv->nk", seen, theta) * prior
    return _count_again(seen, joint / joint.sum(1, keepdim=True), smoothing)


# 1.9 ------------------------------------------------------------------------------------------------------------------


def kl_by_hand():
    return math.log(2) + (1 + 1) / 8 - 0.5


by_hand = Exercise("1.9", "kl_by_hand", reference=kl_by_hand, tol=5e-6)


@by_hand.property("it is not negative")
def _(answer):
    assert answer() >= 0


@by_hand.mistake("that is KL(q‖p), the other way round; the mean is taken under p = N(1, 1)")
def _():
    return -math.log(2) + (4 + 1) / 2 - 0.5


@by_hand.mistake("you read N(0, 4) as a standard deviation of 4; its variance is 4, so σ = 2")
def _():
    return math.log(4) + (1 + 1) / 32 - 0.5


@by_hand.mistake("the - 1/2 is missing: it is the mean of (x - μ)²/2σ² under p itself, from log p")
def _():
    return math.log(2) + (1 + 1) / 8


@by_hand.mistake("the means differ by 1: the mean of x² under N(1, 1) is 1² + 1 = 2, not 1")
def _():
    return math.log(2) + 1 / 8 - 0.5


@by_hand.mistake("that is in bits; asked was nats")
def _():
    return kl_by_hand() / math.log(2)


@by_hand.mistake("the logarithm has the wrong sign: log(σ of q / σ of p), since q stands in the denominator")
def _():
    return -math.log(2) + (1 + 1) / 8 - 0.5


@by_hand.mistake("you took the logarithm of the ratio of the variances; it is half of that, log 2")
def _():
    return math.log(4) + (1 + 1) / 8 - 0.5


@by_hand.mistake("(x - 0)² is divided by 2σ² = 8 under q, not by σ² = 4")
def _():
    return math.log(2) + (1 + 1) / 4 - 0.5


@by_hand.mistake("that is the cross-entropy part -E_p[log q] alone; subtract the entropy of p, 1/2 log(2πe)")
def _():
    return 0.5 * math.log(2 * math.pi * 4) + (1 + 1) / 8


@by_hand.mistake("you are there, but you rounded: give five decimals, or return the formula")
def _():
    return 0.4431


@by_hand.mistake("you may be there, but you rounded a lot: give five decimals, or return the formula")
def _():
    return 0.443


# 1.10 -----------------------------------------------------------------------------------------------------------------


def _two_gaussians(generator, size=6):
    def draw():
        return torch.randn(size, generator=generator, dtype=torch.float64)

    return draw(), draw().mul(0.4).exp(), draw(), draw().mul(0.4).exp()


def kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / (2 * sigma_q**2) - 0.5


_one = torch.ones(3, dtype=torch.float64)
kl = Exercise(
    "1.10",
    "kl_of_gaussians",
    reference=kl_of_gaussians,
    inputs=_two_gaussians,
    edges={
        "the same Gaussian twice": (_one, 2 * _one, _one, 2 * _one),
        "a p that is almost a point": (0 * _one, 1e-3 * _one, _one, _one),
    },
    gradients=True,
)


@kl.property("it agrees with exercise 1.9, where it was done by hand")
def _(answer):
    value = answer(*(torch.tensor([v], dtype=torch.float64) for v in (1, 1, 0, 2)))
    assert abs(value.item() - kl_by_hand()) < 1e-6


@kl.property("it agrees with the mean of log p(x) - log q(x) over many draws from p")
def _(answer):
    mean_p, sigma_p, mean_q, sigma_q = _two_gaussians(torch.Generator().manual_seed(2))
    p, q = torch.distributions.Normal(mean_p, sigma_p), torch.distributions.Normal(mean_q, sigma_q)
    x = p.sample((100_000,))
    ratio = p.log_prob(x) - q.log_prob(x)
    assert ((answer(mean_p, sigma_p, mean_q, sigma_q) - ratio.mean(0)).abs() < 5 * ratio.std(0) / 100_000**0.5).all()


@kl.property("moving both Gaussians by the same distance changes nothing")
def _(answer):
    mean_p, sigma_p, mean_q, sigma_q = _two_gaussians(torch.Generator().manual_seed(3))
    here, there = answer(mean_p, sigma_p, mean_q, sigma_q), answer(mean_p + 5, sigma_p, mean_q + 5, sigma_q)
    assert torch.allclose(here, there)


@kl.mistake("that is KL(q‖p): p and q are swapped")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_q, sigma_q, mean_p, sigma_p)


@kl.mistake("you took sigma for the variance; sigma is the standard deviation, so square it in the fraction")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() / 2 + (sigma_p + (mean_p - mean_q) ** 2) / (2 * sigma_q) - 0.5


@kl.mistake("the logarithm is right, but sigma_p and sigma_q in the fraction are standard deviations: square both")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p + (mean_p - mean_q) ** 2) / (2 * sigma_q) - 0.5


@kl.mistake("brackets are missing: all of sigma_p**2 + (mean_p - mean_q)**2 is divided by 2 * sigma_q**2")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + sigma_p**2 + (mean_p - mean_q) ** 2 / (2 * sigma_q**2) - 0.5


@kl.mistake("the sign is flipped: a KL divergence is never negative")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return -kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q)


@kl.mistake("the - 1/2 is missing: a Gaussian must have the divergence 0 from itself")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) + 0.5


@kl.mistake("the ratio in the logarithm is upside down: log(sigma_q / sigma_p)")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) - 2 * (sigma_q / sigma_p).log()


@kl.mistake("you divided by the variance of p; the squares come from log q, so q's variance divides them")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / (2 * sigma_p**2) - 0.5


@kl.mistake("the variance of p is missing in the fraction: x spreads around its mean under p")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (mean_p - mean_q) ** 2 / (2 * sigma_q**2) - 0.5


@kl.mistake("the difference of the means must be squared")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q).abs()) / (2 * sigma_q**2) - 0.5


@kl.mistake("that is the ratio of variances in the logarithm: halve it, or use the standard deviations")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) + (sigma_q / sigma_p).log()


@kl.mistake("the squares are divided by 2σ² of q, not by σ²")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / sigma_q**2 - 0.5


@kl.mistake("a / 2 * b divides by 2 and multiplies by b; put brackets around 2 * sigma_q**2")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return (sigma_q / sigma_p).log() + (sigma_p**2 + (mean_p - mean_q) ** 2) / 2 * sigma_q**2 - 0.5


@kl.mistake("that is in bits; asked was nats, the natural logarithm")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q) / math.log(2)


@kl.mistake("you returned one number, the mean over the batch; asked was one for each pair, shape (B,)")
def _(mean_p, sigma_p, mean_q, sigma_q):
    return kl_of_gaussians(mean_p, sigma_p, mean_q, sigma_q).mean()


# 1.11 -----------------------------------------------------------------------------------------------------------------


def false_statement():
    return "d"


def letter_of(answer):
    """The letter of an answer such as " (A) ", small and bare; anything but a string as it is."""
    value = answer()
    return value.strip(" ().").lower() if isinstance(value, str) else value


spot = Exercise("1.11", "false_statement", reference=false_statement, observe=letter_of)


@spot.property("it is one of the five letters")
def _(answer):
    assert letter_of(answer) in list("abcde")


@spot.mistake("(a) is true: (1.8) multiplies the posterior by new prior / old prior, and no picture is needed")
def _():
    return "a"


@spot.mistake("(b) is true: in section 10 the network has fewer bits per dimension, and falls for punctuation far more")
def _():
    return "b"


@spot.mistake("(c) is true: by (1.22) its mean is that of the data, and between two far modes there is hardly any data")
def _():
    return "c"


@spot.mistake("(e) is true: by (1.14) the logarithm of the odds is linear in x for both; only the training differs")
def _():
    return "e"
