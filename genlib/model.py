r"""What every generative model of the course can do, and nothing else.

A model knows the ``shape`` of one example and, if it is conditional, its number of ``classes``. It has a ``loss`` to
minimise and it can ``sample``. Families add what they have with one meaning everywhere: ``log_prob`` is exact and in
nats, ``elbo`` is a bound and in nats.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Player:
    """One who learns: its parameters follow the gradient of its own loss. A likelihood model is a game with one player.

    name, for progress bars and histories; parameters, the ones that this player moves; loss, (x, y) -> {"loss": scalar,
    and its named parts}; steps, how many updates it makes when it is its turn; lr, where it differs from fit's.
    """

    name: str
    parameters: Iterable[nn.Parameter]
    loss: Callable[..., dict[str, Tensor]]
    steps: int = 1
    lr: float | None = None


class GenerativeModel(nn.Module):
    """A model of x, or of x given a label y when ``classes`` is set.

    Attributes: shape, of one example, without the batch; classes, the number of labels, None without.
    """

    shape: tuple[int, ...]
    classes: int | None = None

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """{"loss": scalar, and its named parts}: batch means; the model's docstring gives the unit."""
        raise NotImplementedError

    def sample(self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *shape); without y, a conditional model draws its labels uniformly."""
        raise NotImplementedError

    def players(self) -> list[Player]:
        """Who learns, in the order of their turns. Unless a model says otherwise: one, all parameters, ``loss``."""
        return [Player("model", list(self.parameters()), self.loss)]

    def initialise(self, x: Tensor) -> None:
        """A start that depends on data (ActNorm); fit calls it once with a first batch. Most models need none."""

    def check_labels(self, y: Tensor | None, n: int) -> None:
        """Raises ValueError where a conditional model does not get n labels, or an unconditional one gets some."""
        if self.classes is None and y is not None:
            raise ValueError("this model is unconditional: call it without y, or construct it with classes=")
        if self.classes is not None and y is None:
            raise ValueError(f"this model is conditional: pass y, integers 0..{self.classes - 1}, one for each example")
        if y is not None and y.shape != (n,):
            raise ValueError(f"y has shape {tuple(y.shape)}; for n={n} examples it must be ({n},)")

    def draw_labels(self, n: int, y: Tensor | None, generator: torch.Generator | None = None) -> Tensor | None:
        """The labels to sample with: y where it is given; uniform ones, (n,), where a conditional model gets none."""
        if self.classes is not None and y is None:
            device = generator.device if generator is not None else None
            return torch.randint(self.classes, (n,), generator=generator, device=device)
        self.check_labels(y, n)
        return y
