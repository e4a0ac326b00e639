r"""What every model of the course can do, and nothing else.

A model knows the ``shape`` of one example and what it is conditioned on, if anything. It has a ``loss`` to minimise;
a generative model can ``sample``. Families add what they have with one meaning everywhere: ``log_prob`` is exact and in
nats, ``elbo`` is a bound and in nats.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genlib.arguments import as_integers, must_be_tensor, whole
from genlib.condition import Condition, Labels, as_condition

COMPILED = "_orig_mod."
_looking: ContextVar[bool] = ContextVar("looking", default=True)


@contextlib.contextmanager
def looked_at() -> Iterator[None]:
    """Within it, no model looks at the numbers that it is given. ``fit`` has looked at all of its data before the first
    step; on a GPU each look would be waited for."""
    before = _looking.set(False)
    try:
        yield
    finally:
        _looking.reset(before)


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

    # What is taken, and what is refused -------------------------------------------------------------------------------

    def check(self, x: Tensor, y: Tensor | None = None, *, values: bool = True) -> tuple[Tensor, Tensor | None]:
        """x and y as the networks take them: integers as int64, reals in the model's precision.

        Raises: ValueError where x or y is not what this model takes. values: look at the numbers too; within
        ``looked_at`` nobody does.
        """
        x = self.check_examples(x, values=values)
        return x, self.check_condition(y, len(x), values=values)

    def check_batch(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The same for a loss, which is a mean. Raises: ValueError also for a batch of no examples."""
        x, y = self.check(x, y)
        if len(x) == 0:
            raise ValueError("the batch is empty: a loss is a mean, of one example at least")
        return x, y

    def check_examples(self, x: Tensor, *, values: bool = True) -> Tensor:
        """x alone. Raises: ValueError for examples of another shape, reals for integers or the reverse, levels out of
        range, reals that are not finite."""
        self.check_shape(x)
        if self.levels is None:
            return self.check_reals(x, values=values)
        how = ' (binarized("threshold") of a data set makes them)' if self.levels == 2 else ""
        asks = f"this model takes integers 0..{self.levels - 1}{how}"
        return as_integers("x", x, 0, self.levels, asks, look=values and _looking.get())

    def check_reals(self, x: Tensor, *, values: bool = True) -> Tensor:
        """x in the model's precision. Raises: ValueError for integers, and for values that are not finite."""
        if not x.is_floating_point():
            raise ValueError(f"x holds {x.dtype}; this model takes real values (without levels=), such as x / 16")
        if values and _looking.get() and not bool(x.isfinite().all()):
            raise ValueError("x holds values that are not finite")
        return self.in_precision(x)

    def in_precision(self, values: Tensor) -> Tensor:
        """Reals in the precision of the model's weights."""
        weight = next(self.parameters(), None)
        return values if weight is None else values.to(weight.dtype)

    def check_shape(self, x: Tensor) -> None:
        """Raises ValueError for what is no tensor, or holds examples of another shape."""
        must_be_tensor("x", x)
        if tuple(x.shape[1:]) != self.shape or x.dim() == 0:
            raise ValueError(f"x has shape {tuple(x.shape)}; this model takes (B, {', '.join(map(str, self.shape))})")

    def check_condition(self, y: Tensor | None, n: int, *, values: bool = True) -> Tensor | None:
        """y alone. Raises: ValueError where a conditional model does not get n of its condition, or another one gets
        some."""
        if self.condition is None:
            if y is not None:
                raise ValueError("this model is unconditional: call it without y, or construct it with classes=")
            return None
        if y is None:
            raise ValueError(f"this model is conditional: pass y, {self.condition.asks}")
        y = self.condition.check(y, n, values=values and _looking.get())
        return self.in_precision(y) if y.is_floating_point() else y

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As torch's; but weights saved from a compiled model fit too, and into one: torch.compile writes "_orig_mod."
        into their names."""
        mine = {name.replace(COMPILED, ""): name for name in self.state_dict()}
        if any(COMPILED in name for name in (*mine.values(), *state_dict)):
            plain = {name.replace(COMPILED, ""): value for name, value in state_dict.items()}
            state_dict = {mine.get(name, name): value for name, value in plain.items()}
        return super().load_state_dict(state_dict, strict=strict, assign=assign)


class GenerativeModel(Trainable):
    """A model of x, or of x given a condition, that can be sampled from."""

    def sample(self, n: int, y: Tensor | None = None, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *shape); without y, a conditional model draws its labels uniformly."""
        raise NotImplementedError

    def draw_condition(self, n: int, y: Tensor | None, generator: torch.Generator | None = None) -> Tensor | None:
        """What to sample with, on the model's device: y where it is given, else what the condition draws. Raises:
        ValueError for an n that is no number of examples; 0 is one."""
        whole(0, n=n)
        if self.condition is not None and y is None:
            y = self.condition.draw(n, generator=generator)
        y = self.check_condition(y, n)
        weight = next(self.parameters(), None)
        return y if y is None or weight is None else y.to(weight.device)

    def never_nan(self, log_p: Tensor) -> Tensor:
        """Log-densities as they are handed out. Where there is no number, x lies where the model has no density, or
        beyond what floats hold: there is no mass there, −inf. Within ``looked_at`` they stay, for fit to find them.

        Raises: ValueError where the weights are to blame.
        """
        nowhere = log_p.isnan()
        if not _looking.get() or not bool(nowhere.any()):
            return log_p
        self.check_weights()
        return log_p.masked_fill(nowhere, -torch.inf)

    def check_weights(self) -> None:
        """Raises ValueError where a weight is not finite: then the model has no density."""
        for name, weight in self.named_parameters():
            if not bool(weight.isfinite().all()):
                raise ValueError(f"the model has no density: {name} is not finite; train or load it again")
