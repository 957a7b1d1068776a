"""Supervised fine-tuning of a trunk on demonstrations, on TRL's SFTTrainer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rlhf_pipeline import adapters, checkpoints, models, training
from rlhf_pipeline.records import Row, text
from rlhf_pipeline.sft import bases

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Params(training.TrainingParams):
    """Settings of a trunk's training."""

    learning_rate: float = Field(4e-3, gt=0, description="peak; high, for models of less than a million parameters")
    batch_size: int = Field(32, ge=1)
    tokenizer: Literal["bpe", "words"] = Field("bpe", description="trained on the demonstrations, for an architecture")


def create_or_load(
    base: Path | str, demonstrations: list[Row], kind: Literal["bpe", "words"], seed: int, **loading: Any
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a new model and tokenizer for an architecture file, or those of a checkpoint.

    Args:
        base: what `bases.resolve` takes, or a file that holds a transformers configuration.
        demonstrations: what a new tokenizer is trained on.
        kind: of a new tokenizer.
        seed: of new weights.
        loading: how `bases.load` loads a checkpoint: `chat_template`, `trust_remote_code`, the weights' `dtype`.

    Raises:
        CheckpointError: the base is neither, or the checkpoint cannot be used.
    """
    if bases.is_checkpoint(base):
        return bases.load(base, seed, **loading)
    texts = (text([*row["prompt"], *row["completion"]]) for row in demonstrations)
    tokenizer = models.train_tokenizer(texts, models.architecture_vocab_size(base), kind)
    return models.create_model(base, tokenizer, seed), tokenizer


def tokenize(rows: list[Row], tokenizer: PreTrainedTokenizerFast, max_length: int) -> tuple[list[Row], int]:
    """Return TRL's tokenized form, loss on the completion alone, and how many rows were cut to max_length."""
    prompts = tokenizer.apply_chat_template([r["prompt"] for r in rows], tokenize=False, add_generation_prompt=True)
    wholes = tokenizer.apply_chat_template([r["prompt"] + r["completion"] for r in rows], tokenize=False)
    prompt_ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    whole_ids = tokenizer(wholes, add_special_tokens=False)["input_ids"]
    tokenized = [
        {
            "input_ids": ids[:max_length],
            "labels": ([-100] * len(prompt) + ids[len(prompt) :])[:max_length],
            "row": str(n),
        }
        for n, (prompt, ids) in enumerate(zip(prompt_ids, whole_ids, strict=True), start=1)
    ]
    return tokenized, sum(len(ids) > max_length for ids in whole_ids)


def create_trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    rows: list[Row],
    params: Params,
    seed: int,
    checkpoint_folder: Path | None,
) -> Any:
    """Return TRL's SFTTrainer on tokenized rows, which it names where a loss is not finite."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        **training.arguments(params, len(rows), seed, checkpoint_folder),
        max_length=params.max_length,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        # Not by length, though padding takes a sixth of the time: sorted batches hold one kind of demonstration for
        # many steps on end, and what one kind teaches (marks: telling right from wrong) is forgotten in the next.
        train_sampling_strategy="random",
    )
    trainer = training.guarded(SFTTrainer)(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapters.peft_config(params.lora, "CAUSAL_LM"),
    )
    trainer.data_collator = training.name_rows(trainer.data_collator)
    return trainer


def train(
    base: Path | str,
    demonstrations: list[Row],
    params: Params,
    seed: int,
    out: Path,
    checkpoint_folder: Path | None = None,
    **loading: Any,
) -> dict[str, Any]:
    """Train a trunk and save it into `out`; return metrics and the learning curve.

    What `base` and `loading` can be stands at `create_or_load`.

    Returns:
        `metrics` (flat floats) and `curve` (rows of step and loss in nats per token).

    Raises:
        DivergedError: the loss or its gradient is not finite; names the step and the lines of the demonstrations.
    """
    create = partial(create_or_load, base, demonstrations, params.tokenizer, seed, **loading)
    model, tokenizer = create(**training.weights(params))
    rows, num_truncated = tokenize(demonstrations, tokenizer, params.max_length)
    trainer = create_trainer(model, tokenizer, rows, params, seed, checkpoint_folder)
    checkpoints.train(trainer)
    model = training.finish(trainer.model, params, create)
    models.save_model(out, model, tokenizer)
    curve = training.curve(trainer.state.log_history, {"loss": "loss"})
    metrics = {
        "train_loss": training.mean_loss(curve),
        "num_demonstrations": len(rows),
        "num_truncated": num_truncated,
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "vocab_size": len(tokenizer),
    }
    return {"metrics": metrics, "curve": curve}
