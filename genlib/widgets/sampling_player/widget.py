"""A picture while it is drawn: what stands already, how the next pixel is distributed, what each one cost."""

from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import packed, unpacked


class SamplingPlayer(Drawing):
    """See ``sampling_player``. ``step`` pixels of the picture number ``picture`` are shown."""

    _esm = module("sampling_player")
    alt = "A picture of which the first pixels are drawn, and the distribution of the next one."

    @property
    def step(self) -> int:
        return self.now("step")

    @property
    def picture(self) -> int:
        return self.now("picture")

    def still(self) -> bytes:
        from genlib import plots

        x, levels = torch.tensor(self.state["images"])[self.picture], self.state["levels"]
        p = unpacked(self.state["probabilities"]).view(-1, x.numel(), levels)[self.picture]
        return plots.png(plots.autoregressive.sampling_step(x, p, self.step, levels=levels))


def sampling_player(
    images: Tensor,
    probabilities: Tensor,
    *,
    levels: int,
    titles: Sequence[str] | None = None,
    step: int | None = None,
) -> SamplingPlayer:
    """Scrub through pictures as they were drawn, in raster order; beside it, the next pixel's distribution.

    Arguments: images (n, 1, H, W), integers 0..levels-1; probabilities (n, 1, H, W, levels), p(x_i | x_<i) of every
    pixel: one pass of an autoregressive model over the finished pictures; titles, a name for each; step, how many
    pixels are shown at first. Returns: a widget that needs no kernel. Raises: ValueError where the shapes don't fit.
    """
    if images.dim() != 4 or images.shape[1] != 1 or probabilities.shape != (*images.shape, levels):
        raise ValueError(
            f"images {tuple(images.shape)} must be (n, 1, H, W), and probabilities {tuple(probabilities.shape)} "
            f"(n, 1, H, W, {levels})"
        )
    n, _, H, W = images.shape
    titles = [f"picture {k + 1}" for k in range(n)] if titles is None else list(titles)
    if len(titles) != n:
        raise ValueError(f"{len(titles)} titles for {n} pictures")
    return SamplingPlayer(
        state={
            "images": images[:, 0].tolist(),
            "probabilities": packed(probabilities),
            "levels": levels,
            "titles": titles,
            "step": H * W // 2 if step is None else step,
            "picture": 0,
        }
    )
