"""A small network as data, so that the browser can run it."""

import base64
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from genlib.likelihoods import LevelsLast
from genlib.nets import Affine, Residual

_POINTWISE = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.Softplus: "softplus"}


def packed(values: Tensor) -> str:
    """A tensor as the base64 of its float32 values, little-endian, in C order."""
    return base64.b64encode(values.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes()).decode()


def unpacked(text: str) -> Tensor:
    """The float32 values of ``packed``, flat."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)


def layers(net: object) -> list[dict] | None:
    """The layers of an nn.Sequential that maps (B, L) or (B, C, H, W) to (B, …), as it is in evaluation mode, for
    latent_pad/network.js; None where one is unknown.

    Known are Linear, Conv2d and ConvTranspose2d with square kernels, BatchNorm, InstanceNorm2d without weights, ReLU,
    LeakyReLU, SiLU, GELU, Tanh, Sigmoid, Softplus, Softmax over the last axis, Flatten, Unflatten, ``nets.Affine`` and
    ``nets.Residual``, ``likelihoods.LevelsLast``, and what does nothing when a model is used (Dropout, Identity).
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
                yield {"type": "linear", "inputs": layer.in_features, "outputs": layer.out_features} | _weights(layer)
            case nn.Conv2d() | nn.ConvTranspose2d():
                yield _convolution(layer)
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                yield _norm(layer)
            case nn.InstanceNorm2d() if not (layer.affine or layer.track_running_stats):
                yield {"type": "instance", "eps": layer.eps}
            case Residual():
                inner = layers(layer.net)
                yield None if inner is None else {"type": "residual", "layers": inner}
            case _:
                yield from _plain(layer)


def _plain(layer: nn.Module) -> Iterator[dict | None]:
    """A layer without weights."""
    match layer:
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
        case Affine():
            yield {"type": "affine", "scale": layer.scale, "shift": layer.shift}
        case LevelsLast():
            yield {"type": "levels", "levels": layer.levels}
        case nn.Dropout() | nn.Identity():
            return
        case _:
            kind = _POINTWISE.get(type(layer))
            yield {"type": kind} if kind else None


def _weights(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> dict[str, str]:
    outputs = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
    bias = layer.bias if layer.bias is not None else torch.zeros(outputs)
    return {"weight": packed(layer.weight), "bias": packed(bias)}


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d) -> dict | None:
    """None for what network.js does not know: groups, gaps, kernels that are not square."""
    (kernel, *k), (stride, *s), padding = layer.kernel_size, layer.stride, layer.padding
    plain = layer.groups == 1 and set(layer.dilation) == {1} and set(layer.output_padding) == {0}
    square = k == [kernel] and s == [stride] and not isinstance(padding, str) and len(set(padding)) == 1
    if not plain or not square or layer.padding_mode != "zeros":
        return None
    kind = "transposed" if isinstance(layer, nn.ConvTranspose2d) else "convolution"
    sizes = {"inputs": layer.in_channels, "outputs": layer.out_channels}
    return {"type": kind, **sizes, "kernel": kernel, "stride": stride, "padding": padding[0]} | _weights(layer)


def _norm(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> dict | None:
    """By its averages, as a scale and a shift for each channel."""
    if layer.running_mean is None or layer.running_var is None:
        return None
    scale = (layer.running_var + layer.eps).rsqrt()
    scale = scale if layer.weight is None else scale * layer.weight
    shift = -layer.running_mean * scale
    return {
        "type": "norm",
        "scale": packed(scale),
        "shift": packed(shift if layer.bias is None else shift + layer.bias),
    }
