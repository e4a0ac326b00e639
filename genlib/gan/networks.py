"""Generators and discriminators for a shape: multilayer perceptrons, or residual convolutions for pictures."""

import math

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from genlib.nets import ConvDecoder, ConvEncoder, mlp


def make_generator(
    inputs: int,
    shape: tuple[int, ...],
    *,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    stages: int,
    unit: bool,
) -> nn.Module:
    """(B, inputs) -> (B, *shape); with ``unit`` between 0 and 1."""
    check_network(shape, network)
    end: list[nn.Module] = [nn.Sigmoid()] if unit else []
    if network == "mlp":
        net = mlp(inputs, math.prod(shape), hidden=hidden, layers=layers, activation=nn.ReLU)
        return nn.Sequential(*net, *end, nn.Unflatten(1, shape))
    C, H, W = shape
    return nn.Sequential(ConvDecoder(inputs, (C, H, W), channels=channels, stages=stages), *end)


def make_discriminator(
    shape: tuple[int, ...],
    outputs: int,
    *,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    stages: int,
    spectral: bool,
) -> nn.Module:
    """(B, *shape) -> (B, outputs), without batch normalisation, which would mix real with generated examples.

    spectral: each layer with spectral norm.
    """
    check_network(shape, network)
    if network == "mlp":
        net = mlp(math.prod(shape), outputs, hidden=hidden, layers=layers, activation=lambda: nn.LeakyReLU(0.2))
        judge = nn.Sequential(nn.Flatten(), *net)
    else:
        C, H, W = shape
        judge = nn.Sequential(ConvEncoder((C, H, W), outputs, channels=channels, stages=stages))
    return spectrally_normalised(judge) if spectral else judge


def check_network(shape: tuple[int, ...], network: str) -> None:
    """Raises ValueError for a network that is not known, or that does not go with the shape."""
    if network not in ("mlp", "conv"):
        raise ValueError(f'network={network!r}: choose "mlp" or "conv", or pass generator= and discriminator=')
    if network == "conv" and len(shape) != 3:
        raise ValueError(f'network="conv" takes pictures (C, H, W); for shape {shape} take "mlp"')


def spectrally_normalised(net: nn.Module) -> nn.Module:
    """The same network, each weight divided by its largest singular value, so that no layer stretches lengths.

    Reference: Miyato, Kataoka, Koyama, Yoshida. Spectral Normalization for Generative Adversarial Networks. 2018.
    arXiv:1802.05957
    """
    for layer in list(net.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if not layer.weight.any():  # residual blocks start at 0, which has no direction to normalise
                layer.reset_parameters()
            spectral_norm(layer)
    return net
