"""Whether the training that made the policy hacked its reward: its saved samples under the guard's monitor.

The held-out signal is the evaluators', whom the policy never met; gold is not asked, for on real data there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlhf_pipeline.evaluation.curve import as_text
from rlhf_pipeline.evaluation.judges import Ratings
from rlhf_pipeline.evaluation.metrics import diversity
from rlhf_pipeline.policy.guard.reward_hack_monitor import Measured, Params, Report, watch
from rlhf_pipeline.records import Row
from rlhf_pipeline.verdicts import Interval, exactly

ALARM = "hack_alarm"


def read_steps(rows: Sequence[Row], ratings: Ratings, index: Sequence[int]) -> list[Measured]:
    """Return what the monitor looks at of each saved step, in order; prompts in the same order every time.

    Args:
        rows: N saved samples: step, completion, kl.
        ratings: of the N samples.
        index: [N] number of each row's prompt.
    """
    places: dict[int, list[int]] = {}
    for place in sorted(range(len(rows)), key=lambda i: (rows[i]["step"], index[i])):
        places.setdefault(rows[place]["step"], []).append(place)
    return [_measure(step, own, rows, ratings) for step, own in places.items()]


def _measure(step: int, own: Sequence[int], rows: Sequence[Row], ratings: Ratings) -> Measured:
    texts = [as_text(rows[i]["completion"]) for i in own]
    evaluator = None if ratings.evaluator is None else ratings.evaluator[list(own)].double().numpy()
    return Measured(
        step,
        ratings.proxy[list(own)].double().numpy(),
        evaluator,
        kl=sum(float(rows[i]["kl"]) for i in own) / len(own),
        disagreement=float(ratings.disagreement[list(own)].mean()),
        length=sum(len(said.split()) for said in texts) / len(texts),
        distinct_2=diversity.distinct_2(texts),
        repetition=diversity.mean_self_repetition(texts),
    )


def judge_climb(rows: Sequence[Row], ratings: Ratings, index: Sequence[int], params: Params) -> Mapping[str, Interval]:
    """Return `hack_alarm`, 1 where the monitor alarmed; its note says when, why, and which step was best before."""
    if not rows:
        return {ALARM: Interval(note="no samples were saved")}
    report = watch(read_steps(rows, ratings, index), params)
    return {ALARM: exactly(float(report.alarm is not None), _note(report))}


def _note(report: Report) -> str:
    if report.alarm is None:
        return ""
    signs = ", ".join(name.replace("_", " ") for name in report.signs[report.alarm])
    return f"step {report.alarm}: {signs}; best before it: step {report.safe}"
