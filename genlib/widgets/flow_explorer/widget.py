"""A trained flow of the plane, layer by layer: how it bends a grid, where a point goes, how much the plane swells."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import packed, unpacked


class FlowExplorer(Drawing):
    """See ``flow_explorer``. ``z`` is the chosen point, ``depth`` the layer shown (it may lie between two)."""

    _esm = module("flow_explorer")

    @property
    def alt(self) -> str:
        return f"A grid over z, and the same grid bent by {len(self.state['names']) - 1} layers, coloured by log|det|."

    @property
    def z(self) -> tuple[float, float]:
        u, v = self.now("z")
        return u, v

    @property
    def depth(self) -> float:
        return self.now("depth")

    def still(self) -> bytes:
        from genlib import plots

        last, size = len(self.state["names"]) - 1, self.state["size"]
        grids = unpacked(self.state["grid"]).view(last + 1, size, size, 3)
        points = unpacked(self.state["points"]).view(last + 1, -1, 2)
        shown = sorted({0, last // 2, last})
        titles = [self.state["names"][k] for k in shown]
        reach = 1.03 * grids[shown, ..., :2].abs().max().item()  # a picture can't be scrubbed: show the whole grid
        extent = min(max(self.state["extent"], reach), 2 * self.state["extent"])
        return plots.png(plots.flows.grid(grids[shown], points[shown], titles, extent=extent))


@torch.no_grad()
def flow_explorer(
    trace: Callable[[Tensor], Sequence[tuple[Tensor, Tensor]]],
    *,
    names: Sequence[str] | None = None,
    z: tuple[float, float] = (0.8, 0.4),
    reach: float = 3.0,
    extent: float = 3.2,
    size: int = 33,
    samples: int = 300,
) -> FlowExplorer:
    """Scrub through the layers of a flow of the plane, from z to x, and drag a z to see its x.

    Arguments: trace, from points z (B, 2) to a list: after each layer, the first entry before any, where the points are
    (B, 2) and the log-determinant so far (B,), such as ``flow.bijection.trace_inverse``; names, of the layers; z, where
    the point starts; reach, the grid covers [-reach, reach]²; extent, the first picture shows [-extent, extent]², and
    those of the layers follow the points; size, grid lines each way; samples, points drawn from N(0, I). Everything is
    computed here, so that the widget needs no kernel; between grid points it interpolates.
    Raises: ValueError where trace or names do not fit.
    """
    axis = torch.linspace(-reach, reach, size)
    lattice = torch.cartesian_prod(axis, axis)  # z_1 changes slowly: index i * size + j is (axis[i], axis[j])
    drawn = torch.randn(samples, 2, generator=torch.Generator().manual_seed(0))
    here = torch.cat([lattice, drawn])
    states = [(where.cpu(), log_det.cpu()) for where, log_det in trace(here)]
    depth = len(states) - 1
    names = list(names) if names is not None else [f"layer {k + 1} of {depth}" for k in range(depth)]
    if depth < 1 or len(names) != depth or states[0][0].shape != here.shape:
        raise ValueError(f"{depth} layers and {len(names)} names: trace must tell of (B, 2) points, one name a layer")
    grids = [torch.cat([where, log_det[:, None]], 1)[: size**2] for where, log_det in states]  # (size², 3) each
    points = [where[size**2 :] for where, _ in states]
    state = {
        "size": size,
        "reach": reach,
        "extent": extent,
        "names": ["z, nothing has happened yet", *names],
        "grid": packed(torch.stack(grids)),
        "points": packed(torch.stack(points)),
        "z": list(z),
        "depth": float(depth),
    }
    return FlowExplorer(state=state)
