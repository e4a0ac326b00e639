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


# Six frames in which nothing is drawn, written or told anew: what glides has arrived, however slow the machine.
_AT_REST = """(css) => new Promise((done) => {
  const part = document.querySelector(css);
  const look = () => JSON.stringify([window.told?.length, part.innerHTML,
    ...[...part.querySelectorAll('canvas')].map((node) => node.toDataURL())]);
  let last = look(), same = 0;
  const next = () => {
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same < 6) requestAnimationFrame(next);
    else done();
  };
  requestAnimationFrame(next);
})"""


def at_rest(page: Page, css: str = "body") -> None:
    """Waits until what is drawn in this part of the page has come to rest."""
    page.evaluate(_AT_REST, css)


def told(page: Page) -> dict:
    """What the widget told last."""
    return page.evaluate("() => window.told.at(-1)")
