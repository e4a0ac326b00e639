"""What p(x | condition) is given: each kind refuses what does not fit, draws what it can, and has an encoder."""

import numpy as np
import pytest
import torch
from torch import nn

from genlib.condition import MISSING, Images, Labels, OneHot, Tokens, Vectors, as_condition


def integers(*values):
    return torch.tensor(values)


FITS = {
    "labels": (Labels(3), integers(0, 2, 1)),
    "one label": (Labels(1), integers(0, 0)),
    "labels, some missing": (Labels(3, missing=True), integers(0, MISSING, 2)),
    "tokens": (Tokens(4, 9), integers([1, 8, 0, 0], [3, 3, 3, 3])),
    "pictures": (Images((1, 2, 3)), torch.rand(5, 1, 2, 3)),
    "pictures of levels": (Images((1, 1, 2), levels=5), integers([[[0, 4]]], [[[3, 1]]])),
    "no examples": (Labels(3), integers().long()),
    "small integers": (Labels(3), integers(0, 2).int()),
    "bytes": (Labels(256), integers(0, 255).to(torch.uint8)),
    "truth values": (Labels(2), integers(0, 1).bool()),
    "small tokens": (Tokens(2, 300), integers([1, 299]).to(torch.int16)),
}

REFUSED = {
    "too many labels": (Labels(3), integers(0, 1), 3, r"y has shape \(2,\); for n=3 examples it must be \(3,\)"),
    "one-hot labels": (Labels(3), torch.eye(3).long(), 3, r"it must be \(3,\): y.argmax\(1\) makes labels"),
    "a column of labels": (Labels(3), integers([0], [1]), 2, r"it must be \(2,\)"),
    "a list of labels": (Labels(3), [0, 1], 2, "y is a list; pass a tensor"),
    "one number": (Labels(3), 1, 2, "y is a int; pass a tensor"),
    "an array of labels": (Labels(3), integers(0, 1).numpy(), 2, "y is a ndarray; pass a tensor"),
    "a byte beyond": (Labels(3), integers(0, 255).to(torch.uint8), 2, r"y holds 0\.\.255; pass integers 0\.\.2"),
    "a label beyond": (Labels(3), integers(0, 3), 2, r"y holds 0\.\.3; pass integers 0\.\.2, one for each example"),
    "an unknown label": (Labels(3), integers(0, MISSING), 2, r"y holds -1\.\.0; pass integers 0\.\.2"),
    "less than missing": (Labels(3, True), integers(0, -2), 2, "or −1 where the label is missing"),
    "real labels": (Labels(3), torch.zeros(2), 2, r"y holds torch.float32; pass integers .* as int64 \(y.long\(\)"),
    "short sentences": (Tokens(4, 9), integers([1, 2, 3]), 1, r"it must be \(1, 4\): tokens \(n, 4\)"),
    "a token beyond": (Tokens(2, 9), integers([1, 9]), 1, r"y holds 1\.\.9; pass tokens"),
    "another picture": (Images((1, 2, 3)), torch.rand(2, 1, 3, 2), 2, r"it must be \(2, 1, 2, 3\): pictures"),
    "too few pictures": (Images((1, 2, 3)), torch.rand(2, 1, 2, 3), 3, r"it must be \(3, 1, 2, 3\)"),
    "integer pictures": (Images((1, 2, 3)), torch.ones(2, 1, 2, 3).long(), 2, "y holds torch.int64; pass pictures"),
    "a level beyond": (
        Images((1, 1, 2), 4),
        integers([[[0, 4]]]),
        1,
        r"y holds 0\.\.4; pass pictures .* 0\.\.3",
    ),
    "real levels": (Images((1, 1, 2), 4), torch.rand(1, 1, 1, 2), 1, "y holds torch.float32; pass pictures"),
    "a picture with a hole": (Images((1, 1, 1)), torch.full((1, 1, 1, 1), torch.nan), 1, "not finite"),
}


@pytest.mark.parametrize("name", FITS)
def test_what_fits_passes(name):
    condition, y = FITS[name]
    taken = condition.check(y, len(y))
    assert taken.dtype == (y.dtype if y.is_floating_point() else torch.long)
    assert torch.equal(taken, y.to(taken.dtype))


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_words(name):
    condition, y, n, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        condition.check(y, n)


