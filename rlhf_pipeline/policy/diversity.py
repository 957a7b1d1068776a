"""How varied the words of completions are, between samples of a prompt and within one completion."""

from collections.abc import Iterable, Sequence

Gram = tuple[str, ...]


def grams(text: str, size: int) -> list[Gram]:
    """Return the runs of `size` words of a text, lower case, in order."""
    words = text.lower().split()
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


def distinct_2(texts: Iterable[str]) -> float:
    """Return the share of word pairs, over all texts together, that are different from each other.

    Distinct-n of Li et al. 2016 (arXiv:1510.03055). Texts of fewer than two words have none: 0.
    """
    pairs = [pair for text in texts for pair in grams(text, 2)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def self_repetition(text: str, size: int = 3) -> float:
    """Return the share of a text's runs of `size` words that stood in it before; 0 where it has none.

    seq-rep-n of Welleck et al. 2020 (arXiv:1908.04319).
    """
    runs = grams(text, size)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def mean_self_repetition(texts: Sequence[str]) -> float:
    """Return the mean of `self_repetition` over texts; 0 where there are none."""
    return sum(map(self_repetition, texts)) / len(texts) if texts else 0.0
