"""A latent space to walk in: a point that you drag, and what a decoder makes of it."""

import base64
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from genlib.data import strokes
from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import layers, packed, unpacked

STRIP = 9  # pictures on the way from A to B
DRAWS = 10  # pictures with noise within a radius
SHEET, LARGEST_SHEET = 9, 100_000  # pictures a side behind the plane, and their pixels in all
LARGEST = 4_000_000  # pixels of the data that travel to the browser


class LatentPad(Drawing):
    """See ``latent_pad``. ``z`` is the latent as it stands, (L,); ``picture``, what becomes of it, (C, H, W); ``kind``,
    the number of the kind, and ``radius`` that of the draws."""

    _esm = module("latent_pad")

    def __init__(self, state: dict, decode: Callable[[Tensor], Tensor], frame: tuple[Tensor, Tensor]):
        super().__init__(state=state)
        self._decode, (self._origin, self._directions) = decode, frame
        if state["layers"] is None:  # the browser can't run it: answer from here
            self.observe(self.refresh, "value")
            self.refresh()
            self.state = {**self.state, "sheet": self._sheet()}

    @property
    def alt(self) -> str:
        names, classes = self.state["names"], self.state["classes"]
        codes = f", with the codes of {len(self.state['points'])} pictures" if self.state["points"] else ""
        kinds = f" of {len(classes)} classes" if classes else ""
        shares = f"; a table of how much each latent tells of {', '.join(self.state['shares'])}"
        what = f"The plane of the latents {names[0]} and {names[1]}{codes}{kinds}, a point, and its decoded picture"
        return f"{what}{shares if self.state['shares'] else ''}."

    @property
    def kind(self) -> int:
        return self.value.get("kind", 0)

    @property
    def radius(self) -> float:
        return self.value.get("radius", 2.0)

    @property
    def _kinds(self) -> Tensor:
        """What is added for each kind, (K, L)."""
        L = len(self._origin)
        return torch.zeros(1, L) if self.state["kinds"] is None else unpacked(self.state["kinds"]).view(-1, L)

    def _at(self, name: str) -> Tensor:
        coordinates = torch.tensor(self.value[name], dtype=torch.float32)
        return self._origin + coordinates @ self._directions

    def between(self, t: float) -> Tensor:
        """The latent at t in 0..1 on the way from A to B: on the line, or on the arc around 0."""
        return self._blended(t) + self._kinds[self.kind]

    def _blended(self, t: float) -> Tensor:
        a, b = self._at("a"), self._at("b")
        angle = math.acos(torch.cosine_similarity(a, b, dim=0).clamp(-1, 1).item())
        if self.value["path"] == "line" or not math.sin(angle) > 1e-6:
            return (1 - t) * a + t * b
        return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)

    @property
    def z(self) -> Tensor:
        if not self.value:
            return self._origin + self._kinds[0]
        if self.value.get("t") is not None and self.value.get("a") and self.value.get("b"):
            return self.between(self.value["t"])
        return self._at("coordinates") + self._kinds[self.kind]

    def draws(self, n: int = DRAWS, *, generator: torch.Generator | None = None) -> Tensor:
        """n pictures of the kind, with all noise from the normal distribution cut off at ±radius."""
        z = (self._origin + self._kinds[self.kind]).repeat(n, 1)
        noise = (self._kinds == 0).all(0)
        inside = math.erf(self.radius / math.sqrt(2))
        u = torch.rand(n, int(noise.sum()), generator=generator)
        z[:, noise] = math.sqrt(2) * torch.erfinv((2 * u - 1) * inside)
        return self._pictures(z)

    @property
    def picture(self) -> Tensor:
        return self._pictures(self.z[None])[0]

    @property
    def measured(self) -> dict[str, float]:
        """Of the picture as it stands, in one colour: its slant, sideways per upwards, and its thickness, in pixels."""
        picture = self.picture[None].clamp(0, 1)
        return {"slant": strokes.slant(picture).item(), "thickness": strokes.thickness(picture).item()}

    def _note(self) -> str:
        """What is measured, in words; nothing where it is not asked for."""
        if not self.state["measured"]:
            return ""
        return "slant {slant:.2f}, thickness {thickness:.1f} pixels".format(**self.measured).replace("-", "−")

    @torch.no_grad()
    def _pictures(self, z: Tensor) -> Tensor:
        return self._decode(z).detach().cpu().float().reshape(len(z), *self.state["shape"])

    def _sheet(self) -> str | None:
        """What is decoded on a grid of the plane, for the background; None where that would be too much to send."""
        side = min(SHEET, math.isqrt(LARGEST_SHEET // math.prod(self.state["shape"])))
        if side < 3:
            return None
        return _bytes(self._pictures(self._grid(side, torch.zeros(len(self.state["names"])))))

    def _grid(self, side: int, coordinates: Tensor) -> Tensor:
        """The latents of a grid of the plane through a place, (side², L), row by row from above."""
        x0, x1, y0, y1 = self.state["extent"]
        u = (torch.arange(side) + 0.5) / side
        places = coordinates.repeat(side**2, 1)
        places[:, :2] = torch.cartesian_prod(y1 + (y0 - y1) * u, x0 + (x1 - x0) * u).flip(1)
        return self._origin + self._kinds[self.kind] + places @ self._directions

    def refresh(self, _change: dict | None = None) -> None:
        """Decodes the point as it stands, and the way between the pins where there are two, for the browser."""
        z, ends = [self.z], self.value.get("a") and self.value.get("b")
        if ends:
            z += [self.between(i / (STRIP - 1)) for i in range(STRIP)]
        first, *way = (packed(picture) for picture in self._pictures(torch.stack(z)))
        self.answer = {"serial": self.value.get("serial", 0), "picture": first, "strip": way} | self._others()

    def _others(self) -> dict[str, list[str]]:
        """The same place of every kind, and draws, where they are shown."""
        found = {}
        if self.state["kinds"] is not None:
            here = self.z - self._kinds[self.kind]
            found["kinds"] = [packed(picture) for picture in self._pictures(here + self._kinds)]
        if self.state["truncation"]:
            generator = torch.Generator().manual_seed(self.value.get("seed", 0))
            found["draws"] = [packed(picture) for picture in self.draws(generator=generator)]
        return found

    def still(self) -> bytes:
        from genlib import plots

        coordinates = torch.tensor(self.value.get("coordinates") or [0.0] * len(self.state["names"]))
        grid = None
        if not self.state["points"]:  # an empty plane shows what is decoded where
            grid = self._pictures(self._grid(7, coordinates)).unflatten(0, (7, 7)).flip(0)
        figure = plots.latent.plane(
            torch.tensor(self.state["points"]).reshape(-1, 2),
            self.picture,
            at=coordinates[:2],
            labels=self.state["labels"],
            classes=self.state["classes"],
            extent=self.state["extent"],
            names=self.state["names"],
            grid=grid,
            note=self._note(),
            shares=self.state["shares"],
        )
        return plots.png(figure)


def latent_pad(
    decode: nn.Sequential | Callable[[Tensor], Tensor],
    *,
    shape: tuple[int, int, int],
    latent: int | None = None,
    origin: Tensor | None = None,
    directions: Tensor | None = None,
    names: Sequence[str] | None = None,
    extent: tuple[float, float, float, float] | None = None,
    codes: Tensor | None = None,
    labels: Tensor | None = None,
    images: Tensor | None = None,
    image_labels: Tensor | None = None,
    classes: Sequence[str] = (),
    prior: bool = True,
    shares: Mapping[str, Tensor] | None = None,
    measured: bool = False,
    kinds: Tensor | None = None,
    kind_names: Sequence[str] = (),
    truncation: bool = False,
    hint: str = "Drag the point, or use the arrow keys. Pin two places, and walk from one to the other.",
) -> LatentPad:
    """A plane of the latent space to walk in with the mouse or the arrow keys, and what the decoder makes of the point.

    An nn.Sequential of known layers (see ``network.layers``) runs in the browser; any other function in the kernel.
    The plane is z = origin + c1 · directions[0] + c2 · directions[1]; further directions get a slider each, up to 8.

    Arguments: decode, (B, L) -> (B, *shape) or its flat form, ink or colour in 0..1; shape, (C, H, W) with C = 1 or 3;
    latent, L, where nothing else tells it; origin (L,), default 0; directions (m, L) with 2 <= m <= 8, by default the
    first two latents and sliders for the others, beyond 8 latents the principal components of the codes; names, m of
    them; extent (x0, x1, y0, y1), by default wide enough for the codes and 3 standard deviations of the prior;
    codes (n, L) with labels (n,), drawn as points;
    images (N, *shape) in 0..1, the pictures that "nearest" searches, with image_labels (N,), or with the codes' where
    there is one of each; classes, the labels' names; prior, whether z ~ N(0, I), whose density is then drawn;
    shares {factor: (m,)} in 0..1, how much each direction tells of factors that are known, shown beside the sliders;
    measured, whether the picture's slant and thickness are measured (``data.strokes``) and shown;
    kinds (K, L), what is added to the latent for each kind, with kind_names: the one-hot rows behind the noise, where a
    generator takes a label or a category; all of them are shown at one place, and one is chosen;
    truncation, whether draws are shown whose noise, all latents in which every kind is 0, is N(0, I) cut off at ±t;
    hint, what to try.
    Returns: a widget; its ``z`` is the latent and ``picture`` the decoded picture as they stand, ``measured`` its
    slant and thickness, ``kind`` and ``radius`` t.
    Raises: ValueError where shapes do not fit.
    """
    for what, values in {"origin": origin, "directions": directions, "codes": codes, "images": images}.items():
        if values is not None and not bool(values.isfinite().all()):
            raise ValueError(f"{what} holds values that are not finite: they have no place in a plane")
    L = _latents(decode, latent, origin, directions, codes)
    origin = torch.zeros(L) if origin is None else origin.detach().cpu().float()
    codes = None if codes is None else codes.detach().cpu().float()
    if directions is None:
        directions, found = _directions(L, codes)
        names = names or found
    directions = directions.detach().cpu().float()
    names = list(names or (f"direction {k + 1}" for k in range(len(directions))))
    points = _points(codes, origin, directions, names, L)
    if image_labels is None and images is not None and labels is not None and len(images) == len(labels):
        image_labels = labels
    _check_data(codes, labels, images, image_labels, shape)
    table = {name: [float(share) for share in each] for name, each in (shares or {}).items()}
    if any(len(each) != len(names) or not all(0 <= share <= 1 for share in each) for each in table.values()):
        raise ValueError(f"shares must hold {len(names)} numbers in 0..1 for each factor, one for each direction")
    if measured and shape[0] != 1:
        raise ValueError(f"shape {tuple(shape)}: slant and thickness are measured in pictures of one colour")
    names_of_kinds = _check_kinds(kinds, kind_names, L)
    with torch.no_grad():
        made = decode(origin[None])
    if made.numel() != math.prod(shape):
        raise ValueError(f"decode makes {tuple(made.shape)} of one latent; it must make {tuple(shape)} in 0..1")
    if labels is not None and not classes:
        classes = [str(k) for k in range(int(labels.max()) + 1)]
    state = {
        "shape": list(shape),
        "origin": origin.tolist(),
        "directions": packed(directions),
        "names": names,
        "extent": list(extent or _extent(points)),
        "layers": layers(decode),
        "points": [[round(x, 3), round(y, 3)] for x, y in points.tolist()],
        "labels": None if labels is None else labels.tolist(),
        "classes": list(classes),
        "images": None if images is None else _bytes(images),
        "image_labels": None if image_labels is None else image_labels.tolist(),
        "prior": prior,
        "sheet": None,
        "shares": table,
        "measured": measured,
        "kinds": None if kinds is None else packed(kinds),
        "kind_names": names_of_kinds,
        "truncation": truncation,
        "hint": hint,
    }
    return LatentPad(state, decode, (origin, directions))


def _points(codes: Tensor | None, origin: Tensor, directions: Tensor, names: list[str], L: int) -> Tensor:
    """Where the codes lie in the plane, (n, 2). Raises: ValueError where the shapes do not fit."""
    m = len(directions)
    if directions.dim() != 2 or not 2 <= m <= 8 or directions.shape[1] != L or origin.shape != (L,):
        raise ValueError(
            f"directions {tuple(directions.shape)} must be (2..8, {L}) and origin {tuple(origin.shape)} ({L},)"
        )
    if len(names) != m:
        raise ValueError(f"{len(names)} names for {m} directions: {names}")
    if codes is None:
        return torch.zeros(0, 2)
    if codes.dim() != 2 or codes.shape[1] != L:
        raise ValueError(f"codes have shape {tuple(codes.shape)}; they must be (n, {L})")
    return torch.linalg.lstsq(directions.T, (codes - origin).T).solution.T[:, :2]


def _check_data(
    codes: Tensor | None,
    labels: Tensor | None,
    images: Tensor | None,
    image_labels: Tensor | None,
    shape: tuple[int, int, int],
) -> None:
    """Raises: ValueError where codes, labels and images do not belong together, or images are of another shape."""
    for what, first, second in (("codes and labels", codes, labels), ("images and image_labels", images, image_labels)):
        if second is not None and (first is None or len(first) != len(second)):
            raise ValueError(f"{what} belong together: {0 if first is None else len(first)} and {len(second)} don't")
    if images is not None and (images[0].shape != tuple(shape) or images.numel() > LARGEST):
        raise ValueError(
            f"images have shape {tuple(images.shape)}; they must be (n, {', '.join(map(str, shape))}), and at most "
            f"{LARGEST // math.prod(shape):,} of them"
        )


def _check_kinds(kinds: Tensor | None, names: Sequence[str], L: int) -> list[str]:
    """The kinds' names. Raises: ValueError where they do not fit."""
    if kinds is None:
        if names:
            raise ValueError("kind_names are there, but no kinds (K, L)")
        return []
    if kinds.dim() != 2 or kinds.shape[1] != L or not 2 <= len(kinds) <= 40:
        raise ValueError(f"kinds have shape {tuple(kinds.shape)}; they must be (K, {L}), 2 to 40 of them")
    found = list(names) or [str(k) for k in range(len(kinds))]
    if len(found) != len(kinds):
        raise ValueError(f"{len(found)} kind_names for {len(kinds)} kinds")
    return found


def _latents(
    decode: object, latent: int | None, origin: Tensor | None, directions: Tensor | None, codes: Tensor | None
) -> int:
    """How many latents there are, from whatever tells it."""
    told = [t.shape[-1] for t in (origin, directions, codes) if t is not None]
    if isinstance(decode, nn.Sequential):
        told += [layer.in_features for layer in list(decode.modules()) if isinstance(layer, nn.Linear)][:1]
    if latent or told:
        return latent or told[0]
    raise ValueError("how many latents are there? Pass latent=, or origin, directions or codes")


def _directions(L: int, codes: Tensor | None) -> tuple[Tensor, list[str]]:
    """All latents where they are few; otherwise the two principal components of the codes, each one deviation long."""
    if L <= 8:
        return torch.eye(L), [f"z{k + 1}" for k in range(L)]
    if codes is None or len(codes) < 3:
        raise ValueError(f"{L} latents are too many for sliders: pass directions (2..8, {L}), or codes to find them")
    _, s, v = torch.linalg.svd(codes - codes.mean(0), full_matrices=False)
    return v[:2] * (s[:2, None] / len(codes) ** 0.5), ["component 1", "component 2"]


def _extent(points: Tensor) -> tuple[float, float, float, float]:
    reach = torch.cat([points.abs(), torch.full((1, 2), 3.0)]).amax(0) * 1.05
    x, y = (min(v, 12.0) for v in reach.tolist())
    return -x, x, -y, y


def _bytes(images: Tensor) -> str:
    values = (images.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()
