"""Checkpoints, tokenizers and the chat template: how a model comes to life and how it is saved.

A base is a path. A file is an architecture (a transformers configuration as JSON): weights are drawn and a tokenizer
is trained on the demonstrations. A folder is a checkpoint in safetensors with its own tokenizer and template.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlhf_pipeline.records import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

PAD, END, UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"
ROLES = ("system", "user", "assistant")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class CheckpointError(ValueError):
    """A checkpoint or architecture cannot be used; says what is missing."""


def train_tokenizer(
    texts: Iterator[str], vocab_size: int, kind: Literal["bpe", "words"] = "bpe"
) -> PreTrainedTokenizerFast:
    """Train a tokenizer with our chat template; pad and end are different tokens.

    Args:
        texts: what it is trained on.
        vocab_size: most tokens it may have.
        kind: `bpe` reads any text, byte by byte where it must; `words` knows the words it saw and `UNKNOWN`, for the
            simulated world, whose models are a third cheaper with it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [PAD, END, UNKNOWN, *(f"<|{role}|>" for role in ROLES)]
    options: dict[str, Any] = {"vocab_size": vocab_size, "special_tokens": special, "show_progress": False}
    trainer: trainers.WordLevelTrainer | trainers.BpeTrainer
    if kind == "words":
        tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.WordLevelTrainer(**options)
    else:
        tokenizer = Tokenizer(models.BPE())
        # A space before the first word makes a word one token wherever it stands.
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(**options, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer=trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, padding_side="right"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def create_model(architecture: Path | str, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """Return a causal language model with weights drawn from a seed."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    fields: dict[str, Any] = dict(read_json(architecture))
    tokens = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    config = AutoConfig.for_model(**{**fields, "vocab_size": len(tokenizer), **tokens})
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def architecture_vocab_size(architecture: Path | str) -> int:
    """Return how many tokens the tokenizer of an architecture may have."""
    return int(read_json(architecture)["vocab_size"])


def load_tokenizer(folder: Path | str) -> PreTrainedTokenizerFast:
    """Return a checkpoint's tokenizer.

    Raises:
        CheckpointError: it has no chat template or no pad token.
    """
    from transformers import AutoTokenizer

    # Whichever of its backends a checkpoint names serves.
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.chat_template is None:
        raise CheckpointError(f"{folder}: the tokenizer has no chat template; save one with the checkpoint")
    if tokenizer.pad_token_id is None:
        raise CheckpointError(f"{folder}: the tokenizer has no pad token; set one that is not the end token")
    return tokenizer


def load_policy(folder: Path | str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a causal language model in float32 and evaluation mode, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(folder)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    return model.eval(), tokenizer


def reward_model_from(trunk: Path | str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a sequence classifier with one output on a trunk's weights; the head is drawn from a seed."""
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = load_tokenizer(trunk)
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        trunk, num_labels=1, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def save_model(folder: Path | str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Save weights (safetensors), configuration, tokenizer and chat template into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(folder)
