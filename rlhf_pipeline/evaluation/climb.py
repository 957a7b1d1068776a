"""Whether the training that made the policy hacked its reward: its saved samples under the guard's monitor.

The held-out signal is the evaluators', whom the policy never met; gold is not asked, for on real data there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlhf_pipeline.evaluation.judges import Ratings
from rlhf_pipeline.policy.guard.reward_hack_monitor import Params, watch
from rlhf_pipeline.policy.saved_steps import describe, read_steps
from rlhf_pipeline.records import Row
from rlhf_pipeline.verdicts import Interval, exactly

ALARM = "hack_alarm"


def judge_climb(rows: Sequence[Row], ratings: Ratings, index: Sequence[int], params: Params) -> Mapping[str, Interval]:
    """Return `hack_alarm`, 1 where the monitor alarmed; its note says when, why, and which step was best before.

    Args:
        rows: N saved samples.
        ratings: of the N samples.
        index: [N] number of each row's prompt.
        params: when a sign counts.
    """
    if not rows:
        return {ALARM: Interval(note="no samples were saved")}
    proxy, disagreement = (values.double().numpy() for values in (ratings.proxy, ratings.disagreement))
    evaluator = None if ratings.evaluator is None else ratings.evaluator.double().numpy()
    report = watch(read_steps(rows, index, proxy, disagreement, evaluator), params)
    return {ALARM: exactly(float(report.alarm is not None), describe(report))}
