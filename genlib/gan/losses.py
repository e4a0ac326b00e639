r"""What the two players of a GAN minimise, as functions of the discriminator's output, and what keeps it tame.

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

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KINDS = ("minimax", "non-saturating", "least-squares", "wasserstein", "hinge")


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"loss {kind!r} is not one of {', '.join(KINDS)}")


def discriminator_loss(real: Tensor, fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """A scalar, from the logits of real (B,) and generated (B',) examples; nats for the two with a probability."""
    _check(kind)
    if kind in ("minimax", "non-saturating"):
        return F.softplus(-real).mean() + F.softplus(fake).mean()  # -log D = softplus(-a), -log(1 - D) = softplus(a)
    if kind == "least-squares":
        return ((real - 1).square().mean() + fake.square().mean()) / 2
    if kind == "wasserstein":
        return fake.mean() - real.mean()
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """A scalar, from the logits of generated examples (B,)."""
    _check(kind)
    if kind == "minimax":
        return -F.softplus(fake).mean()  # E log(1 - D): flat where D is sure that they are generated
    if kind == "non-saturating":
        return F.softplus(-fake).mean()  # -E log D: steep there
    if kind == "least-squares":
        return (fake - 1).square().mean() / 2
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    *,
    uniforms: Tensor | None = None,
) -> Tensor:
    r"""WGAN-GP: the slope of the critic should be 1 on the lines between real and generated examples.

    .. math:: \mathbb{E}\,(\lVert \nabla_{\hat x}\, a(\hat x) \rVert_2 - 1)^2, \qquad \hat x = u x + (1 - u) G(z)

    Arguments: critic, (B, *shape) -> (B,); real, fake (B, *shape); uniforms u (B,), drawn if not given.
    Reference: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville. Improved Training of Wasserstein GANs. 2017.
    arXiv:1704.00028
    """
    u = torch.rand(len(real), device=real.device, dtype=real.dtype) if uniforms is None else uniforms
    u = u.view(-1, *[1] * (real.dim() - 1))
    between = (u * real + (1 - u) * fake.detach()).detach().requires_grad_()
    return (_slope(critic, between).sqrt() - 1).square().mean()


def r1(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    r"""Half the mean squared slope at real examples: no reason to move where the data are.

    .. math:: \tfrac12\, \mathbb{E}\, \lVert \nabla_x\, a(x) \rVert_2^2

    Reference: Mescheder, Geiger, Nowozin. Which Training Methods for GANs do actually Converge? 2018. arXiv:1801.04406
    """
    return _slope(critic, real.detach().requires_grad_()).mean() / 2


def _slope(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The squared norm of the critic's gradient at each x, (B,); it can be differentiated once more."""
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)


@torch.no_grad()
def clip_weights(critic: nn.Module, limit: float) -> None:
    """Every weight into -limit..limit, in place: the first, crude way to bound a critic's slope (Wasserstein GAN)."""
    for weight in critic.parameters():
        weight.clamp_(-limit, limit)
