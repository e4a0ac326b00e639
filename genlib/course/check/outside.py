"""A notebook from outside: whatever its file is and holds, out comes a plain notebook, or a line that says why not.

Only regular files are read, up to a size and for so long. Of what they hold only the parts are kept that the course
knows, each of the type that it should have; so nothing further on meets null, a number or half a letter.
"""

import json
import os
import re
import stat
import time
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, v4

LARGEST = 64 * 2**20  # bytes of a notebook
VALUES = 2_000_000  # in its JSON; each takes some hundred bytes of memory, however small the file is
CELLS = 5_000
SECONDS = 30.0  # for reading a file; a disk that takes longer is one that hangs
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class ValidateError(Exception):
    """The notebook can't be checked; the message says why."""


def bytes_of(path: Path, most: int = LARGEST, *, follow: bool = True) -> bytes:
    """The content of a regular file. Raises: ValidateError for what is none, is too large, or takes too long."""
    if not follow and path.is_symlink():
        raise ValidateError(f"{path.name} is a link, and links are not followed")
    deadline, parts, size = time.monotonic() + SECONDS, [], 0
    try:
        with open(path, "rb", opener=_at_once) as file:
            kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
            if kind != stat.S_IFREG:
                raise ValidateError(f"{path.name} is {_KINDS.get(kind, 'no file')}, not a notebook")
            while part := file.read(2**20):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise ValidateError(f"{path.name} has more than {most / 2**20:.0f} MB; clear its outputs")
                if time.monotonic() > deadline:
                    raise ValidateError(f"{path.name} could not be read within {SECONDS:.0f} seconds")
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise ValidateError(f"{path.name} can't be read: {_why(error)}") from error
    return b"".join(parts)


def _at_once(path: str, flags: int) -> int:
    """Opens a file; opening a pipe would wait for somebody who writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _why(error: Exception) -> str:
    """An error of the system in words, without its number and the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file. Raises: ValidateError where there is none."""
    return notebook_of(bytes_of(path), path.name)


def notebook_of(data: bytes, name: str) -> NotebookNode:
    """The notebook that these bytes of a file are. Raises: ValidateError where they are none."""
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
        raise ValidateError(f"{name} holds more than {VALUES:,} values; clear its outputs")
    try:
        content = json.loads(_decoded(data))
    except RecursionError:
        raise ValidateError(f"{name} is not a notebook that can be read: it is nested too deeply") from None
    except ValueError as error:
        raise ValidateError(f"{name} is not a notebook that can be read: {str(error)[:200]}") from None
    cells = _cells(content)
    if cells is None:
        raise ValidateError(f"{name} is not a notebook that can be read: it has no cells")
    if len(cells) > CELLS:
        raise ValidateError(f"{name} has {len(cells):,} cells; more than {CELLS:,} are not read")
    lecture = _dict(_dict(content.get("metadata")).get("genlib")).get("lecture")
    known = {"genlib": NotebookNode(lecture=_line(lecture))} if isinstance(lecture, str) else {}
    return v4.new_notebook(cells=_plain(cells), metadata=NotebookNode(known))


def _decoded(data: bytes) -> str:
    """The text of a file: UTF-8 or 16, as JSON should be, or what an editor on Windows makes of it."""
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _cells(content: Any) -> list | None:
    """The list of cells: where notebooks have it today, and where those of 2014 had it."""
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("cells"), list):
        return content["cells"]
    sheets = content.get("worksheets")
    if not isinstance(sheets, list):
        return None
    lists = (_dict(sheet).get("cells") for sheet in sheets)
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _plain(cells: list) -> list[NotebookNode]:
    """The cells as the course knows them, each with an id of its own: a copied cell carries its id along."""
    plain = [_cell(cell, f"cell-{i}") for i, cell in enumerate(cells)]
    taken: set[str] = set()
    for cell in plain:
        while cell.id in taken:
            cell.id = f"{cell.id[:50]}-{len(taken)}"
        taken.add(cell.id)
    return plain


def _cell(cell: Any, number: str) -> NotebookNode:
    """A cell with what we know of it; what is no cell becomes an empty one of text."""
    cell = _dict(cell)
    kind, source = cell.get("cell_type"), text_of(cell.get("source", cell.get("input")))
    if kind == "code":
        new = v4.new_code_cell(source)
        if printed := _printed(cell.get("outputs")):
            new.outputs = [v4.new_output("stream", name="stdout", text=printed)]
    else:
        new = v4.new_raw_cell(source) if kind == "raw" else v4.new_markdown_cell(source)
    name = cell.get("id")
    new.id = name if isinstance(name, str) and re.fullmatch(r"[\w-]{1,64}", name, re.ASCII) else number
    metadata = _dict(cell.get("metadata"))
    for key in ("exercise", "question"):
        if isinstance(metadata.get(key), str):
            new.metadata[key] = _line(metadata[key])
    tags = metadata.get("tags")
    if isinstance(tags, list):
        new.metadata["tags"] = [_line(tag) for tag in tags if isinstance(tag, str)]
    return new


def _printed(outputs: Any) -> str:
    """What a cell printed, as its stored outputs say: the beginning of it."""
    streams = [_dict(output) for output in outputs[:100]] if isinstance(outputs, list) else []
    return "".join(text_of(stream.get("text")) for stream in streams if stream.get("name") == "stdout")[:10_000]


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """A text, or a list of its lines, without halves of letters, which can't be written to a file; else nothing."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _line(text: str) -> str:
    return text_of(text)[:200]
