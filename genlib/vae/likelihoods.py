"""What a decoder's numbers mean: torch's distributions, made to take integers and, where asked, a generator."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, Normal


class BinaryPixels(Bernoulli):
    """Bernoulli that takes integers, as data sets hold them, and gives integers."""

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(value.to(self.logits.dtype))

    def sample(self, sample_shape: tuple[int, ...] = ()) -> Tensor:
        return super().sample(torch.Size(sample_shape)).long()


class Levels(Categorical):
    """Categorical over 0..V-1 whose values are quantities, so that they have a mean and a variance."""

    @property
    def mean(self) -> Tensor:
        return self.probs @ self._values

    @property
    def variance(self) -> Tensor:
        return self.probs @ self._values**2 - self.mean**2

    @property
    def _values(self) -> Tensor:
        return torch.arange(self.logits.shape[-1], dtype=self.logits.dtype, device=self.logits.device)


def draw(distribution: Distribution, generator: torch.Generator | None) -> Tensor:
    """One sample for each of the batch, from a generator, which torch's distributions don't take."""
    base = distribution.base_dist if isinstance(distribution, Independent) else distribution
    if isinstance(base, Levels):
        flat = torch.multinomial(base.probs.flatten(0, -2), 1, generator=generator)
        return flat.view(base.probs.shape[:-1])
    if isinstance(base, BinaryPixels):
        return torch.bernoulli(base.probs, generator=generator).long()
    if isinstance(base, Normal):
        mean = base.mean
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return mean + base.stddev * noise
    raise NotImplementedError(f"no way is known to draw from {type(base).__name__} with a generator")
