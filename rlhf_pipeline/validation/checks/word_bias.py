"""Words and word pairs that the ensemble prefers beyond what the annotators prefer, found without naming any.

Of the test pairs with a word on one side only, how often the ensemble prefers that side, less how often the annotators
chose it. Only pairs that the ensemble orders wrongly count in that difference, so its test is McNemar's: among those,
whether the word stands on the preferred side more often than on the chosen one. All words are tested together at 5 %
(Bonferroni). A phrase that is paid for is found so as soon as some held-out texts hold it; what annotators over-rate
themselves is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import text
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import NUM_WORST, describe, margins, wins
from rlhf_pipeline.validation.checks._resampling import Floats, percentile_interval, resampled_sums
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs, spread
from rlhf_pipeline.verdicts import Interval, exactly

LEVEL = 0.05
NUM_ROWS = 20
TOKEN = r"\w+|[^\w\s]"


class Params(MethodParams):
    """What is looked at."""

    max_items: int = Field(default=2000, ge=1, description="test pairs, spread over the file")
    least_pairs: int = Field(default=30, ge=2, description="pairs with a word on one side only, for it to be tested")
    longest: int = Field(default=2, ge=1, le=4, description="words of a phrase")


class Presence(NamedTuple):
    """Which phrases stand on one side of a pair only."""

    phrases: Sequence[str]
    side: Floats
    """[N, W] 1 where the chosen side alone holds the phrase, -1 where the rejected side alone does."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of test pairs."""
    return {"test": add_pairs(spread(inputs.test, params.max_items), table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the phrase whose preference differs most from the annotators', and how many do; a row for each."""
    pairs = items["test"]
    phrases, side = find_phrases(pairs, context.table, params)
    margin = margins(context.reward, pairs)
    wrong = 1 - wins(margin).double().numpy()
    rows = sorted(_rows(phrases, side, wrong), key=lambda row: (-abs(row["excess"]), len(row["phrase"])))
    found = [row for row in rows if row["chance"] * len(rows) < LEVEL]
    told = (
        "By how much more often than the annotators the ensemble prefers the side with a word; the word of most bias."
    )
    findings = [
        Finding(f"word_bias/{ENSEMBLE}", _largest(found, rows, side, wrong, pairs, context.seed), len(pairs), told),
        Finding(
            f"words_biased/{ENSEMBLE}",
            exactly(len(found)) if rows else Interval(note="no word stands in enough pairs"),
            len(pairs),
            "Words and word pairs whose preference differs from the annotators'.",
        ),
    ]
    return Result(
        findings, _worst(found, pairs, side, margin.tolist(), context.table), [_told(r) for r in found[:NUM_ROWS]]
    )


def find_phrases(pairs: Sequence[Comparison], table: Table, params: Params) -> Presence:
    """Return the phrases that enough pairs have on one side only."""
    from sklearn.feature_extraction.text import CountVectorizer

    sides = [text(table.completion(row)) for pair in pairs for row in (pair.better, pair.worse)]
    vectorizer = CountVectorizer(binary=True, ngram_range=(1, params.longest), token_pattern=TOKEN)
    try:
        counts = vectorizer.fit_transform(sides).astype(np.int8)
    except ValueError:  # no words at all
        return Presence([], np.zeros((len(pairs), 0)))
    difference = (counts[::2] - counts[1::2]).tocsc()
    enough = np.flatnonzero(np.asarray(abs(difference).sum(axis=0)).ravel() >= params.least_pairs)
    phrases = vectorizer.get_feature_names_out()[enough].tolist()
    return Presence(phrases, difference[:, enough].toarray().astype(float))


def _rows(phrases: Sequence[str], side: Floats, wrong: Floats) -> list[dict[str, Any]]:
    """Return of each phrase how often both prefer the side that holds it, and the chance of so great a difference."""
    num = np.abs(side).sum(axis=0)
    chosen = (side > 0).sum(axis=0)
    for_phrase, against = ((mask * wrong[:, None]).sum(axis=0) for mask in (side < 0, side > 0))
    chances = _mcnemar(for_phrase, against)
    return [
        {
            "place": i,
            "phrase": phrase,
            "pairs": int(num[i]),
            "annotators": float(chosen[i] / num[i]),
            "ensemble": float((chosen[i] + for_phrase[i] - against[i]) / num[i]),
            "excess": float((for_phrase[i] - against[i]) / num[i]),
            "chance": float(chances[i]),
        }
        for i, phrase in enumerate(phrases)
    ]


def _mcnemar(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Return the two-sided chance of [W] counts as uneven as these, were both kinds as likely."""
    from scipy.stats import binom

    least, total = np.floor(np.minimum(first, second)), np.floor(first + second)
    return np.minimum(2 * binom.cdf(least, total, 0.5), 1)


def _largest(
    found: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    side: Floats,
    wrong: Floats,
    pairs: Sequence[Comparison],
    seed: int,
) -> Interval:
    """Return the size of the largest excess that is no chance, with its interval; 0 where all may be chance."""
    if not rows:
        return Interval(note="no word stands in enough pairs")
    if not found:
        return exactly(0, "no word's difference is beyond chance")
    clusters = [pair.cluster for pair in pairs]
    place, sign = found[0]["place"], np.sign(found[0]["excess"])
    columns = np.stack([-sign * side[:, place] * wrong, np.abs(side[:, place])], axis=1)
    total, draws = resampled_sums(columns, clusters, seed)
    value, note = float(total[0] / total[1]), f"'{found[0]['phrase']}' is {'liked' if sign > 0 else 'avoided'}"
    if len(set(clusters)) < MIN_CLUSTERS:
        return Interval(value=value, note=f"{note}; {TOO_FEW}")
    interval = percentile_interval(value, draws[:, 0] / draws[:, 1].clip(1))
    return interval.model_copy(update={"note": note})


def _told(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {k: round(v, 6) if isinstance(v, float) and k != "chance" else v for k, v in row.items() if k != "place"}


def _worst(
    found: Sequence[Mapping[str, Any]],
    pairs: Sequence[Comparison],
    side: Floats,
    margin: Sequence[float],
    table: Table,
) -> list[Mapping[str, Any]]:
    """Return the pairs that the phrase of most bias turned round, the largest margin first."""
    if not found:
        return []
    pull = side[:, found[0]["place"]] * np.sign(found[0]["excess"])
    lost = [i for i in np.argsort(margin, kind="stable").tolist() if margin[i] < 0 and pull[i] < 0]
    return [describe(pairs[i], margin[i], table) for i in lost[:NUM_WORST]]
