"""Gaussians laid over a target on the line, and where the two Kullback-Leibler divergences come from."""

from collections.abc import Callable, Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from genlib.plots.base import COLOURS, canvas


def forward_and_reverse_kl(
    log_target: Callable[[Tensor], Tensor],
    gaussians: Mapping[str, tuple[float, float]],
    *,
    extent: tuple[float, float] = (-7, 7),
) -> Figure:
    """For each Gaussian {name: (mean, standard deviation)}: it and the target, and below p log(p/q) and q log(q/p).

    log_target: from x (n,) to log p(x) (n,), in nats. The two areas below are KL(p‖q) and KL(q‖p).
    """
    x = torch.linspace(*extent, 701, dtype=torch.float64)
    log_p = log_target(x)
    with canvas(4.1 * len(gaussians) + 0.6, 4.4, 2, len(gaussians), sharex=True, sharey="row") as (figure, axes):
        for column, (name, (mean, sigma)) in enumerate(gaussians.items()):
            log_q = torch.distributions.Normal(mean, sigma).log_prob(x)
            forward, reverse = log_p.exp() * (log_p - log_q), log_q.exp() * (log_q - log_p)
            dx = x[1] - x[0]
            upper, lower = axes[:, column]
            place = f"q: μ = {mean:.2f}, σ = {sigma:.2f}"
            upper.fill_between(x.numpy(), log_p.exp().numpy(), color="#C4C4C4", label="target p")
            upper.plot(x.numpy(), log_q.exp().numpy(), color="black", linewidth=2, label=place)
            upper.set_title(name)
            upper.legend(fontsize=9, loc="upper right")
            values = {"KL(p‖q)": (forward, COLOURS[0]), "KL(q‖p)": (reverse, COLOURS[1])}
            for label, (values_at_x, colour) in values.items():
                area = (values_at_x.sum() * dx).item()
                lower.fill_between(
                    x.numpy(), values_at_x.numpy(), color=colour, alpha=0.45, label=f"{label} = {area:.2f} nats"
                )
            lower.axhline(0, color="#999999", linewidth=0.8)
            lower.legend(fontsize=9, loc="upper right")
            lower.set_xlabel("x")
            if column == 0:
                upper.set_ylabel("density\n(per unit of x)")
                lower.set_ylabel("cost (nats\nper unit of x)")
        for row in axes:  # room for the legends
            low, high = row[0].get_ylim()
            row[0].set_ylim(max(low, -0.2 * high), 1.4 * high)
    return figure
