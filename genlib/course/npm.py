"""Other people's JavaScript, fetched when it is needed: what slides are made with, and what lints the widgets."""

import hashlib
import shutil
import subprocess
from pathlib import Path

NAMED = ("package.json", "package-lock.json", ".npmrc")


class NpmError(Exception):
    """npm is missing, or could not fetch what was asked for; the message says what to do."""


def install(wanted: Path, into: Path) -> Path:
    """What the package.json in ``wanted`` names, in the versions of its lock; returns the node_modules in ``into``.

    Nothing is done where it is there already. Raises: NpmError.
    """
    files = [wanted / name for name in NAMED]
    done, digest = into / "digest", hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    if done.exists() and done.read_text() == digest:
        return into / "node_modules"
    npm = shutil.which("npm")
    if npm is None:
        raise NpmError(f"npm is missing: it fetches what {wanted.name}/package.json names; install Node.js 20 or newer")
    into.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copy(path, into)
    run = subprocess.run([npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=into, capture_output=True)
    if run.returncode:
        raise NpmError(f"npm could not fetch what {wanted.name} needs:\n{run.stderr.decode()[-2000:]}")
    done.write_text(digest)
    return into / "node_modules"
