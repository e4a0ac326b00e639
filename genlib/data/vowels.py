r"""Spoken vowels whose pitch, formants and loudness are known: a buzz from the throat, through a tube that resonates.

.. math:: x(t) = a(t) \sum_k \mathrm{Re}\Big[\tfrac1k H(k f_0)\, e^{i k (2\pi f_0 t + \varphi)}\Big] + \sigma \epsilon,
          \qquad H(f) = \prod_{j=1}^3 \frac{F_j^2}{F_j^2 - f^2 + i\, b_j f}

f_0 is the pitch; the formants F_j, the resonances of throat and mouth, make the vowel. The breath, σ ε, is white noise
whose entropy no model can beat: ½ log(2πe σ²) nats a sample.

Formants: Peterson, Barney. Control methods used in a study of the vowels. 1952 (means of men).
Source and filter: Fant. Acoustic Theory of Speech Production. 1960.
"""

import math

import numpy as np
import torch

from genlib.arguments import integer, needed
from genlib.data.dataset import Dataset
from genlib.data.tones import SAMPLE_RATE, as_dataset

FORMANTS = {
    "ee": (270, 2290, 3010),
    "eh": (530, 1840, 2480),
    "ah": (730, 1090, 2440),
    "aw": (570, 840, 2410),
    "oo": (300, 870, 2240),
}  # hertz
BANDWIDTHS = (60, 90, 150)  # hertz
BREATH = 0.01  # σ, where a sound lies in -1..1
FLOOR = 0.5 * math.log(2 * math.pi * math.e * BREATH**2)  # the breath's entropy, nats a sample


def vowels(n: int = 1000, seed: int = 0, *, length: int = 2048, levels: int | None = None) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 vowels, x (N, 1, length) at 8,000 samples a second (SAMPLE_RATE), y (N,) the vowel.

    x is real, in -1..1; with ``levels`` integers 0..levels-1 by the μ-law, as those of ``tones``. factors, (N,) each:
    "vowel"; "pitch", 90..200 Hz; "tract", how much shorter the speaker's tube is, which multiplies all formants,
    0.9..1.15; "volume", the peak, 0.3..0.9; "attack" and "decay" in seconds; "phase" in radians. All are drawn
    independently and uniformly; the parts have different seeds. Raises: ValueError for bad lengths or levels.
    """
    needed(n=n, seed=seed, length=length)
    integer(n=n, seed=seed, length=length, levels=levels)
    if n < 4 or seed < 0:
        raise ValueError(f"vowels(n={n}, seed={seed}): ask for at least 4 vowels, and a seed of 0 or more")
    if not 16 <= length <= 65536 or not (levels is None or 2 <= levels <= 65536):
        raise ValueError(f"vowels(length={length}, levels={levels}): choose 16 to 65536 samples, 2 to 65536 levels")
    names, parts = tuple(FORMANTS), []
    for part, count, label in ((0, n, "training"), (1, n // 4, "test")):
        random = np.random.RandomState(2 * seed + part)  # a stream that NumPy promises to keep
        known = drawn(count, random)
        breath = BREATH * random.standard_normal((count, length))
        wave = torch.from_numpy((spoken(known, length) + breath).clip(-1, 1).astype(np.float32)).unsqueeze(1)
        parts.append(as_dataset(f"vowels, {label} part", wave, levels, known, "vowel", names))
    return parts[0], parts[1]


def drawn(count: int, random: np.random.RandomState) -> dict[str, np.ndarray]:
    """The factors of so many vowels, (N,) each."""
    return {
        "vowel": random.randint(len(FORMANTS), size=count),
        "pitch": random.uniform(90, 200, size=count),
        "tract": random.uniform(0.9, 1.15, size=count),
        "volume": random.uniform(0.3, 0.9, size=count),
        "attack": random.uniform(0.005, 0.03, size=count),
        "decay": random.uniform(0.1, 0.5, size=count),
        "phase": random.uniform(0, 2 * np.pi, size=count),
    }


def resonance(hertz: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """H(f) of N tubes, complex (N,): hertz (N,), formants (N, 3). At a formant it is as high as F / b, times what the
    other two say there."""
    f, F = hertz[:, None], formants
    return np.prod(F**2 / (F**2 - f**2 + 1j * np.array(BANDWIDTHS) * f), 1)


def spoken(known: dict[str, np.ndarray], length: int) -> np.ndarray:
    """The vowels without their breath, (N, length), the peak of each its volume."""
    t = np.arange(length) / SAMPLE_RATE  # seconds
    formants = np.array(list(FORMANTS.values()))[known["vowel"]] * known["tract"][:, None]
    angle = 2 * np.pi * known["pitch"][:, None] * t + known["phase"][:, None]  # (N, length)
    wave = np.zeros_like(angle)
    for k in range(1, int(SAMPLE_RATE / 2 / known["pitch"].min()) + 1):
        strength = resonance(k * known["pitch"], formants) / k
        strength[k * known["pitch"] >= SAMPLE_RATE / 2] = 0  # nothing is aliased
        wave += abs(strength)[:, None] * np.cos(k * angle + np.angle(strength)[:, None])
    wave *= np.minimum(t / known["attack"][:, None], 1) * np.exp(-t / known["decay"][:, None])
    return known["volume"][:, None] * wave / abs(wave).max(1, keepdims=True)
