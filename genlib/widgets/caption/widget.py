"""A caption that you write, its picture token by token, what each token looked at, and a judge's verdict."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

MOST_PICTURES, MOST_STORED = 8, 60
Draw = Callable[[str, float, int], Mapping[str, Any]]


class Caption(Drawing):
    """See ``caption``. ``request`` is {caption, guidance, seed} as it stands; ``pictures`` (n, C, H, W), what was drawn
    for it, and ``right``, [n] {what: bool}, the judge's verdicts."""

    _esm = module("caption")

    def __init__(self, state: dict, draw: Draw, stored: Sequence[tuple[str, float]]):
        self._draw, self._known = draw, dict[str, dict]()
        seed = state["start"]["seed"]
        super().__init__(state=state)
        for text, guidance in stored:
            self._drawn({"caption": text, "guidance": guidance, "seed": seed})
        self.state = {**state, "table": dict(self._known)}
        self.observe(self._moved, "value")

    @property
    def request(self) -> dict:
        return {**self.state["start"], **self.value}

    @property
    def pictures(self) -> Tensor:
        values = bytearray(base64.b64decode(self._drawn(self.request)["pictures"]))
        return torch.frombuffer(values, dtype=torch.uint8).view(-1, *self.state["shape"]) / 255

    @property
    def right(self) -> list[dict[str, bool]]:
        return self._drawn(self.request)["right"]

    def _drawn(self, request: dict) -> dict:
        """What is drawn for a request, once."""
        key = _key(request)
        if key not in self._known:
            said, s = request["caption"], float(request["guidance"])
            found = self._draw(said, s, int(request["seed"]))
            self._known[key] = {"caption": said, "guidance": request["guidance"]} | self._packed(found)
        return self._known[key]

    def _packed(self, found: Mapping[str, Any]) -> dict:
        """What ``draw`` returned as JSON. Raises: ValueError where it is not what was asked for."""
        (h, w), shape = self.state["grid"], tuple(self.state["shape"])
        pictures, tokens, attention = found["pictures"], found["tokens"], found.get("attention")
        n, T = len(pictures), h * w
        if not 1 <= n <= MOST_PICTURES or tuple(pictures.shape[1:]) != shape or tokens.numel() != n * T:
            raise ValueError(
                f"draw returned pictures {tuple(pictures.shape)} and tokens {tuple(tokens.shape)}; asked are "
                f"(n, {', '.join(map(str, shape))}) with n from 1 to {MOST_PICTURES}, and (n, {T})"
            )
        if len(found["right"]) != n or (attention is not None and tuple(attention.shape[:2]) != (n, T)):
            raise ValueError(
                f"draw returned {len(found['right'])} verdicts for {n} pictures, or attention that is not (n, {T}, L)"
            )
        return {
            "pictures": _bytes(pictures),
            "tokens": tokens.reshape(n, T).tolist(),
            "right": [{what: bool(ok) for what, ok in verdict.items()} for verdict in found["right"]],
            "read": [str(text) for text in found.get("read", [""] * n)],
            "attention": None if attention is None else _bytes(attention / attention.max().clamp(min=1e-9)),
            "words": 0 if attention is None else attention.shape[2],
            "top": 0.0 if attention is None else round(float(attention.max()), 6),
        }

    def _moved(self, _change: dict) -> None:
        request = self.request
        try:
            self.answer = {"request": request, "drawn": self._drawn(request), "error": ""}
        except Exception as error:
            told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            self.answer = {"request": request, "drawn": None, "error": told}

    @property
    def alt(self) -> str:
        right = self.right[0]
        wrong = [what.replace("_", " ") for what, ok in right.items() if not ok]
        verdict = f"a judge finds wrong: {', '.join(wrong)}" if wrong else "a judge finds all of it right"
        return f"A picture drawn for “{self.request['caption']}”; {verdict}."

    def still(self) -> bytes:
        from genlib import plots

        drawn, (h, w) = self._drawn(self.request), self.state["grid"]
        attention = None
        if drawn["attention"]:
            attention = torch.frombuffer(bytearray(base64.b64decode(drawn["attention"])), dtype=torch.uint8) / 255
            attention = attention.view(-1, h * w, drawn["words"])[0]
        said = self.request["caption"]
        return plots.png(plots.quantization.captioned(self.pictures[0], said, self.right[0], attention, grid=(h, w)))


