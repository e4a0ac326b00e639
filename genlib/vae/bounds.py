r"""Bounds on log p(x) from several draws: the logarithm of the mean of their weights.

.. math:: \log p(x) \ge \mathbb E\Big[\log \frac1k \sum_{i=1}^k \frac{p(x, z_i)}{q(z_i \mid x)}\Big]
"""

import math

from torch import Tensor


def log_mean_exp(values: Tensor, dim: int = 0) -> Tensor:
    """log of the mean of exp(values) along dim, without overflow: the largest value is taken out first."""
    return values.logsumexp(dim) - math.log(values.shape[dim])
