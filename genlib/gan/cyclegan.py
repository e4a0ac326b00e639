r"""CycleGAN: two domains, X and Y, no pairs; a translator each way, and there and back must be where one started.

.. math:: \mathcal L = \mathcal L_{GAN}(G, D_Y) + \mathcal L_{GAN}(F, D_X)
          + \lambda\, \big(\mathbb E |F(G(x)) - x|_1 + \mathbb E |G(F(y)) - y|_1\big)
          + \lambda_{id}\, \big(\mathbb E |G(y) - y|_1 + \mathbb E |F(x) - x|_1\big)

G: X -> Y, F: Y -> X; |·|₁ is a mean over the values of an example. The identity terms ask that a translator leaves
alone what is in its *target* domain already: G(y) ≈ y, not G(x) ≈ x, which would forbid it to translate.

What the cycle can't promise: any permutation π of Y with F = (π G)⁻¹ has no cycle loss either, and if π keeps p(y), no
discriminator objects.

Reference: Zhu, Park, Isola, Efros. Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks.
2017. arXiv:1703.10593
"""

from typing import Any

import torch
from torch import Tensor, nn

from genlib.arguments import as_shape, finite, instance, needed, positive, refuse_unused, whole
from genlib.condition import Images, Vectors
from genlib.gan.losses import players_of
from genlib.gan.regularisers import Critic, Regulariser
from genlib.gan.translators import FakeHistory, check_translated, make_patch_judge, make_translator
from genlib.model import Player, Trainable
from genlib.quantize import Pixels


