"""An image to paint on: what a picture is to a model, and what a model says of it while it changes."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module


class Paint(Drawing):
    """See ``paint``. ``image`` is the picture as it stands, (1, H, W) integers."""

    _esm = module("paint")

    def __init__(self, state: dict, readout: Callable[[Tensor], Mapping[str, Mapping[str, float]]] | None):
        super().__init__(state=state)
        self._readout = readout
        self.observe(self.refresh, "value")
        self.refresh()

    @property
    def alt(self) -> str:
        panels = ", ".join(panel["title"] for panel in self.state.get("readout", []))
        return "An image as a grid of numbers, to paint on" + (f"; beside it {panels}." if panels else ".")

    @property
    def image(self) -> Tensor:
        return torch.tensor(self.now("image"), dtype=torch.long)[None]

    def refresh(self, _change: dict | None = None) -> None:
        """Asks the readout, where there is one, about the picture as it stands and shows what it says."""
        if self._readout is None:
            return
        with torch.no_grad():
            panels = self._readout(self.image)
        drawn = [
            {"title": title, "names": list(bars), "values": [float(v) for v in bars.values()]}
            for title, bars in panels.items()
        ]
        self.state = {**self.state, "readout": drawn}

    def still(self) -> bytes:
        from genlib import plots

        panels = {p["title"]: dict(zip(p["names"], p["values"], strict=True)) for p in self.state.get("readout", [])}
        return plots.png(plots.pixels(self.image, levels=self.state["levels"], readout=panels))


def paint(
    image: Tensor,
    *,
    levels: int,
    readout: Callable[[Tensor], Mapping[str, Mapping[str, float]]] | None = None,
) -> Paint:
    """An image of numbers that you can paint on with the mouse, or with the arrow keys and + and -.

    Arguments: image (1, H, W), integers 0..levels-1; readout, a function of such an image that returns
    {title: {name: value between 0 and 1}}, drawn as bars and asked again after each stroke.
    Returns: a widget; its ``image`` is the picture as it stands. Raises: ValueError for another shape or value.
    """
    if image.dim() != 3 or len(image) != 1:
        raise ValueError(f"image has shape {tuple(image.shape)}; paint takes one image of one channel, (1, H, W)")
    if image.is_floating_point() or image.min() < 0 or image.max() >= levels:
        raise ValueError(f"the pixels must be integers 0..{levels - 1}")
    return Paint({"image": image[0].tolist(), "levels": levels}, readout)
