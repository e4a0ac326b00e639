"""Mel spectrograms against closed forms: the scale, a sine of known pitch and loudness, silence, a shift in time."""

import math

import pytest
import torch

from genlib import data
from genlib.data import mel
from genlib.data.tones import SAMPLE_RATE, quantise

T = 2048
TIME = torch.arange(T, dtype=torch.double) / SAMPLE_RATE


def sine(hertz, amplitude=1.0):
    return (amplitude * torch.sin(2 * math.pi * hertz * TIME)).view(1, 1, T)


def test_the_scale_has_its_fixed_point_and_its_inverse():
    f = torch.linspace(0, 4000, 50, dtype=torch.double)
    assert torch.allclose(mel.to_hertz(mel.to_mel(f)), f)
    assert mel.to_mel(torch.tensor(1000.0)) == pytest.approx(1000, abs=0.1)
    assert mel.to_mel(torch.tensor(0.0)) == 0


def test_filters_are_triangles_that_share_every_frequency():
    filters = mel.mel_filters(20, 512)
    f = torch.linspace(0, SAMPLE_RATE / 2, 257)
    tips = mel.to_hertz(torch.linspace(0, float(mel.to_mel(torch.tensor(SAMPLE_RATE / 2))), 22))
    inside = (f >= tips[1]) & (f <= tips[-2])
    assert torch.allclose(filters.sum(0)[inside], torch.ones(int(inside.sum())), atol=1e-4), "neighbours add up to 1"
    assert (filters >= 0).all()
    assert (filters <= 1).all()


@pytest.mark.parametrize("band", [6, 11, 17])
@pytest.mark.parametrize("amplitude", [1.0, 0.25])
def test_a_sine_at_a_tip_is_as_loud_as_it_is(band, amplitude):
    """The window's main lobe is four bins wide; where the band is wider, what it collects is the lobe: 2 amplitudes."""
    tips = mel.to_hertz(torch.linspace(0, float(mel.to_mel(torch.tensor(SAMPLE_RATE / 2))), 22))
    heard = mel.mel_spectrogram(sine(float(tips[band + 1]), amplitude), window=256)[0, 0, :, 8:-8].exp().mean(1)
    assert heard.argmax() == band
    spread = mel.mel_spectrogram(sine(float(tips[band + 1])), window=256)[0, 0, :, 8:-8].exp().mean(1)
    assert heard[band] == pytest.approx(amplitude * float(spread[band]), rel=2e-2), "twice as loud is twice as much"


def test_silence_is_the_floor_and_a_click_is_heard_in_its_frame():
    quiet = torch.zeros(1, 1, T)
    assert torch.allclose(mel.mel_spectrogram(quiet), torch.full((1, 1, 20, T // 64), math.log(1e-3)))
    quiet[0, 0, 10 * 64 + 32] = 1
    assert mel.mel_spectrogram(quiet)[0, 0].sum(0).argmax() == 10


def test_a_shift_by_one_hop_is_a_shift_by_one_frame():
    x = torch.randn(1, 1, T + 64, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    now, later = mel.mel_spectrogram(x[..., :T]), mel.mel_spectrogram(x[..., 64:])
    assert torch.allclose(now[..., 4:-2], later[..., 3:-3])


@pytest.mark.parametrize(
    "x", [torch.zeros(1, T), torch.zeros(1, 2, T), torch.zeros(1, 1, 100), torch.zeros(1, 1, T, dtype=torch.long)]
)
def test_what_is_no_sound_is_refused(x):
    with pytest.raises(ValueError, match="pass sounds"):
        mel.mel_spectrogram(x)
    with pytest.raises(ValueError, match="too many"):
        mel.mel_filters(200, 128)


def test_tones_are_heard_at_their_pitch():
    train, _ = data.tones(40, length=2048)
    spectrum = mel.mel_spectrogram(train.x, bands=30, window=512)[:, 0, :, 4:8].exp().mean(2)
    sines = train.y == 0
    tips = mel.to_hertz(torch.linspace(0, float(mel.to_mel(torch.tensor(SAMPLE_RATE / 2))), 32))[1:-1]
    heard = tips[spectrum[sines].argmax(1)]
    assert (mel.to_mel(heard) - mel.to_mel(train.factors["pitch"][sines].float())).abs().max() < 60, "within a band"


def test_what_a_model_that_speaks_is_given_belongs_to_its_sound():
    train, _ = data.vowels(8)
    told = mel.heard(train, levels=64)
    assert told.y.shape == (8, *mel.heard_shape(train.shape)) == (8, 1, 20, 32)
    assert torch.equal(told[3].y[None], (mel.mel_spectrogram(train.x[3:4]) + 4) / 2)
    assert (told.levels, told.x.dtype, int(told.x.max())) == (64, torch.long, int(quantise(train.x, 64).max()))
    assert torch.equal(mel.heard(train).x, train.x)
    with pytest.raises(ValueError, match="pass sounds"):
        mel.heard(told)
