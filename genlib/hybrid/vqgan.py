r"""VQGAN: a VQ-VAE whose pictures a critic judges patch by patch, so that they are sharp where squared error blurs.

.. math:: \mathcal L = \underbrace{-\log p(x \mid z_q) + \lambda_p\, d_f(x, \hat x)}_{\mathcal L_{rec}} +
          |\mathrm{sg}[z] - e|^2 + \beta |z - \mathrm{sg}[e]|^2 + w \lambda\, \mathcal L_G, \qquad
          \lambda = \frac{\|\nabla_{L} \mathcal L_{rec}\|}{\|\nabla_{L} \mathcal L_G\| + \delta}

L are the weights of the decoder's last layer: λ makes the critic's gradient there as long as that of the
reconstruction, whatever units both are in. d_f compares features of a classifier at every place, each of length 1
(LPIPS without its learned weights). The critic learns by the hinge loss, and L_G = -E a(x̂), a its score.

References: Esser, Rombach, Ommer. Taming Transformers for High-Resolution Image Synthesis. 2021. arXiv:2012.09841
Features: Zhang, Isola, Efros, Shechtman, Wang. The unreasonable effectiveness of deep features as a perceptual metric.
2018. arXiv:1801.03924. Patches: Isola, Zhu, Zhou, Efros. Image-to-image translation with conditional adversarial
networks. 2017. arXiv:1611.07004
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import finite, instance, needed, positive, refuse_unused, whole
from genlib.gan.losses import hinge, score
from genlib.likelihoods import Likelihood, last_layer
from genlib.model import Player
from genlib.nets import Classifier, ConvEncoder, ResidualBlock
from genlib.quantize import Pixels, to_signed
from genlib.vq import VQVAE

LARGEST = 1e4  # of the adaptive weight


class VQGAN(VQVAE):
    """A VQ-VAE of pictures with a critic, as two players.

    Arguments: judge, a trained ``Classifier`` of these pictures, whose features d_f compares and whose weights are
    frozen from here on, None for none; perceptual λ_p; adversarial w; adaptive, whether λ is the ratio of gradients, or
    1; start, how many updates are made before the critic's word counts; critic, the channels of its first layer;
    lr_critic, where it differs from fit's; all others as for ``VQVAE``. ``loss`` is that of the VQ-VAE alone.
    """

    updates: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        codes: int = 128,
        likelihood: str | Likelihood = "bernoulli",
        *,
        judge: Classifier | None = None,
        perceptual: float = 1.0,
        adversarial: float = 0.8,
        adaptive: bool = True,
        start: int = 0,
        critic: int = 16,
        lr_critic: float | None = None,
        **how: Any,
    ):
        instance(Classifier, judge=judge)
        instance(bool, adaptive=adaptive)
        finite(perceptual=perceptual, adversarial=adversarial)
        needed(start=start)
        whole(critic=critic)
        whole(0, start=start)
        positive(lr_critic=lr_critic)
        super().__init__(shape, codes, likelihood, **how)
        if judge is None:
            refuse_unused(VQGAN, "there is no judge with features", perceptual=perceptual)
        elif judge.shape != self.shape:
            raise ValueError(f"the judge knows pictures of shape {judge.shape}, not {self.shape}")
        self.judge = None if judge is None else judge.requires_grad_(False).eval()
        self.perceptual, self.adversarial, self.adaptive, self.start = perceptual, adversarial, adaptive, start
        self.critic, self.lr_critic = patch_critic(self.shape[0], critic), lr_critic
        self.pixels = Pixels(self.levels)
        self.register_buffer("updates", torch.tensor(0))

    def train(self, mode: bool = True) -> "VQGAN":
        """The judge stays as it is."""
        super().train(mode)
        if self.judge is not None:
            self.judge.eval()
        return self

    # Two players ------------------------------------------------------------------------------------------------------

    def players(self) -> list[Player]:
        """The critic, then the tokenizer: encoder, codes and decoder."""
        critic = list(self.critic.parameters())
        others = {id(p) for p in critic}
        maker = [p for p in self.parameters() if id(p) not in others and p.requires_grad]
        return [
            Player("critic", critic, self.critic_loss, lr=self.lr_critic),
            Player("tokenizer", maker, self.maker_loss, after_step=self._after_step),
        ]

    def _after_step(self) -> None:
        self.quantizer.after_step()
        self.updates += 1

    def critic_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """loss, the hinge loss over all patches; real and fake, its mean score on both."""
        x, y = self.check_batch(x, y)
        with torch.no_grad():
            fake = self.signed(self(x))
        on_real, on_fake = (self.critic(self.pixels.seen(r)) for r in (self.likelihood.scaled(x), fake))
        return {"loss": hinge(on_real, on_fake), "real": on_real.mean(), "fake": on_fake.mean()}

    def maker_loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The parts of the VQ-VAE's loss; features, d_f; adversarial, L_G; weight, w λ; and loss, all together."""
        x, y = self.check_batch(x, y)
        with torch.enable_grad():  # λ is made of gradients, in evaluation too
            z = self.encode(x)
            z_q, t = self.quantizer(z)
            p = self.decode(z_q)
            real, fake = self.likelihood.scaled(x), self.signed(p.mean)
            parts = self.parts(-p.log_prob(x).mean(), z, t)
            rec = parts["reconstruction"]
            if self.judge is not None:
                parts["features"] = feature_distance(self.judge, real, fake)
                rec = rec + self.perceptual * parts["features"]
                parts["loss"] = parts["loss"] + self.perceptual * parts["features"]
            parts["adversarial"] = score(self.critic(self.pixels.seen(fake)))
            parts["weight"] = self.weight(rec, parts["adversarial"])
            parts["loss"] = parts["loss"] + parts["weight"] * parts["adversarial"]
        return parts

    def weight(self, rec: Tensor, adversarial: Tensor) -> Tensor:
        """w λ, a scalar without gradient; 0 before the critic's word counts."""
        last = last_layer(self.decoder)
        ratio = (
            torch.ones_like(rec) if not self.adaptive or last is None else gradient_ratio(rec, adversarial, last.weight)
        )
        return (self.adversarial * ratio * (self.updates >= self.start)).detach()

    def signed(self, mean: Tensor) -> Tensor:
        """Means of p(x | z) as the critic and the judge see them: levels as numbers -1..1, reals as they are."""
        return mean if self.levels is None else to_signed(mean, self.levels, mean.dtype)


