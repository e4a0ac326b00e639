"""Coloured shapes with captions: small pictures in which everything is known, also in words."""

import numpy as np
import torch

from genlib.arguments import integer, needed
from genlib.data.dataset import Dataset, as_tensors

SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = {
    "red": (213, 60, 50),
    "green": (0, 158, 115),
    "blue": (40, 110, 220),
    "yellow": (240, 228, 66),
    "purple": (170, 110, 200),
    "white": (245, 245, 245),
}
SIZES = {"small": (0.1, 0.13), "large": (0.17, 0.21)}  # radius, in widths of the picture
PLACES = {
    "top left": (0.27, 0.27),
    "top right": (0.73, 0.27),
    "bottom left": (0.27, 0.73),
    "bottom right": (0.73, 0.73),
}
BACKGROUND = (24, 24, 32)
SUPERSAMPLING = 4


def shapes(n: int = 4000, seed: int = 0, *, size: int = 32, levels: int = 256) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 pictures, x (N, 3, size, size) integers 0..levels-1, y (N,) the shape.

    ``captions``, such as "a small red circle at the top left", name shape, colour, size and place: 192 different ones.
    factors, (N,) each: "shape", "colour", "size", "place" as an index into ``factor_names``; "radius", "x" (to the
    right) and "y" (downwards) of the centre, in widths of the picture; "rotation" in degrees (a square's repeats after
    90). "caption" is (N, 8), the caption as indices of words. All are drawn independently and uniformly, the centre and
    the radius within what the words say; the two parts have different seeds.

    Fewer levels make likelihoods easier to learn. Raises: ValueError for sizes or levels that can't be drawn.
    """
    needed(n=n, seed=seed, size=size, levels=levels)
    integer(n=n, seed=seed, size=size, levels=levels)
    if n < 4 or seed < 0:
        raise ValueError(f"shapes(n={n}, seed={seed}): ask for at least 4 pictures, and a seed of 0 or more")
    if not (12 <= size <= 128 and 2 <= levels <= 256):
        raise ValueError(f"shapes(size={size}, levels={levels}): choose a size of 12 to 128, and 2 to 256 levels")
    words = sorted({word for caption in _all_captions() for word in caption.split()})
    names = {"shape": SHAPES, "colour": tuple(COLOURS), "size": tuple(SIZES), "place": tuple(PLACES)}
    parts = []
    for part, count, label in ((0, n, "training"), (1, n // 4, "test")):
        random = np.random.RandomState(2 * seed + part)  # a stream that NumPy promises to keep
        index = {factor: random.randint(len(values), size=count) for factor, values in names.items()}
        radius = _within(np.array(list(SIZES.values()))[index["size"]], random)
        place = np.array(list(PLACES.values()))[index["place"]]  # (N, 2)
        where = {axis: place[:, k] + random.uniform(-0.03, 0.03, size=count) for k, axis in enumerate("xy")}
        known = index | {"radius": radius} | where | {"rotation": random.uniform(0, 360, size=count)}

        captions = tuple(
            _caption(*(names[factor][k] for factor, k in zip(names, ks, strict=True)))
            for ks in zip(*index.values(), strict=True)
        )
        known["caption"] = np.array([[words.index(word) for word in caption.split()] for caption in captions])
        parts.append(
            Dataset(
                name=f"coloured shapes, {label} part",
                x=torch.from_numpy(_draw(known, size, levels)),
                y=torch.from_numpy(index["shape"].astype(np.int64)),
                factors=as_tensors(known),
                factor_names=names | {"caption": tuple(words)},
                captions=captions,
                levels=levels,
                class_names=SHAPES,
                source="drawn by genlib",
                licence="none needed",
            )
        )
    return parts[0], parts[1]


def _caption(shape: str, colour: str, size: str, place: str) -> str:
    return f"a {size} {colour} {shape} at the {place}"


def _all_captions() -> list[str]:
    return [_caption(s, c, z, p) for s in SHAPES for c in COLOURS for z in SIZES for p in PLACES]


def _within(bounds: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Uniform between the two numbers of each row: (N, 2) -> (N,)."""
    return bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * random.uniform(size=len(bounds))


def _inside(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether the points (u, v) lie in a shape of radius about 1 at the origin; the same shape as u and v."""
    u = abs(u)  # all four are their own mirror images
    if shape == "circle":
        return u**2 + v**2 <= 0.9
    if shape == "square":
        return (u <= 0.8) & (abs(v) <= 0.8)
    if shape == "triangle":
        return (v <= 0.55) & (v >= np.sqrt(3) * u - 1.1)  # three angles of 60 degrees, corners at distance 1.1
    v = abs(v)
    return (np.maximum(u, v) <= 1.0) & (np.minimum(u, v) <= 0.36)


def _draw(known: dict[str, np.ndarray], size: int, levels: int) -> np.ndarray:
    """(N, 3, size, size) uint8, integers 0..levels-1. A pixel's colour is mixed by how much of it the shape covers."""
    x = np.empty((len(known["x"]), 3, size, size), np.uint8)
    palette = np.array(list(COLOURS.values()))
    background = np.array(BACKGROUND)[:, None, None]
    ticks = (np.arange(size * SUPERSAMPLING) + 0.5) / (size * SUPERSAMPLING)
    for i in range(len(x)):
        right, down = ticks[None, :] - known["x"][i], ticks[:, None] - known["y"][i]  # (1, W) and (H, 1)
        angle, radius = np.radians(known["rotation"][i]), known["radius"][i]
        u = (np.cos(angle) * right + np.sin(angle) * down) / radius
        v = (np.cos(angle) * down - np.sin(angle) * right) / radius
        inside = _inside(SHAPES[known["shape"][i]], u, v)
        cover = inside.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING).mean((1, 3))
        ink = palette[known["colour"][i]][:, None, None]  # (3, 1, 1)
        x[i] = np.rint((background + (ink - background) * cover) / 255 * (levels - 1))
    return x
