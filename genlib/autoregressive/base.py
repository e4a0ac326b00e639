r"""What autoregressive models share: a likelihood that is a sum, and sampling that is a loop.

.. math:: \log p(x) = \sum_{t=1}^{D} \log p(x_{o(t)} \mid x_{o(1)}, \dots, x_{o(t-1)}), \qquad o \text{ the order}

A model gives the logits of all D conditionals at once, for training. For sampling it gives them one by one, and keeps
what it has computed (``cached``); or it computes all of them for each value that is drawn (``naive``): D times over.
"""

import contextlib
import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.arguments import as_shape, must_be_tensor, whole
from genlib.autoregressive.sampling import check_options, distribution, draw
from genlib.condition import Condition, Labels
from genlib.model import GenerativeModel, looked_at
from genlib.noise import device_of, uniform
from genlib.quantize import to_signed

Step = Callable[[int, Tensor | None], Tensor]  # (t, the value drawn before (n,), None at first) -> logits (n, levels)


def scaled(x: Tensor, levels: int, dtype: torch.dtype) -> Tensor:
    """Integers as numbers for a network, (…) -> (…, 1): 0..levels-1 becomes -1..1."""
    return to_signed(x, levels, dtype).unsqueeze(-1)


def raster(shape: tuple[int, ...]) -> Tensor:
    """Flat positions in raster order, (D,): row by row, in a row pixel by pixel, in a pixel colour by colour."""
    positions = torch.arange(math.prod(shape)).view(shape)
    return (positions.permute(1, 2, 0) if len(shape) == 3 else positions).flatten()


def features_of(condition: Condition | None, width: int) -> nn.Module | None:
    """What a network adds where something is given, y -> (B, width): a table of labels, or the condition's encoder."""
    if isinstance(condition, Labels) and not condition.missing:
        return nn.Embedding(condition.K, width)
    return None if condition is None else condition.encoder(width)


