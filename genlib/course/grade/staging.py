"""A student's hand-in, laid out in a folder of its own: the notebook, and the files that lay beside it.

Marking sees this copy alone: regular files of bounded size, whatever was handed in, and nothing of anybody else's.
"""

import contextlib
import errno
import hashlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genlib.course.check.outside import ValidateError
from genlib.course.grade import safe
from genlib.course.grade.collecting import NOTEBOOK, HandIn, Piece

FILES, BYTES = 200, 100 * 2**20  # of what lies beside a notebook
CODE = (".py", ".pyc", ".so", ".pyd", ".pth", ".ini", ".cfg")
# Errors of the system that say something of a name, not of the machine.
_OF_THE_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
OURS = ("conftest", "sitecustomize", "usercustomize", "pytest", "tox", "setup")


@contextlib.contextmanager
def laid_out(row: HandIn, content: bytes, notes: list[str]) -> Iterator[Path]:
    """The notebook in a folder that is gone afterwards; notes says what did not come along.

    Raises: OSError where the machine has no room for it.
    """
    assert row.notebook is not None  # whoever has none is not marked
    with tempfile.TemporaryDirectory(prefix="genlib-hand-in-") as temporary:
        folder = Path(temporary) / "work"
        folder.mkdir()
        stem = NOTEBOOK.sub("", row.notebook.name.name)
        path = folder / f"{_plain(stem) or 'notebook'}.ipynb"
        path.write_bytes(content)
        left = BYTES
        for taken, (piece, name) in enumerate(_beside(row, notes)):
            if taken == FILES or left <= 0:
                notes.append(f"not all of the files beside the notebook came along, only {FILES} of 100 MB in all")
                break
            left -= _copy(piece, folder / name, left, notes)
        yield path


def digest(row: HandIn, content: bytes) -> str:
    """A hash of a notebook and of what lies beside it: another one where any of it changed."""
    total, left = hashlib.sha256(content), BYTES
    for piece, name in list(_beside(row, []))[:FILES]:
        with contextlib.suppress(ValidateError):
            beside = piece.read(max(0, left))
            left -= len(beside)
            total.update(f"{name}\0{len(beside)}\0".encode("utf-8", "surrogatepass") + beside)
    return total.hexdigest()


def _beside(row: HandIn, notes: list[str]) -> Iterator[tuple[Piece, PurePosixPath]]:
    """The files that come along, with their paths below the notebook's folder. Other notebooks do not."""
    assert row.notebook is not None
    for piece in row.beside:
        name = piece.name.relative_to(row.notebook.name.parent)
        if NOTEBOOK.search(name.name):
            continue
        if _shadows(name):
            notes.append(f"{safe.line(name, 60)} has the name of a library and was left out")
        else:
            yield piece, name


def _shadows(name: PurePosixPath) -> bool:
    """Whether a file could be taken for a library, for a part of the course, or for settings of what runs notebooks."""
    if name.suffix.lower() not in CODE:
        return False
    top = name.parts[0].split(".")[0].lower()
    if top in OURS or top in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True
    return spec is not None and spec.origin is not None


def _copy(piece: Piece, target: Path, most: int, notes: list[str]) -> int:
    """Copies a file and returns how many bytes it has; what can't be read or written under its name is noted."""
    try:
        content = piece.read(most)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except (ValidateError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _OF_THE_NAME:
            raise  # a full disk is the machine's fault, and no one else's
        notes.append(f"{safe.line(piece.name.name, 60)} beside the notebook was left out: {safe.line(error, 100)}")
        return 0
    return len(content)


def _plain(name: str) -> str:
    """A name for a file that every system takes."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in safe.line(name, 60))
