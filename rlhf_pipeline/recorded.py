"""What a reward model said when it was saved, kept beside its weights: wherever it is loaded, it can be asked again.

A hash tells that the files are the same; this tells that they still mean the same. Another chat template, tokenizer,
precision or library version shows here, where accuracy may hide it: in the simulated world, models that read the roles
of user and assistant exchanged order as many pairs rightly as before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation, Row, read_json, write_json
from rlhf_pipeline.scoring import RewardModel, checkpoints_in, load_reward_model, score_heads, tokenize

if TYPE_CHECKING:
    from torch import Tensor

FILE = "recorded_rewards.json"
NUM_PAIRS = 16
LARGEST = 0.1
"""Change of a reward that is borne, in standard deviations of the recorded ones: bfloat16 rounds by half of that."""


def record(folder: Path, pairs: Sequence[Row]) -> None:
    """Write what the checkpoints of a member say of some pairs beside their weights, where nothing stands there yet.

    Args:
        folder: of the member.
        pairs: some of them are taken, spread over all; both sides that the model can read whole.
    """
    taken = pairs[:: max(len(pairs) // NUM_PAIRS, 1)][:NUM_PAIRS]
    sides = [[*row["prompt"], *row[side]] for row in taken for side in ("chosen", "rejected")]
    for checkpoint in checkpoints_in(folder):
        if (checkpoint / FILE).exists():
            continue
        model = load_reward_model(checkpoint)
        ids, context = tokenize(model.tokenizer, sides), models.context_length(model.model)
        read = [said for said, own in zip(sides, ids, strict=True) if len(own) <= context]
        if read:
            write_json(checkpoint / FILE, {"conversations": read, "rewards": score_heads(model, read).tolist()})


def refuse_changed(reward_models: Mapping[str, RewardModel]) -> None:
    """Ask every model once more what it was asked when it was saved; one that was not asked is passed over.

    Args:
        reward_models: by the name that a user knows.

    Raises:
        CheckpointError: one gives other rewards; names it.
    """
    for name, one in reward_models.items():
        path = Path(str(one.model.name_or_path)) / FILE
        if path.is_file():
            told: Mapping[str, Any] = read_json(path)
            conversations: list[Conversation] = told["conversations"]
            refuse(name, change(told["rewards"], score_heads(one, conversations)))


def change(then: Sequence[Sequence[float]] | Tensor, now: Tensor) -> float:
    """Return the largest difference of two [H, N] rewards, in standard deviations of each head's first ones.

    Infinite where one is not finite.
    """
    import torch

    first = torch.as_tensor(then, dtype=torch.float64)
    spread = first.std(dim=1, keepdim=True, correction=0).clamp_min(1e-12)
    found = float(((now.double() - first).abs() / spread).max())
    return found if math.isfinite(found) else math.inf


def refuse(name: str, found: float) -> None:
    """Raise CheckpointError where a model's rewards changed by more than is borne."""
    if found > LARGEST:
        raise CheckpointError(
            f"'{name}' gives other rewards than when it was saved: they differ by {found:.2g} of their spread "
            f"({FILE} beside its weights). Its chat template, tokenizer, precision or a library is another one; "
            "put back what it was saved with, or train it again"
        )
