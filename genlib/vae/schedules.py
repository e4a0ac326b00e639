r"""The price of the KL term while training goes on: β climbs, so that z is in use before it has to be paid for.

.. math:: \beta(t) = \beta_0 + (\beta_1 - \beta_0) \min(1, t / T)

Reference: Bowman, Vilnis, Vinyals, Dai, Jozefowicz, Bengio. Generating sentences from a continuous space. 2016.
arXiv:1511.06349
"""

from collections.abc import Callable

from torch import Tensor


def annealed(updates: int, *, start: float = 0.0, end: float = 1.0) -> Callable[[Tensor], Tensor]:
    """β for ``VAE(beta=…)``: in a line from start to end within so many updates, and then end.

    Raises: ValueError for no update at all, or a β below 0.
    """
    if updates < 1 or min(start, end) < 0:
        raise ValueError(f"updates={updates} must be at least 1, start={start} and end={end} 0 or more")
    return lambda made: start + (end - start) * (made / updates).clamp(max=1)


def cyclical(updates: int, *, share: float = 0.5, end: float = 1.0) -> Callable[[Tensor], Tensor]:
    """β that climbs again and again: in each period of so many updates from 0 to end within its first ``share``.

    Reference: Fu, Li, Liu, Gao, Celikyilmaz, Carin. Cyclical annealing schedule. 2019. arXiv:1903.10145
    """
    if updates < 1 or not 0 < share <= 1 or end < 0:
        raise ValueError(f"updates={updates} must be at least 1, share={share} in 0..1 and end={end} 0 or more")
    return lambda made: end * ((made % updates) / (share * updates)).clamp(max=1)
