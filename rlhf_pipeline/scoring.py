"""The one way to score: every stage, check and reward function calls `score`, `score_heads` or `score_all`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation, hash_text

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

TOLERANCE = 1e-4
"""Largest difference of a float32 score between batch sizes and paddings, before and after save and load."""
BF16_TOLERANCE = 0.05
"""The same for weights in bfloat16, as a share of the largest score; such a number has two to three digits."""
BATCH_TOKENS = 4096
"""Most tokens of a forward pass, padding included; a conversation that is longer goes alone."""
LEAST_ROWS, GROWTH = 16, 1.25
"""A forward pass of so many conversations takes no longer ones than so many times its shortest: padding is read too."""
WINDOW = 4096
"""Conversations whose tokens are held at once, so that memory does not grow with how many are scored."""


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

    @cached_property
    def reading(self) -> str:
        """Return what is equal for models that read conversations as the same tokens."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        words = backend.to_str() if backend else str(id(self.tokenizer))
        return hash_text(words, str(self.tokenizer.chat_template), str(self.tokenizer.special_tokens_map))


@dataclass(frozen=True)
class Batch:
    """Conversations of like length that go through a model together."""

    rows: list[int]
    """[B] the place of each among the conversations of the window."""
    input_ids: Tensor
    """[B, T] padded on the right."""
    attention_mask: Tensor
    """[B, T] 0 where padded."""


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
        CheckpointError: it has more heads than one, or a conversation is longer than the model's context.
    """
    if reward_model.num_heads != 1:
        raise CheckpointError(f"one reward is asked of a model with {reward_model.num_heads} heads; use score_heads")
    return score_heads(reward_model, conversations, batch_size)[0]


def score_heads(reward_model: RewardModel, conversations: Sequence[Conversation], batch_size: int = 64) -> Tensor:
    """Return the reward of each conversation by each head; one forward pass serves all heads.

    Args:
        reward_model: what scores.
        conversations: N conversations, each with its reply as the last message.
        batch_size: most conversations per forward pass.

    Returns:
        [H, N] float32, in the order given.

    Raises:
        CheckpointError: a conversation is longer than the model's context.
    """
    return score_all([reward_model], conversations, batch_size)[0]


def score_all(
    reward_models: Sequence[RewardModel], conversations: Sequence[Conversation], batch_size: int = 64, threads: int = 1
) -> list[Tensor]:
    """Return the rewards by each model of each conversation; models with equal tokenizers share the tokens.

    Args:
        reward_models: what scores; a model may have several outputs.
        conversations: N conversations, each with its reply as the last message.
        batch_size: most conversations per forward pass.
        threads: models that run at once.

    Returns:
        [H, N] float32 for each model of H outputs, in the order given.

    Raises:
        CheckpointError: a conversation is longer than a model's context.
    """
    import torch

    rewards = [torch.empty(one.num_heads, len(conversations)) for one in reward_models]
    # Models this small gain more from running side by side than from several threads within one product of matrices.
    with ThreadPoolExecutor(threads) as pool:
        run = pool.map if threads > 1 else map
        for start in range(0, len(conversations), WINDOW):
            part = slice(start, start + WINDOW)
            batches = _read(reward_models, conversations[part], batch_size)
            windows = [own[:, part] for own in rewards]
            list(run(_forward, (one.model for one in reward_models), batches, windows))
    return rewards


def _read(
    reward_models: Sequence[RewardModel], conversations: Sequence[Conversation], batch_size: int
) -> list[list[Batch]]:
    """Return the batches of each model; models that read alike have the same."""
    read: dict[str, list[Batch]] = {}
    for one in reward_models:
        if one.reading not in read:
            read[one.reading] = _batches(one.tokenizer, tokenize(one.tokenizer, conversations), batch_size)
        longest, context = read[one.reading][-1].input_ids.shape[1], models.context_length(one.model)
        if longest > context:
            raise CheckpointError(
                f"{one.model.name_or_path}: a conversation of {longest} tokens exceeds the reward model's context of "
                f"{context}; lower curation.filter_settings.length.max_words, or take a trunk that reads more"
            )
    return [read[one.reading] for one in reward_models]


def _batches(tokenizer: PreTrainedTokenizerFast, ids: Sequence[list[int]], batch_size: int) -> list[Batch]:
    """Return token ids in batches of like length, so that little is spent on padding; the longest comes last."""
    groups: list[list[int]] = []
    for row in sorted(range(len(ids)), key=lambda i: len(ids[i])):
        if not groups or _is_full(groups[-1], ids, row, batch_size):
            groups.append([])
        groups[-1].append(row)
    return [_pad(rows, [ids[i] for i in rows], tokenizer.pad_token_id) for rows in groups]


def _is_full(group: Sequence[int], ids: Sequence[list[int]], row: int, batch_size: int) -> bool:
    """Return whether the next row, which is as long as any of a group or longer, begins another."""
    width = len(ids[row])
    too_wide = len(group) >= LEAST_ROWS and width > GROWTH * len(ids[group[0]])
    return too_wide or len(group) == batch_size or (len(group) + 1) * width > BATCH_TOKENS


def _pad(rows: list[int], ids: Sequence[list[int]], pad_token_id: int) -> Batch:
    """Return token ids padded on the right; a tokenizer's own `pad` takes as long as a small model."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    input_ids = pad_sequence([torch.tensor(own) for own in ids], batch_first=True, padding_value=pad_token_id)
    lengths = torch.tensor([len(own) for own in ids])
    return Batch(rows, input_ids, (torch.arange(input_ids.shape[1]) < lengths[:, None]).long())


def _forward(model: PreTrainedModel, batches: Sequence[Batch], rewards: Tensor) -> None:
    """Write a model's [H, N] rewards of the conversations of one window."""
    import torch

    with torch.no_grad():
        for batch in batches:
            tokens = {name: getattr(batch, name).to(model.device) for name in ("input_ids", "attention_mask")}
            rewards[:, batch.rows] = model(**tokens, use_cache=False).logits.float().cpu().T
