"""Running a notebook: the one place where cells are run in a kernel; lectures are built with it, and slides."""

import copy
import os
from pathlib import Path

from nbformat import NotebookNode
from tqdm import tqdm

from genlib.course.build.cells import BuildError


def run(
    notebook: NotebookNode, folder: Path, what: str, *, timeout: int, widgets: bool = False, threads: int | None = None
) -> NotebookNode:
    """A copy of the notebook with its outputs: every cell has run in a fresh kernel that works in ``folder``.

    Arguments: what, such as "lecture 03", for the progress bar and the error; timeout, seconds a cell; widgets, whether
    the metadata keep the state of the widgets; threads, of the kernel's computations, all there are where it is None.
    Raises: BuildError with the cell and its error.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    result = copy.deepcopy(notebook)
    total = sum(cell.cell_type == "code" for cell in result.cells)
    with tqdm(total=total, desc=what, unit="cell", leave=False) as bar:
        client = NotebookClient(
            result,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=widgets,
            on_cell_executed=lambda **_: bar.update(),
        )
        limits = {} if threads is None else dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        limits["GENLIB_PROGRESS"] = ""  # what a build solves is nobody's progress
        try:
            client.execute(env=os.environ | limits)
        except CellExecutionError as error:
            raise BuildError(f"a cell of {what} fails:\n{error}") from error
    return result
