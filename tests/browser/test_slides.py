"""The decks in a browser, opened from the disk: nothing is fetched, everything fits, and the widgets in them move.

They are built here if they are not there as their sources are, with trainings of a few steps and in a folder of their
own: `genlib slides` finds what it wrote as it was. A missing npm or browser fails; it never skips.
"""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from genlib.course import slides
from genlib.course.slides import files
from tests.browser.lab import LOOK
from tests.browser.page import at_rest

DECKS = slides.available()
IDS = [lecture.number for lecture in DECKS]
SIZES = [(1280, 720), (1920, 1080)]
# Where to take hold of a widget: its root, what is dragged and has the keys, from where and to where as shares of it.
HANDLES = {
    ".gl-pad": ("canvas.plane", (0.5, 0.5), (0.25, 0.7)),
    ".gl-elbo": (".handle", (0.5, 0.5), (4.0, 0.5)),
    ".gl-mass": (".handle", (0.5, 0.5), (-4.0, 0.5)),
    ".gl-para": (".handle", (0.5, 0.5), (2.0, 2.0)),
    ".gl-best": ("canvas.plot", (0.58, 0.4), (0.8, 0.4)),
    ".gl-dirac": ("canvas.field", (0.6, 0.4), (0.3, 0.3)),
    ".gl-arena": ("canvas.plane", (0.2, 0.2), (0.8, 0.3)),
    ".gl-flow": ("canvas.z", (0.6, 0.45), (0.4, 0.6)),
    ".gl-comp": ("input", (0.45, 0.5), (0.8, 0.5)),
    ".gl-kl": (".knob.mean", (0.5, 0.5), (-4.0, 0.5)),
    ".gl-field": ("canvas.grid", (0.5, 0.5), (0.8, 0.3)),
    ".gl-player": ("input", (0.45, 0.5), (0.8, 0.5)),
    ".gl-rd": ("input", (0.45, 0.5), (0.8, 0.5)),
    ".gl-earth": (".fakes", (0.5, 0.5), (3.0, 3.0)),
    ".gl-tab": ("canvas.hand", (0.2, 0.2), (0.6, 0.3)),
    ".gl-density": ("canvas.plane", (0.3, 0.3), (0.6, 0.4)),
    ".gl-denoise": ("input[name=at]", (0.45, 0.5), (0.8, 0.5)),
    ".gl-guide": ("canvas.plane", (0.594, 0.3125), (0.7, 0.5)),
    ".gl-schedule": (".handle >> nth=3", (0.5, 0.5), (0.5, 3.0)),
    ".gl-tricks": ("input[name=frame]", (0.45, 0.5), (0.8, 0.5)),
    ".gl-cell": (".code", (0.5, 0.5), (3.0, -3.0)),
    ".gl-tokens": ("canvas.hand", (0.2, 0.2), (0.6, 0.6)),
    ".gl-caption": ("input[name=drawn]", (0.95, 0.5), (0.4, 0.5)),
    ".gl-meter": ("input[name=frame]", (0.95, 0.5), (0.4, 0.5)),
}
# All fragments of a slide shown: what sticks out of it, by more than a pixel?
OUTSIDE = """() => {
  const slide = Reveal.getCurrentSlide();
  const frame = slide.getBoundingClientRect();
  const out = [];
  if (slide.scrollHeight > 720 || slide.scrollWidth > 1280) out.push(`${slide.scrollWidth} × ${slide.scrollHeight}`);
  for (const node of slide.querySelectorAll("h1, h2, .text, .code, .figure, img, .live, mjx-container > svg")) {
    const box = node.getBoundingClientRect();
    if (!box.width) continue;
    const beside = Math.max(frame.left - box.left, box.right - frame.right);
    const above = Math.max(frame.top - box.top, box.bottom - frame.bottom);
    if (beside > 1 || above > 1) out.push(`${node.tagName} ${node.className.baseVal ?? node.className}`);
  }
  return out;
}"""


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Five steps a training, whose outputs look as large and move as well; beside what is built in full."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GENLIB_QUICK", "1")
        patched.setattr(files, "BUILD", files.BUILD / "quick")
        yield


@pytest.fixture(scope="module", params=DECKS, ids=IDS)
def built(request):
    """A deck: built if it is not there; and what a second build says, at once.

    In a thread of its own: Playwright runs once in a thread, and the browser of the tests is open in this one."""
    said = []
    with ThreadPoolExecutor(1) as apart:
        apart.submit(slides.build, [request.param]).result()
        apart.submit(slides.build, [request.param], say=said.append).result()
    return SimpleNamespace(lecture=request.param, said=said)


