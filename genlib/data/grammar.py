"""A probabilistic grammar: sentences whose probability and whose entropy are known exactly."""

import functools
import math
from collections.abc import Callable, Iterator

import numpy as np

Rules = dict[str, list[tuple[float, str]]]

# Verbs agree with their subject, also across a relative clause: what a model that looks back a few characters misses.
RULES: Rules = {
    "SENTENCE": [(0.6, "ONE ACTS"), (0.4, "MANY ACT")],
    "ONE": [(0.7, "the NOUN"), (0.3, "the NOUN that DOES OBJECT")],
    "MANY": [(0.7, "the NOUNS"), (0.3, "the NOUNS that DO OBJECT")],
    "OBJECT": [(0.6, "the NOUN"), (0.4, "the NOUNS")],
    "NOUN": [(0.5, "THING"), (0.3, "small THING"), (0.2, "old THING")],
    "NOUNS": [(0.5, "THINGS"), (0.3, "small THINGS"), (0.2, "old THINGS")],
    "THING": [(0.5, "cat"), (0.3, "dog"), (0.2, "robot")],
    "THINGS": [(0.5, "cats"), (0.3, "dogs"), (0.2, "robots")],
    "ACTS": [(0.3, "sleeps"), (0.2, "sings"), (0.5, "DOES OBJECT")],
    "ACT": [(0.3, "sleep"), (0.2, "sing"), (0.5, "DO OBJECT")],
    "DOES": [(0.5, "sees"), (0.25, "hears"), (0.25, "likes")],
    "DO": [(0.5, "see"), (0.25, "hear"), (0.25, "like")],
}


class Grammar:
    """Rules {symbol: [(probability, replacement), …]}; a replacement is symbols and words with blanks between; what has
    no rule is a word. Expanding ``start`` until only words are left gives a sentence, its words joined by blanks.

    The rules may not lead back to themselves, so that there is a longest sentence, and no sentence may come about in
    two ways, so that the entropy of sentences is that of the choices made. Raises: ValueError for probabilities that do
    not sum to one and for rules that lead back to themselves.
    """

    def __init__(self, rules: Rules, start: str = "SENTENCE"):
        self.rules = {name: [(p, tuple(to.split())) for p, to in choices] for name, choices in rules.items()}
        self.start = start
        for name, choices in self.rules.items():
            if any(p <= 0 for p, _ in choices) or abs(sum(p for p, _ in choices) - 1) > 1e-9:
                raise ValueError(f"the probabilities of {name} are {[p for p, _ in choices]}; they must sum to one")
        try:
            self.max_length = self._longest(start)
        except RecursionError:
            raise ValueError("the rules lead back to themselves, so that sentences have no longest length") from None

    def entropy(self) -> float:
        """Of a sentence, in nats: H(A) = Σ p (−log p + Σ H(parts)), summed down the rules."""
        return self._mean(self.start, lambda p: -math.log(p), lambda word: 0.0)

    def mean_length(self) -> float:
        """Characters in a sentence on average, without an end-of-sequence."""
        return self._mean(self.start, lambda p: 0.0, lambda word: len(word) + 1) - 1  # a blank less than words

    def bits_per_character(self) -> float:
        """The floor: entropy over mean length, the end-of-sequence counted as a character. No model does better."""
        return self.entropy() / (self.mean_length() + 1) / math.log(2)

    def sample(self, random: np.random.RandomState) -> str:
        words, waiting = [], [self.start]
        while waiting:
            symbol = waiting.pop()
            if symbol in self.rules:
                choices = self.rules[symbol]
                k = np.searchsorted(np.cumsum([p for p, _ in choices])[:-1], random.uniform(), side="right")
                waiting.extend(reversed(choices[k][1]))
            else:
                words.append(symbol)
        return " ".join(words)

    def log_prob(self, sentence: str) -> float:
        """Of a sentence, in nats; -inf for what is none."""
        words = tuple(sentence.split(" "))
        p = self._inside(self.start, words)
        return math.log(p) if p > 0 else -math.inf

    def sentences(self) -> Iterator[tuple[str, float]]:
        """Every sentence with its probability: to check the closed forms against."""
        for words, p in self._expand((self.start,)):
            yield " ".join(words), p

    def _mean(self, symbol: str, of_choice: Callable, of_word: Callable) -> float:
        if symbol not in self.rules:
            return of_word(symbol)
        return sum(
            p * (of_choice(p) + sum(self._mean(part, of_choice, of_word) for part in parts))
            for p, parts in self.rules[symbol]
        )

    def _longest(self, symbol: str) -> int:
        if symbol not in self.rules:
            return len(symbol)
        return max(sum(map(self._longest, parts)) + len(parts) - 1 for _, parts in self.rules[symbol])

    def _expand(self, symbols: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
        if not symbols:
            yield (), 1.0
            return
        first, rest = symbols[0], symbols[1:]
        if first not in self.rules:
            for words, p in self._expand(rest):
                yield (first, *words), p
            return
        for q, parts in self.rules[first]:
            for words, p in self._expand(parts + rest):
                yield words, q * p

    def _inside(self, symbol: str, words: tuple[str, ...]) -> float:
        """The probability that symbol expands to exactly these words."""

        @functools.cache
        def ends(symbol: str, i: int) -> dict[int, float]:
            """Where an expansion of symbol that starts at word i may end, with the probability of each."""
            if symbol not in self.rules:
                return {i + 1: 1.0} if words[i : i + 1] == (symbol,) else {}
            found: dict[int, float] = {}
            for q, parts in self.rules[symbol]:
                reached = {i: q}
                for part in parts:
                    further: dict[int, float] = {}
                    for j, p in reached.items():
                        for k, r in ends(part, j).items():
                            further[k] = further.get(k, 0.0) + p * r
                    reached = further
                for j, p in reached.items():
                    found[j] = found.get(j, 0.0) + p
            return found

        return ends(symbol, 0).get(len(words), 0.0)


GRAMMAR = Grammar(RULES)
