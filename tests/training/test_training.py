"""fit: what it promises of stopping, faults, going on, several players and several processes."""

import dataclasses
import inspect
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from genlib import data
from genlib.classical import NaiveBayes
from genlib.condition import MISSING, Images, Labels, Tokens
from genlib.data import Dataset
from genlib.model import GenerativeModel, Player, Trainable
from genlib.training import CheckpointError, LossError, checkpoints, fit, settings


class Line(GenerativeModel):
    """A mean, and a linear map behind dropout; noise in the loss, so that the random state matters."""

    def __init__(self, shape=(3,)):
        super().__init__()
        self.shape = shape
        self.mean = nn.Parameter(torch.zeros(shape))
        self.map = nn.Sequential(nn.Dropout(0.3), nn.Linear(3, 3))
        self.register_buffer("count", torch.zeros(()))

    def loss(self, x, y=None):
        self.count += 1
        fit_ = (x - self.mean).pow(2).mean()
        noise = (self.map(x + 0.1 * torch.randn_like(x)) - x).pow(2).mean()
        return {"loss": fit_ + noise, "fit": fit_, "noise": noise}

    def sample(self, n, y=None, *, generator=None):
        return self.mean + torch.randn(n, *self.shape, generator=generator)


class Game(GenerativeModel):
    """Two players: one moves a mean to where the other's critic is high; the critic tells data from that mean."""

    def __init__(self, steps=2):
        super().__init__()
        self.shape, self.critic_steps = (3,), steps
        self.generator, self.critic = nn.Linear(1, 3), nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def made(self, x):
        return self.generator(torch.linspace(-1, 1, len(x))[:, None])

    def critic_loss(self, x, y=None):
        real, fake = self.critic(x).mean(), self.critic(self.made(x).detach()).mean()
        penalty = (real**2 + fake**2) / 10
        return {"loss": fake - real + penalty, "penalty": penalty}

    def generator_loss(self, x, y=None):
        return {"loss": -self.critic(self.made(x)).mean()}

    def players(self):
        return [
            Player("critic", self.critic.parameters(), self.critic_loss, updates=self.critic_steps, lr=3e-3),
            Player("generator", self.generator.parameters(), self.generator_loss),
        ]


def points(n=200):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(3)) + torch.tensor([1.0, 2, 3])


def weights(model) -> torch.Tensor:
    return torch.cat([t.detach().flatten().double() for t in model.state_dict().values()])


def trained(model=None, seed=0, train=None, **keywords):
    torch.manual_seed(seed)
    model = model() if isinstance(model, type) else model or Line()
    settings = {"steps": 40, "batch_size": 16, "lr": 0.05, "warmup": 5, "bar": False} | keywords
    return model, fit(model, points() if train is None else train, **settings)


# It learns


def test_gradient_descent_finds_what_counting_finds():
    train, test = data.digits()
    model = NaiveBayes(train.shape, levels=17, classes=10)
    history = fit(model, train, test=test, steps=300, lr=0.1, ema=0.99, bar=False)
    counted = NaiveBayes(train.shape, levels=17, classes=10).count(train.x, train.y, smoothing=0.3)
    best = counted.loss(test.x, test.y)["loss"].item()
    assert abs(history.test["loss"][300] - best) < 1.0  # nats; an untrained model is at 181
    assert abs(history.averaged.loss(test.x, test.y)["loss"].item() - best) < 3.0
    assert len(history) == len(history["loss"]) == 300
    assert "300 steps" in repr(history)


def test_the_example_of_the_docstring_runs_as_it_stands(monkeypatch):
    import genlib.training

    text = genlib.training.__doc__.split("::\n", 1)[1].split("\nA model in which", 1)[0]
    namespace = {"torch": torch, "nn": nn, "GenerativeModel": GenerativeModel, "data": data, "fit": fit}
    exec(inspect.cleandoc(text.replace("steps=500", "steps=30, bar=False")), namespace)
    assert len(namespace["history"]) == 30
    assert namespace["model"].sample(3).shape == (3, 1, 8, 8)


def test_the_history_holds_every_part_of_every_step():
    _, history = trained()
    assert list(history.train) == ["loss", "fit", "noise"]
    assert all(len(values) == 40 for values in history.train.values())
    assert torch.allclose(history["loss"], history["fit"] + history["noise"], atol=1e-6)
    assert history["fit"][-1] < 0.7 * history["fit"][0]


