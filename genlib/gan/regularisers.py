r"""What keeps a discriminator tame: a penalty for its slope, a limit of its weights, noise on all that it sees.

``GAN(shape, regulariser=R1(0.1))``. A penalty joins the discriminator's loss; a limit is enforced after each of its
updates, so that the generator never meets a discriminator beyond it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

Critic = Callable[[Tensor], Tensor]  # (B, *shape) -> (B,)


class Regulariser:
    """What is done about a discriminator: nothing. Subclasses say what.

    alone: whether it asks for a discriminator that judges each example by itself. A penalty of slopes does: batch
    normalisation would make the slope at one example depend on all others.
    """

    weight: float = 1.0
    alone: ClassVar[bool] = False

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor | None:
        """A scalar that joins the loss, times ``weight``; None for nothing."""
        return None

    def after_step(self, parameters: Iterable[nn.Parameter]) -> None:
        """Called with the discriminator's parameters after each of its updates, without gradients."""


@dataclass(frozen=True)
class R1(Regulariser):
    """A penalty for slopes where the data are: see ``r1``."""

    weight: float = 1.0
    alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_weight(self)

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return r1(critic, real)


@dataclass(frozen=True)
class GradientPenalty(Regulariser):
    """A penalty for slopes that are not 1, WGAN-GP's: see ``gradient_penalty``."""

    weight: float = 10.0
    alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_weight(self)

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return gradient_penalty(critic, real, fake)


@dataclass(frozen=True)
class WeightClip(Regulariser):
    """Every weight within -limit..limit, the first, crude way to bound a critic's slope: after each update, so that
    the next player meets a critic that is within.

    Reference: Arjovsky, Chintala, Bottou. Wasserstein GAN. 2017. arXiv:1701.07875
    """

    limit: float = 0.01

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise ValueError(f"WeightClip({self.limit}): the limit of the weights must be positive")

    @torch.no_grad()
    def after_step(self, parameters: Iterable[nn.Parameter]) -> None:
        for weight in parameters:
            weight.clamp_(-self.limit, self.limit)


def _check_weight(regulariser: R1 | GradientPenalty) -> None:
    if not regulariser.weight >= 0:
        raise ValueError(f"{regulariser}: the weight of a penalty must not be negative")


def r1(critic: Critic, real: Tensor) -> Tensor:
    r"""Half the mean squared slope at real examples: no reason to move where the data are.

    .. math:: \tfrac12\, \mathbb{E}\, \lVert \nabla_x\, a(x) \rVert_2^2

    Reference: Mescheder, Geiger, Nowozin. Which Training Methods for GANs do actually Converge? 2018. arXiv:1801.04406
    """
    return _squared_slope(critic, real.detach().requires_grad_()).mean() / 2


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, *, uniforms: Tensor | None = None) -> Tensor:
    r"""WGAN-GP: the slope of the critic should be 1 on the lines between real and generated examples.

    .. math:: \mathbb{E}\,(\lVert \nabla_{\hat x}\, a(\hat x) \rVert_2 - 1)^2, \qquad \hat x = u x + (1 - u) G(z)

    Arguments: critic, (B, *shape) -> (B,); real, fake (B, *shape); uniforms u (B,), drawn if not given.
    Reference: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville. Improved Training of Wasserstein GANs. 2017.
    arXiv:1704.00028
    """
    u = torch.rand(len(real), device=real.device, dtype=real.dtype) if uniforms is None else uniforms
    u = u.view(-1, *[1] * (real.dim() - 1))
    between = (u * real + (1 - u) * fake.detach()).detach().requires_grad_()
    return (_squared_slope(critic, between).sqrt() - 1).square().mean()


def _squared_slope(critic: Critic, x: Tensor) -> Tensor:
    """The squared norm of the critic's gradient at each x, (B,); it can be differentiated once more."""
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)


class InstanceNoise(nn.Module):
    """Gaussian noise on everything that the discriminator sees while it is trained, data and generated alike.

    Blurred, the two overlap, and it never sees the same point twice. ``std``, a buffer, may fade: see ``anneal``.
    Reference: Sønderby, Caballero, Theis, Shi, Huszár. Amortised MAP Inference for Image Super-resolution. 2017.
    arXiv:1610.04490
    """

    std: Tensor

    def __init__(self, std: float = 0.0):
        super().__init__()
        if not std >= 0:
            raise ValueError(f"the standard deviation of instance noise is {std}; it must not be negative")
        self.start = float(std)  # a run that goes on with another one is another run
        self.register_buffer("std", torch.tensor(self.start))

    def forward(self, x: Tensor) -> Tensor:
        """(B, *shape) -> the same shape; in evaluation mode x itself. (Whether std is 0 is not asked: a GPU would have
        to stop for the answer.)"""
        return x + self.std * torch.randn_like(x) if self.training else x

    def anneal(self, steps: int) -> Callable[[int, nn.Module], None]:
        """A callback for fit that lets the noise fade, linearly, to 0 within ``steps``.

        fit(gan, train, steps=2500, callback=gan.noise.anneal(1700), callback_every=10)
        """
        start = self.std.clone()

        def fade(step: int, _model: nn.Module) -> None:
            self.std.copy_(start * max(0.0, 1 - step / steps))

        return fade
