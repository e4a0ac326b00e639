"""From slides/NAME.md, one deck a lecture: a self-contained HTML file and a PDF, in build/slides: `genlib slides`.

files: where they are. reading: a deck as slides, and what one may write in it. lint: what is wrong with a deck.
running: its cells, figures and widgets. writing: HTML and PDF.
"""

from genlib.course.slides.files import html, pdf, source
from genlib.course.slides.lint import faults
from genlib.course.slides.reading import Slide, equations, read_deck
from genlib.course.slides.writing import build
from genlib.lectures import with_deck as available

__all__ = ["Slide", "available", "build", "equations", "faults", "html", "pdf", "read_deck", "source"]
