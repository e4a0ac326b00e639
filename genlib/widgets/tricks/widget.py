"""Stored runs of a model with all its tricks, and with one of them taken away."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

KNOWN = ("steps", "block", "shown", "size", "tricks", "runs", "sprite")


class Tricks(Drawing):
    """See ``tricks``. ``off`` is the number of the trick that is switched off, 0 for none; ``frame``, which of the
    stored steps is shown; ``distances``, the Fréchet distances there of all seeds."""

    _esm = module("tricks")
    alt = (
        "Samples after the last step, a row a variant: all five tricks, then each taken away in turn, with its Fréchet "
        "distance over the seeds."
    )

    @property
    def off(self) -> int:
        return self.now("off")

    @property
    def frame(self) -> int:
        return self.now("frame")

    @property
    def distances(self) -> list[float]:
        return [run["frechet"][self.frame] for run in self.state["runs"][self.off]]

    def pictures(self, variant: int, seed: int, frame: int) -> Tensor:
        """What is stored of one run at one frame, (n, 1, H, W) integers 0..15."""
        from PIL import Image

        sheet = Image.open(io.BytesIO(base64.b64decode(self.state["sprite"]))).convert("L")
        flat = torch.frombuffer(bytearray(sheet.tobytes()), dtype=torch.uint8).view(sheet.height, sheet.width)
        (H, W), shown = self.state["size"], self.state["shown"]
        row = variant * len(self.state["runs"][0]) + seed
        strip = flat[row * H : (row + 1) * H, frame * shown * W : (frame + 1) * shown * W]
        return (15 - strip.long() // 17).view(H, shown, W).permute(1, 0, 2)[:, None]

    def still(self) -> bytes:
        from genlib import plots

        runs, last, rows = self.state["runs"], len(self.state["steps"]) - 1, []
        for name, found in zip(["all five", *(t["name"] for t in self.state["tricks"])], runs, strict=True):
            mean = sum(run["frechet"][last] for run in found) / len(found)
            rows.append(f"{name if name == 'all five' else f'without {name}'}: {mean:.0f}")
        made = torch.cat([self.pictures(variant, 0, last) for variant in range(len(runs))])
        return plots.png(plots.images(made, levels=16, columns=self.state["shown"], rows=rows, size=0.5))


def tricks(runs: Mapping[str, Any]) -> Tricks:
    """Which of DCGAN's tricks could this network do without? Switch one off, and play the runs that were stored.

    Argument: runs, ``pretrained.runs("dcgan_tricks")``: {"steps" (frames,) at which samples were kept, the last of the
    averaged weights; "shown", samples a frame, of "size" (H, W); "block", steps of which a loss is the mean; "tricks",
    [{"name", "instead"}]; "runs", [all of them, then without each][seeds] {"frechet" (frames,), "discriminator",
    "generator" (n,)}; "sprite", a PNG of all samples in base64, a row a run}.
    Returns: a widget; its ``off``, ``frame`` and ``distances`` are as it stands. Raises: ValueError where something
    is missing.
    """
    if missing := [name for name in KNOWN if name not in runs]:
        raise ValueError(f"these are no stored runs: {', '.join(missing)} missing")
    if len(runs["runs"]) != 1 + len(runs["tricks"]):
        raise ValueError(f"{len(runs['runs'])} variants for {len(runs['tricks'])} tricks: there must be one more")
    return Tricks(state={name: runs[name] for name in KNOWN} | {"off": 0, "frame": len(runs["steps"]) - 1})
