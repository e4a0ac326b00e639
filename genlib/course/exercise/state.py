"""The global state in which an answer is run and judged: set to what it needs, and given back as it was found.

A cell further up may have switched gradients off, made float64 the default or seeded the random numbers; an answer may
do so itself. Neither may change what is right.
"""

import contextlib
import random
import warnings
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def as_expected(seed: int = 0) -> Iterator[None]:
    """Gradients on, float32 on the CPU by default, no warnings, and random numbers from a seed, in the body alone."""
    with (
        _random_numbers(seed),
        _defaults(),
        torch.inference_mode(False),
        torch.enable_grad(),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """torch's, NumPy's and Python's random numbers from a seed; afterwards they go on as if nothing had been."""
    numpys, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002 the global one: a learner may use it
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpys)  # noqa: NPY002
            random.setstate(pythons)


@contextlib.contextmanager
def _defaults() -> Iterator[None]:
    """torch's default dtype and device, how exact its products are, and the number of threads."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    precision, device = torch.get_float32_matmul_precision(), torch.get_default_device()
    try:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        with contextlib.nullcontext() if device.type == "cpu" else torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_float32_matmul_precision(precision)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
