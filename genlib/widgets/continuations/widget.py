"""The beginning of a text is given; a model writes on."""

from collections.abc import Callable, Sequence

from torch import Tensor

from genlib.widgets.drawing import Asking, module

Write = Callable[[str, float, int], tuple[Sequence[tuple[str, str]], Sequence[tuple[str, float]]]]

Attention = Callable[[str], Tensor]


class Continuations(Asking):
    """See ``continuations``. ``lines`` are the texts as they stand, each with its note."""

    _esm = module("continuations")
    alt = "The beginning of a text, several continuations of it, and the distribution of the first new character."

    def __init__(self, state: dict, write: Write, attention: Attention | None = None):
        self._attention = attention
        super().__init__(state, write)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [tuple(line) for line in self.state["lines"]]

    def reply(self, request: dict) -> dict:
        """Has the text continued as the widget asks, and says what a character looked at where that is asked."""
        weights = None
        if self._attention is not None and request.get("look") is not None:
            weights = [[round(w, 4) for w in head] for head in self._attention(request["look"]).tolist()]
        same = ("prompt", "temperature", "seed")
        if weights and [self.state["answered"][name] for name in same] == [request[name] for name in same]:
            return {"weights": weights}  # the texts stay
        lines, following = self._ask(request["prompt"], float(request["temperature"]), int(request["seed"]))
        return {
            "lines": [[text, note] for text, note in lines],
            "weights": weights,
            "next": [[character, float(p)] for character, p in following],
        }

    def still(self) -> bytes:
        from genlib import plots

        following = [(character, p) for character, p in self.state["next"]]
        return plots.png(plots.autoregressive.continuations(self.state["answered"]["prompt"], self.lines, following))


def continuations(
    write: Write,
    *,
    characters: Sequence[str],
    longest: int = 60,
    prompt: str = "",
    temperature: float = 1.0,
    attention: Attention | None = None,
) -> Continuations:
    """How does the text go on? Change its beginning and the temperature; the model writes on.

    Arguments: write, a function (prompt, temperature, seed) -> (lines, next): the texts with a note for each, and
    (character, probability) of the most probable first new characters; characters, those that the model knows (others
    can't be typed); longest, how many characters a beginning may have; attention, a function text -> (heads, 1 + n),
    the weights at the place after its n characters, of the start and of each: shown for the character that is pointed
    at. Raises: ValueError for a prompt that can't be.
    """
    characters = [c for c in characters if len(c) == 1]
    if len(prompt) > longest or set(prompt) - set(characters):
        raise ValueError(f"prompt={prompt!r}: at most {longest} of the characters {''.join(characters)!r}")
    request = {"prompt": prompt, "temperature": temperature, "seed": 0}
    heads = 0 if attention is None else len(attention(prompt))
    state = {"request": request, "characters": characters, "longest": longest, "heads": heads}
    return Continuations(state, write, attention)
