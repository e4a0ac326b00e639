"""1,797 handwritten digits of 8x8 pixels, embedded in scikit-learn: real data that needs no download."""

import functools
import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genlib.data.dataset import Dataset

SOURCE = "E. Alpaydin, C. Kaynak. Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998"


@functools.cache
def digits() -> tuple[Dataset, Dataset]:
    """(train, test): 1,437 and 360 digits, x (N, 1, 8, 8) integers 0..16, y (N,) the digit. The split is fixed.

    The writers of the two parts are not told apart in scikit-learn's copy, so the split is at random (NumPy's frozen
    RandomState(0)). A pixel counts the dark ones among 4x4 in the scanned bitmap, hence 17 levels.
    """
    raw = torch.from_numpy(_table()).long()
    x, y = raw[:, :-1].reshape(-1, 1, 8, 8), raw[:, -1].contiguous()
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(x)))
    train, test = order[:1437], order[1437:]
    common: dict[str, Any] = {
        "levels": 17,
        "class_names": tuple("0123456789"),
        "source": SOURCE,
        "licence": "CC BY 4.0",
    }
    return (
        Dataset(name="digits, training part", x=x[train], y=y[train], **common),
        Dataset(name="digits, test part", x=x[test], y=y[test], **common),
    )


def _table() -> np.ndarray:
    """scikit-learn's table of 1,797 rows: 64 pixels, then the digit.

    Its file is read as it is: importing scikit-learn takes one to two seconds of the processor, its SciPy most of them.
    """
    found = importlib.util.find_spec("sklearn")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz" if found and found.origin else None
    if file is not None and file.is_file():
        with gzip.open(file, "rt", encoding="ascii") as lines:
            return np.loadtxt(lines, delimiter=",")
    from sklearn.datasets import load_digits  # a version that keeps it elsewhere

    raw = load_digits()
    return np.column_stack([raw.data, raw.target])
