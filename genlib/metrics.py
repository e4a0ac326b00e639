"""Numbers that compare models. Units are converted here and nowhere else."""

import math

from torch import Tensor


def bits_per_dim(log_prob: Tensor | float, shape: tuple[int, ...]) -> Tensor | float:
    r"""Bits per dimension of a log-probability (or of a bound on it) in nats.

    .. math:: \mathrm{bits/dim} = -\frac{\log p(x)}{D \log 2}, \qquad D = \text{number of values in } x

    Arguments: log_prob in nats, any shape (one number an example, or a mean); shape of one example, such as (1, 8, 8).
    Returns: the same shape, in bits per dimension; lower is better. A bound on log p(x) gives a bound on them.
    Raises: ValueError if shape has no dimension to divide by.
    """
    dimensions = math.prod(shape)
    if len(shape) == 0 or dimensions < 1:
        raise ValueError(f"shape {tuple(shape)} holds no values; give the shape of one example, such as (1, 8, 8)")
    return -log_prob / (dimensions * math.log(2))
