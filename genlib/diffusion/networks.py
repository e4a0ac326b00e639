"""The networks inside models that walk from noise to data: chosen by name, and told time and condition."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from genlib.arguments import as_picture, refuse_unused, share, whole
from genlib.nets import ResidualMLP, TimeAndCondition, UNet


class Told(nn.Module):
    """A network of (x_t, features), told time and condition: (x_t, t, y, shown) -> F."""

    def __init__(self, network: nn.Module, features: TimeAndCondition):
        super().__init__()
        self.network, self.features = network, features

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None, shown: Tensor | None = None) -> Tensor:
        return self.network(x_t, self.features(t, y, shown))


def chosen(
    of: type, shape: tuple[int, ...], features: int, per_value: int, network: str | nn.Module, **how: Any
) -> nn.Module:
    """One of the house, or one's own, for a model ``of`` whose arguments these are: hidden, layers, channels, dropout.

    Raises: ValueError for a name that is none, and for arguments without use.
    """
    share(dropout=how["dropout"])
    mlp_only, unet_only = ({k: how[k] for k in names} for names in (("hidden", "layers"), ("channels",)))
    if isinstance(network, nn.Module):
        refuse_unused(of, "the network is your own", **how)
        return network
    if network == "mlp":
        refuse_unused(of, 'network="mlp" has no convolutions', **unet_only)
        whole(hidden=how["hidden"], layers=how["layers"])
        return ResidualMLP(shape, features, per_value=per_value, **mlp_only, dropout=how["dropout"])
    if network == "unet":
        refuse_unused(of, 'network="unet" has channels', **mlp_only)
        if not isinstance(how["channels"], Sequence) or not how["channels"]:
            raise ValueError(f"channels={how['channels']!r} must be a list, one for each level, such as (24, 48)")
        whole(**{f"channels[{k}]": c for k, c in enumerate(how["channels"])})
        return UNet(as_picture(shape), features, channels=how["channels"], per_value=per_value, dropout=how["dropout"])
    raise ValueError(f'network={network!r}: choose "mlp" or "unet", or pass a module of your own')
