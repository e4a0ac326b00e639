"""Lecture 09's models beside each other: python -m tests.benchmarks.tokens [--seeds 3] [--steps 250] [--samples 500]
[--only WORD]

Codebooks at equal bits, trained here over several seeds (thresholded characters, as in the lecture); then the stored
models: the prior over tokens beside pixels, VQGAN beside VQ-VAE, and pictures from words, judged word by word. One
thread; it prints the tables of docs/tokens.md as Markdown. --only: the tables with this word in their title.
"""

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genlib import data, metrics, pretrained
from genlib.autoregressive import Transformer
from genlib.data import judge_caption, read_shapes
from genlib.training import fit
from genlib.vq import FSQ, VQVAE, GumbelVAE, Quantizer, cooled, perplexity
from genlib.vq.base import TokenModel

K, SHAPE = 128, (1, 28, 28)
SAID = ("size", "colour", "shape", "place")
UNSEEN = ("red cross", "blue circle", "yellow triangle")


def plain(quantizer: Callable[[], Quantizer | FSQ]) -> Callable[[int], TokenModel]:
    return lambda steps: VQVAE(SHAPE, quantizer=quantizer(), channels=12)


MODELS: dict[str, Callable[[int], TokenModel]] = {
    "gradient, start within ±1/K": plain(lambda: Quantizer(K, 8, learning="gradient", start="uniform", revive=0)),
    "gradient, start at data": plain(lambda: Quantizer(K, 8, learning="gradient", revive=0)),
    "gradient, start at data, revived": plain(lambda: Quantizer(K, 8, learning="gradient")),
    "averages, start within ±1/K": plain(lambda: Quantizer(K, 8, start="uniform", revive=0)),
    "averages, start at data": plain(lambda: Quantizer(K, 8, revive=0)),
    "averages, start at data, revived": plain(lambda: Quantizer(K, 8)),
    "FSQ 8 · 4 · 4": plain(lambda: FSQ((8, 4, 4))),
    "Gumbel, τ = ½": lambda steps: GumbelVAE(SHAPE, K, channels=12, temperature=0.5),
    "Gumbel, τ from 1 to 1/16": lambda steps: GumbelVAE(SHAPE, K, channels=12, temperature=cooled(steps)),
}


def loaded(name: str) -> Any:
    """A stored model, as the kind that it is."""
    return pretrained.load(name)


def bits(nats: Tensor | float) -> float:
    return float(nats) / math.prod(SHAPE) / math.log(2)


@torch.no_grad()
def measured(model: TokenModel, x: Tensor) -> list[float]:
    """Distortion in nats, perplexity, codes never used, and the bound in bits per dimension under a uniform prior and
    under one of the codes' frequencies in these pictures, which is not a bound of a model that was trained."""
    t = model.tokens(x)
    lost = -model.decode(model.vectors(t)).log_prob(x).mean()
    share = torch.bincount(t.flatten(), minlength=K) / t.numel()
    counted = model.T * torch.special.entr(share).sum()
    return [
        lost.item(),
        perplexity(t, K).item(),
        K - len(t.unique()),
        bits(-model.elbo(x).mean()),
        bits(lost + counted),
    ]


