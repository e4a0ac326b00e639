"""Activations that are stored, or rebuilt by inverting: what a chain holds at each step, and what was measured."""

from collections.abc import Mapping, Sequence

from genlib.widgets.drawing import Drawing, module

KINDS = ("stored", "rebuilt")


class MemoryMeter(Drawing):
    """See ``memory_meter``. ``depth`` is as it stands, ``numbers`` what was measured there."""

    _esm = module("memory_meter")
    alt = "What is held for the way back, against depth: stored activations climb in a line, rebuilt ones stay flat."

    @property
    def depth(self) -> int:
        return int(self.state["depths"][self.now("index")])

    @property
    def numbers(self) -> dict[str, float]:
        """{"stored", "rebuilt"} in MB and, where they were measured, "stored seconds" and "rebuilt seconds"."""
        k = self.now("index")
        found = {kind: self.state["memory"][kind][k] for kind in KINDS}
        return found | {f"{kind} seconds": self.state["seconds"][kind][k] for kind in self.state["seconds"]}

    def still(self) -> bytes:
        import torch

        from genlib import plots

        depths = torch.tensor(self.state["depths"])
        lines = {kind: (depths, torch.tensor(self.state["memory"][kind])) for kind in KINDS}
        return plots.png(
            plots.lines(lines, xlabel="layers", ylabel="held for the way back (MB)", log="xy", markers=True)
        )


def memory_meter(
    depths: Sequence[int],
    stored: Sequence[float],
    rebuilt: Sequence[float],
    *,
    seconds: Mapping[str, Sequence[float]] | None = None,
    start: int = -1,
) -> MemoryMeter:
    """How much must be kept until backpropagation? Choose a depth that was measured, and step forward and back.

    Arguments: depths, ascending; stored and rebuilt, the most that is held at each of them in MB, 10⁶ bytes; seconds,
    {"stored": …, "rebuilt": …}, the time of a step at each depth, if it was measured; start, which of the depths comes
    first. Raises: ValueError for lists of different lengths, fewer than two depths, or depths that do not ascend.
    """
    lists = {"stored": stored, "rebuilt": rebuilt} | {f"seconds of {k}": v for k, v in (seconds or {}).items()}
    for name, values in lists.items():
        if len(values) != len(depths) or min(values) <= 0:
            raise ValueError(f"{name} has {len(values)} numbers, {len(depths)} depths need as many, all above 0")
    if len(depths) < 2 or list(depths) != sorted(set(depths)) or depths[0] < 1:
        raise ValueError(f"depths={list(depths)} must be at least two, from 1 on, and ascend")
    if seconds is not None and set(seconds) != set(KINDS):
        raise ValueError(f"seconds are given for {sorted(seconds)}: they must be for stored and rebuilt")
    if not -len(depths) <= start < len(depths):
        raise ValueError(f"start={start}: there are {len(depths)} depths")
    state = {
        "depths": [int(d) for d in depths],
        "memory": {"stored": [float(v) for v in stored], "rebuilt": [float(v) for v in rebuilt]},
        "seconds": {kind: [float(v) for v in (seconds or {})[kind]] for kind in KINDS if seconds},
        "index": start % len(depths),
        "step": int(depths[start]),
    }
    return MemoryMeter(state=state)
