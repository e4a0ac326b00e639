"""Going on where a run ended: what a checkpoint keeps of it, and which run it belongs to."""

import errno
import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genlib.files import placed
from genlib.training import checkpoints, fingerprint
from genlib.training.checkpoints import CheckpointError

if TYPE_CHECKING:
    from genlib.training.fit import Run


class Checkpoint:
    """The file of a run, which it can be saved to and go on from. settings, {name: value}, tell it from other runs."""

    def __init__(self, path: Path | str, run: "Run", settings: dict[str, Any]):
        self.path, self.run = Path(path), run
        self.settings = {name: fingerprint.of_value(value) for name, value in settings.items()} | {
            "precision": run.fabric.strategy.precision.precision,
            "processes": run.processes.count,
            "optimizer": ", ".join(fingerprint.of_optimizer(turn.optimizer.optimizer) for turn in run.turns),
            "data": fingerprint.of_data(run.batches.examples),
            "model": fingerprint.of_model(run.model),
        }
        self.settings |= {f"player {t.player.name}": fingerprint.of_player(t.player, run.model) for t in run.turns}
        self.settings = run.processes.told_by_the_first(self.settings)  # a function may know which process it is in

    def save(self) -> None:
        """Writes it, from one process. Where that can't be done, a warning says so, and the run goes on."""
        random = random_states(self.run)  # of all processes
        if self.run.processes.rank == 0:
            try:
                checkpoints.save(self.path, {"settings": self.settings, **state_of(self.run), "random": random})
            except OSError as error:
                warnings.warn(
                    f"at step {self.run.step} of {self.run.steps}, the checkpoint {self.path} could not be written "
                    f"({error.strerror or error}); training goes on, and it is tried again",
                    stacklevel=2,
                )
        self.run.processes.wait()

    def resume(self) -> None:
        """Goes on from the file, if there is one. Raises: CheckpointError where it can't, or belongs to another run;
        the model is then as it was."""
        if self.path.exists():
            state = checkpoints.load(self.path)
            self._refuse_another_run(state.get("settings"))
            try:
                put_back(self.run, state)
            except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
                self.run.guard.restore()
                raise CheckpointError(
                    f"{self.path} is no checkpoint of this run ({str(error)[:300]}); delete it to start anew"
                ) from error
        if self.run.step < self.run.steps:
            self._refuse_a_place_that_takes_nothing()

    def _refuse_another_run(self, before: Any) -> None:
        if not isinstance(before, dict):
            raise CheckpointError(f"{self.path} does not say which run it belongs to; delete it to start anew")
        names = [name for name in before | self.settings if before.get(name) != self.settings.get(name)]
        if names:
            differs = "; ".join(f"{name} was {before.get(name)}, is {self.settings.get(name)}" for name in names)
            raise CheckpointError(
                f"{self.path} belongs to another run ({differs}); delete it to start anew, or name another file"
            )

    def _refuse_a_place_that_takes_nothing(self) -> None:
        """Before hours are spent: a folder, a device, or a place where nothing can be written."""
        try:
            folder = placed(self.path).parent
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        except OSError as error:
            raise CheckpointError(f"{self.path} can't be written ({error.strerror}); name another file") from error


def state_of(run: "Run") -> dict[str, Any]:
    """All that the next step depends on, but the random state; and the history."""
    return {
        "step": run.step,
        "drawn": run.batches.drawn,
        "model": dict(run.model.state_dict()),
        "optimizers": [turn.optimizer.optimizer.state_dict() for turn in run.turns],
        "averaged": None if run.averaged is None else dict(run.averaged.state_dict()),
        "scaler": dict(run.fabric.strategy.precision.state_dict()),  # the loss scale of fp16; empty otherwise
        "train": run.history.train,
        "test": run.history.test,
        "test_averaged": run.history.test_averaged,
        "seconds": run.history.seconds,
    }


def put_back(run: "Run", state: dict[str, Any]) -> None:
    """The state into the run. Raises: ValueError and what torch raises, where it is not a state of this run."""
    check(run, state)
    run.model.load_state_dict(state["model"])
    for turn, saved in zip(run.turns, state["optimizers"], strict=True):
        own = turn.optimizer.optimizer
        how = [{n: group[n] for n in fingerprint.HOW if n in group} for group in own.param_groups]  # stays this run's
        groups = [group | mine for group, mine in zip(saved["param_groups"], how, strict=True)]
        own.load_state_dict(saved | {"param_groups": groups})
    if run.averaged is not None:
        run.averaged.load_state_dict(state["averaged"])
    if state["scaler"]:
        run.fabric.strategy.precision.load_state_dict(state["scaler"])
    mine = [states[run.processes.rank].clone() for states in state["random"]]  # torch can't take a view
    torch.set_rng_state(mine[0])
    if len(mine) > 1:
        torch.cuda.set_rng_state(mine[1], run.fabric.device)
    run.step, run.batches.drawn = state["step"], state["drawn"]
    for name in ("train", "test", "test_averaged", "seconds"):
        setattr(run.history, name, state[name])
    run.guard.keep(run.step)


def check(run: "Run", state: dict[str, Any]) -> None:
    """Raises ValueError for a state that this run was never in: beyond its end, with NaN in it, of other parts."""
    missing = ({*state_of(run)} | {"random"}) - {*state}
    step = state.get("step")
    if missing or type(step) is not int or not 0 <= step <= run.steps:
        raise ValueError(f"it lacks {', '.join(sorted(missing))}" if missing else f"step {step} of {run.steps}")
    if state["drawn"] != step * sum(turn.player.updates for turn in run.turns):
        raise ValueError(f"after {step} steps {state['drawn']} batches were drawn")
    if not 0 <= state["seconds"] < math.inf:
        raise ValueError(f"its steps took {state['seconds']} seconds")
    if any(values.shape != (step,) or not values.isfinite().all() for values in state["train"].values()):
        raise ValueError(f"its history is not one of {step} finite steps")
    if not all(0 < at <= step for tests in (state["test"], state["test_averaged"]) for t in tests.values() for at in t):
        raise ValueError("it was tested at steps that there were not")
    check_tensors(state["model"], run.model.state_dict())
    if run.averaged is not None:
        check_tensors(state["averaged"], run.averaged.state_dict())
    moments = [v for saved in state["optimizers"] for values in saved["state"].values() for v in values.values()]
    if any(isinstance(v, Tensor) and v.isnan().any() for v in moments):
        raise ValueError("an optimizer's state holds NaN")


def check_tensors(saved: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raises ValueError for another kind of number, or values that are not finite where the model's own are."""
    for name, tensor in saved.items():
        mine = own.get(name)
        if mine is not None and tensor.dtype != mine.dtype:
            raise ValueError(f"{name} is {tensor.dtype}, not {mine.dtype}")
        if not tensor.isfinite().all() and (mine is None or mine.isfinite().all()):
            raise ValueError(f"{name} holds values that are not finite")


def random_states(run: "Run") -> list[Tensor]:
    """The random states of all processes, (processes, bytes), on the CPU and, if it is used, on the GPU."""
    states = [torch.get_rng_state()]
    if run.fabric.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(run.fabric.device))
    return [run.processes.gather(state) for state in states]
