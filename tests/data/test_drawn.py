"""What is drawn or computed: glyphs, shapes and tones are what their factors say, and the cache can't do harm."""

import hashlib
import importlib
import math
import os
import warnings

import numpy as np
import pytest
import torch

from genlib import data

glyphs_module = importlib.import_module("genlib.data.glyphs")
shapes_module = importlib.import_module("genlib.data.shapes")
tones_module = importlib.import_module("genlib.data.tones")
cache = importlib.import_module("genlib.data.cache")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def same(a, b) -> bool:
    return (
        torch.equal(a.x, b.x)
        and torch.equal(a.y, b.y)
        and a.factors.keys() == b.factors.keys()
        and all(torch.equal(a.factors[name], b.factors[name]) for name in a.factors)
    )


# Glyphs


def still(**changes):
    """Ranges in which only what is named varies."""
    return {"slant": (0, 0), "size": (14, 14), "rotation": (0, 0), "thickness": (0, 0)} | changes


def test_glyphs_have_the_shapes_and_factors_they_announce():
    train, test = data.glyphs(n=400)
    assert (len(train), len(test)) == (400, 100)
    assert train.shape == (1, 28, 28)
    assert train.levels == 256
    assert train[0][0].dtype == train[:5][0].dtype == torch.long
    assert train.x.max() == 255
    assert set(train.factors) == {"font", "slant", "size", "rotation", "thickness"}
    for name, (low, high) in glyphs_module.RANGES.items():
        assert train.factors[name].shape == (400,)
        assert train.factors[name].max() <= high + 1e-6
        if name != "size":  # what would not fit is drawn smaller
            assert train.factors[name].min() >= low - 1e-6
    assert len(train.factor_names["font"]) > int(train.factors["font"].max())
    assert not torch.equal(train.x[:100], test.x)


def test_no_glyph_is_cut_off_or_empty():
    train, _ = data.glyphs(n=1500, classes="WMQ@gj%IO1", ranges={"size": (20, 28)})
    x = train.x[:, 0]
    assert int(torch.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1).max()) == 0
    assert (x.flatten(1).float().mean(1) > 3).all()


def test_ten_thousand_glyphs_are_drawn_once_and_read_back(monkeypatch):
    drawn = data.glyphs()
    assert sum(map(len, drawn)) == 10_000
    monkeypatch.setattr(glyphs_module, "draw", None)  # what is drawn once is not drawn again
    assert all(map(same, drawn, data.glyphs()))
    assert torch.bincount(drawn[0].y, minlength=36).min() > 150


def test_glyphs_depend_on_the_seed_and_on_nothing_else(own_cache):
    first = data.glyphs(n=40, seed=3)
    for file in own_cache.rglob("*.npz"):
        file.unlink()
    assert all(map(same, first, data.glyphs(n=40, seed=3)))
    assert not torch.equal(first[0].x, data.glyphs(n=40, seed=4)[0].x)
    # The factors come from NumPy's frozen stream, whatever the fonts look like.
    known = glyphs_module.draw(20, 0, "AB", glyphs_module.FONTS, glyphs_module.RANGES)
    digest = hashlib.sha256(np.concatenate([known["y"], known["font"]]).astype("<i8").tobytes())
    assert digest.hexdigest()[:16] == "18852d818b1138a8"


@pytest.mark.parametrize("font", glyphs_module.FONTS)
def test_in_every_font_all_characters_differ(font):
    train, _ = data.glyphs(n=400, fonts=(font,), ranges=still())
    seen = {int(y): x for x, y in zip(train.x, train.y, strict=True)}
    assert len(seen) == 36
    pictures = torch.stack([seen[k] for k in range(36)]).flatten(1).float()
    assert (torch.cdist(pictures, pictures) + 1e9 * torch.eye(36)).min() > 150


def middles(x):
    """(B, 28): where the middle of each row's ink is, NaN for rows without."""
    x = x[:, 0].double()
    return (x * torch.arange(28.0)).sum(2) / x.sum(2)


