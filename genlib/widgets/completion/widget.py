"""Part of a picture is given; a model draws the rest, eight times."""

from collections.abc import Callable

import torch
from torch import Tensor

from genlib.widgets.drawing import Asking, module

Complete = Callable[[Tensor, Tensor, float, int], Tensor]


class Completion(Asking):
    """See ``completion``. ``drawn`` are the continuations as they stand, (8, 1, H, W) integers."""

    _esm = module("completion")
    alt = "A digit of which a part is given, and eight continuations of it."

    def __init__(self, state: dict, complete: Complete, mean: Callable[[Tensor, Tensor], Tensor] | None = None):
        self._mean = mean
        super().__init__(state, complete)

    @property
    def drawn(self) -> Tensor:
        return torch.tensor(self.state["drawn"])[:, None]

    def picture(self, request: dict) -> Tensor:
        """The picture of a request, (H, W): one of those to choose from or, where something was painted, that."""
        return torch.tensor(request.get("image") or self.state["images"][request["picture"]])

    def reply(self, request: dict) -> dict:
        """Has the picture completed as the widget asks."""
        x = self.picture(request)[None]
        known = torch.arange(x.numel()).view(x.shape) < request["given"]
        drawn = self._ask(x, known, float(request["temperature"]), int(request["seed"]))
        mean = None if self._mean is None else self._mean(x, known)[0].tolist()
        return {"drawn": drawn[:, 0].tolist(), "mean": mean}

    def still(self) -> bytes:
        from genlib import plots

        asked = self.state["answered"]
        x = self.picture(asked)
        return plots.png(plots.autoregressive.completion(x, self.drawn, asked["given"], levels=self.state["levels"]))


def completion(
    images: Tensor,
    complete: Complete,
    *,
    levels: int,
    given: int | None = None,
    temperature: float = 1.0,
    fixed: bool = False,
    mean: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Completion:
    """How does it go on? Choose or paint a picture, how much is given, and a temperature; see eight continuations.

    Arguments: images (n, 1, H, W), integers 0..levels-1, to choose from; complete, a function (x (1, H, W), known
    (1, H, W) bool, temperature, seed) -> (8, 1, H, W), asked again when something is moved; given, how many pixels are
    given at first, in raster order, half of them by default; fixed, whether they are always as many; mean, a function
    (x, known) -> (1, H, W), levels that need not be integers, for one answer that is shown beside. Raises: ValueError
    for another shape.
    """
    if images.dim() != 4 or images.shape[1] != 1:
        raise ValueError(f"images has shape {tuple(images.shape)}; completion takes (n, 1, H, W)")
    pixels = images[0].numel()
    request = {"picture": 0, "given": pixels // 2 if given is None else given, "temperature": temperature, "seed": 0}
    if not 0 <= request["given"] <= pixels:
        raise ValueError(f"given={given}; a picture has {pixels} pixels")
    state = {"images": images[:, 0].tolist(), "levels": levels, "request": request, "fixed": fixed}
    return Completion(state, complete, mean)
