"""How a network is told a condition."""

import torch
from torch import Tensor


def beside(h: Tensor, features: Tensor) -> Tensor:
    """(B, C, …) and (B, K) -> (B, C + K, …): the features along axis 1, the same everywhere."""
    features = features.to(h.dtype).view(*features.shape, *[1] * (h.ndim - 2))
    return torch.cat([h, features.expand(-1, -1, *h.shape[2:])], 1)
