"""All benchmarks in one run: `make bench`, or python -m tests.benchmarks [--quick] [--only WORD] [--out FOLDER].

--quick: tiny sizes, once each, without peers, so that the code is tried. --only: the sections with this word in their
title; nothing is written. --out: where docs/ and README.md lie, by default here.
"""

import argparse
import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from tests.benchmarks import cuda, flow, growth, report, sampling, steps, training, vae

PEERS = ("pythae", "normflows", "nflows", "zuko")


def sections(quick: bool) -> dict[str, tuple[str, Iterator]]:
    """{title: (what to know about it, its rows, measured when they are asked for)}."""
    peers = [] if quick else [name for name in PEERS if importlib.util.find_spec(name)]
    missing = ", ".join(name for name in PEERS if name not in peers)
    if missing:
        print(f"left out: {missing}")
    return {
        "The VAE beside pythae": ("The networks are pythae's.", vae.rows(peers)),
        "Flows beside other libraries": (
            "The same networks, with the same activations.",
            flow.rows(peers, quick),
        ),
        "Cached sampling": (
            "Naive sampling runs the whole network once for each value. All these runs cost the same, so a few are "
            "timed and their mean is taken as often as there are values; cached sampling is timed in full.",
            sampling.rows(quick),
        ),
        "Training and imports": (
            "The loop by hand has the same batches, gradient clipping and history as `fit`.",
            training.rows(quick),
        ),
        "Memory of a training step": (
            "By how much the peak of a process of its own grows in three steps, model and batch being there already: "
            "activations, gradients, and the optimizer's state. Medians of three.",
            steps.memory(peers, quick),
        ),
        "The floor": (
            "A training step beside the matrix products, convolutions and attentions that it calls, called again alone "
            "with the same tensors. The ratio is ours / the products: nothing with the same products gets below 1, "
            "and the optimizer comes on top.",
            steps.floors(quick),
        ),
        "On CUDA": (
            "A step in other precisions and compiled, beside float32; sampling as one CUDA graph. By CUDA events.",
            cuda.rows() if torch.cuda.is_available() and not quick else iter(()),
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once each, without peers")
    parser.add_argument("--only", default="", help="the sections with this word in their title; nothing is written")
    parser.add_argument("--out", type=Path, default=Path(), help="where docs/ and README.md lie")
    chosen = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars between the lines
    torch.set_num_threads(1)
    torch.manual_seed(0)
    start, done = time.monotonic(), {}
    for title, (text, rows) in sections(chosen.quick).items():
        if chosen.only.lower() not in title.lower():
            continue
        print(f"\n{title}, after {time.monotonic() - start:.0f} s", flush=True)
        done[title] = (text, [])
        for row in rows:
            done[title][1].append(row)
            print(report.line(row), flush=True)
    if chosen.only.lower() not in "how cost grows":
        return
    print(f"\nHow cost grows, after {time.monotonic() - start:.0f} s", flush=True)
    measured = growth.measure(chosen.quick)
    print(report.growth_table(measured))
    if not chosen.only:
        report.write(chosen.out, done, measured)
        print(f"\n{time.monotonic() - start:.0f} s; written: docs/benchmarks.md, its figure, and the README's table")


if __name__ == "__main__":
    main()
