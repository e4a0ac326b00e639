"""`make lab` is never silent: what pip does is counted in one line, and its own words come where it fails."""

import io
import sys

from genlib.course.setting_up import Steps, follow

PIP = """
Collecting torch==2.13.0
  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (203.1 MB)
Requirement already satisfied: numpy>=1.26 in ./lib
Collecting ipywidgets
  Using cached ipywidgets-8.1.9-py3-none-any.whl
Installing collected packages: torch, ipywidgets, genlib
"""


def test_each_kind_of_line_moves_the_count_on():
    steps, seen = Steps(), []
    for line in PIP.splitlines():
        steps.read(line)
        seen.append(steps.text)
    assert seen == [
        "asking which packages are needed",
        "packages found: 1, the last is torch",
        "packages found: 1, fetching torch (203.1 MB)",
        "packages found: 2, the last is numpy",
        "packages found: 3, the last is ipywidgets",
        "packages found: 3, fetching ipywidgets",
        "installing 3 packages",
    ]


def run(code, **keywords):
    out = io.StringIO()
    status = follow([sys.executable, "-u", "-c", code], out, **keywords)
    return status, out.getvalue()


def test_a_step_that_takes_long_is_no_silence():
    code = "import time; print('Collecting torch', flush=True); time.sleep(3.3)"
    status, text = run(code, terminal=True)
    assert status == 0
    assert text.count("\r") >= 3, "the seconds go on"
    assert "the last is torch" in text
    assert text.rstrip().endswith("done")


def test_elsewhere_than_on_a_terminal_lines_are_few():
    status, text = run("for i in range(200): print('Collecting', f'p{i}')", terminal=False)
    assert status == 0
    assert "\r" not in text
    assert len(text.splitlines()) <= 3


def test_what_pip_says_is_told_where_it_fails():
    status, text = run("print('ERROR: no such version'); raise SystemExit(3)", terminal=False)
    assert status == 3
    assert "ERROR: no such version" in text
    assert "done" not in text
