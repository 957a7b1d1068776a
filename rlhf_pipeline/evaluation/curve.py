"""The saved samples of training, rated again by judges the policy did not know: the over-optimisation curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, tensor

from rlhf_pipeline.evaluation.judges import Ratings
from rlhf_pipeline.records import Conversation, Row, hash_text

COLUMNS = ("step", "kl", "proxy_reward", "evaluator_reward", "gold_reward", "disagreement")


def distinct_prompts(rows: Sequence[Row]) -> tuple[list[Conversation], list[int]]:
    """Return the different prompts of saved samples, and for each row the number of its prompt."""
    numbers: dict[str, int] = {}
    prompts: list[Conversation] = []
    index: list[int] = []
    for row in rows:
        prompt: Conversation = row["prompt"]
        key = hash_text(*(part for message in prompt for part in (message["role"], message["content"])))
        if key not in numbers:
            numbers[key] = len(prompts)
            prompts.append(prompt)
        index.append(numbers[key])
    return prompts, index


def draw_curve(rows: Sequence[Row], ratings: Ratings) -> list[dict[str, float]]:
    """Return one row per saved step: means of KL and of every judge's reward of that step's samples.

    Args:
        rows: N saved samples: step, prompt, completion, kl.
        ratings: of the N samples.
    """
    steps = tensor([row["step"] for row in rows])
    columns = {f"{name}_reward": reward for name, reward in ratings.rewards().items()}
    columns |= {"kl": tensor([float(row["kl"]) for row in rows]), "disagreement": ratings.disagreement}
    return [_row(int(step), steps == step, columns) for step in steps.unique(sorted=True)]


def _row(step: int, is_of_step: Tensor, columns: Mapping[str, Tensor]) -> dict[str, float]:
    return {"step": step, **{name: float(values[is_of_step].double().mean()) for name, values in columns.items()}}
