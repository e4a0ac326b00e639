"""What fit costs beside a loop by hand, and its batches beside torch's DataLoader: pairs in one run, ratios."""

import statistics
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from genlib.data import Dataset
from genlib.model import GenerativeModel
from genlib.training import fit

torch.set_num_threads(1)


class Net(GenerativeModel):
    """A step of about half a millisecond."""

    def __init__(self, width=64):
        super().__init__()
        self.shape, self.net = (64,), nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 64))

    def loss(self, x, y=None):
        return {"loss": (self.net(x) - x).pow(2).mean()}


def by_hand(x, steps, batch_size=128):
    """Seconds of the same training, written out: the same batches, clipping and history."""
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    generator, per_epoch, losses = torch.Generator().manual_seed(0), len(x) // batch_size, []
    start = time.perf_counter()
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
    return time.perf_counter() - start


def by_fit(x, steps):
    return fit(Net(), x, steps=steps, schedule="constant", warmup=0, bar=False).seconds


def epoch_resident(dataset, batch_size=128):
    """Seconds for all batches of a pass, as fit draws them: an index into data that lie on the device."""
    start = time.perf_counter()
    order = torch.randperm(len(dataset))
    for place in range(len(dataset) // batch_size):
        dataset[order[place * batch_size : (place + 1) * batch_size]]
    return time.perf_counter() - start


def epoch_loader(x, y, batch_size=128):
    start = time.perf_counter()
    for _ in DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True, drop_last=True, num_workers=0):
        pass
    return time.perf_counter() - start


def compare(name, ours, theirs, repeats, bar):
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(repeats)]
    ratios = [a / b for a, b in pairs]
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    milliseconds = [1e3 * statistics.median(side) for side in zip(*pairs, strict=True)]
    times = f"{milliseconds[0]:.0f} ms against {milliseconds[1]:.0f} ms"
    print(f"{name}: {times}, ratio {middle:.3f} ({low:.3f} to {high:.3f}); asked: {bar}")


if __name__ == "__main__":
    x = torch.randn(6000, 64)
    compare("fit / a loop by hand, 1000 steps", lambda: by_fit(x, 1000), lambda: by_hand(x, 1000), 15, "at most 1.05")
    images, labels = torch.randint(256, (60_000, 1, 28, 28), dtype=torch.uint8), torch.randint(10, (60_000,))
    compare(
        "an epoch of 60,000 images, on the device / DataLoader",
        lambda: epoch_resident(Dataset(name="images", x=images, y=labels, levels=256)),
        lambda: epoch_loader(images, labels),
        7,
        "at most 0.25",
    )