def test_each_player_has_its_turns_and_its_rate():
    _, history = trained(Game, steps=30)
    assert list(history.train) == ["critic.loss", "critic.penalty", "generator.loss"]
    frozen = Game()
    before = weights(frozen)

    class OnlyCritic(Game):
        def players(self):
            return super().players()[:1]

    half = OnlyCritic()
    half.load_state_dict(frozen.state_dict())
    fit(half, points(), steps=5, bar=False)
    generator = {name for name, _ in half.named_parameters() if name.startswith("generator")}
    for name, value in half.state_dict().items():
        assert torch.equal(value, frozen.state_dict()[name]) == (name in generator), name
    assert torch.equal(before, weights(frozen))


def test_the_schedule_warms_up_and_cools_down():
    rates = []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    trained(optimizer=lambda parameters, lr: Spy(parameters, lr=lr), lr=1.0, steps=100, warmup=10, clip_norm=0.1)
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0, abs=0.05)
    assert rates[-1] < 0.01
    assert rates[50] == pytest.approx(0.5, abs=0.01)
    rates.clear()
    trained(optimizer=lambda parameters, lr: Spy(parameters, lr=lr), lr=1.0, schedule=lambda t: 1 - t, warmup=0)
    assert rates == pytest.approx([1 - k / 40 for k in range(40)])


def test_the_same_seed_gives_the_same_weights_and_the_global_state_is_left_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    model = Line()
    state = torch.get_rng_state()
    fit(model, points(), steps=20, bar=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)
    a, b, c = (weights(trained(seed=1, **keywords)[0]) for keywords in ({}, {}, {"steps": 39}))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_batches_are_a_permutation_each_time_through_the_data():
    seen = []

    class Watch(Line):
        def loss(self, x, y=None):
            seen.append(x[:, 0])
            return super().loss(x)

    x = points(64)
    fit(Watch(), x, steps=8, batch_size=16, bar=False)
    for epoch in (torch.cat(seen[:4]), torch.cat(seen[4:])):
        assert torch.equal(epoch.sort().values, x[:, 0].sort().values)
    assert not torch.equal(torch.cat(seen[:4]), torch.cat(seen[4:]))


def test_clipping_bounds_the_gradient():
    norms = []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            norms.append(torch.cat([p.grad.flatten() for p in self.param_groups[0]["params"]]).norm().item())
            return super().step(closure)

    trained(optimizer=lambda parameters, lr: Spy(parameters, lr=1e-4), clip_norm=0.5, steps=10)
    assert max(norms) <= 0.5001
    norms.clear()
    trained(optimizer=lambda parameters, lr: Spy(parameters, lr=1e-4), clip_norm=None, steps=10)
    assert max(norms) > 1


def test_bf16_computes_in_bf16_and_keeps_weights_in_float32():
    dtypes = []

    class Watch(Line):
        def loss(self, x, y=None):
            dtypes.append(self.map(x).dtype)
            return super().loss(x)

    model, history = trained(Watch, precision="bf16-mixed")
    assert set(dtypes) == {torch.bfloat16}
    assert model.mean.dtype == torch.float32
    assert history["loss"].isfinite().all()


def test_initialise_is_called_once_with_a_batch():
    calls = []

    class Start(Line):
        def initialise(self, x, y=None):
            calls.append(x.shape)

    trained(Start)
    assert calls == [(16, 3)]


def test_callbacks_come_in_evaluation_mode_without_gradients():
    calls = []

    def callback(step, model):
        calls.append((step, model.training, torch.is_grad_enabled()))

    model, _ = trained(callback=callback, callback_every=15)
    assert calls == [(15, False, False), (30, False, False)]
    assert not model.training


def test_what_a_callback_draws_does_not_change_the_run():
    plain, _ = trained()
    watched, _ = trained(callback=lambda step, model: model.sample(5) + torch.rand(5, 3), callback_every=3)
    assert torch.equal(weights(plain), weights(watched))


def test_the_averaged_model_is_ready_to_be_used():
    class Masked(Line):
        def __init__(self):
            super().__init__()
            self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))

    _, history = trained(Masked, ema=0.9)
    assert not history.averaged.training
    assert torch.equal(history.averaged.mask, torch.tensor([0.0, -torch.inf]))


def test_the_plot_does_not_hide_overfitting():
    _, history = trained(steps=100)
    history.test["fit"] = {10: 5.0, 50: 20.0, 100: 39.0}
    ax = next(ax for ax in history.plot().axes if ax.get_title() == "fit")
    assert ax.get_ylim()[1] > 39


def test_the_plot_shows_every_part_and_the_test_values(tmp_path):
    train, test = data.digits()
    history = fit(NaiveBayes(train.shape, 17, 10), train, test=test, steps=60, bar=False)
    figure = history.plot()
    figure.savefig(tmp_path / "history.png")
    assert [ax.get_title() for ax in figure.axes] == ["loss"]
    assert {line.get_label() for line in figure.axes[0].lines} >= {"training, mean of 25 steps", "test"}


