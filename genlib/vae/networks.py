"""Encoders and decoders for a shape, shared by the models of this family.

The convolutions halve a picture twice with a stride of 2 and end in a small MLP: on a CPU several times as fast as the
residual networks of ``genlib.nets``, which can be passed in instead.
"""

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from genlib.arguments import instance, refuse_unused, share, whole
from genlib.likelihoods import LevelsLast
from genlib.nets import mlp


def make_encoder(
    shape: tuple[int, ...],
    outputs: int,
    *,
    features: int = 0,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    dropout: float,
) -> nn.Module:
    """x with ``features`` more inputs -> (B, outputs); an MLP takes it flat, convolutions as further planes."""
    check_network(shape, network, dropout)
    if network == "mlp":
        return mlp(math.prod(shape) + features, outputs, hidden=hidden, layers=layers, dropout=dropout)
    C, H, W = shape
    return nn.Sequential(
        nn.Conv2d(C + features, channels, 4, stride=2, padding=1),  # half the size
        nn.SiLU(),
        nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),  # a quarter
        nn.SiLU(),
        nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
        nn.SiLU(),
        nn.Flatten(),
        *mlp(2 * channels * (H // 4) * (W // 4), outputs, hidden=hidden, layers=layers),
    )


def make_decoder(
    inputs: int,
    shape: tuple[int, ...],
    per_value: int,
    *,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    dropout: float,
) -> nn.Module:
    """(B, inputs) -> ``per_value`` numbers for each value of x, those of one value side by side."""
    check_network(shape, network, dropout)
    if network == "mlp":
        return mlp(inputs, math.prod(shape) * per_value, hidden=hidden, layers=layers, dropout=dropout)
    C, H, W = shape
    small = (2 * channels, H // 4, W // 4)
    return nn.Sequential(
        *mlp(inputs, math.prod(small), hidden=hidden, layers=layers),
        nn.SiLU(),
        nn.Unflatten(1, small),
        nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
        nn.SiLU(),
        nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1),
        nn.SiLU(),
        nn.ConvTranspose2d(channels, C * per_value, 4, stride=2, padding=1),
        LevelsLast(per_value),
    )


def check_network(shape: tuple[int, ...], network: str, dropout: float) -> None:
    """Raises ValueError for a network that is not known, or that does not go with the shape."""
    share(dropout=dropout)
    if network not in ("mlp", "conv"):
        raise ValueError(f'network={network!r}: choose "mlp" or "conv", or pass encoder= and decoder= of your own')
    if network == "conv" and len(shape) != 3:
        raise ValueError(f'network="conv" takes pictures (C, H, W); for shape {shape} take "mlp"')
    if network == "conv" and (shape[1] % 4 or shape[2] % 4):
        raise ValueError(f'{shape[1]}x{shape[2]} can\'t be halved twice: take "mlp", or pass encoder= and decoder=')
    if network == "conv" and dropout:
        raise ValueError('dropout is there for network="mlp" only')


def check_used(of: Callable, encoder: Any, decoder: Any, **how: Any) -> None:
    """Raises ValueError for arguments that the networks of a model have no use for; encoder, decoder, own ones."""
    whole(hidden=how["hidden"], channels=how["channels"])
    whole(0, layers=how["layers"])
    instance(nn.Module, encoder=encoder, decoder=decoder)
    if encoder is not None and decoder is not None:
        refuse_unused(of, "encoder and decoder are your own", **how)
    elif how["network"] == "mlp":
        refuse_unused(of, 'network="mlp" has no convolutions', channels=how["channels"])
    if how["layers"] == 0:
        refuse_unused(of, "layers=0 has no hidden units", hidden=how["hidden"], dropout=how["dropout"])


def summary(net: nn.Module) -> str:
    """A network in a few words: "Linear 64 → 128, SiLU, Linear 128 → 4"."""

    def word(layer: nn.Module) -> str:
        name = type(layer).__name__
        if isinstance(layer, nn.Linear):
            return f"{name} {layer.in_features} → {layer.out_features}"
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            return f"{name} {layer.in_channels} → {layer.out_channels}"
        return name

    return ", ".join(word(layer) for layer in (net if isinstance(net, nn.Sequential) else [net]))
