r"""Mel spectrograms: how loud a sound is, moment by moment, in bands spaced as the ear hears pitch.

.. math:: \mathrm{mel}(f) = 2595 \log_{10}(1 + f / 700), \qquad
          S_{b,t} = \log\Big(\epsilon + \sum_f M_{b,f}\, |X_{f,t}|\Big)

X is the short-time Fourier transform; M has triangles whose tips are evenly spaced in mel.
Reference: Stevens, Volkmann, Newman. A Scale for the Measurement of the Psychological Magnitude Pitch. 1937.
"""

import dataclasses

import torch
from torch import Tensor

from genlib.data.dataset import Dataset
from genlib.data.tones import SAMPLE_RATE, quantise

BANDS, HOP = 20, 64


def to_mel(hertz: Tensor) -> Tensor:
    """Hertz as mel; 1000 Hz are 1000 mel."""
    return 2595 * torch.log10(1 + hertz / 700)


def to_hertz(mel: Tensor) -> Tensor:
    """The inverse of ``to_mel``."""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_filters(bands: int, window: int, rate: int = SAMPLE_RATE) -> Tensor:
    """M, (bands, window // 2 + 1): triangles between 0 and half the rate, of height 1, each to its neighbours' tips.

    Raises: ValueError where a band is so narrow that it holds no frequency of the transform.
    """
    tips = to_hertz(torch.linspace(0, to_mel(torch.tensor(rate / 2)), bands + 2))
    f = torch.linspace(0, rate / 2, window // 2 + 1)
    rise = (f - tips[:-2, None]) / (tips[1:-1] - tips[:-2])[:, None]
    fall = (tips[2:, None] - f) / (tips[2:] - tips[1:-1])[:, None]
    filters = torch.minimum(rise, fall).clamp(min=0)
    if (filters.amax(1) == 0).any():
        raise ValueError(f"{bands} bands are too many for a window of {window} samples: some hold no frequency")
    return filters


def mel_spectrogram(
    x: Tensor, *, bands: int = BANDS, window: int = 256, hop: int = HOP, floor: float = 1e-3, rate: int = SAMPLE_RATE
) -> Tensor:
    """Sounds (N, 1, T) in -1..1 -> log-magnitudes (N, 1, bands, T // hop), natural logarithm; T a multiple of hop.

    Frame t is centred at sample (t + 1/2) hop. A sine of amplitude 1 has magnitude 1 at its frequency, whatever the
    window; floor is added before the logarithm, so that silence is log(floor).
    """
    if x.ndim != 3 or x.shape[1] != 1 or x.shape[2] % hop or not x.is_floating_point():
        raise ValueError(f"x holds {x.dtype} {tuple(x.shape)}; pass sounds (N, 1, T), reals, T a multiple of {hop}")
    shape = torch.hann_window(window, dtype=x.dtype, device=x.device)
    side = (window - hop) // 2
    padded = torch.nn.functional.pad(x[:, 0], (side, window - hop - side))
    X = torch.stft(padded, window, hop, window=shape, center=False, return_complex=True)  # (N, window//2 + 1, frames)
    magnitude = X.abs() * (2 / shape.sum())
    filters = mel_filters(bands, window, rate).to(magnitude)
    return torch.log(floor + filters @ magnitude)[:, None]


def heard(sounds: Dataset, levels: int | None = None) -> Dataset:
    """The same sounds, y what is heard of each: its spectrogram (N, 1, bands, frames), scaled to about -2..2, as models
    that speak are given it. With ``levels`` x are integers 0..levels-1 by the μ-law. Raises: ValueError for sounds that
    are integers already."""
    y = (mel_spectrogram(sounds.x) + 4) / 2
    x = sounds.x if levels is None else quantise(sounds.x, levels)
    return dataclasses.replace(sounds, name=f"{sounds.name}, heard", x=x, y=y, levels=levels, class_names=())


def heard_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Of what is heard of a sound (1, T): (1, bands, frames)."""
    return 1, BANDS, shape[-1] // HOP
