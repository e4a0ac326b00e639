"""Zip archives that learners hand in, read without believing what they say of themselves.

Nothing is unpacked by name: a member is read, up to a size, and whoever asked decides where it goes. What leads
outside, links, devices and what is protected by a password is never read.
"""

import dataclasses
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from genlib.course.check.outside import LARGEST, ValidateError

ZIP, OTHERS = ".zip", (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
LARGEST_ARCHIVE = 100 * 2**20  # bytes
MEMBERS = 2_000
_DIRECTORY = 2**20  # bytes of the list of members: it is read as a whole, before anything can be counted
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for much memory to unpack little


@dataclasses.dataclass(frozen=True)
class Member:
    """A file within an archive: its path there, and its place in the archive's list."""

    name: PurePosixPath
    index: int


def members(path: Path) -> tuple[list[Member], int]:
    """The files in an archive, and how many entries are none that we read. Raises: ValidateError for what is no zip."""
    with _opened(path) as archive:
        entries = archive.infolist()
        if len(entries) > MEMBERS:
            raise ValidateError(f"{path.name} holds {len(entries):,} files; more than {MEMBERS:,} are not read")
        names = [_inside(entry) for entry in entries]
        found = {
            name: Member(name, i)  # of two with one name the last one counts, as when they are unpacked
            for i, (name, entry) in enumerate(zip(names, entries, strict=True))
            if name is not None and not entry.is_dir()
        }
        return list(found.values()), names.count(None)


def read(path: Path, member: Member, most: int = LARGEST) -> bytes:
    """The content of a file within an archive. Raises: ValidateError where it is too large or damaged."""
    where = f"{member.name.name} in {path.name}"
    with _opened(path) as archive:
        entry = archive.infolist()[member.index]
        if entry.flag_bits & 1:
            raise ValidateError(f"{where} is protected by a password")
        if entry.compress_type not in _METHODS:
            raise ValidateError(f"{where} is packed in a way that is not read; pack it as an ordinary zip")
        try:
            with archive.open(entry) as file:
                content = file.read(most + 1)  # never more, whatever the archive says of its size
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as e:
            raise ValidateError(f"{where} is damaged: {e}") from e
    if len(content) > most:
        raise ValidateError(f"{where} has more than {most / 2**20:.0f} MB")
    return content


def _inside(entry: zipfile.ZipInfo) -> PurePosixPath | None:
    """The path of an entry, if it is a file or folder that stays within the archive."""
    name = entry.filename.replace("\\", "/")  # as some programs on Windows write it
    parts = [part for part in name.split("/") if part not in ("", ".")]
    kind = stat.S_IFMT(entry.external_attr >> 16)
    leads_outside = name.startswith("/") or ".." in parts or ":" in name[:2] or "\0" in name
    if leads_outside or not parts or len(parts) > 20 or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return None
    return PurePosixPath(*parts)


def _opened(path: Path) -> zipfile.ZipFile:
    """The archive. Raises: ValidateError where it is none, or one that would take all memory."""
    try:
        if path.is_symlink() or not path.is_file():
            raise ValidateError(f"{path.name} is no regular file")
        if path.stat().st_size > LARGEST_ARCHIVE:
            raise ValidateError(f"{path.name} has more than {LARGEST_ARCHIVE / 2**20:.0f} MB")
        if _directory(path) > _DIRECTORY:
            raise ValidateError(f"{path.name} holds too many files")
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RecursionError, struct.error) as error:
        raise ValidateError(f"{path.name} is not an archive that can be read: {error}") from error


def _directory(path: Path) -> int:
    """How many bytes an archive's list of members has, as its last record says; too many where it can't be told."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 22 - 2**16))
        tail = file.read()
    end = tail.rfind(b"PK\5\6", 0, len(tail) - 18)  # the record has 22 bytes, and begins with these four
    if end < 0:
        return 0  # no archive at all, as zipfile will say
    if tail[max(0, end - 20) : end].startswith(b"PK\6\7"):  # a second record, for more than 65,535 files or 4 GB
        return 2**32
    return int(struct.unpack_from("<L", tail, end + 12)[0])
