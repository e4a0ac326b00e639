"""Generators and discriminators for a shape: multilayer perceptrons, residual convolutions, or those of DCGAN."""

import contextlib
import math
from collections.abc import Iterator

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from genlib.gan.dcgan_networks import dcgan_discriminator, dcgan_generator
from genlib.nets import ConvDecoder, ConvEncoder, mlp

NETWORKS = ("mlp", "conv", "dcgan")


def make_generator(
    inputs: int,
    shape: tuple[int, ...],
    *,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    stages: int,
    batch_norm: bool,
    unit: bool,
) -> nn.Module:
    """(B, inputs) -> (B, *shape); with ``unit`` between 0 and 1. batch_norm: of an MLP."""
    check_network(shape, network)
    end: list[nn.Module] = [nn.Sigmoid()] if unit else []
    if network == "mlp":
        net = mlp(inputs, math.prod(shape), hidden=hidden, layers=layers, activation=nn.ReLU)
        return nn.Sequential(*(normalised(net) if batch_norm else net), *end, nn.Unflatten(1, shape))
    C, H, W = shape
    if network == "dcgan":
        return dcgan_generator(inputs, (C, H, W), channels=channels, stages=stages, unit=unit)
    return nn.Sequential(ConvDecoder(inputs, (C, H, W), channels=channels, stages=stages), *end)


def make_discriminator(
    shape: tuple[int, ...],
    outputs: int,
    *,
    told: int = 0,
    network: str,
    hidden: int,
    layers: int,
    channels: int,
    stages: int,
    dropout: float,
    spectral: bool,
    alone: bool,
    unit: bool,
) -> nn.Module:
    """(B, *shape) -> (B, outputs); with ``told`` features beside x, along axis 1, where an MLP takes x flat.

    dropout: of an MLP. unit: x lies in 0..1. spectral: each layer with spectral norm. alone: each example is to be
    judged by itself, so that there can be no batch normalisation, which DCGAN has otherwise.
    """
    check_network(shape, network)
    if network == "mlp":
        slope = lambda: nn.LeakyReLU(0.2)  # noqa: E731
        inputs = math.prod(shape) + told
        net = mlp(inputs, outputs, hidden=hidden, layers=layers, activation=slope, dropout=dropout)
        judge = nn.Sequential(nn.Flatten(), *net)
    else:
        C, H, W = shape[0] + told, *shape[1:]
        if network == "dcgan":
            judge = dcgan_discriminator(
                (C, H, W), outputs, channels=channels, stages=stages, batch_norm=not (alone or spectral), unit=unit
            )
        else:
            judge = nn.Sequential(ConvEncoder((C, H, W), outputs, channels=channels, stages=stages))
    return spectrally_normalised(judge) if spectral else judge


def check_network(shape: tuple[int, ...], network: str) -> None:
    """Raises ValueError for a network that is not known, or that does not go with the shape."""
    if network not in NETWORKS:
        raise ValueError(f'network={network!r}: choose "mlp", "conv" or "dcgan", or pass generator= and discriminator=')
    if network != "mlp" and len(shape) != 3:
        raise ValueError(f'network="{network}" takes pictures (C, H, W); for shape {shape} take "mlp"')


@contextlib.contextmanager
def as_trained(net: nn.Module) -> Iterator[None]:
    """Within it, batch normalisation goes by its averages, also while the network is trained: a single example can be
    made, and what is drawn on the way does not move the averages."""
    training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(training)


def normalised(net: nn.Sequential) -> nn.Sequential:
    """The same MLP with batch normalisation after each linear layer but the last."""
    layers: list[nn.Module] = []
    for layer in net:
        layers.append(layer)
        if isinstance(layer, nn.Linear) and layer is not net[-1]:
            layers[-1] = nn.Linear(layer.in_features, layer.out_features, bias=False)  # the norm would take it away
            layers.append(nn.BatchNorm1d(layer.out_features))
    return nn.Sequential(*layers)


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
