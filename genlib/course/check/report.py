"""What nbval saw in each cell of a notebook: a pytest plugin writes it down, a line of JSON a cell; `check` reads it.

The learner's code runs meanwhile, and could find the file. So it is read as data from outside: of bounded size, a
regular file, every line as the plugin writes them.
"""

import json
import os
from pathlib import Path
from typing import Any

from genlib.course.check.outside import ValidateError, bytes_of

REPORT = "GENLIB_CHECK_REPORT"  # the environment variable that names the file to write
MOST = 32 * 2**20  # bytes of the file
TEXT = 20_000  # characters of what a cell printed


def pytest_configure(config: Any) -> None:
    """The kernel is started later, and need not know where the report is.

    Cells are remembered as in JupyterLab; nbval would leave `In` and `_` empty, and check/defined.py in the dark.
    """
    from nbval.kernel import RunningKernel

    config.genlib_report = os.environ.pop(REPORT)

    def execute(self: Any, cell_input: str, allow_stdin: bool | None = None) -> str:
        return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)

    RunningKernel.execute_cell_input = execute


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    if call.when != "call" or not hasattr(item, "test_outputs"):
        return
    outputs = item.test_outputs or []
    errors = [f"{output['ename']}: {output['evalue']}" for output in outputs if "ename" in output]
    is_check = "check" in item.cell.metadata.get("tags", [])
    seen = {
        "exercise": item.cell.metadata.get("exercise") if is_check else None,
        "passed": call.excinfo is None,
        "text": "".join(output.get("text", "") for output in outputs)[-TEXT:],
        "error": errors[0][:200] if errors else "",
        "source": next(iter(item.cell.source.splitlines()), "")[:80],
    }
    with open(item.config.genlib_report, "a", encoding="utf-8") as report:
        report.write(json.dumps(seen) + "\n")


def entries(path: Path) -> list[dict]:
    """The cells that have been seen so far. Raises: ValidateError where something else has written into the file."""
    lines = bytes_of(path, MOST, follow=False).split(b"\n")[:-1]  # the last one is empty, or not there yet in full
    return [_entry(line) for line in lines]


def _entry(line: bytes) -> dict:
    """A line, if it is as the plugin writes them."""
    try:
        entry = json.loads(line)
        kinds = {key: type(value) for key, value in entry.items()}
    except (ValueError, RecursionError, AttributeError):
        kinds = {}
    if kinds.pop("exercise", None) not in (str, type(None)) or kinds != _KINDS or len(entry["text"]) > TEXT:
        raise ValidateError("the report of the run holds what the course did not write; look at the notebook yourself")
    return entry


_KINDS = {"passed": bool, "text": str, "error": str, "source": str}