def test_quick_shortens_it(monkeypatch):
    monkeypatch.setenv("GENLIB_QUICK", "1")
    assert len(trained()[1]) == 5


# It stops


def press_stop(after: float):
    timer = threading.Timer(after, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
    timer.start()
    return timer


class Slow(Line):
    """Somebody presses the button while it trains."""

    def loss(self, x, y=None):
        time.sleep(0.01)
        if self.count == 20:
            press_stop(0.02)
        return super().loss(x)


def test_the_stop_button_leaves_a_good_model_and_the_history_so_far(tmp_path):
    path = tmp_path / "run.safetensors"
    model, history = trained(Slow, steps=100_000, checkpoint=path)
    assert history.stopped
    assert 5 < len(history) < 5_000
    assert int(model.count) == len(history), "the step that ran was finished"
    assert weights(model).isfinite().all()
    assert not model.training
    assert checkpoints.load(path)["step"] == len(history)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_raised_inside_the_loss_ends_it_too():
    class Raises(Line):
        def loss(self, x, y=None):
            if self.count == 12:
                raise KeyboardInterrupt
            return super().loss(x)

    _, history = trained(Raises)
    assert history.stopped
    assert len(history) == 12


def test_an_error_in_the_loss_is_the_callers():
    class Broken(Line):
        def loss(self, x, y=None):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained(Broken)


# It notices


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_named_and_finite_weights_come_back(bad):
    class Explodes(Line):
        def loss(self, x, y=None):
            parts = super().loss(x)
            if self.count == 23:
                parts["noise"] = parts["noise"] * bad
                parts["loss"] = parts["fit"] + parts["noise"]
            return parts

    model = Explodes()
    with pytest.raises(LossError, match=r"at step 23 of 40, model's loss became (nan|inf).*Try a smaller lr"):
        trained(model)
    assert weights(model).isfinite().all()


def test_a_part_that_is_not_finite_is_named_by_player():
    class Explodes(Game):
        calls = 0

        def critic_loss(self, x, y=None):
            self.calls += 1
            parts = super().critic_loss(x)
            return parts | ({"penalty": parts["penalty"] * float("nan")} if self.calls == 8 else {})

    with pytest.raises(LossError, match="at step 4 of 40, critic's penalty became nan"):
        trained(Explodes)


def test_weights_that_explode_in_the_last_step_are_noticed():
    class Cliff(Line):
        def loss(self, x, y=None):
            value = (self.mean - 1).sum().abs().sqrt() * 0 + (self.mean * 0).sum().sqrt()  # 0, with an infinite slope
            return {"loss": value}

    model = Cliff()
    with pytest.raises(LossError, match="weights became nan"):
        trained(model, steps=1, clip_norm=None, optimizer=lambda p, lr: torch.optim.SGD(p, lr=1.0))
    assert weights(model).isfinite().all()


def test_nothing_is_read_off_the_device_within_a_step(monkeypatch):
    reads = []

    def sgd(parameters, lr):  # Adam reads its own step counts, which lie on the CPU
        return torch.optim.SGD(parameters, lr=1e-3)

    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__"):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda self, *a, _o=original, _n=name, **k: reads.append(_n) or _o(self, *a, **k)
        )
    counts = {}
    for steps in (20, 220):
        reads.clear()
        trained(steps=steps, batch_size=100, optimizer=sgd)
        counts[steps] = len(reads)
    # 200 more steps, at most a few more refreshes (one each quarter of a second)
    assert counts[220] - counts[20] < 60, counts


