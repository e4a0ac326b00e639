"""The loop. Read ``Run.loop``, ``Run.one_step`` and ``Run.update``: that is all there is to training."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from genlib.arguments import at_least, fraction, needed, positive, whole
from genlib.model import Player, Trainable, looked_at
from genlib.quick import steps as shortened
from genlib.training import settings
from genlib.training.batches import Batches, Examples, Given
from genlib.training.evaluate import evaluate
from genlib.training.guard import Guard
from genlib.training.history import History, Losses
from genlib.training.processes import processes_of
from genlib.training.resume import Checkpoint
from genlib.training.stop import stop_button
from genlib.training.surroundings import own_random_state, own_surroundings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclasses.dataclass
class Turn:
    """A player's turn in each step: who, what it moves, by which loss, and the rates of its optimizer's groups."""

    player: Player
    parameters: list[nn.Parameter]
    loss: Callable[..., dict[str, Tensor]]
    optimizer: Any  # Fabric's, around torch's
    rates: list[float]


class Run:
    """A training under way: what its steps share. A checkpoint keeps what changes in it."""

    def __init__(self, model: Trainable, turns: list[Turn], batches: Batches, fabric: "Fabric", steps: int):
        self.model, self.turns, self.batches, self.fabric, self.steps = model, turns, batches, fabric, steps
        self.processes, self.step, self.half_done = batches.processes, 0, False
        self.history, self.losses = History(), Losses()
        self.guard = Guard(model, steps, {turn.player.name: turn.rates[0] for turn in turns})
        self.schedule, self.warmup = settings.schedule_of("constant"), 0
        self.clip_norm: float | None = None
        self.averaged: Any = None  # torch's AveragedModel

    def average(self, ema: float) -> None:
        """From here on a copy of the model has exponentially averaged weights; its buffers are copied."""
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

        self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(ema))
        self.history.averaged = self.averaged.module.eval()

    def loop(self, due: list[tuple[Callable[[], None], int]], bar: bool) -> None:
        """All steps that are left; due, what is done after every so many of them."""
        from tqdm.auto import tqdm

        start = time.monotonic()
        self.model.train()
        shown = tqdm(total=self.steps, initial=self.step, disable=not bar, unit="step", mininterval=0, miniters=1)
        try:
            with shown, stop_button() as stop:
                while self.step < self.steps and not self.processes.pressed(stop, self.step):
                    self.one_step()
                    now = [act for act, every in due if self.step % every == 0]
                    if now or self.step == self.steps or self.processes.time_to_look(self.step):
                        self.look(shown)
                    for act in now:
                        act()
        except KeyboardInterrupt:  # pressed twice
            self.half_done = True
        finally:
            self.history.seconds += time.monotonic() - start
            self.model.eval()
        self.look()
        self.history.stopped = self.half_done or self.step < self.steps

    def one_step(self) -> None:
        """Each player's turn; the averaged weights follow."""
        parts: dict[tuple[str, str], Tensor] = {}
        factor = self.rate(self.step)
        for turn in self.turns:
            for group, rate in zip(turn.optimizer.param_groups, turn.rates, strict=True):
                group["lr"] = rate * factor
            for _ in range(turn.player.updates):
                losses = self.update(turn)
            parts |= {(turn.player.name, part): loss.detach() for part, loss in losses.items()}
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        self.losses.add(parts)
        self.step += 1

    def update(self, turn: Turn) -> dict[str, Tensor]:
        """One batch, its loss, the gradients, and a step along them."""
        x, y = self.batches.draw()
        with self.fabric.autocast(), looked_at():
            losses = turn.loss(x, y)
        turn.optimizer.optimizer.zero_grad(set_to_none=True)
        others = len(self.turns) > 1  # their parameters get no gradient
        self.fabric.backward(losses["loss"], inputs=turn.parameters if others else None)
        self.processes.average_gradients(turn.parameters)
        if self.clip_norm is not None:
            self.fabric.clip_gradients(self.model, turn.optimizer, max_norm=self.clip_norm, error_if_nonfinite=False)
        turn.optimizer.step()
        if turn.player.after_step is not None:
            with torch.no_grad():
                turn.player.after_step()
        return losses

    def rate(self, step: int) -> float:
        """What all learning rates are multiplied by: they rise in a line, and then the schedule takes them down."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return warm * self.schedule(step / self.steps)

    def look(self, shown: Any = None) -> None:
        """Reads the losses since the last look, the one place that waits for the device. Raises: LossError."""
        if not self.losses.rows:
            return
        values = self.losses.read(self.processes)  # (steps, parts)
        self.guard.look(self.losses.names, values, self.step)
        for (player, part), column in zip(self.losses.names, values.T, strict=True):
            self.history.add(self.name(player, part), column)
        if shown is not None:
            shown.update(self.step - shown.n)
            shown.set_postfix({n: f"{v:.4g}" for n, v in zip(self.history.train, values[-1].tolist(), strict=True)})

    def name(self, player: str, part: str) -> str:
        """Of a part of a loss, in the history."""
        return part if len(self.turns) == 1 else f"{player}.{part}"

    def evaluate(self, test: Examples, seed: int) -> None:
        """Writes the losses on the test data down, with the weights as they are and with the averaged ones."""
        models = [(self.model.eval(), self.history.test)]
        if self.history.averaged is not None:
            models.append((self.history.averaged, self.history.test_averaged))
        for model, tests in models:
            for (player, part), value in evaluate(model, test, self.fabric, seed).items():
                tests.setdefault(self.name(player, part), {})[self.step] = value
        self.model.train()

    @torch.no_grad()
    def call(self, callback: Callable[[int, Any], None]) -> None:
        """In evaluation mode; what a callback draws does not change the run."""
        self.model.eval()
        with own_random_state(self.fabric.device):
            callback(self.step, self.model)
        self.model.train()


def fit(
    model: Trainable,
    train: Given,
    *,
    test: Given | None = None,
    steps: int = 1000,
    batch_size: int = 128,
    lr: float = settings.LR,
    seed: int = 0,
    schedule: str | Callable[[float], float] = "cosine",
    warmup: int = 50,
    clip_norm: float | None = 1.0,
    weight_decay: float = 0.0,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    ema: float | None = None,
    precision: str | None = None,
    compile: bool = False,
    device: str = "auto",
    fabric: "Fabric | None" = None,
    callback: Callable[[int, Any], None] | None = None,
    callback_every: int | None = None,
    test_every: int | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_every: int | None = None,
    bar: bool = True,
) -> History:
    """Trains a model in place and returns the history of the run.

    model: a Trainable; all its players learn.
    train: a tensor (N, *shape) or an array, a data set, or a pair (x, y); a torch TensorDataset or a Subset of these.
    Labels that a model has no use for are left out.
    test: the same, evaluated every ``test_every`` steps (a tenth of them): ``history.test``, ``history.test_averaged``.
    steps: how often each player has its turn.
    batch_size: examples of an update, over all processes; at most all that there are.
    lr: the learning rate of the players that have none of their own.
    seed: of the batches and of all that the model draws.
    schedule: "cosine", "constant" or a function of the progress 0..1, times lr.
    warmup: steps in which the rate rises to lr, in a line; in a shorter run it does not get there.
    clip_norm: the largest norm of a player's gradient, None for any.
    weight_decay: of AdamW with β = (0.9, 0.99), the optimizer of the players that have none of their own.
    optimizer: another one for them, a function (parameters, lr) -> Optimizer.
    ema: such as 0.999, how much the averaged weights keep of themselves in a step: ``history.averaged``.
    precision: None, the model as it is; "bf16-mixed", "16-mixed"; "32-true", "64-true", "bf16-true" convert it.
    compile: torch.compile for the losses.
    device: "auto", "cpu", "cuda" or "mps".
    fabric: Lightning's Fabric, launched already, with a device and a precision.
    callback: called with (step, model) every ``callback_every`` steps (a twentieth), in evaluation mode, no gradients.
    checkpoint: a file to go on from, written every ``checkpoint_every`` steps (a tenth) and at the end.
    bar: whether to show progress.
    Whatever was set for all of torch before (gradients off, another default dtype, a seed): it counts for nothing in
    here, and is so again afterwards. Raises: LossError; ValueError for data that do not fit, and for what can't be
    honoured; CheckpointError for a checkpoint of another run.
    """
    needed(steps=steps, batch_size=batch_size, lr=lr, seed=seed, warmup=warmup, weight_decay=weight_decay)
    whole(steps=steps, batch_size=batch_size)
    whole(-(2**63), seed=seed)
    whole(0, warmup=warmup)
    at_least(0, weight_decay=weight_decay)
    positive(lr=lr, clip_norm=clip_norm)
    fraction(ema=ema)
    # NumPy's numbers become Python's, which a checkpoint can hold.
    steps, batch_size, seed, warmup = shortened(int(steps)), int(batch_size), int(seed), int(warmup)
    lr, weight_decay = float(lr), float(weight_decay)
    clip_norm, ema = (None if number is None else float(number) for number in (clip_norm, ema))
    test_every = settings.period("test", test, test_every, steps // 10)
    callback_every = settings.period("callback", callback, callback_every, steps // 20)
    checkpoint_every = settings.period("checkpoint", checkpoint, checkpoint_every, steps // 10)
    rates = settings.schedule_of(schedule)
    settings.check_model(model)
    settings.check_players(model, lr, optimizer, weight_decay)
    own = settings.dtype_of(fabric, precision)
    fabric = settings.fabric_of(fabric, device, precision)
    make = settings.optimizer_of(optimizer, weight_decay, fabric)
    with own_surroundings(fabric.device, model, own):
        examples = Examples("train", train, model, fabric.device, own)
        held_out = None if test is None else Examples("test", test, model, fabric.device, own)
        batches = Batches(examples, batch_size, seed, processes_of(fabric))
        torch.manual_seed(seed)
        prepare(model, batches, fabric, own)
        run = Run(model, turns_of(model, fabric, lr, make, compile), batches, fabric, steps)
        run.schedule, run.warmup, run.clip_norm = rates, warmup, clip_norm
        if ema is not None:
            run.average(ema)
        file: Checkpoint | None = None
        due: list[tuple[Callable[[], None], int]] = []
        if held_out is not None:
            due.append((partial(run.evaluate, held_out, seed), test_every))
        if checkpoint is not None:
            same: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "lr": lr, "seed": seed, "ema": ema}
            same |= {"schedule": schedule, "warmup": warmup, "clip_norm": clip_norm, "weight_decay": weight_decay}
            file = Checkpoint(checkpoint, run, same)
            file.resume()
            due.append((file.save, checkpoint_every))
        if callback is not None:
            due.append((partial(run.call, callback), callback_every))
        if run.step == 0:
            torch.manual_seed(seed + 1 + run.processes.rank)  # each process draws noise of its own
        run.loop(due, bar and run.processes.rank == 0)
        if file is not None and not run.half_done:
            file.save()
    return run.history


@torch.no_grad()
def prepare(model: Trainable, batches: Batches, fabric: "Fabric", dtype: torch.dtype | None) -> None:
    """The model on its device, in its precision, with its start that depends on data; the same in all processes."""
    model.to(device=fabric.device, dtype=dtype)
    model.initialise(*batches.first())
    batches.processes.start_alike(model)


def turns_of(model: Trainable, fabric: "Fabric", lr: float, make: Callable, compile: bool) -> list[Turn]:
    """A turn for each player, in their order; make, (parameters, lr) -> Optimizer, for those that have none."""
    turns = []
    for player in model.players():
        parameters = [p for p in player.parameters if p.requires_grad]
        optimizer = (player.optimizer or make)(parameters, lr if player.lr is None else float(player.lr))
        settings.check_optimizer(player.name, optimizer)
        loss = torch.compile(player.loss) if compile else player.loss
        rates = [group["lr"] for group in optimizer.param_groups]
        turns.append(Turn(player, parameters, loss, fabric.setup_optimizers(optimizer), rates))
    return turns
