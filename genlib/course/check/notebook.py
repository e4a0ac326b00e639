"""`genlib check`: runs a learner's notebook with nbval and tells the verdict on every exercise.

The learner's check cells are replaced by the pristine ones before the run, with the output that a solved exercise
prints. So an edited, emptied or deleted check can't pass, and cleared outputs can't fail. The learner's file is only
read.
"""

import copy
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4
from tqdm import tqdm

from genlib.course import exercises
from genlib.course.build.cells import check_source, exercise_of, role
from genlib.course.check.outside import ValidateError, read_notebook
from genlib.course.check.report import REPORT, entries
from genlib.course.exercise import Exercise


@dataclasses.dataclass(frozen=True)
class Result:
    """What the run says of one exercise: whether it is solved, and the line to tell the learner."""

    exercise: Exercise
    solved: bool
    line: str


def read_learner(path: Path) -> NotebookNode:
    """A learner's notebook. Raises: ValidateError for a file that is none, or one that is of no lecture."""
    return learners(read_notebook(path), path.name)


def learners(notebook: NotebookNode, name: str) -> NotebookNode:
    """A notebook that was read, if it is of a lecture. Raises: ValidateError where it is of none."""
    if not exercises.of_lecture(lecture_of(notebook)):
        raise ValidateError(f"{name} is not a lecture of this course, or one without exercises")
    return notebook


def lecture_of(notebook: NotebookNode) -> str:
    """The lecture's number: from the metadata, or, where they are lost, from the exercises that the cells belong to."""
    number = str(notebook.metadata.get("genlib", {}).get("lecture", ""))
    if number in exercises.lectures():
        return number
    owned = {exercise_of(cell) for cell in notebook.cells}
    return next((n for n in exercises.lectures() if owned & {e.name for e in exercises.of_lecture(n)}), "")


def overlay(notebook: NotebookNode) -> NotebookNode:
    """The learner's notebook with pristine check cells in place of theirs, after the answers; only these compare."""
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith(("nbval", "raises-exception"))]
        cell.metadata["tags"] = tags
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    cells = result.cells
    for exercise in exercises.of_lecture(lecture_of(notebook)):
        # The last of its cells is the place: an answer may stand in a cell of the learner's own, before the check.
        places = [i for i, cell in enumerate(cells) if exercise_of(cell) == exercise.name]
        new = check_cell(exercise)
        cells.insert(places[-1] + 1 if places else len(cells), new)
        cells[:] = [cell for cell in cells if cell is new or role(cell) != (exercise.name, "check")]
    for cell in cells:  # a copied cell carries its id along, and ids must differ
        cell.pop("id", None)
    result.nbformat_minor = 4
    return result


def check_cell(exercise: Exercise) -> NotebookNode:
    """The check cell of an exercise as it stands in a solved notebook: source, output and execution count."""
    cell = v4.new_code_cell(check_source(exercise.name), execution_count=1)
    cell.metadata = NotebookNode(exercise=exercise.name, tags=["check", "nbval-check-output"])
    cell.outputs = [v4.new_output("stream", name="stdout", text=f"{exercise.solved()}\n")]
    return cell


def validate(path: Path, *, timeout: int = 300) -> tuple[list[Result], list[str]]:
    """Runs the notebook and returns the verdict on each exercise, and what else stopped with an error.

    Raises: ValidateError for a file that can't be checked.
    """
    notebook = read_learner(path)
    with tempfile.TemporaryDirectory() as temporary:
        checked, report = Path(temporary) / "checked.ipynb", Path(temporary) / "report.json"
        laid_over = _in_folder(overlay(notebook), path.resolve().parent)
        nbformat.write(laid_over, checked)
        report.touch()
        total = sum(cell.cell_type == "code" for cell in laid_over.cells)
        with open(Path(temporary) / "log", "w+", encoding="utf-8", errors="replace") as log:
            command = [*_NBVAL, f"--nbval-cell-timeout={timeout}", f"--rootdir={temporary}", str(checked)]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            environment |= {REPORT: str(report), "PYTHONUTF8": "1"}
            run = subprocess.Popen(command, cwd=temporary, env=environment, stdout=log, stderr=subprocess.STDOUT)
            with tqdm(total=total, desc=path.name, unit="cell", leave=False, disable=None) as bar:
                while run.poll() is None:
                    seen = entries(report)
                    bar.update(len(seen) - bar.n)
                    bar.set_postfix_str(_place(seen), refresh=False)
                    time.sleep(0.1)
            log.seek(0)
            cells = entries(report)
            if len(cells) < total:
                raise ValidateError(f"nbval did not run {path.name} to its end:\n{log.read()[-2000:]}")
    errors = [f"a cell stops with an error: {cell['error']}  ({cell['source']})" for cell in cells if cell["error"]]
    return _results(lecture_of(notebook), cells), errors


# A pytest.ini of the learner's, a conftest.py, PYTEST_ADDOPTS or a cache has no say: the notebook runs in a folder of
# its own.
_NBVAL = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "genlib.course.check.report"]
_NBVAL += ["-p", "no:cacheprovider", "-q", "-c", os.devnull]


def _place(seen: list[dict]) -> str:
    """How far a run is, in words: the last exercise whose check has run."""
    return next((f"after {cell['exercise']}" for cell in reversed(seen) if cell["exercise"]), "")


def _in_folder(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook, working where the learner's lies, so that files of theirs are found as in JupyterLab.

    Modules are looked for there last: a genlib/ or a torch.py beside a notebook is not what the course means.
    """
    library = str(Path(__file__).parents[3])  # an editable installation is asked after sys.path only
    go = f"import os, sys; os.chdir({str(folder)!r})\n"
    go += f"sys.path[:] = [p for p in sys.path if p] + [{library!r}, os.getcwd()]"
    notebook.cells.insert(0, v4.new_code_cell(go))
    notebook.cells[0].pop("id", None)
    return notebook


def _results(lecture: str, cells: list[dict]) -> list[Result]:
    by_name = {cell["exercise"]: cell for cell in cells if cell["exercise"]}
    results = []
    for exercise in exercises.of_lecture(lecture):
        cell = by_name.get(exercise.name, {"passed": False, "text": "", "error": ""})
        said = [line for line in cell["text"].splitlines() if line[:1] in "✓○✗"]
        solved = cell["passed"]
        if not said or (said[-1][0] == "✓") != solved:
            why = (
                "the cell did not run to its end" if not said else "what was printed is not what a right answer prints"
            )
            said = [f"✗ Exercise {exercise.number} {exercise.name}: {why}"]
        results.append(Result(exercise, solved, said[-1]))
    return results
