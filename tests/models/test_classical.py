"""Naive Bayes against enumeration, scikit-learn and autograd; the contracts; the rules for labels."""

import pytest
import torch
from sklearn.naive_bayes import CategoricalNB

from genlib import data, metrics
from genlib.classical import NaiveBayes
from genlib.course.exercises.lecture_01 import count_pixels
from tests import contracts


@pytest.fixture(scope="module")
def fitted():
    train, test = data.digits()
    return NaiveBayes(train.shape, levels=17, classes=10).count(train.x, train.y, smoothing=0.3), train, test


@pytest.mark.parametrize("classes", [None, 4])
def test_it_is_the_density_of_its_samples(classes):
    g = torch.Generator().manual_seed(0)
    x, y = torch.randint(2, (50, 1, 3, 3), generator=g), torch.randint(4, (50,), generator=g)
    model = NaiveBayes((1, 3, 3), levels=2, classes=classes).double().count(x, y if classes else None, smoothing=0.5)
    contracts.sums_to_one(model, tol=1e-12, shake=0)
    contracts.samples_match_density(model, shake=0)
    everything = contracts.all_examples(model)
    assert abs(model.log_marginal(everything).exp().sum().item() - 1) < 1e-12


def test_it_sums_to_one_with_more_levels_and_any_parameters():
    contracts.sums_to_one(NaiveBayes((1, 2, 2), levels=5, classes=3))
    contracts.samples_match_density(NaiveBayes((1, 2, 2), levels=5, classes=3))


def test_its_parameters_and_its_randomness(fitted):
    model, train, _ = fitted
    contracts.gradients_reach_every_parameter(model, train.x[:50], train.y[:50])
    contracts.same_seed_same_result(model, train.x[:50], train.y[:50])


def test_it_agrees_with_scikit_learn(fitted):
    _, train, test = fitted
    ours = NaiveBayes(train.shape, levels=17, classes=10).double().count(train.x, train.y, smoothing=0.3)
    oracle = CategoricalNB(alpha=0.3, min_categories=17).fit(train.x.flatten(1).numpy(), train.y.numpy())
    theirs = torch.from_numpy(oracle.predict_joint_log_proba(test.x.flatten(1).numpy()))
    assert torch.allclose(ours.log_joint(test.x), theirs, atol=1e-9)


def test_it_agrees_with_what_the_learner_writes(fitted):
    model, train, _ = fitted
    theta = count_pixels(train.x.flatten(1), train.y, 10, 17, 0.3)
    assert torch.allclose(model.logits.softmax(-1), theta, atol=1e-6)


def test_counting_is_the_maximum_of_the_likelihood():
    train, _ = data.digits()
    model = NaiveBayes(train.shape, levels=17, classes=10).double().count(train.x, train.y, smoothing=1e-9)
    model.loss(train.x, train.y)["loss"].backward()
    assert model.logits.grad.abs().max() < 1e-9


def test_its_numbers_on_the_digits(fitted):
    model, train, test = fitted
    right = (model.log_posterior(test.x).argmax(1) == test.y).double().mean()
    bits = metrics.bits_per_dim(model.log_marginal(test.x), train.shape).mean()
    independent = NaiveBayes(train.shape, levels=17).count(train.x, smoothing=0.1)
    assert 0.91 < right < 0.94
    assert 2.18 < bits < 2.23
    assert 2.41 < metrics.bits_per_dim(independent.log_prob(test.x), train.shape).mean() < 2.45


def test_samples_match_the_density(fitted):
    model, *_ = fitted
    x = model.sample(20_000, torch.full((20_000,), 3), generator=torch.Generator().manual_seed(0))
    assert x.shape == (20_000, 1, 8, 8)
    theta = model.logits.softmax(-1)[3].detach()  # (64, 17)
    share = torch.stack([torch.bincount(pixel, minlength=17) for pixel in x.flatten(1).T]) / 20_000
    error = (theta * (1 - theta) / 20_000).sqrt()
    assert ((share - theta).abs() < 5.5 * error + 1e-4).all()


def test_the_mixture_is_the_sum_over_labels(fitted):
    model, _, test = fitted
    by_hand = torch.stack([model.log_prob(test.x, torch.full((360,), k)) + model.log_prior[k] for k in range(10)])
    assert torch.allclose(by_hand.logsumexp(0), model.log_marginal(test.x), atol=1e-4)


def test_a_class_without_pictures_never_occurs():
    x, y = torch.zeros(4, 1, 2, 2, dtype=torch.long), torch.tensor([0, 0, 1, 1])
    model = NaiveBayes((1, 2, 2), levels=3, classes=3).count(x, y)
    assert model.log_posterior(x).exp()[:, 2].eq(0).all()
    assert not model.log_posterior(x).isnan().any()


def test_bad_input_is_refused():
    contracts.refuses_bad_input(NaiveBayes((1, 2, 2), 3), torch.zeros(4, 1, 2, 2, dtype=torch.long))


def test_bad_input_is_refused_with_advice():
    conditional, unconditional = NaiveBayes((1, 2, 2), 3, classes=2), NaiveBayes((1, 2, 2), 3)
    x, y = torch.zeros(4, 1, 2, 2, dtype=torch.long), torch.zeros(4, dtype=torch.long)
    with pytest.raises(ValueError, match="conditional: pass y"):
        conditional.log_prob(x)
    with pytest.raises(ValueError, match="unconditional: call it without y"):
        unconditional.log_prob(x, y)
    with pytest.raises(ValueError, match="unconditional"):
        unconditional.sample(4, y)
    with pytest.raises(ValueError, match=r"must be \(3,\)"):
        conditional.sample(3, y)
    with pytest.raises(ValueError, match="integers"):
        unconditional.log_prob(x.float())
    with pytest.raises(ValueError, match=r"takes \(B, 1, 2, 2\)"):
        unconditional.log_prob(x[:, 0])
    with pytest.raises(ValueError, match=r"holds 0\.\.3"):
        unconditional.log_prob(x + torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="must be positive"):
        unconditional.count(x, smoothing=0)
