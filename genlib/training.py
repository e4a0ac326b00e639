r"""One loop that trains everything.

A new model needs three things: a ``shape``, a ``loss`` that returns ``{"loss": scalar, part: scalar, …}``, ``sample``::

    class Line(GenerativeModel):
        def __init__(self, shape):
            super().__init__()
            self.shape, self.mean = shape, nn.Parameter(torch.zeros(shape))

        def loss(self, x, y=None):  # nats, up to a constant
            return {"loss": (x - self.mean).pow(2).flatten(1).sum(1).mean() / 2}

        def sample(self, n, y=None, *, generator=None):
            return self.mean + torch.randn(n, *self.shape, generator=generator)

    train, test = data.digits()
    model = Line(train.shape)
    history = fit(model, train, test=test, steps=500)
    history.plot()

A model in which several learn against each other (a GAN) returns its ``players`` instead: each has its parameters and
its own loss, and in every step each takes its turn, in order. Everything else is the same for all of them:

- Data stay on the device; a batch is an index. Data are a tensor, or anything with ``x``, ``y``, ``to`` and ``[i]``.
- Nothing waits for the device inside a step. Losses are kept there and read when the progress bar is refreshed.
- The stop button ends training after the step that is running; model and history are good, a checkpoint is written.
- A loss that is not finite stops the run with a LossError that names step, player and part; the model gets back the
  last weights that were seen to be finite.
- With ``checkpoint="name.safetensors"`` the run is saved now and then, and the same call goes on where it ended: on the
  same machine to the same weights, to the last bit, as a run that was never interrupted.
- ``callback=lambda step, model: …`` is called now and then; ``plots.Live`` draws a figure anew in place.
- With several processes (``genlib train … --devices 2``) each takes its share of every batch, and gradients are
  averaged before they are used. This is done here, and not by wrapping the model, since a player's loss is not its
  ``forward``.
"""

import contextlib
import dataclasses
import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from genlib import checkpoints
from genlib.model import GenerativeModel, Player
from genlib.quick import steps as shortened


class LossError(ArithmeticError):
    """A loss or a weight became infinite or NaN; the message names step, player and part."""


