"""A small network as data, so that the browser can run it."""

import base64
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

_POINTWISE = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.Softplus: "softplus"}


def packed(values: Tensor) -> str:
    """A tensor as the base64 of its float32 values, little-endian, in C order."""
    return base64.b64encode(values.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes()).decode()


def unpacked(text: str) -> Tensor:
    """What ``packed`` packed, flat, float32."""
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").copy())


def layers(net: object) -> list[dict] | None:
    """The layers of an nn.Sequential that maps (B, L) to (B, …), for latent_pad/network.js; None where one is unknown.

    Known are Linear, ReLU, LeakyReLU, SiLU, GELU, Tanh, Sigmoid, Softplus, Softmax over the last axis, Flatten,
    Unflatten, and what does nothing when a model is used (Dropout, Identity).
    """
    if not isinstance(net, nn.Sequential):
        return None
    known: list[dict] = []
    for layer in _read(net):
        if layer is None:
            return None
        known.append(layer)
    return known


def _read(net: nn.Sequential) -> Iterator[dict | None]:
    for layer in net:
        match layer:
            case nn.Sequential():
                yield from _read(layer)
            case nn.Linear():
                bias = layer.bias if layer.bias is not None else torch.zeros(layer.out_features)
                yield {
                    "type": "linear",
                    "inputs": layer.in_features,
                    "outputs": layer.out_features,
                    "weight": packed(layer.weight),
                    "bias": packed(bias),
                }
            case nn.LeakyReLU():
                yield {"type": "leaky", "slope": layer.negative_slope}
            case nn.GELU():
                yield {"type": "gelu" if layer.approximate == "none" else "gelu_tanh"}
            case nn.Softplus() if layer.beta != 1:
                yield None
            case nn.Softmax() if layer.dim == -1:
                yield {"type": "softmax"}
            case nn.Flatten() if layer.start_dim == 1 and layer.end_dim == -1:
                yield {"type": "shape", "sizes": [-1]}
            case nn.Unflatten() if layer.dim in (1, -1):
                yield {"type": "shape", "sizes": [int(size) for size in layer.unflattened_size]}
            case nn.Dropout() | nn.Identity():
                continue
            case _:
                kind = _POINTWISE.get(type(layer))
                yield {"type": kind} if kind else None
