"""Who handed in what: a folder of a class as rows, one for each notebook, and one for everyone who has none.

A class is collected as one folder a student, one file a student named after them, or as Moodle and Canvas export it.
Archives are looked into. Links are not followed: what they lead to is somebody else's.
"""

import contextlib
import dataclasses
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genlib.course.check.outside import LARGEST, ValidateError, bytes_of
from genlib.course.grade import archives, safe

FILES, NOTEBOOKS = 2_000, 20  # of one student; nobody hands in more
NOTEBOOK = re.compile(r"\.ipynb(?: ?\(\d+\))?(?:\.(?:txt|json))?$", re.IGNORECASE)  # browsers add what they like
JUNK = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini")  # and all that begins with a dot
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?$", re.DOTALL)
CANVAS = re.compile(r"^(?P<name>[^\W_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d{3,}_(?P<file>.+)$", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A file that was handed in: its path below what its owner handed in, and where it lies."""

    name: PurePosixPath
    path: Path
    member: archives.Member | None = None  # within an archive, which is then the path

    def read(self, most: int = LARGEST) -> bytes:
        """Its content. Raises: ValidateError where it can't be read."""
        if self.member is not None:
            return archives.read(self.path, self.member, most)
        return bytes_of(self.path, most, follow=False)


@dataclasses.dataclass
class HandIn:
    """A row: a student's notebook with what lies beside it, or, where there is none, the reason in the notes."""

    student: str
    file: str
    notebook: Piece | None
    beside: list[Piece] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    id: str = ""  # of the place where it lies, also where two names look the same


@dataclasses.dataclass
class Owner:
    """A student: everything that they handed in, and what is to be said of it."""

    student: str
    place: str  # the name of their folder or file, as it is
    pieces: list[Piece] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    ignored: Counter[str] = dataclasses.field(default_factory=Counter)


def collect(folder: Path) -> tuple[list[HandIn], Counter[str]]:
    """The rows of a class, by student, and what was ignored. Raises: OSError where the folder can't be read."""
    owners: dict[str, Owner] = {}
    ignored: Counter[str] = Counter()
    for entry in _entries(folder):
        owner = _owner_of(entry, owners)
        if owner is None:
            ignored[_kind(entry.name)] += 1
        else:
            _take(entry, owner)
    rows = []
    for owner in owners.values():
        rows += _rows(owner, folder)
        ignored += owner.ignored
    _tell_shared(rows)
    return sorted(rows, key=lambda row: (row.student.casefold(), row.student, row.file)), ignored


def _tell_shared(rows: list[HandIn]) -> None:
    """Notes which students have one and the same file: a second name of it, which no one can tell from the first."""
    names: dict[tuple[int, int], list[HandIn]] = {}
    for row in rows:
        if row.notebook is not None and row.notebook.member is None:
            with contextlib.suppress(OSError):
                status = row.notebook.path.lstat()
                names.setdefault((status.st_dev, status.st_ino), []).append(row)
    for same in names.values():
        for row in same:
            others = {other.student for other in same if other.student != row.student}
            row.notes += [f"this is the very file of {student}, by another name" for student in sorted(others)[:3]]


def _entries(folder: Path) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _owner_of(entry: os.DirEntry, owners: dict[str, Owner]) -> Owner | None:
    """The student to whom a file or folder of the class belongs; None where it is nobody's."""
    name = entry.name
    if _junk(name):
        return None
    if export := _exported(name):
        student = f"{export['name']} ({export['id']})"
        owner = owners.setdefault(student, Owner(safe.line(student, 100), name))
        if export.groupdict().get("late") and _LATE not in owner.notes:
            owner.notes.append(_LATE)
        return owner
    folder = entry.is_dir() or (entry.is_symlink() and not os.path.exists(entry.path))
    if not folder and not NOTEBOOK.search(name) and not _archive(name):
        return None
    student = name if folder else NOTEBOOK.sub("", name) if NOTEBOOK.search(name) else Path(name).stem
    return owners.setdefault(f"/{name}", Owner(safe.line(student, 100) or "?", name))


def _exported(name: str) -> re.Match | None:
    """The parts of a name as Moodle and Canvas write them."""
    return MOODLE.match(name) or CANVAS.match(name)


_LATE = "handed in late, says Canvas"


def _take(entry: os.DirEntry, owner: Owner) -> None:
    """Adds a file, or the files of a folder, to what a student handed in."""
    if entry.is_symlink():
        owner.notes.append(_link(entry.name))
    elif entry.is_dir(follow_symlinks=False):
        for name, path in _walk(Path(entry.path), owner):
            _add(owner, name, path)
    else:
        export = _exported(entry.name)
        _add(owner, PurePosixPath((export and export["file"]) or entry.name), Path(entry.path))


def _link(name: object) -> str:
    return f"{safe.line(name, 100)} is a link, and links are not followed"


def _walk(top: Path, owner: Owner) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files below a student's folder, with their paths there; what is none is noted."""
    waiting, seen = [top], 0
    while waiting:
        here = waiting.pop(0)
        try:
            entries = _entries(here)
        except OSError as error:
            owner.notes.append(f"{safe.line(here.name, 100)} can't be read: {error.strerror}")
            continue
        for entry in entries:
            seen += 1
            if seen > FILES:
                owner.notes.append(f"there are more than {FILES:,} files; the rest was not looked at")
                return
            path = Path(entry.path)
            name = PurePosixPath(path.relative_to(top).as_posix())
            if _junk(entry.name):
                owner.ignored[_kind(entry.name)] += 1
            elif entry.is_symlink():
                owner.notes.append(_link(name))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(path)
                if NOTEBOOK.search(entry.name):
                    owner.notes.append(f"{safe.line(name, 100)} is a folder, not a notebook")
            else:
                yield name, path


def _add(owner: Owner, name: PurePosixPath, path: Path) -> None:
    """Adds a file to what a student handed in; an archive adds the files that it holds."""
    if name.suffix.lower() != archives.ZIP:
        owner.pieces.append(Piece(name, path))
        return
    if len(owner.pieces) > FILES:
        owner.notes.append(f"{safe.line(name, 100)} was not looked into: there are more than {FILES:,} files already")
        return
    try:
        inside, outside = archives.members(path)
    except ValidateError as error:
        owner.notes.append(safe.line(error))
        return
    tops = (_exported(member.name.parts[0]) for member in inside)
    if len({(top["name"], top["id"]) for top in tops if top}) > 1:
        owner.notes.append(f"{safe.line(name, 100)} looks like a whole class: unpack it, and mark what is in it")
        return
    if outside:
        which = "lead outside of it, are links, or lie too deep; they were left out"
        owner.notes.append(f"{outside} entries of {safe.line(name, 100)} {which}")
    for member in inside:
        if junk := next((part for part in member.name.parts if _junk(part)), None):
            owner.ignored[_kind(junk)] += 1
        else:
            owner.pieces.append(Piece(name / member.name, path, member))


def _rows(owner: Owner, folder: Path) -> list[HandIn]:
    """A row for each of a student's notebooks, or one that says that there is none."""
    notebooks = [piece for piece in owner.pieces if NOTEBOOK.search(piece.name.name)]
    if not notebooks:
        return [_row(owner, PurePosixPath(owner.place), None, _why_none(owner))]
    notes = list(owner.notes)
    if len(notebooks) > NOTEBOOKS:
        notes.append(f"there are {len(notebooks)} notebooks; only {NOTEBOOKS} of one student are marked")
    rows = []
    for piece in notebooks[:NOTEBOOKS]:
        place = PurePosixPath(piece.path.relative_to(folder).as_posix())
        row = _row(owner, place / piece.member.name if piece.member else place, piece, notes)
        row.beside = [p for p in owner.pieces if p is not piece and p.name.is_relative_to(piece.name.parent)]
        rows.append(row)
    return rows


def _row(owner: Owner, place: PurePosixPath, notebook: Piece | None, notes: list[str]) -> HandIn:
    known_by = hashlib.sha256(str(place).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return HandIn(owner.student, safe.line(place, 300), notebook, [], list(notes), known_by)


def _why_none(owner: Owner) -> list[str]:
    """Why a student has no notebook, in words."""
    names = [safe.line(piece.name, 60) for piece in owner.pieces]
    packed = [name for name in names if _archive(name)]
    if packed:
        return [*owner.notes, f"no notebook: {packed[0]} is not looked into, only a zip that is handed in as it is"]
    if names:
        return [*owner.notes, f"no notebook: there is {', '.join(names[:3])}{' and more' if names[3:] else ''}"]
    said = [note for note in owner.notes if note != _LATE]
    return owner.notes if said else [*owner.notes, "no notebook: there is nothing"]


def _junk(name: str) -> bool:
    return name.startswith(".") or name in JUNK


def _archive(name: str) -> bool:
    return name.lower().endswith((archives.ZIP, *archives.OTHERS))


def _kind(name: str) -> str:
    """What something that is ignored is counted as."""
    return "._ files of macOS" if name.startswith("._") else safe.line(name, 60)