class Autoregressive(GenerativeModel):
    """A model of integers 0..levels-1, one conditional after another.

    A subclass has ``logits``, the parameter ``bias`` (broadcast to (*shape, levels)) that it adds to its output, and
    ``cached``. ``order`` holds the flat positions, (D,), in the order in which they are drawn.
    """

    unit = "nats for an example"

    levels: int
    bias: nn.Parameter
    order: Tensor
    initialised: Tensor

    def __init__(self, shape: tuple[int, ...], levels: int, condition: Condition | None, order: Tensor | None = None):
        super().__init__()
        whole(2, levels=levels)
        self.shape, self.levels, self.condition = as_shape(shape), levels, condition
        order = raster(self.shape) if order is None else order
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("initialised", torch.zeros((), dtype=torch.long))

    # --- the likelihood

    def encode(self, x: Tensor) -> Tensor:
        """What the network sees of x, (B, *shape, E) floats; to take gradients for, since integers have none."""
        return scaled(x, self.levels, self.bias.dtype)

    def logits(self, encoded: Tensor, y: Tensor | None = None) -> Tensor:
        """The logits of all conditionals, (B, *shape, levels), from ``encode(x)``."""
        raise NotImplementedError

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The logits of p(x_i | all that comes before x_i), for every i at once: (B, *shape, levels)."""
        x, y = self.check(x, y)
        return self.logits(self.encode(x), y) if len(x) else self.bias.new_zeros(*x.shape, self.levels)

    def log_prob_each(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x_i | all that comes before x_i) of every value, (B, *shape), in nats; they sum to log_prob."""
        x, y = self.check(x, y)
        return self.never_nan(self._log_prob_each(x, y))

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x), or log p(x | y), (B,), exact, in nats."""
        return self.log_prob_each(x, y).flatten(1).sum(1)

    def loss(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        """The mean of -log p(x), in nats for an example: the cross-entropy of D classifications."""
        x, y = self.check_batch(x, y)
        return {"loss": -self._log_prob_each(x, y).sum() / len(x)}

    def _log_prob_each(self, x: Tensor, y: Tensor | None) -> Tensor:
        return -F.cross_entropy(self(x, y).movedim(-1, 1), x, reduction="none")

    @torch.no_grad()
    def initialise(self, x: Tensor, y: Tensor | None = None) -> None:
        """Starts the output bias at the log frequencies of the levels at each position: training starts from there.

        The first call counts; a later one, such as that of fit, does nothing. A few examples will do: the frequencies
        at a position are smoothed with those of all positions (of the same colour), worth two examples.
        """
        x = self.check_examples(x)
        super().initialise(x, y)
        if self.initialised:
            return
        counts = torch.stack([(x == v).sum(0) for v in range(self.levels)], -1).to(self.bias)  # (*shape, levels)
        places = tuple(range(1, len(self.shape))) if len(self.shape) == 3 else tuple(range(len(self.shape)))
        everywhere = counts.sum(places, keepdim=True) + 1
        everywhere = everywhere / everywhere.sum(-1, keepdim=True)
        each = (counts + 2 * everywhere) / (len(x) + 2)
        self.bias.copy_((each if self.bias.shape == counts.shape else everywhere).log())
        self.initialised.fill_(1)

    # --- sampling

    def cached(self, n: int, y: Tensor | None) -> Step:
        """A function (t, value drawn before) -> logits of the t-th value, which computes nothing twice."""
        raise NotImplementedError

    def naive(self, n: int, y: Tensor | None) -> Step:
        """The same function by brute force: all D conditionals, and one of them is used."""
        x = torch.zeros(n, math.prod(self.shape), dtype=torch.long, device=self.bias.device)
        order = self.order.tolist()

        def step(t: int, last: Tensor | None) -> Tensor:
            if last is not None:
                x[:, order[t - 1]] = last
            with looked_at():
                return self(x.view(n, *self.shape), y).reshape(n, -1, self.levels)[:, order[t]]

        return step

    @torch.no_grad()
    def sample(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        given: Tensor | None = None,
        known: Tensor | None = None,
        uniforms: Tensor | None = None,
        cached: bool = True,
        callback: Callable[[int, Tensor, Tensor], None] | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n examples, (n, *shape), drawn value after value in the model's order.

        temperature, top_k, top_p change every conditional, see ``distribution``. given (n, *shape) and known, bool, the
        same shape or that of one example: these values are kept, and all that come after them are drawn given them
        (those that come before can't know of them). uniforms (n, D) in [0, 1): the t-th draws the t-th value. cached
        samples equal naive ones, up to rounding. callback(t, x, p) after each draw: x (n, *shape) so far, 0 where
        nothing is drawn yet, and p (n, levels), the distribution that the value at ``order[t]`` was drawn from.
        Without gradients and dropout. A bar appears if it takes longer than two seconds.
        """
        from tqdm.auto import tqdm

        check_options(temperature, top_k, top_p, self.levels)
        device, D = self.bias.device, math.prod(self.shape)
        y = self.draw_condition(n, y, generator)
        numbers = self._uniforms(n, uniforms, generator).T.contiguous()  # (D, n), as the loop needs them
        kept, where = self._given(n, given, known)
        if n == 0:
            return torch.empty(0, *self.shape, dtype=torch.long, device=device)
        order = self.order.tolist()
        last_known = max((t for t in range(D) if where is not None and where[order[t]].any()), default=-1)
        end = getattr(self, "end", None)
        x = torch.full((D, n), end or 0, device=device)
        value = None
        with _evaluating(self), tqdm(total=D, delay=2, leave=False, unit="value") as bar:
            step = self.cached(n, y) if cached else self.naive(n, y)
            for t in range(D):
                p = distribution(step(t, value), temperature, top_k, top_p)
                value = draw(p, numbers[t])
                if kept is not None and where is not None and t <= last_known:
                    value = torch.where(where[order[t]], kept[order[t]], value)
                x[order[t]] = value
                if callback is not None:
                    callback(t, x.T.reshape(n, *self.shape).clone(), p)
                bar.update()
                if end is not None and t > last_known and bool((value == end).all()):
                    bar.total = bar.n  # all have ended, and after an end nothing else comes: the bar is full
                    break
        return x.T.reshape(n, *self.shape).contiguous()

    def _uniforms(self, n: int, uniforms: Tensor | None, generator: torch.Generator | None) -> Tensor:
        """(n, D) on the model's device, in float64 where there is one."""
        D, device = math.prod(self.shape), self.bias.device
        if uniforms is None:
            places = (device.type, str(device_of(generator, device)).split(":")[0])
            like = self.bias.new_zeros((), dtype=torch.float32 if "mps" in places else torch.float64)
            return uniform((n, D), like, generator)
        must_be_tensor("uniforms", uniforms)
        if uniforms.shape != (n, D) or not uniforms.is_floating_point():
            raise ValueError(
                f"uniforms are {uniforms.dtype} of shape {tuple(uniforms.shape)}; pass floats, ({n}, {D}): a number "
                "for each value of each example"
            )
        if not bool(((uniforms >= 0) & (uniforms < 1)).all()):
            raise ValueError("uniforms must lie in [0, 1): torch.rand draws such numbers")
        return uniforms.to(device)

    def _given(self, n: int, given: Tensor | None, known: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Both as (D, n), a row for each position."""
        if given is None and known is None:
            return None, None
        if given is None or known is None:
            raise ValueError("given and known belong together: the values, and where they are to be kept (bool)")
        must_be_tensor("known", known)
        if known.dtype != torch.bool or tuple(known.shape) not in (self.shape, (n, *self.shape)):
            raise ValueError(
                f"known is {known.dtype} of shape {tuple(known.shape)}; pass bool, {(n, *self.shape)} or {self.shape}"
            )
        given = self.check_examples(given, values=False)  # where they are not kept, they may be anything
        if len(given) != n:
            raise ValueError(f"given holds {len(given)} examples; for n={n} samples give as many (given.expand(n, …))")
        known = known.expand(n, *self.shape).to(self.bias.device)
        given = given.to(self.bias.device)
        kept = torch.where(known, given, 0)
        self.check_examples(kept)
        return given.flatten(1).T.contiguous(), known.flatten(1).T.contiguous()


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout, and afterwards as it was."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def receptive_field(
    model: Autoregressive,
    position: int,
    n: int = 4,
    generator: torch.Generator | None = None,
    y: Tensor | None = None,
) -> Tensor:
    """How strongly the logits at one flat position depend on every value, (*shape), by the gradient; 0: not at all.

    The root mean square over n random examples; with labels, all labels in turn unless y (n,) says which.
    """
    generator, device = generator or torch.Generator().manual_seed(0), model.bias.device
    x = torch.randint(model.levels, (n, *model.shape), generator=generator, device=generator.device).to(device)
    if y is None and model.classes is not None:
        y = torch.arange(n, device=device) % model.classes
    y = model.check_condition(y, n)
    with _evaluating(model), torch.enable_grad():
        encoded = model.encode(x).detach().requires_grad_()
        chosen = model.logits(encoded, y).reshape(n, -1, model.levels)[:, position]  # (n, levels)
        signs = torch.randint(2, (model.levels,), generator=generator, device=generator.device)
        signs = 2 * signs.to(chosen) - 1  # a sum could cancel
        (gradient,) = torch.autograd.grad((chosen * signs).sum(), encoded)
    return gradient.pow(2).sum(-1).mean(0).sqrt().cpu()
