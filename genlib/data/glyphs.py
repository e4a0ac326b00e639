"""28x28 characters drawn from matplotlib's own fonts: as large as MNIST, made here, and every factor known."""

import dataclasses
import functools
import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from genlib.arguments import integer, needed
from genlib.data import cache
from genlib.data.dataset import Dataset

if TYPE_CHECKING:
    from matplotlib.path import Path as Outline

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# matplotlib's other fonts hold symbols at the letters' places, or nothing, or came with a late version.
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmb10", "cmr10", "cmss10", "cmtt10"),
)

# Each factor is uniform between two numbers. Units: slant, sideways per upwards; size, the height of a capital in
# pixels; rotation, degrees against the clock; thickness, pixels added to every stroke's width.
RANGES = {"slant": (-0.3, 0.3), "size": (13.0, 20.0), "rotation": (-15.0, 15.0), "thickness": (0.0, 1.5)}

PIXELS, SUPERSAMPLING, MARGIN = 28, 4, 1.5
RECIPE = 1  # counts changes to the drawing, so that a cache never hands out what an older version drew


def glyphs(
    n: int = 8000, seed: int = 0, *, classes: str = CLASSES, fonts: tuple[str, ...] = FONTS, ranges: dict | None = None
) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 drawn characters, x (N, 1, 28, 28) integers 0..255, y (N,) the index in ``classes``.

    factors, all (N,): "font" (an index), "slant", "size", "rotation", "thickness", each drawn independently and
    uniformly; the units stand at RANGES. ``ranges={"rotation": (0, 0)}`` changes some of the ranges. The character is
    centred; one that would not fit is drawn smaller, and "size" says so. The two parts come from different seeds.

    The default 10,000 take seconds the first time and are cached. They are the same for the same arguments and the same
    matplotlib; x is stored as uint8, and data[i] gives integers. Raises: ValueError for an unknown font, factor or
    character, or a range that can't be drawn.
    """
    ranges = RANGES | (ranges or {})
    _refuse_bad(n, seed, classes, tuple(fonts), ranges)
    parts = []
    for part, size, name in ((0, n, "training"), (1, n // 4, "test")):
        arrays = _cached(size, 2 * seed + part, classes, tuple(fonts), ranges)
        tensors = {key: torch.from_numpy(values) for key, values in arrays.items()}
        parts.append(
            Dataset(
                name=f"glyphs, {name} part",
                x=tensors.pop("x"),
                y=tensors.pop("y"),
                factors=tensors,
                factor_names={"font": tuple(fonts)},
                levels=256,
                class_names=tuple(classes),
                source="drawn by genlib from the fonts that matplotlib brings: DejaVu, STIX, Computer Modern",
                licence="none needed for the pictures; the fonts are under the Bitstream Vera, SIL and BaKoMa licences",
            )
        )
    return parts[0], parts[1]


def _refuse_bad(n: int, seed: int, classes: str, fonts: tuple[str, ...], ranges: dict) -> None:
    needed(n=n, seed=seed)
    integer(n=n, seed=seed)
    if n < 4:
        raise ValueError(f"glyphs(n={n}): ask for at least 4, so that the test part has one")
    if seed < 0:
        raise ValueError(f"glyphs(seed={seed}): a seed is 0 or more")
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f"glyphs(classes={classes!r}): give different characters in one string")
    if not fonts or not set(fonts) <= set(FONTS):
        raise ValueError(f"glyphs(fonts={fonts!r}): choose from {', '.join(FONTS)}")
    if set(ranges) != set(RANGES):
        raise ValueError(f"glyphs(ranges={ranges!r}): the factors with a range are {', '.join(RANGES)}")
    for factor, (low, high) in ranges.items():
        if (
            not -math.inf < low <= high < math.inf
            or (factor == "size" and low < 4)
            or (factor == "thickness" and low < 0)
        ):
            raise ValueError(f"glyphs: {factor} can't range from {low} to {high}")
    for font in fonts:
        for character in classes:
            if not _outline(character, font)[1]:
                raise ValueError(f"{font} has no {character!r}: leave out the character or, with fonts=, the font")


def _cached(n: int, seed: int, classes: str, fonts: tuple[str, ...], ranges: dict) -> dict[str, np.ndarray]:
    import matplotlib

    made_of = [RECIPE, matplotlib.__version__, np.__version__, n, seed, classes, fonts, sorted(ranges.items())]
    name = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:20]
    path = cache.folder() / "glyphs" / f"{name}.npz"
    arrays = cache.unpack(path)
    if arrays is None:
        arrays = draw(n, seed, classes, fonts, ranges)
        cache.keep(path, cache.pack(arrays))
    return arrays


@functools.cache
def _outline(character: str, font: str) -> "tuple[Outline, bool]":
    """(path, is it in the font): the outline for a capital of height 1, y upwards, as many short straight lines."""
    import matplotlib
    from matplotlib.font_manager import FontProperties, get_font
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    if get_font(str(file)).get_char_index(ord(character)) == 0 or character.isspace():
        return Outline(np.zeros((1, 2))), False
    properties = FontProperties(fname=str(file))
    capital = TextPath((0, 0), "H", size=500, prop=properties, usetex=False).get_extents().height
    curves = TextPath((0, 0), character, size=500, prop=properties, usetex=False)
    straight = [Outline(polygon, closed=True) for polygon in curves.to_polygons()]  # a pixel of 500 is fine enough
    return Outline.make_compound_path(*straight).transformed(Affine2D().scale(1 / capital)), True


def draw(n: int, seed: int, classes: str, fonts: tuple[str, ...], ranges: dict) -> dict[str, np.ndarray]:
    """n characters: x (n, 1, 28, 28) uint8, y (n,), and the factors, (n,) each, as they were drawn."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.transforms import Affine2D

    random = np.random.RandomState(seed)  # a stream that NumPy promises to keep
    y = random.randint(len(classes), size=n)
    font = random.randint(len(fonts), size=n)
    factors = {name: random.uniform(low, high, size=n) for name, (low, high) in ranges.items()}

    canvas = PIXELS * SUPERSAMPLING
    renderer = RendererAgg(canvas, canvas, 72)  # at 72 dots an inch, a line's width is in pixels
    pen = renderer.new_gc()
    pen.set_joinstyle("round")
    pen.set_snap(False)  # else straight edges are moved to whole pixels, and the factors are not what was drawn
    x = np.empty((n, 1, PIXELS, PIXELS), np.uint8)
    for i in range(n):
        slant, size, rotation, thickness = (factors[name][i] for name in RANGES)
        path, _ = _outline(classes[y[i]], fonts[font[i]])
        shape = path.transformed(Affine2D(np.array([[1, slant, 0], [0, 1, 0], [0, 0, 1]])).rotate_deg(rotation))
        corners = np.asarray(shape.vertices)
        low, high = corners.min(0), corners.max(0)
        fits = (PIXELS - 2 * MARGIN - thickness) / (high - low).max()
        size = factors["size"][i] = min(size, fits)
        place = Affine2D().translate(*-(low + high) / 2)
        place.scale(size * SUPERSAMPLING).translate(canvas / 2, canvas / 2)

        renderer.clear()
        pen.set_linewidth(thickness * SUPERSAMPLING)  # half of it lies outside the outline, on each side of a stroke
        renderer.draw_path(pen, shape, place, (0.0, 0.0, 0.0))
        ink = np.asarray(renderer.buffer_rgba())[:, :, 3]  # opacity 0..255
        ink = ink.reshape(PIXELS, SUPERSAMPLING, PIXELS, SUPERSAMPLING).mean((1, 3))
        x[i, 0] = np.rint(ink)
    drawn: dict[str, np.ndarray] = {"x": x, "y": y.astype(np.int64), "font": font.astype(np.int64)}
    return drawn | {name: values.astype(np.float32) for name, values in factors.items()}


