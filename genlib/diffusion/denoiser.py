r"""A network that guesses x from x_t: what goes in, what comes out, and how that becomes x̂.

In goes x_t / √(α² s² + σ²), of variance one where data have standard deviation s. What comes out, F, means one of

.. math:: \hat\epsilon,\quad \hat x,\quad \hat v,\quad\text{or}\quad
   \hat x = \frac{s^2 \alpha\, x_t}{\alpha^2 s^2 + \sigma^2} + \frac{s\,\sigma}{\sqrt{\alpha^2 s^2 + \sigma^2}}\, F
   \quad\text{("edm")}

or logits of the levels, to which what x_t itself says of each pixel is added ("levels").

Reference, "edm": Karras, Aittala, Aila, Laine. Elucidating the design space of diffusion-based generative models. 2022.
arXiv:2206.00364
"""

import torch
from torch import Tensor, nn

from genlib.arguments import needed, positive
from genlib.diffusion.bounds import level_logits
from genlib.diffusion.prediction import Prediction, predicted, times_like
from genlib.diffusion.schedule import Schedule, along

PREDICTS = ("eps", "x", "v", "edm", "levels")


class Denoiser(nn.Module):
    """x_t (B, *shape), t, y -> ``Prediction``.

    Arguments: network, (scaled x_t, t (B,), y) -> F, (B, *shape), or for "levels" (B, *shape, V), and with ``shown``
    after y where that is used; schedule; predicts, one of PREDICTS; data_scale s; centres (V,), where the levels lie as
    reals.
    """

    centres: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        predicts: str = "eps",
        *,
        data_scale: float = 1.0,
        centres: Tensor | None = None,
    ):
        super().__init__()
        if predicts not in PREDICTS:
            raise ValueError(f"predicts={predicts!r}: choose one of {', '.join(PREDICTS)}")
        if predicts == "levels" and centres is None:
            raise ValueError('predicts="levels" is for integers: pass levels=')
        needed(data_scale=data_scale)
        positive(data_scale=data_scale)
        self.network, self.schedule, self.predicts, self.data_scale = network, schedule, predicts, data_scale
        self.register_buffer("centres", centres, persistent=False)

    def forward(
        self, x_t: Tensor, t: Tensor | float, y: Tensor | None = None, shown: Tensor | None = None
    ) -> Prediction:
        """The guess for x_t (B, *shape) at times t, one or (B,); y None: without a condition, and with shown (B,),
        truth values, without it for some."""
        t = times_like(t, x_t)
        schedule, s = self.schedule, self.data_scale
        alpha, sigma = along(schedule.alpha(t), x_t), along(schedule.sigma(t), x_t)
        spread = ((alpha * s).square() + sigma.square()).sqrt()
        F = self.network(x_t / spread, t, y, *([] if shown is None else [shown]))
        F = F.float() if F.dtype in (torch.float16, torch.bfloat16) else F
        if self.predicts == "levels":
            assert self.centres is not None
            x = (F + level_logits(x_t, t, self.centres, schedule)).softmax(-1) @ self.centres
        elif self.predicts == "edm":
            x = s**2 * alpha * x_t / spread.square() + s * sigma / spread * F
        else:
            return predicted(self.predicts, F, x_t, t, schedule)
        return predicted("x", x, x_t, t, schedule)
