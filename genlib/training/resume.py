"""Going on where a run ended: what a checkpoint keeps of it, and which run it belongs to."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genlib.training import checkpoints
from genlib.training.checkpoints import CheckpointError

if TYPE_CHECKING:
    from genlib.training.fit import Run


class Checkpoint:
    """The file of a run, which it can be saved to and go on from. settings, {name: value}, tell it from other runs."""

    def __init__(self, path: Path | str, run: "Run", settings: dict[str, Any]):
        self.path, self.run = Path(path), run
        plain = {name: "own" if callable(value) else value for name, value in settings.items()}  # no function is kept
        self.settings = plain | {
            "precision": run.fabric.strategy.precision.precision,
            "processes": run.processes.count,
            "optimizer": ", ".join(sorted({type(turn.optimizer.optimizer).__name__ for turn in run.turns})),
            "data": run.batches.examples.fingerprint(),
        }

    def save(self) -> None:
        """Writes it, from one process."""
        random = random_states(self.run)  # of all processes
        if self.run.processes.rank == 0:
            checkpoints.save(self.path, {"settings": self.settings, **state_of(self.run), "random": random})
        self.run.processes.wait()

    def resume(self) -> None:
        """Goes on from the file, if there is one. Raises: CheckpointError where it belongs to another run."""
        if not self.path.exists():
            return
        state = checkpoints.load(self.path)
        before = state["settings"]
        names = [name for name in before | self.settings if before.get(name) != self.settings.get(name)]
        if names:
            differs = ", ".join(f"{name} was {before.get(name)}, is {self.settings.get(name)}" for name in names)
            raise CheckpointError(
                f"{self.path} belongs to another run ({differs}); delete it to start anew, or name another file"
            )
        try:
            self.run.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise CheckpointError(f"{self.path} belongs to another model: {error}") from error
        put_back(self.run, state)


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
    """The state into the run, whose model has its weights already."""
    run.step, run.batches.drawn = state["step"], state["drawn"]
    for turn, saved in zip(run.turns, state["optimizers"], strict=True):
        turn.optimizer.optimizer.load_state_dict(saved)
    if run.averaged is not None:
        run.averaged.load_state_dict(state["averaged"])
    if state["scaler"]:
        run.fabric.strategy.precision.load_state_dict(state["scaler"])
    for name in ("train", "test", "test_averaged", "seconds"):
        setattr(run.history, name, state[name])
    mine = [states[run.processes.rank].clone() for states in state["random"]]  # torch can't take a view
    torch.set_rng_state(mine[0])
    if len(mine) > 1:
        torch.cuda.set_rng_state(mine[1], run.fabric.device)
    run.guard.keep(run.step)


def random_states(run: "Run") -> list[Tensor]:
    """The random states of all processes, (processes, bytes), on the CPU and, if it is used, on the GPU."""
    states = [torch.get_rng_state()]
    if run.fabric.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(run.fabric.device))
    return [run.processes.gather(state) for state in states]
