"""Coloured shapes with captions: small pictures in which everything is known, also in words."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genlib.arguments import finite, integer, needed
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
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}  # the first's side, x and y
APART, SHRUNK = 0.25, 0.85  # of two: how far each stands from the middle, and how much smaller than one alone
BACKGROUND = (24, 24, 32)
SUPERSAMPLING = 4


def shapes(
    n: int = 4000, seed: int = 0, *, size: int = 32, levels: int = 256, objects: int = 1, turn: float = 360
) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 pictures, x (N, 3, size, size) integers 0..levels-1, y (N,) the (first) shape.

    ``captions``, such as "a small red circle at the top left", name shape, colour, size and place: 192 different ones.
    factors, (N,) each: "shape", "colour", "size", "place" as an index into ``factor_names``; "radius", "x" (to the
    right) and "y" (downwards) of the centre, in widths of the picture; "rotation" in degrees (a square's repeats after
    90). "caption" is (N, 8), the caption as indices of words. All are drawn independently and uniformly, the centre and
    the radius within what the words say; the two parts have different seeds.

    With objects=2 a caption is such as "a small red circle left of a large blue square": 9,216 different ones. There is
    no "place" but a "relation"; what is known of the second one is called "other_shape", "other_x" and so on. "caption"
    is (N, 10), filled up with 0, the empty word. The two never touch. ``read_shapes`` reads all of it off a picture.

    Rotations are drawn between 0 and ``turn`` degrees; with turn=0 all shapes stand upright. Fewer levels make
    likelihoods easier to learn. Raises: ValueError for sizes, levels or angles that can't be drawn.
    """
    needed(n=n, seed=seed, size=size, levels=levels, turn=turn)
    finite(turn=turn)
    integer(n=n, seed=seed, size=size, levels=levels)
    if n < 4 or seed < 0:
        raise ValueError(f"shapes(n={n}, seed={seed}): ask for at least 4 pictures, and a seed of 0 or more")
    if not (12 <= size <= 128 and 2 <= levels <= 256):
        raise ValueError(f"shapes(size={size}, levels={levels}): choose a size of 12 to 128, and 2 to 256 levels")
    if objects not in (1, 2) or (objects == 2 and size < 28):
        raise ValueError(f"shapes(objects={objects}, size={size}): draw 1, or from a size of 28 on 2")
    if not 0 <= turn <= 360:
        raise ValueError(f"shapes(turn={turn}): choose an angle of 0 to 360 degrees")
    parts = []
    for part, count, label in ((0, n, "training"), (1, n // 4, "test")):
        random = np.random.RandomState(2 * seed + part)  # a stream that NumPy promises to keep
        known, captions, names = (_one if objects == 1 else _two)(count, random, turn)
        words = vocabulary(objects)
        known["caption"] = caption_tokens(captions, words).numpy()
        parts.append(
            Dataset(
                name=f"coloured shapes, {label} part",
                x=torch.from_numpy(_draw(known, size, levels)),
                y=torch.from_numpy(known["shape"].astype(np.int64)),
                factors=as_tensors(known),
                factor_names=names | {"caption": words},
                captions=captions,
                levels=levels,
                class_names=SHAPES,
                source="drawn by genlib",
                licence="none needed",
            )
        )
    return parts[0], parts[1]


Drawn = tuple[dict[str, np.ndarray], tuple[str, ...], dict[str, tuple[str, ...]]]
_KINDS: dict[str, tuple[str, ...]] = {"shape": SHAPES, "colour": tuple(COLOURS), "size": tuple(SIZES)}


def _one(count: int, random: np.random.RandomState, turn: float) -> Drawn:
    """What is known of pictures with one shape, their captions, and the names of the indices."""
    names = _KINDS | {"place": tuple(PLACES)}
    index: dict[str, np.ndarray] = {}
    index |= {factor: random.randint(len(values), size=count) for factor, values in names.items()}
    radius = _within(np.array(list(SIZES.values()))[index["size"]], random)
    place = np.array(list(PLACES.values()))[index["place"]]  # (N, 2)
    where = {axis: place[:, k] + random.uniform(-0.03, 0.03, size=count) for k, axis in enumerate("xy")}
    known = index | {"radius": radius} | where | {"rotation": random.uniform(0, turn, size=count)}
    captions = tuple(
        _caption(*(names[factor][k] for factor, k in zip(names, ks, strict=True)))
        for ks in zip(*index.values(), strict=True)
    )
    return known, captions, names


def _two(count: int, random: np.random.RandomState, turn: float) -> Drawn:
    """The same for two shapes and a relation. Across the relation's axis both move freely, along it hardly."""
    names = _KINDS | {f"other_{factor}": values for factor, values in _KINDS.items()} | {"relation": tuple(RELATIONS)}
    index = {factor: random.randint(len(values), size=count) for factor, values in names.items()}
    side = np.array(list(RELATIONS.values()))[index["relation"]]  # (N, 2)
    known: dict[str, np.ndarray] = dict(index)
    for which, sign in (("", 1), ("other_", -1)):
        known[f"{which}radius"] = SHRUNK * _within(np.array(list(SIZES.values()))[index[f"{which}size"]], random)
        for k, axis in enumerate("xy"):
            free = random.uniform(-1, 1, size=count) * np.where(side[:, k] == 0, 0.1, 0.02)
            known[f"{which}{axis}"] = 0.5 + sign * APART * side[:, k] + free
        known[f"{which}rotation"] = random.uniform(0, turn, size=count)
    word = {factor: np.array(values)[index[factor]] for factor, values in names.items()}
    captions = tuple(
        f"a {z} {c} {s} {r} a {z2} {c2} {s2}"
        for s, c, z, s2, c2, z2, r in zip(*(word[factor] for factor in names), strict=True)
    )
    return known, captions, names


def vocabulary(objects: int = 1) -> tuple[str, ...]:
    """All words of the captions, sorted; with two objects behind the empty word, which fills short captions up."""
    kinds = {word for values in _KINDS.values() for word in values}
    more = ["", *RELATIONS] if objects == 2 else [*PLACES, "at the"]
    return tuple(sorted({"a", *kinds, *(word for phrase in more for word in (phrase.split() or [""]))}))


def caption_tokens(captions: Sequence[str], words: tuple[str, ...]) -> Tensor:
    """Captions as indices of words, (N, length of the longest that there can be), filled up with 0.

    Raises: ValueError for a word that is not one of ``words``, and for a caption that is too long.
    """
    length = 10 if words[0] == "" else 8
    tokens = torch.zeros(len(captions), length, dtype=torch.long)
    for row, caption in zip(tokens, captions, strict=True):
        said = caption.split()
        if unknown := [word for word in said if word not in words]:
            raise ValueError(f"{caption!r}: {unknown[0]!r} is none of the words {', '.join(filter(None, words))}")
        if len(said) > length:
            raise ValueError(f"{caption!r} has {len(said)} words; there is room for {length}")
        row[: len(said)] = torch.tensor([words.index(word) for word in said])
    return tokens


def _caption(shape: str, colour: str, size: str, place: str) -> str:
    return f"a {size} {colour} {shape} at the {place}"


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
    whose = ("", "other_") if "other_x" in known else ("",)
    for i in range(len(x)):
        mixed = np.broadcast_to(background, (3, size, size)).astype(float)
        for who in whose:
            right, down = ticks[None, :] - known[f"{who}x"][i], ticks[:, None] - known[f"{who}y"][i]
            kind, radius = SHAPES[known[f"{who}shape"][i]], known[f"{who}radius"][i]
            cover = covered(kind, right, down, radius, known[f"{who}rotation"][i])
            ink = palette[known[f"{who}colour"][i]][:, None, None]  # (3, 1, 1)
            mixed = mixed + (ink - background) * cover  # two never touch
        x[i] = np.rint(mixed / 255 * (levels - 1))
    return x


def covered(shape: str, right: np.ndarray, down: np.ndarray, radius: float, rotation: float) -> np.ndarray:
    """How much of each pixel a shape covers, 0..1. right (1, W · 4) and down (H · 4, 1), from its centre, of the points
    within pixels, in the unit of the radius; rotation in degrees."""
    angle = np.radians(rotation)
    u = (np.cos(angle) * right + np.sin(angle) * down) / radius
    v = (np.cos(angle) * down - np.sin(angle) * right) / radius
    H, W = down.size // SUPERSAMPLING, right.size // SUPERSAMPLING
    return _inside(shape, u, v).reshape(H, SUPERSAMPLING, W, SUPERSAMPLING).mean((1, 3))
