"""Checkpoints, tokenizers and the chat template: how a model comes to life and how it is saved.

Weights are safetensors. A checkpoint's own code runs only where `trust_remote_code` says so in params.yaml; what `sft`
makes of such a checkpoint carries a mark, by which later stages know that it was said and reports tell of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import read_json, write_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

PAD, END, UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"
REMOTE_CODE = "remote_code.json"
UNTRUSTED = "its own code is not run unless trusted; read it, then write sft.trunks.<name>.trust_remote_code: true"
ROLES = ("system", "user", "assistant")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class CheckpointError(Mistake):
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
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    set_tokens(model, tokenizer)
    return model.to(device())


def architecture_vocab_size(architecture: Path | str) -> int:
    """Return how many tokens the tokenizer of an architecture may have."""
    return int(read_json(architecture)["vocab_size"])


def set_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Tell a model its tokenizer's special tokens, and that it samples from its whole distribution.

    What a checkpoint brings of its own (a repetition penalty, a top-k) would bend every sample and its KL divergence.
    """
    from transformers import GenerationConfig

    tokens = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    for config in (model.config, model.config.get_text_config()):
        config.update(tokens)
    model.generation_config = GenerationConfig(do_sample=True, temperature=1.0, top_k=0, top_p=1.0, **tokens)


def load_tokenizer(folder: Path | str) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a checkpoint that this project saved.

    Raises:
        CheckpointError: it has no chat template, or no pad token beside its end token.
    """
    from transformers import AutoTokenizer

    # Whichever of its backends a checkpoint names serves.
    with readable(folder, "the tokenizer"):
        options = {"local_files_only": True, "trust_remote_code": runs_remote_code(folder)}
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
    check_tokenizer(tokenizer, str(folder))
    return tokenizer


def check_tokenizer(tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    """Refuse a tokenizer that cannot render conversations or pad them.

    Raises:
        CheckpointError: it has no chat template, or no pad token beside its end token.
    """
    if tokenizer.chat_template is None:
        raise CheckpointError(f"{name}: the tokenizer has no chat template; save one with the checkpoint")
    if tokenizer.pad_token_id is None:
        raise CheckpointError(f"{name}: the tokenizer has no pad token; set one that is not the end token")
    if tokenizer.pad_token_id == tokenizer.eos_token_id:
        raise CheckpointError(f"{name}: the tokenizer pads with its end token; set a pad token of its own")


@contextmanager
def readable(folder: Path | str, part: str) -> Iterator[None]:
    """Tell of a checkpoint's part that is torn or missing in one line.

    Raises:
        CheckpointError: it is.
    """
    from safetensors import SafetensorError

    try:
        yield
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        why = f"{part} cannot be read: {told}; copy or save the checkpoint again (save_pretrained)"
        raise CheckpointError(f"{folder}: {UNTRUSTED if 'trust_remote_code' in str(error) else why}") from error


def runs_remote_code(folder: Path | str) -> bool:
    """Return whether a checkpoint that this project saved is marked as made of one whose code was trusted."""
    return (Path(folder) / REMOTE_CODE).exists()


def remote_code_tag(folder: Path | str) -> dict[str, str]:
    """Return the tag that MLflow shows where a saved checkpoint is marked; see `runs_remote_code`."""
    return {"trust_remote_code": "true"} if runs_remote_code(folder) else {}


def has_remote_code(model: PreTrainedModel) -> bool:
    """Return whether a model's class came with its checkpoint."""
    return type(model).__module__.startswith("transformers_modules.")


def load_causal(folder: Path | str, *, trust_remote_code: bool = False, **weights: Any) -> PreTrainedModel:
    """Return a causal language model on this machine's device; see `load_weights` for what `weights` holds."""
    from transformers import AutoModelForCausalLM

    return load_weights(AutoModelForCausalLM, folder, trust_remote_code, **weights)


