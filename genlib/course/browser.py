"""Chromium without a screen: it prints the slides, and in the tests it opens what learners and lecturers open."""

import shutil

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


def chromium() -> str:
    """Where Chromium is. Raises: FileNotFoundError, so that a test fails: a missing browser is never skipped."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("Chromium is missing; .ci/run installs it on Debian, elsewhere install it or Chrome")
