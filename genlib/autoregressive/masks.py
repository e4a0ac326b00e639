"""Causal masks: which connections an autoregressive network has, so that no output knows its own value or a later one.

``causal_mask`` is that of a convolution (PixelCNN; gated PixelCNN and PixelRNN cut their kernels instead). Those of a
perceptron, ``made_masks``, are in nets/masked.py, since flows use them too. A Transformer's is a triangle, which
``scaled_dot_product_attention(is_causal=True)`` draws.
"""

import torch
from torch import Tensor


def causal_mask(kernel: int, kind: str, inputs: int = 1, outputs: int = 1, colours: int = 1) -> Tensor:
    """What a convolution may see: bool, (outputs, inputs, kernel, kernel).

    All rows above, and the row itself up to the pixel. At the pixel, kind "A" shows the earlier colours only, "B" the
    colour itself as well; inputs and outputs are split into as many equal groups as there are colours, in order.
    Raises: ValueError for another kind, an even kernel, or channels that the colours can't share.
    """
    if kind not in ("A", "B"):
        raise ValueError(f"there is no mask {kind!r}: A hides the pixel, B shows it")
    if kernel % 2 == 0 or kernel < 1:
        raise ValueError(f"kernel={kernel}: it must be odd, so that it has a middle")
    if inputs % colours or outputs % colours:
        raise ValueError(f"{inputs} to {outputs} channels can't be shared by {colours} colours: pass multiples of it")
    middle = kernel // 2
    mask = torch.zeros(outputs, inputs, kernel, kernel, dtype=torch.bool)
    mask[:, :, :middle] = True
    mask[:, :, middle, :middle] = True
    to = torch.arange(outputs)[:, None] // (outputs // colours)  # the colour of each channel
    of = torch.arange(inputs)[None, :] // (inputs // colours)
    mask[:, :, middle, middle] = of < to if kind == "A" else of <= to
    return mask