def test_each_factor_does_what_its_unit_says():
    common = {"classes": "I", "fonts": ("DejaVuSans",), "n": 60}
    # size: the height of a capital in pixels
    train, _ = data.glyphs(**common, ranges=still(size=(12, 22)))
    rows = train.x[:, 0].double().sum(2)  # (N, 28): the ink of each row, the same but for the first and the last
    height = rows.sum(1) / rows[:, 14]
    assert (height - train.factors["size"]).abs().max() < 0.1
    # thickness: pixels added to the width of a stroke
    train, _ = data.glyphs(**common, ranges=still(thickness=(0, 2)))
    width = train.x[:, 0, 14].double().sum(1) / 255
    extra = width - train.factors["thickness"]
    assert extra.max() - extra.min() < 0.1
    # slant: sideways per upwards; rotation: against the clock. Both move the top of an I, one by its tangent.
    for factor, sideways in (("slant", lambda s: s), ("rotation", lambda r: -torch.tan(r * math.pi / 180))):
        reach = {"slant": (-0.4, 0.4), "rotation": (-25, 25)}[factor]
        train, _ = data.glyphs(**common, ranges=still(**{factor: reach}))
        rows = middles(train.x)
        assert ((rows[:, 10] - rows[:, 17]) / 7 - sideways(train.factors[factor])).abs().max() < 0.05


def test_bad_wishes_are_refused_with_advice():
    for wish, message in [
        ({"n": 2}, "at least 4"),
        ({"seed": -1}, "0 or more"),
        ({"classes": ""}, "different characters"),
        ({"classes": "AA"}, "different characters"),
        ({"classes": "A語"}, "leave out the character"),
        ({"classes": "A "}, "leave out the character"),
        ({"fonts": ("Arial",)}, "choose from DejaVuSans"),
        ({"ranges": {"colour": (0, 1)}}, "slant, size, rotation, thickness"),
        ({"ranges": {"size": (0, 9)}}, "size can't range"),
        ({"ranges": {"slant": (1, 0)}}, "slant can't range"),
    ]:
        with pytest.raises(ValueError, match=message):
            data.glyphs(**({"n": 8} | wish))


# The cache


