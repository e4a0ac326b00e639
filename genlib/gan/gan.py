r"""A generative adversarial network: a generator that turns noise into examples, and a discriminator that judges them.

.. math:: \min_G \max_D V(G, D) = \mathbb{E}_{x \sim p_{data}} \log D(x) + \mathbb{E}_{z \sim N(0, I)} \log(1 - D(G(z)))

There is no density: ``sample`` is all that the model can do. Two players learn in turn, each with a loss of its own.

Given a condition y, the noise gets its features e(y) appended; how the discriminator is told is a choice of four:
judges.py.

References: Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio. Generative Adversarial
Networks. 2014. arXiv:1406.2661. With a condition: Mirza, Osindero. Conditional Generative Adversarial Nets. 2014.
arXiv:1411.1784
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from genlib.arguments import as_shape, finite, instance, needed, positive, refuse_unused, share, truth, whole
from genlib.condition import Condition, Labels, as_condition
from genlib.gan.judges import JUDGES, Judge, judge_of
from genlib.gan.losses import cross_entropy, players_of
from genlib.gan.networks import NETWORKS, as_trained, make_discriminator, make_generator
from genlib.gan.regularisers import InstanceNoise, Regulariser
from genlib.model import GenerativeModel, Player
from genlib.nets import beside
from genlib.noise import normal, uniform
from genlib.quantize import Dequantize, from_unit


class GAN(GenerativeModel):
    """Generator (B, latent) -> (B, *shape) and discriminator (B, *shape) -> (B, 1) logits, as two players.

    With ``levels`` V the data are integers 0..V-1, and the generator's numbers 0..1 stand for 0..V-1. The discriminator
    sees both with noise u, uniform in 0..1, as (x + u) / V, so that it can't tell generated examples by their being no
    integers.

    Arguments: shape; latent, the noise's dimensions; levels; classes, for p(x | y) with labels, or any condition, and
    judge, how the discriminator is told y: one of ``judges.JUDGES``; network, "mlp" with ``layers`` hidden layers of
    ``hidden`` units, in the generator with ``batch_norm``, in the discriminator with ``dropout``; or "conv", residual
    convolutions with ``channels`` that halve a picture ``stages`` times; or "dcgan", those of ``DCGAN``; spectral,
    spectral norm in the discriminator; generator and discriminator, networks of your own instead: (B, latent + F) ->
    (B, *shape), where the condition has F features, labels have F = K, and (B, *shape) -> as many numbers as the judge
    asks for. loss, one of ``losses.KINDS``; regulariser, such as ``R1(0.1)``, ``GradientPenalty(10)`` or
    ``WeightClip(0.01)``; noise, the standard deviation of ``InstanceNoise``; updates of the discriminator for each of
    the generator; lr_generator, lr_discriminator, where they differ from fit's.
    Raises: ValueError for arguments that can't be.
    """

    guessed = 0  # how many numbers the discriminator gives besides the judge's
    weight = 1.0  # of what it says by them, in both losses

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 2,
        *,
        levels: int | None = None,
        classes: int | None = None,
        condition: Condition | None = None,
        judge: str = "product",
        network: str = "mlp",
        hidden: int = 128,
        layers: int = 2,
        channels: int = 32,
        stages: int = 2,
        batch_norm: bool = False,
        dropout: float = 0.0,
        spectral: bool = False,
        generator: nn.Module | None = None,
        discriminator: nn.Module | None = None,
        loss: str = "non-saturating",
        regulariser: Regulariser | None = None,
        noise: float = 0.0,
        updates: int = 1,
        lr_generator: float | None = None,
        lr_discriminator: float | None = None,
    ):
        super().__init__()
        whole(latent=latent, updates=updates, hidden=hidden, channels=channels)
        whole(0, layers=layers, stages=stages)
        whole(2, levels=levels)
        positive(lr_generator=lr_generator, lr_discriminator=lr_discriminator)
        needed(latent=latent, updates=updates)
        finite(noise=noise)
        truth(spectral=spectral, batch_norm=batch_norm)
        share(dropout=dropout)
        instance(nn.Module, generator=generator, discriminator=discriminator)
        instance(Regulariser, regulariser=regulariser)
        self.shape, self.latent, self.levels = as_shape(shape), latent, levels
        self.condition = as_condition(classes, condition)
        self.judge = self._judge_of(judge)
        self.judge_loss, self.maker_loss = players_of(loss)
        self.regulariser = Regulariser() if regulariser is None else regulariser
        self.updates, self.lr_generator, self.lr_discriminator = updates, lr_generator, lr_discriminator
        how: dict[str, Any] = {"network": network, "hidden": hidden, "layers": layers}
        how |= {"channels": channels, "stages": stages}
        of_maker: dict[str, Any] = {"batch_norm": batch_norm}
        of_judge: dict[str, Any] = {"dropout": dropout, "spectral": spectral}
        _check_used(generator is not None, discriminator is not None, of_maker, of_judge, **how)
        width, unit = 0 if self.condition is None else self.condition.width, levels is not None
        if generator is None:
            generator = make_generator(latent + width, self.shape, unit=unit, **of_maker, **how)
        self.takes_flat = discriminator is None and network == "mlp"
        if discriminator is None:
            of_judge |= {"told": width if self.judge.told else 0, "alone": self.regulariser.alone, "unit": unit}
            discriminator = make_discriminator(self.shape, self._outputs(), **of_judge, **how)
        self.generator, self.discriminator = generator, discriminator
        # Each player learns for itself what to see in a condition.
        self.generator_features, self.discriminator_features = (
            None if self.condition is None else self.condition.encoder() for _ in range(2)
        )
        if not (self.judge.told or self.judge.product):
            self.discriminator_features = None
        self.dequantize = None if levels is None else Dequantize(levels)
        self.noise = InstanceNoise(noise)

    def _judge_of(self, name: str) -> Judge:
        """Raises ValueError for labels that are missing, and for a way to tell a condition where there is none."""
        if isinstance(self.condition, Labels) and self.condition.missing:
            raise ValueError("a GAN judges an example by its label: with labels that are missing it can't")
        if self.condition is None:
            refuse_unused(GAN, "there is no condition to tell", judge=name)
            return JUDGES["blind"]
        return judge_of(name)

    def _outputs(self) -> int:
        """How many numbers the discriminator gives: the judge's, and behind them those of ``guesses``."""
        return self.judge.outputs(0 if self.condition is None else self.condition.width) + self.guessed

    # Two players ------------------------------------------------------------------------------------------------------

    def players(self) -> list[Player]:
        """The discriminator, ``updates`` times, then the generator once."""
        judge = _parameters(self.discriminator, self.discriminator_features)
        maker = _parameters(self.generator, self.generator_features)
        first = Player("discriminator", judge, self.discriminator_loss, self.updates, self.lr_discriminator)
        first.after_step = lambda: self.regulariser.after_step(judge)
        return [first, Player("generator", maker, self.generator_loss, lr=self.lr_generator)]

    def discriminator_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss; real and fake, its mean output on both (a probability, or a critic's score); penalty, if any; and the
        terms of ``guesses``."""
        x, y = self.check_batch(x, y)
        real, z = self.noise(self.as_reals(x)), self.draw_latent(len(x))
        with torch.no_grad():  # the discriminator's turn: nothing flows back into the generator
            fake = self.noise(self.as_seen(self.generate(z, y)))
        (on_real, of_real), (on_fake, of_fake) = self.judged(real, y), self.judged(fake, y)
        parts = {"loss": self.judge_loss(on_real, on_fake)}
        penalty = self.regulariser.penalty(lambda points: self.discriminate(points, y), real, fake)
        if penalty is not None:
            parts = {"loss": parts["loss"] + self.regulariser.weight * penalty, "penalty": penalty}
        shown = torch.sigmoid if self.judge_loss is cross_entropy else torch.clone
        parts |= {"real": shown(on_real).mean(), "fake": shown(on_fake).mean()}
        return self._with_guesses(parts, self.guesses(of_real, y), self.guesses(of_fake, y, z))

    def generator_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, and the terms of ``guesses``; x only says how many. The discriminator stays as it is: its parameters
        are not this player's."""
        x, y = self.check_batch(x, y)
        z = self.draw_latent(len(x))
        on_fake, of_fake = self.judged(self.noise(self.as_seen(self.generate(z, y))), y)
        return self._with_guesses({"loss": self.maker_loss(on_fake)}, self.guesses(of_fake, y, z))

    def guesses(self, answer: Tensor, y: Tensor | None, z: Tensor | None = None) -> dict[str, Tensor]:
        """What else the two players agree on, {name: scalar to be minimised by both}: here nothing. ``ACGAN`` and
        ``InfoGAN`` let the discriminator guess what an example was made of.

        answer (B, guessed), what the discriminator says besides; z, what a generated example was made of, None for a
        real one."""
        return {}

    def _with_guesses(self, parts: dict[str, Tensor], *guesses: dict[str, Tensor]) -> dict[str, Tensor]:
        """The parts of a loss with these terms, summed by name and times ``weight``."""
        for guess in guesses:
            for name, term in guess.items():
                parts["loss"] = parts["loss"] + self.weight * term
                parts[name] = parts[name] + term if name in parts else term
        return parts

    # What flows between them ------------------------------------------------------------------------------------------

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The discriminator's logits for real-valued examples (B, *shape), as it is trained on: (B,)."""
        return self.judged(x, y)[0]

    def judged(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same logits (B,), and what else the discriminator says of x, (B, guessed)."""
        self.check_shape(x)
        x, y = self.in_precision(x), self.check_condition(y, len(x))
        features = None if self.discriminator_features is None else self.discriminator_features(y)
        if self.judge.told and features is not None:
            x = beside(x.flatten(1) if self.takes_flat else x, features)
        answer, asked = self.discriminator(x), self._outputs()
        if answer.numel() != len(x) * asked:
            raise ValueError(f"the discriminator gave shape {tuple(answer.shape)}; asked are (B, {asked})")
        logit, guess = answer.view(len(x), asked).split([asked - self.guessed, self.guessed], 1)
        return self.judge.logit(logit, features), guess

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Examples (B, *shape) from noise (B, latent) and conditions (B, …): what the generator makes, 0..1 with
        levels."""
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; it must be (B, {self.latent})")
        z, y = self.in_precision(z), self.check_condition(y, len(z))
        if self.generator_features is not None:
            z = torch.cat([z, self.generator_features(y).to(z)], 1)
        return self.generator(z).view(len(z), *self.shape)

    def draw_latent(
        self, n: int, *, truncation: float | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """z ~ N(0, I), (n, latent); with truncation t from the normal distribution cut off at ±t.

        Truncation trades variety for typical examples: Brock, Donahue, Simonyan. Large Scale GAN Training for High
        Fidelity Natural Image Synthesis. 2019. arXiv:1809.11096. Raises: ValueError unless t > 0.
        """
        whole(0, n=n)
        like = next(self.generator.parameters())
        if truncation is None:
            return normal((n, self.latent), like, generator)
        positive(truncation=truncation)
        inside = math.erf(truncation / math.sqrt(2))  # the mass of -t..t
        u = (2 * uniform((n, self.latent), like, generator) - 1) * inside
        return (math.sqrt(2) * torch.erfinv(u)).clamp(-truncation, truncation)

    def as_reals(self, x: Tensor) -> Tensor:
        """Data as the discriminator sees them: reals as they are; integers 0..V-1 dequantized into 0..1."""
        x = self.check_examples(x)
        return x if self.dequantize is None else self.dequantize(x) / self.dequantize.levels

    def as_seen(self, fake: Tensor) -> Tensor:
        """What the generator makes as the discriminator sees it, with the same noise as data; gradients pass."""
        if self.dequantize is None:
            return fake
        V = self.dequantize.levels
        return self.dequantize(fake * (V - 1)) / V

    # What it is for ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        truncation: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n examples (n, *shape): reals, or integers 0..levels-1. See ``draw_latent`` for truncation."""
        y = self.draw_condition(n, y, generator)
        z = self.draw_latent(n, truncation=truncation, generator=generator)
        with as_trained(self.generator):
            return self.finished(self.generate(z, y))

    def finished(self, fake: Tensor) -> Tensor:
        """What the generator makes as data are: reals as they are, numbers 0..1 as integers 0..levels-1."""
        return fake if self.levels is None else from_unit(fake, self.levels)


def _parameters(net: nn.Module, told: nn.Module | None) -> list[nn.Parameter]:
    """Of a player's network, and of how it sees a condition."""
    return [*net.parameters(), *([] if told is None else told.parameters())]


def _check_used(own_generator: bool, own_discriminator: bool, of_maker: dict, of_judge: dict, **how: Any) -> None:
    """Raises ValueError for arguments that the two networks have no use for; own, which of them are given."""
    if own_generator:
        refuse_unused(GAN, "the generator is your own", **of_maker)
    if own_discriminator:
        refuse_unused(GAN, "the discriminator is your own", **of_judge)
    if own_generator and own_discriminator:
        refuse_unused(GAN, "generator and discriminator are your own", **how)
    elif how["network"] == "mlp":
        unused = {name: how[name] for name in ("channels", "stages")}
        refuse_unused(GAN, 'network="mlp" has no convolutions', **unused)
        if how["layers"] == 0:
            hidden = {"hidden": how["hidden"], **of_maker, "dropout": of_judge["dropout"]}
            refuse_unused(GAN, "layers=0 has no hidden units", **hidden)
    elif how["network"] in NETWORKS:
        unused = {name: how[name] for name in ("hidden", "layers")} | {"dropout": of_judge["dropout"]} | of_maker
        refuse_unused(GAN, f'network="{how["network"]}" has channels and stages instead', **unused)
