r"""Drawing from a categorical distribution: temperature, top-k, top-p, and the inverse of the distribution function.

.. math:: x = \min\{v : u < F(v)\}, \qquad F(v) = \sum_{w \le v} p(w), \qquad u \sim \mathcal U[0, 1)

The randomness comes in from outside, as u. So two samplers that are given the same u can be compared value for value.

Reference: top-p: Holtzman, Buys, Du, Forbes, Choi. The Curious Case of Neural Text Degeneration. 2020. arXiv:1904.09751
"""

import torch
from torch import Tensor

from genlib.arguments import at_least, finite, integer


def distribution(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Probabilities (…, levels) from logits (…, levels): first the temperature, then top_k, then top_p.

    temperature divides the logits; 0 is its limit, all on the most probable value. top_k keeps the k most probable
    values, top_p the fewest whose probabilities sum to at least p; what is kept is normalised again.
    """
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    p = (logits if temperature == 1 else logits / temperature).softmax(-1)
    if top_k is None and top_p is None:
        return p
    ordered, values = p.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[..., top_k:] = 0
        ordered = ordered / ordered.sum(-1, keepdim=True)
    if top_p is not None:
        before = ordered.cumsum(-1) - ordered  # what the more probable values hold already
        ordered = ordered.masked_fill(before >= top_p, 0)
    p = torch.zeros_like(p).scatter_(-1, values, ordered)
    return p / p.sum(-1, keepdim=True)


def draw(p: Tensor, u: Tensor) -> Tensor:
    """The values that u in [0, 1) draws from probabilities p: (…, levels), (…) -> (…), integers."""
    cdf = p.cumsum(-1)
    reached = u.unsqueeze(-1) * cdf[..., -1:] >= cdf  # the last one is 1 up to rounding
    return reached.sum(-1).clamp_(max=p.shape[-1] - 1)


def check_options(temperature: float, top_k: int | None, top_p: float | None, levels: int) -> None:
    """Raises ValueError where a distribution can't be changed as asked."""
    finite(temperature=temperature)
    integer(top_k=top_k)
    at_least(0, top_p=top_p)
    if top_k is not None and not 1 <= top_k <= levels:
        raise ValueError(f"top_k={top_k}: keep at least 1 value, and at most all {levels}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p}: pass the probability to keep, above 0 and at most 1")
