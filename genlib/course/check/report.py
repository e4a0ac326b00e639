"""A pytest plugin for `genlib check`: writes down what nbval saw in each cell of a notebook, a line of JSON a cell."""

import json
import os
from typing import Any

REPORT = "GENLIB_CHECK_REPORT"  # the environment variable that names the file to write


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    if call.when != "call" or not hasattr(item, "test_outputs"):
        return
    outputs = item.test_outputs or []
    errors = [f"{output['ename']}: {output['evalue']}" for output in outputs if "ename" in output]
    is_check = "check" in item.cell.metadata.get("tags", [])
    seen = {
        "exercise": item.cell.metadata.get("exercise") if is_check else None,
        "passed": call.excinfo is None,
        "text": "".join(output.get("text", "") for output in outputs),
        "error": errors[0][:200] if errors else "",
        "source": next(iter(item.cell.source.splitlines()), "")[:80],
    }
    with open(os.environ[REPORT], "a", encoding="utf-8") as report:
        report.write(json.dumps(seen) + "\n")
