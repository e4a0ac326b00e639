"""A checkpoint proves itself: one bit, one constant, one picture more or less, and it is refused in one line."""

import errno
import functools
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from genlib import data, files
from genlib.condition import Labels
from genlib.diffusion import DDPM, Cosine, Linear
from genlib.families import models
from genlib.gan import GAN, R1
from genlib.launch import arguments_of
from genlib.model import GenerativeModel, Player
from genlib.training import CheckpointError, checkpoints, fingerprint, fit
from genlib.vae import IWAE, VAE, annealed
from genlib.vq import FSQ, VQVAE, GumbelVAE, Quantizer, cooled
from tests.models.test_every_argument import CHANGED, built, two_ways
from tests.models.test_every_argument import REFUSED as UNSAID
from tests.models.test_every_model import EVERY, example

ROOT = Path(__file__).parents[2]


class Line(GenerativeModel):
    """A Gaussian with a mean and nothing else."""

    weight = 1.0

    def __init__(self, shape=(3,), power=2, rates=None):
        super().__init__()
        self.shape, self.power, self.rates = shape, power, rates
        self.mean = nn.Parameter(torch.ones(shape))

    def loss(self, x, y=None):
        return {"loss": self.weight * (x - self.mean).abs().pow(self.power).mean()}

    def players(self):
        return [Player("model", list(self.parameters()), self.loss, **(self.rates or {}))]


def points():
    return torch.arange(300.0).view(100, 3) / 300


def run(path, model=None, x=None, **keywords):
    settings = {"steps": 12, "batch_size": 10, "lr": 0.01, "bar": False} | keywords
    return fit(Line() if model is None else model, points() if x is None else x, checkpoint=path, **settings)


def stopped(path, model=None, x=None, at=5, **keywords):
    def stop(step, _):
        if step == at:
            signal.raise_signal(signal.SIGINT)

    return run(path, model, x, callback=stop, callback_every=1, **keywords)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


# Damage ---------------------------------------------------------------------------------------------------------------


def test_any_flipped_bit_is_seen(path):
    run(path)
    good = path.read_bytes()
    generator = np.random.default_rng(0)
    places = [0, 8, 9, len(good) - 1, *generator.integers(0, len(good), 60)]
    places += [m.start() for m in re.finditer(rb"sha256|structure|F32", good[:100_000])]
    for place in places:
        bit = 1 << int(generator.integers(8))
        path.write_bytes(good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :])
        with pytest.raises(CheckpointError, match="delete it to start anew") as told:
            run(path)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:200],
        lambda b: b[:-1],
        lambda b: b[:-500] + bytes(500),
        lambda b: b + b"\0",
        lambda b: bytes(len(b)),
        lambda b: b"\xff" * 100,
        lambda b: b * 2,
        lambda b: re.sub(rb'"sha256":"[0-9a-f]{64}"', b'"sha256":"' + b"0" * 64 + b'"', b),
        lambda b: re.sub(rb'"sha256":"[0-9a-f]{64}",?', b"", b),
    ],
)
def test_cut_overwritten_or_lengthened_it_is_refused(path, damage):
    run(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match="delete it to start anew"):
        run(path)


