"""What fit costs beside a loop by hand, our batches beside torch's DataLoader, and `import genlib` beside torch."""

import subprocess
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from genlib.data import Dataset
from genlib.model import GenerativeModel
from genlib.training import fit
from tests.benchmarks.measure import PAIRS, compare, pairs


class Net(GenerativeModel):
    """A step of about half a millisecond."""

    def __init__(self, width=64):
        super().__init__()
        self.shape, self.net = (64,), nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 64))

    def loss(self, x, y=None):
        return {"loss": (self.net(x) - x).pow(2).mean()}


def by_hand(x, steps, batch_size=128):
    """The same training, written out: the same batches, clipping and history."""
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    generator, per_epoch, losses = torch.Generator().manual_seed(0), len(x) // batch_size, []
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(x), generator=generator)
        place = step % per_epoch
        loss = model.loss(x[order[place * batch_size : (place + 1) * batch_size]])["loss"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
    torch.stack(losses)


def by_fit(x, steps):
    fit(Net(), x, steps=steps, schedule="constant", warmup=0, bar=False, device="cpu")


def epoch_resident(dataset, batch_size=128):
    """All batches of a pass, as fit draws them: an index into data that lie on the device."""
    order = torch.randperm(len(dataset))
    for place in range(len(dataset) // batch_size):
        dataset[order[place * batch_size : (place + 1) * batch_size]]


def epoch_loader(x, y, batch_size=128):
    for _ in DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True, drop_last=True, num_workers=0):
        pass


def importing(statement):
    """Milliseconds of CPU time that an import takes in a process of its own."""
    code = f"import time; start = time.process_time(); {statement}; print(1e3 * (time.process_time() - start))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def rows(quick=False):
    steps, examples = (20, 500) if quick else (1000, 60_000)
    x = torch.randn(6000, 64)
    yield compare(
        f"fit, {steps} small steps of 0.4 ms, with its set-up",
        lambda: by_fit(x, steps),
        lambda: by_hand(x, steps),
        "a plain loop",
        quick=quick,
        asked=0.95,
        main=True,
    )
    images, labels = torch.randint(256, (examples, 1, 28, 28), dtype=torch.uint8), torch.randint(10, (examples,))
    dataset = Dataset(name="images", x=images, y=labels, levels=256)
    yield compare(
        f"an epoch of {examples:,} images in batches of 128, without a model",
        lambda: epoch_resident(dataset),
        lambda: epoch_loader(images, labels),
        "DataLoader",
        quick=quick,
        asked=4,
        main=True,
    )
    lecture = "import genlib.training, genlib.autoregressive, genlib.flow, genlib.vae"
    for ours in ("import genlib",) if quick else ("import genlib", lecture):
        yield pairs(
            f"`{ours}`",
            lambda ours=ours: importing(ours),
            lambda: importing("import torch"),
            "`import torch`",
            repeats=1 if quick else PAIRS,
            asked=0.91,
            main=ours == lecture,  # the other loads no torch, so its ratio says little
        )
