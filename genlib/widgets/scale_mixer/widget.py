"""Latents of a flow with several scales, taken scale by scale from two pictures or drawn anew."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from genlib.widgets.drawing import Asking, module

SOURCES = ("A", "B", "drawn", "middle")


class ScaleMixer(Asking):
    """See ``scale_mixer``. ``mixed`` is the picture as it stands, (1, H, W) in 0..1; ``latents`` what it is made of."""

    _esm = module("scale_mixer")
    alt = "Two pictures, and between them one whose latents come from the first, the second, or chance, scale by scale."

    def __init__(self, state: dict, from_latent: Callable[[Tensor], Tensor], latents: Tensor):
        self._latents = latents
        super().__init__(state, from_latent)

    @property
    def latents(self) -> Tensor:
        """(D,): the parts of all scales, as they are chosen."""
        return self._mixed_latents(self.request)

    @property
    def mixed(self) -> Tensor:
        return torch.tensor(self.state["mixed"])[None] / 255

    def _mixed_latents(self, request: dict) -> Tensor:
        sizes = list(self.state["scales"].values())
        generator = torch.Generator().manual_seed(int(request["seed"]))
        noise = torch.randn(sum(sizes), generator=generator).to(self._latents)
        of = {
            "A": self._latents[int(request["a"])],
            "B": self._latents[int(request["b"])],
            "drawn": float(request["temperature"]) * noise,
            "middle": torch.zeros_like(noise),
        }
        parts = {name: z.split(sizes) for name, z in of.items()}
        return torch.cat([parts[source][k] for k, source in enumerate(request["sources"])])

    def reply(self, request: dict) -> dict:
        """The picture of these latents, and how long each scale's are, as a share of what noise has on average."""
        z = self._mixed_latents(request)
        x = self._ask(z[None]).detach()[0].clamp(0, 1)
        sizes = list(self.state["scales"].values())
        return {
            "mixed": (255 * x).round().int().view(x.shape[-2:]).tolist(),
            "energy": [round(part.square().mean().sqrt().item(), 3) for part in z.split(sizes)],
        }

    def still(self) -> bytes:
        from genlib import plots

        request, images = self.state["answered"], self.state["images"]
        shown = [images[request["a"]], images[request["b"]], self.state["mixed"]]
        return plots.png(plots.images(torch.tensor(shown)[:, None] / 255, titles=["A", "B", "mixed"], size=1.3))


def scale_mixer(
    images: Tensor,
    latents: Tensor,
    from_latent: Callable[[Tensor], Tensor],
    scales: Mapping[str, int],
    *,
    temperature: float = 0.7,
) -> ScaleMixer:
    """What does each scale hold? Take the latents of every scale from picture A, picture B, chance, or nothing at all.

    Arguments: images (n, 1, H, W) in 0..1 to choose A and B from; latents (n, D), where the flow puts
    them; from_latent, (1, D) -> (1, 1, H, W) in 0..1; scales, {name: how many latents}, in the order in which they
    stand; temperature, 0..1.2, of latents that are drawn anew. Raises: ValueError for shapes that don't go together.
    """
    n, D = len(images), sum(scales.values())
    if images.dim() != 4 or images.shape[1] != 1 or n < 2 or tuple(latents.shape) != (n, D):
        raise ValueError(f"images {tuple(images.shape)}, latents {tuple(latents.shape)}, scales {dict(scales)}: give "
                         f"(n, 1, H, W) with n of 2 or more, and (n, D) with D the sum of the scales")  # fmt: skip
    if not 0 <= temperature <= 1.2:
        raise ValueError(f"temperature={temperature} is out of range: 0 to 1.2")
    state = {
        "images": (255 * images[:, 0].clamp(0, 1)).round().int().tolist(),
        "scales": dict(scales),
        "request": {
            "a": 0,
            "b": 1,
            "sources": ["A"] * (len(scales) - 1) + ["B"],
            "temperature": temperature,
            "seed": 0,
        },
    }
    return ScaleMixer(state, from_latent, latents.detach())
