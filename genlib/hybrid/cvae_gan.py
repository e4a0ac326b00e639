r"""CVAE-GAN: a conditional VAE whose decoder is also the generator of a GAN, with a classifier to be right by.

The encoder gives every example a place in latent space, so that no example is forgotten; the discriminator sharpens;
the classifier keeps the class. Encoder and generator minimise

.. math:: \mathrm{KL}\big(q(z \mid x, y)\,\|\,N(0, I)\big) + \frac{|x - \hat x|^2}{2\sigma^2}
          + \frac{\lambda_f}{2} \big(|f_D(x) - f_D(\hat x)|^2 + |f_C(x) - f_C(\hat x)|^2\big)
          + \frac{\lambda_m}{2} \Big(|\mathbb E f_D(x) - \mathbb E f_D(G(z, y))|^2
          + \sum_y |\mathbb E_y f_C(x) - \mathbb E_y f_C(G(z, y))|^2\Big)
          + \lambda_a L_G

where x̂ is the reconstruction, f_D and f_C are the last hidden layers of discriminator and classifier, and the terms
with means are *mean feature matching*: what is generated from the prior shall have the data's mean features, of each
class for f_C. It moves where D is sure, and asks for no single picture to be called real. L_G is the usual loss of a
generator, -E log D(G(z, y)); the paper does without, λ_a = 0.

Reference: Bao, Chen, Wen, Li, Hua. CVAE-GAN: Fine-Grained Image Generation through Asymmetric Training. 2017.
arXiv:1703.10155. Features for pixels: Larsen, Sønderby, Larochelle, Winther. Autoencoding beyond pixels using a learned
similarity metric. 2016. arXiv:1512.09300
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from genlib.arguments import as_shape, finite, needed, positive, share, whole
from genlib.condition import Labels, as_condition
from genlib.gan.judges import judge_of
from genlib.gan.losses import cross_entropy, non_saturating
from genlib.gan.networks import as_trained, normalised
from genlib.model import GenerativeModel, Player
from genlib.nets import beside, mlp
from genlib.noise import normal
from genlib.quantize import Pixels
from genlib.vae import VAE, Gaussian


class CVAEGAN(GenerativeModel):
    """p(x | y) of examples with labels: encoder, generator, discriminator and classifier, as three players.

    Arguments: shape; latent; levels, for integers 0..levels-1; classes K, or condition=Labels(K); judge, how the
    discriminator is told y, one of ``judges.JUDGES``; hidden units in each of ``layers`` hidden layers of all four
    networks, dropout in discriminator and classifier; scale σ of the pixels, which are numbers -1..1; features λ_f,
    matching λ_m, adversarial λ_a; lr_maker, lr_discriminator, lr_classifier, where they differ from fit's. Data without
    levels are reals anywhere.
    """

    condition: Labels

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 8,
        *,
        levels: int | None = None,
        classes: int | None = None,
        condition: Labels | None = None,
        judge: str = "projection",
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.2,
        scale: float = 0.7,
        features: float = 0.1,
        matching: float = 0.1,
        adversarial: float = 20.0,
        lr_maker: float | None = None,
        lr_discriminator: float | None = None,
        lr_classifier: float | None = None,
    ):
        super().__init__()
        whole(latent=latent, hidden=hidden, layers=layers)
        whole(2, levels=levels)
        share(dropout=dropout)
        positive(scale=scale, lr_maker=lr_maker, lr_discriminator=lr_discriminator, lr_classifier=lr_classifier)
        needed(latent=latent, scale=scale)
        finite(features=features, matching=matching, adversarial=adversarial)
        given = as_condition(classes, condition)
        if not isinstance(given, Labels) or given.missing:
            raise ValueError(f"CVAEGAN needs the label of every example: pass classes=, not condition={given}")
        self.shape, self.latent, self.levels, self.condition = as_shape(shape), latent, levels, given
        self.judge, D, K = judge_of(judge), math.prod(self.shape), given.K
        end: list[nn.Module] = [] if levels is None else [nn.Tanh()]
        generator = normalised(mlp(latent + K, D, hidden=hidden, layers=layers, activation=nn.ReLU))
        self.vae = VAE(
            (D,), latent, Gaussian(scale, learned=False), condition=given, hidden=hidden, layers=layers,
            decoder=nn.Sequential(*generator, *end),
        )  # fmt: skip
        slope = lambda: nn.LeakyReLU(0.2)  # noqa: E731
        told = K if self.judge.told else 0
        how: dict[str, Any] = {"hidden": hidden, "layers": layers - 1, "dropout": dropout}
        self.judge_body, self.class_body = (
            nn.Sequential(*mlp(inputs, hidden, activation=slope, **how), slope()) for inputs in (D + told, D)
        )
        self.judge_head, self.class_head = nn.Linear(hidden, self.judge.outputs(K)), nn.Linear(hidden, K)
        self.scale, self.features, self.matching, self.adversarial = scale, features, matching, adversarial
        self.rates = lr_discriminator, lr_classifier, lr_maker
        self.pixels = Pixels(levels)

    # Three players ----------------------------------------------------------------------------------------------------

    def players(self) -> list[Player]:
        """The discriminator, the classifier, and who makes examples: encoder and generator together."""
        of_judge = [*self.judge_body.parameters(), *self.judge_head.parameters()]
        made_by = [p for p in self.vae.parameters() if p.requires_grad]  # σ stays as it is
        of_classes = [*self.class_body.parameters(), *self.class_head.parameters()]
        rates = dict(zip(("discriminator", "classifier", "maker"), self.rates, strict=True))
        return [
            Player("discriminator", of_judge, self.discriminator_loss, lr=rates["discriminator"]),
            Player("classifier", of_classes, self.classifier_loss, lr=rates["classifier"]),
            Player("maker", made_by, self.maker_loss, lr=rates["maker"]),
        ]

    def discriminator_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, nats; real and fake, the mean probability of both."""
        real, y = self._taken(x, y)
        with torch.no_grad():
            fake = self.generate(self.draw_latent(len(real)), y)
        on_real, on_fake = (self._logit(self._judged(self.pixels.seen(r), y), y) for r in (real, fake))
        loss = cross_entropy(on_real, on_fake)
        return {"loss": loss, "real": on_real.sigmoid().mean(), "fake": on_fake.sigmoid().mean()}

    def classifier_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, -log C(y | x) of the data, nats; errors, their share."""
        real, y = self._taken(x, y)
        logits = self.class_head(self.class_body(self.pixels.seen(real)))
        return {"loss": F.cross_entropy(logits, y), "errors": (logits.argmax(1) != y).to(real).mean()}

    def maker_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, and its parts before their weights: kl and reconstruction in nats for an example; features, matching;
        adversarial, nats."""
        real, y = self._taken(x, y)
        q = self.vae.encode(real, y)
        z = q.rsample()
        again, fake = self.generate(z, y), self.generate(self.draw_latent(len(real)), y)
        squares = ((real - again) / self.scale).square().sum(1).mean() / 2
        of_judge = [self._judged(self.pixels.seen(r), y) for r in (real, again, fake)]
        of_classes = [self.class_body(self.pixels.seen(r)) for r in (real, again, fake)]
        pairs = torch.stack([_squared(f[0].detach() - f[1]).mean() / 2 for f in (of_judge, of_classes)]).sum()
        apart = mean_feature_distance(of_judge[0].detach(), of_judge[2]) / 2
        apart = apart + mean_feature_distance(of_classes[0].detach(), of_classes[2], y) / 2
        adversarial = non_saturating(self._logit(of_judge[2], y))
        parts = {"kl": self.vae.kl(q, z, y).mean(), "reconstruction": squares}
        parts |= {"features": pairs, "matching": apart, "adversarial": adversarial}
        loss = parts["kl"] + squares + self.features * pairs + self.matching * apart + self.adversarial * adversarial
        return {"loss": loss} | parts

    def _taken(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """Data as numbers, flat, (B, D), and labels."""
        x, y = self.check_batch(x, y)
        assert y is not None
        return self.pixels.reals(x).flatten(1), y

    def _judged(self, r: Tensor, y: Tensor) -> Tensor:
        """f_D: (B, D) -> (B, hidden)."""
        return self.judge_body(beside(r, self._one_hot(y, r)) if self.judge.told else r)

    def _logit(self, f: Tensor, y: Tensor) -> Tensor:
        """The discriminator's logits from its features, (B,)."""
        return self.judge.logit(self.judge_head(f), self._one_hot(y, f))

    def _one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        return F.one_hot(y, self.condition.K).to(like)

    # What it is for ---------------------------------------------------------------------------------------------------

    def draw_latent(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """z ~ N(0, I), (n, latent)."""
        return normal((n, self.latent), self.judge_head.weight, generator)

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """What the generator makes of z (B, latent) and labels: numbers, flat, (B, D)."""
        return self.vae.decode(z, y).mean

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z | x, y), a Gaussian over (latent,) for each example."""
        x, y = self.check(x, y)
        return self.vae.encode(self.pixels.reals(x).flatten(1), y)

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples (n, *shape): reals, or integers 0..levels-1."""
        y = self.draw_condition(n, y, generator)
        z = self.draw_latent(n, generator=generator)
        with as_trained(self.vae):
            return self.finished(self.generate(z, y))

    def finished(self, r: Tensor) -> Tensor:
        """What ``generate`` gives as data are, (B, *shape)."""
        return self.pixels.finished(r).view(len(r), *self.shape)


def _squared(f: Tensor) -> Tensor:
    """The squared length of each row, (B, F) -> (B,)."""
    return f.square().sum(1)


def mean_feature_distance(real: Tensor, fake: Tensor, y: Tensor | None = None) -> Tensor:
    """|E f(real) - E f(fake)|², a scalar; with labels (B,), those of both, the sum over the classes that are there.

    real, fake (B, F). Means of a batch: of one example a class it would compare single pictures.
    """
    if y is None:
        return (real.mean(0) - fake.mean(0)).square().sum()
    of_class = F.one_hot(y).to(real)  # (B, K)
    counts = of_class.sum(0).clamp(min=1)[:, None]
    return (of_class.T @ (real - fake) / counts).square().sum()
