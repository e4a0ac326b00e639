"""Short tones whose pitch and timbre are known: waveforms small enough to model sample by sample."""

import numpy as np
import torch

from genlib.arguments import integer, needed
from genlib.data.dataset import Dataset, as_tensors

SAMPLE_RATE = 8000  # samples a second
TIMBRES = ("sine", "triangle", "square", "sawtooth")
LOWEST, HIGHEST = 48, 71  # MIDI numbers, a semitone each: two octaves from C, 130.8 Hz, to B, 493.9 Hz


def tones(n: int = 1000, seed: int = 0, *, length: int = 1024, levels: int | None = None) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 tones, x (N, 1, length) at 8,000 samples a second (SAMPLE_RATE), y (N,) the timbre.

    x is real, in -1..1; with ``levels`` integers 0..levels-1, spaced by the μ-law, which spends them on quiet sounds as
    the ear does (``waveform`` undoes it). factors, (N,) each: "timbre"; "note", its MIDI number 48..71; "pitch" in Hz;
    "volume", the peak, 0.3..0.9; "attack" and "decay" in seconds, how fast it sets in and dies away; "phase" in
    radians. All but "pitch" are drawn independently and uniformly; the parts have different seeds. A tone is the sum of
    its harmonics below half the sample rate, so that nothing is aliased. Raises: ValueError for bad lengths or levels.
    """
    needed(n=n, seed=seed, length=length)
    integer(n=n, seed=seed, length=length, levels=levels)
    if n < 4 or seed < 0:
        raise ValueError(f"tones(n={n}, seed={seed}): ask for at least 4 tones, and a seed of 0 or more")
    if not 16 <= length <= 65536 or not (levels is None or 2 <= levels <= 65536):
        raise ValueError(f"tones(length={length}, levels={levels}): choose 16 to 65536 samples, 2 to 65536 levels")
    parts = []
    for part, count, label in ((0, n, "training"), (1, n // 4, "test")):
        random = np.random.RandomState(2 * seed + part)  # a stream that NumPy promises to keep
        known: dict[str, np.ndarray] = {
            "timbre": random.randint(len(TIMBRES), size=count),
            "note": random.randint(LOWEST, HIGHEST + 1, size=count),
            "volume": random.uniform(0.3, 0.9, size=count),
            "attack": random.uniform(0.002, 0.02, size=count),
            "decay": random.uniform(0.05, 0.5, size=count),
            "phase": random.uniform(0, 2 * np.pi, size=count),
        }
        known["pitch"] = 440 * 2 ** ((known["note"] - 69) / 12)  # A above middle C is 440 Hz
        wave = torch.from_numpy(_synthesise(known, length).astype(np.float32)).unsqueeze(1)
        parts.append(as_dataset(f"tones, {label} part", wave, levels, known, "timbre", TIMBRES))
    return parts[0], parts[1]


def as_dataset(
    name: str, wave: torch.Tensor, levels: int | None, known: dict[str, np.ndarray], label: str, names: tuple[str, ...]
) -> Dataset:
    """Computed sounds (N, 1, T) and their factors as a data set; levels, by the μ-law; label, the factor that names
    what is heard, one of names."""
    return Dataset(
        name=name,
        x=wave if levels is None else quantise(wave, levels),
        y=torch.from_numpy(known[label].astype(np.int64)),
        factors=as_tensors(known),
        factor_names={label: names},
        levels=levels,
        class_names=names,
        source="computed by genlib",
        licence="none needed",
    )


def quantise(wave: torch.Tensor, levels: int = 256) -> torch.Tensor:
    """-1..1 as integers 0..levels-1 by the μ-law with μ = levels - 1: any shape, the same shape."""
    mu = levels - 1
    squeezed = wave.sign() * torch.log1p(mu * wave.abs().clamp(max=1)) / np.log1p(mu)  # -1..1
    return ((squeezed + 1) / 2 * mu).round().long()


def waveform(x: torch.Tensor, levels: int = 256) -> torch.Tensor:
    """The sound that ``quantise`` turned into integers, up to half a level: any shape, the same shape."""
    mu = levels - 1
    squeezed = 2 * x / mu - 1
    return squeezed.sign() * torch.expm1(squeezed.abs() * np.log1p(mu)) / mu


def _strength(timbre: np.ndarray, k: int) -> np.ndarray:
    """The Fourier coefficient of sin(k t) in each timbre, (N,); of a wave of period 2π between about -1 and 1."""
    odd = k % 2
    of_each = [
        float(k == 1),
        odd * (-1) ** (k // 2) * 8 / (np.pi * k) ** 2,
        odd * 4 / (np.pi * k),
        (-1) ** (k + 1) * 2 / (np.pi * k),
    ]
    return np.array(of_each)[timbre]


def _synthesise(known: dict[str, np.ndarray], length: int) -> np.ndarray:
    """(N, length), the peak of each its volume."""
    t = np.arange(length) / SAMPLE_RATE  # seconds
    angle = 2 * np.pi * known["pitch"][:, None] * t + known["phase"][:, None]  # (N, length)
    wave = np.zeros_like(angle)
    k = 1
    while (heard := k * known["pitch"] < SAMPLE_RATE / 2).any():
        strength = _strength(known["timbre"], k) * heard
        rows = strength != 0
        wave[rows] += strength[rows, None] * np.sin(k * angle[rows])
        k += 1
    wave *= np.minimum(t / known["attack"][:, None], 1) * np.exp(-t / known["decay"][:, None])
    return known["volume"][:, None] * wave / abs(wave).max(1, keepdims=True)
