"""Training of the policy against the proxy reward, on a TRL trainer that an algorithm makes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import checkpoints, models, training
from rlhf_pipeline.mistakes import Mistake, is_too_little_memory
from rlhf_pipeline.policy import watching
from rlhf_pipeline.policy.sampling import completion_logps, render_prompts
from rlhf_pipeline.policy.trainers import Params, Setup
from rlhf_pipeline.records import Conversation, Row, derive_seed
from rlhf_pipeline.validation.ensemble import Ensemble

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from rlhf_pipeline.policy.shaping import Shape


def choose_prompts(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerFast, params: Params, seed: int, context: int
) -> tuple[list[Row], list[Row], int]:
    """Return the prompts that training uses, in random order, those that are sampled, and how many were left out.

    Samples are of prompts that training does not use, as far as there are any. A prompt must leave room for a whole
    completion, in `max_length` and in the `context` of the model, both in tokens.

    Raises:
        Mistake: every prompt is too long, or they are too few for a step.
    """
    texts = render_prompts(tokenizer, [row["prompt"] for row in rows])
    sizes = map(len, tokenizer(texts, add_special_tokens=False)["input_ids"])
    room = min(params.max_length, context) - params.max_completion_length
    kept = [row for row, size in zip(rows, sizes, strict=True) if size <= room]
    if not kept:
        raise Mistake(
            f"none of {len(rows)} prompts has at most {room} tokens, which is max_length {params.max_length} or the "
            f"model's context {context}, less max_completion_length {params.max_completion_length}; raise "
            "policy.settings.max_length or lower max_completion_length"
        )
    num_too_long = len(rows) - len(kept)
    random.Random(seed).shuffle(kept)
    if params.draws_completions and len(kept) < params.prompts_at_once:
        raise Mistake(
            f"{len(kept)} prompts, where the completions of {params.prompts_at_once} are drawn at once (batch_size "
            f"{params.batch_size}, steps_per_generation {params.steps_per_generation}, num_generations "
            f"{params.num_generations}); lower policy.settings.batch_size or steps_per_generation, or add prompts"
        )
    num_used = len(kept)
    if params.num_steps is not None:
        num_used = (
            -(-params.num_steps // (params.steps_per_generation * params.num_iterations)) * params.prompts_at_once
        )
    trained, fresh = kept[:num_used], kept[num_used:]
    return trained, (fresh + trained)[: params.num_sampled_prompts], num_too_long


def mean_kl(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Conversation],
    completion_ids: Sequence[list[int]],
) -> float:
    """Return the mean log-ratio of the policy's own completions, in nats per completion."""
    logps = [completion_logps(model, tokenizer, prompts, completion_ids) for model in (policy, reference)]
    return (logps[0] - logps[1]).mean().item()


def train(
    reference_folder: Path | str,
    ensemble: Ensemble,
    prompts: Sequence[Row],
    algorithm: ModuleType,
    params: Any,
    seed: int,
    out: Path,
    threads: int = 1,
    checkpoint_folder: Path | None = None,
    shape: Shape | None = None,
    plan: watching.Plan | None = None,
) -> dict[str, Any]:
    """Train a policy from the reference and save it into `out`; return metrics, trajectory and samples.

    Args:
        reference_folder: where it begins, and what its KL divergence counts from.
        ensemble: what it is optimised against.
        prompts: what it answers.
        algorithm: a module of `policy/algorithms`.
        params: its settings.
        seed: of prompts, completions and updates.
        out: the folder of the policy.
        threads: models of the ensemble that are scored at once.
        checkpoint_folder: from which a killed training goes on.
        shape: done to the ensemble's rewards before the algorithm sees them; see `policy.shaping`.
        plan: what watches the training; None warns by the samples alone.

    Raises:
        EnsembleError: a member gave NaN or infinity; names it.
        Mistake: no prompt is short enough.
        DivergedError: the loss or its gradient is not finite; names the step and the ids of the prompts.
    """
    while True:
        try:
            return _train(
                reference_folder, ensemble, prompts, algorithm, params, seed, out, threads, checkpoint_folder, shape,
                plan or watching.Plan(),
            )  # fmt: skip
        except (RuntimeError, MemoryError) as error:
            smaller = params.halved() if params.halve_on_oom and is_too_little_memory(error) else None
            if smaller is None:
                raise
            print(f"too little memory: going on with rows_at_once {smaller.rows_at_once}", flush=True)
            params = smaller
        _release_memory()


def _release_memory() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _train(
    reference_folder: Path | str,
    ensemble: Ensemble,
    prompts: Sequence[Row],
    algorithm: ModuleType,
    params: Any,
    seed: int,
    out: Path,
    threads: int,
    checkpoint_folder: Path | None,
    shape: Shape | None,
    plan: watching.Plan,
) -> dict[str, Any]:
    from rlhf_pipeline.policy import trajectory
    from rlhf_pipeline.policy.generation import without_waste
    from rlhf_pipeline.policy.proxy import measure_proxy

    load = partial(models.load_policy, reference_folder)
    (policy, tokenizer), (reference, _) = (load(**training.weights(params)) for _ in range(2))
    context = models.context_length(policy)
    without_waste(policy)
    rows, sampled, num_too_long = choose_prompts(prompts, tokenizer, params, derive_seed(seed, "prompts"), context)
    limit = params.max_completion_length
    against = partial(
        measure_proxy, reference=reference, tokenizer=tokenizer, num_references=params.num_references,
        max_new_tokens=limit, seed=derive_seed(seed, "baseline"), threads=threads,
    )  # fmt: skip
    proxy = against(ensemble, prompts=[row["prompt"] for row in rows])
    by, *held_out = (against(one, prompts=[row["prompt"] for row in sampled]) for one in (ensemble, *plan.held_out))
    draw = partial(
        trajectory.draw_samples, policy, reference, tokenizer, by, [row["id"] for row in sampled], held_out,
        max_new_tokens=limit, seed=derive_seed(seed, "samples"),
    )  # fmt: skip
    recorder = trajectory.Recorder(draw, params.save_samples_steps, params.draws_completions)
    measure = None if params.logs_kl else partial(mean_kl, policy, reference, tokenizer)
    reward = proxy.reward_function(measure, shape, derive_seed(seed, "shaping"))
    steps = derive_seed(seed, "steps")
    guard = watching.Guard(recorder, plan, checkpoint_folder)
    setup = Setup(policy, tokenizer, _dataset(rows), reward, steps, [recorder, guard], checkpoint_folder)
    trainer = algorithm.trainer(setup, params)
    guard.attach(trainer)
    checkpoints.train(trainer)
    guarded = guard.finish(trainer.model)
    if trainer.is_world_process_zero():
        models.save_model(out, _finish(trainer, params, load), tokenizer)
    trainer.accelerator.wait_for_everyone()
    counts = {"num_steps": trainer.state.global_step, "num_prompts": len(rows), "num_too_long": num_too_long}
    metrics = {**trajectory.summarise(recorder.rows), **counts, **guarded}
    return {"metrics": metrics, "trajectory": recorder.rows, "samples": recorder.samples}


def _dataset(rows: Sequence[Row]) -> Dataset:
    from datasets import Dataset

    return Dataset.from_list(
        [{"prompt": row["prompt"], "prompt_index": i, "row": row["id"]} for i, row in enumerate(rows)]
    )


def _finish(trainer: Any, params: Params, load: Callable[..., tuple[Any, Any]]) -> PreTrainedModel:
    """Return the trained policy as it is saved, without what its algorithm put on it."""
    trained = training.finish(trainer.model, params, load)
    for name in trainer.added:
        delattr(trained, name)
    return trained
