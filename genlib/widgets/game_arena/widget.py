"""A GAN in the plane that plays in the browser: step one player, watch both, paint your own data."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from genlib.gan import losses
from genlib.nets import mlp
from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import packed, unpacked

DATA = ("one Gaussian", "two Gaussians", "eight Gaussians", "ring", "line", "your own")
LOSSES = ("minimax", "non-saturating", "least-squares", "wasserstein", "hinge")
TAMED = ("no", "R1", "clip weights")
SLOPE = 0.2  # of the leaky ReLUs
SHOWN = 220
BEGUN = 100  # turns of both that the still picture of an untouched game shows
WIDE = 4  # the generator's last layer, so that it begins with a visible cloud


def _network(hidden: int, outputs: int) -> nn.Sequential:
    return mlp(2, outputs, hidden=hidden, layers=2, activation=lambda: nn.LeakyReLU(SLOPE))


def _flat(net: nn.Sequential) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def _points(data: str, n: int, g: torch.Generator) -> Tensor:
    """n points of a kind of data, (n, 2); as in draw.js."""
    noise = torch.randn(n, 2, generator=g)
    t = torch.rand(n, generator=g)
    if data == "one Gaussian":
        return torch.tensor([1.0, 0.8]) + 0.4 * noise
    if data == "two Gaussians":
        return torch.stack([torch.where(t < 0.5, -1.4, 1.4), 0 * t], 1) + 0.25 * noise
    if data == "line":
        return torch.stack([4 * t - 2, 0.6 * (4 * t - 2)], 1) + 0.05 * noise
    angle = 2 * math.pi * (t if data == "ring" else (8 * t).floor() / 8)
    radius, sigma = (1.7, 0.08) if data == "ring" else (2.0, 0.1)
    return radius * torch.stack([angle.cos(), angle.sin()], 1) + sigma * noise


class GameArena(Drawing):
    """See ``game_arena``. ``generator`` and ``discriminator`` are the two networks as they stand; ``settings``, too."""

    _esm = module("game_arena")

    @property
    def settings(self) -> dict:
        return self.now("settings")

    @property
    def painted(self) -> Tensor:
        """The points painted by hand, (n, 2)."""
        return torch.tensor(self.now("painted")).reshape(-1, 2)

    def _net(self, name: str, outputs: int) -> nn.Sequential:
        weights = unpacked(self.now("weights")[name])
        net = _network(self.state["hidden"], outputs)
        nn.utils.vector_to_parameters(weights, net.parameters())
        return net.eval()

    @property
    def generator(self) -> nn.Sequential:
        return self._net("G", 2)

    @property
    def discriminator(self) -> nn.Sequential:
        return self._net("D", 1)

    @property
    def alt(self) -> str:
        begun = "" if "weights" in self.value else f" after {BEGUN} turns"
        return (
            f"A plane with real points ({self.settings['data']}), a cloud of fakes{begun}, the ground coloured by D, "
            "and arrows that pull the fakes."
        )

    def still(self) -> bytes:
        from genlib import plots

        g = torch.Generator().manual_seed(0)
        data, loss = self.settings["data"], self.settings["loss"]
        real = self.painted if data == "your own" else _points(data, SHOWN, g)
        G, D = self.generator, self.discriminator
        if "weights" not in self.value and data != "your own":  # nobody has played: show a game that has begun
            self._play(G, D, data, loss, g)
        with torch.no_grad():
            fake = G(2 * torch.rand(SHOWN, 2, generator=g) - 1)
        at = fake[:55].clone().requires_grad_()
        (pull,) = torch.autograd.grad(len(at) * losses.generator_loss(D(at), loss), at)
        pull = -0.7 * pull / pull.norm(dim=1).max().clamp(min=1e-6)  # the longest arrow: 0.7 units
        says: Callable[[Tensor], Tensor] = lambda x: D(x).sigmoid()[:, 0]  # noqa: E731
        return plots.png(plots.games.arena(real, fake, says, pull))

    def _play(self, G: nn.Module, D: nn.Module, data: str, loss: str, g: torch.Generator) -> None:
        """The first turns of both, for the still picture."""
        s = self.settings
        of_G = torch.optim.Adam(G.parameters(), lr=s["lrG"], betas=(0.5, 0.99))
        of_D = torch.optim.Adam(D.parameters(), lr=s["lrD"], betas=(0.5, 0.99))
        for _ in range(BEGUN):
            fake = G(2 * torch.rand(96, 2, generator=g) - 1)
            of_D.zero_grad()
            losses.discriminator_loss(D(_points(data, 96, g)), D(fake.detach()), loss).backward()
            of_D.step()
            of_G.zero_grad()
            losses.generator_loss(D(fake), loss).backward()
            of_G.step()


def game_arena(
    data: str = "eight Gaussians",
    *,
    loss: str = "non-saturating",
    tame: str = "no",
    lr_generator: float = 2e-3,
    lr_discriminator: float = 2e-3,
    turns: int = 1,
    hidden: int = 32,
    seed: int = 0,
    hint: str = "Press Play. Then pause, and step D and G one at a time. Drag on the plane to paint data of your own.",
) -> GameArena:
    """A GAN in the plane, trained in the browser: both players are networks with two hidden layers, 96 points a batch.

    Arguments: data, one of "one Gaussian", "two Gaussians", "eight Gaussians", "ring", "line", "your own"; loss,
    "minimax", "non-saturating", "least-squares", "wasserstein" or "hinge"; tame, what keeps D from becoming steep:
    "no", "R1" (weight 0.3) or "clip weights" (to 0.1); the learning rates 1e-4..0.03 of Adam, β = (0.5, 0.99); turns,
    steps of D for each of G, 1..10; hidden, units of a layer; seed, of the first weights; hint, what to try.
    Returns: a widget; when it is paused, its ``generator`` and ``discriminator`` are the networks as they stand.
    Raises: ValueError for an unknown name or numbers out of range.
    """
    for name, given, known in (("data", data, DATA), ("loss", loss, LOSSES), ("tame", tame, TAMED)):
        if given not in known:
            raise ValueError(f"{name}={given!r} is not one of {', '.join(known)}")
    if not all(1e-4 <= lr <= 0.032 for lr in (lr_generator, lr_discriminator)) or not 1 <= turns <= 10 or hidden < 1:
        raise ValueError(
            f"the learning rates {lr_generator} and {lr_discriminator} must lie in 1e-4..0.03, turns={turns} in 1..10"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        G, D = _network(hidden, 2), _network(hidden, 1)
    with torch.no_grad():
        list(G.parameters())[-2].mul_(WIDE)  # the last layer's weight
    weights = {"G": packed(_flat(G)), "D": packed(_flat(D))}
    settings = {"data": data, "loss": loss, "tame": tame, "lrG": lr_generator, "lrD": lr_discriminator, "turns": turns}
    state = {"hidden": hidden, "slope": SLOPE, "weights": weights, "settings": settings, "painted": [], "hint": hint}
    return GameArena(state=state)
