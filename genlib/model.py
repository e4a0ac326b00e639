r"""What every model of the course can do, and nothing else.

A model knows the ``shape`` of one example and what it is conditioned on, if anything. It has a ``loss`` to minimise;
a generative model can ``sample``. Families add what they have with one meaning everywhere: ``log_prob`` is exact and in
nats, ``elbo`` is a bound and in nats.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genlib.condition import Condition, Labels, as_condition


@dataclass
class Player:
    """One who learns: its parameters follow the gradient of its own loss. A likelihood model is a game with one player.

    name, for progress bars and histories; parameters, the ones that this player moves; loss, (x, y) -> {"loss": scalar,
    and its named parts}; updates, how many it makes when it is its turn, each on a batch of its own; lr and optimizer,
    (parameters, lr) -> Optimizer, where they differ from fit's; after_step, called after each of its updates, without
    gradients: weights that are clipped, a codebook that follows its averages.
    """

    name: str
    parameters: Iterable[nn.Parameter]
    loss: Callable[..., dict[str, Tensor]]
    updates: int = 1
    lr: float | None = None
    optimizer: Callable[..., torch.optim.Optimizer] | None = None
    after_step: Callable[[], None] | None = None


class WaitsForData(nn.Module):
    """A layer that sets itself by the first data that reach it, once ``Trainable.initialise`` lets it look.

    ``initialised``, a buffer, says whether it has: a second look changes nothing, so that training can go on.
    """

    initialised: Tensor

    def start_from(self, x: Tensor) -> None:
        """x, what ``forward`` is about to see."""
        raise NotImplementedError


def _start_from(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(layer, WaitsForData)
    if not layer.initialised:
        layer.start_from(inputs[0])
        layer.initialised.fill_(True)


class Trainable(nn.Module):
    """What ``fit`` needs of a model.

    Attributes: shape, of one example, without the batch; condition, what the model is given besides x, None without;
    levels, where x are integers 0..levels-1, None for reals; unit, of the loss, such as "nats for an example".
    """

    shape: tuple[int, ...]
    condition: Condition | None = None
    levels: int | None = None
    unit: str = ""

    @property
    def classes(self) -> int | None:
        """How many labels the model is conditioned on, None without labels."""
        return self.condition.K if isinstance(self.condition, Labels) else None

    @classes.setter
    def classes(self, K: int | None) -> None:
        """The short form: ``classes = 10`` means ``condition = Labels(10)``."""
        self.condition = as_condition(K)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """{"loss": scalar, and its named parts}: batch means; the model's docstring gives the unit."""
        raise NotImplementedError

    def players(self) -> list[Player]:
        """Who learns, in the order of their turns. Unless a model says otherwise: one, all parameters, ``loss``."""
        return [Player("model", list(self.parameters()), self.loss)]

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """A start that depends on data; fit calls it once, with a first batch. Most models need none.

        Wherever in the model a layer waits for data, ActNorm in the prior of a VAE for instance, it sets itself by what
        it sees while each player's loss is computed once. Nothing else changes: not the random state, not a buffer.
        """
        waiting = [layer for layer in self.modules() if isinstance(layer, WaitsForData) and not layer.initialised]
        if not waiting:
            return
        before = [(b, b.clone()) for m in self.modules() if m not in waiting for b in m.buffers(recurse=False)]
        looks = [layer.register_forward_pre_hook(_start_from) for layer in waiting]
        try:
            with torch.random.fork_rng(devices=[x.device.index or 0] if x.device.type == "cuda" else []):
                for player in self.players():
                    player.loss(x, y)
        finally:
            for look in looks:
                look.remove()
            for buffer, value in before:
                buffer.copy_(value)

    # What is refused --------------------------------------------------------------------------------------------------

    def check(self, x: Tensor, y: Tensor | None = None, *, values: bool = True) -> None:
        """Raises ValueError where x or y is not what this model takes.

        values: look at the numbers too. It waits for a GPU, so a loss does not: fit looks at its data once.
        """
        self.check_examples(x, values=values)
        self.check_condition(y, len(x), values=values)

    def check_examples(self, x: Tensor, *, values: bool = True) -> None:
        """Raises ValueError for examples of another shape, reals for integers or the reverse, levels out of range."""
        self.check_shape(x)
        if self.levels is None:
            if not x.is_floating_point():
                raise ValueError(f"x holds {x.dtype}; this model takes real values (without levels=), such as x / 16")
            return
        if x.dtype != torch.long:
            how = "" if x.is_floating_point() else " as int64 (x.long() makes them)"
            raise ValueError(f"x holds {x.dtype}; this model takes integers 0..{self.levels - 1}{how}")
        if values and x.numel() and (int(x.min()) < 0 or int(x.max()) >= self.levels):
            raise ValueError(f"x holds {int(x.min())}..{int(x.max())}; this model takes integers 0..{self.levels - 1}")

    def check_shape(self, x: Tensor) -> None:
        """Raises ValueError for examples of another shape."""
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}; this model takes (B, {', '.join(map(str, self.shape))})")

    def check_condition(self, y: Tensor | None, n: int, *, values: bool = True) -> None:
        """Raises ValueError where a conditional model does not get n of its condition, or another one gets some."""
        if self.condition is None:
            if y is not None:
                raise ValueError("this model is unconditional: call it without y, or construct it with classes=")
            return
        if y is None:
            raise ValueError(f"this model is conditional: pass y, {self.condition.asks}")
        self.condition.check(y, n, values=values)


class GenerativeModel(Trainable):
    """A model of x, or of x given a condition, that can be sampled from."""

    def sample(self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *shape); without y, a conditional model draws its labels uniformly."""
        raise NotImplementedError

    def draw_condition(self, n: int, y: Tensor | None, generator: torch.Generator | None = None) -> Tensor | None:
        """What to sample with, on the model's device: y where it is given, else what the condition draws."""
        if self.condition is not None and y is None:
            y = self.condition.draw(n, generator=generator)
        self.check_condition(y, n)
        weight = next(self.parameters(), None)
        return y if y is None or weight is None else y.to(weight.device)
