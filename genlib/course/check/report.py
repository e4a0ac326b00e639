"""A pytest plugin for `genlib check`: writes down what nbval saw in each cell of a notebook, a line of JSON a cell."""

import json
import os
from typing import Any

REPORT = "GENLIB_CHECK_REPORT"  # the environment variable that names the file to write


def pytest_configure(config: Any) -> None:
    """Cells are remembered as in JupyterLab; nbval would leave `In` and `_` empty, and check/defined.py in the dark."""
    from nbval.kernel import RunningKernel

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
        "text": "".join(output.get("text", "") for output in outputs),
        "error": errors[0][:200] if errors else "",
        "source": next(iter(item.cell.source.splitlines()), "")[:80],
    }
    with open(os.environ[REPORT], "a", encoding="utf-8") as report:
        report.write(json.dumps(seen) + "\n")
