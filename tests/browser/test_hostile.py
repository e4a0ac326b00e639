"""Markup that gets into a state, a name or an output is text, in every widget and on every slide: it runs nothing."""

import base64
import json

import nbformat
import pytest
from nbformat import v4

from genlib.course import slides
from genlib.course.lectures import find
from genlib.course.slides import writing
from tests.browser.test_widgets_look import MAKE

MARKUP = (
    "<img src=x onerror='window.bad=1'>",
    "</script><script>window.bad=2</script>",
    "<!--<script>",
    "<svg onload='window.bad=3'><script>window.bad=4</script></svg>",
    "\"'><iframe srcdoc='<script>parent.bad=5</script>'></iframe>",
    "javascript:window.bad=6",
)


# Draws a state with markup in the place of everything, then of one entry after the other; what it then shows.
_DRAW = """async ([source, state, markup]) => {
  const { draw } = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
  const spoilt = (value, text) => {
    if (Array.isArray(value)) return value.map((v) => spoilt(v, text));
    if (value === null || typeof value !== 'object') return text;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, spoilt(v, text)]));
  };
  const found = [];
  const look = async (one) => {
    const element = document.createElement('div');
    document.body.append(element);
    try {
      draw(element, {...state, version: 0});
      draw(element, {...one, version: 1});
    } catch { /* it may refuse to draw nonsense */ }
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const odd = 'img, script, iframe, object, embed, [onerror], [onload], [srcdoc], [href^=javascript]';
    found.push(...[...element.querySelectorAll(odd)].map((node) => node.outerHTML.slice(0, 200)));
    element.dispatchEvent(new CustomEvent('left'));
    element.remove();
  };
  for (const text of markup) {
    await look(spoilt(state, text));
    await look({...state, value: spoilt(state, text), answer: spoilt(state, text)});
  }
  for (const name of Object.keys(state)) await look({...state, [name]: spoilt(state[name], markup[0])});
  await new Promise((done) => setTimeout(done, 100)); // a picture that can't be loaded says so a little later
  return {bad: window.bad, found};
}"""


@pytest.mark.parametrize("name", MAKE)
def test_a_state_with_markup_where_numbers_should_be_runs_nothing(browser, name):
    widget = MAKE[name]()
    page = browser.new_page()
    page.set_content("<body></body>")
    seen = page.evaluate(_DRAW, [widget._esm, json.loads(json.dumps(widget.state)), MARKUP])
    assert seen == {"bad": None, "found": []}
    page.close()


def test_that_test_would_see_it(browser):
    esm = "export function draw(element, state) { element.innerHTML = `${state.mean}`; }"
    page = browser.new_page()
    page.set_content("<body></body>")
    seen = page.evaluate(_DRAW, [esm, {"mean": 0}, MARKUP])
    assert seen["bad"]
    assert len(seen["found"]) > 3
    page.close()


# Slides ---------------------------------------------------------------------------------------------------------------

DECK = """# A title

Note (1 min): Say.

## What data can say

```{code-cell} ipython3
1
```

Note (1 min): Say.

## After it

All is well: $a = b$.

Note (1 min): Say.
"""
DRAWS = """
const end = "</script>";
const begin = "<!--<script>";
function draw(element, state) {
  const part = document.createElement("div");
  part.className = "gl-name";
  part.textContent = state.name + (end + begin).length;
  element.replaceChildren(part);
}
"""
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8) + (100).to_bytes(4, "big") * 2).decode()


def page_of(monkeypatch, text):
    """The HTML of a deck whose cell gave outputs with this text, also as markup that nobody has escaped."""
    view = {"model_id": "a1"}
    states = {"state": {"a1": {"state": {"_esm": DRAWS, "state": {"name": text, text: [text]}}}}}
    outputs = [
        v4.new_output("stream", name="stdout", text=text),
        v4.new_output("execute_result", data={"text/plain": text}, execution_count=1),
        v4.new_output("display_data", data={"text/html": f"<p>{text}</p><img src='https://example.org/a.png'>"}),
        v4.new_output(
            "display_data",
            data={"image/png": PNG, "application/vnd.jupyter.widget-view+json": view},
            metadata={"image/png": {"alt": text}},
        ),
    ]

    def executed(_, notebook):
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells[1].outputs = [nbformat.from_dict(output) for output in outputs]
        notebook.metadata["widgets"] = nbformat.from_dict({"application/vnd.jupyter.widget-state+json": states})
        return notebook

    monkeypatch.setattr(writing, "executed", executed)
    writing.fetch_packages()
    return writing._page(find("01"), slides.read_deck(DECK), "0")


@pytest.mark.parametrize("text", MARKUP)
def test_a_slide_runs_nothing_that_came_with_data_and_is_whole(browser, monkeypatch, tmp_path, text):
    path = tmp_path / "deck.html"
    path.write_text(page_of(monkeypatch, text), encoding="utf-8")
    page = browser.new_page()
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("window.deck.ready", timeout=60_000)
    assert page.evaluate("window.bad") is None
    assert page.evaluate("Reveal.getTotalSlides()") == 3
    assert page.locator(".gl-name").text_content() == f"{text}{len('</script><!--<script>')}"
    assert text in page.locator("pre.printed").first.text_content()
    assert page.locator(".slides mjx-container > svg").count() == 1, "what comes after it is typeset"
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()


def test_the_policy_stands_in_every_page_and_allows_nothing_else(monkeypatch):
    page = page_of(monkeypatch, "plain")
    head = page[: page.index("<script")]
    assert 'http-equiv="Content-Security-Policy"' in head
    assert "default-src 'none'" in head
    said = head.split("script-src")[1].split('"')[0]
    assert "unsafe" not in said
    assert "http" not in said
    assert page.count("</script>") == said.count("sha256-") - 1, "one for each, and one for the speaker view"
