"""What our models reach on the genuine MNIST within 20 minutes: GENLIB_DATA=FOLDER python -m tests.benchmarks.mnist

Each recipe is a `genlib train` command with a fixed number of steps, which is printed, run with one thread, and its
weights are then evaluated on all 10,000 test digits. Names choose some of them; `--evaluate` takes the weights that are
in runs/mnist already. Pixels 0 and 1 are drawn anew each time that a digit is asked for (protocol D: "dynamic"), in the
test set once, with a seed. Log-likelihoods are exact for the autoregressive models; for the VAE and Glow they are
bounds, and said to be.
"""

import argparse
import itertools
import shlex
import subprocess
import sys
import time
from pathlib import Path

import safetensors.torch
import torch

from genlib import data, launch, metrics

OUT = Path("runs/mnist")
BINARY = "--binarized dynamic --set classes=None"
# Uniform and learned noise beside each other. A small alpha, since most pixels are 0: the logit makes their cell wide.
SMALL = "Glow --set classes=None --set depth=4 --set channels=16 --set alpha=1e-4"
BRIEFLY = "--steps 500 --batch-size 32 --lr 4e-3 --ema 0.98 --test-every 500"
LARGER = "Glow --set classes=None --set depth=8 --set alpha=1e-4"
LONG = "--batch-size 32 --lr 3e-3 --ema 0.998"
RECIPES = {
    "MADE": f"MADE {BINARY} --set hidden=1024 --set layers=2 --steps 6000 --batch-size 128 --lr 1e-3 --ema 0.999",
    "PixelCNN": f"PixelCNN {BINARY} --set layers=6 --steps 16000 --batch-size 16 --lr 2e-3 --ema 0.999",
    "GatedPixelCNN": f"GatedPixelCNN {BINARY} --set layers=4 --steps 2000 --batch-size 16 --lr 3e-3 --ema 0.999",
    "VAE": f"VAE {BINARY} --set latent=32 --set hidden=400 --steps 50000 --batch-size 128 --lr 1.5e-3 --ema 0.999",
    "IWAE": f"IWAE {BINARY} --set latent=32 --set hidden=300 --set k=50 --steps 20000 --batch-size 32 --lr 1e-3 "
    "--ema 0.999",
    "Glow": "Glow --set classes=None --set depth=6 --steps 5000 --batch-size 64 --lr 2e-3 --ema 0.999",
    "GlowUniform": f"{SMALL} {BRIEFLY}",
    "GlowVariational": f"{SMALL} --set variational=True {BRIEFLY}",
    "GlowUniformLong": f"{LARGER} --steps 8500 --test-every 8500 {LONG}",
    "GlowVariationalLong": f"{LARGER} --set variational=True --steps 4000 --test-every 4000 {LONG}",
}
IMPORTANCE_DRAWS = 200


def command(name: str) -> list[str]:
    return ["genlib", "train", *shlex.split(RECIPES[name]), "--data", "mnist", "--out", str(OUT / name)]


def load(name: str):
    """The model of a recipe with the weights that its command wrote, and the test digits in its form."""
    words = command(name)
    arguments = launch.read_settings([b for a, b in itertools.pairwise(words) if a == "--set"])
    train, test = data.mnist()
    if "--binarized" in words:
        train, test = train.binarized("dynamic"), test.binarized("dynamic")
    model = launch.make(launch.find_model(words[2]), train, **arguments)
    model.load_state_dict(safetensors.torch.load_file(Path(words[-1]) / f"{words[2]}_mnist.safetensors"))
    return model.eval(), test


@torch.no_grad()
def mean(values, test, batch: int) -> tuple[float, float]:
    """Mean of values(x) over the test digits, and its standard error."""
    torch.manual_seed(0)
    index = torch.arange(len(test)).split(batch)
    found = torch.cat([values(test[i][0]) for i in index])
    return found.mean().item(), found.std().item() / len(found) ** 0.5


def evaluate(name: str) -> None:
    model, test = load(name)
    print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters")
    if name.startswith("Glow"):
        bound, error = mean(model.elbo, test, 500)
        bits, scale = metrics.bits_per_dim(bound, model.shape), 1 / (784 * 0.6931)
        noise = "uniform" if model.noise is None else "variational"
        print(f"  bound {bits:.4f} bits/dim (standard error {error * scale:.4f}), {noise} dequantization")
    elif name.endswith("VAE") or name == "IWAE":
        print("  -ELBO {:.2f} nats (standard error {:.2f})".format(*negative(*mean(model.elbo, test, 500))))
        for k in (50, IMPORTANCE_DRAWS):
            bound = mean(lambda x, k=k: model.elbo(x, k=k), test, 100)
            print("  -IW-ELBO({}) {:.2f} nats (standard error {:.2f})".format(k, *negative(*bound)), flush=True)
    else:
        found = negative(*mean(model.log_prob, test, 250))
        print("  -log p(x) {:.2f} nats (standard error {:.2f})".format(*found), flush=True)


def negative(value: float, error: float) -> tuple[float, float]:
    return -value, error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(RECIPES), help=", ".join(RECIPES))
    parser.add_argument("--evaluate", action="store_true", help="only evaluate the weights that are there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.names:
        if not arguments.evaluate:
            words = command(name)
            print("$", shlex.join(words), flush=True)
            start = time.monotonic()
            subprocess.run([sys.executable, "-m", "genlib.cli", *words[1:]], check=True)
            print(f"  {(time.monotonic() - start) / 60:.1f} minutes, one thread")
        evaluate(name)


if __name__ == "__main__":
    main()
