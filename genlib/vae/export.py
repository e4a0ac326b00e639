"""The decoder on its own, for a browser that runs it: plain layers, one after the other."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from genlib.vae.autoencoder import Autoencoder
from genlib.vae.vae import VAE


@torch.no_grad()
def mean_decoder(model: VAE | Autoencoder, y: int | Tensor | None = None) -> nn.Sequential:
    """z (n, L) -> the means of the pixels, flat, (n, D), between 0 and 1 (real values as they are), without dropout, as
    known layers one after the other, so that a browser can run it.

    The layers are copies: what you do with them leaves the model alone. Arguments: y, of a conditional model what it is
    given, one label or one example of its condition; it is always the same then, and becomes part of a bias.
    Raises: ValueError for a decoder that is no nn.Sequential from Linear to Linear, and for a y that does not fit.
    """
    first, *others = copy.deepcopy(_without_dropout(model.decoder))
    y = None if y is None else torch.as_tensor(y, device=first.weight.device)[None]
    y = model.check_condition(y, 1)
    if isinstance(model, VAE) and model.features is not None:
        first = _with_bias(first, model.features(y)[0].to(first.weight))
    return nn.Sequential(first, *others, *model.mean_layers()).eval()


def _with_bias(linear: nn.Linear, features: Tensor) -> nn.Linear:
    """A linear map of z and K features (K,) that never change, as one of z alone: W_z z + (W_f f + b)."""
    of_z, of_features = linear.weight.split([linear.in_features - len(features), len(features)], 1)
    alone = nn.Linear(of_z.shape[1], linear.out_features).to(linear.weight)
    alone.weight.copy_(of_z)
    alone.bias.copy_(of_features @ features + (0 if linear.bias is None else linear.bias))
    return alone


def _without_dropout(decoder: nn.Module) -> list[Any]:
    """The layers of an nn.Sequential that starts and ends with a linear map."""
    layers = [m for m in decoder if not isinstance(m, nn.Dropout)] if isinstance(decoder, nn.Sequential) else []
    if not layers or not isinstance(layers[0], nn.Linear) or not isinstance(layers[-1], nn.Linear):
        raise ValueError(
            "only a decoder that is an nn.Sequential from Linear to Linear can be handed out as one; "
            "use decode(z).mean, which works for every decoder"
        )
    return layers
