"""Writing a file in one step: a reader sees the old one or the new one, never half of it.

A file is written beside its place under a name of its own, and then takes the place. What a killed program left under
such a name is cleared away by the next one that writes into the folder.
"""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which does not delete a file that somebody has open
    fcntl = None  # type: ignore[assignment]

UNFINISHED = ".genlib-"  # how the name of a file begins that is being written


def write(path: Path | str, content: str | bytes) -> bool:
    """Writes a file so that it is never half there, also if the program is killed; False if it said the same.

    A link stays a link: the file that it points to is written. Raises: OSError, also where there is no plain file.
    """
    place, content = placed(path), content.encode() if isinstance(content, str) else content
    place.parent.mkdir(parents=True, exist_ok=True)
    clear(place.parent)
    if place.exists() and place.stat().st_size == len(content) and place.read_bytes() == content:
        return False
    with _unfinished(place, content) as unfinished:
        os.replace(unfinished, place)
    return True


def create(path: Path | str, content: str | bytes) -> None:
    """Writes a file that is not there yet. Raises: FileExistsError where one is, also if it came this very moment."""
    place = placed(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    clear(place.parent)
    with _unfinished(place, content.encode() if isinstance(content, str) else content) as unfinished:
        _name(unfinished, place)


def exchange(path: Path | str, content: str | bytes, is_old: Callable[[bytes], bool]) -> bool:
    """Replaces a file if what it says still is old; else it stays as it is, and False.

    Whoever saves the file at the same moment loses nothing: it is moved aside before it is looked at, and the new one
    takes its name only where no other has come. ``put_back`` mends what a kill leaves half done.
    """
    place = placed(path)
    clear(place.parent)
    with _unfinished(place, content.encode() if isinstance(content, str) else content) as unfinished:
        aside = _aside(place)
        os.replace(place, aside)
        try:
            if not is_old(aside.read_bytes()):
                return False
            _name(unfinished, place)
        except FileExistsError:
            return False
        finally:
            put_back(place)
    return True


def put_back(path: Path | str) -> None:
    """Ends what ``exchange`` began: what stands aside gets its name back, unless another file has it by now."""
    place = placed(path)
    aside = _aside(place)
    if aside.exists():
        with contextlib.suppress(FileExistsError):
            _name(aside, place)
        aside.unlink(missing_ok=True)


def placed(path: Path | str) -> Path:
    """Where a file really is, behind links. Raises: OSError for a folder, a device or a pipe, which are no files."""
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if place.exists() and not place.is_file():
        raise OSError(errno.EINVAL, "this is a device or a pipe, not a file", str(path))
    return place


def clear(folder: Path) -> None:
    """Deletes what a killed program left unfinished in a folder; what another one is writing now stays."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            if fcntl is None:
                path.unlink()
                continue
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer holds it as long as it lives
                path.unlink()
            finally:
                os.close(handle)


@contextlib.contextmanager
def _unfinished(place: Path, content: bytes) -> Iterator[Path]:
    """A file beside ``place`` with the content, and the rights of what stands there; gone afterwards."""
    handle, path = _opened(place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(OSError):  # some file systems know no rights
                os.chmod(path, stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o644)
            if fcntl is None:  # Windows does not rename a file that is open
                file.close()
            yield path
    finally:
        path.unlink(missing_ok=True)


def _opened(folder: Path) -> tuple[int, Path]:
    """A new file that is this process's: locked, so that no other one takes it for a killed one's."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        if fcntl is None or os.fstat(handle).st_nlink:  # nobody has deleted it before it was locked
            return handle, Path(name)
        os.close(handle)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.before")


def _name(path: Path, place: Path) -> None:
    """Gives a file a name. Raises: FileExistsError where another one has it."""
    try:
        os.link(path, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if place.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place)) from None
        os.rename(path, place)
