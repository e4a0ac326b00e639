"""What fit is given: data of every kind that is at hand, numbers of every kind, and a torch that somebody changed."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset, random_split

from genlib import data
from genlib.autoregressive import MADE
from genlib.classical import NaiveBayes
from genlib.condition import Images, Labels, Tokens, Vectors
from genlib.gan import GAN
from genlib.training import fit
from genlib.vae import VAE
from tests.models.test_every_model import EVERY, example
from tests.training.test_training import Line, points, trained, weights

DIGITS = data.digits()[0]
SETTINGS = {"steps": 3, "batch_size": 16, "bar": False}


def counted(train, test=None):
    """The weights of naive Bayes after three steps."""
    model = NaiveBayes((1, 8, 8), 17, 10)
    fit(model, train, test=test, lr=0.1, **SETTINGS)
    return weights(model)


# Data in whatever they come


SAME = {
    "a pair": lambda x, y: (x, y),
    "a list of two": lambda x, y: [x, y],
    "NumPy's arrays": lambda x, y: (x.numpy(), y.numpy()),
    "bytes": lambda x, y: (x.to(torch.uint8), y.to(torch.uint8)),
    "arrays of small integers": lambda x, y: (x.numpy().astype(np.int16), y.numpy().astype(np.int32)),
    "an array that runs backwards": lambda x, y: (x.flip(0).numpy()[::-1], y),
    "a TensorDataset": lambda x, y: TensorDataset(x, y),
    "a Subset of ours": lambda x, y: Subset(DIGITS, range(len(DIGITS))),
    "a Subset of torch's": lambda x, y: Subset(TensorDataset(x, y), list(range(len(x)))),
    "a Subset of a Subset": lambda x, y: Subset(Subset(DIGITS, range(len(DIGITS))), torch.arange(len(x))),
}


@pytest.mark.parametrize("kind", SAME)
def test_data_are_taken_in_whatever_they_come(kind):
    expected = counted(DIGITS)
    given = SAME[kind](DIGITS.x, DIGITS.y)
    assert torch.equal(counted(given, test=given), expected)


def test_a_part_is_a_part_and_is_drawn_anew_where_the_whole_is():
    half, _ = random_split(DIGITS.binarized("dynamic"), [700, 737], generator=torch.Generator().manual_seed(0))
    seen = []

    class Watch(NaiveBayes):
        def loss(self, x, y=None):
            seen.append(x)
            return super().loss(x, y)

    fit(Watch((1, 8, 8), 2), half, steps=3, batch_size=700, bar=False)
    assert [len(x) for x in seen] == [700] * 3
    assert seen[0].dtype == torch.long
    assert not torch.equal(seen[0].sum(0), seen[1].sum(0))


def test_reals_of_any_precision_train_the_model_as_it_is():
    expected = weights(trained()[0])
    for x in (points().double(), points().double().numpy(), points().requires_grad_()):
        model, _ = trained(train=x)
        assert torch.equal(weights(model), expected)
        assert {p.dtype for p in model.parameters()} == {torch.float32}


TOLD = {
    "both parts": (lambda: data.digits(), "it is several data sets; pass one: train, test"),
    "a DataLoader": (lambda: DataLoader(DIGITS, 4), r"it is a DataLoader; pass .* loader.dataset"),
    "data put together": (lambda: ConcatDataset([DIGITS, DIGITS]), "a ConcatDataset must be a tensor or one data set"),
    "a list of examples": (lambda: [DIGITS[0], DIGITS[1], DIGITS[2]], "a list must be a tensor or one data set"),
    "a generator": (lambda: (x for x in DIGITS.x), "a generator must be"),
    "nothing": (lambda: None, "a NoneType must be"),
    "a name": (lambda: "digits", "a str must be"),
    "an array of words": (lambda: np.array(["a", "b"]), "it holds no numbers that torch knows"),
    "one number": (lambda: torch.tensor(3), r"shapes \[\(\)\]; they must be \(N"),
    "fewer labels": (lambda: (DIGITS.x, DIGITS.y[:-1]), "equally many"),
    "the wrong way round": (lambda: (DIGITS.y, DIGITS.x), r"x has shape \(1437,\)"),
    "pictures alone": (lambda: DIGITS.x, "this model is conditional: pass y, integers 0"),
    "one-hot labels": (lambda: (DIGITS.x, torch.eye(10)[DIGITS.y]), "y.argmax"),
    "labels as reals": (lambda: (DIGITS.x, DIGITS.y.float()), r"y holds torch.float32; .*y.long"),
    "labels from 1 on": (lambda: (DIGITS.x, DIGITS.y + 1), r"y holds 1\.\.10; pass integers 0\.\.9"),
    "an unknown label": (lambda: (DIGITS.x, DIGITS.y - 1), r"y holds -1\.\.8; pass integers 0\.\.9"),
    "pixels in 0..1": (lambda: (DIGITS.x / 16, DIGITS.y), r"x holds torch.float32; this model takes integers 0\.\.16"),
    "too many levels": (lambda: (DIGITS.x + 1, DIGITS.y), r"x holds 1\.\.17; this model takes integers 0\.\.16"),
    "other pictures": (lambda: (DIGITS.x[..., :4], DIGITS.y), r"x has shape \(1437, 1, 8, 4\)"),
    "none": (lambda: (DIGITS.x[:0], DIGITS.y[:0]), "the data set is empty"),
    "complex numbers": (lambda: (DIGITS.x + 0j, DIGITS.y), "x holds torch.complex64"),
}


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("which", ["train", "test"])
def test_other_data_are_told_what_to_be_before_training_begins(kind, which):
    make, words = TOLD[kind]
    given = {"train": DIGITS, "test": DIGITS} | {which: make()}
    if which == "test" and given["test"] is None:
        return  # no test is no mistake
    model = NaiveBayes((1, 8, 8), 17, 10)
    with pytest.raises(ValueError, match=f"^{which}: .*{words}"):
        fit(model, given["train"], test=given["test"], **SETTINGS)
    assert not weights(model)[:-10].any()


@pytest.mark.parametrize(
    ("make", "x", "words"),
    [
        (lambda: VAE((1, 8, 8), hidden=8), DIGITS.x, r"x holds 0\.\.16; this model takes integers 0\.\.1 \(binarized"),
        (lambda: VAE((1, 8, 8), hidden=8), DIGITS.x / 16, r"x holds torch.float32; .* \(binarized"),
        (lambda: MADE((1, 8, 8), 16, hidden=8), DIGITS.x, r"x holds 0\.\.16; this model takes integers 0\.\.15"),
        (lambda: GAN((1, 8, 8), levels=16, hidden=8), DIGITS.x, r"x holds 0\.\.16; this model takes integers 0\.\.15"),
        (lambda: GAN((1, 8, 8), hidden=8), torch.full((5, 1, 8, 8), torch.nan), "x holds values that are not finite"),
        (lambda: GAN((1, 8, 8), hidden=8), DIGITS.x, "x holds torch.int64; this model takes real values"),
        (lambda: Line(), (points(), points()), "its y is more than labels, and this model takes none"),
    ],
)
def test_data_are_compared_with_every_family(make, x, words):
    with pytest.raises(ValueError, match=f"^train: {words}"):
        fit(make(), x, **SETTINGS)


def spoilt(values, number):
    """A copy whose last value of the last example is this one."""
    values = values.clone()
    values.view(-1)[-1] = number
    return values


def unfit(model, x, y):
    """{what is wrong: ((x, y), what is said)}, in one value of the last example, or in all."""
    if model.levels is None:
        kinds = {"NaN": (spoilt(x, torch.nan), y), "infinity": (spoilt(x, -torch.inf), y), "integers": (x.long(), y)}
    else:
        kinds = {"a level too high": (spoilt(x, model.levels), y), "a level below": (spoilt(x, -1), y)}
        kinds |= {"reals": (x / model.levels, y), "complex numbers": (x + 0j, y)}
    told = {what: (pair, "x holds") for what, pair in kinds.items()}
    told |= {"other shapes": ((x[..., :-1], y), "x has shape"), "none": ((x[:0], y if y is None else y[:0]), "empty")}
    if y is not None:
        told |= {"no y": ((x, None), "this model is conditional: pass y")}
        beyond = (torch.nan, torch.inf) if y.is_floating_point() else (-1, 10**6)
        told |= {f"{number} in y": ((x, spoilt(y, number)), "y holds") for number in beyond}
        told |= {"y of another kind": ((x, y.long() if y.is_floating_point() else y.float()), "y holds")}
    return told


@pytest.mark.parametrize("name", EVERY)
def test_one_value_that_a_model_does_not_take_is_found_before_training_begins(name):
    model, x, y = example(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for what, ((bad_x, bad_y), words) in unfit(model, x, y).items():
        with pytest.raises(ValueError, match=f"^train: .*{words}"):
            fit(model, bad_x if bad_y is None else (bad_x, bad_y), **SETTINGS)
        assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()), what


GIVEN = {
    "tokens": (Tokens(3, 7), lambda n: torch.randint(7, (n, 3)), (7, -1)),
    "pictures": (Images((1, 2, 2)), lambda n: torch.rand(n, 1, 2, 2), (torch.nan, torch.inf)),
    "pictures of levels": (Images((1, 2, 2), 5), lambda n: torch.randint(5, (n, 1, 2, 2)), (5, -1)),
    "vectors": (Vectors(3), lambda n: torch.randn(n, 3), (torch.nan, -torch.inf)),
    "labels, some missing": (Labels(3, missing=True), lambda n: torch.randint(-1, 3, (n,)), (3, -2)),
}


@pytest.mark.parametrize("what", GIVEN)
def test_one_condition_that_there_is_not_is_found_before_training_begins(what):
    condition, draw, beyond = GIVEN[what]
    torch.manual_seed(0)
    x, y = torch.randint(5, (40, 1, 4, 4)), draw(40)
    for model in (MADE((1, 4, 4), 5, condition=condition, hidden=8), VAE((1, 4, 4), hidden=8, condition=condition)):
        pixels = x % (model.levels or 2)
        for number in beyond:
            with pytest.raises(ValueError, match=r"^train: y holds"):
                fit(model, (pixels, spoilt(y, number)), **SETTINGS)
        with pytest.raises(ValueError, match=r"^test: y has shape"):
            fit(model, (pixels, y), test=(pixels, y[:, None]), **SETTINGS)
        with pytest.raises(ValueError, match=r"^train: this model is conditional: pass y"):
            fit(model, pixels, **SETTINGS)
        others = [torch.float64, torch.float32] if y.is_floating_point() else [torch.int8, torch.int32]
        weights_of = []
        for dtype in (y.dtype, *others):
            twin = copy.deepcopy(model)
            fit(twin, (pixels, y.to(dtype)), **SETTINGS)
            weights_of.append(weights(twin))
        assert all(torch.equal(w, weights_of[0]) for w in weights_of), "a number of any kind is that number"


# Numbers in whatever they come


@pytest.mark.parametrize("number", [np.float32, np.float64, np.float16, float])
def test_numbers_of_any_kind_are_numbers_in_a_checkpoint_too(number, tmp_path):
    kept = {"lr": number(0.5), "clip_norm": number(1), "ema": number(0.5), "checkpoint": tmp_path / "run"}
    kept |= {"steps": np.int64(4), "batch_size": np.int32(16), "seed": np.uint8(3), "warmup": np.int16(1)}
    first, again = Line(), Line()
    fit(first, points(), bar=False, **kept)
    assert len(fit(again, points(), bar=False, **kept)) == 4
    assert torch.equal(weights(first), weights(again))


NO_NUMBERS = [
    ({"steps": 2.5}, r"steps=2\.5 must be an integer"),
    ({"steps": "10"}, "steps='10' must be an integer"),
    ({"steps": True}, "steps=True must be an integer"),
    ({"batch_size": 16.0}, r"batch_size=16\.0 must be an integer"),
    ({"seed": 0.5}, r"seed=0\.5 must be an integer"),
    ({"seed": None}, "seed=None: it must be given"),
    ({"lr": None}, "lr=None: it must be given"),
    ({"lr": "fast"}, "lr='fast' must be a number"),
    ({"lr": [0.1]}, r"lr=\[0\.1\] must be a number"),
    ({"clip_norm": "1"}, "clip_norm='1' must be a number"),
    ({"clip_norm": float("inf")}, "clip_norm=inf must be above 0"),
    ({"ema": "0.9"}, r"ema='0\.9' must be a number"),
    ({"warmup": 1.5}, r"warmup=1\.5 must be an integer"),
    ({"test": points(), "test_every": 0}, "test_every=0 must be at least 1"),
    ({"test": points(), "test_every": 2.5}, r"test_every=2\.5 must be an integer"),
    ({"checkpoint": "run", "checkpoint_every": -1}, "checkpoint_every=-1 must be at least 1"),
    ({"callback": print, "callback_every": "often"}, "callback_every='often' must be an integer"),
    ({"optimizer": lambda parameters, lr: None}, "optimizer= made a NoneType for model"),
    ({"optimizer": torch.optim.LBFGS}, "LBFGS computes the loss several times"),
    ({"model": nn.Linear(3, 3)}, "model is a Linear: it must be a Trainable"),
    ({"model": torch.compile(Line())}, "model is compiled: pass the model itself, and compile=True"),
    ({"model": Line().requires_grad_(False)}, "model has no weights to train"),
]


@pytest.mark.parametrize(("keywords", "words"), NO_NUMBERS)
def test_what_is_no_number_and_no_model_is_told(keywords, words):
    model = keywords.get("model", Line())
    with pytest.raises(ValueError, match=words):
        fit(model, points(), **SETTINGS | {name: value for name, value in keywords.items() if name != "model"})


def test_a_model_that_was_made_in_inference_mode_is_told():
    with torch.inference_mode():
        model = Line()
    with pytest.raises(ValueError, match=r"made within torch\.inference_mode"):
        fit(model, points(), **SETTINGS)


def test_a_precision_that_is_asked_for_converts_and_one_that_is_not_leaves_alone():
    for asked, dtype in (("32-true", torch.float32), ("64-true", torch.float64), (None, torch.float64)):
        model, _ = trained(Line().double(), precision=asked, steps=2)
        assert {p.dtype for p in model.parameters()} == {dtype}


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_a_number_of_steps_and_of_examples_may_come_from_an_array(kind):
    plain, _ = trained(steps=3, batch_size=32)
    model, history = trained(steps=kind(3), batch_size=kind(32))
    assert len(history) == 3
    assert torch.equal(weights(model), weights(plain))


def test_a_seed_may_be_any_number():
    for seed in (-5, 2**40, 1_700_000_000_000_000_000):
        assert len(fit(Line(), points(), seed=seed, **SETTINGS)) == 3


# A torch that somebody changed


def changed(what):
    """A torch as a learner's cell may have left it, and what there is to be given back."""
    if what == "gradients are off":
        torch.set_grad_enabled(False)
    elif what == "another default dtype":
        torch.set_default_dtype(torch.float64)
    elif what == "half a default dtype":
        torch.set_default_dtype(torch.bfloat16)
    elif what == "another default device":
        torch.set_default_device("meta")
    elif what == "another seed":
        torch.manual_seed(123)
    elif what == "another number of threads":
        torch.set_num_threads(2)