@pytest.fixture(scope="module")
def deck(built, browser, tmp_path_factory):
    """A deck, copied to a folder of its own and opened from there; what it asked for and what it complained of."""
    lecture = built.lecture
    path = shutil.copy(slides.html(lecture), tmp_path_factory.mktemp("alone") / "deck.html")
    source = slides.read_deck(slides.source(lecture).read_text(encoding="utf-8"))
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    requests, complaints = [], []
    page.context.on("request", lambda r: requests.append(r.url))
    page.context.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"file://{path}")
    page.wait_for_function("window.deck.ready", timeout=60_000)
    opened = SimpleNamespace(
        lecture=lecture, page=page, source=source, requests=requests, complaints=complaints, address=page.url
    )
    yield opened
    page.context.close()


def go(deck, index: int, *, whole: bool = True) -> None:
    deck.page.evaluate("([i, f]) => Reveal.slide(i, 0, f)", [index, 999 if whole else -1])


def place(deck) -> int:
    return deck.page.evaluate("Reveal.getIndices().h")


def test_it_opens_from_the_disk_and_asks_nobody(deck):
    for index in range(len(deck.source)):
        go(deck, index)
    deck.page.wait_for_timeout(200)
    asked = [url for url in deck.requests if not url.startswith(("data:", "blob:"))]
    assert {url.split("#")[0] for url in asked} == {deck.address.split("#")[0]}
    assert deck.complaints == []
    assert deck.page.evaluate("Reveal.getTotalSlides()") == len(deck.source)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_slide_overflows(deck, size):
    deck.page.set_viewport_size({"width": size[0], "height": size[1]})
    deck.page.wait_for_function("scale => Math.abs(Reveal.getScale() - scale) < 1e-6", arg=size[1] / 720)
    faults = {}
    for index, slide in enumerate(deck.source):
        go(deck, index)
        outside = deck.page.evaluate(OUTSIDE)
        if outside:
            faults[f"{index + 1} {slide.title}"] = outside
    assert faults == {}
    assert deck.page.evaluate("window.deck.problems") == []


def test_every_formula_is_rendered(deck):
    prose = re.sub(r"^```.*?^```", "", "\n\n".join(slide.text for slide in deck.source), flags=re.M | re.S)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    displayed = len(re.findall(r"\$\$.+?\$\$", prose, re.S))
    inline = len(re.findall(r"\$[^$]+\$", re.sub(r"\$\$.+?\$\$", "", prose, flags=re.S)))
    assert deck.page.locator(".slides mjx-container[display=true] > svg").count() == displayed > 0
    assert deck.page.locator(".slides mjx-container:not([display=true]) > svg").count() == inline
    assert deck.page.locator("[data-mjx-error], mjx-merror").count() == 0
    text = deck.page.evaluate("[...document.querySelectorAll('h1, h2, .text')].map((n) => n.textContent).join(' ')")
    assert not re.search(r"\$|\\[a-z]", text)
    tags = deck.page.locator("mjx-container[aria-label*='\\\\tag{']").count()
    assert tags == len(re.findall(r"\\tag\{", prose))


def test_the_arrow_key_shows_one_thing_more_until_the_end(deck):
    go(deck, 0, whole=False)
    seen = []
    for _ in range(10 * len(deck.source)):
        here = place(deck)
        shown = deck.page.evaluate("Reveal.getCurrentSlide().querySelectorAll('.fragment.visible').length")
        seen.append((here, shown))
        if here == len(deck.source) - 1 and not deck.page.evaluate("Reveal.availableFragments().next"):
            break
        deck.page.keyboard.press("ArrowRight")
        if place(deck) == here:
            now = deck.page.evaluate("Reveal.getCurrentSlide().querySelectorAll('.fragment.visible').length")
            assert now == shown + 1
    fragments = deck.page.locator(".slides .fragment").count()
    assert len(seen) == len(deck.source) + fragments
    assert {here for here, _ in seen} == set(range(len(deck.source)))


