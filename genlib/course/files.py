"""Writing a file so that it is never half there."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str) -> bool:
    """Writes a file in one step, so that it is never half there; returns False where it already said the same."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
    return True
