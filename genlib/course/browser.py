"""Chromium without a screen: it prints the slides, and in the tests it opens what learners and lecturers open.

Run as a program, `python genlib/course/browser.py`, it sees to it that there is a browser, npm with Node.js, and on
Debian bubblewrap: what is missing is fetched where that can be done, else one line says what to install. `make test`
begins with it, before there is an environment: so nothing is imported here but Python's own.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER, NPM = "Chromium or Chrome", "npm with Node.js"
SANDBOX = "bubblewrap"  # for marking; Debian's package is called so too
_PATIENCE = 300  # seconds for a download
_PACKAGES = {BROWSER: ["chromium", "fonts-dejavu-core"], NPM: ["nodejs", "npm"]}  # Debian's
_HOW = {
    "darwin": {BROWSER: "brew install --cask google-chrome", NPM: "brew install node"},
    "win32": {BROWSER: "winget install Google.Chrome", NPM: "winget install OpenJS.NodeJS"},
    "debian": {kind: f"sudo apt-get install {' '.join(names)}" for kind, names in _PACKAGES.items()},
    "other": {BROWSER: "Chromium, by your package manager", NPM: "Node.js and npm, by your package manager"},
}


# Finding --------------------------------------------------------------------------------------------------------------


def chromium() -> str:
    """Where Chromium is. Raises: FileNotFoundError, so that a test fails: a missing browser is never skipped."""
    found = next((path for path in _candidates() if _starts(path)), None)
    if found is None:
        raise FileNotFoundError(f"{BROWSER} is missing; {_advice([BROWSER])}")
    return found


def _candidates() -> Iterator[str]:
    """The browsers of this machine, and Playwright's own last."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            yield found
    for path in [*_usual_places(), *_playwrights_own()]:
        if path.is_file():
            yield str(path)


def _usual_places() -> list[Path]:
    """Where macOS and Windows keep Chrome and Chromium: not on the PATH."""
    if sys.platform == "darwin":
        folders = [Path("/Applications"), Path.home() / "Applications"]
        names = ("Google Chrome", "Chromium")
        return [folder / f"{name}.app" / "Contents" / "MacOS" / name for folder in folders for name in names]
    if sys.platform == "win32":
        set_here = [os.environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        names = ("Google/Chrome", "Chromium")
        return [Path(folder) / name / "Application" / "chrome.exe" for folder in set_here if folder for name in names]
    return []


def _playwrights_own() -> list[Path]:
    """The browsers that `playwright install` fetched, the newest first; half a download has no mark."""
    folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if not folder:
        caches = {"darwin": Path.home() / "Library" / "Caches", "win32": Path(os.environ.get("LOCALAPPDATA", "."))}
        folder = str(caches.get(sys.platform, Path.home() / ".cache") / "ms-playwright")
    done = [path.parent for path in Path(folder).glob("chromium-*/INSTALLATION_COMPLETE")]
    newest = sorted(done, key=lambda path: int(re.sub(r"\D", "", path.name) or 0), reverse=True)
    programs = ("chrome-*/chrome", "chrome-*/chrome.exe", "chrome-*/*.app/Contents/MacOS/*")
    return [path for version in newest for program in programs for path in sorted(version.glob(program))]


@functools.cache
def _starts(path: str) -> bool:
    """Whether a browser is more than a file: some lack libraries, some only say where to get one. Asked on Linux."""
    if not sys.platform.startswith("linux"):
        return True  # on Windows, asking for the version opens a window
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# Getting --------------------------------------------------------------------------------------------------------------


def missing() -> list[str]:
    """What `make test` and `make slides` need and this machine has not."""
    browser = any(_starts(path) for path in _candidates())
    npm = shutil.which("npm") and shutil.which("node")
    return [what for what, there in ((BROWSER, browser), (NPM, npm)) if not there]


def provide() -> int:
    """Gets what is missing and returns the exit status: 0, or 1 after a line that says what to install.

    On Debian, as root, packages are installed; else Playwright fetches its own browser, once it is there itself: a call
    before that leaves the browser to a later one.
    """
    lacking = missing()
    packages = [name for what in lacking for name in _PACKAGES[what]]
    if not shutil.which("bwrap"):
        packages.insert(0, SANDBOX)  # it is not asked for elsewhere: marking works without, and says so
    if packages and _debian() and _root():
        _install(packages)
        lacking = missing()
    if lacking == [BROWSER]:
        if importlib.util.find_spec("playwright") is None:
            return 0
        _fetch_playwrights_own()
        lacking = missing()
    if lacking:
        print(f"The tests and the slides need {' and '.join(lacking)}; {_advice(lacking)}", file=sys.stderr)
    return 1 if lacking else 0


def _install(packages: list[str]) -> None:
    print(f"Installing {' '.join(packages)} (apt-get)", flush=True)
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _try(["apt-get", "update", "-qq"], quietly)
    _try(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], quietly)


def _fetch_playwrights_own() -> None:
    print(f"Fetching a browser (playwright install chromium; {_PATIENCE // 60} minutes at most)", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if _root() and shutil.which("apt-get"):
        command.insert(-1, "--with-deps")  # Ubuntu: the libraries that it needs
    _try(command, os.environ | {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000"})


def _try(command: list[str], environment: dict[str, str]) -> None:
    """Runs a command for so long at most, and ends all that it started. It may fail."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"`{' '.join(command)}` did not end; giving up on it", file=sys.stderr)
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _starts.cache_clear()


def _root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _debian() -> bool:
    """Debian itself: Ubuntu's package of that name is only a way to a snap."""
    release = Path("/etc/os-release")
    lines = release.read_text(encoding="utf-8").splitlines() if release.is_file() else []
    return "ID=debian" in lines and shutil.which("apt-get") is not None


def _advice(lacking: list[str]) -> str:
    how = _HOW.get(sys.platform) or _HOW["debian" if _debian() else "other"]
    return "install: " + ", ".join(how[what] for what in lacking)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 it is run before anything else could say so
        sys.exit(f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]} (make PYTHON=…)")
    sys.exit(provide())
