"""MNIST and Fashion-MNIST: 70,000 pictures each, fetched once and verified."""

from typing import Any

import torch

from genlib.data import download
from genlib.data.dataset import Dataset
from genlib.data.download import Published

MNIST = Published(
    folder="mnist",
    hashes={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    instead="data.digits() or data.glyphs()",
)

FASHION_MNIST = Published(
    folder="fashion_mnist",
    hashes={  # of the uncompressed content none is published
        "train-images-idx3-ubyte": "gz:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte": "gz:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte": "gz:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte": "gz:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    instead="data.digits() or data.glyphs()",
)

CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def mnist() -> tuple[Dataset, Dataset]:
    """(train, test): 60,000 and 10,000 handwritten digits, x (N, 1, 28, 28) integers 0..255, y (N,) the digit.

    Fetched once (12 MB) and verified by SHA-256. The environment variable GENLIB_DATA names a folder that already holds
    them, as mnist/train-images-idx3-ubyte.gz and so on; GENLIB_CACHE another folder to keep them in. x is stored as
    uint8 (47 MB, int64 would be 376), and data[i] gives int64. Raises: ConnectionError where they can't be had, naming
    what to use instead; ValueError for a damaged file in GENLIB_DATA.
    """
    return _load(
        MNIST,
        name="MNIST",
        class_names=tuple("0123456789"),
        source="Y. LeCun, C. Cortes, C. J. C. Burges. The MNIST database of handwritten digits, 1998",
        licence="CC BY-SA 3.0",
    )


def fashion_mnist() -> tuple[Dataset, Dataset]:
    """(train, test): 60,000 and 10,000 pieces of clothing, x (N, 1, 28, 28) integers 0..255, y (N,) the kind.

    As ``mnist()``, in the subfolder fashion_mnist; 31 MB. What is published is the SHA-256 of the compressed files, so
    GENLIB_DATA has to hold these. The code is the one that mnist()'s tests prove against a server of their own; the
    addresses themselves are never tried by a test.
    """
    return _load(
        FASHION_MNIST,
        name="Fashion-MNIST",
        class_names=CLOTHES,
        source="H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a Novel Image Dataset, 2017, arXiv:1708.07747",
        licence="MIT",
    )


def _load(published: Published, name: str, **common: Any) -> tuple[Dataset, Dataset]:
    arrays = download.load(published)
    parts = []
    for prefix, part in (("train", "training"), ("t10k", "test")):
        images, labels = arrays[f"{prefix}-images-idx3-ubyte"], arrays[f"{prefix}-labels-idx1-ubyte"]
        if images.shape != (len(labels), 28, 28) or labels.max() > 9:
            raise ValueError(f"{name}: {images.shape} images with {labels.shape} labels up to {labels.max()}")
        x = torch.from_numpy(images.copy()).unsqueeze(1)  # (N, 1, 28, 28); a copy, because the array is read-only
        y = torch.from_numpy(labels.astype("int64"))
        parts.append(Dataset(name=f"{name}, {part} part", x=x, y=y, levels=256, **common))
    return parts[0], parts[1]
