"""A base: the checkpoint that a trunk begins from, a folder or one of the hub's, made fit for what follows.

Every later stage loads what `sft` saved, so what a checkpoint lacks is put right here, once: a pad token that is not
the end, an end that is what its chat template ends a reply with, and embeddings for all tokens.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import hub, models
from rlhf_pipeline.models import PAD, CheckpointError
from rlhf_pipeline.records import assistant, read_json, user

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
LEFT_OUT = ("consolidated*", "original/*")  # the same weights in another layout
TODAY = re.compile(r"strftime_now\([^)]*\)")
FIXED_DAY = '"26 Jul 2024"'  # what such templates say themselves where they know no date


def resolve(base: Path | str, *, trust_remote_code: bool = False) -> Path:
    """Return the local folder of a checkpoint, fetched from the hub where it is not here yet.

    Args:
        base: a folder, a hub id `organisation/name@commit`, or a JSON file `{"hub": "organisation/name@commit"}`.
        trust_remote_code: fetch the checkpoint's own code too.

    Raises:
        CheckpointError: it is none of these, cannot be fetched, or holds no weights in safetensors.
    """
    folder = Path(base)
    if folder.is_file():
        return resolve(read_json(folder)["hub"], trust_remote_code=trust_remote_code)
    if not folder.is_dir():
        folder = _fetch(str(base), trust_remote_code)
    models.check_weights(folder, base)
    return folder


def is_checkpoint(base: Path | str) -> bool:
    """Return whether a base is a checkpoint and no architecture file."""
    return not Path(base).is_file() or "hub" in read_json(base)


def _fetch(base: str, trust_remote_code: bool) -> Path:
    if not hub.is_id(base):
        raise CheckpointError(
            f"{base}: neither an architecture (JSON file) nor a checkpoint (folder); "
            "one of the hub is written organisation/name@commit"
        )
    files = [*FILES, *(["*.py"] if trust_remote_code else [])]
    return hub.fetch(base, "weights", CheckpointError, allow_patterns=files, ignore_patterns=list(LEFT_OUT))


def load(
    base: Path | str, seed: int, *, chat_template: str | None = None, trust_remote_code: bool = False, **weights: Any
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return the model and tokenizer of a checkpoint, made fit.

    Args:
        base: what `resolve` takes.
        seed: of the embeddings of tokens that are added.
        chat_template: Jinja text that takes the place of the checkpoint's own.
        trust_remote_code: run code that comes with the checkpoint.
        weights: of `models.load_causal`.

    Raises:
        CheckpointError: the checkpoint cannot be used; says what it lacks.
    """
    import torch
    from transformers import AutoTokenizer

    folder = resolve(base, trust_remote_code=trust_remote_code)
    if models.is_reward_model(folder):
        raise CheckpointError(f"{base}: the checkpoint is a reward model; write ready: true to keep it as it is")
    with models.readable(base, "the tokenizer"):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    prepare_tokenizer(tokenizer, str(base), chat_template)
    model = models.load_causal(folder, trust_remote_code=trust_remote_code, **weights)
    torch.manual_seed(seed)
    prepare_model(model, tokenizer)
    return model.eval(), tokenizer


def prepare_tokenizer(tokenizer: PreTrainedTokenizerFast, name: str, chat_template: str | None = None) -> None:
    """Give a tokenizer the template, the end of a reply as its end token, and a pad token that is another.

    Raises:
        CheckpointError: there is no template, or it ends a reply with no special token.
    """
    template = chat_template or tokenizer.chat_template
    if not isinstance(template, str):
        raise CheckpointError(
            f"{name}: the tokenizer has no chat template; put chat_template.jinja into the folder, or give the "
            "template's text as sft.trunks.<name>.chat_template"
        )
    fix_day(tokenizer, template)
    tokenizer.eos_token = end_of_reply(tokenizer, name)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.add_special_tokens({"pad_token": PAD})
    tokenizer.padding_side = "right"


def fix_day(tokenizer: PreTrainedTokenizerFast, template: str) -> None:
    """Give a tokenizer a template; one that told today's date would give every night another prompt and reward."""
    tokenizer.chat_template = TODAY.sub(FIXED_DAY, template)


def end_of_reply(tokenizer: PreTrainedTokenizerFast, name: str) -> str:
    """Return the special token that the chat template writes after a reply; it need not be the tokenizer's end token.

    Raises:
        CheckpointError: there is none, so that a policy could never learn to stop.
    """
    reply = "reply"
    text = str(tokenizer.apply_chat_template([*user("prompt"), *assistant(reply)], tokenize=False))
    added = tokenizer.added_tokens_decoder
    for token_id in tokenizer(text.rpartition(reply)[2], add_special_tokens=False)["input_ids"]:
        if token_id in added and added[token_id].special:
            return str(added[token_id].content)
    raise CheckpointError(f"{name}: the chat template ends a reply with no special token; let it write eos_token there")


def prepare_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Give a model an embedding for every token, and the special tokens of its tokenizer."""
    embeddings: Any = model.get_input_embeddings()
    if len(tokenizer) > embeddings.weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer))
    models.set_tokens(model, tokenizer)
