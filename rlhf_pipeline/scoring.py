"""The one way to score: every stage, check, benchmark and reward function calls `score`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
    """A sequence classifier with one output and the tokenizer that renders conversations for it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast


def load_reward_model(folder: Path | str) -> RewardModel:
    """Load a reward model in evaluation mode, its weights as they were saved.

    Raises:
        CheckpointError: it has not exactly one output, or its tokenizer lacks a template or pad token.
    """
    from transformers import AutoModelForSequenceClassification

    tokenizer = models.load_tokenizer(folder)
    model = models.load_weights(AutoModelForSequenceClassification, folder, models.runs_remote_code(folder))
    models.check_embeddings(folder, model, tokenizer)
    if model.config.num_labels != 1:
        raise CheckpointError(f"{folder}: a reward model has one output, this one has {model.config.num_labels}")
    return RewardModel(model.eval(), tokenizer)


def tokenize(tokenizer: PreTrainedTokenizerFast, conversations: Sequence[Conversation]) -> list[list[int]]:
    """Return the token ids of each conversation, rendered by the chat template with nothing added."""
    texts = tokenizer.apply_chat_template(list(conversations), tokenize=False)
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def score(reward_model: RewardModel, conversations: Sequence[Conversation], batch_size: int = 64) -> Tensor:
    """Return the reward of each conversation.

    Batches hold texts of like length, so that little is spent on padding.

    Args:
        reward_model: what scores.
        conversations: N conversations, each with its reply as the last message.
        batch_size: conversations per forward pass.

    Returns:
        [N] float32, in the order given.

    Raises:
        CheckpointError: a conversation is longer than the model's context.
    """
    import torch

    model, tokenizer = reward_model.model, reward_model.tokenizer
    if not conversations:
        return torch.zeros(0)
    ids = tokenize(tokenizer, conversations)
    longest, context = max(map(len, ids)), models.context_length(model)
    if longest > context:
        raise CheckpointError(
            f"{model.name_or_path}: a conversation of {longest} tokens exceeds the reward model's context of {context}"
            "; lower curation.filter_settings.length.max_words, or take a trunk that reads more"
        )
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    rewards = torch.empty(len(ids))
    with torch.no_grad():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            padded = tokenizer.pad({"input_ids": [ids[i] for i in rows]}, padding_side="right", return_tensors="pt")
            batch = {key: value.to(model.device) for key, value in padded.items()}
            rewards[rows] = model(**batch, use_cache=False).logits.squeeze(-1).float().cpu()
    return rewards
