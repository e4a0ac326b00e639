"""The smallest GAN, as a plane of arrows: one fake point against one slope."""

import cmath

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module

LOSSES = ("minimax", "non-saturating", "wasserstein")
ORDERS = ("simultaneous", "alternating")
PENALTIES = ("none", "R1", "WGAN-GP")


class DiracGame(Drawing):
    """See ``dirac_game``. ``path`` is the orbit that is shown, (n, 2); ``eigenvalues``, those of a step, (2,)."""

    _esm = module("dirac_game")

    @property
    def settings(self) -> dict:
        return {name: self.value.get(name, v) for name, v in self.state.items() if name != "hint"}

    @property
    def alt(self) -> str:
        s = self.settings
        return (
            f"Arrows that turn around the point (0, 0), and an orbit of {s['order']} steps, loss {s['loss']}, penalty "
            f"{s['penalty']}; beside it the unit circle with the two eigenvalues of a step."
        )

    def field(self, at: Tensor) -> Tensor:
        """The speeds of θ and ψ at points (B, 2)."""
        s = self.settings
        theta, psi = at.unbind(-1)
        on_fake = torch.ones_like(theta) if s["loss"] == "wasserstein" else torch.sigmoid(psi * theta)
        faster = 1 - on_fake if s["loss"] == "non-saturating" else on_fake
        penalty = {"none": 0 * psi, "R1": -psi, "WGAN-GP": -2 * (psi.abs() - 1) * psi.sign()}[s["penalty"]]
        return torch.stack([psi * faster, -theta * on_fake + s["gamma"] * penalty], -1)

    @property
    def path(self) -> Tensor:
        s, at = self.settings, torch.tensor(self.settings["start"], dtype=torch.float64)
        points = [at]
        while len(points) <= 400 and at.norm() < 50:
            if s["order"] == "simultaneous":
                at = at + s["step"] * self.field(at)
            else:  # D first, then G, which sees the new D
                at = torch.stack([at[0], at[1] + s["step"] * self.field(at)[1]])
                at = torch.stack([at[0] + s["step"] * self.field(at)[0], at[1]])
            points.append(at)
        return torch.stack(points)

    @property
    def eigenvalues(self) -> Tensor | None:
        s = self.settings
        if s["penalty"] == "WGAN-GP" and s["gamma"] > 0:
            return None  # a kink at ψ = 0
        hs = s["step"] * (1.0 if s["loss"] == "wasserstein" else 0.5)
        damp = s["step"] * s["gamma"] if s["penalty"] == "R1" else 0.0
        a, b, c, d = 1.0, hs, -hs, 1 - damp
        if s["order"] == "alternating":
            a, b = 1 - hs * hs, hs * (1 - damp)
        root = cmath.sqrt(((a + d) / 2) ** 2 - (a * d - b * c))
        return torch.tensor([(a + d) / 2 + root, (a + d) / 2 - root], dtype=torch.complex128)

    def still(self) -> bytes:
        from genlib import plots

        values = None if self.eigenvalues is None else {"a step": self.eigenvalues}
        left = (self.path.abs().amax(1) > 2).nonzero()  # of the frame
        path = self.path[: left[0, 0]] if len(left) else self.path
        figure = plots.games.orbits(self.field, {f"{self.settings['order']} steps": path}, eigenvalues=values)
        return plots.png(figure)


def dirac_game(
    loss: str = "non-saturating",
    *,
    order: str = "simultaneous",
    penalty: str = "none",
    step: float = 0.3,
    gamma: float = 0.5,
    start: tuple[float, float] = (1.0, 0.5),
    hint: str = "Drag the white point, or use the arrow keys, and press Play. Which settings reach the black one?",
) -> DiracGame:
    """The Dirac-GAN: data at 0, one fake at θ, D's logit ψx. The field, an orbit, and the eigenvalues that predict it.

    Arguments: loss, "minimax", "non-saturating" or "wasserstein"; order, "simultaneous" or "alternating" (D first);
    penalty, "none", "R1" or "WGAN-GP", with weight gamma 0..2; step, of both players, 0.02..1.5; start, (θ, ψ).
    Raises: ValueError for an unknown name or numbers out of range.
    Reference: Mescheder, Geiger, Nowozin. Which Training Methods for GANs do actually Converge? 2018. arXiv:1801.04406
    """
    for name, given, known in (("loss", loss, LOSSES), ("order", order, ORDERS), ("penalty", penalty, PENALTIES)):
        if given not in known:
            raise ValueError(f"{name}={given!r} is not one of {', '.join(known)}")
    if not 0.02 <= step <= 1.5 or not 0 <= gamma <= 2 or max(map(abs, start)) > 2:
        raise ValueError(f"step={step} must lie in 0.02..1.5, gamma={gamma} in 0..2, start={start} within 2 of (0, 0)")
    state = {"loss": loss, "order": order, "penalty": penalty, "step": step, "gamma": gamma, "start": list(start)}
    return DiracGame(state={**state, "hint": hint})
