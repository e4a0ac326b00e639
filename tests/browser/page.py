"""A widget on a bare page, without a kernel: its module draws, what it tells is written down."""

import json

from playwright.sync_api import Page

# again(change) draws once more, as when something comes from the kernel or another view.
_DRAW = """async ([source, state]) => {
  const { draw } = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
  let version = 0;
  window.element = document.getElementById('here');
  window.root = () => window.element.lastElementChild; // of the widget, where some leave what can be compared
  window.told = [];
  window.element.addEventListener('moved', (event) => window.told.push(event.detail));
  window.redraw = (change) => draw(window.element, {...state, ...change, version: version += 1});
  window.again = (value) => window.redraw({value});
  window.same = () => draw(window.element, {...state, version});
  draw(window.element, {...state, version});
}"""


def show(page: Page, widget, style: str = "") -> None:
    """Draws a widget's module into a fresh page, whose body has this style."""
    page.set_content(f"<body style='{style}'><div id=here></div></body>")
    page.evaluate(_DRAW, [widget._esm, json.loads(json.dumps(widget.state))])


def told(page: Page) -> dict:
    """What the widget told last."""
    return page.evaluate("() => window.told.at(-1)")
