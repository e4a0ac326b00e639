"""WaveNet: a likelihood that sums to one, sampling with and without its memory, what it hears, spectrograms."""

import pytest
import torch

from genlib import data
from genlib.autoregressive import WaveNet
from genlib.condition import Images
from genlib.data.mel import mel_spectrogram
from genlib.training import fit
from tests import contracts


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    torch.manual_seed(0)


CASES = {
    "binary": lambda: WaveNet((1, 8), 2, channels=6, dilations=(1, 2, 4)),
    "classes": lambda: WaveNet((1, 4), 5, 3, channels=6, dilations=(1, 2)),
    "twice around": lambda: WaveNet((1, 8), 2, channels=6, dilations=(2, 1, 2)),
}


@pytest.fixture(params=CASES)
def model(request):
    return CASES[request.param]()


def examples(model, n=8):
    x = torch.randint(model.levels, (n, *model.shape), generator=torch.Generator().manual_seed(1))
    return x, None if model.classes is None else torch.arange(n) % model.classes


def test_it_keeps_the_contracts_of_its_family(model):
    contracts.sums_to_one(model)
    contracts.is_causal(model, *examples(model), order=model.order)
    contracts.cached_sampling_equals_naive(model)
    contracts.samples_match_density(model, n=8_000)
    contracts.gradients_reach_every_parameter(model, *examples(model, 64))


def test_it_hears_as_far_back_as_its_dilations_say():
    model = contracts.shaken(WaveNet((1, 24), 4, channels=8, dilations=(1, 2, 4)))
    encoded = model.encode(torch.randint(4, (1, 1, 24))).requires_grad_()
    model.logits(encoded)[0, 0, 20].sum().backward()
    heard = encoded.grad.flatten().nonzero().flatten().tolist()
    assert heard == list(range(20 - 8, 20)), "1 + 1 + 2 + 4 samples, and none of now or later"


def spoken():
    return WaveNet((1, 8), 3, condition=Images((1, 5, 4)), channels=6, dilations=(1, 2))


def test_a_frame_of_the_spectrogram_is_heard_in_its_own_samples_and_not_before():
    model, x = contracts.shaken(spoken()), torch.randint(3, (1, 1, 8))
    y = torch.randn(1, 1, 5, 4, dtype=torch.double).requires_grad_()
    for t in range(8):
        (gradient,) = torch.autograd.grad(model(x, y)[0, 0, t].square().sum(), y)
        frames = gradient.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
        assert frames[-1] == t // 2
        assert frames[0] == max(0, t - 2) // 2, "by the second layer, whose gates look 2 samples back"


def test_with_a_spectrogram_its_memory_gives_the_same_samples():
    model, y = contracts.shaken(spoken()), torch.randn(16, 1, 5, 4, dtype=torch.double)
    uniforms = torch.rand(16, 8, dtype=torch.double)
    kept, anew = (model.sample(16, y, uniforms=uniforms, cached=cached) for cached in (True, False))
    assert torch.equal(kept, anew)
    assert not torch.equal(kept, model.sample(16, -y, uniforms=uniforms))


def test_it_learns_tones_from_their_spectrogram():
    """Nats for a sample, given the sound's spectrogram and without: what is given helps."""
    train, _ = data.tones(64, length=256, levels=16)
    wave, _ = data.tones(64, length=256)
    given = mel_spectrogram(wave.x, bands=8, window=128, hop=32)
    scaled = (given - given.mean()) / given.std()
    losses = []
    for y in (None, scaled):
        torch.manual_seed(0)
        model = WaveNet(
            (1, 256), 16, condition=None if y is None else Images((1, 8, 8)), channels=12, dilations=(1, 2, 4, 8)
        )
        fit(model, train.x if y is None else (train.x, y), steps=60, batch_size=32, lr=1e-2, seed=0, bar=False)
        with torch.no_grad():
            losses.append(float(model.loss(train.x, y)["loss"]) / 256)
    assert losses[1] < losses[0] < 2.4, "2.77 is a guess"


@pytest.mark.parametrize(
    "wrong",
    [{"shape": (8,)}, {"shape": (2, 8)}, {"dilations": ()}, {"dilations": (0, 1)}, {"condition": Images((1, 5, 3))},
     {"condition": Images((2, 5, 4))}],
)  # fmt: skip
def test_what_makes_no_wavenet_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        WaveNet(**{"shape": (1, 8), "levels": 3, **wrong})
