r"""From slides/NAME.md, one deck a lecture: a self-contained HTML file and a PDF, in build/slides/.

A deck is MyST Markdown, as the lectures are. Beyond that it knows:

- ``# Title`` is the title slide, and every ``## Heading`` begins a slide. ``## Heading {.split}`` names its kind.
- ``. . .`` on a line of its own: what follows appears with the next key. In a formula, ``\step{…}`` does the same.
- ``Note (2 min): …`` and all after it on that slide is for the speaker: minutes, and what to say and to ask.
- Code cells run, and their figures and widgets show. The code itself shows where the cell has the tag ``show-code``.

A widget needs no kernel in a slide: its state, as the cell left it, and its JavaScript go into the file. Equations
have the lecture's numbers and its TeX. ``faults`` says what is wrong with a deck; ``build`` makes what has changed.
"""

import base64
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from genlib.course.browser import FLAGS, chromium
from genlib.course.build import BuildError, read
from genlib.course.lectures import LECTURES, ROOT, Lecture
from genlib.course.lint import EXERCISE
from genlib.files import write
from genlib.quick import quick

SOURCES = ROOT / "slides"
TEMPLATE = SOURCES / "template"
BUILD = ROOT / "build" / "slides"
PACKAGES = BUILD / "npm"
KINDS = ("split", "question", "exercise", "statement")
SLIDES, MINUTES = (25, 40), (60, 75)

_HEADING = re.compile(r"^(#{1,2}) +(.*?)(?: +\{((?:\.[a-z]+ ?)+)\})?\s*$")
_NOTE = re.compile(r"^Note \((\d+(?:\.5)?) min\): *")
_PAUSE = ". . ."
_WIDGET = "application/vnd.jupyter.widget-view+json"
_WIDGETS = "application/vnd.jupyter.widget-state+json"
# Figures are drawn with more pixels and larger letters than in a notebook: 12 points become 25 of the slide's 720 rows.
_DPI, _SHOWN = 220, 150  # pixels an inch, as drawn and as shown
_FIRST_CELL = f"""from genlib import plots

plots.STYLE.update({{"savefig.dpi": {_DPI}, "font.size": 12, "axes.labelsize": 12, "axes.titlesize": 13}})"""
_FONTS = (
    ("source-sans-3", "Source Sans 3", 400, "normal"),
    ("source-sans-3", "Source Sans 3", 400, "italic"),
    ("source-sans-3", "Source Sans 3", 600, "normal"),
    ("source-code-pro", "Source Code Pro", 400, "normal"),
)


@dataclasses.dataclass
class Slide:
    """A slide of a deck: its heading, its kinds, its minutes (None without a note) and its cells, the heading first."""

    title: str
    kinds: tuple[str, ...]
    minutes: float | None
    cells: list[NotebookNode]

    @property
    def text(self) -> str:
        """What its Markdown says, the speaker's note aside."""
        cells = [cell for cell in self.cells if cell.cell_type == "markdown" and _type(cell) != "notes"]
        return "\n\n".join(cell.source for cell in cells)


def source(lecture: Lecture) -> Path:
    """Where the deck of a lecture is written."""
    return SOURCES / f"{lecture.name}.md"


def html(lecture: Lecture) -> Path:
    """Where its slides are built."""
    return BUILD / f"{lecture.name}.html"


def pdf(lecture: Lecture) -> Path:
    """Where its PDF is built."""
    return BUILD / f"{lecture.name}.pdf"


def available() -> list[Lecture]:
    """The lectures that have a deck."""
    return [lecture for lecture in LECTURES if source(lecture).exists()]


# Reading --------------------------------------------------------------------------------------------------------------


