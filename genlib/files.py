"""Writing a file in one step: a reader sees the old one or the new one, never half of it."""

import os
import tempfile
from pathlib import Path


def write(path: Path | str, content: str | bytes) -> bool:
    """Writes a file so that it is never half there, also if the program is killed; False if it said the same."""
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    if path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
