"""Lecture 08's models beside each other, over several seeds: python -m tests.benchmarks.gans [--seeds 3] [--only WORD]

Characters (the lecture's: ten digits in four fonts, 16x16, 16 levels): DCGAN, its tricks taken away one at a time, and
other losses. Digits (8x8, 17 levels): the same, and ways to be told a label. Each is compared with the test part in the
features of a classifier of our own, so that nothing here is an "FID". Mean ± standard deviation over the seeds; one
thread; averaged weights. Then, a line a run, the lecture's own recipes from other starts: what InfoGAN's codes go with,
and how far CycleGAN comes on the way to the rendered truth. Handwriting of 28x28 pixels by `--only MNIST`, with
GENLIB_DATA.

Each run is kept in ``--kept`` as soon as it is done, and not repeated: the command may be ended and given again. It
prints the tables of docs/gans.md as Markdown. ``--write FILE`` puts what the widget "tricks" shows of DCGAN's runs into
a file (genlib/weights/dcgan_tricks.json), whose hash stands in runs.toml beside it.
"""

import argparse
import base64
import dataclasses
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genlib import data, metrics, pretrained
from genlib.data import strokes
from genlib.data.dataset import Dataset
from genlib.data.glyphs import redrawn, small
from genlib.gan import ACGAN, DCGAN, GAN, R1, GradientPenalty
from genlib.gan.translators import make_translator
from genlib.hybrid import CVAEGAN
from genlib.nets import Classifier
from genlib.training import fit
from tests.benchmarks.bounds import row

PICTURE = (1, 16, 16)
STEPS, EVERY = 600, 50
FRAMES = (50, 100, 200, 300, 400, 500, 600)  # steps at which pictures are kept; the averaged weights come last
SHOWN, SCORED = 12, 1000  # pictures of a frame that are kept, and how many its distance is from
BLOCK = 10  # steps of which the stored losses are means


def tricks(dcgan: Callable[..., GAN], connected: Callable[[], GAN]) -> dict[str, Callable[[], GAN]]:
    """DCGAN, and each of its tricks taken away."""
    return {
        "all five": dcgan,
        "no strides": partial(dcgan, resampling="nearest"),
        "no batch normalisation": partial(dcgan, norm_generator=False, norm_discriminator=False),
        "fully connected": connected,
        "tanh and a linear end": partial(dcgan, activation="tanh", tanh=False),
        "ReLU in D": partial(dcgan, slope=0.0),
    }


def losses(dcgan: Callable[..., GAN]) -> dict[str, Callable[[], GAN]]:
    """The same networks, other games."""
    return {
        "non-saturating, R1(1), no batch normalisation in D": partial(dcgan, regulariser=R1(1.0)),
        "hinge, spectral norm in D": partial(dcgan, loss="hinge", spectral=True),
        "WGAN-GP(10), one update of the critic": partial(dcgan, loss="wasserstein", regulariser=GradientPenalty(10.0)),
    }


