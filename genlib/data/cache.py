"""Where data that took time to make or to fetch is kept: a cache may vanish, be damaged or be read-only."""

import io
import os
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from genlib.files import write


def folder() -> Path:
    """The folder for cached data: the one that GENLIB_CACHE names, or the operating system's own, as pooch finds it."""
    if named := os.environ.get("GENLIB_CACHE"):
        return Path(named)
    import pooch  # imports requests and more, so only when asked for

    return Path(pooch.os_cache("genlib"))


def keep(path: Path, content: bytes) -> None:
    """Writes a file in one step. Where that can't be done (a read-only folder, a full disk), the data are still good:
    a warning says so and they are made or fetched again next time."""
    try:
        write(path, content)
    except OSError as error:
        warnings.warn(
            f"{path.name} could not be kept in {path.parent} ({error}): next time it is made or fetched again. "
            f"Name a folder that you may write to in the environment variable GENLIB_CACHE.",
            stacklevel=3,
        )


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as the content of an .npz file: no pickle, and a checksum for each."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    return packed.getvalue()


def unpack(path: Path) -> dict[str, np.ndarray] | None:
    """What ``pack`` made, or None where there is no such file or it is damaged (cut, or a bit flipped)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
