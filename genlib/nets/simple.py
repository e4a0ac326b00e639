"""Two small layers that a widget can run in the browser."""

from torch import Tensor, nn


class Affine(nn.Module):
    """scale · x + shift, fixed: from 0..1 to -1..1, or back."""

    def __init__(self, scale: float, shift: float):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift

    def extra_repr(self) -> str:
        return f"{self.scale} x + {self.shift}"


class Residual(nn.Module):
    """x plus what a network makes of it, of the same shape."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)
