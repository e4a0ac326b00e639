"""Reading a picture of ``shapes`` by geometry: what is there, in which colour, how large and where; no network.

A blob's colour is the one that its pixels are mixed of. Its pixels then say how much of each the shape covers, and with
that area and centre are sums. Each of the four shapes is drawn at that centre with that area, turned as the blob is
(by the phase of its moment Σ α (x + iy)^m, where the shape repeats m times a turn), and the most alike is what it is.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from genlib.data.shapes import (
    BACKGROUND,
    COLOURS,
    PLACES,
    RELATIONS,
    SHAPES,
    SHRUNK,
    SIZES,
    SUPERSAMPLING,
    covered,
)

REPEATS = {"circle": 0, "square": 4, "triangle": 3, "cross": 4}  # how often each is the same in a turn
LEAST = 4.0  # squared pixels: what is smaller is a speck
VISIBLE, FAINT = 0.15, 0.02  # how far from the background a pixel of a blob, and of its edge, is at least, of 0..1


@dataclasses.dataclass(frozen=True)
class Shape:
    """One shape of a picture, in the words of captions; x, y and radius in widths of the picture, rotation in degrees.

    misfit: the mean difference per covered pixel from the shape that it is taken for, 0 for a perfect one.
    """

    shape: str
    colour: str
    size: str
    place: str
    x: float
    y: float
    radius: float
    rotation: float
    misfit: float


def read_shapes(x: Tensor, levels: int = 256, *, objects: int = 1) -> list[list[Shape]]:
    """What stands in each picture, the largest first: x (N, 3, size, size), integers 0..levels-1, as ``shapes`` draws.

    objects: as for ``shapes``; two are drawn smaller, so that other radii are "small" and "large". Made for pictures of
    28 pixels a side or more, with 8 levels or more. Those of a model may hold anything: see ``Shape.misfit``.
    """
    if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] != x.shape[3]:
        raise ValueError(f"x has shape {tuple(x.shape)}; pass pictures (N, 3, size, size)")
    pictures = x.detach().cpu().double().numpy() / (levels - 1)
    background, *inks = (_rounded(colour, levels) for colour in (BACKGROUND, *COLOURS.values()))
    shrunk = 1.0 if objects == 1 else SHRUNK
    return [_read(picture - background[:, None, None], np.array(inks) - background, shrunk) for picture in pictures]


def relation(first: Shape, second: Shape) -> str:
    """Where the first one stands, seen from the second: the side on which it is farthest off."""
    dx, dy = first.x - second.x, first.y - second.y
    return max(RELATIONS, key=lambda name: RELATIONS[name][0] * dx + RELATIONS[name][1] * dy)


def judge_caption(caption: str, shapes: Sequence[Shape]) -> dict[str, bool]:
    """Which words of a caption are right of a picture, by what ``read_shapes`` found in it.

    One shape: {"size", "colour", "shape", "place"}; two: {"size", "colour", "shape", "relation", "other_size",
    "other_colour", "other_shape"}; and "count", whether there are as many shapes as it says. Where two are there, the
    caption's first is the one with which more words are right. Raises: ValueError for what is no caption.
    """
    said = caption_words(caption)
    many = 2 if "relation" in said else 1
    found = [*shapes[:many], *[None] * (many - len(shapes))]
    orders = [found, found[::-1]] if many == 2 else [found]
    verdicts = [_verdict(said, order) for order in orders]
    best = max(verdicts, key=lambda verdict: sum(verdict.values()))
    return best | {"count": len(shapes) == many}


def caption_words(caption: str) -> dict[str, str]:
    """{"size": "small", …} of a caption. Raises: ValueError for what is no caption."""
    words = caption.split()
    for joint in ("at the", *RELATIONS):
        parts = caption.split(f" {joint} ")
        first = parts[0].split()
        if len(parts) != 2 or len(first) != 4:
            continue
        said = dict(zip(("size", "colour", "shape"), first[1:], strict=True))
        if joint == "at the":
            return _known(caption, said | {"place": parts[1]})
        second = parts[1].split()
        if len(second) == 4:
            others = zip(("other_size", "other_colour", "other_shape"), second[1:], strict=True)
            return _known(caption, said | {"relation": joint} | dict(others))
    raise ValueError(f"{caption!r} ({len(words)} words) is no caption such as 'a small red circle at the top left'")


def _known(caption: str, said: dict[str, str]) -> dict[str, str]:
    """Raises ValueError for words that no picture can be judged by."""
    known = {"shape": SHAPES, "colour": COLOURS, "size": SIZES, "place": PLACES, "relation": RELATIONS}
    for what, word in said.items():
        if word not in known[what.removeprefix("other_")]:
            raise ValueError(f"{caption!r}: {word!r} is no {what.removeprefix('other_')}")
    return said


def _verdict(said: dict[str, str], found: Sequence[Shape | None]) -> dict[str, bool]:
    """Of words, for shapes in the order in which the caption names them; what is not there is wrong."""
    right = {}
    for what, word in said.items():
        if what == "relation":
            first, second = found
            right[what] = first is not None and second is not None and relation(first, second) == word
        else:
            one = found[what.startswith("other_")]
            right[what] = one is not None and getattr(one, what.removeprefix("other_")) == word
    return right


def _rounded(colour: tuple[int, int, int], levels: int) -> np.ndarray:
    """A colour as a picture with few levels shows it, (3,), 0..1."""
    return np.rint(np.array(colour) / 255 * (levels - 1)) / (levels - 1)


def _read(off: np.ndarray, inks: np.ndarray, shrunk: float) -> list[Shape]:
    """off (3, size, size) and inks (6, 3), differences from the background -> what is there, the largest first."""
    from scipy.ndimage import label

    height = np.abs(off).max(0)
    blobs, count = label(height > VISIBLE, structure=np.ones((3, 3)))
    near, _ = label(height > FAINT, structure=np.ones((3, 3)))  # with the faint pixels at the edge
    found = []
    for k in range(1, count + 1):
        here = near == np.bincount(near[blobs == k]).argmax()
        if np.unique(blobs[here & (blobs > 0)]).size > 1:  # faint pixels join two of them
            here = blobs == k
        found.append(_blob(off * here, inks, shrunk))
    return sorted((shape for shape in found if shape is not None), key=lambda shape: -shape.radius)


def _blob(off: np.ndarray, inks: np.ndarray, shrunk: float) -> Shape | None:
    """What one blob is: off (3, size, size), the difference from the background there; None for a speck."""
    size = off.shape[1]
    alpha = np.einsum("kc,cij->kij", inks, off) / (inks**2).sum(1)[:, None, None]  # how much of each ink
    rest = ((off - alpha[:, None] * inks[:, :, None, None]) ** 2).sum((1, 2, 3))
    colour = int(rest.argmin())
    cover = alpha[colour].clip(0, 1)
    area = cover.sum()
    if area < LEAST:
        return None
    ticks = np.arange(size) + 0.5
    x, y = (cover.sum(0) @ ticks) / area, (cover.sum(1) @ ticks) / area  # in pixels
    fits = {}
    for shape in SHAPES:
        rotation, radius = _turned(shape, cover, x, y), np.sqrt(area / _unit(shape)[0])
        drawn = covered(shape, _points(size)[None, :] - x, _points(size)[:, None] - y, radius, rotation)
        fits[shape] = (np.abs(drawn - cover).sum() / area, radius / size, rotation)
    shape = min(fits, key=lambda name: fits[name][0])
    misfit, radius, rotation = fits[shape]
    x, y = x / size, y / size
    middle = (SIZES["small"][1] + SIZES["large"][0]) / 2 * shrunk
    place = min(PLACES, key=lambda name: (PLACES[name][0] - x) ** 2 + (PLACES[name][1] - y) ** 2)
    how_large = "small" if radius < middle else "large"
    return Shape(shape, tuple(COLOURS)[colour], how_large, place, x, y, radius, rotation, misfit)


def _turned(shape: str, cover: np.ndarray, x: float, y: float) -> float:
    """By how many degrees a shape with this cover is turned, if it is that shape."""
    m = REPEATS[shape]
    if m == 0:
        return 0.0
    ticks = np.arange(len(cover)) + 0.5
    moment = (cover * ((ticks[None, :] - x) + 1j * (ticks[:, None] - y)) ** m).sum()
    return float(np.degrees((np.angle(moment) - _unit(shape)[1]) / m) % (360 / m))


def _points(size: int) -> np.ndarray:
    """The points within pixels that are drawn, (size · 4,), in pixels."""
    return (np.arange(size * SUPERSAMPLING) + 0.5) / SUPERSAMPLING


@functools.cache
def _unit(shape: str) -> tuple[float, float]:
    """Of a shape of radius 1: its area, and the phase of its moment when it is not turned."""
    points = (_points(400) - 200) / 160
    cover = covered(shape, points[None, :], points[:, None], 1.0, 0.0)
    ticks = (np.arange(400) + 0.5 - 200) / 160
    moment = (cover * (ticks[None, :] + 1j * ticks[:, None]) ** REPEATS[shape]).sum()
    return float(cover.sum() / 160**2), float(np.angle(moment))