connected: Callable[..., GAN] = partial(GAN, latent=32, network="mlp", hidden=256, batch_norm=True)
dcgan, written_dcgan = partial(DCGAN, PICTURE, 32, levels=16), partial(DCGAN, (1, 8, 8), 32, levels=17)
DCGANS, LOSSES = tricks(dcgan, partial(connected, PICTURE, levels=16)), losses(dcgan)
WRITTEN = tricks(written_dcgan, partial(connected, (1, 8, 8), levels=17)) | losses(written_dcgan)
WRITTEN = {f"8x8, {name}": make for name, make in WRITTEN.items()}
TRICKS = {  # in the order in which they are taken away, and what stands in their place
    "strided convolutions": "copied pixels in G, pooling in D",
    "batch normalisation": "none, in both networks",
    "convolutions all the way": "two hidden layers of 256, fully connected",
    "ReLU in G, tanh at its end": "tanh in G, and a linear end",
    "LeakyReLU in D": "ReLU",
}
large = partial(DCGAN, (1, 28, 28), 32, levels=256)
MNIST: dict[str, Callable[[], GAN]] = {
    "DCGAN, 28x28": large,
    "28x28, R1(1), no batch normalisation in D": partial(large, regulariser=R1(1.0)),
    "28x28, hinge, spectral norm in D": partial(large, loss="hinge", spectral=True),
}
digit: dict[str, Any] = {"levels": 17, "classes": 10}
plain = digit | {"batch_norm": True, "dropout": 0.2}
CONDITIONAL: dict[str, Callable[[], nn.Module]] = {
    "CGAN, concatenation": partial(GAN, (1, 8, 8), 16, judge="concatenation", **plain),
    "CGAN, projection": partial(GAN, (1, 8, 8), 16, judge="projection", **plain),
    "CGAN, a logit for each class": partial(GAN, (1, 8, 8), 16, judge="product", **plain),
    "ACGAN": partial(ACGAN, (1, 8, 8), 16, **plain),
    "CVAE": partial(CVAEGAN, (1, 8, 8), 8, features=0.0, matching=0.0, adversarial=0.0, scale=0.5, **digit),
    "CVAE-GAN": partial(CVAEGAN, (1, 8, 8), 8, **digit),
}


def falling(progress: float) -> float:
    """The rate stays over the first half of a run, and falls to 0 in a line over the second."""
    return min(1.0, 2 * (1 - progress))


def adam(parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr, betas=(0.5, 0.999))


HOW: dict[str, Any] = {"batch_size": 64, "lr": 1e-3, "optimizer": adam, "schedule": falling, "warmup": 0}
HOW |= {"clip_norm": None, "ema": 0.99, "bar": False}


def eye(train: Dataset) -> Classifier:
    """A judge of pictures; of characters, the lecture's."""
    assert train.levels is not None
    torch.manual_seed(0)
    model = Classifier(train.shape, train.levels, 10)
    fit(model, train, steps=400, batch_size=64, lr=4e-3, bar=False)
    return model.eval()


class Reference:
    """The test part in the classifier's features, which samples are held against."""

    def __init__(self, judge: Classifier, test: Dataset):
        self.classify, self.test = judge, test
        self.real = self.features(test.x)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        return torch.cat([self.classify.features(part) for part in x.split(500)])

    def frechet(self, x: Tensor) -> float:
        return metrics.frechet_distance(self.real, self.features(x))

    def measured(self, x: Tensor, y: Tensor | None) -> dict[str, float]:
        """All figures of samples, which were asked to be y, if anything."""
        f = self.features(x)
        judged = metrics.judged(x, y, self.classify)
        found = {
            "frechet": metrics.frechet_distance(self.real, f),
            "kernel": metrics.kernel_distance(self.real, f) / 1000,
            **metrics.precision_recall(self.real, f[: len(self.real)])._asdict(),
            "sharpness": metrics.sharpness(x, span=(self.test.levels or 2) - 1),
        }
        sure = torch.cat([self.classify(part).softmax(1).amax(1) for part in x.split(500)]).detach().mean().item()
        told = {} if judged.right is None or y is None else {"right": judged.right, "spread": metrics.spread(f, y)}
        return found | {"sure": sure} | told


def sampled(model: Any, n: int) -> tuple[Tensor, Tensor | None]:
    """n samples, the same noise for all, and labels in turn where the model takes some."""
    generator = torch.Generator().manual_seed(1)
    if model.condition is None:
        return model.sample(n, generator=generator), None
    y = torch.arange(n) % model.condition.K
    return model.sample(n, y, generator=generator), y


