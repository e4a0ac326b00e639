r"""MADE: a multilayer perceptron whose masks make every output a conditional of the values before it.

.. math:: p(x) = \prod_{t=1}^{D} p(x_{o(t)} \mid x_{o(1)}, \dots, x_{o(t-1)}), \qquad
          h = \mathrm{relu}\big((W \odot M) x + b\big)

Changes an autoencoder: each hidden unit gets a number m, how many values it may know, the first m in the order o. A
connection lives if it leads to a unit that may know as much or more; the output for the t-th value takes units with
m < t. Any order will do, and all conditionals are computed in one pass.

Without hidden layers each conditional is a logistic regression on the values before it: the fully visible sigmoid
belief network (FVSBN), the logistic autoregressive model.

References: Germain, Gregor, Murray, Larochelle. MADE: Masked Autoencoder for Distribution Estimation. 2015.
arXiv:1502.03509. Frey. Graphical Models for Machine Learning and Digital Communication. 1998 (the logistic model).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, refuse_unused, share, whole
from genlib.autoregressive.base import Autoregressive, Step, features_of, raster, scaled
from genlib.condition import Condition, as_condition
from genlib.nets import MaskedLinear, made_masks, unit_degrees


def features(x: Tensor, levels: int, dtype: torch.dtype) -> Tensor:
    """(…) -> (…, E): one-hot for 3 to 32 levels, one scaled number for others."""
    return F.one_hot(x, levels).to(dtype) if 2 < levels <= 32 else scaled(x, levels, dtype)


def positions(order: Sequence[int] | Tensor, D: int) -> Tensor:
    """Flat positions as they are to be drawn, (D,). Raises: ValueError unless each is there once."""
    try:
        given = torch.as_tensor(order, dtype=torch.long).flatten()
    except (TypeError, ValueError):
        given = torch.empty(0, dtype=torch.long)
    if not torch.equal(given.sort().values, torch.arange(D)):
        raise ValueError(f"order must hold each of the {D} flat positions 0..{D - 1} once")
    return given


class MADE(Autoregressive):
    """p(x) of integers of any shape, by a masked perceptron.

    Arguments: shape; levels; classes for p(x | y), or any condition; hidden units in each of ``layers`` layers (0:
    the logistic autoregressive model); order, the D flat positions as they are drawn, raster without; dropout, of
    hidden units, input_dropout, of inputs. ``loss`` is in nats for an example.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        levels: int = 2,
        classes: int | None = None,
        *,
        condition: Condition | None = None,
        hidden: int = 512,
        layers: int = 1,
        order: Sequence[int] | Tensor | None = None,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ):
        whole(2, levels=levels)
        whole(0, layers=layers)
        whole(hidden=hidden)
        share(dropout=dropout, input_dropout=input_dropout)
        if layers == 0:
            refuse_unused(MADE, "without layers there are no hidden units", hidden=hidden, dropout=dropout)
        D, E = math.prod(as_shape(shape)), levels if 2 < levels <= 32 else 1
        order = raster(tuple(shape)) if order is None else positions(order, D)
        super().__init__(shape, levels, as_condition(classes, condition), order)
        self.E = E
        masks = made_masks(D, hidden, layers, order)
        masks[0] = masks[0].repeat_interleave(E, 1)  # a value is E inputs …
        masks[-1] = masks[-1].repeat_interleave(levels, 0)  # … and a conditional is one output for each level
        self.linears = nn.ModuleList(MaskedLinear(mask) for mask in masks)
        self.linears[-1].register_parameter("bias", None)  # ``bias`` takes its place
        given = [features_of(self.condition, len(mask)) for mask in masks]
        self.labels = nn.ModuleList(label for label in given if label is not None) or None
        for label in self.labels or []:
            for p in list(label.parameters())[-2:]:  # at the start nothing depends on what is given
                nn.init.zeros_(p)
        self.dropout, self.input_dropout = nn.Dropout(dropout), nn.Dropout(input_dropout)
        self.bias = nn.Parameter(torch.zeros(*self.shape, levels))
        self.degrees = unit_degrees(D, hidden)

    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, *shape, E), one-hot or scaled."""
        return features(x, self.levels, self.bias.dtype)

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """(B, *shape, E) -> (B, *shape, levels)."""
        h = self.input_dropout(encoded.flatten(1))
        for k, linear in enumerate(self.linears):
            if k:
                h = self.dropout(h.relu())
            h = linear(h)
            if self.labels is not None:
                h = h + self.labels[k](y)  # everyone may know the label
        return h.view(-1, *self.shape, self.levels) + self.bias

    def cached(self, n: int, y: Tensor | None) -> Step:
        """Every hidden unit is computed once, as soon as it knows all that it may know."""
        D, E, V = len(self.order), self.E, self.levels
        linears: list[Any] = list(self.linears)
        weights = [linear.weight * linear.mask for linear in linears]
        weights[0] = weights[0].unflatten(1, (D, E)).index_select(1, self.order).flatten(1)  # inputs as they are drawn
        w_out = weights.pop().unflatten(0, (D, V)).index_select(0, self.order)  # (D, V, …)
        offsets = [linear.bias.expand(n, -1) for linear in linears[:-1]]
        out = self.bias.view(D, V).index_select(0, self.order)[:, None].expand(D, n, V)
        if self.labels is not None:
            labels = [label(y) for label in self.labels]  # (n, outputs)
            out = out + labels.pop().view(n, D, V).index_select(1, self.order).transpose(0, 1)
            offsets = [a + b for a, b in zip(offsets, labels, strict=True)]
        known = out.new_zeros(n, D * E)
        units = [out.new_zeros(n, len(w)) for w in weights]
        ready = [0, *torch.searchsorted(self.degrees, torch.arange(1, D), right=True).tolist()]  # units at each step

        def step(t: int, last: Tensor | None) -> Tensor:
            if last is not None:
                known[:, (t - 1) * E : t * E] = features(last, V, known.dtype)
            h = known[:, : t * E]
            for unit, w, offset in zip(units, weights, offsets, strict=True):
                new = slice(ready[t - 1], ready[t]) if t else slice(0, 0)
                if new.stop > new.start:
                    unit[:, new] = torch.addmm(offset[:, new], h, w[new, : h.shape[1]].T).relu()
                h = unit[:, : ready[t]]
            return torch.addmm(out[t], h, w_out[t, :, : h.shape[1]].T)

        return step
