r"""Finite scalar quantization: no codebook. Each of a few numbers is squashed and rounded to one of L levels.

.. math:: \hat z_i = \mathrm{round}(f_i(z_i)), \qquad f(z) = \frac{L - 1}{2} \tanh(z) - \tfrac12 [L \text{ even}]

The codes are all combinations, K = L_1 · L_2 · …; rounding is straight-through. There is nothing to learn here, nothing
to commit to, and no code that dies for want of updates.

Reference: Mentzer, Minnen, Agustsson, Tschannen. Finite Scalar Quantization: VQ-VAE Made Simple. 2024.
arXiv:2309.15505. The paper's shift within tanh, by which f(0) = 0 where L is even, is left out.
"""

import math

import torch
from torch import Tensor

from genlib.arguments import whole
from genlib.vq.quantizer import Codes


class FSQ(Codes):
    """A grid of codes on -1..1: levels (L_1, …, L_D), of at least 2 each.

    Raises: ValueError for levels that are none.
    """

    places: Tensor
    counts: Tensor
    reach: Tensor
    offset: Tensor

    def __init__(self, levels: tuple[int, ...] = (8, 4, 4)):
        super().__init__()
        if not isinstance(levels, tuple | list) or not levels:
            raise ValueError(f"levels={levels!r}: give how many values each number may take, such as (8, 4, 4)")
        for L in levels:
            whole(2, levels=L)
        self.codes, self.dim, self.levels = math.prod(levels), len(levels), tuple(levels)
        counts = torch.tensor(self.levels)
        reach, offset = (counts - 1) / 2, 0.5 * (counts % 2 == 0)
        places = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
        self.register_buffer("counts", counts, persistent=False)
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("reach", reach, persistent=False)
        self.register_buffer("offset", offset, persistent=False)

    def bounded(self, z: Tensor) -> Tensor:
        """f(z), each number between the first and the last of its levels, which are integers: (…, D) -> (…, D)."""
        return torch.tanh(z) * self.reach - self.offset

    def scaled(self, level: Tensor) -> Tensor:
        """Levels (…, D) as numbers -1..1."""
        return level / (self.counts // 2)

    def table(self) -> Tensor:
        return self.lookup(torch.arange(self.codes, device=self.places.device))

    def distances(self, z: Tensor) -> Tensor:
        """Squared distances of f(z) from every code, in levels: (…, D) -> (…, K)."""
        levels = self.table() * (self.counts // 2)
        return (self.bounded(z)[..., None, :] - levels).square().sum(-1)

    def nearest(self, z: Tensor) -> Tensor:
        """The index of the code that z is rounded to, (…, D) -> (…)."""
        return self._index(self.bounded(z).round())

    def _index(self, level: Tensor) -> Tensor:
        return ((level + self.counts // 2).long() * self.places).sum(-1)

    def lookup(self, t: Tensor) -> Tensor:
        level = t[..., None] // self.places % self.counts - self.counts // 2
        return self.scaled(level.to(self.reach.dtype))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        f = self.bounded(z)
        level = f.detach().round()
        return self.scaled(f + (level - f).detach()), self._index(level)

    def extra_repr(self) -> str:
        return f"{' · '.join(map(str, self.levels))} = {self.codes} codes"
