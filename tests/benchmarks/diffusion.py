"""Lecture 10's models beside each other: python -m tests.benchmarks.diffusion [--quick] [--only WORD]

The plane, where the truth is known: the error of a learned score, samples over evaluations, the likelihood by the ODE.
Digits: the stored models over evaluations and guidance; bits by the bound and by the ODE; three networks at an equal
number of steps. Prints the tables of docs/diffusion.md as Markdown. One thread, one seed unless it says otherwise.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from genlib import data, metrics, pretrained
from genlib.diffusion import (
    DDPM,
    Cosine,
    MixtureDenoiser,
    ancestral,
    ddim,
    heun,
    ode_log_prob,
    probability_flow,
    steps_down,
)
from genlib.diffusion.samplers import AnyDenoiser
from genlib.nets import DiT
from genlib.training import fit

CELLS = 40  # a side, of the histogram over −3..3


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


class Unconditional:
    """A DDPM as samplers take it."""

    def __init__(self, model: DDPM):
        self.denoiser, self.schedule = model.denoiser, model.schedule

    @torch.no_grad()
    def __call__(self, x_t: Tensor, t: Tensor):
        return self.denoiser(x_t, t)


def plane(quick: bool) -> Iterator[str]:
    """Eight Gaussians of radius 2 and deviation 0.2."""
    angle = torch.arange(8) * math.pi / 4
    exact = MixtureDenoiser(2 * torch.stack([angle.cos(), angle.sin()], 1), 0.2, schedule=Cosine())
    torch.manual_seed(0)
    model = DDPM((2,), schedule=Cosine(), hidden=128, layers=3)
    start = time.process_time()
    how = {"batch_size": 512, "lr": 2e-3, "ema": 0.999, "bar": False}
    learned = fit(model, data.toy("eight_gaussians"), steps=20 if quick else 4000, **how).averaged.eval()
    yield f"\n## The plane: eight Gaussians ({time.process_time() - start:.0f} seconds of training)\n"
    yield row(["σ", "error of the score, relative"])
    yield row(["---"] * 2)
    for at in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95):
        t = torch.full((20_000,), at)
        a = angle[torch.randint(8, (20_000,))]
        x = 2 * torch.stack([a.cos(), a.sin()], 1) + 0.2 * torch.randn(20_000, 2)
        alpha, sigma = Cosine().alpha(t[:1]), Cosine().sigma(t[:1])
        x_t = alpha * x + sigma * torch.randn_like(x)
        with torch.no_grad():
            truth, guess = exact(x_t, t).score, learned.denoiser(x_t, t).score
        off = (guess - truth).square().sum(1).mean().sqrt() / truth.square().sum(1).mean().sqrt()
        yield row([f"{sigma.item():.2f}", f"{off:.3f}"])
    n = 500 if quick else 20_000
    yield f"\nKL of a histogram of {n:,} samples, {CELLS}×{CELLS} cells, to the truth, nats:\n"
    samplers: dict[str, Callable[[AnyDenoiser, Tensor, int], Tensor]] = {
        "ancestral": lambda d, x, k: ancestral(d, x, steps_down(k)),
        "DDIM": lambda d, x, k: ddim(d, x, steps_down(k)),
        "Heun": lambda d, x, k: heun(probability_flow(d), x, steps_down(k // 2)),
    }
    counts = (2, 4) if quick else (2, 4, 8, 16, 50, 200)
    yield row(["evaluations", *map(str, counts)])
    yield row(["---"] * (len(counts) + 1))
    z = torch.randn(n, 2)
    for of, denoiser in (("exact", exact), ("learned", Unconditional(learned))):
        for name, sample in samplers.items():
            yield row([f"{name}, {of} score", *(f"{_kl(sample(denoiser, z, k), exact):.3f}" for k in counts)])
    a = angle[torch.randint(8, (n,))]
    true = 2 * torch.stack([a.cos(), a.sin()], 1) + 0.2 * torch.randn(n, 2)
    yield row(["true samples", *[f"{_kl(true, exact):.3f}"] * len(counts)])
    x = true[: 50 if quick else 1000]
    told = exact.log_prob(x, torch.zeros(len(x)))
    steps = (2, 4) if quick else (20, 40)
    yield "\nMean −log p of true points, nats, by the ODE:\n"
    yield row(["", *(f"{k} steps" for k in steps), "closed form"])
    yield row(["---"] * 4)

    def end(x_1: Tensor) -> Tensor:
        return -(x_1.square() / 2 + math.log(2 * math.pi) / 2).sum(1)

    for of, denoiser in (("exact score", exact), ("learned score", learned.denoiser)):
        found = [-ode_log_prob(probability_flow(denoiser), x, end, steps=k).mean().item() for k in steps]
        yield row([of, *(f"{v:.4f}" for v in found), f"{-told.mean().item():.4f}"])


def _kl(samples: Tensor, exact: MixtureDenoiser) -> float:
    """KL of the samples' histogram to the exact masses of its cells; what lies beyond the edge counts to it."""
    width = 6 / CELLS
    middle = -3 + width * (torch.arange(4 * CELLS) + 0.5) / 4
    places = torch.cartesian_prod(middle, middle)
    p = exact.log_prob(places, torch.zeros(len(places))).exp().view(CELLS, 4, CELLS, 4).sum((1, 3)) * (width / 4) ** 2
    inside = ((samples + 3) / width).long().clamp(0, CELLS - 1)
    q = torch.bincount(inside[:, 0] * CELLS + inside[:, 1], minlength=CELLS**2).view(CELLS, CELLS) / len(samples)
    return (q * (q.clamp(min=1e-12) / p.clamp(min=1e-9)).log()).sum().item()