def state():
    return {
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": str(torch.get_default_device()),
        "threads": torch.get_num_threads(),
        "random": torch.get_rng_state().tolist(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "inference": torch.is_inference_mode_enabled(),
    }


CHANGES = ["gradients are off", "another default dtype", "half a default dtype", "another default device"]
CHANGES += ["another seed", "another number of threads"]


@pytest.fixture
def give_back():
    before = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_default_device(None)
    torch.set_grad_enabled(before[0])
    torch.set_default_dtype(before[1])
    torch.set_num_threads(before[2])


@pytest.mark.parametrize("what", CHANGES)
def test_fit_trains_the_same_whatever_was_changed_and_gives_it_back(what, give_back):
    x, torn = points(), torch.get_rng_state()
    expected, _ = trained(train=x, test=x[:20], ema=0.9)
    model = Line()
    torch.manual_seed(0)
    model = Line()
    torch.set_rng_state(torn)
    changed(what)
    before = state()
    callback_saw = []
    fit(
        model, x, test=x[:20], ema=0.9, steps=40, batch_size=16, lr=0.05, warmup=5, bar=False,
        callback=lambda step, m: callback_saw.append(torch.is_grad_enabled()),
    )  # fmt: skip
    assert state() == before
    assert not any(callback_saw)
    torch.set_default_device(None)
    assert torch.allclose(weights(model), weights(expected), atol=1e-6 if "threads" in what else 0, rtol=0)


@pytest.mark.parametrize("within", ["no_grad", "inference_mode", "autocast", "device"])
def test_fit_trains_the_same_within_whatever_it_is_called(within, give_back):
    contexts = {
        "no_grad": torch.no_grad,
        "inference_mode": torch.inference_mode,
        "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        "device": lambda: torch.device("meta"),
    }
    expected, _ = trained()
    torch.manual_seed(0)
    model, x = Line(), points()
    with contexts[within]():
        before = state()
        fit(model, x, steps=40, batch_size=16, lr=0.05, warmup=5, bar=False)
        assert state() == before
    assert torch.equal(weights(model), weights(expected))


def test_after_an_error_everything_is_given_back_too(give_back):
    class Broken(Line):
        def loss(self, x, y=None):
            raise ZeroDivisionError

    model = Broken()
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    before = state()
    with pytest.raises(ZeroDivisionError):
        fit(model, points().float(), **SETTINGS)
    assert state() == before


def test_nobody_looks_at_numbers_within_fit_but_everybody_does_elsewhere():
    """A look is waited for on a GPU: fit has looked at all of its data once, before the first step."""
    looks = []

    class Watched(Labels):
        def check(self, y, n, *, values=True):
            looks.append(values)
            return super().check(y, n, values=values)

    model = NaiveBayes((1, 8, 8), 17, 10)
    model.condition = Watched(10)
    fit(model, DIGITS, test=DIGITS, steps=6, batch_size=64, bar=False)
    assert looks.count(True) == 1 + 1  # of the training data, of the test data
    assert looks.count(False) > 6
    looks.clear()
    with pytest.raises(ValueError, match="y holds"):
        model.loss(DIGITS.x, DIGITS.y + 1)
    assert looks == [True]


def test_no_warning_of_ours_is_heard_in_an_ordinary_run():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(steps=2, test=points(20), ema=0.9)
