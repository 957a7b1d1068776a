"""A ready reward model: a sequence classifier that is kept as it is, with its own tokenizer and chat template.

Nothing is trained and no score changes; what a later stage could not read as its maker does is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.sft import bases

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def load(
    base: Path | str, *, chat_template: str | None = None, trust_remote_code: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a reward model and its tokenizer, weights in the precision in which they were saved.

    Args:
        base: a checkpoint, as `bases.resolve` takes it.
        chat_template: Jinja text that takes the place of the checkpoint's own.
        trust_remote_code: run code that comes with the checkpoint.

    Raises:
        CheckpointError: it is no sequence classifier with one trained output, or its tokenizer cannot render or pad.
    """
    if not bases.is_checkpoint(base):
        raise CheckpointError(f"{base}: an architecture is no ready model; name a checkpoint, or take ready out")
    folder = bases.resolve(base, trust_remote_code=trust_remote_code)
    if not models.is_reward_model(folder):
        raise CheckpointError(
            f"{base}: no sequence classifier, so its head would be random; take ready out to train one from it"
        )
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    with models.readable(base, "the checkpoint"):
        tokenizer = _tokenizer(folder, str(base), chat_template, options)
        model = _classifier(folder, str(base), options)
    _join(model, tokenizer, str(base))
    return model.eval(), tokenizer


def _tokenizer(folder: Path, name: str, chat_template: str | None, options: dict[str, Any]) -> Any:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
    if template := chat_template or tokenizer.chat_template:
        bases.fix_day(tokenizer, template)
    models.check_tokenizer(tokenizer, name)
    models.add_nothing(tokenizer)
    return tokenizer


def _classifier(folder: Path, name: str, options: dict[str, Any]) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    outputs = AutoConfig.from_pretrained(folder, **options).num_labels
    if outputs != 1:
        raise CheckpointError(f"{name}: a reward model has one output, this one has {outputs}")
    found: Any = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype="auto", use_safetensors=True, output_loading_info=True, **options
    )
    model, told = found
    if missing := sorted(told["missing_keys"]):
        raise CheckpointError(f"{name}: weights are missing and would be random: {', '.join(missing[:3])}")
    return model


def _join(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    """Set the pad token where the model has none: by itself it scores single texts only, and their scores stay.

    Raises:
        CheckpointError: the model pads with another token than its tokenizer, or lacks embeddings for some.
    """
    said = model.config.get_text_config().pad_token_id
    if said not in (None, tokenizer.pad_token_id):
        raise CheckpointError(
            f"{name}: pad_token_id is {said} in config.json and {tokenizer.pad_token_id} in the tokenizer; write the "
            "one it was trained with into both"
        )
    embeddings: Any = model.get_input_embeddings()
    if len(tokenizer) > embeddings.weight.shape[0]:
        raise CheckpointError(
            f"{name}: {len(tokenizer)} tokens and {embeddings.weight.shape[0]} embeddings; save the tokenizer that the "
            "model was trained with"
        )
    models.set_pad(model, tokenizer)


def keep(base: Path | str, out: Path, **loading: Any) -> dict[str, Any]:
    """Save a ready reward model into `out`; return metrics and an empty learning curve, as a training does.

    What `loading` can be stands at `load`.
    """
    model, tokenizer = load(base, **loading)
    models.save_model(out, model, tokenizer)
    metrics = {
        "num_demonstrations": 0,
        "num_truncated": 0,
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "vocab_size": len(tokenizer),
    }
    return {"metrics": metrics, "curve": []}