def gradient_ratio(rec: Tensor, adversarial: Tensor, weights: Tensor, delta: float = 1e-4) -> Tensor:
    """λ = |∇ rec| / (|∇ adversarial| + δ) by these weights, a scalar, at most ``LARGEST``."""
    (of_rec,) = torch.autograd.grad(rec, weights, retain_graph=True)
    (of_critic,) = torch.autograd.grad(adversarial, weights, retain_graph=True)
    return (of_rec.norm() / (of_critic.norm() + delta)).clamp(max=LARGEST).detach()


def feature_distance(judge: Classifier, a: Tensor, b: Tensor) -> Tensor:
    """d_f: at each place the squared distance of two pictures' features, each of length 1; the mean over places and
    batch, summed over the stages of the judge. a, b (B, C, H, W), numbers -1..1; a scalar between 0 and 4 a stage."""
    total, encoder = a.new_zeros(()), judge.encode[0]
    assert isinstance(encoder, ConvEncoder)
    for layer in encoder.net:
        if isinstance(layer, nn.Flatten):
            break
        a, b = layer(a), layer(b)
        if isinstance(layer, ResidualBlock):
            total = total + (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean()
    return total


def patch_critic(planes: int, channels: int) -> nn.Sequential:
    """(B, planes, H, W) -> (B, 1, H / 4, W / 4): a score for each patch of 10 x 10 pixels."""
    return nn.Sequential(
        nn.Conv2d(planes, channels, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * channels, 1, 1),
    )
