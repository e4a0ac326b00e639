"""The thin adapter between a kernel and a picture that JavaScript draws.

A widget's JavaScript is one plain module, NAME.js beside this file, that exports ``draw(element, state)``. It draws
the state into the element; called again, it brings the picture up to date. What a person changes it tells by
``element.dispatchEvent(new CustomEvent("moved", {detail: value}))``, and a state may hold such a ``value``, so that a
second view of a widget shows what was done in the first. It knows nothing of Jupyter: the same module runs in a slide
or on a web page without a kernel.
"""

import base64
from pathlib import Path

import anywidget
import traitlets

_ADAPTER = """
export default {
  render({ model, el }) {
    const redraw = () => draw(el, { ...model.get("state"), value: model.get("value"), answer: model.get("answer") });
    el.addEventListener("moved", (event) => {
      model.set("value", event.detail);
      model.save_changes();
    });
    model.on("change:state change:value change:answer", redraw);
    redraw();
    return () => model.off("change:state change:value change:answer", redraw);
  },
};
"""


FOLDER = Path(__file__).parent


def module(name: str) -> str:
    """The JavaScript of a widget: its own module and the adapter."""
    return (FOLDER / name).read_text(encoding="utf-8") + _ADAPTER


class Drawing(anywidget.AnyWidget):
    """A picture drawn in the browser.

    state: what to draw, JSON (the kernel sets it); value: what the person changed, JSON (the browser sets it); answer:
    what the kernel says to a value, small, so that the rest of the state does not travel again.
    A subclass names its module, ``_esm = module("NAME.js")``, and says how it looks without a browser: ``still()``,
    the bytes of a PNG, and ``alt``, that picture in words.
    """

    state = traitlets.Dict().tag(sync=True)
    value = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    alt = ""

    def still(self) -> bytes:
        """The widget as a PNG, for a notebook that is read and not run."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **keywords):
        data, metadata = super()._repr_mimebundle_(**keywords)
        data = {**data, "image/png": base64.b64encode(self.still()).decode()}
        return data, {**metadata, "image/png": {"alt": self.alt}}


class Asking(Drawing):
    """A picture that the kernel draws anew when something is moved: ``refresh`` answers the state's ``request``.

    An error in the first answer shows below the cell. Later ones have no cell and are told in the widget, which would
    otherwise wait forever.
    """

    def __init__(self, state: dict):
        super().__init__(state={**state, "error": ""})
        self.refresh()
        self.observe(self._moved, "value")

    @property
    def request(self) -> dict:
        """What is asked: the request at the start, and over it what the person moved."""
        return {**self.state["request"], **self.value}

    def refresh(self) -> None:
        """Puts the answer to the request into the state."""
        raise NotImplementedError

    def _moved(self, _change) -> None:
        try:
            self.refresh()
        except Exception as error:
            self.state = {**self.state, "answered": self.request, "error": f"{type(error).__name__}: {error}"}
