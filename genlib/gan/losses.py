r"""What the two players of a GAN minimise, as functions of the discriminator's output.

The output of the discriminator is a *logit* a everywhere: D = sigmoid(a) is its probability that x is real. A critic
(Wasserstein, hinge, least squares) has no probability; there a is its score.

    name              discriminator minimises                          generator minimises
    minimax           -E log D(x) - E log(1 - D(G(z)))                 E log(1 - D(G(z)))
    non-saturating    the same                                         -E log D(G(z))
    least-squares     (E (a(x) - 1)² + E a(G(z))²) / 2                 E (a(G(z)) - 1)² / 2
    wasserstein       E a(G(z)) - E a(x)                               -E a(G(z))
    hinge             E max(0, 1 - a(x)) + E max(0, 1 + a(G(z)))       -E a(G(z))

References: Goodfellow et al. Generative Adversarial Networks. 2014. arXiv:1406.2661 (minimax, non-saturating)
Mao et al. Least Squares Generative Adversarial Networks. 2017. arXiv:1611.04076
Arjovsky, Chintala, Bottou. Wasserstein GAN. 2017. arXiv:1701.07875
Lim, Ye. Geometric GAN. 2017. arXiv:1705.02894 (hinge)
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

# What the discriminator minimises: logits of real (B,) and generated (B',) examples -> a scalar.


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D - E log(1 - D), nats: the classifier's loss; -log D = softplus(-a), -log(1 - D) = softplus(a)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def squares(real: Tensor, fake: Tensor) -> Tensor:
    """Real examples shall score 1, generated ones 0."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def difference(real: Tensor, fake: Tensor) -> Tensor:
    """The scores shall lie far apart: minus an estimate of the Wasserstein distance, for a critic of slope 1."""
    return fake.mean() - real.mean()


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """The scores shall lie apart, and once they are beyond ±1 it is enough."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


# What the generator minimises: logits of generated examples (B,) -> a scalar.


def saturating(fake: Tensor) -> Tensor:
    """E log(1 - D), nats: flat where D is sure that they are generated."""
    return -F.softplus(fake).mean()


def non_saturating(fake: Tensor) -> Tensor:
    """-E log D, nats: steep there."""
    return F.softplus(-fake).mean()


def square(fake: Tensor) -> Tensor:
    """They shall score 1, as real ones do."""
    return (fake - 1).square().mean() / 2


def score(fake: Tensor) -> Tensor:
    """They shall score high."""
    return -fake.mean()


Judge = Callable[[Tensor, Tensor], Tensor]
Maker = Callable[[Tensor], Tensor]
LOSSES: dict[str, tuple[Judge, Maker]] = {
    "minimax": (cross_entropy, saturating),
    "non-saturating": (cross_entropy, non_saturating),
    "least-squares": (squares, square),
    "wasserstein": (difference, score),
    "hinge": (hinge, score),
}
KINDS = tuple(LOSSES)


def players_of(kind: str) -> tuple[Judge, Maker]:
    """The discriminator's loss and the generator's. Raises: ValueError for a kind that is not there."""
    if kind not in LOSSES:
        raise ValueError(f"loss={kind!r} is not one of {', '.join(LOSSES)}")
    return LOSSES[kind]


def discriminator_loss(real: Tensor, fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """A scalar, from the logits of real (B,) and generated (B',) examples; nats for the two with a probability."""
    judge, _ = players_of(kind)
    return judge(real, fake)


def generator_loss(fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """A scalar, from the logits of generated examples (B,)."""
    _, maker = players_of(kind)
    return maker(fake)
