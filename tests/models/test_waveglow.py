"""WaveGlow: a bijection given a spectrogram, a density that integrates to one, what leaves early, what it learns."""

import math

import pytest
import torch

from genlib import data
from genlib.condition import Images
from genlib.data.mel import mel_spectrogram
from genlib.data.vowels import FLOOR
from genlib.flow import WaveGlow
from genlib.training import fit
from tests import contracts

SMALL = {"vector": 4, "channels": 4, "dilations": (1, 2)}


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    torch.manual_seed(0)


CASES = {
    "alone": lambda: WaveGlow((1, 24), depth=3, early=None, **SMALL),
    "leaving early": lambda: WaveGlow((1, 24), depth=2, early=1, **SMALL),
    "classes": lambda: WaveGlow((1, 24), 3, depth=3, early=2, **SMALL),
    "spectrogram": lambda: WaveGlow((1, 24), condition=Images((1, 5, 3)), depth=4, early=2, **(SMALL | {"vector": 6})),
}


@pytest.fixture(params=CASES)
def model(request):
    return CASES[request.param]()


def examples(model, n=4):
    x = torch.randn(n, *model.shape, generator=torch.Generator().manual_seed(1))
    if isinstance(model.condition, Images):
        return x, torch.randn(n, *model.condition.shape, generator=torch.Generator().manual_seed(2))
    return x, None if model.classes is None else torch.arange(n) % model.classes


def in_double(model, y):
    return y if y is None or not y.is_floating_point() else y.double()


def test_it_is_a_bijection_for_every_y(model):
    x, y = examples(model)
    y = in_double(model, y)
    contracts.inverts(model, x, y, shake=0.2)
    contracts.log_det_is_jacobian(model, x, y, shake=0.2)


def test_every_parameter_is_trained_and_draws_are_seeded(model):
    x, y = examples(model, 16)
    contracts.gradients_reach_every_parameter(model, x, in_double(model, y), shake=0.2)
    if not isinstance(model.condition, Images):
        contracts.same_seed_same_result(model)


@pytest.mark.parametrize("classes", [None, 2])
def test_two_samples_have_a_density_that_is_that_of_its_draws(classes):
    model = WaveGlow((1, 2), classes, vector=2, depth=2, early=None, channels=4, dilations=(1,))

    class Points(torch.nn.Module):
        shape, levels = (2,), None

        def __init__(self):
            super().__init__()
            self.model, self.classes = model, classes

        def log_prob(self, x, y=None):
            return self.model.log_prob(x.view(-1, 1, 2), y)

        def sample(self, n, y=None, *, generator=None):
            return self.model.sample(n, y, generator=generator).view(n, 2)

    contracts.integrates_to_one(Points(), shake=0.3, low=-15, high=15, points=300)
    contracts.samples_match_density(Points(), shake=0.3, cells=20, n=20_000)


def test_two_channels_leave_at_a_time_and_are_not_touched_again():
    """They stand first among the latents, and the last steps' parameters don't move them."""
    model = contracts.shaken(WaveGlow((1, 24), depth=6, early=2, **(SMALL | {"vector": 8})), 0.2)
    assert [step.norm.log_scale.numel() for step in model.steps] == [8, 8, 6, 6, 4, 4]
    x = examples(model)[0].double()
    z, _ = model(x)
    with torch.no_grad():
        model.steps[-1].norm.shift += 1
    changed = (model(x)[0] != z).any(0).view(8, 3)
    assert not changed[:4].any()
    assert changed[4:].all()


def test_a_frame_is_heard_around_its_samples_and_the_network_looks_both_ways():
    """Between the middles of two frames it hears both; a layer of width 3 looks one vector both ways."""
    model = contracts.shaken(
        WaveGlow((1, 64), condition=Images((1, 3, 8)), vector=2, depth=1, early=None, channels=4, dilations=(1,)), 0.3
    )
    x, y = examples(model, 1)
    x, y = x.double(), y.double().requires_grad_()
    z, _ = model(x, y)
    (gradient,) = torch.autograd.grad(z.view(2, 32)[1, 17], y)  # the changed channel, vector 17 of 32: in frame 4
    frames = gradient.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
    assert frames == [3, 4], "in the first half of frame 4"
    x.requires_grad_()
    z, _ = model(x, y.detach())
    (gradient,) = torch.autograd.grad(z.view(2, 32)[1, 17], x)
    heard = gradient.flatten().nonzero().flatten() // 2
    assert (heard.min(), heard.max()) == (16, 18)


def test_zero_temperature_is_the_image_of_the_middle():
    model = contracts.shaken(CASES["spectrogram"](), 0.2)
    _, y = examples(model)
    cold = model.sample(4, y.double(), temperature=0)
    assert torch.allclose(cold, model.inverse(torch.zeros(4, 24, dtype=torch.double), y.double())[0])
    warm = [model.sample(4, y.double(), temperature=t, generator=torch.Generator().manual_seed(0)) for t in (0.1, 1)]
    assert (warm[0] - cold).std() < 0.3 * (warm[1] - cold).std()


def test_it_learns_short_vowels_and_hears_their_spectrogram():
    """Nats a sample after a short training: below white noise as loud, above the breath's entropy, better when told."""
    train, test = data.vowels(120, length=256)
    heard = [(mel_spectrogram(part.x) + 4) / 2 for part in (train, test)]
    nats = []
    for given in (False, True):
        torch.manual_seed(0)
        condition = Images((1, 20, 4)) if given else None
        model = WaveGlow((1, 256), condition=condition, vector=16, depth=4, channels=16, dilations=(1, 2))
        fit(model, (train.x, heard[0]) if given else train.x, steps=60, batch_size=16, lr=6e-3, seed=0, bar=False)
        with torch.no_grad():
            nats.append(-model.log_prob(test.x, heard[1] if given else None).mean().item() / 256)
    white = 0.5 * math.log(2 * math.pi * math.e * train.x.var().item())
    assert FLOOR < nats[1] < nats[0] < white - 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (8,)},
        {"shape": (2, 8)},
        {"vector": 5},
        {"vector": 16},
        {"dilations": ()},
        {"dilations": (0, 1)},
        {"condition": Images((2, 5, 3))},
        {"early": 1, "depth": 8},
    ],
)
def test_what_makes_no_waveglow_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|would be left"):
        WaveGlow(**{"shape": (1, 24), "depth": 2, "early": None} | SMALL | wrong)
