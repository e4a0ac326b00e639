r"""A codebook: each vector is replaced by the nearest of K codes, and the codes go where the vectors are.

.. math:: t(z) = \arg\min_k |z - e_k|^2, \qquad z_q = z + \mathrm{sg}[e_{t(z)} - z]

sg stops the gradient: forwards z_q is the code, backwards it is z, so that the encoder gets the decoder's gradient as
if nothing had been rounded (straight-through). The codes get none from there. They learn by gradient, from the first
of the two terms below, or as moving averages of the vectors that they were nearest to, which is what that term pulls
them to (γ the decay, n_k and s_k count and sum of the batch's vectors of code k; the counts are smoothed, Laplace):

.. math:: |\mathrm{sg}[z] - e|^2 + \beta\, |z - \mathrm{sg}[e]|^2, \qquad
          N_k \leftarrow \gamma N_k + (1 - \gamma) n_k, \quad m_k \leftarrow \gamma m_k + (1 - \gamma) s_k, \quad
          e_k = \frac{m_k}{\tilde N_k}, \quad \tilde N_k = \frac{N_k + \epsilon}{N + K \epsilon} N

Reference: van den Oord, Vinyals, Kavukcuoglu. Neural Discrete Representation Learning. 2017. arXiv:1711.00937
Codes revived: Dhariwal, Jun, Payne, Kim, Radford, Sutskever. Jukebox. 2020. arXiv:2005.00341
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import at_least, fraction, share, whole
from genlib.model import WaitsForData

LEARNING = ("average", "gradient")
STARTS = ("data", "uniform")


class Codes(nn.Module):
    """What a VQ-VAE asks of its quantizer: K codes (``codes``) of D numbers (``dim``), and a vector's way to one."""

    codes: int
    dim: int

    def table(self) -> Tensor:
        """All codes, (K, D)."""
        raise NotImplementedError

    def distances(self, z: Tensor) -> Tensor:
        """Squared distances from every code, (…, D) -> (…, K)."""
        raise NotImplementedError

    def nearest(self, z: Tensor) -> Tensor:
        """t(z), the index of the nearest code, (…, D) -> (…)."""
        return self.distances(z).argmin(-1)

    def lookup(self, t: Tensor) -> Tensor:
        """The codes of these indices, (…) -> (…, D)."""
        return F.embedding(t, self.table())

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, T, D) -> z_q (B, T, D), straight through, and the indices (B, T)."""
        raise NotImplementedError

    def terms(self, z: Tensor, t: Tensor) -> dict[str, Tensor]:
        """What the loss gets for it, {name: scalar}: none, unless a quantizer says otherwise."""
        return {}

    def after_step(self) -> None:
        """What follows an update: nothing, unless a quantizer says otherwise."""


class Quantizer(Codes, WaitsForData):
    """K codes of D numbers each.

    Arguments: codes K; dim D; learning, "average" or "gradient"; decay γ of the averages; smoothing ε; revive, a code
    that gets less than this share of what codes get in the mean is dead and moves to a vector of the last batch, 0 for
    never; start, "data", at vectors of the first batch, or "uniform", within ±1/K as in the paper.
    Whoever trains it calls ``after_step`` after each update. Raises: ValueError for arguments that can't be.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor
    batch_counts: Tensor
    batch_sums: Tensor
    spare: Tensor

    def __init__(
        self,
        codes: int = 128,
        dim: int = 8,
        *,
        learning: str = "average",
        decay: float = 0.9,
        smoothing: float = 1e-5,
        revive: float = 0.05,
        start: str = "data",
    ):
        super().__init__()
        whole(2, codes=codes)
        whole(dim=dim)
        fraction(decay=decay)
        share(revive=revive)
        at_least(0, smoothing=smoothing)
        if learning not in LEARNING or start not in STARTS:
            raise ValueError(f"learning={learning!r} must be one of {LEARNING}, start={start!r} one of {STARTS}")
        self.codes, self.dim, self.learning = codes, dim, learning
        self.decay, self.smoothing, self.revive = decay, smoothing, revive
        first = (2 * torch.rand(codes, dim) - 1) / codes
        if learning == "gradient":
            self.codebook = nn.Parameter(first)
        else:
            self.register_buffer("codebook", first)
        self.register_buffer("counts", torch.ones(codes))  # N
        self.register_buffer("sums", first.clone())  # m; from the start m / N is e, so that no code explodes
        self.register_buffer("initialised", torch.tensor(start == "uniform"))
        for name, shape in (("batch_counts", (codes,)), ("batch_sums", (codes, dim)), ("spare", (codes, dim))):
            self.register_buffer(name, torch.zeros(shape))  # of the last batch

    def table(self) -> Tensor:
        return self.codebook

    def distances(self, z: Tensor) -> Tensor:
        e = self.codebook
        return z.square().sum(-1, keepdim=True) - 2 * z @ e.T + e.square().sum(-1)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            t = self.nearest(z)
            if self.training:
                self._remember(z.flatten(0, -2), t.flatten())
        return z + (self.lookup(t) - z).detach(), t

    def terms(self, z: Tensor, t: Tensor) -> dict[str, Tensor]:
        """codebook, |sg[z] - e|², where the codes learn by gradient; commitment, |z - sg[e]|². Each summed over an
        example's vectors, and the mean over the batch; the weights are the model's."""
        e = self.lookup(t)
        terms = {"codebook": squared(z.detach() - e)} if self.learning == "gradient" else {}
        return terms | {"commitment": squared(z - e.detach())}

    # --- how codes move

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """The codes become vectors of x (B, T, D), each a different one where there are enough."""
        z = x.flatten(0, -2)
        few = self.codes - len(z)
        chosen = torch.randperm(len(z), device=z.device)[: self.codes]
        if few > 0:
            chosen = torch.cat([chosen, torch.randint(len(z), (few,), device=z.device)])
        self.codebook.copy_(z[chosen])
        self.counts.fill_(len(z) / self.codes)
        self.sums.copy_(self.counts[:, None] * self.codebook)

    def _remember(self, z: Tensor, t: Tensor) -> None:
        """What ``after_step`` needs of a batch: z (N, D) and its codes t (N,)."""
        z = z.to(self.sums.dtype)
        self.batch_counts.zero_().index_add_(0, t, torch.ones_like(t, dtype=z.dtype))
        self.batch_sums.zero_().index_add_(0, t, z)
        self.spare.copy_(z[torch.randint(len(z), (self.codes,), device=z.device)])

    @torch.no_grad()
    def after_step(self) -> None:
        """The averages follow the last batch, the codes follow the averages, and dead ones are revived."""
        self._over_all_processes()
        self.counts.lerp_(self.batch_counts, 1 - self.decay)
        self.sums.lerp_(self.batch_sums, 1 - self.decay)
        if self.learning == "average":
            self.codebook.copy_(self.sums / self.smoothed()[:, None])
        usual = self.counts.mean()
        dead = self.counts < self.revive * usual
        self.codebook.copy_(torch.where(dead[:, None], self.spare, self.codebook))
        self.counts.copy_(torch.where(dead, usual, self.counts))
        self.sums.copy_(torch.where(dead[:, None], usual * self.spare, self.sums))

    def smoothed(self) -> Tensor:
        """Ñ, the counts with ε more for each code, scaled to the same sum N: (K,), none of them 0."""
        N = self.counts.sum()
        return (self.counts + self.smoothing) / (N + self.codes * self.smoothing) * N

    def _over_all_processes(self) -> None:
        """With several processes: the batch is that of all, and codes are revived alike everywhere."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        torch.distributed.all_reduce(self.batch_counts)
        torch.distributed.all_reduce(self.batch_sums)
        torch.distributed.broadcast(self.spare, 0)

    def extra_repr(self) -> str:
        return f"{self.codes} codes of {self.dim} numbers, by {self.learning}"


def squared(d: Tensor) -> Tensor:
    """The squared length of all of an example's vectors, (B, T, D), the mean over the batch."""
    return d.square().flatten(1).sum(1).mean()


def perplexity(t: Tensor, codes: int) -> Tensor:
    r"""How many codes are in use, as if all were used equally: exp of the entropy of their frequencies.

    .. math:: \exp\Big(-\sum_k p_k \log p_k\Big), \qquad p_k = \text{the share of code } k \text{ in } t

    t, integers of any shape; a scalar between 1 and K.
    """
    p = torch.zeros(codes, device=t.device).index_add_(0, t.flatten(), torch.ones(t.numel(), device=t.device))
    p = p / t.numel()
    return torch.special.entr(p).sum().exp()
