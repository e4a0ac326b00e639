r"""Activation normalisation: each channel is scaled and shifted, from a first batch on that is normal.

.. math:: z_c = x_c\, e^{s_c} + t_c, \qquad \log|\det J| = H W \sum_c s_c

Reference: Kingma, Dhariwal. Glow: Generative Flow with Invertible 1x1 Convolutions. 2018. arXiv:1807.03039
"""

import torch
from torch import Tensor, nn

from genlib.flow.bijection import Bijection, check_scale
from genlib.model import WaitsForData


class ActNorm(Bijection, WaitsForData):
    """Channels, or features, that start with mean 0 and variance 1 on the batch that ``initialise`` shows the model.

    In place of batch normalisation: nothing depends on the batch afterwards, and s and t are parameters like others.
    Until it is initialised, the layer is the identity. ``forward`` never asks whether it is, for reading the answer
    would halt a GPU at every call.

    (B, channels, …) -> the same shape. Learned: log_scale s, shift t, (channels,).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.log_scale, self.shift = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self._along(x)
        return x * scale.exp() + shift, self._log_det(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        check_scale(self, self.log_scale)
        scale, shift = self._along(z)
        return (z - shift) * (-scale).exp(), -self._log_det(z)

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Scale and shift that make each channel of x normal."""
        values = x.transpose(0, 1).flatten(1)  # (channels, the rest)
        std = values.std(1, correction=0).clamp(min=1e-3)  # a channel that never varies is not blown up
        self.log_scale.copy_(-std.log())
        self.shift.copy_(-values.mean(1) / std)

    def _along(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift, (channels, 1, …), to go with x."""
        shape = (-1, *[1] * (x.ndim - 2))
        return self.log_scale.view(shape), self.shift.view(shape)

    def _log_det(self, x: Tensor) -> Tensor:
        places = x.shape[2:].numel()  # H W; 1 for vectors
        return (places * self.log_scale.sum()).expand(len(x))
