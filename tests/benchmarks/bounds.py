"""Lecture 04's models, and the flows of lecture 06 in a VAE, beside each other, over several seeds:
python -m tests.benchmarks.bounds [--seeds 3] [--quick] [--only WORD]

Digits with 17 levels and characters with binary pixels (thresholded), eight latents, the same networks and steps for
all: −ELBO, −IW(500) and rate on the test part in nats, latents in use by KL > 0.1; what a q for each picture and a
prior where the codes are gain afterwards; and the mutual information gap over β. Mean ± standard deviation over the
seeds. One thread; it prints the tables of docs/vae.md as Markdown. DReG: the encoder has the doubly reparameterized
gradient. --only: the rows with this word in the title of their table or in their name.
"""

import argparse
import math
import time
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib import data, metrics, vae
from genlib.data.dataset import Dataset
from genlib.hybrid import IAFVAE, FlowPriorVAE
from genlib.training import fit

K, LATENT = 500, 8
DRAWS = 5  # of the ELBO
MODELS: dict[str, Callable[..., vae.VAE]] = {
    "VAE": vae.VAE,
    "β = 0.3": lambda *shape, **how: vae.VAE(*shape, beta=0.3, **how),
    "β = 3": lambda *shape, **how: vae.VAE(*shape, beta=3.0, **how),
    "IWAE, k = 5": lambda *shape, **how: vae.IWAE(*shape, k=5, **how),
    "IWAE, k = 5, DReG": lambda *shape, **how: vae.IWAE(*shape, k=5, doubly_reparameterized=True, **how),
    "VampPrior of 20, trained along": lambda *shape, **how: vae.VAE(*shape, prior=vae.VampPrior(shape[0], 20), **how),
    "CVAE, given the class": vae.VAE,
    "flow as the prior": partial(FlowPriorVAE, couplings=4, units=32),
    "flow as the posterior (IAF)": partial(IAFVAE, steps=2, units=32),
}


def parts(quick: bool) -> dict[str, tuple[Dataset, Dataset, dict, int]]:
    """{name: (train, test, what the VAE is told, steps)}."""
    digits, characters = data.digits(), data.glyphs(40 if quick else 1200)
    black = tuple(part.binarized("threshold") for part in characters)
    few = 3 if quick else 300
    how = {"dropout": 0.2, "hidden": 128}
    return {
        "digits, 17 levels": (*digits, how | {"likelihood": "categorical", "levels": 17}, few),
        "characters, binary": (*black, how, few),
    }


@torch.no_grad()
def measured(model: vae.VAE, x: Tensor, y: Tensor | None, k: int) -> list[float]:
    """−ELBO, −IW(k), rate in nats, latents in use: by the KL from N(0, 1), so not a number where a flow stands for a
    Gaussian."""
    torch.manual_seed(0)
    q = model.encode(x, y)
    elbo = torch.stack([model.bound(x, q, y) for _ in range(DRAWS)]).mean()
    iw = torch.cat([model.elbo(*part, k=k) for part in batches(x, y)]).mean()
    rate = model.kl(q, q.rsample(), y).mean()
    if isinstance(model, FlowPriorVAE | IAFVAE):
        used = torch.tensor(torch.nan)
    else:
        used = (vae.gaussian_kl_each(q.mean, 2 * q.stddev.log()).mean(0) > 0.1).sum()
    return [-elbo.item(), -iw.item(), rate.item(), used.item()]


def batches(x: Tensor, y: Tensor | None, size: int = 50) -> list[tuple[Tensor, Tensor | None]]:
    return [(x[i : i + size], None if y is None else y[i : i + size]) for i in range(0, len(x), size)]


def gains(model: vae.VAE, train: Tensor, test: Tensor) -> list[float]:
    """Nats of the ELBO on the test part: by a q for each picture; by a mixture and a VampPrior where the codes are."""

    @torch.no_grad()
    def bound(model: vae.VAE, q: torch.distributions.Distribution) -> float:
        torch.manual_seed(0)
        return torch.stack([model.bound(test, q) for _ in range(4 * DRAWS)]).mean().item()

    with torch.no_grad():
        q = model.encode(test)
    start = bound(model, q)
    refined = bound(model, vae.refine(model, test, updates=60, lr=0.05, draws=4)) - start
    priors = (vae.GaussianMixture(LATENT, 20), vae.VampPrior(model.shape, 20))
    return [refined, *(bound(vae.fit_prior(model, train, prior), q) - start for prior in priors)]


def row(name: str, values: list[list[float]], digits: int = 2) -> str:
    """A line of a table: mean ± standard deviation of each column over the seeds; – where there is no number."""
    columns = torch.tensor(values, dtype=torch.float64).T
    spread = columns.std(1, correction=1 if columns.shape[1] > 1 else 0)
    pairs = zip(columns.mean(1).tolist(), spread.tolist(), strict=True)
    cells = ["–" if math.isnan(m) else f"{m:.{digits}f} ± {s:.{digits}f}" for m, s in pairs]
    return f"| {name} | {' | '.join(cells)} |"


def chosen(only: str, title: str) -> list[str]:
    """The models whose rows have the word ``only`` in the title of their table or in their name."""
    return [name for name in MODELS if only.lower() in f"{title}: {name}".lower()]


def tables(seeds: int, quick: bool, only: str = "") -> None:
    """Prints a table of the models, and one of what is gained afterwards, for each kind of data."""
    for what, (train, test, how, steps) in parts(quick).items():
        names = chosen(only, what)
        if not names:
            continue
        print(f"\n## {what}, {steps} steps\n\n| model | −ELBO | −IW({K}) | rate | in use |", flush=True)
        print("|---|---|---|---|---|")
        later = []
        for name in names:
            found, given = [], name.startswith("CVAE")
            for seed in range(seeds):
                torch.manual_seed(seed)
                model = MODELS[name](train.shape, LATENT, classes=len(train.class_names) if given else None, **how)
                fit(model, train, steps=steps, lr=3e-3, weight_decay=0.05, seed=seed, bar=False)
                found.append(measured(model, test.x, test.y if given else None, 5 if quick else K))
                if name == "VAE":
                    later.append(gains(model, train.x, test.x))
            print(row(name, found), flush=True)
        if not later:
            continue
        print("\n| gained afterwards, nats | refined q | mixture at the codes | VampPrior at the codes |")
        print("|---|---|---|---|")
        print(row("VAE", later), flush=True)


def gaps(seeds: int, quick: bool) -> None:
    """Prints the mutual information gap over β: small pictures of a 5, as in the lecture."""
    train, _ = data.glyphs(40 if quick else 1600, classes="5")
    small = F.avg_pool2d(train.x.float() / 255, 2)
    print("\n## One character, its factors\n\n| β | mutual information gap |\n|---|---|")
    for beta in (0.3, 1.0, 4.0, 16.0):
        found = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = vae.VAE((1, 14, 14), 6, vae.Gaussian(0.2, learned=False), beta=beta, hidden=64)
            fit(model, small, steps=3 if quick else 400, lr=5e-3, seed=seed, bar=False)
            with torch.no_grad():
                found.append([metrics.mig(model.encode(small).mean, train.factors)])
        print(row(f"{beta:g}", found, 3), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, so that the code is tried")
    parser.add_argument("--only", default="", help="the rows with this word in the table's title or in their name")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    if asked.only.lower() in "one character, its factors":
        gaps(asked.seeds, asked.quick)
    tables(asked.seeds, asked.quick, asked.only)
    print(f"\n{(time.process_time() - start) / 60:.1f} minutes of one thread")


if __name__ == "__main__":
    main()
