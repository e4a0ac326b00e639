r"""A generative adversarial network: a generator that turns noise into examples, and a discriminator that judges them.

.. math:: \min_G \max_D V(G, D) = \mathbb{E}_{x \sim p_{data}} \log D(x) + \mathbb{E}_{z \sim N(0, I)} \log(1 - D(G(z)))

There is no density: ``sample`` is all that the model can do. Two players learn in turn, each with a loss of its own.

Reference: Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio. Generative Adversarial
Networks. 2014. arXiv:1406.2661
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genlib.condition import as_condition
from genlib.gan.losses import KINDS, clip_weights, discriminator_loss, generator_loss, gradient_penalty, r1
from genlib.model import GenerativeModel, Player
from genlib.nets import ConvDecoder, ConvEncoder, mlp

PENALTIES = {"r1": lambda critic, real, fake: r1(critic, real), "gradient": gradient_penalty}


class GAN(GenerativeModel):
    """Generator (B, latent) -> (B, *shape) and discriminator (B, *shape) -> (B, 1) logits, as two players.

    With ``classes`` K the generator takes (B, latent + K), the noise and the label as a one-hot vector, and the
    discriminator gives (B, K), a logit for each label, of which that of y counts. With ``levels`` V the data are
    integers 0..V-1 and the generator must end in 0..1, for 0..V-1. The discriminator sees both with noise u, uniform in
    0..1, as (x + u) / V, so that it can't tell generated examples by their being no integers.

    Arguments: generator, discriminator, any networks; shape; latent, the noise's dimensions; levels, classes; loss, one
    of ``losses.KINDS``; penalty, None, "r1" or "gradient" (WGAN-GP), times ``weight``; clip, the limit of the
    discriminator's weights (Wasserstein GAN); steps, updates of the discriminator for each of the generator;
    lr_generator, lr_discriminator, where they differ from fit's; noise, the standard deviation of Gaussian noise on
    everything that the discriminator sees while it is trained (instance noise; ``anneal`` lets it fade).
    Raises: ValueError for an unknown loss or penalty, and for sizes that can't be.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        shape: tuple[int, ...],
        latent: int,
        levels: int | None = None,
        classes: int | None = None,
        loss: str = "non-saturating",
        penalty: str | None = None,
        weight: float = 1.0,
        clip: float | None = None,
        steps: int = 1,
        lr_generator: float | None = None,
        lr_discriminator: float | None = None,
        noise: float = 0.0,
    ):
        super().__init__()
        if loss not in KINDS:
            raise ValueError(f"loss={loss!r} is not one of {', '.join(KINDS)}")
        if penalty not in (None, *PENALTIES):
            raise ValueError(f"penalty={penalty!r} is not None or one of {', '.join(PENALTIES)}")
        if latent < 1 or steps < 1 or noise < 0 or weight < 0:
            raise ValueError(
                f"latent={latent} and steps={steps} must be at least 1, noise={noise} and weight={weight} at least 0"
            )
        self.shape, self.latent, self.levels, self.condition = tuple(shape), latent, levels, as_condition(classes)
        self.kind, self.penalty, self.weight, self.clip, self.steps = loss, penalty, weight, clip, steps
        self.lr_generator, self.lr_discriminator = lr_generator, lr_discriminator
        self.generator, self.discriminator = generator, discriminator
        self.register_buffer("noise", torch.tensor(float(noise)))

    # Two players ------------------------------------------------------------------------------------------------------

    def players(self) -> list[Player]:
        """The discriminator, ``steps`` times, then the generator once."""
        judge, maker = self.discriminator.parameters(), self.generator.parameters()
        return [
            Player("discriminator", list(judge), self.discriminator_loss, self.steps, self.lr_discriminator),
            Player("generator", list(maker), self.generator_loss, lr=self.lr_generator),
        ]

    def discriminator_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss; real and fake, its mean output on both (a probability, or a critic's score); penalty, if any."""
        self.check_condition(y, len(x))
        if self.clip is not None:
            clip_weights(self.discriminator, self.clip)
        real = self.blurred(self.as_reals(x))
        with torch.no_grad():  # the discriminator's turn: nothing flows back into the generator
            fake = self.blurred(self.as_seen(self.generate(self.draw_latent(len(x)), y)))
        on_real, on_fake = self.discriminate(real, y), self.discriminate(fake, y)
        parts = {"loss": discriminator_loss(on_real, on_fake, self.kind)}
        if self.penalty is not None:
            parts["penalty"] = PENALTIES[self.penalty](lambda points: self.discriminate(points, y), real, fake)
            parts["loss"] = parts["loss"] + self.weight * parts["penalty"]
        shown = torch.sigmoid if self.kind in ("minimax", "non-saturating") else torch.Tensor.clone
        return parts | {"real": shown(on_real).mean(), "fake": shown(on_fake).mean()}

    def generator_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss; x only says how many. The discriminator stays as it is: its parameters are not this player's."""
        self.check_condition(y, len(x))
        self.check_examples(x)
        fake = self.generate(self.draw_latent(len(x)), y)
        return {"loss": generator_loss(self.discriminate(self.blurred(self.as_seen(fake)), y), self.kind)}

    # What flows between them ------------------------------------------------------------------------------------------

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The discriminator's logits for real-valued examples (B, *shape), as it is trained on: (B,)."""
        logits = self.discriminator(x)  # (B, 1), or (B, K)
        return logits.view(len(x)) if y is None else logits.gather(1, y[:, None])[:, 0]

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Examples (B, *shape) from noise (B, latent) and labels (B,): what the generator makes, 0..1 with levels."""
        self.check_condition(y, len(z))
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; it must be (B, {self.latent})")
        if y is not None:
            z = torch.cat([z, F.one_hot(y, self.classes).to(z)], 1)
        return self.generator(z).view(len(z), *self.shape)

    def draw_latent(
        self,
        n: int,
        *,
        truncation: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """z ~ N(0, I), (n, latent); with truncation t from the normal distribution cut off at ±t.

        Truncation trades variety for typical examples: Brock, Donahue, Simonyan. Large Scale GAN Training for High
        Fidelity Natural Image Synthesis. 2019. arXiv:1809.11096. Raises: ValueError unless t > 0.
        """
        like = next(self.generator.parameters())
        settings = {"generator": generator, "device": like.device, "dtype": like.dtype}
        if truncation is None:
            return torch.randn(n, self.latent, **settings)
        if not truncation > 0:
            raise ValueError(f"truncation={truncation}: it must be positive")
        inside = math.erf(truncation / math.sqrt(2))  # the mass of -t..t
        u = (2 * torch.rand(n, self.latent, **settings) - 1) * inside
        return (math.sqrt(2) * torch.erfinv(u)).clamp(-truncation, truncation)

    def check_examples(self, x: Tensor, *, values: bool = True) -> None:
        """Raises ValueError for examples of another shape, and for reals or integers where the other is meant."""
        if x.shape[1:] != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}; it must be (B, {', '.join(map(str, self.shape))})")
        if self.levels is None and not x.is_floating_point():
            raise ValueError("x holds integers: construct the model with levels=, or pass real values")
        if self.levels is not None and x.is_floating_point():
            raise ValueError(f"x holds real values; this model takes integers 0..{self.levels - 1}")

    def as_reals(self, x: Tensor) -> Tensor:
        """Data as the discriminator sees them: reals as they are; integers 0..V-1 dequantized into 0..1."""
        self.check_examples(x)
        return x if self.levels is None else self._dequantized(x.to(next(self.generator.parameters()).dtype))

    def as_seen(self, fake: Tensor) -> Tensor:
        """What the generator makes as the discriminator sees it, with the same noise as data; gradients pass."""
        return fake if self.levels is None else self._dequantized(fake * (self.levels - 1))

    def _dequantized(self, x: Tensor) -> Tensor:
        return (x + torch.rand_like(x)) / self.levels

    def blurred(self, x: Tensor) -> Tensor:
        """x with instance noise: at noise 0 just x. The discriminator never sees the same point twice."""
        return x + self.noise * torch.randn_like(x) if self.training else x

    def anneal(self, steps: int) -> Callable[[int, "GAN"], None]:
        """A callback for fit that lets the instance noise fade, linearly, to 0 within ``steps``.

        fit(gan, train, steps=2500, callback=gan.anneal(1700), callback_every=10)
        """
        start = self.noise.clone()

        def fade(step: int, gan: "GAN") -> None:
            gan.noise.copy_(start * max(0.0, 1 - step / steps))

        return fade

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
        x = self.generate(z, None if y is None else y.to(z.device))
        return x if self.levels is None else (x * (self.levels - 1)).round().long()

    # Ready-made networks ----------------------------------------------------------------------------------------------

    @classmethod
    def mlp(
        cls,
        shape: tuple[int, ...],
        *,
        latent: int = 2,
        hidden: int = 128,
        layers: int = 2,
        levels: int | None = None,
        classes: int | None = None,
        spectral: bool = False,
        **settings,
    ) -> "GAN":
        """Both players are multilayer perceptrons; spectral: spectral norm in the discriminator's layers."""
        D, K = math.prod(shape), classes or 0
        end = [nn.Sigmoid()] if levels else []
        maker = nn.Sequential(*mlp(latent + K, D, hidden=hidden, layers=layers, activation=nn.ReLU), *end)
        judge = mlp(D, K or 1, hidden=hidden, layers=layers, activation=lambda: nn.LeakyReLU(0.2))
        maker.append(nn.Unflatten(1, tuple(shape)))
        judge.insert(0, nn.Flatten())
        judge = spectrally_normalised(judge) if spectral else judge
        return cls(maker, judge, shape=shape, latent=latent, levels=levels, classes=classes, **settings)

    @classmethod
    def convolutional(
        cls,
        shape: tuple[int, int, int],
        *,
        latent: int = 32,
        channels: int = 32,
        stages: int = 2,
        levels: int | None = None,
        classes: int | None = None,
        spectral: bool = True,
        **settings,
    ) -> "GAN":
        """Residual convolutional networks without batch normalisation, which would mix real with generated examples."""
        maker: nn.Module = ConvDecoder(latent + (classes or 0), shape, channels=channels, stages=stages)
        if levels:
            maker = nn.Sequential(maker, nn.Sigmoid())
        judge = ConvEncoder(shape, classes or 1, channels=channels, stages=stages)
        judge = spectrally_normalised(judge) if spectral else judge
        return cls(maker, judge, shape=shape, latent=latent, levels=levels, classes=classes, **settings)


def spectrally_normalised(net: nn.Module) -> nn.Module:
    """The same network, each weight divided by its largest singular value, so that no layer stretches lengths.

    Reference: Miyato, Kataoka, Koyama, Yoshida. Spectral Normalization for Generative Adversarial Networks. 2018.
    arXiv:1802.05957
    """
    for layer in list(net.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            if not layer.weight.any():  # residual blocks start at 0, which has no direction to normalise
                layer.reset_parameters()
            spectral_norm(layer)
    return net
