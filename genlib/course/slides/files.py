"""Where a deck is written, and where its slides are built."""

import hashlib
import re
from pathlib import Path

from genlib.lectures import ROOT, SLIDES, Lecture

SOURCES = SLIDES
TEMPLATE = SOURCES / "template"
BUILD = ROOT / "build" / "slides"
PACKAGES = BUILD / "npm"


def source(lecture: Lecture) -> Path:
    """Where the deck of a lecture is written."""
    return SOURCES / f"{lecture.name}.md"


def html(lecture: Lecture) -> Path:
    """Where its slides are built."""
    return BUILD / f"{lecture.name}.html"


def pdf(lecture: Lecture) -> Path:
    """Where its PDF is built."""
    return BUILD / f"{lecture.name}.pdf"


def digest(*parts: str | bytes | Path) -> str:
    """A hash of texts and of files' content: another one where anything changed."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def library() -> list[Path]:
    """What the outputs of a deck depend on beside its cells: all of genlib but the course."""
    found = [path for path in (ROOT / "genlib").rglob("*") if path.suffix in (".py", ".js")]
    return sorted(path for path in found if "course" not in path.relative_to(ROOT).parts)


def digest_of(path: Path) -> str | None:
    """The digest that a built file names: it stands in the first lines."""
    if not path.exists():
        return None
    with open(path, encoding="utf-8") as file:
        match = re.search(r"digest: (\w+)", file.read(2000))
    return match[1] if match else None
