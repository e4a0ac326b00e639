r"""ACGAN: the discriminator is not told the label, it guesses it; and both players want it to guess right.

.. math:: L_S = -\mathbb E \log D(x) - \mathbb E \log\big(1 - D(G(z, y))\big), \qquad
          L_C = -\mathbb E \log C(y \mid x) - \mathbb E \log C\big(y \mid G(z, y)\big)

D minimises L_S + L_C; G minimises its own loss and its share of L_C. The classifier C shares D's network.
G is paid for pictures that are *easy to classify*, which need not be pictures as the data's: what lies between two
classes is rare among what it makes, and at worst a class becomes one picture.

References: Odena, Olah, Shlens. Conditional Image Synthesis with Auxiliary Classifier GANs. 2017. arXiv:1610.09585
What it pays for: Shu, Bui, Ermon. AC-GAN learns a biased distribution. 2017. NIPS workshop
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.arguments import finite
from genlib.condition import Labels, as_condition
from genlib.gan.gan import GAN
from genlib.gan.networks import as_trained


class ACGAN(GAN):
    """A GAN given labels whose discriminator gives, behind its logit, a logit for each class.

    Arguments: weight of the classifier's term in both losses, 1 in the paper; judge, "blind" in the paper; all others
    as for ``GAN``, of which classes are needed. A discriminator of your own gives 1 + K numbers.
    """

    def __init__(
        self, shape: tuple[int, ...], latent: int = 2, *, weight: float = 1.0, judge: str = "blind", **how: Any
    ):
        finite(weight=weight)
        given = as_condition(how.get("classes"), how.get("condition"))
        if not isinstance(given, Labels):
            raise ValueError(f"ACGAN guesses labels: pass classes=, such as classes=10, not condition={given}")
        if judge == "concatenation":
            raise ValueError('judge="concatenation" would show the discriminator the label that it has to guess')
        self.guessed, self.weight = given.K, weight
        super().__init__(shape, latent, judge=judge, **how)

    def classify(self, x: Tensor) -> Tensor:
        """The logits of the classes, (B, K), for examples as data are: what the discriminator takes them for."""
        x = self.check_examples(x)
        y = torch.zeros(len(x), dtype=torch.long, device=x.device)  # moves the judge's logit alone, not the guess
        with as_trained(self.discriminator):
            return self.judged(self.as_reals(x), y)[1]

    def guesses(self, answer: Tensor, y: Tensor | None, z: Tensor | None = None) -> dict[str, Tensor]:
        """classes: -log C(y | x), nats; in the discriminator's loss the sum of that of real and of generated ones."""
        assert y is not None
        return {"classes": F.cross_entropy(answer, y)}