def read_deck(text: str) -> list[Slide]:
    """The slides of a deck. Raises: BuildError where something stands where it can't."""
    import jupytext

    slides: list[Slide] = []
    appears = False  # whether the next piece comes with the next key
    in_note = False
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        pieces = [("code", cell)] if cell.cell_type == "code" else _pieces(cell.source)
        for kind, piece in pieces:
            if kind == "heading":
                level, title, kinds = _HEADING.match(piece).groups()
                names = tuple(name.lstrip(".") for name in (kinds or "").split())
                heading = _cell(v4.new_markdown_cell(f"{level} {title}"), "slide")
                slides.append(Slide(title, ("title",) if level == "#" else names, None, [heading]))
                appears = in_note = False
            elif not slides:
                raise BuildError("a deck begins with `# Title`")
            elif in_note:
                raise BuildError(f"slide “{slides[-1].title}”: the note stands last on its slide")
            elif kind == "pause":
                appears = True
            elif kind == "note":
                slides[-1].minutes, in_note = float(_NOTE.match(piece)[1]), True
                # After the heading, because reveal.js shows a note inside a fragment only with that fragment.
                slides[-1].cells.insert(1, _cell(v4.new_markdown_cell(_NOTE.sub("", piece)), "notes"))
            else:
                made = v4.new_markdown_cell(piece) if kind == "text" else piece
                slides[-1].cells.append(_cell(made, "fragment" if appears else "-"))
                appears = False
    return slides


