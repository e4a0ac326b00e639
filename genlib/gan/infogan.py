r"""InfoGAN: part of the noise is a code c, and the discriminator's network has to read it back from the picture.

.. math:: I(c; G(z, c)) \;\ge\; L_I = \mathbb E_{c,\, x = G(z, c)} \log Q(c \mid x) + H(c)

Both players maximise λ L_I besides playing their game. Equality where Q is the true posterior of the code. The codes
are one category of K, uniform, and values, uniform in -1..1; Q is a softmax, and a Gaussian with the width ``scale``
for each value. So a value that is read back costs (c - μ(x))² / 2 scale², and no width can make that pay without end.

The bound says that the code can be read, not that it means what we would call a digit or a slant.

Reference: Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel. InfoGAN: Interpretable Representation Learning by
Information Maximizing Generative Adversarial Nets. 2016. arXiv:1606.03657
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical, Independent, Normal

from genlib.arguments import as_vectors, finite, must_be_tensor, needed, positive, whole
from genlib.condition import Labels
from genlib.gan.gan import GAN
from genlib.gan.networks import as_trained
from genlib.noise import device_of, uniform


class Codes(NamedTuple):
    """Q(c | x): of the category, and of the values (V,); None where there is none."""

    category: Categorical | None
    values: Independent | None


class InfoGAN(GAN):
    """A GAN whose latents are noise, then a one-hot category, then values in -1..1: (B, latent + K + V).

    Arguments: shape; latent, the dimensions of the noise alone (the attribute counts all, as ``generate`` takes them);
    categories K, 0 for none; values V, how many; weight λ; scale of Q's Gaussians; all others as for ``GAN``, with a
    condition too: then the codes say what it leaves open. A discriminator of your own gives K + V numbers behind the
    judge's.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int = 16,
        *,
        categories: int = 10,
        values: int = 0,
        weight: float = 1.0,
        scale: float = 0.5,
        **how: Any,
    ):
        whole(latent=latent)
        whole(0, categories=categories, values=values)
        needed(latent=latent, categories=categories, values=values, scale=scale)
        finite(weight=weight)
        positive(scale=scale)
        if categories + values == 0 or categories == 1:
            raise ValueError(f"categories={categories}, values={values}: a code needs 2 categories, or a value")
        self.noise_size, self.categories, self.values = latent, categories, values
        self.guessed, self.weight, self.scale = categories + values, weight, scale
        super().__init__(shape, latent + categories + values, **how)

    # Codes ------------------------------------------------------------------------------------------------------------

    def draw_latent(
        self,
        n: int,
        *,
        category: Tensor | None = None,
        values: Tensor | None = None,
        truncation: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n latents, (n, latent); with codes that are given, category (n,) and values (n, V), or drawn uniformly.

        Raises: ValueError for codes that there are not."""
        category = self._check_codes(n, category, values)
        z = super().draw_latent(n, truncation=truncation, generator=generator)
        parts = [z[:, : self.noise_size]]
        if self.categories:
            if category is None:
                category = torch.randint(self.categories, (n,), generator=generator, device=device_of(generator))
            parts.append(F.one_hot(category.to(z.device), self.categories).to(z))
        if self.values:
            parts.append(2 * uniform((n, self.values), z, generator) - 1 if values is None else values.to(z))
        return torch.cat(parts, 1)

    def _check_codes(self, n: int, category: Tensor | None, values: Tensor | None) -> Tensor | None:
        """The category as int64. Raises: ValueError for codes of a kind that this model has not, or of another shape,
        and for categories that there are not."""
        if values is not None:
            must_be_tensor("values", values)
        if values is not None and (not self.values or values.shape != (n, self.values)):
            raise ValueError(f"values have shape {tuple(values.shape)}; this model takes ({n}, {self.values})")
        if category is None:
            return None
        must_be_tensor("category", category)
        if not self.categories:
            raise ValueError("this model has no categories: its codes are values")
        return Labels(self.categories).check(category, n)

    def codes_of(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The codes in latents (B, latent): categories (B,), of which there may be none, (B, 0), and values (B, V)."""
        z = as_vectors("z", z, self.latent)
        _, category, values = z.split([self.noise_size, self.categories, self.values], 1)
        return category.argmax(1) if self.categories else category, values

    def encode(self, x: Tensor, y: Tensor | None = None) -> Codes:
        """Q(c | x) for examples as data are, (B, *shape): what their codes would be."""
        x, y = self.check(x, y)
        with as_trained(self.discriminator):
            return self._read(self.judged(self.as_reals(x), y)[1])

    def _read(self, answer: Tensor) -> Codes:
        """The discriminator's K + V numbers as distributions."""
        logits, means = answer.split([self.categories, self.values], 1)
        category = Categorical(logits=logits, validate_args=False) if self.categories else None
        spread = Normal(means, self.scale, validate_args=False)
        return Codes(category, Independent(spread, 1, validate_args=False) if self.values else None)

    # The bound --------------------------------------------------------------------------------------------------------

    def guesses(self, answer: Tensor, y: Tensor | None, z: Tensor | None = None) -> dict[str, Tensor]:
        """category and values: -log Q(c | x) in nats, of generated examples; of real ones nobody knows the code."""
        if z is None:
            return {}
        read, (category, values) = self._read(answer), self.codes_of(z)
        parts = {}
        if read.category is not None:
            parts["category"] = -read.category.log_prob(category).mean()
        if read.values is not None:
            parts["values"] = -read.values.log_prob(values).mean()
        return parts

    @torch.no_grad()
    def information(self, n: int = 1000, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> float:
        """L_I in nats, from n examples: a bound on what a generated example tells of its code."""
        whole(n=n)
        y, z = self.draw_condition(n, y, generator), self.draw_latent(n, generator=generator)
        with as_trained(self.generator), as_trained(self.discriminator):
            lost = self.guesses(self.judged(self.as_seen(self.generate(z, y)), y)[1], y, z)
        entropy = (math.log(self.categories) if self.categories else 0.0) + self.values * math.log(2)
        return entropy - sum(nats.item() for nats in lost.values())

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        category: Tensor | None = None,
        values: Tensor | None = None,
        truncation: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n examples (n, *shape), with codes that are given or drawn: see ``draw_latent``."""
        y = self.draw_condition(n, y, generator)
        z = self.draw_latent(n, category=category, values=values, truncation=truncation, generator=generator)
        with as_trained(self.generator):
            return self.finished(self.generate(z, y))
