"""Tables that back off, against counting by hand, text by text."""

import math

import pytest
import torch

from genlib.classical import back_off_bits


def by_hand(texts, new_texts, levels, k, trust):
    """Bits for each character of new_texts: pasts and what follows them in dictionaries, one text after another."""

    def seen(past, follows=None):
        count = 0
        for text in texts:
            for i in range(len(text)):
                same = tuple(text[max(0, i - len(past)) : i]) == past if len(past) <= i else False
                count += same and (follows is None or text[i] == follows)
        return count

    def p(text, i, memory):
        if memory < 0:
            return 1 / levels
        if memory > i:  # the text's start is a past of its own: all of it, which nothing precedes
            starts = [t for t in texts if len(t) > i and t[:i] == text[:i]]
            both, past = sum(t[i] == text[i] for t in starts), len(starts)
        else:
            past_of = tuple(text[i - memory : i])
            both, past = seen(past_of, text[i]), seen(past_of)
        return (both + trust * p(text, i, memory - 1)) / (past + trust)

    bits = [-math.log2(p(text, i, k)) for text in new_texts for i in range(len(text))]
    return sum(bits) / len(bits)


@pytest.mark.parametrize(("trust", "levels"), [(2.0, 3), (0.5, 4)])
def test_bits_are_those_of_counting_by_hand(trust, levels):
    g = torch.Generator().manual_seed(levels)
    x, new = torch.randint(levels, (12, 6), generator=g), torch.randint(levels, (5, 6), generator=g)
    length, new_length = torch.randint(1, 7, (12,), generator=g), torch.randint(1, 7, (5,), generator=g)
    texts = [row[:n].tolist() for row, n in zip(x, length, strict=True)]
    new_texts = [row[:n].tolist() for row, n in zip(new, new_length, strict=True)]
    bits = back_off_bits(x, length, new, new_length, levels=levels, longest=4, trust=trust)
    assert bits == pytest.approx([by_hand(texts, new_texts, levels, k, trust) for k in range(5)], abs=1e-12)


def test_characters_after_the_end_count_for_nothing():
    x, length = torch.tensor([[1, 2, 0, 0], [2, 1, 1, 0]]), torch.tensor([2, 3])
    other = torch.tensor([[1, 2, 2, 1], [2, 1, 1, 2]])
    assert back_off_bits(x, length, x, length, levels=3, longest=2) == back_off_bits(
        other, length, other, length, levels=3, longest=2
    )
