r"""Categorical naive Bayes: given the label, every pixel is drawn on its own.

.. math:: \log p(x \mid y) = \sum_{i=1}^{D} \log \theta_{y, i, x_i}, \qquad p(x) = \sum_y p(y)\, p(x \mid y)

The simplest density of an image with an exact likelihood: a histogram for each class and pixel, found by counting.
Without classes it is the model of independent pixels. What it can't know is how pixels go together.

Reference: Duda, Hart. Pattern Classification and Scene Analysis. 1973.
The smoothing is Laplace's rule of succession, 1774.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, whole
from genlib.condition import as_condition
from genlib.model import GenerativeModel
from genlib.noise import categorical


class NaiveBayes(GenerativeModel):
    r"""p(x | y) with independent pixels of ``levels`` values each, and the class frequencies p(y).

    Arguments: shape of one example; levels, pixels are integers 0..levels-1; classes, None for independent pixels.
    ``loss`` is in nats for an example. A new model finds every image equally likely; ``count`` fits it.
    """

    unit = "nats for an example"

    levels: int
    log_prior: Tensor

    def __init__(self, shape: tuple[int, ...], levels: int, classes: int | None = None):
        super().__init__()
        whole(2, levels=levels)
        self.shape, self.levels, self.condition = as_shape(shape), levels, as_condition(classes)
        K, D = self.classes or 1, math.prod(shape)
        self.logits = nn.Parameter(torch.zeros(K, D, levels))  # log θ up to a constant for each class and pixel
        self.register_buffer("log_prior", torch.full((K,), -math.log(K)))  # log p(y)

    @torch.no_grad()
    def count(self, x: Tensor, y: Tensor | None = None, smoothing: float = 1.0) -> "NaiveBayes":
        r"""Sets θ and p(y) to smoothed relative frequencies and returns the model.

        .. math:: \theta_{y,i,v} = \frac{n_{y,i,v} + \alpha}{n_y + \alpha V}, \qquad p(y) = \frac{n_y}{n}

        Arguments: x (n, *shape) integers; y (n,) labels, or (n, K) the share of each label in each example, as in an
        EM step; smoothing α > 0: pretend to have seen every level α times.
        """
        x = self.check_examples(x)
        if not 0 < smoothing < math.inf:
            raise ValueError(f"smoothing={smoothing}: it must be positive, or a level never seen gets probability 0")
        if y is not None and y.is_floating_point():
            counts, of_label = self._count_shares(x, y)
        else:
            y = self.check_condition(y, len(x))
            counts, of_label = self._count_labels(x, y)
        theta = (counts + smoothing) / (counts.sum(-1, keepdim=True) + smoothing * self.levels)
        self.logits.copy_(theta.log())
        self.log_prior.copy_((of_label.to(self.log_prior) / len(x)).log())
        return self

    def _count_labels(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """n_{y,i,v} (K, D, V) and n_y (K,) for labels (n,)."""
        K, D, V = self.logits.shape
        y = torch.zeros(len(x), dtype=torch.long, device=x.device) if y is None else y
        cell = (y[:, None] * D + torch.arange(D, device=x.device)) * V + x.flatten(1)  # one for (y, i, x_i)
        counts = torch.bincount(cell.flatten(), minlength=K * D * V).view(K, D, V).to(self.logits)
        return counts, torch.bincount(y, minlength=K)

    def _count_shares(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The same for shares (n, K), each example counted a little for every label."""
        K, _, V = self.logits.shape
        self.check_condition(y.argmax(1) if y.dim() == 2 else y, len(x))
        if y.shape != (len(x), K):
            raise ValueError(f"the shares have shape {tuple(y.shape)}; they must be ({len(x)}, {K})")
        counts = torch.stack([y.T @ (x.flatten(1) == v).to(y) for v in range(V)], -1)
        return counts.to(self.logits), y.sum(0)

    def log_prob_all(self, x: Tensor) -> Tensor:
        """log p(x | y) in nats for every label, (B, K); one column for an unconditional model."""
        x = self.check_examples(x)
        K, D, V = self.logits.shape
        rows = self.logits.log_softmax(-1).reshape(K, D * V).T  # (D · V, K): log θ, a row for each level of each pixel
        seen = V * torch.arange(D, device=x.device) + x.flatten(1)  # (B, D), the rows that an example is made of
        return F.embedding_bag(seen, rows, mode="sum")  # adds them up

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x | y), (B,), exact, in nats; log p(x) for an unconditional model."""
        x, y = self.check(x, y)
        columns = torch.zeros(len(x), dtype=torch.long, device=x.device) if y is None else y
        return self.never_nan(self.log_prob_all(x).gather(1, columns[:, None])[:, 0])

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) = log p(x | y) + log p(y) in nats for every label, (B, K)."""
        return self.log_prob_all(x) + self.log_prior

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (B,): the labels are summed out."""
        return self.never_nan(self.log_joint(x).logsumexp(1))

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(y | x) by Bayes' rule, (B, K)."""
        return self.log_joint(x).log_softmax(1)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The mean of -log p(x | y), in nats for an example."""
        x, y = self.check_batch(x, y)
        return {"loss": -self.log_prob(x, y).mean()}

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """n images given their labels, (n, *shape): every pixel from its own histogram."""
        labels = self.draw_condition(n, y, generator)
        theta = self.logits.softmax(-1)  # (K, D, V)
        rows = theta[labels] if labels is not None else theta.expand(n, -1, -1)  # (n, D, V)
        return categorical(rows, generator).view(n, *self.shape)
