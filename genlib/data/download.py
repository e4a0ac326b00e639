"""Fetching what is too large to ship: several mirrors, every file verified, a good one never replaced by a worse."""

import dataclasses
import gzip
import hashlib
import io
import math
import os
import zlib
from pathlib import Path

import numpy as np

from genlib.data import cache

TIMEOUT = (5, 20)  # seconds: to connect, and between two pieces of the answer


@dataclasses.dataclass(frozen=True)
class Published:
    """Files that somebody published: their names, where, and how to tell that one is genuine.

    hashes: file name (without .gz) to "sha256:…" or "md5:…" of its *uncompressed* content, because mirrors compress
    anew. folder: the name of the subfolder that holds them, in the cache and in GENLIB_DATA.
    """

    folder: str
    hashes: dict[str, str]
    mirrors: tuple[str, ...]
    instead: str  # what to use without a network


def load(published: Published) -> dict[str, np.ndarray]:
    """The content of every file, as an array: uint8, of the shape that its header tells.

    Looked for in the folder that GENLIB_DATA names, then in the cache, then on each mirror in turn. Raises: ValueError
    for a damaged file in GENLIB_DATA, which is yours and so is left alone; ConnectionError where no mirror could help.
    """
    return {name: parse_idx(_content(published, name), name) for name in published.hashes}


def _content(published: Published, name: str) -> bytes:
    wanted = published.hashes[name]
    if named := os.environ.get("GENLIB_DATA"):
        for path in (Path(named, published.folder, f"{name}.gz"), Path(named, published.folder, name)):
            if path.exists():
                content, fault = unpack(path.read_bytes(), wanted)
                if content is None:
                    raise ValueError(f"{path} {fault}: replace it, or unset GENLIB_DATA to download {published.folder}")
                return content
    path = cache.folder() / published.folder / f"{name}.gz"
    try:
        content, _ = unpack(path.read_bytes(), wanted)
    except OSError:  # not there, or not readable
        content = None
    return _fetch(published, name, path) if content is None else content


def _fetch(published: Published, name: str, path: Path) -> bytes:
    """From the first mirror that has the genuine file; only that one ever gets into the cache."""
    import pooch  # imports requests and more, so only when asked for

    download = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=1 << 16)
    faults = []
    for mirror in published.mirrors:
        url = f"{mirror}{name}.gz"
        packed = io.BytesIO()
        try:
            download(url, packed, None)
            content, fault = unpack(packed.getvalue(), published.hashes[name])
        except (OSError, ValueError) as error:  # requests' errors are OSErrors, and ValueErrors for an odd address
            content, fault = None, _in_words(error)
        if content is not None:
            cache.keep(path, packed.getvalue())
            return content
        faults.append(f"  {url} {fault}")
    tried = "\n".join(faults)
    raise ConnectionError(
        f"{name} could not be fetched:\n{tried}\n"
        f"Check the network and try again; or point the environment variable GENLIB_DATA at a folder with "
        f"{published.folder}/{name}.gz in it; or use {published.instead}, which need no network."
    )


def _in_words(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "could not be reached, or the connection broke"
    return f"failed ({type(error).__name__}: {str(error)[:100]})"


def unpack(packed: bytes, wanted: str) -> tuple[bytes | None, str]:
    """(the uncompressed content, "") where its hash is the one wanted, else (None, what is wrong)."""
    try:
        # Some servers undo the compression on the way.
        content = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except (OSError, EOFError, zlib.error) as error:
        return None, f"is cut off or damaged ({error})"
    algorithm, _, expected = wanted.partition(":")
    found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    if found != expected:
        return None, f"is not the genuine file ({algorithm} {found[:12]}…, not {expected[:12]}…)"
    return content, ""


def parse_idx(content: bytes, name: str = "the file") -> np.ndarray:
    """The array of an IDX file: two zero bytes, the type (8: uint8), the number of dimensions, each as four bytes with
    the large end first, then the values. Raises: ValueError for anything else."""
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{name} is not an IDX file of bytes: it starts with {content[:4]!r}")
    dimensions = content[3]
    if len(content) < 4 + 4 * dimensions:
        raise ValueError(f"{name} is cut off in its header")
    shape = tuple(int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(dimensions))
    values = content[4 + 4 * dimensions :]
    if len(values) != math.prod(shape):
        raise ValueError(f"{name} announces {shape} values and holds {len(values)}")
    return np.frombuffer(values, np.uint8).reshape(shape)
