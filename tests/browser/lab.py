"""JupyterLab in a real browser, for tests and for looking at what we made.

A server of its own on loopback, with its settings in a temporary folder; Chromium without a screen. Every request that
would leave the machine is blocked and written down.
"""

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

from genlib.course import exercises
from genlib.course.browser import FLAGS, chromium
from genlib.course.start import lab_environment

OPEN = """async ([path]) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  window.panel = panel;
  app.shell.activateById(panel.id);
  for (let i = 0; i < 300 && app.shell.currentWidget !== panel; i++) await new Promise((next) => setTimeout(next, 50));
  return app.shell.currentWidget?.context.path;
}"""
CELLS = """() => window.panel.content.widgets.map((cell) => ({
  type: cell.model.type,
  exercise: cell.model.getMetadata('exercise') ?? null,
  tags: cell.model.getMetadata('tags') ?? [],
  source: cell.model.sharedModel.getSource(),
  count: cell.model.executionCount ?? null,
  outputs: cell.model.outputs ? cell.model.outputs.toJSON() : [],
}))"""
RUN = """async (indices) => {
  const notebook = window.panel.content;
  for (const index of indices) {
    notebook.activeCellIndex = index;
    await window.jupyterapp.commands.execute('notebook:run-cell');
  }
}"""
# A picture's pixels, whether it is drawn on a canvas or is an image; text and bars as HTML.
LOOK = """(root) => [...root.querySelectorAll('canvas')].map((c) => c.toDataURL()).join() + root.innerHTML"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(folder: Path, state: Path):
    """A JupyterLab server on a folder, with the course's settings; yields its address. Its kernels end with it."""
    port = free_port()
    names = ("SETTINGS", "WORKSPACES")
    environment = {**lab_environment(), **{f"JUPYTERLAB_{name}_DIR": str(state / name.lower()) for name in names}}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        environment[name] = str(state / name.lower())
    shown = state / "settings" / "@jupyterlab"
    (shown / "notebook-extension").mkdir(parents=True)
    (shown / "notebook-extension" / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    (shown / "apputils-extension").mkdir()
    (shown / "apputils-extension" / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--LabApp.expose_app_in_browser=True", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    with open(state / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2)
                break
            except OSError:
                gone = process.poll() is not None or time.monotonic() > deadline
                assert not gone, f"JupyterLab did not start:\n{(state / 'server.log').read_text()}"
                time.sleep(0.2)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


class Lab:
    """One browser window on a server."""

    def __init__(self, page, address: str):
        self.page, self.address = page, address
        self.left_the_machine: list[str] = []
        page.route("**/*", self._guard)

    def _guard(self, route):
        url = route.request.url
        if url.startswith((self.address, "data:", "blob:", "about:")):
            route.continue_()
        else:
            self.left_the_machine.append(url)
            route.abort()

    def open(self, path: str) -> None:
        """Opens a notebook in a fresh workspace, so that no earlier one can stand in for it."""
        self.page.goto(f"{self.address}/lab/workspaces/{uuid.uuid4().hex}?reset")
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        opened = self.page.evaluate(OPEN, [path])
        assert opened == path, f"{opened} is open, not {path}"

    def run_all(self) -> None:
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def cells(self) -> list[dict]:
        return self.page.evaluate(CELLS)

    def errors(self) -> list[str]:
        """What stopped with an exception, and what was written to stderr."""
        return [
            output.get("evalue") or "".join(output.get("text", ""))
            for cell in self.cells()
            for output in cell["outputs"]
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]

    def assert_ran_unsolved(self, number: str) -> None:
        """A lecture that was run as it is handed out: every cell, in order, without a fault; no exercise is solved."""
        assert self.errors() == []
        code = [cell for cell in self.cells() if cell["type"] == "code"]
        assert [cell["count"] for cell in code] == list(range(1, len(code) + 1))
        verdicts = ["".join("".join(o.get("text", "")) for o in c["outputs"]) for c in code if "check" in c["tags"]]
        assert len(verdicts) == len(exercises.of_lecture(number))
        assert all(line.startswith("○") and line.endswith("not solved yet\n") for line in verdicts), verdicts
        faults = self.page.locator(".jp-NotebookPanel:visible mjx-merror")
        assert faults.count() == 0, "mathematics that does not parse"

    def index(self, exercise: str, *, check: bool) -> int:
        """Where the answer or the check of an exercise stands."""
        cells = enumerate(self.cells())
        return next(i for i, c in cells if c["exercise"] == exercise and ("check" in c["tags"]) == check)

    def type_answer(self, exercise: str, text: str) -> None:
        """Types an answer into its cell with the keyboard, in place of what stands there."""
        index = self.index(exercise, check=False)
        cell = self.page.locator(".jp-NotebookPanel:visible .jp-Notebook > .jp-WindowedPanel-outer .jp-Cell").nth(index)
        editor = cell.locator(".cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def verdict(self, exercise: str) -> str:
        """Runs the answer and its check; the line that the check prints."""
        answer, check = self.index(exercise, check=False), self.index(exercise, check=True)
        self.page.evaluate(RUN, [answer, check])
        return "".join("".join(o.get("text", "")) for o in self.cells()[check]["outputs"]).strip()

    def widget(self, css: str):
        """The element of a widget in the open notebook, scrolled into view and drawn."""
        found = self.page.locator(f".jp-NotebookPanel:visible {css}").first
        found.wait_for(timeout=20_000)
        found.scroll_into_view_if_needed()
        return found

    def look(self, element) -> str:
        """What an element shows, to be compared before and after."""
        return element.evaluate(LOOK)

    def drag(self, element, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags with the mouse inside an element, from one place to another, as shares of its width and height."""
        box = element.bounding_box()
        points = [(box["x"] + box["width"] * u, box["y"] + box["height"] * v) for u, v in (start, end)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=12)
        self.page.mouse.up()


@contextlib.contextmanager
def browser_window(address: str, **options):
    """A Chromium window for a server; yields a Lab."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield Lab(browser.new_page(**options), address)
        finally:
            browser.close()