class CycleGAN(Trainable):
    """Two translators and two discriminators, as two players. x are examples of X, y of Y: not those that belong to x,
    but any (``thin.unpaired(bold)`` makes such data).

    Arguments: shape, of both domains, pictures or points (D,); levels, integers for both; network, "conv" with
    ``channels`` and ``blocks`` residual blocks, whose discriminators score patches, or "mlp" with ``layers`` hidden
    layers of ``hidden`` units; loss, one of ``losses.KINDS``; regulariser of the discriminators; cycle and identity,
    the weights λ and λ_id, in the paper 10, and 5 or 0; history, how many old fakes of each domain are kept for the
    discriminators, 50 in the paper; lr_translators, lr_discriminators, where they differ from fit's. Networks see
    levels as -1..1; reals should lie there for "conv", which ends in a tanh.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        levels: int | None = None,
        network: str = "conv",
        channels: int = 16,
        blocks: int = 2,
        hidden: int = 64,
        layers: int = 2,
        loss: str = "least-squares",
        regulariser: Regulariser | None = None,
        cycle: float = 10.0,
        identity: float = 0.0,
        history: int = 50,
        lr_translators: float | None = None,
        lr_discriminators: float | None = None,
    ):
        super().__init__()
        whole(channels=channels, hidden=hidden)
        whole(0, blocks=blocks, layers=layers, history=history)
        whole(2, levels=levels)
        needed(channels=channels, blocks=blocks, history=history)
        finite(cycle=cycle, identity=identity)
        positive(lr_translators=lr_translators, lr_discriminators=lr_discriminators)
        instance(Regulariser, regulariser=regulariser)
        self.shape, self.levels = as_shape(shape), levels
        self.condition = _domain(self.shape, levels)
        self.judge_loss, self.maker_loss = players_of(loss)
        self.regulariser = Regulariser() if regulariser is None else regulariser
        self.cycle, self.identity = cycle, identity
        self.lr_translators, self.lr_discriminators = lr_translators, lr_discriminators
        size: dict[str, Any] = {"network": network, "channels": channels, "hidden": hidden, "layers": layers}
        check_translated(self.shape, network)
        _check_used(blocks=blocks, **size)
        self.forth, self.back = (make_translator(self.shape, blocks=blocks, **size) for _ in range(2))  # G and F
        self.judge_x, self.judge_y = (make_patch_judge(self.shape, **size) for _ in range(2))
        self.old_x, self.old_y = (FakeHistory(history, self.shape) for _ in range(2))
        self.pixels = Pixels(levels)

    # Two players ------------------------------------------------------------------------------------------------------

    def players(self) -> list[Player]:
        """Both discriminators, then both translators."""
        judges = [*self.judge_x.parameters(), *self.judge_y.parameters()]
        makers = [*self.forth.parameters(), *self.back.parameters()]
        first = Player("discriminators", judges, self.discriminators_loss, lr=self.lr_discriminators)
        first.after_step = lambda: self.regulariser.after_step(judges)
        return [first, Player("translators", makers, self.translators_loss, lr=self.lr_translators)]

    def discriminators_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, the sum of x and y, that of each domain's discriminator; penalty, if any, of both together."""
        x, y = self._both(x, y)
        with torch.no_grad():  # the discriminators' turn: nothing flows back into the translators
            fake_x, fake_y = self.old_x(self.back(y)), self.old_y(self.forth(x))
        sides = {"x": (self.judge_x, x, fake_x), "y": (self.judge_y, y, fake_y)}
        seen = {name: (judge, self.pixels.seen(r), self.pixels.seen(f)) for name, (judge, r, f) in sides.items()}
        parts = {name: self.judge_loss(judge(real), judge(fake)) for name, (judge, real, fake) in seen.items()}
        penalties = [self.regulariser.penalty(_mean_score(judge), real, fake) for judge, real, fake in seen.values()]
        loss = parts["x"] + parts["y"]
        if penalty := [p for p in penalties if p is not None]:
            parts["penalty"] = torch.stack(penalty).sum()
            loss = loss + self.regulariser.weight * parts["penalty"]
        return {"loss": loss} | parts

    def translators_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss; adversarial, the sum over both ways; cycle and identity, mean absolute errors, before their weights."""
        x, y = self._both(x, y)
        fake_y, fake_x = self.forth(x), self.back(y)
        on_x, on_y = (
            self.maker_loss(judge(self.pixels.seen(fake)))
            for judge, fake in ((self.judge_x, fake_x), (self.judge_y, fake_y))
        )
        cycle = _apart(self.back(fake_y), x) + _apart(self.forth(fake_x), y)
        parts = {"adversarial": on_x + on_y, "cycle": cycle}
        loss = parts["adversarial"] + self.cycle * cycle
        if self.identity:
            parts["identity"] = _apart(self.forth(y), y) + _apart(self.back(x), x)
            loss = loss + self.identity * parts["identity"]
        return {"loss": loss} | parts

    def _both(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """Both domains as networks take them."""
        x, y = self.check_batch(x, y)
        assert y is not None
        return self.pixels.reals(x), self.pixels.reals(y)

    # What it is for ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def translate(self, x: Tensor) -> Tensor:
        """G(x): examples of X, (B, *shape), as examples of Y."""
        return self._through(self.forth, x)

    @torch.no_grad()
    def translate_back(self, y: Tensor) -> Tensor:
        """F(y): examples of Y as examples of X."""
        return self._through(self.back, y)

    def _through(self, net: nn.Module, x: Tensor) -> Tensor:
        return self.pixels.finished(net(self.pixels.reals(self.check_examples(x))))


def _mean_score(judge: nn.Module) -> Critic:
    """A discriminator of patches as one number for each picture, (B, *shape) -> (B,)."""
    return lambda x: judge(x).flatten(1).mean(1)


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """The mean absolute difference."""
    return (a - b).abs().mean()


def _domain(shape: tuple[int, ...], levels: int | None) -> Images | Vectors:
    """What y is: of the same kind as x."""
    if len(shape) == 3:
        return Images((shape[0], shape[1], shape[2]), levels)
    if len(shape) == 1 and levels is None:
        return Vectors(shape[0])
    raise ValueError(f"shape={shape}: CycleGAN translates pictures (C, H, W), or points (D,) without levels")


def _check_used(*, network: str, channels: int, blocks: int, hidden: int, layers: int) -> None:
    """Raises ValueError for arguments that the networks have no use for."""
    if network == "mlp":
        refuse_unused(CycleGAN, 'network="mlp" has no convolutions', channels=channels, blocks=blocks)
        if layers == 0:
            refuse_unused(CycleGAN, "layers=0 has no hidden units", hidden=hidden)
    else:
        refuse_unused(CycleGAN, 'network="conv" has channels and blocks instead', hidden=hidden, layers=layers)