def small(pixels: torch.Tensor) -> torch.Tensor:
    """Characters (N, 1, 28, 28), 0..255, at half the size with a margin: (N, 1, 16, 16), integers 0..15."""
    halved = torch.nn.functional.avg_pool2d(pixels.float(), 2)
    return torch.nn.functional.pad(halved, (1, 1, 1, 1)).div(16).floor().long()


def numerals(n: int = 4000, seed: int = 0) -> tuple[Dataset, Dataset]:
    """(train, test): n and n // 4 printed digits in four fonts, x (N, 1, 16, 16) integers 0..15, as ``small`` makes
    them of glyphs; y (N,) the digit. factors as those of glyphs, "thickness" from hairline to bold."""
    fonts = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral")
    ranges = {"rotation": (-5.0, 5.0), "size": (15.0, 18.0), "slant": (-0.3, 0.3), "thickness": (0.0, 2.8)}
    train, test = (
        dataclasses.replace(part, name=part.name.replace("glyphs", "numerals"), x=small(part.x), levels=16)
        for part in glyphs(n, seed, classes=CLASSES[:10], fonts=fonts, ranges=ranges)
    )
    return train, test


def redrawn(characters: Dataset, **changed: torch.Tensor) -> torch.Tensor:
    """The first n characters with other factors, such as ``thickness=`` (n,): the true pictures of an edit.

    Returns (n, 1, 28, 28) uint8. What is not named stays as it was drawn. Raises: ValueError for an unknown factor.
    """
    if not changed or set(changed) - set(RANGES):
        raise ValueError(f"redrawn({', '.join(changed)}): name some of {', '.join(RANGES)}")
    assert characters.y is not None
    letters = [characters.class_names[k] for k in characters.y.tolist()]
    fonts, pictures = characters.factor_names["font"], []
    for i in range(min(len(values) for values in changed.values())):
        now = {name: changed.get(name, characters.factors[name])[i].item() for name in RANGES}
        font = fonts[int(characters.factors["font"][i])]
        only = draw(1, 0, letters[i], (font,), {name: (value, value) for name, value in now.items()})
        pictures.append(torch.from_numpy(only["x"]))
    return torch.cat(pictures)