def one_run(make: Callable[[], Any], train: Dataset, reference: Reference, seed: int, steps: int) -> dict[str, Any]:
    """Trains one model; {"figures": …, "pictures": uint8 (frames, SHOWN, 16, 16), "frechet": a number a frame,
    "losses": {player: means of BLOCK steps}, "seconds"}. Pictures and distances on the way are those of the weights as
    they are, the last those of the averaged ones."""
    torch.manual_seed(seed)
    model, pictures, distances = make(), [], []
    frames = FRAMES if model.shape == PICTURE else ()

    def look(step: int, now: Any) -> None:
        if step in frames:
            x, _ = sampled(now, SCORED)
            pictures.append(x[:SHOWN, 0].to(torch.uint8))
            distances.append(reference.frechet(x))

    start = time.process_time()
    history = fit(model, train, steps=steps, seed=seed, callback=look, callback_every=min(EVERY, steps), **HOW)
    seconds = time.process_time() - start
    n = len(reference.test)
    x, y = sampled(history.averaged, max(n, SCORED))
    pictures.append(x[:SHOWN, 0].to(torch.uint8))
    distances.append(reference.frechet(x[:SCORED]))
    losses = {n.split(".")[0]: blocks(v) for n, v in history.train.items() if n.endswith(".loss")}
    return {
        "figures": reference.measured(x[:n], None if y is None else y[:n]),
        "pictures": torch.stack(pictures),
        "frechet": distances,
        "losses": losses,
        "seconds": seconds,
    }


def blocks(values: Tensor) -> Tensor:
    """Means of BLOCK steps each."""
    return values[: len(values) // BLOCK * BLOCK].view(-1, BLOCK).mean(1)


def kept_runs(
    what: dict[str, Callable[[], Any]], train: Dataset, reference: Reference, kept: Path, seeds: int, steps: int
) -> dict[str, list[dict[str, Any]]]:
    """{name: a run for each seed}, from the folder or made now."""
    kept.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in what}
    for seed in range(seeds):
        for name, make in what.items():
            path = kept / f"{name}_{seed}.pt"
            if not path.exists():
                torch.save(one_run(make, train, reference, seed, steps), path)
            found[name].append(torch.load(path))
    return found


UNCONDITIONAL_COLUMNS = {
    "frechet": ("Fréchet", 0),
    "kernel": ("kernel distance, thousands", 2),
    "precision": ("precision", 2),
    "recall": ("recall", 2),
    "sure": ("sure", 2),
}
CONDITIONAL_COLUMNS = {
    "right": ("right class", 3),
    "frechet": ("Fréchet", 1),
    "kernel": ("kernel distance, thousands", 2),
    "spread": ("spread", 1),
    "sharpness": ("sharpness", 3),
    "precision": ("precision", 2),
    "recall": ("recall", 2),
}


def table(columns: dict[str, tuple[str, int]], runs: dict[str, list[dict[str, Any]]], real: dict[str, float]) -> None:
    """Prints the figures of all runs, and of data that nobody generated."""
    print(f"| model | {' | '.join(title for title, _ in columns.values())} | seconds |")
    print(f"|---|{'---|' * (len(columns) + 1)}")
    print(f"| training data | {' | '.join(f'{real[key]:.{d}f}' for key, (_, d) in columns.items())} | |")
    for name, found in runs.items():
        cells = [row("", [[run["figures"][key]] for run in found], d).strip("| ") for key, (_, d) in columns.items()]
        print(f"| {name} | {' | '.join(cells)} | {sum(run['seconds'] for run in found) / len(found):.0f} |")


