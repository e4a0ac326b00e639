"""Writing the slides of a deck: a self-contained HTML file, and a PDF printed from it, in build/slides/.

A widget needs no kernel in a slide: its state, as the cell left it, and its JavaScript go into the file. Equations
have the lecture's numbers and its TeX.
"""

import base64
from collections.abc import Callable, Iterable
from pathlib import Path

from nbformat import NotebookNode, v4

from genlib.course import npm
from genlib.course.browser import FLAGS, chromium
from genlib.course.build import BuildError
from genlib.course.slides import files
from genlib.course.slides.lint import faults
from genlib.course.slides.policy import PLACE, of_speaker_view, policy
from genlib.course.slides.reading import Slide, as_cell, read_deck
from genlib.course.slides.running import FIRST_CELL, executed, make_ready
from genlib.files import write
from genlib.lectures import ROOT, Lecture
from genlib.quick import quick

_FONTS = (
    ("source-sans-3", "Source Sans 3", 400, "normal"),
    ("source-sans-3", "Source Sans 3", 400, "italic"),
    ("source-sans-3", "Source Sans 3", 600, "normal"),
    ("source-code-pro", "Source Code Pro", 400, "normal"),
)


def fetch_packages() -> None:
    """Installs reveal.js, MathJax and the fonts into the build folder, in the versions of slides/package-lock.json."""
    try:
        npm.install(files.SOURCES, files.PACKAGES)
    except npm.NpmError as error:
        raise BuildError(str(error)) from error


def _script(path: Path, scripts: list[str]) -> str:
    """A file for the inside of <script> or <style>; noted among the page's scripts if it is one."""
    text = path.read_text(encoding="utf-8").replace("</script", r"<\/script")
    if path.suffix == ".js":
        scripts.append(text)
    if path.name == "notes.js":
        scripts.append(of_speaker_view(text))
    return text


def _fonts() -> str:
    """The fonts as CSS that holds them."""
    rules = []
    for package, family, weight, style in _FONTS:
        folder = files.PACKAGES / "node_modules/@fontsource" / package / "files"
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

    notebook = v4.new_notebook(cells=[as_cell(v4.new_code_cell(FIRST_CELL), "skip")])
    minutes = sum(slide.minutes or 0 for slide in slides)
    for slide in slides:
        above = f"Lecture {lecture.number} · {minutes:g} minutes" if slide.kinds == ("title",) else ""
        slide.cells[0].metadata["slide"] = NotebookNode(
            classes=" ".join(slide.kinds), minutes=slide.minutes or 0, above=above
        )
        notebook.cells += slide.cells
    make_ready(executed(lecture, notebook))
    del notebook.cells[0]  # the first cell has run; a slide show begins with a slide
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    scripts = [output.metadata.widget.script for output in outputs if "widget" in output.get("metadata", {})]
    resources = {
        "deck": {"title": slides[0].title, "digest": digest},
        "policy": PLACE,
        "npm": lambda path: _script(files.PACKAGES / "node_modules" / path, scripts),
        "own": lambda name: _script(files.TEMPLATE / name, scripts),
        "fonts": _fonts,
        "highlight": lambda: HtmlFormatter(style="tango").get_style_defs(".highlight"),
    }
    exporter = SlidesExporter(
        template_name=files.TEMPLATE.name,
        extra_template_basedirs=[str(files.SOURCES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    page = exporter.from_notebook_node(notebook, resources=resources)[0]
    return page.replace(PLACE, policy(scripts), 1)


def _print(lectures: list[Lecture]) -> None:
    """Prints the decks to PDF. Raises: BuildError with what does not fit on a slide, or is no mathematics."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for lecture in lectures:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(f"{files.html(lecture).as_uri()}?print-pdf")
            page.wait_for_function("window.deck.ready", timeout=60_000)
            problems = page.evaluate("window.deck.problems")
            if problems:
                raise BuildError(f"{files.source(lecture).name}:\n  " + "\n  ".join(problems))
            page.pdf(path=files.pdf(lecture), prefer_css_page_size=True, print_background=True)
            page.close()
        browser.close()


def build(lectures: Iterable[Lecture], *, force: bool = False, say: Callable[[str], object] = print) -> None:
    """Makes the slides of these lectures, HTML and PDF; does nothing for what has not changed.

    Raises: BuildError where a deck is faulty, a cell fails, or something does not fit on its slide.
    """
    files.BUILD.mkdir(parents=True, exist_ok=True)
    made = []
    for lecture in lectures:
        found = faults(lecture)
        if found:
            raise BuildError(f"{files.source(lecture).name}:\n  " + "\n  ".join(found))
        html, pdf, digest = files.html(lecture), files.pdf(lecture), _digest(lecture)
        if not force and files.digest_of(html) == digest and pdf.exists():
            say(f"{lecture.name}: nothing to do")
            continue
        fetch_packages()
        pdf.unlink(missing_ok=True)
        write(html, _page(lecture, read_deck(files.source(lecture).read_text(encoding="utf-8")), digest))
        made.append(lecture)
    if made:
        _print(made)
    for lecture in made:
        say(f"{lecture.name}: {files.html(lecture).relative_to(ROOT)} and .pdf written")


def _digest(lecture: Lecture) -> str:
    """What decides about the slides: the deck, the template, the packages, the library and the modules here."""
    template = sorted(path for path in files.TEMPLATE.iterdir() if path.is_file())
    here = sorted(Path(__file__).parent.glob("*.py"))
    packages = files.SOURCES / "package-lock.json"
    return files.digest(str(quick()), files.source(lecture), packages, *here, *template, *files.library())
