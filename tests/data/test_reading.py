"""Two shapes and a relation, and the reader that takes pictures back to words: right on every true picture."""

import itertools

import pytest
import torch

from genlib import data
from genlib.data.reading import caption_words, judge_caption, read_shapes, relation
from genlib.data.shapes import COLOURS, RELATIONS, SHAPES, caption_tokens, vocabulary

TEXT = "a {size} {colour} {shape} {relation} a {other_size} {other_colour} {other_shape}"


def wrong(pictures, captions, levels=256, objects=1):
    """[(caption, verdict)] of all that are not right in every word."""
    read = read_shapes(pictures, levels, objects=objects)
    verdicts = [judge_caption(caption, found) for caption, found in zip(captions, read, strict=True)]
    return [(c, v) for c, v in zip(captions, verdicts, strict=True) if not all(v.values())]


@pytest.mark.parametrize(("objects", "n"), [(1, 3000), (2, 3000)])
def test_every_word_of_every_true_picture_is_read_right(objects, n):
    train, _ = data.shapes(n, seed=11, objects=objects)
    assert wrong(train.x, train.captions, objects=objects) == []


@pytest.mark.parametrize(("size", "levels"), [(28, 256), (32, 8), (48, 16)])
@pytest.mark.parametrize("objects", [1, 2])
def test_small_ones_and_few_levels_are_read_too(objects, size, levels):
    train, _ = data.shapes(300, seed=5, objects=objects, size=size, levels=levels)
    assert wrong(train.x, train.captions, levels, objects) == []


@pytest.mark.parametrize("objects", [1, 2])
def test_numbers_are_read_as_they_were_drawn(objects):
    train, _ = data.shapes(200, seed=2, objects=objects)
    for i, found in enumerate(read_shapes(train.x, objects=objects)):
        known = {name: values[i].item() for name, values in train.factors.items() if values.ndim == 1}
        wanted = [tuple(known[f"{who}{name}"] for name in ("x", "y", "radius")) for who in ("", "other_")[:objects]]
        read = [torch.tensor([[one.x, one.y, one.radius] for one in order]) for order in itertools.permutations(found)]
        best = min((torch.tensor(wanted) - order).abs().max() for order in read)
        assert best < 0.008, "a quarter of a pixel"
        if objects == 1 and found[0].shape != "circle":
            m = 3 if found[0].shape == "triangle" else 4
            off = (found[0].rotation - known["rotation"]) % (360 / m)
            assert min(off, 360 / m - off) < 4, "degrees"
        assert all(one.misfit < 0.12 for one in found)


def test_two_shapes_are_what_their_captions_say():
    train, test = data.shapes(n=400, objects=2)
    assert train.x.shape == (400, 3, 32, 32)
    assert len(test) == 100
    assert len(set(train.captions) & set(test.captions)) < 20
    words = train.factor_names["caption"]
    assert words[0] == ""
    assert train.factors["caption"].shape == (400, 10)
    for i in (0, 7, 100):
        tokens = train.factors["caption"][i].tolist()
        assert " ".join(words[t] for t in tokens).strip() == train.captions[i]
        said = caption_words(train.captions[i])
        for factor in ("shape", "colour", "size", "relation", "other_shape", "other_colour", "other_size"):
            assert train.factor_names[factor][train.factors[factor][i]] == said[factor]
    side = torch.tensor(list(RELATIONS.values()))[train.factors["relation"]]
    apart = torch.stack([train.factors[a] - train.factors[f"other_{a}"] for a in "xy"], 1)
    assert ((apart * side).sum(1) > 0.4).all()
    assert ((apart * (1 - side.abs())).abs().sum(1) <= 0.2).all()
    again, _ = data.shapes(n=400, objects=2)
    assert torch.equal(train.x, again.x)
    for name, values in train.factor_names.items():
        if name != "caption":
            assert len(train.factors[name].unique()) == len(values)


