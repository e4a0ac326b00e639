"""The autoregressive models keep all contracts: grey and colour, few and many levels, with classes and without."""

import pytest
import torch

from genlib.autoregressive import MADE, GatedPixelCNN, PixelCNN, PixelRNN, Transformer
from tests import contracts

CASES = {
    "binary": ((1, 3, 3), 2, None),
    "5 levels, classes": ((1, 2, 2), 5, 3),
    "colour": ((3, 2, 2), 2, None),
    "colour, classes": ((3, 2, 1), 3, 2),
    "two colours of 40 levels": ((2, 1, 1), 40, None),
}
MODELS = {
    "MADE": lambda *case: MADE(*case, hidden=24),
    "MADE, two layers": lambda *case: MADE(*case, hidden=24, layers=2),
    "MADE, logistic": lambda *case: MADE(*case, layers=0),
    "PixelCNN": lambda *case: PixelCNN(*case, channels=12, layers=2, first_kernel=5),
    "PixelCNN, same everywhere": lambda *case: PixelCNN(
        *case, channels=6, layers=1, kernel=5, first_kernel=3, positions=False
    ),
    "GatedPixelCNN": lambda *case: GatedPixelCNN(*case, channels=6, layers=2),
    "GatedPixelCNN, same everywhere": lambda *case: GatedPixelCNN(
        *case, channels=6, layers=1, kernel=5, first_kernel=3, positions=False
    ),
    "PixelRNN": lambda *case: PixelRNN(*case, channels=6, layers=2, first_kernel=3),
    "PixelRNN, same everywhere": lambda *case: PixelRNN(*case, channels=6, layers=1, first_kernel=3, positions=False),
    "PixelRNN, raster": lambda *case: PixelRNN(*case, channels=8, layers=2, recurrence="raster"),
    "Transformer": lambda *case: Transformer(*case, width=8, layers=2, heads=2),
    "Transformer with an end": lambda *case: Transformer(*case, width=8, layers=1, heads=2, end=1),
}


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture(params=CASES)
def model(request, name):
    torch.manual_seed(0)
    return MODELS[name](*CASES[request.param])


def examples(model, n=8):
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(model.levels, (n, *model.shape), generator=generator)
    if getattr(model, "end", None) is not None:  # what goes on after its end has probability 0
        tokens = x.flatten(1)[:, model.order]
        tokens[(tokens == model.end).cummax(1).values] = model.end
        x.flatten(1)[:, model.order] = tokens
    return x, None if model.classes is None else torch.arange(n) % model.classes


def test_the_probabilities_of_all_examples_sum_to_one(model):
    contracts.sums_to_one(model)


def test_nothing_sees_the_future(model):
    contracts.is_causal(model, *examples(model), order=model.order)


def test_cached_sampling_equals_naive_sampling(model):
    contracts.cached_sampling_equals_naive(model)


def test_samples_follow_the_density(model):
    contracts.samples_match_density(model, n=8_000)


def test_what_is_given_is_kept_and_continued(model):
    contracts.conditional_sampling_keeps_what_was_given(model, n=5_000, order=model.order)


def test_gradients_reach_every_parameter(name, model):
    shape = (model.shape[0], 4, 4)  # in a smaller image some kernels have nothing to see
    model = MODELS[name](shape, model.levels, model.classes)
    contracts.gradients_reach_every_parameter(model, *examples(model, 64))


def test_randomness_comes_from_the_generator(model):
    contracts.same_seed_same_result(model, *examples(model))


def test_bad_input_is_refused(model):
    contracts.refuses_bad_input(model, *examples(model), autoregressive=True)
