r"""Tables of the last k characters that back off: what counting can do for text.

.. math:: p_k(x \mid c) = \frac{n(c, x) + \tau\, p_{k-1}(x \mid c')}{n(c) + \tau}

with c the last k characters before x, c' the last k - 1 of them, and n, how often they were seen in a row.
Where a past was seen rarely, its row leans on that of the past which is one character shorter, as if the prediction of
the shorter one had been seen τ times. So a long memory does little harm where it has seen little.

Reference: MacKay, Peto. A hierarchical Dirichlet language model. Natural Language Engineering, 1995.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


@torch.no_grad()
def back_off_bits(
    x: Tensor, length: Tensor, new: Tensor, new_length: Tensor, *, levels: int, longest: int, trust: float = 2.0
) -> list[float]:
    """Bits for each character of new texts, by tables of k = 0, …, longest characters that were counted on others.

    Arguments: x (n, T) and new (m, T) integers 0..levels-1; length (n,), new_length (m,), how many characters of each
    text count; trust, the τ above.
    """
    texts = (x, new)
    masks = [torch.arange(t.shape[1], device=t.device) < n[:, None] for t, n in ((x, length), (new, new_length))]
    nexts, new_nexts = (text[mask] for text, mask in zip(texts, masks, strict=True))
    pasts = [torch.zeros_like(text) for text in texts]  # a number for the last k characters, at each place
    p, bits = torch.full(new_nexts.shape, 1 / levels, dtype=torch.float64, device=new.device), []
    factor = torch.ones((), dtype=torch.long, device=x.device)
    for k in range(longest + 1):
        old, now = (past[mask] for past, mask in zip(pasts, masks, strict=True))
        both = _occurrences(old * levels + nexts, now * levels + new_nexts)  # this past, and then this character
        p = (both + trust * p) / (_occurrences(old, now) + trust)
        bits.append(-p.log2().mean().item())
        earlier = [F.pad(text + 1, (k + 1, 0))[:, : text.shape[1]] for text in texts]
        pasts = [past + factor * more for past, more in zip(pasts, earlier, strict=True)]
        factor = factor * 1_000_003  # so that different pasts have different numbers
    return bits


def _occurrences(keys: Tensor, new_keys: Tensor) -> Tensor:
    """How often each of new_keys occurs among keys."""
    values, counts = keys.unique(return_counts=True)
    at = torch.searchsorted(values, new_keys).clamp(max=len(values) - 1)
    return torch.where(values[at] == new_keys, counts[at], 0).double()