def _pieces(markdown: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of the headings, pauses, texts and notes of a Markdown cell; fenced blocks stay whole."""
    kind, lines, fence = "text", [], None
    for line in [*markdown.splitlines(), None]:
        if line is not None:
            mark = re.match(r"```+|~~~+", line)
            if mark:
                fence = None if fence == mark[0] else fence or mark[0]
            heading = not fence and _HEADING.match(line)
            starts = "heading" if heading else "pause" if line == _PAUSE else "note" if _NOTE.match(line) else None
            if fence or not starts:
                lines.append(line)
                continue
        text = "\n".join(lines).strip()
        if text:
            yield kind, text
        if line is None:
            return
        kind, lines = "text", []
        if starts == "note":
            kind, lines = "note", [line]
        else:
            yield starts, line


def _cell(cell: NotebookNode, slide_type: str) -> NotebookNode:
    cell.metadata["slideshow"] = NotebookNode(slide_type=slide_type)
    cell.metadata.setdefault("tags", [])
    return cell


def _type(cell: NotebookNode) -> str:
    return cell.metadata.slideshow.slide_type


def equations(markdown: str) -> dict[str, list[str]]:
    r"""{number: [TeX, …]} of the displayed formulas that have a \tag, without tag, white space and ``\step``."""
    found: dict[str, list[str]] = {}
    for formula in re.findall(r"\$\$(.+?)\$\$", markdown, re.S):
        for number in re.findall(r"\\tag\{([^}]*)\}", formula):
            tex = re.sub(r"\\tag\{[^}]*\}", "", _without_steps(formula))
            found.setdefault(number, []).append("".join(tex.split()))
    return found


def _without_steps(tex: str) -> str:
    r"""``\step{…}`` replaced by what is inside."""
    while (start := tex.find(r"\step{")) >= 0:
        opened = start + len(r"\step")
        depth = 0
        for end in range(opened, len(tex)):
            depth += {"{": 1, "}": -1}.get(tex[end], 0) if tex[end - 1] != "\\" else 0
            if depth == 0:
                break
        else:
            raise BuildError(f"\\step{{ is not closed: {tex[start : start + 60]}")
        tex = tex[:start] + tex[opened + 1 : end] + tex[end + 1 :]
    return tex


# What is wrong --------------------------------------------------------------------------------------------------------


def faults(lecture: Lecture) -> list[str]:
    """What is wrong with the deck of a lecture, in words."""
    text = source(lecture).read_text(encoding="utf-8")
    slides = read_deck(text)
    found = [fault for slide in slides for fault in _faults_of(slide)]
    for name, number, (low, high) in (
        ("slides", len(slides), SLIDES),
        ("minutes in its notes", sum(slide.minutes or 0 for slide in slides), MINUTES),
    ):
        if not low <= number <= high:
            found.append(f"the deck has {number:g} {name}; {low} to {high}, please")
    if [slide.kinds == ("title",) for slide in slides] != [True] + [False] * (len(slides) - 1):
        found.append("there is not one title slide (`# Title`), first")
    return found + _equations(lecture, text) + _exercises(lecture, slides)


def _faults_of(slide: Slide) -> list[str]:
    where = f"slide “{slide.title}”"
    found = [] if slide.minutes else [f"{where} has no note: `Note (2 min): what to say, what to ask`"]
    unknown = set(slide.kinds) - {"title", *KINDS}
    if unknown:
        found.append(f"{where} is of no known kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if re.search(r"!\[|<img|https?:", slide.text):
        found.append(f"{where} has a pasted picture or an address; figures come from code cells")
    for cell in slide.cells:
        if _type(cell) == "notes" and "$" in cell.source:
            found.append(f"{where}: the speaker's note can't show TeX; write it in words or Unicode")
    return found


def _equations(lecture: Lecture, deck: str) -> list[str]:
    """A numbered equation says on the slide what it says in the lecture."""
    stated = equations(lecture.source.read_text(encoding="utf-8"))
    found = []
    for number, formulas in equations(deck).items():
        if number not in stated:
            found.append(f"equation ({number}) is not in the lecture")
        elif any(tex != stated[number][0] for tex in formulas):
            found.append(f"equation ({number}) differs from the lecture's, which is: {stated[number][0]}")
    return found


def _exercises(lecture: Lecture, slides: list[Slide]) -> list[str]:
    """An exercise that a slide names (as ``Exercise 3.1 · `name` ``) is one of the lecture."""
    text = lecture.source.read_text(encoding="utf-8")
    headings = [EXERCISE.match(line.removeprefix("### ")) for line in text.splitlines() if line.startswith("### ")]
    known = {(match[1], match[2]) for match in headings if match}
    named = [pair for slide in slides for pair in re.findall(r"Exercise (\d+\.\d+) · `(\w+)`", slide.text)]
    return [f"the lecture has no exercise {number} · {name}" for number, name in named if (number, name) not in known]


# Running --------------------------------------------------------------------------------------------------------------


def _digest(*parts: str | bytes | Path) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def _library() -> list[Path]:
    """What the outputs of a deck depend on beside its cells: all of genlib but the course."""
    files = [path for path in (ROOT / "genlib").rglob("*") if path.suffix in (".py", ".js")]
    return sorted(path for path in files if "course" not in path.relative_to(ROOT).parts)


def _executed(lecture: Lecture, notebook: NotebookNode) -> NotebookNode:
    """The notebook with its outputs and the widgets' states, run anew only if its code or the library changed."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digest = _digest(str(quick()), *code, *_library())
    kept = BUILD / f"{lecture.name}.ipynb"
    stored = read(kept)
    if stored is None or stored.metadata.get("digest") != digest:
        stored = v4.new_notebook(cells=[v4.new_code_cell(text) for text in code])
        where = {"metadata": {"path": str(BUILD)}}
        client = NotebookClient(stored, timeout=120, kernel_name="python3", resources=where)
        # One thread: the nets are tiny, and where others compute too, two threads wait for each other.
        one = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        try:
            client.execute(env=one)
        except CellExecutionError as error:
            raise BuildError(f"a cell of the deck {lecture.number} fails:\n{error}") from error
        stored.metadata["digest"] = digest
        write(kept, nbformat.writes(stored))
    outputs = iter(stored.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = next(outputs).outputs
    notebook.metadata["widgets"] = stored.metadata.get("widgets", {})
    return notebook


def _ready_to_show(notebook: NotebookNode) -> None:
    """Gives figures their size and widgets their module and state. Raises: BuildError for what can't be shown."""
    states = notebook.metadata.pop("widgets", {}).get(_WIDGETS, {}).get("state", {})
    for cell in notebook.cells:
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
                output.metadata["widget"] = _live(view.model_id, states[view.model_id].state)


def _live(name: str, traits: NotebookNode) -> NotebookNode:
    """A widget for a page without a kernel. Raises: BuildError for one that asks the kernel."""
    state = traits.state
    if "request" in state or state.get("layers", True) is None:
        raise BuildError("a widget asks the kernel, which a slide has not; pass latent_pad an nn.Sequential")
    # Inside <script>, "</" would end the script; in JavaScript's and JSON's strings "<\/" means the same.
    module = traits["_esm"].replace("</", r"<\/")
    return NotebookNode(id=f"widget-{name}", module=module, state=json.dumps(state).replace("</", r"<\/"))


# Writing --------------------------------------------------------------------------------------------------------------


def fetch_packages() -> None:
    """Installs reveal.js, MathJax and the fonts into the build folder, in the versions of slides/package-lock.json."""
    named = [SOURCES / name for name in ("package.json", "package-lock.json", ".npmrc")]
    done, digest = PACKAGES / "digest", _digest(*named)
    if done.exists() and done.read_text() == digest:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError("npm is missing: the slides fetch reveal.js, MathJax and fonts with it; install Node.js")
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for path in named:
        shutil.copy(path, PACKAGES)
    run = subprocess.run([npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=PACKAGES, capture_output=True)
    if run.returncode:
        raise BuildError(f"npm could not fetch what the slides need:\n{run.stderr.decode()[-2000:]}")
    done.write_text(digest)


def _script(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("</script", r"<\/script")


def _fonts() -> str:
    """The fonts as CSS that holds them."""
    rules = []
    for package, family, weight, style in _FONTS:
        folder = PACKAGES / "node_modules/@fontsource" / package / "files"
        data = base64.b64encode((folder / f"{package}-latin-{weight}-{style}.woff2").read_bytes()).decode()
        rules.append(
            f"@font-face {{ font-family: '{family}'; font-weight: {weight}; font-style: {style}; "
            f"src: url(data:font/woff2;base64,{data}) format('woff2'); }}"
        )
    return "\n".join(rules)


def _page(lecture: Lecture, slides: list[Slide], digest: str) -> str:
    """The HTML file of a deck."""
    from nbconvert.exporters import SlidesExporter
    from pygments.formatters import HtmlFormatter

    notebook = v4.new_notebook(cells=[_cell(v4.new_code_cell(_FIRST_CELL), "skip")])
    minutes = sum(slide.minutes or 0 for slide in slides)
    for slide in slides:
        above = f"Lecture {lecture.number} · {minutes:g} minutes" if slide.kinds == ("title",) else ""
        slide.cells[0].metadata["slide"] = NotebookNode(
            classes=" ".join(slide.kinds), minutes=slide.minutes or 0, above=above
        )
        notebook.cells += slide.cells
    _ready_to_show(_executed(lecture, notebook))
    del notebook.cells[0]  # the first cell has run; a slide show begins with a slide
    resources = {
        "deck": {"title": slides[0].title, "digest": digest},
        "npm": lambda path: _script(PACKAGES / "node_modules" / path),
        "own": lambda name: _script(TEMPLATE / name),
        "fonts": _fonts,
        "highlight": lambda: HtmlFormatter(style="tango").get_style_defs(".highlight"),
    }
    exporter = SlidesExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(SOURCES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    return exporter.from_notebook_node(notebook, resources=resources)[0]


def _print(lectures: list[Lecture]) -> None:
    """Prints the decks to PDF. Raises: BuildError with what does not fit on a slide, or is no mathematics."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for lecture in lectures:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(f"{html(lecture).as_uri()}?print-pdf")
            page.wait_for_function("window.deck.ready", timeout=60_000)
            problems = page.evaluate("window.deck.problems")
            if problems:
                raise BuildError(f"{source(lecture).name}:\n  " + "\n  ".join(problems))
            page.pdf(path=pdf(lecture), prefer_css_page_size=True, print_background=True)
            page.close()
        browser.close()


def _digest_of(path: Path) -> str | None:
    """The digest that a built file names: it stands in the first lines."""
    if not path.exists():
        return None
    with open(path, encoding="utf-8") as file:
        match = re.search(r"digest: (\w+)", file.read(2000))
    return match[1] if match else None


def build(lectures: Iterable[Lecture], *, force: bool = False, say=print) -> None:
    """Makes the slides of these lectures, HTML and PDF; does nothing for what has not changed.

    Raises: BuildError where a deck is faulty, a cell fails, or something does not fit on its slide.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    own = sorted(path for path in TEMPLATE.iterdir() if path.is_file())
    made = []
    for lecture in lectures:
        found = faults(lecture)
        if found:
            raise BuildError(f"{source(lecture).name}:\n  " + "\n  ".join(found))
        shared = [SOURCES / "package-lock.json", Path(__file__), *own]
        digest = _digest(str(quick()), source(lecture), *shared, *_library())
        if not force and _digest_of(html(lecture)) == digest and pdf(lecture).exists():
            say(f"{lecture.name}: nothing to do")
            continue
        fetch_packages()
        pdf(lecture).unlink(missing_ok=True)
        write(html(lecture), _page(lecture, read_deck(source(lecture).read_text(encoding="utf-8")), digest))
        made.append(lecture)
    if made:
        _print(made)
    for lecture in made:
        say(f"{lecture.name}: {html(lecture).relative_to(ROOT)} and .pdf written")
