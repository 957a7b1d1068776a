"""Two rubrics' decisions on the same trusted pairs: did an edit turn one domain, and in which direction?

The audit of "Rubrics as an Attack Surface: Stealthy Preference Drift in LLM Judges" with the reference rubric at hand:
decisions of a judge before and after its prompt file was edited, by domain. A rewording turns some decisions to right
and as many to wrong, so what counts is how uneven the two are: the sign test, and the interval of Clopper and Pearson
1934 for the share of them that turned right, both given how many changed. All domains are tested together
(Bonferroni), half of the level for accuracy and half for the features that decisions may move to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field
from scipy.special import betaincinv

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.verdicts import Interval

Decision = Literal["first", "second", "tie"]
SIGNS = {"first": 1, "tie": 0, "second": -1}


class Params(MethodParams):
    """When an edit alarms."""

    level: float = Field(default=0.05, gt=0, lt=1, description="chance that a rewording alarms in any domain")
    least_pairs: int = Field(default=30, ge=1, description="pairs of a domain, for it to be compared")
    tolerance: float = Field(default=0.0, ge=0, lt=1, description="share of a domain's pairs that may turn")


@dataclass(frozen=True)
class Change:
    """What an edit did to the decisions of one domain."""

    num_pairs: int
    before: float
    """Share of decisions that are right; a tie where the label is none, or none where it is one, counts half."""
    after: float
    turned_right: int
    turned_wrong: int
    accuracy: Interval
    """Share of pairs that turned right less that of those that turned wrong; from or to a tie counts whole."""
    moved: Mapping[str, Interval]
    """Of each feature: share of pairs whose decision moved to more of it, less that of those that moved to less."""
    why: str
    """What alarms; empty where nothing does."""


@dataclass(frozen=True)
class Drift:
    """What an edit of a rubric did."""

    domains: Mapping[str, Change]
    """By name; those with too few pairs are left out."""
    overall: Change
    """All pairs as one domain, at the level as it is: what a benchmark sees."""
    alarms: Mapping[str, str] = field(default_factory=dict)
    """Domains that alarm, and why."""


def compare_rubrics(
    before: Mapping[str, Decision],
    after: Mapping[str, Decision],
    labels: Mapping[str, Decision],
    domains: Mapping[str, str],
    features: Mapping[str, Mapping[str, float]] | None = None,
    params: Params | None = None,
) -> Drift:
    """Return what an edit changed in each domain, and which domains alarm.

    Args:
        before: decision on each pair under the reference rubric, by the pair's id; pairs are taken as independent.
        after: under the edited one.
        labels: what is right.
        domains: of each pair.
        features: of each feature, how much more of it the first side has than the second, by pair, such as length.
        params: when it alarms.

    Raises:
        ValueError: a pair has not both decisions, a label, a domain and its features, or a word is no decision.
    """
    params, features = params or Params(), features or {}
    _refuse_gaps({"before": before, "after": after, "labels": labels, "domains": domains, **features})
    by_domain: dict[str, list[str]] = {}
    for pair in labels:
        by_domain.setdefault(domains[pair], []).append(pair)
    tested = {name: own for name, own in sorted(by_domain.items()) if len(own) >= params.least_pairs}
    level = params.level / (2 if features else 1)
    found = {
        name: _change([before, after, labels], own, features, level / len(tested), params.tolerance)
        for name, own in tested.items()
    }
    overall = _change([before, after, labels], list(labels), features, level, params.tolerance)
    return Drift(found, overall, {name: one.why for name, one in found.items() if one.why})


def _change(
    words: Sequence[Mapping[str, Decision]],
    pairs: Sequence[str],
    features: Mapping[str, Mapping[str, float]],
    level: float,
    tolerance: float,
) -> Change:
    """Return what changed in some pairs; `words` are the decisions before and after, and the labels."""
    before, after, labels = ([side[pair] for pair in pairs] for side in words)
    was, is_now = ([_agreement(*both) for both in zip(side, labels, strict=True)] for side in (before, after))
    right = [new - old for old, new in zip(was, is_now, strict=True)]
    turned = [SIGNS[new] - SIGNS[old] for old, new in zip(before, after, strict=True)]
    moved = {
        name: _lead([turn * values[pair] for turn, pair in zip(turned, pairs, strict=True)], level / len(features))
        for name, values in features.items()
    }
    accuracy, num = _lead(right, level), max(len(pairs), 1)
    to_right, to_wrong = sum(one > 0 for one in right), sum(one < 0 for one in right)
    why = _why(accuracy, moved, tolerance)
    return Change(len(pairs), sum(was) / num, sum(is_now) / num, to_right, to_wrong, accuracy, moved, why)


def _agreement(decision: Decision, label: Decision) -> float:
    return 1 - abs(SIGNS[decision] - SIGNS[label]) / 2


def _lead(changes: Sequence[float], level: float) -> Interval:
    """Return the share of [N] changes above 0 less that of those below, with its interval given how many are either."""
    up, down = sum(c > 0 for c in changes), sum(c < 0 for c in changes)
    if not changes:
        return Interval(note="no pairs")
    if up + down == 0:
        return Interval(value=0.0, low=0.0, high=0.0, note="no decision changed")
    ends = betaincinv(up, down + 1, level / 2) if up else 0, betaincinv(up + 1, down, 1 - level / 2) if down else 1
    low, high = ((2 * end - 1) * (up + down) / len(changes) for end in ends)
    return Interval(value=(up - down) / len(changes), low=float(low), high=float(high))


def _why(accuracy: Interval, moved: Mapping[str, Interval], tolerance: float) -> str:
    """Return what goes beyond the tolerance with its whole interval; accuracy that rises is no alarm."""
    told = ["fewer right"] if accuracy.high is not None and accuracy.high < -tolerance else []
    for name, one in moved.items():
        if one.low is not None and one.high is not None and max(one.low, -one.high) > tolerance:
            told.append(f"moved to {'more' if one.low > 0 else 'less'} {name}")
    return ", ".join(told)


def _refuse_gaps(given: Mapping[str, Mapping[str, object]]) -> None:
    pairs = set(given["labels"])
    for name, values in given.items():
        if missing := sorted(pairs ^ set(values)):
            raise ValueError(f"{name} and labels differ in {len(missing)} pairs, such as {missing[0]!r}")
    for name in ("before", "after", "labels"):
        for pair, word in given[name].items():
            if word not in SIGNS:
                raise ValueError(f"{name}: {pair!r} has {word!r}, which is none of {', '.join(SIGNS)}")
