"""The training step of each model, alone: its floor, its memory, and how it grows with depth.

The floor is the time that the step's matrix products and convolutions need, and nothing else of it. They are noted
while a step runs, and then called again one after another, with the tensors that they had: the machine's rate on the
same shapes. What is above it pays for everything between them, and for the optimizer.
"""

import dataclasses
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from genlib.autoregressive import GatedPixelCNN, PixelCNN, PixelRNN, Transformer
from genlib.flow import Glow, RealNVP
from genlib.vae import VAE
from tests.benchmarks import flow, vae
from tests.benchmarks.measure import Row, compare, pairs, step

aten = torch.ops.aten
ATTENTION = {  # on a CPU it has a name of its own, which torch does not count
    aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v),
    aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda *shapes, **_: sdpa_backward_flop_count(
        *shapes[:4]
    ),
}
COUNTED = {**flop_registry, **ATTENTION}


@dataclasses.dataclass
class Case:
    """make, a model of so many layers; depth, how many it has by default; x, a batch."""

    make: Callable
    depth: int
    x: Tensor

    def step(self, depth: int | None = None) -> Callable[[], None]:
        model = self.make(depth or self.depth)
        return step(model, lambda x: model.loss(x)["loss"], self.x)


def cases(quick: bool = False) -> dict[str, Case]:
    side, hidden, channels = (8, 16, 8) if quick else (28, 512, 32)
    shape = (1, side, side)

    def pixels(n):
        return (torch.rand(2 if quick else n, *shape) < 0.2).long()

    reals = torch.randn(2, 3, 8, 8) if quick else torch.randn(32, 3, 32, 32)
    return {
        "VAE": Case(lambda depth: VAE(shape, latent=32, hidden=hidden, layers=depth), 1, pixels(128)),
        "RealNVP": Case(lambda depth: RealNVP((side**2,), couplings=depth, hidden=hidden), 8, torch.randn(64, side**2)),
        "Glow": Case(lambda depth: Glow(reals.shape[1:], depth=depth, channels=4 * channels), 4, reals),
        "PixelCNN": Case(lambda depth: PixelCNN(shape, channels=channels, layers=depth), 7, pixels(32)),
        "GatedPixelCNN": Case(lambda depth: GatedPixelCNN(shape, channels=channels, layers=depth), 7, pixels(32)),
        "PixelRNN": Case(lambda depth: PixelRNN(shape, channels=channels, layers=depth), 2, pixels(16)),
        "Transformer": Case(lambda depth: Transformer(shape, width=2 * channels, layers=depth), 4, pixels(8)),
    }


# --- the floor


class Products(TorchDispatchMode):
    """Notes the matrix products, convolutions and attentions that are called within it, with their arguments."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in COUNTED:
            self.calls.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))

    @torch.no_grad()
    def again(self):
        for function, args, kwargs in self.calls:
            function(*args, **kwargs)


def floors(quick: bool) -> Iterator[Row]:
    for name, case in cases(quick).items():
        yield floor(name, case, quick)


def floor(name: str, case: Case, quick: bool) -> Row:
    run = case.step()
    run()
    with FlopCounterMode(display=False, custom_mapping=ATTENTION) as counter:
        run()
    with Products() as products:
        run()
    operations = counter.get_total_flops()
    row = compare("", run, products.again, f"{len(products.calls)} products alone", quick=quick)
    row.what = f"{name}: training step, batch {len(case.x)}; {operations / 1e9:.2f} billion operations, "
    row.what += f"of which the machine does {operations / row.theirs / 1e6:.0f} billion a second"
    row.ratio, row.low, row.high = 1 / row.ratio, 1 / row.high, 1 / row.low  # here: ours as a multiple of the floor
    return row


# --- memory


def sides() -> dict[tuple[str, str], Callable[[], tuple[nn.Module, Callable, Tensor]]]:
    """(model, whose) -> a function that makes (model, its loss, a batch); "ours" first."""

    def our(case):
        model = case.make(case.depth)
        return model, lambda x: model.loss(x)["loss"], case.x

    every = {(name, "ours"): lambda case=case: our(case) for name, case in cases().items()}
    x = torch.randn(64, 784)
    for theirs in (flow.normflows, flow.nflows, flow.zuko):
        every["RealNVP", theirs.__name__] = lambda theirs=theirs: (*theirs(784, 512, 8)[:2], x)
    every["Glow", "normflows"] = lambda: (*flow.normflows_glow((3, 32, 32), 2, 4, 128)[:2], torch.randn(32, 3, 32, 32))
    every["VAE", "pythae"] = lambda: (*vae.pythae(), torch.rand(128, 1, 28, 28).round())
    return every


def peak(name: str, whose: str) -> float:
    """Megabytes of a step, measured in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.steps", name, whose]
    usual = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}  # see the Makefile
    return float(subprocess.run(command, env=usual, capture_output=True, text=True, check=True).stdout)


def memory_of(name: str, whose: str) -> float:
    """Megabytes by which the process's peak grows in three steps: activations, gradients, the optimizer's state."""
    torch.set_num_threads(1)
    small = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(36, 1))
    step(small, lambda x: small(x).sum(), torch.ones(1, 1, 8, 8))()  # loads the libraries that a step needs
    run = step(*sides()[name, whose]())
    before = highest()
    for _ in range(3):
        run()
    return highest() - before


def highest() -> float:
    """The most memory that this process has had, in megabytes. On Linux ru_maxrss also knows what the process had that
    started this one; the other number doesn't."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def memory(peers, quick: bool) -> Iterator[Row]:
    """Each of our steps, beside the peers' where there are any."""
    for name in ["VAE"] if quick else cases():
        what, ours = f"{name}: peak memory of a training step", partial(peak, name, "ours")
        others = [whose for model, whose in sides() if model == name and whose in peers]
        for whose in others:
            yield pairs(what, ours, partial(peak, name, whose), whose, repeats=3, unit="MB")
        if not others:
            yield Row(what, "", ours(), unit="MB")


if __name__ == "__main__":
    print(memory_of(*sys.argv[1:]))