@pytest.mark.parametrize(
    ("model", "x", "words"),
    [
        (Line((4,)), points(), r"x has shape \(200, 3\); this model takes \(B, 4\)"),
        (Line(), points()[:0], "the data set is empty"),
        (Line(), points().long(), "x holds torch.int64; this model takes real values"),
        (Line(), torch.full((5, 3), torch.nan), "x holds values that are not finite"),
        (Line(), (points(), points()), "its y is more than labels"),
        (NaiveBayes((3,), 4), points(), r"x holds torch.float32; this model takes integers 0\.\.3"),
        (NaiveBayes((3,), 4), torch.full((5, 3), 4), r"x holds 4\.\.4; this model takes integers 0\.\.3"),
        (NaiveBayes((3,), 4, classes=2), torch.ones(5, 3).long(), "this model is conditional: pass y"),
        (NaiveBayes((1, 8, 8), 17, classes=9), data.digits()[0], r"y holds 0\.\.9; pass integers 0\.\.8"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_the_first_step(model, x, words):
    before = weights(model)
    with pytest.raises(ValueError, match=f"train:? .*{words}"):
        fit(model, x, steps=3, bar=False)
    assert torch.equal(weights(model), before)


def test_test_data_are_looked_at_too_to_the_last_one():
    x = points(25_000)
    x[-1, -1] = torch.inf
    with pytest.raises(ValueError, match="test: x holds values that are not finite"):
        fit(Line(), points(), test=x, steps=3, bar=False)


# Nothing that it is told is ignored


def adam(parameters, lr):
    return torch.optim.Adam(parameters, lr=lr)


class Own(Line):
    """A player with an optimizer and a learning rate of its own."""

    def players(self):
        return [Player("own", list(self.parameters()), self.loss, lr=0.01, optimizer=adam)]


class Borrowed(Line):
    """One whose player moves a weight that the model does not have."""

    def players(self):
        return [Player("borrowed", [nn.Parameter(torch.zeros(3))], self.loss)]


class Twice(Line):
    def players(self):
        return 2 * super().players()


class Idle(Line):
    def players(self):
        return [Player("idle", list(self.parameters()), self.loss, updates=0)]


REFUSED = [
    ({"steps": 0}, "steps=0 must be at least 1"),
    ({"batch_size": 0}, "batch_size=0 must be at least 1"),
    ({"lr": -0.1}, r"lr=-0\.1 must be above 0"),
    ({"lr": float("nan")}, "lr=nan must be above 0"),
    ({"schedule": "linear"}, 'choose "cosine", "constant" or a function'),
    ({"warmup": -1}, "warmup=-1 must be at least 0"),
    ({"clip_norm": 0}, "clip_norm=0 must be above 0"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1 must be at least 0"),
    ({"weight_decay": 0.1, "optimizer": adam}, r"weight_decay=0\.1 is AdamW's"),
    ({"optimizer": "adam"}, r"optimizer='adam' must be a function \(parameters, lr\)"),
    ({"ema": 1.0}, r"ema=1\.0 must lie between 0 and 1"),
    ({"ema": 0}, "ema=0 must lie between 0 and 1"),
    ({"precision": "8-true"}, "precision='8-true': choose one of 32-true, 64-true"),
    ({"precision": "16-mixed", "device": "cpu"}, "precision='16-mixed' needs a GPU"),
    ({"device": "tpu"}, 'device=\'tpu\': choose "auto", "cpu", "cuda" or "mps"'),
    ({"test_every": 5}, "test_every=5 says how often, but there is no test="),
    ({"callback_every": 5}, "callback_every=5 says how often, but there is no callback="),
    ({"checkpoint_every": 5}, "checkpoint_every=5 says how often, but there is no checkpoint="),
    ({"callback_every": 0, "callback": print}, "callback_every=0 must be at least 1"),
    ({"test": points()[:0]}, "test: the data set is empty"),
    ({"model": Own}, r"lr=0\.05 would change nothing: every player has its own"),
    ({"model": Own, "lr": 1e-3, "optimizer": adam}, "would change nothing: every player has its own optimizer"),
    ({"model": Own, "lr": 1e-3, "weight_decay": 0.1}, "would change nothing: every player has its own optimizer"),
    ({"model": Borrowed}, "borrowed moves parameters that are not the model's"),
    ({"model": Twice}, "each needs a name of its own"),
    ({"model": Idle}, "idle's updates=0 must be at least 1"),
]


@pytest.mark.filterwarnings("ignore:You passed.*16-mixed")  # Fabric's own words, before ours
@pytest.mark.parametrize(("keywords", "words"), REFUSED)
def test_what_cannot_be_honoured_is_refused(keywords, words):
    with pytest.raises(ValueError, match=words):
        trained(**keywords)


def test_a_fabric_has_its_own_device_and_precision():
    fabric = Fabric(accelerator="cpu", devices=1)
    for keywords in ({"precision": "bf16-mixed"}, {"device": "cpu"}):
        with pytest.raises(ValueError, match="give them to Fabric, not to fit"):
            trained(fabric=fabric, **keywords)


def test_a_device_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device='cuda': there is none on this machine"):
        trained(device="cuda")


def changes(**keywords):
    """Whether the run ends at other weights than without these arguments."""
    return not torch.equal(weights(trained(**keywords)[0]), weights(trained()[0]))


def calls(argument, every):
    """How often something is done within 40 steps."""
    seen = []
    trained(**{argument: lambda step, model: seen.append(step), f"{argument}_every": every})
    return len(seen)


def saves(path, **keywords):
    """How often the checkpoint is written within 40 steps."""
    with pytest.MonkeyPatch.context() as patch:
        written = []
        patch.setattr(checkpoints, "save", lambda *arguments: written.append(1))
        trained(checkpoint=path, **keywords)
    return len(written)


def compiled():
    """How many losses are compiled."""
    with pytest.MonkeyPatch.context() as patch:
        seen = []
        patch.setattr(torch, "compile", lambda loss: seen.append(1) or loss)
        trained(Game, compile=True)
    return len(seen)


def shows(bar):
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr(sys, "stderr", out)
        trained(bar=bar)
    return "40/40" in out.getvalue()


OBEYED = {
    "model": lambda path: trained(Line)[0].training is False,
    "train": lambda path: len(fit(Line(), points(20), steps=2, bar=False)) == 2,
    "test": lambda path: list(trained(test=points(50))[1].test) == ["loss", "fit", "noise"],
    "steps": lambda path: len(trained(steps=7)[1]) == 7,
    "batch_size": lambda path: changes(batch_size=8),
    "lr": lambda path: changes(lr=0.04),
    "seed": lambda path: not torch.equal(*(weights(fit_with_seed(seed)) for seed in (0, 1))),
    "schedule": lambda path: changes(schedule="constant"),
    "warmup": lambda path: changes(warmup=6) and changes(warmup=100),
    "clip_norm": lambda path: changes(clip_norm=None) and changes(clip_norm=0.01),
    "weight_decay": lambda path: changes(weight_decay=0.1),
    "optimizer": lambda path: changes(optimizer=adam),
    "ema": lambda path: trained(ema=0.9)[1].averaged is not None,
    "precision": lambda path: trained(precision="64-true")[0].mean.dtype == torch.float64,
    "compile": lambda path: compiled() == 2,
    "device": lambda path: trained(device="cpu")[0].mean.device.type == "cpu",
    "fabric": lambda path: trained(fabric=fabric64())[0].mean.dtype == torch.float64,
    "callback": lambda path: calls("callback", None) == 20,
    "callback_every": lambda path: calls("callback", 20) == 2,
    "test_every": lambda path: list(trained(test=points(9), test_every=15)[1].test["loss"]) == [15, 30],
    "checkpoint": lambda path: saves(path) == 11,
    "checkpoint_every": lambda path: saves(path, checkpoint_every=20) == 3,
    "bar": lambda path: shows(True) and not shows(False),
}


def fit_with_seed(seed):
    torch.manual_seed(0)
    model = Line()
    fit(model, points(), steps=5, seed=seed, bar=False)
    return model


def fabric64():
    return Fabric(accelerator="cpu", devices=1, precision="64-true")


def test_every_argument_is_walked():
    assert set(OBEYED) == set(inspect.signature(fit).parameters)


@pytest.mark.parametrize("argument", OBEYED)
def test_every_argument_is_obeyed(argument, tmp_path):
    assert OBEYED[argument](tmp_path / "run.safetensors")


def test_a_true_precision_converts_model_and_data():
    seen = set()

    class Watch(Line):
        def loss(self, x, y=None):
            seen.add(x.dtype)
            return super().loss(x)

    model, history = trained(Watch, precision="bf16-true", test=points(9), ema=0.9)
    assert seen == {torch.bfloat16}
    assert {p.dtype for p in (*model.parameters(), *history.averaged.parameters())} == {torch.bfloat16}


# Players


def test_after_step_comes_after_every_update_without_gradients():
    class Clipped(Game):
        largest = torch.zeros(0)

        def clip(self):
            assert not torch.is_grad_enabled()
            for weight in self.critic.parameters():
                weight.clamp_(-0.01, 0.01)

        def generator_loss(self, x, y=None):  # the generator meets a clipped critic, always
            largest = max(p.detach().abs().max() for p in self.critic.parameters())
            assert largest <= 0.01
            return super().generator_loss(x)

        def players(self):
            critic, generator = super().players()
            return [dataclasses.replace(critic, after_step=self.clip), generator]

    model, history = trained(Clipped, ema=0.5)
    for net in (model.critic, history.averaged.critic):
        largest = max(p.abs().max() for p in net.parameters())
        assert 0.009 < largest <= 0.01


def test_after_step_is_called_once_an_update():
    class Counting(Game):
        counts = (0, 0)

        def count(self, player):
            self.counts = tuple(n + (i == player) for i, n in enumerate(self.counts))

        def players(self):
            critic, generator = super().players()
            return [
                dataclasses.replace(critic, after_step=lambda: self.count(0)),
                dataclasses.replace(generator, after_step=lambda: self.count(1)),
            ]

    model, _ = trained(Counting, steps=7)
    assert model.counts == (14, 7)


def test_a_player_brings_its_own_optimizer():
    made = []

    def spy(parameters, lr):
        made.append((len(list(parameters)), lr))
        return torch.optim.SGD(parameters, lr=lr)

    class Mixed(Game):
        def players(self):
            critic, generator = super().players()
            return [critic, dataclasses.replace(generator, optimizer=spy)]

    mixed, _ = trained(Mixed)
    plain, _ = trained(Game)
    assert made == [(2, 0.05)]
    assert not torch.equal(weights(mixed), weights(plain))


def test_every_player_is_evaluated_and_with_averaged_weights_too():
    test = points(1500)
    model, history = trained(Game, test=test, test_every=20, ema=0.9)
    for players, tests in ((model, history.test), (history.averaged, history.test_averaged)):
        assert list(tests) == ["critic.loss", "critic.penalty", "generator.loss"]
        assert list(tests["critic.loss"]) == [20, 40]
        chunks = [players.critic_loss(chunk)["penalty"].item() * len(chunk) for chunk in test.split(1000)]
        assert tests["critic.penalty"][40] == pytest.approx(sum(chunks) / 1500, rel=1e-5)
    assert history.test["critic.loss"] != history.test_averaged["critic.loss"]
    for ax in history.plot().axes:
        assert {"test", "test, averaged weights"} <= {line.get_label() for line in ax.lines}


# Conditions


class Conditional(Line):
    """x given y, by an encoder of whatever it is."""

    def __init__(self, condition):
        super().__init__()
        self.condition, self.encoder, self.seen = condition, condition.encoder(3), []

    def loss(self, x, y=None):
        self.check(x, y, values=False)
        self.seen.append(y)
        return {"loss": (x - self.encoder(y)).pow(2).mean()}

    def initialise(self, x, y=None):
        self.check(x, y)
        self.first = y


def some_labels(missing):
    y = torch.arange(200) % 3
    return torch.where(torch.arange(200) % 5 == 0, MISSING, y) if missing else y


CONDITIONS = {
    "labels": (Labels(3), some_labels(False)),
    "labels, some missing": (Labels(3, missing=True), some_labels(True)),
    "tokens": (Tokens(2, 7), torch.arange(400).view(200, 2) % 7),
    "pictures": (Images((1, 2, 2)), torch.rand(200, 1, 2, 2, generator=torch.Generator().manual_seed(0))),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_model_is_given_its_condition_whatever_it_is(name):
    condition, y = CONDITIONS[name]
    train = Dataset(name=name, x=points(), y=y)
    model, history = trained(Conditional(condition), train=train, test=train, ema=0.9)
    assert torch.equal(model.first, y[:16])
    assert model.seen[0].shape == (16, *y.shape[1:])
    assert history["loss"][-10:].mean() < history["loss"][:10].mean()
    assert history.test["loss"].keys() == history.test_averaged["loss"].keys()
    wrong = dataclasses.replace(train, y=y[:, None])
    with pytest.raises(ValueError, match="train: y has shape"):
        trained(Conditional(condition), train=wrong)


def test_missing_labels_are_refused_where_the_model_knows_none():
    train = Dataset(name="some", x=points(), y=some_labels(True))
    with pytest.raises(ValueError, match=r"train: y holds -1\.\.2; pass integers 0\.\.2"):
        trained(Conditional(Labels(3)), train=train)


def test_a_model_without_a_condition_leaves_labels_out():
    labelled = Dataset(name="labelled", x=points(), y=some_labels(False))
    assert torch.equal(weights(trained(train=labelled)[0]), weights(trained()[0]))


class Translate(Trainable):
    """From domain x to domain y without pairs: a shift, learned from the means alone (a CycleGAN's smallest sister)."""

    def __init__(self):
        super().__init__()
        self.shape, self.condition, self.seen = (1, 1, 2), Images((1, 1, 2)), []
        self.shift = nn.Parameter(torch.zeros(1, 1, 2))

    def loss(self, x, y=None):
        self.seen.append((x[:, 0, 0, 0], y[:, 0, 0, 0]))
        return {"loss": (y.mean(0) - (x + self.shift).mean(0)).pow(2).sum()}


def domains():
    """Two domains of different sizes; the first number of an example says which one it is."""
    a, b = (torch.arange(n).float().view(n, 1, 1, 1).expand(n, 1, 1, 2) / n for n in (96, 60))
    return Dataset(name="a", x=a), Dataset(name="b", x=b + 2)


def translated(**keywords):
    a, b = domains()
    model = Translate()
    settings = {"steps": 60, "batch_size": 32, "lr": 0.2, "warmup": 0, "bar": False} | keywords
    return model, fit(model, a.unpaired(b), **settings)


def test_two_domains_are_drawn_independently_and_the_same_again_for_a_seed():
    model, _ = translated()
    assert torch.allclose(model.shift, torch.tensor(2.0), atol=0.1)
    x, y = (torch.cat(side) for side in zip(*model.seen, strict=True))
    assert torch.equal(x[:96].sort().values, domains()[0].x[:, 0, 0, 0]), "a pass over the first domain"
    assert len(y.unique()) == 60, "all of the second domain"
    correlation = torch.corrcoef(torch.stack([x, y]))[0, 1]
    assert abs(correlation) < 4 / len(x) ** 0.5
    again, other = translated()[0], translated(seed=1)[0]
    assert all(torch.equal(p[1], q[1]) for p, q in zip(model.seen, again.seen, strict=True))
    assert not torch.equal(model.seen[0][1], other.seen[0][1])


def test_two_domains_go_on_where_they_ended(tmp_path):
    def stop(step, model):
        if step == 25:
            signal.raise_signal(signal.SIGINT)

    whole, _ = translated()
    path = tmp_path / "run.safetensors"
    _, history = translated(checkpoint=path, callback=stop, callback_every=1)
    assert history.stopped
    rest, _ = translated(checkpoint=path)
    assert len(rest.seen) == 35
    assert torch.equal(weights(rest), weights(whole))


# It goes on


@pytest.mark.parametrize("kind", [Line, Game])
@pytest.mark.parametrize("stop_at", [7, 20, 33])
def test_a_resumed_run_ends_at_the_same_weights_to_the_last_bit(tmp_path, kind, stop_at):
    whole, expected = trained(kind, ema=0.9)
    path = tmp_path / "run.safetensors"

    def stop(step, model):
        if step == stop_at:
            signal.raise_signal(signal.SIGINT)

    _, history = trained(kind, ema=0.9, checkpoint=path, callback=stop, callback_every=1)
    assert history.stopped
    assert len(history) == stop_at
    torch.manual_seed(99)
    second, history = kind(), None
    history = fit(second, points(), steps=40, batch_size=16, lr=0.05, warmup=5, bar=False, ema=0.9, checkpoint=path)
    assert torch.equal(weights(second), weights(whole))
    assert torch.equal(weights(history.averaged), weights(expected.averaged))
    for name, values in expected.train.items():
        assert torch.equal(history[name], values), name
    again = fit(second, points(), steps=40, batch_size=16, lr=0.05, warmup=5, bar=False, ema=0.9, checkpoint=path)
    assert len(again) == 40
    assert torch.equal(weights(second), weights(whole)), "a finished run stays finished"


def test_a_checkpoint_of_another_run_or_model_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    trained(checkpoint=path)
    with pytest.raises(CheckpointError, match=r"lr was 0\.05, is 0\.01"):
        trained(checkpoint=path, lr=0.01)
    with pytest.raises(CheckpointError, match="data was 200 of shape"):
        fit(Line(), points() + 1, steps=40, batch_size=16, lr=0.05, warmup=5, bar=False, checkpoint=path)
    with pytest.raises(CheckpointError, match=r"optimizer was AdamW .*, is SGD"):
        trained(checkpoint=path, optimizer=lambda p, lr: torch.optim.SGD(p, lr=lr))
    with pytest.raises(CheckpointError, match=r"model was Line.*, is Game"):
        trained(Game, checkpoint=path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match="delete it to start anew"):
        trained(checkpoint=path)


def test_a_checkpoint_keeps_nested_values_and_is_no_pickle(tmp_path):
    state = {"a": torch.arange(3), "b": {0: [torch.ones(2, 2), None, 1.5]}, "c": "text", "empty": {}}
    checkpoints.save(tmp_path / "c", state)
    back = checkpoints.load(tmp_path / "c")
    assert torch.equal(back["a"], state["a"])
    assert torch.equal(back["b"][0][0], state["b"][0][0])
    assert back["b"][0][1:] == [None, 1.5]
    assert (back["c"], back["empty"]) == ("text", {})
    assert b"pickle" not in (tmp_path / "c").read_bytes()


def test_killed_in_the_middle_of_a_write_the_older_checkpoint_is_readable(tmp_path):
    code = f"""
        import os, torch
        from genlib import files
        from genlib.training import checkpoints
        path = {str(tmp_path / "c")!r}
        checkpoints.save(path, {{"step": 1}})
        real = os.fsync
        def die(fd):  # half of it is on the disk, and the power goes
            os.truncate(fd, 100)
            os._exit(9)
        os.fsync = die
        checkpoints.save(path, {{"step": 2, "weights": torch.zeros(1000)}})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert checkpoints.load(tmp_path / "c")["step"] == 1


# Several processes

DISTRIBUTED = """
    import sys, torch
    from lightning_fabric import Fabric
    from genlib.training import fit
    from tests.training.test_training import Game, points
    from genlib.model import GenerativeModel
    from torch import nn

    class Plain(GenerativeModel):
        def __init__(self):
            super().__init__()
            self.shape, self.net = (3,), nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 3))
        def loss(self, x, y=None):
            return {"loss": (self.net(x) - x).pow(2).mean()}

    class Twins(Game):
        def made(self, x):  # the same for every share of the batch
            return self.generator(x[:, :1] * 0 + 0.5)
        def critic_loss(self, x, y=None):
            real, fake = self.critic(x), self.critic(self.made(x).detach())
            penalty = (real**2 + fake**2).mean() / 10
            return {"loss": (fake - real).mean() + penalty, "penalty": penalty}

    kind, devices, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    fabric = Fabric(accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto")
    fabric.launch()
    torch.manual_seed(fabric.global_rank)  # each process starts elsewhere: fit must bring them together
    if devices == 1:
        torch.manual_seed(0)
    model = {"Plain": Plain, "Twins": Twins}[kind]()
    history = fit(model, points(), steps=30, batch_size=32, lr=0.01, fabric=fabric, bar=False)
    if fabric.global_rank == 0:
        torch.save({k: v for k, v in history.train.items()}, out)
"""


UNEQUAL = """
    import sys, time, torch
    from lightning_fabric import Fabric
    from genlib.training import fit
    from tests.training.test_training import Line, points, weights

    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    rank, path, steps = fabric.global_rank, sys.argv[1], 120

    class Uneven(Line):  # the processes are not equally fast, so their clocks say different things
        def loss(self, x, y=None):
            time.sleep(0.012 * rank)
            return super().loss(x)

    def stop(step, model):
        if step == 60 and rank == 1:  # pressed in one of them
            import signal
            signal.raise_signal(signal.SIGINT)

    settings = dict(steps=steps, batch_size=16, fabric=fabric, bar=False)
    whole, half, rest = Uneven(), Uneven(), Uneven()
    half.load_state_dict(whole.state_dict())
    fit(whole, points(), **settings)
    history = fit(half, points(), **settings, checkpoint=path, callback=stop, callback_every=1)
    assert history.stopped and len(history) == 100, len(history)  # they ask each other every 50 steps
    fit(rest, points(), **settings, checkpoint=path)
    assert torch.equal(weights(rest), weights(whole)), "a resumed run ends elsewhere"
"""


def run_script(tmp_path, text, *arguments):
    script = tmp_path / "distributed.py"
    script.write_text(textwrap.dedent(text))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | {"PYTHONPATH": root}
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_processes_that_are_not_equally_fast_stay_together_stop_together_and_go_on(tmp_path):
    run_script(tmp_path, UNEQUAL, tmp_path / "run.safetensors")


@pytest.mark.parametrize("kind", ["Plain", "Twins"])
def test_two_processes_train_to_the_same_curve_as_one(tmp_path, kind):
    curves = []
    for devices in (1, 2):
        out = tmp_path / f"{devices}.pt"
        run_script(tmp_path, DISTRIBUTED, kind, devices, out)
        curves.append(torch.load(out, weights_only=True))
    assert list(curves[0]) == list(curves[1])
    for name in curves[0]:
        assert torch.allclose(curves[0][name], curves[1][name], atol=1e-5), name


@pytest.mark.parametrize(
    ("precision", "fused"), [("32-true", True), ("64-true", True), ("bf16-mixed", True), ("16-mixed", False)]
)
def test_all_parameters_are_updated_at_once_unless_the_loss_is_scaled(precision, fused):
    stand_in = SimpleNamespace(strategy=SimpleNamespace(precision=SimpleNamespace(precision=precision)))
    make = settings.optimizer_of(None, 0.1, stand_in)
    (group,) = make(list(Line().parameters()), lr=0.5).param_groups
    assert (group["fused"], group["lr"], group["weight_decay"]) == (fused, 0.5, 0.1)


def test_fused_updates_are_those_of_the_plain_optimizer():
    plain = trained(optimizer=lambda p, lr: torch.optim.AdamW(p, lr=lr, betas=(0.9, 0.99), weight_decay=0.0))
    fused = trained()
    for a, b in zip(plain[0].parameters(), fused[0].parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
