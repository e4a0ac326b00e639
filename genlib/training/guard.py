"""What keeps a run from ending in NaN: the last finite weights, and an error that says where it went wrong."""

import math
from typing import NoReturn

import torch
from torch import Tensor, nn


class LossError(ArithmeticError):
    """A loss or a weight became infinite or NaN; the message names step, player and part."""


class Guard:
    """Keeps the last weights that were seen to be finite, to give them back. rates, {player: lr}, for the advice."""

    def __init__(self, model: nn.Module, steps: int, rates: dict[str, float]):
        self.model, self.steps, self.rates = model, steps, rates
        self.odd: Tensor | None = None  # which tensors are not finite from the start, a mask of -inf for instance
        self.keep(0)

    @torch.no_grad()
    def keep(self, step: int) -> bool:
        """Copies the weights if they are finite; returns whether they are. It waits for the device."""
        state = self.model.state_dict()
        odd = torch.stack([~t.isfinite().all() for t in state.values() if t.is_floating_point()])
        self.odd = odd if self.odd is None else self.odd
        if bool((odd & ~self.odd).any()):
            return False
        self.kept, self.step = {name: t.detach().clone() for name, t in state.items()}, step
        return True

    def look(self, names: list[tuple[str, str]], values: Tensor, step: int) -> None:
        """Raises LossError where the losses (steps, parts), the last of them of ``step``, or the weights are not
        finite; the model then has its last finite weights back. names, (player, part) of each column."""
        if not values.isfinite().all():
            row, column = (~values.isfinite()).nonzero()[0].tolist()
            player, part = names[column]
            self.give_back(step - len(values) + 1 + row, player, part, values[row, column].item())
        if not self.keep(step):
            self.give_back(step, "model", "weights", math.nan)

    def restore(self) -> None:
        """The model has its last finite weights again."""
        self.model.load_state_dict(self.kept)

    def give_back(self, step: int, player: str, part: str, value: float) -> NoReturn:
        """The last finite weights, and an error that says what happened and what to try."""
        self.restore()
        rates = [f"{rate:g}" if len(self.rates) == 1 else f"{name}'s {rate:g}" for name, rate in self.rates.items()]
        raise LossError(
            f"at step {step} of {self.steps}, {player}'s {part} became {value}. The model has its last finite weights "
            f"back, of step {self.step}. Try a smaller lr (it is {', '.join(rates)}), a smaller clip_norm, more "
            "warmup, or look for a log or a division by something that can be 0"
        )