class Judge:
    """What the course's classifier of digits says of samples that were asked for 0, 1, …, 9, 0, …"""

    def __init__(self, n: int):
        self.train, self.test = data.digits()
        self.reader = pretrained.load("classifier_digits")
        self.y = torch.arange(n) % 10
        with torch.no_grad():
            self.real = self.reader.features(self.train.x)

    @torch.no_grad()
    def __call__(self, samples: Tensor) -> list[str]:
        f = self.reader.features(samples)
        recall = metrics.precision_recall(self.real[:500], f[:500]).recall
        right = metrics.judged(samples, self.y[: len(samples)], self.reader).right
        return [f"{metrics.frechet_distance(f, self.real):.1f}", f"{100 * right:.1f} %", f"{recall:.2f}"]


def digits(quick: bool) -> Iterator[str]:
    """The stored models."""
    judge = Judge(100 if quick else 1000)
    yield "\n## Digits: the stored models\n"
    yield row(["model", "steps", "η", "w", "Fréchet", "judged right", "recall"])
    yield row(["---"] * 7)
    with torch.no_grad():
        f = judge.reader.features(judge.test.x)
        recall = metrics.precision_recall(judge.real[:500], f).recall
    yield row(["test digits", "", "", "", f"{metrics.frechet_distance(f, judge.real):.1f}", "", f"{recall:.2f}"])
    models = {"MLP, v": pretrained.load("diffusion_digits"), "U-Net, bound": pretrained.load("diffusion_digits_levels")}
    for name, model in models.items():
        for steps in (1, 2, 4, 10, 50):
            for eta in (0.0, 1.0):
                torch.manual_seed(0)
                found = judge(model.sample(len(judge.y), judge.y, steps=steps, eta=eta))
                yield row([name, str(steps), f"{eta:g}", "1", *found])
    for w in (0.0, 2.0, 4.0):
        torch.manual_seed(0)
        found = judge(models["MLP, v"].sample(len(judge.y), judge.y, steps=10, guidance=w))
        yield row(["MLP, v", "10", "1", f"{w:g}", *found])
    n = 5 if quick else 100
    yield f"\nBits per dimension of test digits, given labels; by the ODE: the first {n}, 30 steps, 10 directions:\n"
    yield row(["model", "bound", "prior", "diffusion", "reconstruction", "ODE and uniform noise"])
    yield row(["---"] * 6)
    x, y = judge.test.x, judge.test.y
    for name, model in models.items():
        torch.manual_seed(0)
        with torch.no_grad():
            terms = {k: -v.mean() for k, v in model.terms(x, y, draws=20).items()}
        reals = x[:n] + torch.rand(n, 1, 8, 8)
        by_ode = model.ode_log_prob(reals, y[:n], steps=5 if quick else 30, probes=10).mean()
        values = [sum(terms.values()), *terms.values(), by_ode]
        yield row([name, *(f"{metrics.bits_per_dim(v, (1, 8, 8)):.3f}" for v in values)])


def networks(quick: bool) -> Iterator[str]:
    """A U-Net, a transformer on patches and an MLP, trained alike."""
    judge = Judge(100 if quick else 1000)
    steps = 3 if quick else 1500
    yield f"\n## Three networks at {steps} steps, v, batches of 128, rate 0.003\n"
    yield row(["network", "parameters", "seconds", "Fréchet", "judged right", "recall"])
    yield row(["---"] * 6)
    made = {
        "U-Net, 16-32": lambda: {"network": "unet", "channels": (16, 32)},
        "DiT, patches of 2, width 48, 3 layers": lambda: {"network": DiT((1, 8, 8), 64, width=48)},
        "MLP, 3 layers of 128": lambda: {"hidden": 128},
    }
    for name, how in made.items():
        torch.manual_seed(0)
        model = DDPM((1, 8, 8), 17, 10, schedule=Cosine(), predicts="v", weighting="v", **how())
        start = time.process_time()
        trained = fit(model, judge.train, steps=steps, batch_size=128, lr=3e-3, ema=0.995, bar=False).averaged.eval()
        seconds = time.process_time() - start
        torch.manual_seed(0)
        found = judge(trained.sample(len(judge.y), judge.y, steps=50))
        yield row([name, f"{sum(p.numel() for p in model.parameters()):,}", f"{seconds:.0f}", *found])


SECTIONS = {"plane": plane, "digits": digits, "networks": networks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try the code")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    told = parser.parse_args()
    torch.set_num_threads(1)
    for name, section in SECTIONS.items():
        if told.only in (None, name):
            for line in section(told.quick):
                print(line, flush=True)


if __name__ == "__main__":
    main()
