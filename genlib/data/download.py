"""Fetching what is too large to ship: several mirrors, every file verified, a good one never replaced by a worse.

Nothing that comes from outside is believed: how long it takes, how large it is, packed and unpacked, and where a server
sends us on are bounded, and what is wrong leads to the next mirror.
"""

import dataclasses
import gzip
import hashlib
import io
import math
import os
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genlib.data import cache
from genlib.files import placed

if TYPE_CHECKING:
    from requests import Response

TIMEOUT = (5, 20)  # seconds: to connect, and between two pieces of the answer
LONGEST = 900  # seconds, for one file
PATIENCE, SLOWEST = 20, 5_000  # after so many seconds, at least so many bytes a second, from the start on
LARGEST = 64 << 20  # bytes of a file, packed and unpacked; the largest one that we know has 47 million
REDIRECTS = 5


@dataclasses.dataclass(frozen=True)
class Published:
    """Files that somebody published: their names, where, and how to tell that one is genuine.

    hashes: file name (without .gz) to the SHA-256 of its *uncompressed* content, because mirrors compress anew; where
    that is not published, "gz:" and the SHA-256 of the compressed file. folder: the name of the subfolder that holds
    them, in the cache and in GENLIB_DATA.
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
                content, fault = _read(path, wanted)
                if content is None:
                    raise ValueError(f"{path} {fault}: replace it, or unset GENLIB_DATA to download {published.folder}")
                return content
    path = cache.folder() / published.folder / f"{name}.gz"
    content, _ = _read(path, wanted)
    return _fetch(published, name, path) if content is None else content


def _read(path: Path, wanted: str) -> tuple[bytes | None, str]:
    """As ``unpack``, of a file on this machine; what is none, or too large, is not even opened."""
    try:
        if placed(path).stat().st_size > LARGEST:
            return None, _too_large("is")
        return unpack(path.read_bytes(), wanted)
    except OSError as error:  # not there, not readable, a folder, a pipe
        return None, f"can't be read ({error.strerror or error})"


def _fetch(published: Published, name: str, path: Path) -> bytes:
    """From the first mirror that has the genuine file; only that one ever gets into the cache."""
    faults = []
    for mirror in published.mirrors:
        url = f"{mirror}{name}.gz"
        try:
            packed = _Transfer(url).received()
            content, fault = unpack(packed, published.hashes[name])
        except Exception as error:  # whatever the libraries below raise: this mirror is no good
            content, fault = None, _in_words(error)
        if content is not None:
            cache.keep(path, packed)
            return content
        faults.append(f"  {url} {fault}")
    tried = "\n".join(faults)
    raise ConnectionError(
        f"{name} could not be fetched:\n{tried}\n"
        f"Check the network and try again; or point the environment variable GENLIB_DATA at a folder with "
        f"{published.folder}/{name}.gz in it; or use {published.instead}, which need no network."
    )


class Refused(Exception):
    """What a server does that we do not go along with; the message says what, as the end of a sentence."""


class _Transfer:
    """One file of one server. It comes in a thread of its own: whatever the server does, we can leave it."""

    def __init__(self, url: str):
        self.url, self.content, self.left = url, bytearray(), False
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def received(self) -> bytes:
        """The file. Raises: Refused, and what requests raises."""
        start = time.monotonic()
        self.thread.start()
        try:
            while self.thread.is_alive():
                self.thread.join(0.1)
                seconds, size = time.monotonic() - start, len(self.content)
                if self.thread.is_alive() and (seconds > LONGEST or (seconds > PATIENCE and size < SLOWEST * seconds)):
                    raise Refused(f"was too slow: {size:,} bytes in {seconds:.0f} seconds")
        finally:
            self.left = True
        if self.error is not None:
            raise self.error
        return bytes(self.content)

    def _run(self) -> None:
        try:
            with _answer(self.url) as response:
                for piece in response.raw.stream(1 << 13, decode_content=False):
                    self.content += piece
                    if len(self.content) > LARGEST:
                        raise Refused(_too_large("sends"))
                    if self.left:
                        return
        except Exception as error:  # told by ``received``
            self.error = error


def _answer(url: str) -> "Response":
    """What a server answers, its head. Raises: Refused where it sends us on to where nobody can be trusted."""
    import requests

    for _ in range(REDIRECTS + 1):
        answer = requests.get(
            url, stream=True, timeout=TIMEOUT, allow_redirects=False, headers={"Accept-Encoding": "identity"}
        )
        if not answer.is_redirect:
            answer.raise_for_status()
            return answer
        answer.close()
        url = requests.compat.urljoin(url, answer.headers["location"])
        if not url.lower().startswith("https://"):
            raise Refused(f"sends us on to {url[:100]!r}, which is not https")
    raise Refused("sends us on and on")


def _in_words(error: Exception) -> str:
    import requests
    import urllib3

    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "did not answer in time"
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.HTTPError | OSError):
        return "could not be reached, or the connection broke"
    return f"failed ({type(error).__name__}: {str(error)[:100]})"


def _too_large(verb: str) -> str:
    return f"{verb} more than {LARGEST >> 20} MB"


def unpack(packed: bytes, wanted: str) -> tuple[bytes | None, str]:
    """(the uncompressed content, "") where its hash is the one wanted, else (None, what is wrong)."""
    of_packed = wanted.startswith("gz:")
    expected = wanted.removeprefix("gz:")
    if of_packed and packed[:2] != b"\x1f\x8b":
        return None, "is not compressed: only the compressed file can be verified"
    if of_packed and (fault := _other_hash(packed, expected)):
        return None, fault
    content = packed
    for _ in range(2):  # some servers undo the compression on the way, and some compress once more
        if content[:2] == b"\x1f\x8b":
            try:
                content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(LARGEST + 1)
            except (OSError, EOFError, zlib.error) as error:
                return None, f"is cut off or damaged ({error})"
            if len(content) > LARGEST:
                return None, _too_large("holds")
    fault = "" if of_packed else _other_hash(content, expected)
    return (None, fault) if fault else (content, "")


def _other_hash(content: bytes, expected: str) -> str:
    """What is wrong, or nothing."""
    found = hashlib.sha256(content).hexdigest()
    return "" if found == expected else f"is not the genuine file (SHA-256 {found[:12]}…, not {expected[:12]}…)"


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