@pytest.mark.parametrize(
    "structure", ["[]", "{}", "3", "null", "", "[" * 100_000, '{"items": 3}', '{"items": [[1]]}', '{"tensor": "99"}']
)
def test_a_structure_that_is_none_ends_in_one_line(path, structure):
    import hashlib

    import safetensors.torch

    metadata = {"structure": structure, "sha256": "0" * 64}
    content = safetensors.torch.save({"0": torch.zeros(1)}, metadata=metadata)
    path.write_bytes(content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode()))
    with pytest.raises(CheckpointError, match="delete it to start anew"):
        run(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = Path("/dev/null") if kind == "device" else tmp_path / "odd"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(CheckpointError, match=str(path)):
        run(path)
    with pytest.raises(CheckpointError):
        checkpoints.load(path)


def nan(state):
    state["model"]["mean"][0] = torch.nan


def infinite_moment(state):
    state["optimizers"][0]["state"][0]["exp_avg"][0] = torch.nan


def other_dtype(state):
    state["model"]["mean"] = state["model"]["mean"].double()


def change(**values):
    return lambda state: state.update(values)


CHANGES = {
    "NaN in the weights": nan,
    "NaN in the optimizer": infinite_moment,
    "another dtype": other_dtype,
    "a step beyond the end": change(step=13),
    "a negative step": change(step=-1),
    "a step that is true": change(step=True),
    "a step that is no integer": change(step=5.5),
    "a step that is text": change(step="5"),
    "other batches drawn": change(drawn=3),
    "batches that are none": change(drawn=None),
    "negative seconds": change(seconds=-1.0),
    "seconds that are NaN": change(seconds=float("nan")),
    "no history": change(train=None),
    "a history of other steps": change(train={"loss": torch.zeros(3)}),
    "a history with NaN": change(train={"loss": torch.full((5,), torch.nan)}),
    "a test in the future": change(test={"loss": {99: 1.0}}),
    "no model": change(model={}),
    "a model that is a list": change(model=[1, 2]),
    "no optimizers": change(optimizers=[]),
    "an optimizer of nothing": change(optimizers=[{}]),
    "no random state": change(random=[]),
    "a random state that is short": change(random=[torch.zeros(1, 5, dtype=torch.uint8)]),
    "settings that are none": change(settings=None),
    "nothing else": lambda state: [state.pop(name) for name in list(state) if name != "settings"],
    "nothing at all": lambda state: state.clear(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_state_that_the_run_was_never_in_is_refused_and_the_model_stays(path, what):
    stopped(path)
    state = checkpoints.load(path)
    CHANGES[what](state)
    checkpoints.save(path, state)
    model = Line()
    with pytest.raises(CheckpointError) as told:
        run(path, model)
    assert str(path) in str(told.value)
    assert "delete it" in str(told.value)
    assert torch.equal(model.mean, torch.ones(3))


def test_a_model_with_infinite_weights_of_its_own_goes_on(path):
    class Masked(Line):
        def __init__(self):
            super().__init__()
            self.register_buffer("mask", torch.tensor([0.0, -torch.inf, 0.0]))

    stopped(path, Masked())
    assert len(run(path, Masked())) == 12


# Another run ----------------------------------------------------------------------------------------------------------


def other_picture():
    x = points()
    x[57, 1] += 1e-3
    return x


def moved():
    x = points()
    return torch.cat([x[1:], x[:1]])


class Absolute(Line):
    def loss(self, x, y=None):
        return {"loss": (x - self.mean).abs().mean()}


class Minus(Line):
    def loss(self, x, y=None):
        return {"loss": self.weight / (x - self.mean).abs().pow(self.power).mean()}


class Heavier(Line):
    weight = 2.0


class Nudged(Line):
    def players(self):
        return [Player("model", list(self.parameters()), self.loss, after_step=lambda: self.mean.add_(1e-3))]


def named(kind):
    """Under the same name, as in a notebook whose cell was edited."""
    kind.__name__ = kind.__qualname__ = "Line"
    return kind()


def schedule(power, times=1.0):
    return lambda progress: times * (1 - progress) ** power


MILESTONES = [0.5]


def by_milestones(progress):
    return 0.1 ** sum(progress > place for place in MILESTONES)


def sgd(parameters, lr, momentum=0.0):
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum)


OTHER = {
    "another power": ({}, {"model": lambda: Line(power=3)}),
    "another loss of the same name": ({}, {"model": lambda: named(Absolute)}),
    "another sign in it": ({}, {"model": lambda: named(Minus)}),
    "another constant of the class": ({}, {"model": lambda: named(Heavier)}),
    "another step afterwards": ({}, {"model": lambda: named(Nudged)}),
    "another rate of a player": (
        {"lr": 1e-3, "model": lambda: Line(rates={"lr": 0.02})},
        {"model": lambda: Line(rates={"lr": 0.03})},
    ),
    "a rate of a player's own": ({"lr": 1e-3}, {"model": lambda: Line(rates={"lr": 1e-3})}),
    "other updates of a player": ({}, {"model": lambda: Line(rates={"updates": 2})}),
    "an optimizer of a player": ({}, {"model": lambda: Line(rates={"optimizer": sgd})}),
    "one picture of a hundred": ({}, {"x": other_picture}),
    "another order": ({}, {"x": moved}),
    "one picture less": ({}, {"x": lambda: points()[1:]}),
    "a schedule of one's own": ({"schedule": schedule(1)}, {"schedule": schedule(2)}),
    "another factor in it": ({"schedule": schedule(1)}, {"schedule": schedule(1, 0.5)}),
    "a lambda with another constant": ({"schedule": lambda p: 1 - p / 2}, {"schedule": lambda p: 1 - p / 3}),
    "a lambda with another sign": ({"schedule": lambda p: 1 - p}, {"schedule": lambda p: 1 + p}),
    "a partial": (
        {"schedule": functools.partial(pow, 0.5)},
        {"schedule": functools.partial(pow, 0.25)},
    ),
    "its own instead of a name": ({}, {"schedule": schedule(1)}),
    "another optimizer's argument": ({"optimizer": sgd}, {"optimizer": functools.partial(sgd, momentum=0.9)}),
    "another lr": ({}, {"lr": 0.02}),
    "other steps": ({}, {"steps": 13}),
    "another ema": ({"ema": 0.9}, {"ema": 0.99}),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_run_is_refused(path, what):
    first, second = ({k: v() if k in ("model", "x") else v for k, v in part.items()} for part in OTHER[what])
    stopped(path, **first)
    kept = path.read_bytes()
    with pytest.raises(CheckpointError, match="belongs to another run"):
        run(path, **(first | second))
    assert path.read_bytes() == kept
    first = {k: v() if k in ("model", "x") else v for k, v in OTHER[what][0].items()}
    assert len(run(path, **first)) == 12, "and the same run goes on"


def test_a_table_that_a_schedule_reads_is_part_of_the_run(path, monkeypatch):
    stopped(path, schedule=by_milestones)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "MILESTONES", [0.5, 0.75])
        with pytest.raises(CheckpointError, match=r"schedule was by_milestones .*, is by_milestones"):
            run(path, schedule=by_milestones)
    assert len(run(path, schedule=by_milestones)) == 12


def small(kind=VAE, **arguments):
    return kind((1, 4, 4), levels=2, hidden=8, **arguments)


def binary(n=40):
    return data.Dataset(
        name="b",
        x=torch.randint(2, (n, 1, 4, 4), generator=torch.Generator().manual_seed(0)),
        y=torch.arange(n) % 3,
        levels=2,
        class_names=("a", "b", "c"),
    )


@pytest.mark.parametrize(
    "other",
    [{"beta": 4.0}, {"latent": 3}, {"kind": IWAE}, {"classes": 3}],
    ids=lambda other: next(iter(other)),
)
def test_another_model_of_the_course_is_refused_in_words(path, other):
    stopped(path, small(), binary())
    with pytest.raises(CheckpointError, match=r"model was VAE\(.*beta=1\.0.*, is ") as told:
        run(path, small(**other), binary())
    name, value = next(iter(other.items()))
    if name != "kind":
        assert f"{name}={value}" in str(told.value) or name == "classes"


def test_another_game_is_refused(path):
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    stopped(path, GAN((2,), hidden=8), x)
    for other in ({"loss": "hinge"}, {"loss": "least-squares"}, {"regulariser": R1(0.1)}, {"updates": 2}):
        with pytest.raises(CheckpointError, match="belongs to another run"):
            run(path, GAN((2,), hidden=8, **other), x)
    assert len(run(path, GAN((2,), hidden=8), x)) == 12


# It says where the weights start, no more: they go on from the checkpoint's.
NO_OTHER = {("LinearGaussianVAE", "scale")}


@pytest.mark.parametrize("name", CHANGED)
def test_each_argument_of_a_constructor_makes_another_model(name):
    """Another value of any argument, one that changes something, is told by the fingerprint: numbers, words, layers,
    schedules, codebooks, conditions."""
    same, known = [], {}
    for argument in arguments_of(models()[name]):
        if argument in UNSAID.get(name, ()) or (name, argument) in NO_OTHER | {("Flow", "shape")}:
            continue
        before, after = two_ways(name, argument)
        if str(before) not in known:
            known[str(before)] = built(name, before)
        same += [] if differ(known[str(before)], built(name, after)) else [argument]
    assert same == []


def differ(one, other):
    return fingerprint.of_model(one) != fingerprint.of_model(other) or prints_of(one) != prints_of(other)


def vq(**how):
    return VQVAE((1, 4, 4), quantizer=Quantizer(6, 3, **how), channels=4, stages=1)


def ddpm(**how):
    return DDPM((2,), hidden=8, **how)


WITHIN = {  # two of what a model is made of: by another constant it is another one
    "a codebook's decay": (lambda: vq(decay=0.9), lambda: vq(decay=0.99)),
    "how it learns": (lambda: vq(), lambda: vq(learning="gradient")),
    "what is revived": (lambda: vq(revive=0.05), lambda: vq(revive=0.0)),
    "its grid": (lambda: VQVAE((1, 4, 4), quantizer=FSQ((3, 5))), lambda: VQVAE((1, 4, 4), quantizer=FSQ((5, 3)))),
    "a schedule's end": (lambda: ddpm(), lambda: ddpm(schedule=Linear(beta_last=10.0))),
    "a schedule's start": (lambda: ddpm(schedule=Cosine()), lambda: ddpm(schedule=Cosine(start=0.02))),
    "what is guessed": (lambda: ddpm(predicts="x"), lambda: ddpm(predicts="edm")),
    "what is hidden": (lambda: ddpm(classes=3, drop=0.1), lambda: ddpm(classes=3, drop=0.2)),
    "labels that may be missing": (lambda: small(classes=3), lambda: small(condition=Labels(3, missing=True))),
    "a fall of beta": (lambda: small(beta=annealed(10)), lambda: small(beta=annealed(20))),
    "a fall of temperature": (
        lambda: GumbelVAE((1, 4, 4), 6, temperature=cooled(10)),
        lambda: GumbelVAE((1, 4, 4), 6, temperature=cooled(20)),
    ),
    "a penalty's weight": (lambda: GAN((2,), regulariser=R1(1.0)), lambda: GAN((2,), regulariser=R1(2.0))),
    "noise that fades": (lambda: GAN((2,), noise=0.1), lambda: GAN((2,), noise=0.2)),
}


@pytest.mark.parametrize("what", WITHIN)
def test_what_a_model_is_made_of_makes_another_model(what):
    one, other = WITHIN[what]
    assert not differ(one(), one())
    assert differ(one(), other())


def test_labels_matter_where_the_model_uses_them(path):
    import dataclasses

    train = binary()
    other = dataclasses.replace(train, y=(train.y + 1) % 3)
    stopped(path, small(), train)
    assert len(run(path, small(), other)) == 12
    path.unlink()
    stopped(path, small(classes=3), train)
    with pytest.raises(CheckpointError, match="data was"):
        run(path, small(classes=3), other)
    one = dataclasses.replace(train, y=torch.cat([train.y[:-1], 2 - train.y[-1:]]))
    with pytest.raises(CheckpointError, match="data was"):
        run(path, small(classes=3), one)


@pytest.mark.parametrize("how", ["dynamic", "threshold"])
@pytest.mark.parametrize("levels", [17, 256])
def test_binarized_data_go_on_to_the_last_bit(tmp_path, how, levels):
    x = torch.randint(levels, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    train = data.Dataset(name="g", x=x.to(torch.uint8), levels=levels).binarized(how)
    models = []
    for name in ("whole", "half"):
        torch.manual_seed(0)
        models.append(small())
        if name == "half":
            stopped(tmp_path / name, models[-1], train)
            models[-1] = small()
        run(tmp_path / name, models[-1], train)
    for mine, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(mine, other)
    other = "threshold" if how == "dynamic" else "dynamic"
    with pytest.raises(CheckpointError, match="data was"):
        run(tmp_path / "half", small(), data.Dataset(name="g", x=x.to(torch.uint8), levels=levels).binarized(other))


def test_numbers_of_numpy_are_numbers(path):
    stopped(path, lr=np.float32(0.01), weight_decay=np.float64(0.1), ema=np.float32(0.9))
    again = {"lr": float(np.float32(0.01)), "weight_decay": 0.1, "ema": float(np.float32(0.9))}
    assert len(run(path, **again)) == 12


# The fingerprint ------------------------------------------------------------------------------------------------------


def prints(name):
    model, _, _ = example(name)
    return prints_of(model)


def prints_of(model):
    return [fingerprint.of_model(model), *(fingerprint.of_player(p, model) for p in model.players())]


def test_the_same_run_has_the_same_fingerprint_in_another_process():
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.training.test_checkpoints import EVERY, prints
for name in EVERY:
    print(name, prints(name))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{name} {prints(name)}" for name in EVERY], done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_training_does_not_change_the_fingerprint_and_goes_on_to_the_last_bit(name, path):
    """So a cell that trains may be run twice, with the model that is there, or after a stop, with a new one."""
    model, x, y = example(name)
    train = data.Dataset(name="x", x=x, y=y, levels=model.levels)
    before = fingerprint.of_model(model)
    assert len(run(path, model, train, steps=3)) == 3
    assert fingerprint.of_model(model) == before
    assert len(run(path, model, train, steps=3)) == 3
    path.unlink()
    stopped(path, example(name)[0], train, at=2, steps=3)
    fresh, _, _ = example(name)
    assert len(run(path, fresh, train, steps=3)) == 3
    for key, mine in model.state_dict().items():  # codebooks, counts of updates, what a prior remembers
        assert torch.equal(mine, fresh.state_dict()[key]), key


def test_lines_that_move_and_docstrings_change_nothing():
    texts = ["def f(p):\n    return 1 - p", '\n\ndef f(p):\n    """Falls."""\n    # in a line\n    return 1 - p']
    made = []
    for text in texts:
        space = {}
        exec(text, space)
        made.append(fingerprint.of_value(space["f"]))
    assert made[0] == made[1]


def test_an_object_that_holds_itself_can_be_told():
    class Odd:
        def __init__(self, beta):
            self.me, self.beta, self.all = self, beta, [self]

        def __call__(self, progress):
            return self.beta

    assert fingerprint.of_value(Odd(1)) == fingerprint.of_value(Odd(1))
    assert fingerprint.of_value(Odd(1)) != fingerprint.of_value(Odd(2))


# How, not what: torch's optimizers in one kernel or in many ---------------------------------------------------------

WAYS = {
    "one kernel instead of many": ({"fused": None}, {"fused": True}),
    "many instead of one": ({"fused": True}, {"fused": False}),
    "lists of tensors": ({"foreach": False}, {"foreach": True}),
    "fit's own AdamW": ({"fused": None}, None),
    "unsaid, then not": ({"foreach": None}, {"foreach": False, "fused": False}),
}


def adamw(how):
    """fit's own where nothing is said."""
    made = functools.partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=0.0)
    return {} if how is None else {"optimizer": lambda parameters, lr: made(parameters, lr=lr, **how)}


@pytest.mark.parametrize("what", WAYS)
def test_a_run_goes_on_in_another_way_of_computing_the_same(path, what):
    before, after = WAYS[what]
    model, whole = Line(), Line()
    stopped(path, **adamw(before))
    assert len(run(path, model, **adamw(after))) == 12
    group = checkpoints.load(path)["optimizers"][0]["param_groups"][0]
    assert (after or {"fused": True}).items() <= group.items(), "it computes as it is told now"
    path.unlink()
    run(path, whole)
    assert torch.allclose(model.mean, whole.mean, rtol=0, atol=1e-6)


def test_a_players_optimizer_may_compute_in_another_way_but_not_something_else(path):
    def player(**how):
        return Line(rates={"optimizer": functools.partial(torch.optim.Adam, **how)})

    stopped(path, player(eps=1e-6))
    with pytest.raises(CheckpointError, match="belongs to another run"):
        run(path, player(eps=1e-5, fused=True))
    assert len(run(path, player(eps=1e-6, fused=True))) == 12


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam", "Adadelta"])
def test_only_what_says_how_is_left_out_of_an_optimizers_hash(name):
    kind = getattr(torch.optim, name)
    print_of = {}
    for said in ({}, {"foreach": True}, {"foreach": False}, {"maximize": True}, {"weight_decay": 0.1}, {"lr": 0.5}):
        print_of[str(said)] = fingerprint.of_optimizer(kind([nn.Parameter(torch.ones(1))], **said))
    plain, *ways = list(print_of.values())[:3]
    assert ways == [plain, plain]
    assert len(set(print_of.values())) == 4


# A disk that is full --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_is_full_in_the_middle_of_a_run_does_not_end_it(path, monkeypatch, number):
    real, calls = files.write, []

    def full(*arguments):
        calls.append(arguments)
        if 2 <= len(calls) <= 4:
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(checkpoints, "write", full)
    with pytest.warns(UserWarning, match=rf"at step [468] of 12, .*{os.strerror(number)}.*training goes on") as told:
        history = run(path, checkpoint_every=2)
    assert len(told) == 3
    assert len(history) == 12
    assert not history.stopped
    assert len(run(path)) == 12, "and the last one was written again"


def test_a_disk_that_stays_full_leaves_a_trained_model(path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints, "write", full)
    model = Line()
    with pytest.warns(UserWarning, match=r"at step \d+ of 12"):
        assert len(run(path, model)) == 12
    assert not torch.equal(model.mean, torch.ones(3))
    assert not path.exists()


@pytest.mark.parametrize("where", ["below a file", "in a folder that is closed"])
def test_a_place_that_takes_nothing_is_told_before_training(tmp_path, monkeypatch, where):
    (tmp_path / "file").write_text("")
    if where == "below a file":
        path = tmp_path / "file" / "run.safetensors"
    else:
        path = tmp_path / "run.safetensors"
        monkeypatch.setattr(os, "access", lambda *_: False)  # nothing is closed to root
    steps = []
    with pytest.raises(CheckpointError, match="can't be written"):
        run(path, callback=lambda step, _: steps.append(step), callback_every=1)
    assert steps == []


def test_what_a_killed_run_left_beside_it_is_cleared(path):
    (path.parent / f"{files.UNFINISHED}abc").write_bytes(bytes(1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