def _key(request: Mapping[str, Any]) -> str:
    """As words.js names an answer."""
    return f"{request['caption']}|{request['guidance']}|{request['seed']}"


def _bytes(values: Tensor) -> str:
    """Numbers 0..1 as the base64 of a byte each."""
    levels = (255 * values.detach().float().clamp(0, 1)).round().to(torch.uint8)
    return base64.b64encode(levels.cpu().contiguous().numpy().tobytes()).decode()


def caption(
    draw: Draw,
    words: Mapping[str, Sequence[str]],
    *,
    shape: tuple[int, int, int],
    grid: tuple[int, int],
    template: str = "a {size} {colour} {shape} at the {place}",
    start: str | None = None,
    guidance: float = 1,
    guidances: Sequence[float] = (1, 1.5, 2, 3, 4, 6),
    stored: Sequence[str] = (),
    stored_guidances: Sequence[float] = (),
    measure: str = "it looked most at",
    unit: str = "",
    seed: int = 0,
) -> Caption:
    """Write a caption and see pictures of it come token by token, with how much each token heeds each word, and a
    judge's verdict.

    Arguments: draw, a function (caption, guidance, seed) -> {"pictures" (n, C, H, W) in 0..1, "tokens" (n, T), "right",
    n times {what: bool}, whose names are slots of the template or others such as "count", and if you like "read", n
    texts, what the judge sees, and "attention" (n, T, L), how much each token heeds each word, 0 or more}, n from 1 to
    8; a ValueError of it is told as it is; measure and unit, what that number is, in words, such as "it depends most
    on" and "nats"; words, {slot: options}; shape (C, H, W) of a picture; grid (h, w) of
    its tokens; template of captions; start, the first caption, by default the first option of each slot; guidance, of
    guidances; stored, captions that are drawn when the widget is made, with every one of stored_guidances (by default
    guidance alone), so that they are there without a kernel; seed of the first draws.
    Raises: ValueError for arguments that don't go together.
    """
    slots = re.findall(r"\{([^}]*)\}", template)
    if set(slots) != set(words) or not slots or not all(words.values()):
        raise ValueError(f"words are of {', '.join(words)}; the template asks for {', '.join(slots)}")
    if guidance not in guidances or list(guidances) != sorted(set(guidances)):
        raise ValueError(f"guidance={guidance} must be one of guidances={tuple(guidances)}, which must rise")
    if unknown := set(stored_guidances) - set(guidances):
        raise ValueError(f"stored_guidances: {sorted(unknown)} are none of guidances={tuple(guidances)}")
    start = template.format(**{slot: words[slot][0] for slot in slots}) if start is None else start
    known = {word for text in [*template.split(), *(o for options in words.values() for o in options)]
             for word in text.split() if "{" not in word}  # fmt: skip
    for text in (start, *stored):
        if odd := [word for word in text.split() if word not in known]:
            raise ValueError(f"{text!r}: {odd[0]!r} is no word of the template or of words")
    kept = [(text, s) for text in dict.fromkeys([start, *stored]) for s in dict.fromkeys([*stored_guidances, guidance])]
    if len(kept) > MOST_STORED:
        raise ValueError(f"{len(kept)} pictures are too many to store; at most {MOST_STORED}")
    state = {
        "words": {slot: list(words[slot]) for slot in slots},
        "template": template,
        "shape": list(shape),
        "grid": list(grid),
        "guidances": list(guidances),
        "measure": measure,
        "unit": unit,
        "table": {},
        "start": {"caption": start, "guidance": guidance, "seed": seed},
    }
    return Caption(state, draw, kept)
