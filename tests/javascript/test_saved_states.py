"""A saved state may hold anything where numbers should be: its drawing is made or says that it can't be; no more."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from genlib.widgets.drawing import FOLDER
from tests.browser.test_widgets_look import MAKE

HERE = Path(__file__).parent


def drawn(path: Path, widgets: dict) -> dict:
    """What saved_states.js says of widgets, {name: {module, state}}."""
    program = shutil.which("node")
    assert program, "node is missing: install Node.js 20 or newer"
    path.write_text(json.dumps(widgets), encoding="utf-8")
    done = subprocess.run(
        [program, HERE / "saved_states.js", path], capture_output=True, text=True, encoding="utf-8", timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_every_widget_is_there():
    assert set(MAKE) == {path.parent.name for path in FOLDER.glob("*/draw.js")}


@pytest.mark.parametrize("name", MAKE)
def test_a_damaged_state_is_drawn_or_told_and_stops_nothing(tmp_path, name):
    widget = MAKE[name]()
    seen = drawn(tmp_path / "widgets.json", {name: {"module": widget._esm, "state": widget.state}})[name]
    assert seen["faults"] == []
    assert seen["count"] >= 20
    assert seen["refused"] == seen["reported"], "every refusal is reported, so that tests in a browser see it"
