"""Vowels are what their factors say: pitch, formants, loudness, and a breath whose entropy is known."""

import importlib
import math

import numpy as np
import pytest
import torch

from genlib import data
from genlib.data.mel import mel_spectrogram
from genlib.data.tones import SAMPLE_RATE, quantise

of = importlib.import_module("genlib.data.vowels")


def steady(length=16384, **known):
    """One vowel that sets in at once and does not die away, without breath, (length,)."""
    given = {"vowel": 0, "pitch": 100.0, "tract": 1.0, "volume": 0.5, "attack": 1e-9, "decay": 1e9, "phase": 0.3}
    return of.spoken({name: np.array([value]) for name, value in (given | known).items()}, length)[0]


def test_a_resonance_is_one_at_rest_and_as_high_as_its_band_is_narrow():
    far = np.array([[500.0, 1e7, 1e8]])  # the other two stand far above
    assert abs(of.resonance(np.array([0.0]), far))[0] == pytest.approx(1)
    assert abs(of.resonance(np.array([500.0]), far))[0] == pytest.approx(500 / 60, rel=1e-4)
    assert abs(of.resonance(np.array([5000.0]), far))[0] == pytest.approx(1 / 99, rel=1e-2), "12 dB an octave above it"


@pytest.mark.parametrize("vowel", range(5))
def test_the_harmonics_are_where_the_pitch_and_as_strong_as_the_formants_say(vowel):
    pitch, tract = 125.0, 1.05  # 256 periods of it fit
    x = steady(2 * 16384, vowel=vowel, pitch=pitch, tract=tract)[16384:]  # its first sample is silent
    lines = abs(np.fft.rfft(x))[(pitch * np.arange(1, 32) * 16384 / SAMPLE_RATE).round().astype(int)]
    formants = np.array([list(of.FORMANTS.values())[vowel]]) * tract
    expected = [abs(of.resonance(np.array([k * pitch]), formants))[0] / k for k in range(1, 32)]
    assert np.allclose(lines / lines.sum(), np.array(expected) / sum(expected), atol=1e-6)
    power = abs(np.fft.rfft(x)) ** 2
    on = np.zeros_like(power, dtype=bool)
    on[(pitch * np.arange(1, 32) * 16384 / SAMPLE_RATE).round().astype(int)] = True
    assert power[~on].sum() < 1e-9 * power.sum(), "nothing between the harmonics, nothing aliased"


def test_loudness_onset_decay_and_phase():
    assert abs(steady(volume=0.7)).max() == pytest.approx(0.7)
    late = steady(attack=0.5)
    assert abs(late[:400]).max() < 0.2 * abs(late[4000:]).max()
    fading = steady(decay=0.2, pitch=125.0)
    assert abs(fading[1600 : 1600 + 64]).max() == pytest.approx(math.exp(-1) * abs(fading[:64]).max(), rel=1e-6)
    assert np.allclose(steady(phase=0.0), steady(phase=2 * np.pi))
    assert not np.allclose(steady(phase=0.0), steady(phase=1.0))


def test_what_is_left_is_breath_of_the_entropy_that_is_told():
    train, _ = data.vowels(40)
    known = {name: values.double().numpy() for name, values in train.factors.items()}
    clean = of.spoken(known | {"vowel": train.y.numpy()}, 2048)
    breath = train.x[:, 0].double().numpy() - clean
    assert breath.std() == pytest.approx(of.BREATH, rel=0.02)
    log_p = -0.5 * (breath / of.BREATH) ** 2 - math.log(of.BREATH * math.sqrt(2 * math.pi))
    assert -log_p.mean() == pytest.approx(of.FLOOR, abs=0.02)


def test_the_set_is_like_the_others():
    train, test = data.vowels(200, length=256)
    assert train.x.shape == (200, 1, 256)
    assert len(test) == 50
    assert train.x.abs().max() <= 1
    assert set(train.y.tolist()) == set(range(5))
    assert train.class_names == ("ee", "eh", "ah", "aw", "oo")
    for name, low, high in (("pitch", 90, 200), ("tract", 0.9, 1.15), ("volume", 0.3, 0.9)):
        values = train.factors[name]
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert torch.equal(data.vowels(8, seed=2)[0].x, data.vowels(8, seed=2)[0].x)
    assert not torch.equal(data.vowels(8, seed=2)[0].x, data.vowels(8, seed=3)[0].x)
    assert not torch.equal(train.x[:50], test.x)
    assert torch.equal(data.vowels(8, levels=64)[0].x, quantise(data.vowels(8)[0].x, 64))


@pytest.mark.parametrize("wish", [{"n": 3}, {"seed": -1}, {"length": 8}, {"levels": 1}])
def test_bad_wishes_are_refused(wish):
    with pytest.raises(ValueError, match=r"vowels\("):
        data.vowels(**wish)


def test_vowels_can_be_told_apart_by_their_spectrum_and_hardly_by_anything_less():
    """Nearest mean of the log-spectrum: right on nearly all, and by loudness alone on few more than a fifth."""
    train, test = data.vowels(300)
    heard = {}
    for name, of_sound in (
        ("spectrum", lambda x: mel_spectrogram(x).mean((1, 3))),
        ("loudness", lambda x: x.square().mean(2).log()),
    ):
        a, b = of_sound(train.x), of_sound(test.x)
        means = torch.stack([a[train.y == k].mean(0) for k in range(5)])
        heard[name] = (torch.cdist(b, means).argmin(1) == test.y).double().mean().item()
    assert heard["spectrum"] > 0.8
    assert heard["loudness"] < 0.5
