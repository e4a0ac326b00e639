"""What a pixel's prediction depends on: masks, layer by layer, walked back from the pixel that is clicked."""

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

NETWORKS, MASKS = ("pixelcnn", "gated"), ("ABB", "AAA", "BBB")


class ReceptiveField(Drawing):
    """See ``receptive_field``. ``seen`` is what the picked pixel depends on, as the widget stands, (H, W) bool."""

    _esm = module("receptive_field")
    alt = "A grid of pixels: one is picked, those its prediction depends on are blue, those it never sees are hatched."

    @property
    def settings(self) -> dict:
        """position, layers, kernel, network and masks as they stand."""
        return {**self.state, **self.value}

    @property
    def seen(self) -> Tensor:
        return depends_on(**{k: v for k, v in self.settings.items() if k != "most"})

    def still(self) -> bytes:
        from genlib import plots

        now = {k: v for k, v in self.settings.items() if k != "most"}
        ever = depends_on(**{**now, "layers": 2 * (now["height"] + now["width"])})
        return plots.png(plots.autoregressive.receptive_field(self.seen, ever, tuple(now["position"])))


def depends_on(
    height: int,
    width: int,
    *,
    position: tuple[int, int],
    layers: int,
    kernel: int = 3,
    network: str = "pixelcnn",
    masks: str = "ABB",
) -> Tensor:
    """The pixels that the prediction at ``position`` depends on, (height, width) bool: what the widget computes."""
    half = kernel // 2
    offsets = [(r, c) for r in range(-half, half + 1) for c in range(-half, half + 1)]

    def allowed(kind: str) -> list[tuple[int, int]]:
        return [(r, c) for r, c in offsets if r < 0 or (r == 0 and (c < 0 or (c == 0 and kind == "B")))]

    def step(pixels: set, moves: list) -> set:
        reached = {(r + dr, c + dc) for r, c in pixels for dr, dc in moves}
        return {(r, c) for r, c in reached if 0 <= r < height and 0 <= c < width}

    row, column = position  # a list, where it comes from the browser
    horizontal = {(row, column)}
    vertical: set[tuple[int, int]] = set()
    for layer in range(layers, 0, -1):
        kind = masks[min(layer - 1, 2)]
        if network == "gated":  # the vertical stack sees whole rows; it tells the horizontal one about those above
            vertical = step(vertical | step(horizontal, [(-1, 0)]), [(r, c) for r, c in offsets if r <= 0])
            horizontal = step(horizontal, [(r, c) for r, c in allowed("A" if layer == 1 else "B") if r == 0])
        else:
            horizontal = step(horizontal, allowed(kind))
    seen = torch.zeros(height, width, dtype=torch.bool)
    for r, c in horizontal | vertical:
        seen[r, c] = True
    return seen


def receptive_field(
    height: int = 9,
    width: int = 9,
    *,
    position: tuple[int, int] | None = None,
    layers: int = 2,
    most: int = 12,
    kernel: int = 3,
    network: str = "pixelcnn",
    masks: str = "ABB",
) -> ReceptiveField:
    """Click a pixel: which earlier ones does its prediction depend on, and which never, however deep the network?

    Arguments: size of the picture; position (row, column) picked at first, by default the middle; layers, up to
    ``most``; kernel, 3 or 5; network, "pixelcnn" or "gated"; masks of the first, second, later layers: "ABB" (right),
    "AAA", "BBB". Returns: a widget; its ``seen`` is what it shows. Needs no kernel. Raises: ValueError for others.
    """
    position = (height // 2, width // 2) if position is None else position
    if network not in NETWORKS or masks not in MASKS or kernel not in (3, 5):
        raise ValueError(f"choose network from {NETWORKS}, masks from {MASKS}, kernel from (3, 5)")
    if not (0 <= position[0] < height and 0 <= position[1] < width and 1 <= layers <= most):
        raise ValueError(f"position {position} must lie in {height}x{width} pixels, and layers={layers} in 1..{most}")
    return ReceptiveField(
        state={
            "height": height,
            "width": width,
            "position": list(position),
            "layers": layers,
            "most": most,
            "kernel": kernel,
            "network": network,
            "masks": masks,
        }
    )
