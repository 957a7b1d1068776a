"""Saved samples of a training as its monitor reads them, step by step, and what it found in words."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from rlhf_pipeline.policy import diversity
from rlhf_pipeline.policy.guard.reward_hack_monitor import Floats, Measured, Report
from rlhf_pipeline.records import Row, text


def read_steps(
    rows: Sequence[Row],
    index: Sequence[Hashable],
    proxy: Floats,
    disagreement: Floats,
    held_out: Floats | None = None,
) -> list[Measured]:
    """Return what the monitor looks at of each saved step, in order; prompts in the same order every time.

    Args:
        rows: N saved samples, of the same prompts at every step.
        index: [N] which prompt a row's is.
        proxy: [N] the ensemble's reward.
        disagreement: [N] of its members.
        held_out: [N] a reward that the policy is not trained against.
    """
    order = {key: number for number, key in enumerate(dict.fromkeys(index))}
    places: dict[int, list[int]] = {}
    for place in sorted(range(len(rows)), key=lambda i: (rows[i]["step"], order[index[i]])):
        places.setdefault(rows[place]["step"], []).append(place)
    return [
        Measured(
            step,
            proxy[own],
            None if held_out is None else held_out[own],
            disagreement=float(disagreement[own].mean()),
            **traits([rows[place] for place in own]),
        )
        for step, own in places.items()
    ]


def traits(rows: Sequence[Row]) -> dict[str, float]:
    """Return what is read off samples of one step without any judge."""
    texts = [text(row["completion"]) for row in rows]
    num_tokens = sum(row["completion_tokens"] for row in rows)
    return {
        "kl": sum(row["kl"] for row in rows) / len(rows),
        "length": num_tokens / len(rows),
        "distinct_2": diversity.distinct_2(texts),
        "repetition": diversity.mean_self_repetition(texts),
        "entropy": -sum(row["logp"] for row in rows) / max(num_tokens, 1),
        "truncated": sum(row["is_truncated"] for row in rows) / len(rows),
    }


def describe(report: Report) -> str:
    """Return when a training alarmed, why, and which step was best by then, in one line; empty without an alarm."""
    if report.alarm is None:
        return ""
    signs = ", ".join(name.replace("_", " ") for name in report.signs[report.alarm])
    return f"step {report.alarm}: {signs}; best by then: step {report.safe}"
