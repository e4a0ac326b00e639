"""A character that you choose or paint, translated, translated back, and the rendered truth beside it."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import layers

SHOWN = 6  # characters in the still picture


class ThereAndBack(Drawing):
    """See ``there_and_back``. ``picture`` is x as it stands, (1, H, W) in 0..1; ``translated`` and ``returned``, what
    G and F make of it; ``off``, how far they are from where they should be."""

    _esm = module("there_and_back")

    def __init__(self, state: dict, forth: nn.Module, back: nn.Module):
        super().__init__(state=state)
        self._forth, self._back = forth, back

    @property
    def alt(self) -> str:
        X, Y = self.state["names"]
        return f"Rows of characters: {X} ones, x; {Y}, G(x); {X} again, F(G(x)); and the truth, rendered {Y}."

    @property
    def picture(self) -> Tensor:
        image = self.now("image")
        return self._ink(self.state["pictures"][self.now("choice")] if image is None else image)[None]

    @property
    def translated(self) -> Tensor:
        return self._through(self._forth, self.picture)

    @property
    def returned(self) -> Tensor:
        """Without the noise that can be put in between."""
        return self._through(self._back, self.translated)

    @property
    def off(self) -> dict[str, float | None]:
        """Mean absolute differences: of G(x) and of x from the truth, None for what was painted, and of F(G(x)) from
        x, without noise in between."""
        x, truth = self.picture, None
        if self.now("image") is None:
            truth = self._ink(self.state["truths"][self.now("choice")])[None]
        apart = [None if truth is None else (made - truth).abs().mean().item() for made in (self.translated, x)]
        return {"there": apart[0], "nothing": apart[1], "home": (self.returned - x).abs().mean().item()}

    def _ink(self, image: list) -> Tensor:
        return torch.tensor(image) / (self.state["levels"] - 1)

    @torch.no_grad()
    def _through(self, net: nn.Module, ink: Tensor) -> Tensor:
        """(n, H, W) in 0..1 through a network of numbers -1..1."""
        return (net(2 * ink[:, None] - 1)[:, 0] + 1) / 2

    def still(self) -> bytes:
        from genlib import plots

        x, truth = (self._ink(self.state[name][:SHOWN]) for name in ("pictures", "truths"))
        painted = self.now("image") is not None
        if painted:  # it comes first, and nobody knows its truth
            x, truth = torch.cat([self.picture, x])[:SHOWN], torch.cat([0 * self.picture, truth])[:SHOWN]
        there = self._through(self._forth, x)
        rows = torch.cat([x, there, self._through(self._back, there), truth])[:, None].clamp(0, 1)
        names, gaps = ["x", "G(x)", "F(G(x))", "truth"], {3 * len(x)} if painted else set()
        return plots.png(plots.images(rows, columns=len(x), rows=names, size=1.0, gaps=gaps))


def there_and_back(
    forth: nn.Sequential,
    back: nn.Sequential,
    pictures: Tensor,
    truths: Tensor,
    *,
    levels: int = 16,
    names: Sequence[str] = ("thin", "bold"),
) -> ThereAndBack:
    """What do two translators make of a character? Choose or paint x: G(x), F(G(x)) and the truth stand beside it.

    Both networks run in the browser. Arguments: forth G and back F, of known layers (see ``network.layers``), as
    ``CycleGAN`` has them: (B, 1, H, W) -> the same, of numbers -1..1; pictures (n, 1, H, W) in 0..1, and truths, the
    same translated truly; levels, in which is painted; names of the two kinds of pictures.
    Returns: a widget; its ``picture``, ``translated``, ``returned`` and ``off`` are as it stands.
    Raises: ValueError for shapes that do not fit, and for networks that the browser can't run.
    """
    if pictures.dim() != 4 or pictures.shape[1] != 1 or pictures.shape != truths.shape or not 1 <= len(pictures) <= 40:
        raise ValueError(
            f"pictures {tuple(pictures.shape)} and truths {tuple(truths.shape)} must be (n, 1, H, W) both, "
            "1 to 40 of them"
        )
    if min(pictures.min(), truths.min()) < 0 or max(pictures.max(), truths.max()) > 1:
        raise ValueError("pictures and truths must be ink in 0..1")
    forth, back = (copy.deepcopy(net).cpu().eval() for net in (forth, back))  # the caller's stay as they are
    nets = {"forth": layers(forth), "back": layers(back)}
    for name, known in nets.items():
        if known is None:
            raise ValueError(f"{name} has a layer that the browser can't run; see genlib.widgets.network.layers")
    with torch.no_grad():
        made = back(forth(2 * pictures[:1].detach().cpu().float() - 1))
    if made.shape != pictures[:1].shape:
        raise ValueError(f"there and back makes {tuple(made.shape)} of {tuple(pictures[:1].shape)}")
    drawn = {
        name: (part[:, 0].detach().cpu().float() * (levels - 1)).round().long().tolist()
        for name, part in (("pictures", pictures), ("truths", truths))
    }
    state = nets | drawn | {"levels": levels, "names": list(names), "choice": 0, "image": None, "noise": 0.0}
    return ThereAndBack(state, forth, back)