def codebooks(seeds: int, steps: int, samples: int) -> None:
    train, test = (part.binarized("threshold") for part in data.glyphs(1600))
    x, test_x = train.x.long(), test.x.long()
    print("| tokenizer | distortion, nats | perplexity | unused | bound, uniform | by frequencies |")
    print("|---|---|---|---|---|---|")
    for name, make in MODELS.items():
        found = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = make(steps)
            fit(model, x, steps=steps, batch_size=64, lr=3e-3, seed=seed, bar=False)
            found.append(measured(model.eval(), test_x))
        mean = torch.tensor(found).mean(0).tolist()
        std = torch.tensor(found).std(0, correction=min(1, seeds - 1)).tolist()
        digits = (1, 1, 0, 3, 3)
        cells = [f"{m:.{d}f} ± {s:.{d}f}" for m, s, d in zip(mean, std, digits, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


@torch.no_grad()
def prior(seeds: int, steps: int, samples: int) -> None:
    x = data.glyphs(1600)[1].binarized("threshold").x.long()
    tokenizer, model = loaded("vqvae_characters"), loaded("prior_characters")
    t = tokenizer.tokens(x)
    lost = -tokenizer.decode(tokenizer.vectors(t)).log_prob(x).mean()
    share = torch.bincount(t.flatten(), minlength=K) / t.numel()
    lengths = {
        "uniform": 49 * math.log(K),
        "frequencies": 49 * torch.special.entr(share).sum().item(),
        "trained prior": -model.log_prior(t).mean().item(),
    }
    print(
        "| code | distortion, nats | code length, nats | bits a token | at most, bits a pixel |\n|---|---|---|---|---|"
    )
    for name, length in lengths.items():
        print(f"| {name} | {lost:.1f} | {length:.1f} | {length / 49 / math.log(2):.2f} | {bits(lost + length):.3f} |")
    exact = -loaded("pixelcnn_glyphs").log_prob(x).mean()
    print(f"| PixelCNN, exact | | | | {bits(exact):.3f} |\n")
    print("| 16 pictures by | seconds of processor time |\n|---|---|")
    pixels = Transformer((784,), 2, width=64, layers=3).eval()
    for name, one in {"49 tokens": model, "784 pixels": pixels}.items():
        times = []
        for _ in range(3):
            start = time.process_time()
            one.sample(16)
            times.append(time.process_time() - start)
        print(f"| {name} | {sorted(times)[1]:.2f} |", flush=True)


@torch.no_grad()
def critic(seeds: int, steps: int, samples: int) -> None:
    x = data.numerals()[1].x
    eye = loaded("classifier_numerals")
    print("| tokenizer | squared error | Fréchet | sharpness | perplexity of 4 |\n|---|---|---|---|---|")
    print(f"| test data | 0 | 0 | {metrics.sharpness(x, span=15):.2f} | |")
    for name in ("vqvae_numerals", "vqgan_numerals"):
        model = loaded(name)
        back = model(x)
        seen = back.round().clamp(0, 15).long()
        far = metrics.frechet_distance(eye.features(seen), eye.features(x))
        error, sharp = (back - x).square().mean(), metrics.sharpness(seen, span=15)
        print(f"| {name} | {error:.2f} | {far:.0f} | {sharp:.2f} | {perplexity(model.tokens(x), 4):.1f} |")


def words(seeds: int, steps: int, samples: int) -> None:
    _, test = data.shapes(4 * samples + 4, levels=16, turn=0)
    model, ranker = loaded("shapes_from_words"), loaded("shapes_ranker")
    told = test.factors["caption"]
    unseen = torch.tensor([any(pair in caption for pair in UNSEEN) for caption in test.captions])
    print(f"| {samples} captions | {' | '.join(SAID)} | all four |\n|---|{'---|' * (len(SAID) + 1)}")

    def row(name: str, pictures: Tensor, which: Tensor) -> None:
        found = read_shapes(pictures.round().clamp(0, 15).long(), 16)
        verdicts = [judge_caption(test.captions[i], seen) for i, seen in zip(which.tolist(), found, strict=True)]
        shares = [sum(v[word] for v in verdicts) / len(verdicts) for word in SAID]
        every = sum(all(v[word] for word in SAID) for v in verdicts) / len(verdicts)
        print(f"| {name} | {' | '.join(f'{v:.3f}' for v in [*shares, every])} |", flush=True)

    every, new = torch.arange(samples), unseen.nonzero()[:, 0]
    with torch.no_grad():
        row("true pictures", test.x[every], every)
        row("from their tokens", model.tokenizer(test.x[every]), every)
    ways: dict[str, dict] = {"as trained": {}, "guidance 1.5": {"guidance": 1.5}, "guidance 2": {"guidance": 2.0}}
    ways |= {"guidance 4": {"guidance": 4.0}, "temperature 0.7": {"temperature": 0.7}}
    ways |= {"best of 4": {"candidates": 4, "ranker": ranker}}
    ways |= {"temperature 0.7, best of 4": {"temperature": 0.7, "candidates": 4, "ranker": ranker}}
    for name, how in ways.items():
        torch.manual_seed(0)
        row(name, model.sample(samples, told[every], means=True, **how), every)
    for name in ("as trained", "temperature 0.7", "best of 4"):
        torch.manual_seed(0)
        row(f"pairs never shown ({len(new)}), {name}", model.sample(len(new), told[new], means=True, **ways[name]), new)


TABLES = {
    "Codebooks at equal bits": codebooks,
    "A prior over tokens": prior,
    "A critic for the decoder": critic,
    "Pictures from words": words,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for title, table in TABLES.items():
        if asked.only.lower() in title.lower():
            print(f"\n## {title}\n")
            table(asked.seeds, asked.steps, asked.samples)


if __name__ == "__main__":
    main()