def test_a_damaged_cache_is_drawn_anew(own_cache):
    first = data.glyphs(n=40)
    for damage in (
        lambda b: b[: len(b) // 2],
        lambda b: b"",
        lambda b: b + b"\0",
        lambda b: b[:-66] + b"\0\0",  # without its hash
        lambda b: bytes(len(b)),
        *(lambda b, k=k: b[:k] + bytes([b[k] ^ 1]) + b[k + 1 :] for k in (0, 12, 300, -1, -30, -66, -70, -100)),
    ):
        for file in own_cache.rglob("*.npz"):
            file.write_bytes(damage(file.read_bytes()))
            assert cache.unpack(file) is None
        assert all(map(same, first, data.glyphs(n=40)))
        assert all(cache.unpack(file) is not None for file in own_cache.rglob("*.npz"))


@pytest.mark.parametrize("what", ["folder", "pipe", "link to a device", "bomb"])
def test_whatever_stands_in_the_cache_it_is_drawn_all_the_same(own_cache, what):
    first = data.glyphs(n=40)
    for file in own_cache.rglob("*.npz"):
        file.unlink()
        if what == "folder":
            file.mkdir()
        elif what == "pipe":
            os.mkfifo(file)
        elif what == "bomb":
            np.savez_compressed(file, x=np.zeros(100_000_000, np.uint8))
        else:
            file.symlink_to("/dev/zero")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it can't be kept, that is told
        assert all(map(same, first, data.glyphs(n=40)))


def test_without_a_cache_that_can_be_written_it_still_works(tmp_path, monkeypatch):
    first = data.glyphs(n=40)
    (tmp_path / "file").write_text("no folder can be made in here")
    monkeypatch.setenv("GENLIB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="GENLIB_CACHE"):
        second = data.glyphs(n=40)
    assert all(map(same, first, second))


def test_writing_leaves_nothing_else_behind(own_cache):
    data.glyphs(n=40)
    assert sorted(file.suffix for file in own_cache.rglob("*") if file.is_file()) == [".npz", ".npz"]


# Shapes


def test_shapes_are_where_and_what_their_captions_say():
    train, test = data.shapes(n=600)
    assert (len(train), len(test)) == (600, 150)
    assert train.shape == (3, 32, 32)
    assert train.levels == 256
    assert train[0][0].dtype == torch.long
    names, known = train.factor_names, train.factors
    background = torch.tensor(shapes_module.BACKGROUND).view(3, 1, 1)
    for i in range(len(train)):
        words = {factor: names[factor][known[factor][i]] for factor in ("shape", "colour", "size", "place")}
        assert train.captions[i] == "a {size} {colour} {shape} at the {place}".format(**words)
        assert " ".join(names["caption"][k] for k in known["caption"][i]) == train.captions[i]
        x, y = train[i]
        assert train.class_names[y] == words["shape"]
        ink = (x != background).any(0).double()  # (32, 32)
        ticks = (torch.arange(32) + 0.5) / 32
        centre = [(ink.sum(axis) * ticks).sum() / ink.sum() for axis in (0, 1)]
        assert abs(centre[0] - known["x"][i]) < 0.03
        assert abs(centre[1] - known["y"][i]) < 0.03
        assert (centre[1] < 0.5) == ("top" in train.captions[i])
        assert (centre[0] < 0.5) == ("left" in train.captions[i])
        assert tuple(x[:, int(known["y"][i] * 32), int(known["x"][i] * 32)]) == shapes_module.COLOURS[words["colour"]]
    large = known["size"] == names["size"].index("large")
    area = (train.x != background).any(1).double().mean((1, 2))
    assert area[large].min() > area[~large].max() * 0.9


def test_shapes_fit_into_the_picture():
    reach = 0.8 * math.sqrt(2)  # of a square's corner, the farthest of all
    furthest = 0.03 + max(max(abs(u - 0.5), abs(v - 0.5)) for u, v in shapes_module.PLACES.values())
    assert furthest + reach * max(high for _, high in shapes_module.SIZES.values()) < 0.5


def test_shapes_never_change():
    train, test = data.shapes(n=40, seed=0)
    digest = hashlib.sha256(torch.cat([train.x.flatten(), test.x.flatten()]).numpy().tobytes())
    assert digest.hexdigest()[:16] == "ef881998e7a692c8"
    assert same(train, data.shapes(n=40, seed=0)[0])
    assert not torch.equal(train.x, data.shapes(n=40, seed=1)[0].x)
    assert not torch.equal(train.x[:10], test.x)


def test_every_caption_there_can_be_appears_and_levels_are_kept():
    train, _ = data.shapes(n=4000, size=12, levels=4)
    assert len(set(train.captions)) == 192
    assert train.shape == (3, 12, 12)
    assert set(train.x.unique().tolist()) == {0, 1, 2, 3}
    for wish in ({"n": 1}, {"size": 4}, {"levels": 1}, {"levels": 300}, {"seed": -2}):
        with pytest.raises(ValueError, match="shapes\\("):
            data.shapes(**wish)


# Tones


def test_tones_have_the_pitch_the_volume_and_the_timbre_they_announce():
    train, test = data.tones(n=200)
    assert (len(train), len(test)) == (200, 50)
    assert train.shape == (1, 1024)
    assert train.levels is None
    known = train.factors
    assert (train.x.abs().amax((1, 2)) - known["volume"]).abs().max() < 1e-6
    # The strongest line of the spectrum is the pitch.
    spectrum = torch.fft.rfft(train.x[:, 0] * torch.hann_window(1024), n=16384).abs()
    found = spectrum.argmax(1) * tones_module.SAMPLE_RATE / 16384
    assert (found / known["pitch"] - 1).abs().max() < 0.03
    # Harmonics of steady tones, as many as fit: 1/k for a sawtooth, odd ones for square (1/k) and triangle (1/k²).
    for name, third, second in (("sine", 0, 0), ("triangle", 1 / 9, 0), ("square", 1 / 3, 0), ("sawtooth", 1 / 3, 0.5)):
        rows = (train.y == train.class_names.index(name)) & (known["decay"] > 0.3) & (known["attack"] < 0.01)
        assert rows.any()
        lines = [(k * known["pitch"][rows] * 16384 / tones_module.SAMPLE_RATE).round().long() for k in (1, 2, 3)]
        one, two, three = (spectrum[rows].gather(1, line[:, None])[:, 0] for line in lines)
        assert (three / one - third).abs().max() < 0.05
        assert (two / one - second).abs().max() < 0.05


def test_a_sawtooth_is_a_sawtooth():
    angle = np.linspace(0.1, math.pi - 0.1, 50)
    wave = [
        sum(tones_module._strength(np.array([t]), k) * np.sin(k * angle) for k in range(1, 20_000)) for t in range(4)
    ]
    assert abs(wave[1] - (1 - abs(1 - angle / (math.pi / 2)))).max() < 1e-3
    assert abs(wave[2] - 1).max() < 1e-3
    assert abs(wave[3] - angle / math.pi).max() < 1e-3


def test_a_character_that_is_drawn_again_is_the_same_and_bolder_where_that_was_asked():
    _, test = data.glyphs(n=80, classes="AB", fonts=("DejaVuSans", "cmr10"))
    same_again = glyphs_module.redrawn(test, size=test.factors["size"])
    assert torch.equal(same_again, test.x)
    bold = glyphs_module.redrawn(test, thickness=test.factors["thickness"][:5] + 1)
    assert bold.shape == (5, 1, 28, 28)
    assert (bold.float().sum((1, 2, 3)) > test.x[:5].float().sum((1, 2, 3))).all()
    for wish in ({}, {"weight": torch.ones(3)}):
        with pytest.raises(ValueError, match="redrawn"):
            glyphs_module.redrawn(test, **wish)


def test_tones_come_as_integers_too_and_back():
    real, _ = data.tones(n=20)
    train, _ = data.tones(n=20, levels=256)
    assert train.levels == 256
    assert train.x.dtype == torch.long
    assert train.x.min() >= 0
    assert train.x.max() <= 255
    back = tones_module.waveform(train.x)
    assert (back - real.x).abs().max() < 0.025
    quiet = real.x.abs() < 0.01
    assert (back - real.x)[quiet].abs().max() < 0.0005
    assert torch.equal(tones_module.quantise(back), train.x)


def test_tones_depend_on_the_seed_and_bad_wishes_are_refused():
    assert same(data.tones(n=8, seed=2)[0], data.tones(n=8, seed=2)[0])
    assert not torch.equal(data.tones(n=8, seed=2)[0].x, data.tones(n=8, seed=3)[0].x)
    known = data.tones(n=8, seed=0)[0].factors
    digest = hashlib.sha256(torch.cat([known["timbre"], known["note"]]).numpy().astype("<i8").tobytes())
    assert digest.hexdigest()[:16] == "91fe5689f6cb6bb5"
    for wish in ({"n": 3}, {"length": 4}, {"levels": 1}, {"seed": -1}):
        with pytest.raises(ValueError, match="tones\\("):
            data.tones(**wish)


def test_the_fonts_are_those_that_every_allowed_matplotlib_brings():
    """Those of 3.8; a later one, cmti10, would leave Colab without glyphs."""
    names = {"cmb10", "cmr10", "cmss10", "cmtt10"}
    assert {f for f in glyphs_module.FONTS if not f.startswith(("DejaVu", "STIXGeneral"))} == names


def test_numerals_are_glyphs_of_half_the_size():
    train, test = data.numerals(40)
    assert (len(train), len(test), train.shape, train.levels) == (40, 10, (1, 16, 16), 16)
    assert (train.x.min(), train.x.max()) == (0, 15)
    assert train.class_names == tuple("0123456789")
    assert torch.equal(glyphs_module.small(glyphs_module.redrawn(train, size=train.factors["size"][:5])), train.x[:5])


def test_examples_with_a_pair_of_factors_are_left_out_and_a_factor_is_told():
    train = data.shapes(200)[0]
    left = train.without(colour=0, shape=3)
    pair = (train.factors["colour"] == 0) & (train.factors["shape"] == 3)
    assert len(left) == len(train) - pair.sum() == len(left.captions)
    assert not any("red cross" in caption for caption in left.captions)
    assert any("red" in caption for caption in left.captions)
    assert any("cross" in caption for caption in left.captions)
    assert torch.equal(train.told("caption")[3].y, train.factors["caption"][3])
    for wish in (lambda: train.without(), lambda: train.without(hue=1), lambda: train.told("hue")):
        with pytest.raises(ValueError, match="colour"):
            wish()


def test_shapes_stand_upright_where_they_are_not_turned():
    turned, upright = (data.shapes(40, turn=turn)[0] for turn in (360, 0))
    assert torch.equal(turned.factors["x"], upright.factors["x"]), "all else is the same"
    assert not upright.factors["rotation"].any()
    square = int((upright.y == 1).nonzero()[0])
    inside = (upright.x[square].max(0).values > 100).nonzero()
    height, width = (inside.amax(0) - inside.amin(0) + 1).tolist()
    assert abs(len(inside) - height * width) <= 2 * (height + width), "it fills its box, but for its mixed edge"
    for turn in (-1, 361, math.nan):
        with pytest.raises(ValueError, match="turn="):
            data.shapes(40, turn=turn)


def test_what_lies_within_ranges_is_chosen_with_all_that_is_known_of_it():
    train, _ = data.numerals(200)
    chosen = train.within(thickness=(0, 1.0), label=(4, 5))
    at = (train.factors["thickness"] <= 1.0) & (train.y >= 4) & (train.y <= 5)
    assert 0 < len(chosen) == at.sum() < 200
    assert torch.equal(chosen.x, train.x[at])
    assert torch.equal(chosen.y, train.y[at])
    assert torch.equal(chosen.factors["slant"], train.factors["slant"][at])
    red = data.shapes(40)[0].within(colour=(0, 0))
    assert len(red) == len(red.captions) > 0
    assert all("red" in said for said in red.captions)
    for wish in ({}, {"weight": (0, 1)}):
        with pytest.raises(ValueError, match="name some of label, font, slant"):
            train.within(**wish)


@pytest.mark.parametrize("name", ["tones", "vowels", "glyphs", "numerals", "shapes", "toy", "text"])
@pytest.mark.parametrize("value", [None, 2.5, float("nan"), "8", True])
@pytest.mark.parametrize("argument", ["n", "seed"])
def test_a_number_of_examples_and_a_seed_are_integers(name, argument, value):
    first = ("moons",) if name == "toy" else ()
    with pytest.raises(ValueError, match=f"{argument}=") as told:
        getattr(data, name)(*first, **{"n": 8, argument: value})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "argument"),
    [("tones", "length"), ("tones", "levels"), ("vowels", "length"), ("vowels", "levels"), ("shapes", "size")],
)
@pytest.mark.parametrize("value", [20.5, "20", float("nan")])
def test_sizes_and_levels_are_integers_too(name, argument, value):
    with pytest.raises(ValueError, match=f"{argument}="):
        getattr(data, name)(4, **{argument: value})


def test_a_toy_of_less_than_nothing_is_told():
    with pytest.raises(ValueError, match="n=-1 must be at least 0"):
        data.toy("moons", -1)
    assert len(data.toy("moons", 0)) == 0
