"""Text as characters: sentences of a grammar whose entropy is known, and English from Python's own documentation."""

import functools

import numpy as np
import torch
from torch import Tensor

from genlib.arguments import integer, needed
from genlib.data.dataset import Dataset, encode
from genlib.data.grammar import GRAMMAR

ASCII = ("\n", *map(chr, range(32, 127)))
PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...", "\t": "    "})


def text(name: str = "grammar", n: int = 8000, seed: int = 0, *, length: int = 128) -> tuple[Dataset, Dataset]:
    """(train, test): texts as x (N, L), integers 0..levels-1, what each stands for in ``vocabulary``.

    "grammar": n and n // 4 sentences such as "the old dog that sees the cats sleeps", drawn from data.GRAMMAR with
    different seeds. Token 0 is the end of the sequence, vocabulary[0] is "", and after it nothing but 0 follows, so
    that all have L tokens and log p(x) is that of the sentence. factors: "length" (N,), characters with the end.
    ``.log_prob(x)`` is exact, in nats, -inf for what is no sentence; ``.entropy`` its mean, nats a sentence. The floor
    in bits a character is GRAMMAR.bits_per_character(), the end counted as one. Sentences repeat, as they must.

    "english": the help texts of this Python (pydoc_data.topics), cut into pieces of ``length`` characters, in ASCII; n
    and seed do not matter. Twenty paragraphs in every two hundred are the test part, and none is in both. The texts
    differ a little from one version of Python to the next.

    y is None. ``train.as_text(x)`` and ``train.as_tokens(strings)`` translate. Raises: ValueError for another name, or
    numbers that make no text.
    """
    if name == "grammar":
        return _grammar(n, seed)
    if name == "english":
        return _english(length)
    raise ValueError(f'text({name!r}): choose "grammar" or "english"')


def _grammar(n: int, seed: int) -> tuple[Dataset, Dataset]:
    needed(n=n, seed=seed)
    integer(n=n, seed=seed)
    if n < 4 or seed < 0:
        raise ValueError(f"text(n={n}, seed={seed}): ask for at least 4 sentences, and a seed of 0 or more")
    words = {part for choices in GRAMMAR.rules.values() for _, parts in choices for part in parts}
    characters = sorted(set("".join(words - set(GRAMMAR.rules))) | {" "})
    vocabulary = ("", *characters)
    length = GRAMMAR.max_length + 1  # with the end, which every sentence has

    parts = []
    for part, size, label in ((0, n, "training"), (1, n // 4, "test")):
        random = np.random.RandomState(2 * seed + part)  # a stream that NumPy promises to keep
        sentences = [GRAMMAR.sample(random) for _ in range(size)]
        parts.append(
            Dataset(
                name=f"sentences of a grammar, {label} part",
                x=encode(sentences, vocabulary, length),
                factors={"length": torch.tensor([len(sentence) + 1 for sentence in sentences])},
                levels=len(vocabulary),
                vocabulary=vocabulary,
                source="drawn by genlib from a probabilistic grammar (data.GRAMMAR)",
                licence="none needed",
                log_prob=functools.partial(_log_prob, vocabulary),
                entropy=GRAMMAR.entropy(),
            )
        )
    return parts[0], parts[1]


def _log_prob(vocabulary: tuple[str, ...], x: Tensor) -> Tensor:
    """(B, L) -> (B,), nats, float64."""
    ended = x == 0
    well_formed = ended.any(1) & (ended.cummax(1).values == ended).all(1)  # an end, and nothing after it
    sentences = ["".join(vocabulary[token] for token in row) for row in x.tolist()]
    values = [
        GRAMMAR.log_prob(sentence) if fine else float("-inf")
        for sentence, fine in zip(sentences, well_formed.tolist(), strict=True)
    ]
    return torch.tensor(values, dtype=torch.float64, device=x.device)


def _english(length: int) -> tuple[Dataset, Dataset]:
    from pydoc_data.topics import topics

    if not 8 <= length <= 4096:
        raise ValueError(f"text(length={length}): choose pieces of 8 to 4096 characters")
    whole = "\n\n".join(topics[name] for name in sorted(topics))
    whole = whole.translate(PLAIN).encode("ascii", "ignore").decode()
    paragraphs = list(dict.fromkeys(paragraph.rstrip() for paragraph in whole.split("\n\n")))  # each once: topics quote
    train = [paragraph for k, paragraph in enumerate(paragraphs) if k // 20 % 10 != 9]
    test = [paragraph for k, paragraph in enumerate(paragraphs) if k // 20 % 10 == 9]

    parts = []
    for label, mine in (("training", train), ("test", test)):
        whole = "\n\n".join(mine)
        pieces = [whole[i : i + length] for i in range(0, len(whole) - length + 1, length)]
        parts.append(
            Dataset(
                name=f"English from Python's help, {label} part",
                x=encode(pieces, ASCII, length),
                levels=len(ASCII),
                vocabulary=ASCII,
                source="Python's documentation, as pydoc_data.topics brings it",
                licence="PSF-2.0",
            )
        )
    return parts[0], parts[1]
