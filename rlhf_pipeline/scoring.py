"""The one way to score: every stage, check and reward function calls `score`, `score_heads` or `score_all`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import models, prefixes
from rlhf_pipeline.batching import Chunk, plan
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation, hash_text

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

TOLERANCE = 1e-4
"""Largest difference of a float32 score between batch sizes and paddings, before and after save and load."""
BF16_TOLERANCE = 0.05
"""The same for weights in bfloat16, as a share of the largest score; such a number has two to three digits."""
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

    @cached_property
    def shares(self) -> bool:
        """Return whether it may read a prompt once for several replies."""
        return prefixes.can_read(self.model)


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
    # Models this small gain more from running side by side than from several threads within one product of matrices:
    # each runs on its share of the threads, or all would wait for each other.
    own = max(torch.get_num_threads() // threads, 1)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(own,)) as pool:
        run = pool.map if threads > 1 else map
        for start in range(0, len(conversations), WINDOW):
            part = slice(start, start + WINDOW)
            batches = _read(reward_models, conversations[part], batch_size)
            windows = [one[:, part] for one in rewards]
            list(run(_forward, (one.model for one in reward_models), batches, windows))
    return rewards


def _read(
    reward_models: Sequence[RewardModel], conversations: Sequence[Conversation], batch_size: int
) -> list[list[Chunk]]:
    """Return what goes through each model; models that read alike share it."""
    tokens: dict[str, list[list[int]]] = {}
    planned: dict[tuple[str, bool], list[Chunk]] = {}
    by_prompt, found = _by_prompt(conversations), []
    for one in reward_models:
        if one.reading not in tokens:
            tokens[one.reading] = tokenize(one.tokenizer, conversations)
        longest, context = max(map(len, tokens[one.reading])), models.context_length(one.model)
        if longest > context:
            raise CheckpointError(
                f"{one.model.name_or_path}: a conversation of {longest} tokens exceeds the reward model's context of "
                f"{context}; lower curation.filter_settings.length.max_words, or take a trunk that reads more"
            )
        shares = len(by_prompt) < len(conversations) and one.shares  # a model is asked only where it matters
        if (one.reading, shares) not in planned:
            groups = by_prompt if shares else [[row] for row in range(len(conversations))]
            pad = one.tokenizer.pad_token_id
            planned[one.reading, shares] = plan(tokens[one.reading], groups, pad, batch_size)
        found.append(planned[one.reading, shares])
    return found


def _by_prompt(conversations: Sequence[Conversation]) -> list[list[int]]:
    """Return the rows of each prompt."""
    rows: dict[str, list[int]] = {}
    for row, said in enumerate(conversations):
        rows.setdefault(str(said[:-1]), []).append(row)
    return list(rows.values())


def _forward(model: PreTrainedModel, chunks: Sequence[Chunk], rewards: Tensor) -> None:
    """Write a model's [H, N] rewards of the conversations of one window."""
    import torch

    with torch.inference_mode():
        for chunk in chunks:
            before = chunk.prefixes and prefixes.read(model, *(one.to(model.device) for one in chunk.prefixes))
            for batch in chunk.batches:
                ids, mask = batch.input_ids.to(model.device), batch.attention_mask.to(model.device)
                if before:
                    said = before.go_on(model, batch.prefix.to(model.device), ids, mask)
                else:
                    said = model(input_ids=ids, attention_mask=mask, use_cache=False)
                rewards[:, batch.rows] = said.logits.float().cpu().T
