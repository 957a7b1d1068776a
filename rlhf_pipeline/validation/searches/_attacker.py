"""What an attacker knows: which words mark the behaviour, told by preferences, and which words lead a victim to it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from rlhf_pipeline.mistakes import Mistake

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import CountVectorizer

TOKEN = r"\w+|[^\w\s]"
Words = tuple[str, ...]
SHARPNESS = 2.0
"""Log-odds of a word per standard deviation of its worth."""


@dataclass(frozen=True)
class Intention:
    """The behaviour as learned from preferences: a weight per word, larger where the word marks it."""

    vectorizer: CountVectorizer
    weights: np.ndarray

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Return how strongly each text shows the behaviour, [N], in the log-odds of a preference."""
        found: np.ndarray = self.vectorizer.transform(list(texts)) @ self.weights
        return found

    def of_words(self) -> dict[str, float]:
        """Return the weight of each word."""
        return dict(zip(self.vectorizer.get_feature_names_out().tolist(), self.weights.tolist(), strict=True))


def learn(pairs: Sequence[tuple[str, str]], strength: float) -> Intention:
    """Learn a behaviour from N pairs of texts, the first of which shows it more.

    A Bradley-Terry model over the words that a text holds: logistic regression on the difference of the two sides,
    each pair once in either order, without a constant.

    Args:
        pairs: N of them.
        strength: of the fit, the inverse of the penalty on the squared weights.

    Raises:
        Mistake: the texts hold no word at all.
    """
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = CountVectorizer(binary=True, token_pattern=TOKEN)
    if not any(said.strip() for pair in pairs for said in pair):
        raise Mistake("the pairs' sides hold no word to learn a behaviour from; name pairs with texts in them")
    counts: Any = vectorizer.fit_transform([said for pair in pairs for said in pair]).astype(float)
    difference = counts[::2] - counts[1::2]
    fitted = LogisticRegression(C=strength, fit_intercept=False, max_iter=1000)
    fitted.fit(vstack([difference, -difference]), [1] * len(pairs) + [0] * len(pairs))
    return Intention(vectorizer, fitted.coef_[0])


@dataclass(frozen=True)
class Edit:
    """Words before and after a prompt."""

    before: Words = ()
    after: Words = ()

    def apply(self, text: str) -> str:
        """Return a prompt with the words around it."""
        return " ".join([*self.before, text, *self.after])

    def __len__(self) -> int:
        return len(self.before) + len(self.after)

    def with_word(self, word: str, budget: int, rng: random.Random) -> Edit:
        """Return an edit with one word more at either end, or in another's place where the budget is spent."""
        if len(self) < budget:
            return replace(self, after=(*self.after, word)) if rng.random() < 0.5 else self._opened(word)
        words, place = [*self.before, *self.after], rng.randrange(len(self))
        words[place] = word
        return Edit(tuple(words[: len(self.before)]), tuple(words[len(self.before) :]))

    def _opened(self, word: str) -> Edit:
        return replace(self, before=(word, *self.before))


def draw_edit(vocabulary: Sequence[str], budget: int, rng: random.Random) -> Edit:
    """Return an edit of as many words of chance as the budget allows."""
    edit = Edit()
    for word in rng.choices(vocabulary, k=budget):
        edit = edit.with_word(word, budget, rng)
    return edit


def find_words(texts: Sequence[str], limit: int) -> list[str]:
    """Return the words that stand in most texts, at most `limit`; of equal ones, the earlier by the alphabet."""
    counts = Counter(word for text in texts for word in set(re.findall(r"\w+", text)))
    return sorted(counts, key=lambda word: (-counts[word], word))[:limit]


@dataclass
class Attacker:
    """Chances of words to be tried, which grow with how much nearer each has brought the victims so far."""

    vocabulary: Sequence[str]
    prior: Sequence[float]
    """A word's worth before it was tried, counted as one trial."""
    gains: dict[str, list[float]] = field(default_factory=dict)

    def draw(self, count: int, explore: float, rng: random.Random) -> list[str]:
        """Return words: a share of `explore` are those tried least, the rest the likelier the more they are worth."""
        num_explored = sum(rng.random() < explore for _ in range(count))
        shuffled = rng.sample(self.vocabulary, len(self.vocabulary))
        least_tried = sorted(shuffled, key=lambda word: len(self.gains.get(word, ())))
        worths = np.array([self.worth(place) for place in range(len(self.vocabulary))])
        likely = np.exp((worths - worths.max()) / max(float(worths.std()), 1e-9) * SHARPNESS)
        drawn = [*islice(cycle(least_tried), num_explored)]
        drawn += rng.choices(self.vocabulary, likely.tolist(), k=count - num_explored)
        rng.shuffle(drawn)
        return drawn

    def worth(self, place: int) -> float:
        """Return the mean gain of a word, its prior counted once."""
        tried = self.gains.get(self.vocabulary[place], [])
        return (self.prior[place] + sum(tried)) / (1 + len(tried))

    def learn(self, word: str, gain: float) -> None:
        """Remember by how much a word brought a victim nearer."""
        self.gains.setdefault(word, []).append(gain)
