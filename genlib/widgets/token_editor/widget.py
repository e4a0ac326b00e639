"""A picture as a grid of tokens that you paint, swap and shuffle, decoded at once."""

import base64
import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from genlib.widgets.drawing import Drawing, module
from genlib.widgets.network import layers, packed

MOST_PICTURES, MOST_CODES = 20, 512
Decode = Callable[[Tensor], Tensor]


class TokenEditor(Drawing):
    """See ``token_editor``. ``tokens`` (h, w) as they stand, ``picture`` (C, H, W) what they are decoded to, ``choice``
    the number of the picture that they came from, and ``brush`` the code that is painted with."""

    _esm = module("token_editor")

    def __init__(self, state: dict, decode: Decode, codebook: Tensor):
        super().__init__(state=state)
        self._decode, self._codebook = decode, codebook
        if state["layers"] is None:  # the browser can't run it: answer from here
            self.observe(self.refresh, "value")
            self.refresh()

    @property
    def choice(self) -> int:
        return self.now("choice")

    @property
    def brush(self) -> int:
        return self.now("brush")

    @property
    def tokens(self) -> Tensor:
        edited = self.now("edited")
        return torch.tensor(self.state["tokens"][self.choice] if edited is None else edited).view(self.state["grid"])

    @property
    def picture(self) -> Tensor:
        return decoded(self._decode, self._codebook, self.tokens[None], self.state["shape"])[0]

    def refresh(self, _change: dict | None = None) -> None:
        """Decodes the tokens as they stand, for the browser."""
        self.answer = {"tokens": self.tokens.flatten().tolist(), "picture": packed(self.picture)}

    @property
    def alt(self) -> str:
        h, w = self.state["grid"]
        return f"A picture, its {h} by {w} tokens, each drawn as its code decoded alone, and what they are decoded to."

    def still(self) -> bytes:
        from genlib import plots

        C, H, W = self.state["shape"]
        x, alone = (_levels(self.state[name]) for name in ("pictures", "alone"))
        P = self.state["patch"]
        tiles = alone.view(-1, C, P, P)[self.tokens]  # (h, w, C, P, P)
        mosaic = tiles.permute(2, 0, 3, 1, 4).reshape(C, H, W)
        shown = torch.stack([x.view(-1, C, H, W)[self.choice], mosaic, self.picture.clamp(0, 1)])
        return plots.png(plots.images(shown, titles=["x", "its tokens", "decoded"], size=1.5))


def _levels(text: str) -> Tensor:
    """The numbers 0..1 that ``_bytes`` wrote."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8) / 255


def _bytes(values: Tensor) -> str:
    """Numbers 0..1 as the base64 of a byte each."""
    levels = (255 * values.clamp(0, 1)).round().to(torch.uint8)
    return base64.b64encode(levels.cpu().contiguous().numpy().tobytes()).decode()


@torch.no_grad()
def decoded(decode: Decode, codebook: Tensor, tokens: Tensor, shape: Sequence[int]) -> Tensor:
    """What a decoder makes of tokens: (n, h, w) -> (n, C, H, W)."""
    z = codebook[tokens].movedim(-1, 1)  # (n, D, h, w)
    return decode(z).detach().cpu().float().reshape(len(tokens), *shape)


def token_editor(
    pictures: Tensor,
    tokens: Tensor,
    codebook: Tensor,
    decoder: nn.Sequential | Decode,
    *,
    grid: tuple[int, int] | None = None,
) -> TokenEditor:
    """Click tokens of a picture: paint them with a code, swap two, shuffle all, and see at once what is decoded.

    An nn.Sequential of known layers (see ``network.layers``) runs in the browser; any other function in the kernel.

    Arguments: pictures (n, C, H, W) in 0..1 to choose from, ink for C = 1, colours for C = 3; tokens (n, h, w) or
    (n, T) with grid=(h, w), by default a square; codebook (K, D); decoder, (B, D, h, w) -> (B, C, H, W) or its flat
    form, in 0..1 (what lies outside is cut off).
    Returns: a widget; its ``tokens`` and ``picture`` are as it stands. Raises: ValueError for shapes that don't fit.
    """
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3) or not 1 <= len(pictures) <= MOST_PICTURES:
        raise ValueError(
            f"pictures {tuple(pictures.shape)} must be (n, C, H, W), with C 1 or 3, n 1 to {MOST_PICTURES}"
        )
    tokens = _on_grid(tokens.detach().cpu().long(), grid)
    codebook = codebook.detach().cpu().float()
    n, (h, w), shape = len(pictures), tokens.shape[1:], tuple(pictures.shape[1:])
    _check(tokens, codebook, n, shape)
    known = None
    if isinstance(decoder, nn.Module):
        decoder = copy.deepcopy(decoder).cpu().float().eval()  # the caller's stays as it is
        known = layers(decoder)
    P = shape[1] // h
    first = decoded(decoder, codebook, tokens, shape)
    alone = decoded(decoder, codebook, torch.arange(len(codebook))[:, None, None].expand(-1, h, w), shape)
    r, c = h // 2 * P, w // 2 * P
    state = {
        "pictures": _bytes(pictures.detach()),
        "decoded": _bytes(first),
        "tokens": tokens.flatten(1).tolist(),
        "shape": list(shape),
        "grid": [h, w],
        "codes": len(codebook),
        "dim": codebook.shape[1],
        "codebook": packed(codebook),
        "alone": _bytes(alone[:, :, r : r + P, c : c + P]),
        "patch": P,
        "layers": known,
        "choice": 0,
        "edited": None,
        "brush": int(tokens[0].flatten().mode().values),
        "tool": "paint",
    }
    return TokenEditor(state, decoder, codebook)


def _on_grid(tokens: Tensor, grid: tuple[int, int] | None) -> Tensor:
    """(n, T) or (n, h, w) -> (n, h, w)."""
    if tokens.ndim == 3 and grid in (None, tuple(tokens.shape[1:])):
        return tokens
    T = tokens.shape[-1]
    h, w = grid or (math.isqrt(T), math.isqrt(T))
    if tokens.ndim != 2 or h * w != T:
        raise ValueError(f"tokens {tuple(tokens.shape)} must be (n, h, w), or (n, T) with T = h · w; grid={grid}")
    return tokens.view(-1, h, w)


def _check(tokens: Tensor, codebook: Tensor, n: int, shape: tuple[int, ...]) -> None:
    """Raises ValueError for what does not go together."""
    if codebook.ndim != 2 or not 2 <= len(codebook) <= MOST_CODES:
        raise ValueError(f"codebook {tuple(codebook.shape)} must be (K, D), with K from 2 to {MOST_CODES}")
    if len(tokens) != n or tokens.min() < 0 or tokens.max() >= len(codebook):
        raise ValueError(f"{len(tokens)} grids of tokens for {n} pictures; tokens must be 0..{len(codebook) - 1}")
    (h, w), (_, H, W) = tokens.shape[1:], shape
    if H % h or W % w or H // h != W // w:
        raise ValueError(f"{h}x{w} tokens for pictures of {H}x{W}: each must stand for a square of whole pixels")
