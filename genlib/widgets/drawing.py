"""The thin adapter between a kernel and a picture that JavaScript draws.

A widget's JavaScript is NAME/draw.js, which exports ``draw(element, state)``. It draws the state into the element;
called again with another ``state.version``, it brings the picture up to date. What a person changes it tells by an
event "moved" whose detail is the value, and a state may hold such a ``value``, so that a second view of a widget shows
what was done in the first. It knows nothing of Jupyter: the same module runs in a slide or on a web page without a
kernel. What several drawings need stands in kit.js.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from genlib import plots

# The version counts what comes from elsewhere, the kernel or another view; what is moved here is drawn already.
_ADAPTER = """
export default {
  render({ model, el }) {
    let version = 0;
    let own = false;
    const redraw = () => {
      if (own) return;
      version += 1;
      draw(el, { ...model.get("state"), value: model.get("value"), answer: model.get("answer"), version });
    };
    el.addEventListener("moved", (event) => {
      own = true;
      model.set("value", event.detail);
      own = false;
      model.save_changes();
    });
    model.on("change:state change:value change:answer", redraw);
    redraw();
    return () => {
      model.off("change:state change:value change:answer", redraw);
      el.dispatchEvent(new CustomEvent("left"));
    };
  },
};
"""

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
_DECLARED = re.compile(r"^(?:export )?(?:const|let|class|(?:async )?function\*?) ([\w$]+)", re.MULTILINE)
_ELSE = re.compile(r"^(?:import\b|export (?!const|let|class|function|async)|(?:const|let) [\[{]|var\b).*", re.MULTILINE)


def module(name: str) -> str:
    """The JavaScript of a widget as one ES module: kit.js, NAME/draw.js and what else it imports, and the adapter."""
    return bundle(FOLDER / name / "draw.js") + _ADAPTER


def bundle(path: Path) -> str:
    """A JavaScript file and all it imports as one text without imports, each file once and before those that need it.

    Within one text a name means one thing: ValueError where two files declare the same one at their top level, and for
    anything but ``import { a, b } from "./file.js";`` and ``export`` before a declaration.
    """
    declared: dict[str, Path] = {}
    texts = []
    for part in _in_order(path, []):
        text = _IMPORT.sub("", part.read_text(encoding="utf-8"))
        if unknown := _ELSE.search(text):
            raise ValueError(f"{part.name}: {unknown[0]!r} can't be bundled")
        for name in _DECLARED.findall(text):
            if name in declared:
                raise ValueError(f"{declared[name].name} and {part.name} both declare {name}; rename one of them")
            declared[name] = part
        texts.append(text if part == path else re.sub(r"^export ", "", text, flags=re.MULTILINE))
    return "\n".join(texts)


def _in_order(path: Path, found: list[Path]) -> list[Path]:
    """``found`` with, at its end, the files that this one imports, and the file itself."""
    for names, target in _IMPORT.findall(path.read_text(encoding="utf-8")):
        if " as " in names:
            raise ValueError(f"{path.name} renames what it imports from {target}, which can't be bundled")
        imported = (path.parent / target).resolve()
        if imported not in found:
            _in_order(imported, found)
    found.append(path)
    return found


class Drawing(anywidget.AnyWidget):
    """A picture drawn in the browser.

    state: what to draw, JSON (the kernel sets it); value: what the person changed, JSON (the browser sets it); answer:
    what the kernel says to a value, small, so that the rest of the state does not travel again.
    A subclass names its module, ``_esm = module("NAME")``, and says how it looks without a browser: ``still()``,
    the bytes of a PNG, and ``alt``, that picture in words, as a text or a property.
    """

    state = traitlets.Dict().tag(sync=True)
    value = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def now(self, name: str) -> Any:
        """What stands under a name: what the person moved or, where nothing was, what the state says."""
        return self.value.get(name, self.state.get(name))

    @property
    def alt(self) -> str:
        """What ``still()`` shows, for who can't see it."""
        raise NotImplementedError

    def still(self) -> bytes:
        """The widget as a PNG, for a notebook that is read and not run."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **keywords: Any) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**keywords) or ({}, {})
        picture = self.still()
        data = {**data, "image/png": base64.b64encode(picture).decode()}
        return data, {**metadata, "image/png": {"alt": self.alt, "width": plots.shown_width(picture)}}


class Asking(Drawing):
    """A picture that the kernel draws anew when something is moved: ``reply`` answers the state's ``request``.

    ask: the function that a reply asks.
    An error in the first answer shows below the cell. Later ones have no cell and are told in the widget, which would
    otherwise wait forever.
    """

    def __init__(self, state: dict, ask: Callable):
        super().__init__(state={**state, "error": ""})
        self._ask = ask
        self.refresh()
        self.observe(self._moved, "value")

    @property
    def request(self) -> dict:
        """What is asked: the request at the start, and over it what the person moved."""
        return {**self.state["request"], **self.value}

    def reply(self, request: dict) -> dict:
        """What the state holds in answer to a request."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Puts the answer to the request into the state."""
        request = self.request
        self.state = {**self.state, **self.reply(request), "answered": request, "error": ""}

    def _moved(self, _change: dict) -> None:
        try:
            self.refresh()
        except Exception as error:
            self.state = {**self.state, "answered": self.request, "error": f"{type(error).__name__}: {error}"}