def sprite(pictures: Tensor) -> str:
    """Pictures (rows, columns, H, W), 0..15, as a PNG of 16 grey levels, ink dark, in base64."""
    from PIL import Image

    rows, columns, H, W = pictures.shape
    sheet = pictures.permute(0, 2, 1, 3).reshape(rows * H, columns * W)
    image = Image.frombytes("P", (columns * W, rows * H), sheet.numpy().tobytes())
    image.putpalette([255 - 17 * (k // 3) for k in range(48)])
    file = io.BytesIO()
    image.save(file, format="PNG", bits=4, optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def stored(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the widget shows: figures rounded, and all pictures in one sprite, a row a run, frame after frame."""
    shown = [run["pictures"].flatten(0, 1) for found in runs.values() for run in found]
    first = next(iter(runs.values()))[0]
    return {
        "steps": [*FRAMES[: len(first["frechet"]) - 1], STEPS],
        "block": BLOCK,
        "shown": SHOWN,
        "size": list(PICTURE[1:]),
        "tricks": [{"name": name, "instead": instead} for name, instead in TRICKS.items()],
        "runs": [
            [
                {
                    "frechet": [round(v) for v in run["frechet"]],
                    **{name: [round(v, 2) for v in loss.tolist()] for name, loss in run["losses"].items()},
                }
                for run in found
            ]
            for found in runs.values()
        ],
        "sprite": sprite(torch.stack(shown)),
    }


def from_recipe(name: str, seed: int, steps: int | None = None) -> Any:
    """The model of the recipe ``name`` in genlib/weights/index.toml, trained from another start."""
    known = pretrained.AVAILABLE[name]
    torch.manual_seed(seed)
    model = known.make()
    how = pretrained.settings_of(known.stages[0]) | {"seed": seed, "bar": False} | ({"steps": steps} if steps else {})
    history = fit(model, known.examples()[0], **how)
    return (history.averaged or model).eval()


def correlation(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].nan_to_num().item()


@torch.no_grad()
def categories(model: Any, reader: nn.Module, seed: int) -> dict[str, float]:
    """Of an InfoGAN with ten categories and 1,000 pictures: L_I, purity, digits most frequent in some category."""
    torch.manual_seed(seed)
    code = torch.arange(10).repeat_interleave(100)
    said = reader(model.sample(1000, category=code)).argmax(1)
    counts = torch.zeros(10, 10).index_put((code, said), torch.tensor(1.0), accumulate=True)
    found = len(set(counts.argmax(1).tolist()))
    return {"L_I": model.information(), "purity": counts.amax(1).sum().item() / 1000, "digits found": found}


@torch.no_grad()
def values_and_factors(model: Any, seed: int) -> dict[str, float]:
    """Of an InfoGAN with two values and 1,000 pictures: L_I, correlations with what is measured in the pictures."""
    torch.manual_seed(seed)
    codes = 2 * torch.rand(1000, 2) - 1
    ink = model.sample(1000, values=codes) / 15
    measured = {"slant": strokes.slant(ink), "thickness": strokes.thickness(ink)}
    both = {f"{k + 1} and {n}": correlation(codes[:, k], m) for n, m in measured.items() for k in range(2)}
    return {"L_I": model.information()} | both


def thin_and_truth(part: Dataset, n: int = 800) -> tuple[Tensor, Tensor]:
    """Of the first n characters the thin ones, and the same rendered bold."""
    at = part.factors["thickness"][:n] < 0.7
    return part.x[:n][at], small(redrawn(part, thickness=torch.full((min(n, len(part)),), 2.45)))[at]


def by_pairs(train: Dataset, seed: int, steps: int) -> Callable[[Tensor], Tensor]:
    """The lecture's regression: CycleGAN's network, trained to hit the rendered truth."""
    known, goals = (pictures / 7.5 - 1 for pictures in thin_and_truth(train))
    torch.manual_seed(seed)
    model = make_translator(PICTURE, network="conv", channels=9, blocks=2, hidden=64, layers=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        of = torch.randint(len(known), (16,))
        loss = (model(known[of]) - goals[of]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return lambda x: (model(x / 7.5 - 1) + 1) * 7.5


@torch.no_grad()
def translated(forth: Callable[[Tensor], Tensor], start: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean absolute error to the truth, ink being 1; and the share whose own truth is the nearest of all."""
    made = forth(start).float()
    nearest = torch.cdist(made.flatten(1), truth.flatten(1).float()).argmin(1)
    return (made - truth).abs().mean().item() / 15, (nearest == torch.arange(len(truth))).double().mean().item()


def translations(train: Dataset, test: Dataset, seed: int, steps: int | None) -> dict[str, float]:
    """Thin characters made bold: errors of doing nothing, of another bold one, without pairs and with."""
    start, truth = thin_and_truth(test)
    nothing = translated(lambda x: x, start, truth)[0]
    another = translated(lambda x: x, truth.roll(1, 0), truth)[0]
    error, own = translated(from_recipe("cyclegan_thin_bold", seed, steps).translate, start, truth)
    paired, _ = translated(by_pairs(train, seed, steps or 200), start, truth)
    return {
        "doing nothing": nothing,
        "another bold one": another,
        "CycleGAN": error,
        "its share of doing nothing": error / nothing,
        "own truth nearest": own,
        "with pairs": paired,
    }


def run_by_run(title: str, kept: Path, seeds: int, make: Callable[[int], dict[str, float]]) -> None:
    """Prints a table with a line for each run, which is kept as the others are."""
    kept.mkdir(parents=True, exist_ok=True)
    print(f"\n### {title}\n", flush=True)
    for seed in range(seeds):
        path = kept / f"{title}_{seed}.pt"
        if not path.exists():
            torch.save(make(seed), path)
        found = torch.load(path)
        if seed == 0:
            print(f"| run | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
        cells = [f"{v:.3f}" if isinstance(v, float) else f"{v}" for v in found.values()]
        print(f"| {seed} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="the tables with this word in their title")
    parser.add_argument("--kept", type=Path, default=Path("runs/gans"), help="where runs are kept")
    parser.add_argument("--write", type=Path, help="where what the widget shows shall lie")
    parser.add_argument("--quick", action="store_true", help="few steps and pictures, so that the code is tried")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    drawn, written = data.numerals(200 if chosen.quick else 4000), data.digits()
    judges: dict[str, Callable[[], Any]] = {
        "characters": lambda: eye(drawn[0]),
        "digits": lambda: pretrained.load("classifier_digits"),
    }
    parts = {
        "DCGAN and its tricks": (DCGANS, *drawn, "characters", STEPS),
        "Losses at equal budget": (LOSSES, *drawn, "characters", STEPS),
        "Handwritten digits": (WRITTEN, *written, "digits", STEPS),
        "With labels": (CONDITIONAL, *written, "digits", 1200),
    }
    if chosen.only.lower() == "mnist":
        many, test = data.mnist()
        x, y = test[:2000]
        judges["handwriting"] = lambda: eye(many)
        parts = {"MNIST": (MNIST, many, dataclasses.replace(test, x=x, y=y), "handwriting", 1000)}
    for title, (what, train, test, judge, steps) in parts.items():
        if chosen.only.lower() not in title.lower():
            continue
        reference, given = Reference(judges[judge](), test), what is CONDITIONAL
        runs = kept_runs(what, train, reference, chosen.kept, chosen.seeds, EVERY if chosen.quick else steps)
        print(f"\n## {title}\n", flush=True)
        real = reference.measured(*train[: len(test)])
        table(CONDITIONAL_COLUMNS if given else UNCONDITIONAL_COLUMNS, runs, real)
        if chosen.write and what is DCGANS:
            content = json.dumps(stored(runs), separators=(",", ":")).encode()
            chosen.write.write_bytes(content)
            print(f"\n{chosen.write}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
    few = EVERY if chosen.quick else None
    recipes: dict[str, Callable[[int], dict[str, float]]] = {
        "InfoGAN's categories": lambda seed: categories(
            from_recipe("infogan_digits", seed, few), judges["digits"](), seed
        ),
        "InfoGAN's values": lambda seed: values_and_factors(from_recipe("infogan_fours", seed, few), seed),
        "CycleGAN, thin to bold": lambda seed: translations(*data.numerals(), seed, few),
    }
    for title, make in recipes.items():
        if chosen.only.lower() in title.lower():
            run_by_run(title, chosen.kept, chosen.seeds, make)


if __name__ == "__main__":
    main()
