"""Whether the reward tells a policy's samples from reference texts: a policy that climbed the reward stands out by it.

After ReMoDetect, "Reward Models Recognize Aligned LLM's Generations": tuned models are paid more than people's own
texts, so the reward alone detects their texts. Here that is an alarm: rewards far above those of reference texts are
where no label taught the reward. A policy that improves is paid more too, so the alarm asks for a look, not for a stop.

The paper also trains the detector further: on pairs of policy > mixed > reference, which `detector_pairs` makes. There
mixed texts are rephrased by a model; here a run of the reference's words is replaced by the policy's. Its penalty on
the change of the first scores is not here: an objective of `rewards/objectives` is not given those scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rlhf_pipeline.intervals import MIN_CLUSTERS, RESAMPLES, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row, assistant, derive_seed, text
from rlhf_pipeline.validation.checks._resampling import percentile_interval
from rlhf_pipeline.validation.monitors.stability_index import first_run
from rlhf_pipeline.verdicts import Interval

Floats = NDArray[np.float64]
Flat = tuple[Floats, NDArray[np.int64]]
Rewards = Sequence[Sequence[float]]
"""Per prompt, the reward of each of its texts."""


class Params(MethodParams):
    """When rewards count as inflated."""

    percentile: float = Field(
        default=95, gt=0, lt=100, description="of the reference rewards, which the policy's median must not pass"
    )
    consecutive_steps: int = Field(default=1, ge=1, description="measured steps in a row above it that alarm")
    seed: int = Field(default=0, ge=0, description="of the resampling")


@dataclass(frozen=True)
class Inflation:
    """How far the rewards of a policy's samples lie above those of reference texts."""

    auroc: Interval
    """Chance that a sample gets more than a reference text, a tie counting half; over prompts."""
    median: float
    """Of the samples' rewards."""
    percentile: float
    """Share of the reference rewards below that median, in per cent; a tie counts half."""
    is_inflated: bool


@dataclass(frozen=True)
class Watch:
    """What a trajectory showed."""

    steps: Mapping[int, Inflation]
    alarm: int | None
    """The step that raised the alarm; None: no alarm."""


def watch(reference: Rewards, policy: Mapping[int, Rewards], params: Params | None = None) -> Watch:
    """Hold the samples of every step of a training against the same reference texts.

    Args:
        reference: of P prompts. Rewards of different prompts are compared, so take those of the ensemble, normalised.
        policy: per step, of samples for the same prompts.
        params: when it alarms.

    Raises:
        ValueError: see `measure`.
    """
    params = params or Params()
    found = {step: measure(reference, rewards, params) for step, rewards in sorted(policy.items())}
    raised = first_run(np.array([one.is_inflated for one in found.values()], dtype=bool), params.consecutive_steps)
    return Watch(found, None if raised is None else list(found)[raised])


def measure(reference: Rewards, policy: Rewards, params: Params | None = None) -> Inflation:
    """Return how far a policy's rewards lie above those of reference texts.

    Args:
        reference: of P prompts.
        policy: of samples for the same prompts.
        params: the percentile that must not be passed.

    Raises:
        ValueError: they are of different numbers of prompts, one has no rewards, or a reward is not finite.
    """
    params = params or Params()
    if len(reference) != len(policy):
        raise ValueError(f"{len(reference)} prompts of reference texts, {len(policy)} of the policy's")
    first, second = _flat(reference), _flat(policy)
    median = float(np.median(second[0]))
    share = 100 * float((np.sign(median - first[0]) + 1).mean() / 2)
    is_inflated = median > float(np.percentile(first[0], params.percentile))
    return Inflation(auroc(first, second, len(policy), params.seed), median, share, is_inflated)


def auroc(reference: Flat, policy: Flat, num_prompts: int, seed: int) -> Interval:
    """Return the chance that a policy's reward is above a reference reward, with its interval over prompts.

    Args:
        reference: [M] rewards and the number of the prompt of each, from 0.
        policy: [N] rewards and the number of the prompt of each.
        num_prompts: of both.
        seed: of the resampling.
    """
    order = np.argsort(reference[0], kind="stable")
    rewards, prompts, own = reference[0][order], reference[1][order], policy[1]
    below, not_above = (np.searchsorted(rewards, policy[0], side) for side in ("left", "right"))

    def weighed(weights: Floats) -> float:
        """Return the chance where prompts count as often as the weights say, [P]."""
        counts = np.concatenate([[0.0], np.cumsum(weights[prompts])])
        won = (counts[below] + counts[not_above]) / 2
        return float(weights[own] @ won / max(weights[own].sum() * counts[-1], 1e-12))

    value = weighed(np.ones(num_prompts))
    if num_prompts < MIN_CLUSTERS:
        return Interval(value=value, note=TOO_FEW)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(num_prompts, np.full(num_prompts, 1 / num_prompts), size=RESAMPLES).astype(float)
    return percentile_interval(value, np.array([weighed(weights) for weights in draws]))


def mix(reference: str, policy: str, share: float, seed: int) -> str:
    """Return a reference text in which a run of words is replaced by those at the same part of a policy's text.

    A run and not words here and there: what is broken would be told from both by that alone.

    Args:
        reference: whose other words stay.
        policy: on the same prompt.
        share: of the reference's words that are replaced, from 0 to 1.
        seed: where the run begins.

    Raises:
        ValueError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share}: a share of the words is from 0 to 1")
    words, others = reference.split(), policy.split()
    count = round(share * len(words))
    start = derive_seed(seed, "mix") % (len(words) - count + 1)
    ends = (place * len(others) // max(len(words), 1) for place in (start, start + count))
    return " ".join([*words[:start], *others[slice(*ends)], *words[start + count :]])


def detector_pairs(rows: Sequence[Row], share: float, seed: int) -> Iterator[Row]:
    """Yield the pairs policy > reference, policy > mixed and mixed > reference of each row, for a reward training.

    The margin is how much of the text they differ in; `bradley_terry` counts it where `margin_scale` says so.

    Args:
        rows: `id`, `prompt`, and the completions `reference` and `policy`.
        share: of a mixed text that is the policy's.
        seed: of the runs that are replaced.
    """
    for row in rows:
        said = mix(text(row["reference"]), text(row["policy"]), share, derive_seed(seed, row["id"]))
        texts = {"policy": row["policy"], "mixed": assistant(said), "reference": row["reference"]}
        if texts["mixed"] in (texts["policy"], texts["reference"]):
            del texts["mixed"]
        held = {"policy": 1.0, "mixed": share, "reference": 0.0}
        for better, worse in combinations(texts, 2):
            if texts[better] != texts[worse]:
                yield {
                    "id": f"{row['id']}/{better}-{worse}",
                    "group": row.get("group", row["id"]),
                    "prompt": row["prompt"],
                    "chosen": texts[better],
                    "rejected": texts[worse],
                    "margin": held[better] - held[worse],
                    "slice": f"{better} > {worse}",
                }


def _flat(rewards: Rewards) -> Flat:
    """Return all rewards and the number of the prompt of each."""
    values = np.array([reward for one in rewards for reward in one], dtype=float)
    prompts = np.repeat(np.arange(len(rewards)), [len(one) for one in rewards])
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("a reward is NaN or infinite" if len(values) else "there are no rewards")
    return values, prompts
