"""Where data that took time to make or to fetch is kept: a cache may vanish, be damaged or be read-only."""

import hashlib
import io
import os
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from genlib.files import placed, write

LARGEST = 2 << 30  # bytes: nothing that we keep is larger
_LENGTH = (64).to_bytes(2, "little")  # of the hash, in hexadecimal


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
    """Arrays as the content of an .npz file: no pickle, and a hash of all of it in the archive's comment."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    content = packed.getvalue()  # its last two bytes are the length of a comment that is not there yet
    return content[:-2] + _LENGTH + hashlib.sha256(content).hexdigest().encode()


def unpack(path: Path) -> dict[str, np.ndarray] | None:
    """What ``pack`` made, or None where there is no such file or a single bit is another one."""
    try:
        if placed(path).stat().st_size > LARGEST:
            return None
        content = path.read_bytes()
        written, told = content[:-66] + b"\0\0", content[-64:]
        if content[-66:-64] != _LENGTH or hashlib.sha256(written).hexdigest().encode() != told:
            return None  # before anything is unpacked
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error):
        return None
