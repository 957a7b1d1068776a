"""What is measured of a policy against its reference, every value with its interval.

Prompts are the unit: samples of one are averaged first, differences are taken per prompt, intervals resample prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from rlhf_pipeline.evaluation.judges import Judges, Ratings, rate_by_gold
from rlhf_pipeline.evaluation.metrics import agreement, length
from rlhf_pipeline.evaluation.metrics.gap_closed import gap_closed
from rlhf_pipeline.evaluation.metrics.win_rate import wins
from rlhf_pipeline.evaluation.sides import Side
from rlhf_pipeline.intervals import mean_interval
from rlhf_pipeline.policy import diversity
from rlhf_pipeline.records import Row
from rlhf_pipeline.verdicts import Interval, exactly

if TYPE_CHECKING:
    from rlhf_pipeline.policy.sampling import Sample

Measured = dict[str, Interval]


TRAITS: Mapping[str, Callable[[Sequence[Sample]], float]] = {
    "completion_tokens": length.completion_tokens,
    "truncated_fraction": length.truncated_fraction,
    "empty_fraction": length.empty_fraction,
    "distinct_2": lambda samples: diversity.distinct_2(sample.text for sample in samples),
    "self_repetition": lambda samples: diversity.mean_self_repetition([sample.text for sample in samples]),
}
"""What is measured of the samples of one prompt without a judge."""
PLAIN = (*TRAITS, "hack_alarm", "gold_attribute/", "gold_best", "gold_gap_closed")
"""Beginnings of names whose intervals stay out of metrics.json; a bound is held against the interval all the same."""


def compare(reference: Side, policy: Side, kl: Tensor, best: Sequence[float], seed: int) -> Measured:
    """Return everything measured of both sides and between them.

    Args:
        reference: completions of the reference.
        policy: completions of the policy, of the same prompts.
        kl: [P * S] nats of each of the policy's completions.
        best: [P] highest gold reward of each prompt; empty without gold.
        seed: of the bootstrap.
    """
    found = {"kl": mean_interval(policy.per_prompt(kl).mean(dim=1).tolist(), seed=seed)}
    found |= _compare_traits(reference, policy, seed)
    for name, rewards in policy.ratings.rewards().items():
        found |= _compare_rewards(
            name, reference.per_prompt(reference.ratings.rewards()[name]), policy.per_prompt(rewards), seed
        )
    if best:
        found |= _hold_against_best(found, best)
        found |= _attributes("reference", reference.ratings) | _attributes("policy", policy.ratings)
    return found


def _compare_traits(reference: Side, policy: Side, seed: int) -> Measured:
    found: Measured = {}
    for name, trait in TRAITS.items():
        before, after = ([trait(samples) for samples in side.samples] for side in (reference, policy))
        found[f"{name}/reference"] = mean_interval(before, seed=seed)
        found[f"{name}/policy"] = mean_interval(after, seed=seed)
        found[f"{name}_change"] = mean_interval([b - a for a, b in zip(before, after, strict=True)], seed=seed)
    return found


def _compare_rewards(name: str, reference: Tensor, policy: Tensor, seed: int) -> Measured:
    """Return rewards, paired gain and win rate by one judge; rewards are [P, S]."""
    before, after = reference.mean(dim=1), policy.mean(dim=1)
    return {
        f"{name}_reward/reference": mean_interval(before.tolist(), seed=seed),
        f"{name}_reward/policy": mean_interval(after.tolist(), seed=seed),
        f"{name}_gain": mean_interval((after - before).tolist(), seed=seed),
        f"win_rate/{name}": mean_interval(wins(policy, reference).tolist(), seed=seed),
    }


def _hold_against_best(found: Measured, best: Sequence[float]) -> Measured:
    before, after = found["gold_reward/reference"].value, found["gold_reward/policy"].value
    assert before is not None, "gold rated nothing"
    assert after is not None, "gold rated nothing"
    highest = sum(best) / len(best)
    return {"gold_best": exactly(highest), "gold_gap_closed": exactly(gap_closed(before, after, highest))}


def _attributes(side: str, ratings: Ratings) -> Measured:
    """Return the mean of each gold attribute over the completions that have it."""
    names = sorted({name for attributes in ratings.attributes for name in attributes})
    values = {name: [a[name] for a in ratings.attributes if name in a] for name in names}
    return {f"gold_attribute/{name}/{side}": exactly(sum(v) / len(v)) for name, v in values.items()}


def agree_with_gold(judges: Judges, pairs: Sequence[Row], seed: int) -> Measured:
    """Return the share of pairs that ensemble and mean member order as gold does; nothing without gold."""
    if judges.gold is None or not pairs:
        return {}
    sides = [(pair, side) for pair in pairs for side in ("chosen", "rejected")]
    gold = rate_by_gold(judges.gold, [(pair["prompt"], pair[side][-1]["content"]) for pair, side in sides])
    groups = [i for i in range(len(pairs)) for _ in range(2)]
    conversations = [pair["prompt"] + pair[side] for pair, side in sides]
    raw = judges.ensemble.member_rewards(conversations, judges.threads)
    rewards = judges.ensemble.aggregate(raw, groups, conversations=conversations)
    members = [agreement.agreements(_margins(row), _margins(gold)) for row in rewards.normalised]
    joint = agreement.agreements(_margins(rewards.reward), _margins(gold))
    mean_member = sum(members[1:], members[0]) / len(members)
    return {
        "gold_agreement/ensemble": mean_interval(joint.tolist(), seed=seed),
        "gold_agreement/member_mean": mean_interval(mean_member.tolist(), seed=seed),
    }


def _margins(rewards: Tensor) -> Tensor:
    """Return chosen less rejected of [2 M] rewards that stand pair by pair."""
    sides = rewards.reshape(-1, 2)
    return sides[:, 0] - sides[:, 1]


def flatten(measured: Measured) -> dict[str, float]:
    """Return measured values as flat numbers: `x`, and `x_low` and `x_high` but for `PLAIN` ones; None is left out."""
    flat: dict[str, float] = {}
    for name, interval in measured.items():
        bounds = {} if name.startswith(PLAIN) else {"_low": interval.low, "_high": interval.high}
        parts = {"": interval.value, **bounds}
        flat |= {name + suffix: number for suffix, number in parts.items() if number is not None}
    return flat