def load_weights(
    auto: Any, folder: Path | str, trust_remote_code: bool, dtype: Any = "auto", quantization: Any = None, **fields: Any
) -> PreTrainedModel:
    """Return a model of one of transformers' auto classes on this machine's device.

    Args:
        auto: the class.
        folder: of the checkpoint.
        trust_remote_code: run code that comes with the checkpoint.
        dtype: of the weights; `auto` is what they were saved in.
        quantization: a transformers quantization configuration.
        fields: of the model's configuration.

    Raises:
        CheckpointError: there are no weights in safetensors, or they cannot be read.
    """
    check_weights(folder, folder)
    placed = {"quantization_config": quantization, "device_map": {"": device()}} if quantization else {}
    with readable(folder, "the model"):
        model = auto.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=trust_remote_code,
            **placed, **fields,
        )  # fmt: skip
    return model if quantization else model.to(device())


def device() -> str:
    """Return where models live: the GPU where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def context_length(model: PreTrainedModel) -> int:
    """Return how many tokens a model reads at most."""
    return int(model.config.get_text_config().max_position_embeddings)


def is_reward_model(folder: Path | str) -> bool:
    """Return whether a checkpoint's configuration says that it holds a sequence classifier."""
    with readable(folder, "the configuration"):
        config = read_json(Path(folder) / "config.json")
    named = config.get("architectures") or []
    own = config.get("auto_map", {}).get("AutoModelForSequenceClassification", "").rpartition(".")[2]
    return any(name.endswith("ForSequenceClassification") or name == own for name in named)


def check_weights(folder: Path | str, name: Path | str) -> None:
    """Refuse a checkpoint without weights in safetensors; `name` is the user's word for it.

    Raises:
        CheckpointError: it has none.
    """
    if not any(Path(folder).glob("*.safetensors")):
        raise CheckpointError(
            f"{name}: no weights in safetensors. Pickled weights can run code when they are read and are refused; "
            "load the model where you trust it and save it with save_pretrained"
        )


def check_embeddings(folder: Path | str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Refuse a tokenizer that gives ids for which the model has no embedding.

    Raises:
        CheckpointError: it does.
    """
    embeddings: Any = model.get_input_embeddings()
    if len(tokenizer) > embeddings.weight.shape[0]:
        raise CheckpointError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens and the model {embeddings.weight.shape[0]} "
            f"embeddings; call resize_token_embeddings({len(tokenizer)}) and save it again"
        )


def load_policy(folder: Path | str, **weights: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a causal language model that this project saved, in evaluation mode, and its tokenizer."""
    tokenizer = load_tokenizer(folder)
    model = load_causal(folder, trust_remote_code=runs_remote_code(folder), **weights)
    check_embeddings(folder, model, tokenizer)
    return model.eval(), tokenizer


def reward_model_from(
    trunk: Path | str, seed: int, num_heads: int = 1, **weights: Any
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a sequence classifier with an output per head on a trunk's weights; the heads are drawn from a seed."""
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = load_tokenizer(trunk)
    add_nothing(tokenizer)
    torch.manual_seed(seed)
    auto = AutoModelForSequenceClassification
    model = load_weights(auto, trunk, runs_remote_code(trunk), num_labels=num_heads, **weights)
    check_embeddings(trunk, model, tokenizer)
    set_pad(model, tokenizer)
    return model, tokenizer


def set_pad(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Tell a sequence classifier its tokenizer's pad token: the score is read at the last token that is another."""
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    model.config.pad_token_id = tokenizer.pad_token_id


def add_nothing(tokenizer: Any) -> None:
    """Let a tokenizer read a rendered conversation as it stands, as reward-bench does: no first token twice."""
    from tokenizers import processors

    if len(tokenizer("a")["input_ids"]) > len(tokenizer("a", add_special_tokens=False)["input_ids"]):
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")


def save_model(folder: Path | str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Save weights (safetensors), configuration, tokenizer and chat template into a folder: all of it or nothing."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    tokenizer.padding_side = "right"
    try:
        model.save_pretrained(folder, safe_serialization=True)
        tokenizer.save_pretrained(folder)
        if has_remote_code(model):
            write_json(Path(folder) / REMOTE_CODE, {"trust_remote_code": True})
    except BaseException as error:
        vars(error).setdefault("filename", str(folder))  # safetensors does not say where the disk was full
        shutil.rmtree(folder)
        raise