def test_one_shape_is_drawn_as_before():
    """A checksum of what the first version drew: captions, pixels and tokens."""
    train, _ = data.shapes(n=40, seed=0)
    known, _ = data.shapes(n=40, seed=0, objects=1)
    assert torch.equal(train.x, known.x)
    assert train.factor_names["caption"] == vocabulary()
    assert torch.equal(caption_tokens(train.captions, vocabulary()), train.factors["caption"])
    assert (train.x.sum(dtype=torch.long).item(), train.captions[0]) == (
        4147275,
        "a large blue circle at the top left",
    )


def test_a_wrong_word_is_told_and_no_other():
    train, _ = data.shapes(60, objects=2, seed=1)
    found = read_shapes(train.x, objects=2)
    for caption, shapes in zip(train.captions, found, strict=True):
        said = caption_words(caption)
        if any(said[k] == said[f"other_{k}"] for k in ("shape", "colour", "size")):
            continue  # then the other order of the two may explain a change as well
        for what, words in (("shape", SHAPES), ("colour", COLOURS), ("other_colour", COLOURS)):
            kind = what.removeprefix("other_")
            other = next(word for word in words if word not in (said[kind], said[f"other_{kind}"]))
            wrong_words = [
                k for k, right in judge_caption(TEXT.format(**said | {what: other}), shapes).items() if not right
            ]
            assert wrong_words == [what]
        size = {"small": "large", "large": "small"}[said["size"]]
        verdict = judge_caption(TEXT.format(**said | {"size": size}), shapes)
        assert [k for k, right in verdict.items() if not right] == ["size"]


def test_a_relation_is_seen_from_the_second_and_both_orders_are_the_same_picture():
    train, _ = data.shapes(50, objects=2, seed=4)
    back = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    for caption, shapes in zip(train.captions, read_shapes(train.x, objects=2), strict=True):
        said = caption_words(caption)
        text = "a {other_size} {other_colour} {other_shape} {relation} a {size} {colour} {shape}"
        assert all(judge_caption(text.format(**said | {"relation": back[said["relation"]]}), shapes).values())
        first, second = shapes
        assert relation(first, second) == back[relation(second, first)]
        if all(said[k] == said[f"other_{k}"] for k in ("shape", "colour", "size")):
            continue  # two of a kind: turned round they are the same
        turned = judge_caption(TEXT.format(**said | {"relation": back[said["relation"]]}), shapes)
        assert not all(turned.values())


def test_what_is_not_there_is_wrong():
    blank = torch.zeros(1, 3, 32, 32, dtype=torch.long) + torch.tensor([24, 24, 32]).view(3, 1, 1)
    (nothing,) = read_shapes(blank)
    assert nothing == []
    assert not any(judge_caption("a small red circle left of a large blue square", nothing).values())
    one, _ = data.shapes(20, seed=1)
    for caption, found in zip(one.captions, read_shapes(one.x), strict=True):
        verdict = judge_caption(caption.split(" at ")[0] + " left of a small green cross", found)
        assert verdict["colour"] or verdict["other_colour"]
        assert not verdict["relation"]
        assert not verdict["count"]
    speck = blank.clone()
    speck[0, :, 5, 5] = torch.tensor([213, 60, 50])
    assert read_shapes(speck) == [[]], "a single pixel is no shape"


def test_noise_is_no_shape_of_a_good_fit():
    noise = torch.randint(256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    assert all(one.misfit > 0.3 for found in read_shapes(noise) for one in found)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: read_shapes(torch.zeros(3, 32, 32)), "x has shape"),
        (lambda: judge_caption("a red circle", []), "is no caption"),
        (lambda: judge_caption("a small red circle at the middle", []), "'middle' is no place"),
        (lambda: judge_caption("a small pink circle above a large red cross", []), "'pink' is no colour"),
        (lambda: caption_tokens(["a pink cross"], vocabulary()), "'pink' is none of the words"),
        (lambda: caption_tokens(["a a a a a a a a a"], vocabulary()), "there is room for 8"),
        (lambda: data.shapes(objects=3), r"shapes\(objects=3"),
        (lambda: data.shapes(objects=2, size=27), r"size=27\)"),
    ],
)
def test_what_makes_no_sense_is_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act()
