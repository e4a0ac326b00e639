"""Running a deck's cells, and making their figures and widgets ready for a page without a kernel."""

import base64
import json

import nbformat
from nbformat import NotebookNode, v4

from genlib.course.build import BuildError, read
from genlib.course.build.running import run
from genlib.course.slides import files
from genlib.course.slides.policy import harmless, harmless_code
from genlib.files import write
from genlib.lectures import Lecture
from genlib.quick import quick

_WIDGET = "application/vnd.jupyter.widget-view+json"
_WIDGETS = "application/vnd.jupyter.widget-state+json"
# Figures are drawn with more pixels and larger letters than in a notebook: 12 points become 25 of the slide's 720 rows.
_DPI, _SHOWN = 220, 150  # pixels an inch, as drawn and as shown
FIRST_CELL = f"""from genlib import plots

plots.STYLE.update({{"savefig.dpi": {_DPI}, "font.size": 12, "axes.labelsize": 12, "axes.titlesize": 13}})"""


def executed(lecture: Lecture, notebook: NotebookNode) -> NotebookNode:
    """The notebook with its outputs and the widgets' states, run anew only if its code or the library changed."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digest = files.digest(str(quick()), *code, *files.library())
    kept = files.BUILD / f"{lecture.name}.ipynb"
    stored = read(kept)
    if stored is None or stored.metadata.get("digest") != digest:
        bare = v4.new_notebook(cells=[v4.new_code_cell(text) for text in code])
        # One thread: the nets are tiny, and where others compute too, two threads wait for each other.
        stored = run(bare, files.BUILD, f"the deck {lecture.number}", timeout=120, widgets=True, threads=1)
        stored.metadata["digest"] = digest
        write(kept, nbformat.writes(stored))
    outputs = iter(stored.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = next(outputs).outputs
    notebook.metadata["widgets"] = stored.metadata.get("widgets", {})
    return notebook


def make_ready(notebook: NotebookNode) -> None:
    """Gives figures their size and widgets their module and state; progress bars are over, and go. Raises: BuildError
    for what can't be shown."""
    states = notebook.metadata.pop("widgets", {}).get(_WIDGETS, {}).get("state", {})
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not _is_bar(output)]
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise BuildError(f"a cell writes to stderr: {output.text[:300]}\n{cell.source[:200]}")
            data = output.get("data", {})
            view = data.pop(_WIDGET, None)
            if "image/png" not in data:
                continue
            picture = output.metadata.get("image/png", {})
            if not picture.get("alt"):
                raise BuildError(f"a figure has no alt text; use plots.show(figure, alt):\n{cell.source[:200]}")
            # A PNG holds its width in bytes 16 to 20. Widgets' still pictures obey the same resolution.
            pixels = int.from_bytes(base64.b64decode(data["image/png"])[16:20], "big")
            output.metadata["image/png"] = NotebookNode(picture, width=round(pixels / _DPI * _SHOWN))
            if view:
                output.metadata["widget"] = live(view.model_id, states[view.model_id].state)


def _is_bar(output: NotebookNode) -> bool:
    """Whether an output is a progress bar: a widget of which there is no picture."""
    return set(output.get("data", {})) == {_WIDGET, "text/plain"}


def live(name: str, traits: NotebookNode) -> NotebookNode:
    """A widget for a page without a kernel. Raises: BuildError for one that asks the kernel."""
    state = traits.state
    if "request" in state or state.get("layers", True) is None:
        raise BuildError("a widget asks the kernel, which a slide has not; pass latent_pad an nn.Sequential")
    place = f"widget-{name}"
    module = f"{harmless_code(traits['_esm'])}\nwindow.deck.widgets[{json.dumps(place)}] = {{ draw, state: "
    return NotebookNode(id=place, script=f"\n{module}{harmless(json.dumps(state))} }};\n")