@dataclasses.dataclass
class History:
    """What a run was like: {name: one value a step} in ``train``, {name: {step: value}} in ``test``.

    stopped, whether it was ended before its last step; averaged, the model with exponentially averaged weights, if
    asked for; seconds, how long the steps took.
    """

    train: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    test: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)
    stopped: bool = False
    averaged: GenerativeModel | None = None
    seconds: float = 0.0

    def __len__(self) -> int:
        return max((len(values) for values in self.train.values()), default=0)

    def __getitem__(self, name: str) -> Tensor:
        return self.train[name]

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.train.items() if len(values))
        return f"History({len(self)} steps{', stopped early' if self.stopped else ''}; last: {last or 'nothing'})"

    def plot(self, smooth: int = 25, unit: str = ""):
        """A figure with a panel for each name: values, their mean over the ``smooth`` steps around, test values. unit,
        of all of them, such as "nats per digit"."""
        from matplotlib.figure import Figure

        names = list(self.train) or ["loss"]
        figure = Figure(figsize=(3.6 * len(names), 2.7), layout="constrained")
        for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            values = self.train.get(name, torch.empty(0))
            ax.plot(range(1, len(values) + 1), values.numpy(), color="#56B4E9", alpha=0.5, linewidth=0.8)
            width = min(smooth, len(values))
            if width > 1:
                mean = values.unfold(0, width, 1).mean(-1)
                middle = range((width + 1) // 2, (width + 1) // 2 + len(mean))  # of the steps that a mean is taken over
                ax.plot(middle, mean.numpy(), color="#0072B2", label=f"training, mean of {width} steps")
                first = len(values) // 20  # the first steps would squeeze all the others
                late = mean[first:].tolist() + [v for step, v in self.test.get(name, {}).items() if step > first]
                ax.set_ylim(*_padded(min(late), max(late)))
            if name in self.test:
                ax.plot(*zip(*self.test[name].items(), strict=True), "o-", color="#D55E00", markersize=3, label="test")
                ax.legend(frameon=False)
            ax.set(title=name, xlabel="step", ylabel=unit)
            ax.spines[["top", "right"]].set_visible(False)
        return figure


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def fit(
    model: GenerativeModel,
    train,
    *,
    test=None,
    steps: int = 1000,
    batch_size: int = 128,
    lr: float = 1e-3,
    seed: int = 0,
    schedule: str | Callable[[float], float] = "cosine",
    warmup: int = 50,
    clip: float | None = 1.0,
    weight_decay: float = 0.0,
    optimizer: Callable | None = None,
    ema: float | None = None,
    precision: str = "32-true",
    compile: bool = False,
    device: str = "auto",
    fabric=None,
    callback: Callable[[int, GenerativeModel], None] | None = None,
    callback_every: int | None = None,
    test_every: int | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_every: int | None = None,
    bar: bool = True,
) -> History:
    """Trains a model in place and returns the history of the run.

    Arguments: train, test, tensors (N, *shape) or data sets; steps, batch_size, lr; seed, of the batches and of all
    that the model draws; schedule, "cosine", "constant" or a function of the progress 0..1, times lr, after ``warmup``
    steps; clip, the largest norm of a player's gradient; weight_decay, of AdamW with β = (0.9, 0.99), or optimizer, a
    function (parameters, lr) -> Optimizer; ema, such as 0.999, for ``history.averaged``; precision, as Lightning Fabric
    names it: "32-true", "bf16-mixed", "16-mixed"; compile, torch.compile for the losses; device, "auto", "cpu", "cuda",
    "mps", or fabric, one that was launched already; callback, called with (step, model) every ``callback_every`` steps,
    without gradients, in evaluation mode; checkpoint, a file to go on from and to save to.
    Raises: LossError; ValueError for data that do not fit; CheckpointError for a checkpoint of another run.
    """
    steps = shortened(steps)
    train, test = _as_data(train), None if test is None else _as_data(test)
    _check(model, train, steps, batch_size)
    fabric = fabric or _fabric(device, precision)
    run = _Run(model, train, test, fabric, steps=steps, batch_size=batch_size, lr=lr, seed=seed, clip=clip, ema=ema)
    run.schedule, run.warmup = _schedule(schedule), warmup
    with _own_random_state(fabric.device):
        torch.manual_seed(seed)
        run.prepare(optimizer or _adamw(weight_decay), compile)
        settings = {"steps": steps, "batch_size": batch_size, "lr": lr, "seed": seed, "clip": clip, "ema": ema}
        settings |= {"schedule": schedule if isinstance(schedule, str) else "own", "warmup": warmup}
        settings |= {"weight_decay": weight_decay, "precision": precision, "processes": fabric.world_size}
        settings |= {"optimizer": type(run.optimizers[0].optimizer).__name__, "data": _fingerprint(train)}
        if checkpoint is not None:
            run.resume(Path(checkpoint), settings)
        if run.step == 0:
            torch.manual_seed(seed + 1 + fabric.global_rank)  # each process draws noise of its own
        every = {
            run.evaluate: test_every or max(1, steps // 10) if test is not None and run.one_player else 0,
            run.save: checkpoint_every or max(1, steps // 10) if checkpoint is not None else 0,
        }
        if callback is not None:
            every[lambda: run.call(callback)] = callback_every or max(1, steps // 20)
        run.loop(every, bar and fabric.global_rank == 0)
        if run.path is not None:
            run.save()
    return run.history


class _Tensors:
    """A tensor, dressed as a data set without labels."""

    def __init__(self, x: Tensor):
        self.x, self.y = x, None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i) -> tuple[Tensor, None]:
        return self.x.index_select(0, i), None

    def to(self, device) -> "_Tensors":
        return _Tensors(self.x.to(device))


def _as_data(data):
    return _Tensors(data) if isinstance(data, Tensor) else data


def _check(model: GenerativeModel, train, steps: int, batch_size: int) -> None:
    if len(train) == 0:
        raise ValueError("there is nothing to train on: the data set is empty")
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps={steps} and batch_size={batch_size} must be at least 1")
    shape = tuple(train.x.shape[1:])
    if tuple(model.shape) != shape:
        raise ValueError(f"the data have shape {shape}, the model was made for {tuple(model.shape)}")
    if model.classes is not None and train.y is None:
        raise ValueError("the model is conditional, but the data have no labels y")


def _fingerprint(data) -> str:
    """What tells one data set from another: its size, and the sum of a hundred of its examples."""
    some = data.x[:: max(1, len(data) // 100)].cpu().double()
    return f"{len(data)} of shape {tuple(data.x.shape[1:])}, checksum {some.sum().item():.10g}"


def _own_random_state(device: torch.device):
    """A context whose draws leave the random state outside as it was."""
    return torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else [])


def _fabric(device: str, precision: str):
    from lightning_fabric import Fabric  # a second to import, so only here

    return Fabric(accelerator={"cuda": "gpu"}.get(device, device), devices=1, precision=precision)


def _adamw(weight_decay: float) -> Callable:
    return lambda parameters, lr: torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay)


def _schedule(schedule: str | Callable[[float], float]) -> Callable[[float], float]:
    known = {"cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2, "constant": lambda progress: 1.0}
    if callable(schedule):
        return schedule
    if schedule not in known:
        raise ValueError(f'schedule={schedule!r}: choose "cosine", "constant" or a function of the progress 0..1')
    return known[schedule]


class _Run:
    """One call of fit: the state that its steps share."""

    def __init__(self, model, train, test, fabric, *, steps, batch_size, lr, seed, clip, ema):
        self.model, self.fabric = model.to(fabric.device), fabric
        self.steps, self.lr, self.seed, self.clip, self.ema = steps, lr, seed, clip, ema
        self.train, self.test = train.to(fabric.device), None if test is None else test.to(fabric.device)
        self.batch_size = min(batch_size, len(train))
        if self.batch_size % fabric.world_size:
            raise ValueError(f"a batch of {self.batch_size} can't be shared by {fabric.world_size} processes evenly")
        self.history, self.step, self.draws = History(), 0, 0
        self.order, self.epoch = None, -1  # the order of the examples in this pass over the data
        self.pending: list[Tensor] = []  # the losses of the steps since the last refresh, still on the device
        self.names: list[tuple[str, str]] = []  # (player, part) of each of them
        self.path, self.settings = None, {}
        self.infinite: Tensor | None = None  # which tensors of the model were not finite at the start

    def prepare(self, optimizer: Callable, compile: bool) -> None:
        """The data-dependent start, the players and their optimizers; all processes start from the same weights."""
        with torch.no_grad():
            self.model.initialise(self.train[torch.arange(self.batch_size, device=self.fabric.device)][0])
        if self.fabric.world_size > 1:
            for tensor in (*self.model.parameters(), *self.model.buffers()):
                torch.distributed.broadcast(tensor.data, 0)
        self.players: list[Player] = self.model.players()
        self.one_player = len(self.players) == 1
        self.parameters = [[p for p in player.parameters if p.requires_grad] for player in self.players]
        self.losses = [torch.compile(player.loss) if compile else player.loss for player in self.players]
        rates = [player.lr or self.lr for player in self.players]
        made = [optimizer(parameters, rate) for parameters, rate in zip(self.parameters, rates, strict=True)]
        self.optimizers = [self.fabric.setup_optimizers(o) for o in made]
        self.rates = [[group["lr"] for group in o.param_groups] for o in made]
        self.averaged = None
        if self.ema is not None:
            from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

            self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(self.ema))  # buffers are copied
            self.history.averaged = self.averaged.module.eval()
        self.remember()

    def batch(self) -> tuple[Tensor, Tensor | None]:
        """The next batch, or this process's share of it. Which one it is depends on seed and count alone."""
        per_epoch = len(self.train) // self.batch_size
        epoch, place = divmod(self.draws, per_epoch)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self.order, self.epoch = torch.randperm(len(self.train), generator=generator).to(self.fabric.device), epoch
        self.draws += 1
        index = self.order[place * self.batch_size : (place + 1) * self.batch_size]
        x, y = self.train[index[self.fabric.global_rank :: self.fabric.world_size]]
        return x, y if self.model.classes is not None else None

    def one_step(self) -> None:
        """Each player's turn."""
        values, names = [], []
        progress = self.step / self.steps
        factor = self.schedule(progress) * min(1.0, (self.step + 1) / self.warmup if self.warmup else 1.0)
        for player, loss, optimizer, parameters, rates in zip(
            self.players, self.losses, self.optimizers, self.parameters, self.rates, strict=True
        ):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            for _ in range(player.updates):
                x, y = self.batch()
                with self.fabric.autocast():
                    parts = loss(x, y)
                optimizer.optimizer.zero_grad(set_to_none=True)
                self.backward(parts["loss"], parameters)
                if self.clip is not None:
                    self.fabric.clip_gradients(self.model, optimizer, max_norm=self.clip, error_if_nonfinite=False)
                optimizer.step()
            values += [part.detach() for part in parts.values()]
            names += [(player.name, part) for part in parts]
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        self.names = names
        self.pending.append(torch.stack(values))
        self.step += 1

    def backward(self, loss: Tensor, parameters: list[Tensor]) -> None:
        """This player's gradients, averaged over the processes. The other players' parameters get none."""
        if self.one_player:
            self.fabric.backward(loss)
        else:
            self.fabric.backward(loss, inputs=parameters)
        if self.fabric.world_size > 1:
            gradients = [p.grad for p in parameters if p.grad is not None]
            flat = self.fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
            for gradient, averaged in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(averaged.view_as(gradient))

    def loop(self, every: dict[Callable, int], bar: bool) -> None:
        """All steps that are left. The one place where the device is waited for is ``refresh``."""
        from tqdm.auto import tqdm

        self.model.train()
        start = time.monotonic()
        shown = tqdm(total=self.steps, initial=self.step, disable=not bar, unit="step", mininterval=0, miniters=1)
        last, stop = start, threading.Event()
        try:
            with shown, _stop_button(stop):
                while self.step < self.steps and not self.all_agree(stop):
                    self.one_step()
                    due = [act for act, period in every.items() if period and self.step % period == 0]
                    if due or self.step == self.steps or self.time_to_look(last):
                        self.refresh(shown)
                        last = time.monotonic()
                    for act in due:
                        act()
                self.history.stopped = self.step < self.steps
        except KeyboardInterrupt:  # pressed twice: the step may be half done, so the older checkpoint stays
            self.history.stopped, self.path = True, None
        finally:
            self.history.seconds += time.monotonic() - start
            self.model.eval()
        if self.pending:
            self.refresh(None)

    def time_to_look(self, last: float) -> bool:
        """Four times a second; several processes, which must wait for one another, go by the number of steps."""
        return self.step % 50 == 0 if self.fabric.world_size > 1 else time.monotonic() - last > 0.25

    def all_agree(self, stop: threading.Event) -> bool:
        """Whether the stop button was pressed, in any of the processes; they ask each other now and then."""
        if self.fabric.world_size == 1:
            return stop.is_set()
        if self.step % 50:
            return False
        pressed = torch.tensor(float(stop.is_set()), device=self.fabric.device)
        return bool(self.fabric.all_reduce(pressed, reduce_op="sum") > 0)

    def refresh(self, shown) -> None:
        """Reads the losses of the last steps off the device, writes them down, and looks whether they are finite."""
        values = torch.stack(self.pending).float()  # (steps, parts)
        if self.fabric.world_size > 1:
            values = self.fabric.all_reduce(values, reduce_op="mean")
        values, first = values.cpu(), self.step - len(self.pending) + 1
        self.pending = []
        if not values.isfinite().all():
            row, column = (~values.isfinite()).nonzero()[0].tolist()
            self.write_down(values[:row])
            self.give_back()
            raise LossError(self.explain(first + row, *self.names[column], values[row, column].item()))
        self.write_down(values)
        if not self.remember():
            self.give_back()
            raise LossError(self.explain(self.step, "model", "weights", math.nan))
        if shown is not None:
            shown.update(self.step - shown.n)
            shown.set_postfix(
                {self.label(*n): f"{v:.4g}" for n, v in zip(self.names, values[-1].tolist(), strict=True)}
            )

    def write_down(self, values: Tensor) -> None:
        for name, column in zip(self.names, values.T, strict=True):
            before = self.history.train.get(self.label(*name), torch.empty(0))
            self.history.train[self.label(*name)] = torch.cat([before, column])

    def label(self, player: str, part: str) -> str:
        return part if self.one_player else f"{player}.{part}"

    def explain(self, step: int, player: str, part: str, value: float) -> str:
        return (
            f"at step {step} of {self.steps}, {player}'s {part} became {value}. The model has its last finite weights "
            f"back, of step {self.remembered_step}. Try a smaller lr (it is {self.lr:g}), a smaller clip, more warmup, "
            "or look for a log or a division by something that can be 0"
        )

    @torch.no_grad()
    def remember(self) -> bool:
        """Keeps a copy of the weights if they are finite; returns whether they are."""
        floats = [t for t in self.model.state_dict().values() if t.is_floating_point()]
        finite = torch.stack([t.isfinite().all() for t in floats])
        if self.infinite is None:
            self.infinite = ~finite  # some buffers hold -inf from the start, a mask for instance
        if not bool((finite | self.infinite).all()):
            return False
        self.remembered = {name: t.detach().clone() for name, t in self.model.state_dict().items()}
        self.remembered_step = self.step
        return True

    @torch.no_grad()
    def give_back(self) -> None:
        self.model.load_state_dict(self.remembered)

    @torch.no_grad()
    def evaluate(self) -> None:
        """The loss on the test data, in chunks; the model draws the same numbers every time."""
        self.model.eval()
        with _own_random_state(self.fabric.device):
            torch.manual_seed(self.seed)
            sums: dict[str, Tensor] = {}
            for start in range(0, len(self.test), 1000):
                index = torch.arange(start, min(start + 1000, len(self.test)), device=self.fabric.device)
                x, y = self.test[index]
                with self.fabric.autocast():
                    parts = self.players[0].loss(x, y if self.model.classes is not None else None)
                for name, part in parts.items():
                    sums[name] = sums.get(name, 0) + part.float() * len(index)
        for name, total in sums.items():
            self.history.test.setdefault(name, {})[self.step] = total.item() / len(self.test)
        self.model.train()

    @torch.no_grad()
    def call(self, callback: Callable) -> None:
        self.model.eval()
        with _own_random_state(self.fabric.device):  # what a callback draws does not change the run
            callback(self.step, self.model)
        self.model.train()

    def random_states(self) -> list[Tensor]:
        """The random states of all processes, (processes, bytes), on the CPU and, if it is used, on the GPU."""
        states = [torch.get_rng_state()]
        if self.fabric.device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self.fabric.device))
        if self.fabric.world_size == 1:
            return [state[None] for state in states]
        gathered = []
        for state in states:
            parts = [torch.empty_like(state, device=self.fabric.device) for _ in range(self.fabric.world_size)]
            torch.distributed.all_gather(parts, state.to(self.fabric.device))
            gathered.append(torch.stack(parts).cpu())
        return gathered

    def state(self, random: list[Tensor]) -> dict:
        return {
            "settings": self.settings,
            "step": self.step,
            "draws": self.draws,
            "model": dict(self.model.state_dict()),
            "optimizers": [o.optimizer.state_dict() for o in self.optimizers],
            "averaged": None if self.averaged is None else dict(self.averaged.state_dict()),
            "scaler": self.scaler_state(),
            "random": random,
            "train": self.history.train,
            "test": self.history.test,
            "seconds": self.history.seconds,
        }

    def scaler_state(self) -> dict:
        return dict(self.fabric.strategy.precision.state_dict())  # the loss scale of fp16; empty otherwise

    def save(self) -> None:
        """Writes the checkpoint, from one process."""
        if self.pending:
            self.refresh(None)
        random = self.random_states()
        if self.fabric.global_rank == 0:
            checkpoints.save(self.path, self.state(random))
        if self.fabric.world_size > 1:
            self.fabric.barrier()

    def resume(self, path: Path, settings: dict) -> None:
        """Goes on from the checkpoint, if there is one. Raises: CheckpointError where it belongs to another run."""
        self.path, self.settings = path, settings
        if not path.exists():
            return
        state = checkpoints.load(path)
        other = {k: v for k, v in state["settings"].items() if settings.get(k) != v}
        if other:
            differs = ", ".join(f"{k} was {v}, is {settings.get(k)}" for k, v in other.items())
            raise checkpoints.CheckpointError(
                f"{path} belongs to another run ({differs}); delete it to start anew, or name another file"
            )
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise checkpoints.CheckpointError(f"{path} belongs to another model: {error}") from error
        for mine, saved in zip(self.optimizers, state["optimizers"], strict=True):
            mine.optimizer.load_state_dict(saved)
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        if state["scaler"]:
            self.fabric.strategy.precision.load_state_dict(state["scaler"])
        self.step, self.draws = state["step"], state["draws"]
        self.history.train, self.history.test = state["train"], state["test"]
        self.history.seconds = state["seconds"]
        mine = [states[self.fabric.global_rank].clone() for states in state["random"]]  # torch can't take a view
        torch.set_rng_state(mine[0])
        if len(mine) > 1:
            torch.cuda.set_rng_state(mine[1], self.fabric.device)
        self.remember()


@contextlib.contextmanager
def _stop_button(stop: threading.Event):
    """The first press lets the running step end, so that nothing is half done; a second one does not wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_interrupt(_signal, _frame):
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