def test_without_values_no_number_is_looked_at():
    class Watched(torch.Tensor):
        """A tensor that does not tell its numbers."""

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            assert func.__name__ not in ("min", "max", "aminmax", "isfinite", "__bool__", "__int__")
            return super().__torch_function__(func, types, args, kwargs or {})

    for condition, y in FITS.values():
        condition.check(y.as_subclass(Watched), len(y), values=False)
    with pytest.raises(AssertionError):
        Labels(3).check(integers(0, 1).as_subclass(Watched), 2)


def test_labels_are_drawn_uniformly_and_by_the_generator():
    def draw(seed):
        return Labels(4, missing=True).draw(4000, generator=torch.Generator().manual_seed(seed))

    y = draw(0)
    Labels(4).check(y, 4000)  # none of them is missing
    assert (y.bincount(minlength=4) / 4000 - 0.25).abs().max() < 4 * (0.25 * 0.75 / 4000) ** 0.5
    assert torch.equal(y, draw(0))
    assert not torch.equal(y, draw(1))


@pytest.mark.parametrize("condition", [Tokens(4, 9), Images((1, 2, 3))])
def test_nobody_makes_sentences_or_pictures_up(condition):
    with pytest.raises(ValueError, match=r"sample can't choose what it is given: pass y, (tokens|pictures)"):
        condition.draw(3)


def test_a_missing_label_has_no_1_anywhere():
    assert torch.equal(OneHot(3)(integers(2, MISSING, 0)), torch.tensor([[0.0, 0, 1], [0, 0, 0], [1, 0, 0]]))
    mapped = Labels(3, missing=True).encoder(width=5)
    assert torch.equal(mapped(integers(MISSING, MISSING)), mapped[-1].bias.expand(2, 5))


@pytest.mark.parametrize("width", [None, 7])
@pytest.mark.parametrize("name", FITS)
def test_an_encoder_tells_one_condition_from_another_in_the_precision_of_its_model(name, width):
    condition, y = FITS[name]
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        net = nn.ModuleDict({"encoder": condition.encoder(width)}).to(dtype)["encoder"]
        codes = net(y.to(dtype) if y.is_floating_point() else y.long())
        assert codes.shape == (len(y), width or condition.width)
        assert codes.dtype == dtype
        assert len(codes.unique(dim=0)) == len(y.unique(dim=0))


def test_the_order_of_the_words_matters_and_what_is_filled_up_says_nothing():
    torch.manual_seed(0)
    encoder = Tokens(3, 5).encoder(8)
    there, back = encoder(integers([1, 2, 0])), encoder(integers([2, 1, 0]))
    assert not torch.allclose(there, back)
    assert not encoder[0](integers(0)).any()


def test_a_number_of_classes_is_short_for_labels_and_equal_conditions_are_equal():
    assert as_condition(10) == Labels(10) != Labels(10, missing=True)
    assert as_condition(None) is None
    assert as_condition(Tokens(4, 9)) == Tokens(4, 9)
    assert as_condition(np.int64(3)) == Labels(3)
    for classes in (0, -1, 2.5, "10", [3]):
        with pytest.raises(ValueError, match=r"classes=.* must be"):
            as_condition(classes)
    with pytest.raises(ValueError, match="condition=10 must be of type Condition"):
        as_condition(None, 10)


def test_vectors_are_given_as_they_are_or_through_a_linear_map():
    condition = Vectors(3)
    y = torch.randn(4, 3)
    assert torch.equal(condition.encoder()(y), y)
    assert condition.encoder(5)(y).shape == (4, 5)
    assert condition.width == 3
    assert torch.equal(condition.check(y, 4), y)
    for bad, words in ((torch.randn(4, 2), "y has shape"), (y.long(), "y holds"), (y * torch.inf, "not finite")):
        with pytest.raises(ValueError, match=words):
            condition.check(bad, 4)
    with pytest.raises(ValueError, match="pass y, vectors"):
        condition.draw(2)


def test_pictures_of_levels_are_encoded_as_numbers_between_0_and_1():
    encoder = Images((1, 1, 2), levels=5).encoder()
    assert encoder(integers([[[0, 4]]], [[[3, 1]]])).tolist() == [[0, 1], [0.75, 0.25]]
    assert encoder.double()(integers([[[1, 1]]])).dtype == torch.double
    with pytest.raises(ValueError, match="levels=1"):
        Images((1, 1, 2), levels=1)