def widgets_of(deck) -> list[tuple[int, str]]:
    """(slide, css of the root) of every widget."""
    found = deck.page.evaluate(
        """() => [...document.querySelectorAll(".live")].map((live) => [
             Reveal.getSlides().indexOf(live.closest("section")),
             live.querySelector("[class^='gl-']").className.split(" ")[0]])"""
    )
    return [(index, f".{name}") for index, name in found]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_widgets_move_by_mouse_and_by_keyboard(deck, size):
    page = deck.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    found = widgets_of(deck)
    if deck.lecture.number in ("03", "04", "05", "07", "08"):
        assert found, "this deck has a widget to move"
    for index, css in found:
        go(deck, index)
        widget = page.locator(f"section.present {css}")
        handle, start, end = HANDLES[css]
        held = widget.locator(handle).first
        box, before = held.bounding_box(), widget.evaluate(LOOK)
        points = [(box["x"] + box["width"] * u, box["y"] + box["height"] * v) for u, v in (start, end)]
        page.mouse.move(*points[0])
        page.mouse.down()
        page.mouse.move(*points[1], steps=12)
        page.mouse.up()
        at_rest(page, "section.present")
        dragged = widget.evaluate(LOOK)
        assert dragged != before, f"{css} does not follow the mouse"
        held.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        at_rest(page, "section.present")
        assert widget.evaluate(LOOK) != dragged, f"{css} does not follow the keys"
        assert place(deck) == index, "the slide moved, although the widget has the focus"
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("PageUp")
        assert place(deck) < index, "Escape does not give the arrows back to the slides"


def test_the_point_of_the_pad_is_where_the_mouse_is(deck):
    """Slides are scaled and so is the widget in them; what is dragged must stay under the pointer."""
    found = [index for index, css in widgets_of(deck) if css == ".gl-pad"]
    for index in found:
        deck.page.set_viewport_size({"width": 1920, "height": 1080})
        go(deck, index)
        plane, say = deck.page.locator("section.present canvas.plane"), deck.page.locator("section.present .say")
        box = plane.bounding_box()
        places = []
        for share in (0.25, 0.75):
            deck.page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
            at_rest(deck.page, "section.present")
            places.append(re.search(r"-?\d+\.\d+", say.inner_text().replace("−", "-"))[0])  # the first coordinate
        left, right = map(float, places)
        assert left == pytest.approx(-right, abs=0.05)
        assert right > 1


def test_pinning_two_places_shows_the_way_and_still_fits(deck):
    for index in [index for index, css in widgets_of(deck) if css == ".gl-pad"]:
        deck.page.set_viewport_size({"width": 1280, "height": 720})
        go(deck, index)
        deck.page.locator("section.present canvas.plane").focus()
        for key in ["a", *["Shift+ArrowRight"] * 3, "b"]:
            deck.page.keyboard.press(key)
            at_rest(deck.page, "section.present")
        assert deck.page.locator("section.present .gl-pad").get_by_role("button", name="Walk from A to B").is_visible()
        assert deck.page.evaluate(OUTSIDE) == []
        deck.page.keyboard.press("Escape")


def test_the_speaker_view_shows_the_note_and_the_next_slide(deck):
    go(deck, 1, whole=False)
    with deck.page.expect_popup() as popup:
        deck.page.keyboard.press("s")
    view = popup.value
    words = next(cell for cell in deck.source[1].cells if cell.metadata.slideshow.slide_type == "notes").source[:40]
    view.wait_for_function(
        "words => document.querySelector('.speaker-controls-notes').innerText.includes(words)",
        arg=words,
        timeout=60_000,
    )
    view.close()
    asked = [url for url in deck.requests if not url.startswith(("data:", "blob:", "file:", "about:"))]
    assert asked == []


def test_the_pdf_has_a_page_for_each_slide(built):
    lecture = built.lecture
    source = slides.read_deck(slides.source(lecture).read_text(encoding="utf-8"))
    pages = PdfReader(slides.pdf(lecture)).pages
    assert len(pages) == len(source)
    for number, (page, slide) in enumerate(zip(pages, source, strict=True), start=1):
        assert abs(page.mediabox.width / page.mediabox.height - 1280 / 720) < 0.01
        if number % 6 == 1:  # reading all the drawn formulas takes long
            title = "".join(re.sub(r"[`*]|\$.*?\$", "", slide.title).split())
            assert title[:12] in "".join(page.extract_text().split()), f"page {number} is not “{slide.title}”"
        code = [cell.source for cell in slide.cells if cell.cell_type == "code"]
        if any("widgets." in source for source in code):
            assert page.images, f"page {number} has no still picture of its widget"


def test_what_is_built_is_not_built_again(built):
    assert built.said == [f"{built.lecture.name}: nothing to do"]
