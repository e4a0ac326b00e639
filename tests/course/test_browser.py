"""What `make test` begins with: a browser and npm are found, or fetched, or one line says what to install.

Machines are pretended: nothing is installed or removed here.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genlib.course import browser
from genlib.course.browser import BROWSER, NPM
from genlib.lectures import ROOT

PROGRAM = ROOT / "genlib" / "course" / "browser.py"


class Machine:
    """A machine with these programs on its PATH; ``ran`` holds the commands that were tried on it."""

    def __init__(self, monkeypatch, tmp_path):
        self.programs: dict[str, str] = {}
        self.broken: set[str] = set()  # browsers that do not start
        self.ran: list[list[str]] = []
        self.after = lambda command: None  # what a command brings about
        self.debian, self.root, self.playwright = False, False, True
        monkeypatch.setattr(browser.shutil, "which", lambda name: self.programs.get(name))
        monkeypatch.setattr(browser, "_starts", lambda path: path not in self.broken)
        monkeypatch.setattr(browser, "_debian", lambda: self.debian)
        monkeypatch.setattr(browser, "_root", lambda: self.root)
        monkeypatch.setattr(browser, "_try", self._try)
        found = lambda name: object() if self.playwright else None  # noqa: E731
        monkeypatch.setattr(browser.importlib.util, "find_spec", found)
        monkeypatch.setattr(browser.Path, "home", lambda: tmp_path)
        monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH", raising=False)

    def _try(self, command, environment):
        self.ran.append(command)
        self.after(command)

    def has(self, *names):
        self.programs |= {name: f"/usr/bin/{name}" for name in names}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    monkeypatch.setattr(browser.sys, "platform", "linux")
    return Machine(monkeypatch, tmp_path)


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_where_everything_is_there_nothing_is_done_or_said(machine, capsys):
    machine.has("google-chrome", "npm", "node")
    assert browser.provide() == 0
    assert machine.ran == []
    assert capsys.readouterr() == ("", "")
    assert browser.chromium() == "/usr/bin/google-chrome"


def test_debian_as_root_installs_what_is_missing_and_only_that(machine):
    machine.debian = machine.root = True
    machine.has("chromium", "bwrap")
    machine.after = lambda command: machine.has("npm", "node")
    assert browser.provide() == 0
    assert [command[:2] for command in machine.ran] == [["apt-get", "update"], ["apt-get", "install"]]
    assert machine.ran[1][-2:] == ["nodejs", "npm"]
    assert "chromium" not in machine.ran[1]


def test_debian_as_root_gets_the_sandbox_for_marking_and_nobody_else_is_asked_for_it(machine, capsys):
    machine.has("chromium", "npm", "node")
    assert browser.provide() == 0
    assert machine.ran == []
    machine.debian = machine.root = True
    assert browser.provide() == 0
    assert machine.ran[1][-1] == "bubblewrap"
    assert capsys.readouterr().err == ""


def test_a_user_without_a_browser_gets_playwrights_own(machine, tmp_path):
    machine.has("npm", "node")
    version = tmp_path / ".cache/ms-playwright/chromium-1255"
    program = version / "chrome-linux64/chrome"

    def fetched(command):
        assert command == [sys.executable, "-m", "playwright", "install", "chromium"]
        put(program)
        put(version / "INSTALLATION_COMPLETE")

    machine.after = fetched
    assert browser.provide() == 0
    assert browser.chromium() == str(program)


def test_ubuntu_as_root_gets_its_libraries_along(machine):
    machine.root = True
    machine.has("npm", "node", "apt-get")
    assert browser.provide() == 1
    assert machine.ran == [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]


def test_before_there_is_an_environment_the_browser_waits_for_the_later_call(machine, capsys):
    machine.playwright = False
    machine.has("npm", "node")
    assert browser.provide() == 0
    assert machine.ran == []
    machine.programs.clear()  # but npm comes from nowhere: told at once
    assert browser.provide() == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("platform", "debian", "words"),
    [
        ("linux", True, "sudo apt-get install chromium fonts-dejavu-core"),
        ("linux", False, "Chromium, by your package manager"),
        ("darwin", False, "brew install --cask google-chrome"),
        ("win32", False, "winget install Google.Chrome"),
    ],
)
def test_what_can_not_be_fetched_is_told_in_one_line(machine, monkeypatch, capsys, platform, debian, words):
    monkeypatch.setattr(browser.sys, "platform", platform)
    machine.debian = debian
    machine.has("npm", "node")
    assert browser.provide() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"The tests and the slides need {BROWSER}; install: ")
    assert words in line
    with pytest.raises(FileNotFoundError, match="install: "):
        browser.chromium()


def test_both_are_named_where_both_are_missing(machine, monkeypatch, capsys):
    monkeypatch.setattr(browser.sys, "platform", "darwin")
    assert browser.provide() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{BROWSER} and {NPM}" in line
    assert "brew install node" in line
    assert machine.ran == [], "a download would only put off the line"


def test_npm_without_node_is_missing(machine):
    machine.has("chromium", "npm")
    assert browser.missing() == [NPM]


def test_a_browser_that_does_not_start_is_none(machine):
    machine.has("chromium-browser", "npm", "node")
    machine.broken = {"/usr/bin/chromium-browser"}
    assert browser.missing() == [BROWSER]


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [
        ("darwin", None, "Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("win32", "PROGRAMFILES(X86)", "Google/Chrome/Application/chrome.exe"),
        ("win32", "LOCALAPPDATA", "Chromium/Application/chrome.exe"),
    ],
)
def test_macos_and_windows_keep_it_elsewhere(machine, monkeypatch, tmp_path, platform, variable, place):
    monkeypatch.setattr(browser.sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    program = put(tmp_path / place)
    assert browser.chromium() == str(program)


@pytest.mark.parametrize(
    ("platform", "cache", "place"),
    [
        ("linux", ".cache", "chrome-linux/chrome"),
        ("darwin", "Library/Caches", "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome"),
        ("win32", "AppData/Local", "chrome-win64/chrome.exe"),
    ],
)
def test_playwrights_newest_whole_browser_is_found(machine, monkeypatch, tmp_path, platform, cache, place):
    monkeypatch.setattr(browser.sys, "platform", platform)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData/Local"))
    folder = tmp_path / cache / "ms-playwright"
    for version in ("chromium-900", "chromium-1100", "chromium-1200"):
        put(folder / version / place)
    for version in ("chromium-900", "chromium-1100"):  # of 1200, half was fetched
        put(folder / version / "INSTALLATION_COMPLETE")
    assert browser.chromium() == str(folder / "chromium-1100" / place)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError):
        browser.chromium()


@pytest.mark.skipif(os.name == "nt", reason="starts a shell")
def test_a_download_that_hangs_is_given_up_with_all_that_it_started(monkeypatch, capsys):
    monkeypatch.setattr(browser, "_PATIENCE", 0.5)
    start = time.monotonic()
    browser._try(["sh", "-c", "sleep 60 & wait"], dict(os.environ))
    assert time.monotonic() - start < 10
    assert "did not end" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there browsers are asked")
def test_a_file_of_that_name_is_not_enough(tmp_path):
    stub = put(tmp_path / "chromium-browser")
    stub.write_text("#!/bin/sh\necho 'this needs a snap' >&2\nexit 1\n")
    stub.chmod(0o755)
    assert not browser._starts(str(stub))
    assert not browser._starts(str(tmp_path / "nothing"))


def test_the_program_needs_nothing_but_python_and_is_quick(tmp_path):
    """As `make test` calls it, with the Python of the system: isolated, so that no package can be imported."""
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-I", "-S", PROGRAM], env=bare, capture_output=True, text=True)
    assert time.monotonic() - start < 5
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"The tests and the slides need {BROWSER} and {NPM}; install: ")
