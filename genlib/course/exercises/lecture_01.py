"""The exercises of lecture 01 and the mistakes that people make in them."""

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


@log_bayes.property("the probabilities of the labels of an picture sum to 1")
def _(answer):
    log_likelihood, log_prior = _log_densities(torch.Generator().manual_seed(3), 7, 3)
    assert torch.allclose(answer(log_likelihood, log_prior).exp().sum(1), torch.ones(7, dtype=torch.float64))


@log_bayes.property("a factor that all labels share cancels: adding 100 to an picture's row changes nothing")
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


@count.mistake("there is no smoothing: a level never seen gets probability 0, and one such pixel vetoes an picture")
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


@accepting.property("an picture is accepted with probability p(y|x)")
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


@accepting.mistake(
    "you keep every picture whose most likely label is y; without chance, the doubtful ones never appear"
)
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
