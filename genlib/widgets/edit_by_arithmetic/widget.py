"""Pictures edited by adding vectors to their latents, beside the true pictures."""

import math
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from genlib.widgets.drawing import Asking, module

Draw = Callable[[int, dict[str, float]], Tensor]


def error(a: Tensor, b: Tensor) -> float:
    """The root of the mean square of their difference, for pictures in 0..1."""
    return math.sqrt((a - b).square().mean().item())


class EditByArithmetic(Asking):
    """See ``edit_by_arithmetic``. ``errors`` are those of the edits as they stand, and of doing nothing."""

    _esm = module("edit_by_arithmetic")
    alt = "A character, its true rendering with other factors, and what each model's edit made of it, with errors."

    def __init__(self, state: dict, truth: Draw, edits: Mapping[str, Draw]):
        self._truth, self._edits = truth, dict(edits)
        super().__init__(state, truth)

    @property
    def errors(self) -> dict[str, float]:
        return dict(self.state["errors"])

    def reply(self, request: dict) -> dict:
        """The pictures and their errors for the choice and the factors that stand."""
        choice, values = int(request["choice"]), {name: float(v) for name, v in request["values"].items()}
        start = {name: middle for name, (_, middle, _) in self.state["sliders"].items()}
        before, true = self._ask(choice, start).clamp(0, 1), self._ask(choice, values).clamp(0, 1)
        edited = {name: edit(choice, values).detach().clamp(0, 1) for name, edit in self._edits.items()}
        errors = {"left alone": error(before, true)} | {name: error(x, true) for name, x in edited.items()}
        shown = {"before": before, "truth": true} | edited
        return {
            "pictures": {name: (255 * x).round().int().view(x.shape[-2:]).tolist() for name, x in shown.items()},
            "errors": {name: round(value, 4) for name, value in errors.items()},
        }

    def still(self) -> bytes:
        import torch

        from genlib import plots

        pictures, errors = self.state["pictures"], self.state["errors"]
        x = torch.tensor(list(pictures.values()))[:, None] / 255
        titles = [f"{name} ({errors[name]:.3f})" if name in errors else name for name in pictures]
        return plots.png(plots.images(x, titles=titles, size=1.3))


def edit_by_arithmetic(
    truth: Draw,
    edits: Mapping[str, Draw],
    *,
    sliders: Mapping[str, tuple[float, float, float]],
    names: Sequence[str],
    choice: int = 0,
    values: Mapping[str, float] | None = None,
) -> EditByArithmetic:
    """Is a direction in latent space what its name says? Make a character bold, slanted, small; compare with the truth.

    Arguments: truth, a function (choice, values) -> a picture (1, H, W) in 0..1, what the chosen character looks like
    with these factors; edits, {model: a function of the same kind}, what its latents give; sliders, {factor: (least,
    start, greatest)}, start being what the character is before the edit; names of the choices; choice and values to
    begin with. Errors are root mean squares over pixels. Raises: ValueError for a slider that starts out of its range,
    no edit, or a choice or a value that there is not.
    """
    for name, (low, start, high) in sliders.items():
        if not low <= start <= high or low == high:
            raise ValueError(f"slider {name!r} goes from {low} to {high} and starts at {start}, which lies not between")
    if not edits or not sliders or not 0 <= choice < len(names):
        raise ValueError(f"give at least one edit, one slider, and a choice={choice} among the {len(names)} names")
    given = dict(values or {})
    if wrong := [k for k, v in given.items() if k not in sliders or not sliders[k][0] <= v <= sliders[k][2]]:
        raise ValueError(f"values={given}: {', '.join(wrong)} is no slider's, or out of its range")
    start_values = {name: start for name, (_, start, _) in sliders.items()} | given
    state = {
        "sliders": {name: list(ends) for name, ends in sliders.items()},
        "names": list(names),
        "request": {"choice": choice, "values": start_values},
    }
    return EditByArithmetic(state, truth, edits)
