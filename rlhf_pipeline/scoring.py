"""The one way to score: every stage, check and reward function calls `score_heads`, or `score` of one head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

TOLERANCE = 1e-4
"""Largest difference of a float32 score between batch sizes and paddings, before and after save and load."""
BF16_TOLERANCE = 0.05
"""The same for weights in bfloat16, as a share of the largest score; such a number has two to three digits."""


@dataclass(frozen=True)
class RewardModel:
    """A sequence classifier, each output a reward, and the tokenizer that renders conversations for it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    @property
    def num_heads(self) -> int:
        """Return how many rewards it gives a conversation."""
        num_labels: Any = self.model.config.num_labels
        return int(num_labels)


def load_reward_model(folder: Path | str) -> RewardModel:
    """Load a reward model in evaluation mode, its weights as they were saved.

    Raises:
        CheckpointError: it is no sequence classifier, or its tokenizer lacks a template or pad token.
    """
    from transformers import AutoModelForSequenceClassification

    tokenizer = models.load_tokenizer(folder)
    if not models.is_reward_model(folder):
        raise CheckpointError(f"{folder}: no sequence classifier, so its head would be random; train one from it")
    model = models.load_weights(AutoModelForSequenceClassification, folder, models.runs_remote_code(folder))
    models.check_embeddings(folder, model, tokenizer)
    return RewardModel(model.eval(), tokenizer)


def checkpoints_in(folder: Path | str) -> list[Path]:
    """Return the checkpoints of a member: its own folder, or those of its snapshots `0`, `1` … in it."""
    numbered = [path for path in Path(folder).iterdir() if path.name.isdigit()]
    return sorted(numbered, key=lambda path: int(path.name)) or [Path(folder)]


def tokenize(tokenizer: PreTrainedTokenizerFast, conversations: Sequence[Conversation]) -> list[list[int]]:
    """Return the token ids of each conversation, rendered by the chat template with nothing added."""
    texts = tokenizer.apply_chat_template(list(conversations), tokenize=False)
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def score(reward_model: RewardModel, conversations: Sequence[Conversation], batch_size: int = 64) -> Tensor:
    """Return the reward of each conversation, [N], by a model with one head; see `score_heads`.

    Raises:
        CheckpointError: it has more heads than one.
        ValueError: a conversation is longer than the model's context.
    """
    if reward_model.num_heads != 1:
        raise CheckpointError(f"one reward is asked of a model with {reward_model.num_heads} heads; use score_heads")
    return score_heads(reward_model, conversations, batch_size)[0]


def score_heads(reward_model: RewardModel, conversations: Sequence[Conversation], batch_size: int = 64) -> Tensor:
    """Return the reward of each conversation by each head; one forward pass serves all heads.

    Batches hold texts of like length, so that little is spent on padding.

    Args:
        reward_model: what scores.
        conversations: N conversations, each with its reply as the last message.
        batch_size: conversations per forward pass.

    Returns:
        [H, N] float32, in the order given.

    Raises:
        CheckpointError: a conversation is longer than the model's context.
    """
    import torch

    model, tokenizer = reward_model.model, reward_model.tokenizer
    if not conversations:
        return torch.zeros(reward_model.num_heads, 0)
    ids = tokenize(tokenizer, conversations)
    longest, context = max(map(len, ids)), models.context_length(model)
    if longest > context:
        raise CheckpointError(
            f"{model.name_or_path}: a conversation of {longest} tokens exceeds the reward model's context of {context}"
            "; lower curation.filter_settings.length.max_words, or take a trunk that reads more"
        )
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    rewards = torch.empty(reward_model.num_heads, len(ids))
    with torch.no_grad():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            padded = tokenizer.pad({"input_ids": [ids[i] for i in rows]}, padding_side="right", return_tensors="pt")
            batch = {key: value.to(model.device) for key, value in padded.items()}
            rewards[:, rows] = model(**batch, use_cache=False).logits.T.float().cpu()
    return rewards
