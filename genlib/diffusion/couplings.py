r"""Which noise goes with which example: of all couplings of data and noise, the one in which flow matching pairs them.

.. math:: \min_{\pi}\; \sum_b \|x_b - \epsilon_{\pi(b)}\|^2

Any coupling leads from the same noise to the same data. Under ``independent`` paths cross, and where they cross the
velocity is their mean; under ``transport``, the cheapest way to pair a batch, they hardly do.

References: Tong, Fatras, Malkin, Huguet, Zhang, Rector-Brooks, Wolf, Bengio. Improving and generalizing flow-based
generative models with minibatch optimal transport. 2023. arXiv:2302.00482. Pooladian, Ben-Hamu, Domingo-Enrich, Amos,
Lipman, Chen. Multisample flow matching: straightening flows with minibatch couplings. 2023. arXiv:2304.14772
"""

from collections.abc import Callable

import torch
from torch import Tensor

Coupling = Callable[[Tensor, Tensor], Tensor]


def independent(x: Tensor, eps: Tensor) -> Tensor:
    """The noise as it was drawn."""
    return eps


def transport(x: Tensor, eps: Tensor) -> Tensor:
    """The same noise in another order, (B, *shape): the cheapest way to give each example one, by squared distance."""
    from scipy.optimize import linear_sum_assignment

    # squared distances up to what no order changes: −2 x·ε
    cost = -(x.detach().flatten(1) @ eps.flatten(1).T)
    _, order = linear_sum_assignment(cost.double().cpu().numpy())
    return eps[torch.as_tensor(order, device=eps.device)]


def within(coupling: Coupling, x: Tensor, eps: Tensor, y: Tensor | None) -> Tensor:
    """A coupling among examples of the same label. Across labels the noise would come to depend on the label, and
    sampling, which draws it anew, would not know.

    Reference: Cheng, Schwing. The curse of conditions: analyzing and improving optimal transport for conditional
    flow-based generation. 2025. arXiv:2503.10636
    """
    if y is None or coupling is independent:
        return coupling(x, eps)
    paired = eps.clone()
    for label in y.unique():
        mine = y == label
        paired[mine] = coupling(x[mine], eps[mine])
    return paired


COUPLINGS: dict[str, Coupling] = {"independent": independent, "transport": transport}
