"""A pytest plugin for `genlib check`: writes down what nbval saw in each cell of a notebook."""

import json
import os
from pathlib import Path

REPORT = "GENLIB_CHECK_REPORT"  # the environment variable that names the file to write
_cells: list[dict] = []


def pytest_runtest_makereport(item, call):
    if call.when != "call" or not hasattr(item, "test_outputs"):
        return
    outputs = item.test_outputs or []
    errors = [f"{output['ename']}: {output['evalue']}" for output in outputs if "ename" in output]
    is_check = "check" in item.cell.metadata.get("tags", [])
    _cells.append(
        {
            "exercise": item.cell.metadata.get("exercise") if is_check else None,
            "passed": call.excinfo is None,
            "text": "".join(output.get("text", "") for output in outputs),
            "error": errors[0][:200] if errors else "",
            "source": next(iter(item.cell.source.splitlines()), "")[:80],
        }
    )


def pytest_sessionfinish():
    if REPORT in os.environ:
        Path(os.environ[REPORT]).write_text(json.dumps(_cells), encoding="utf-8")
