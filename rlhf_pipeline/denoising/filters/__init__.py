"""Methods: what is dropped from or changed in train pairs with the help of models. None by default.

Each holds `Params` and `apply(rows: list[Row], params: Params, context: Context) -> Filtered`. A changed row keeps its
id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_pipeline.records import Row

Train = Callable[[list[Row], int], Any]
"""Train a reward model on pairs with a seed and return it."""
Score = Callable[[Any, list[Row]], list[float]]
"""Return the margin, chosen less rejected, that a trained reward model gives each pair."""


@dataclass(frozen=True)
class Context:
    """What a filter may use beside the rows.

    The callables come from the task, so that this area imports no later one.
    """

    reference: Path
    seed: int
    train: Train
    score: Score
