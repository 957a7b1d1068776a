"""Steps of GRPO as TRL's trainer takes them and as the `gpu` profile does, for `benchmarks/gpu.py`.

Both train adapters on the same random weights with the same prompts, batch, completion limit and reward: TRL with what
GRPOConfig gives where nothing is said, ours by `policy/algorithms/grpo` on the settings of profiles/gpu.yaml.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.clone import ROOT
from benchmarks.gpu_variants import SIZES, adapter, create, device

NUM_STEPS, NUM_GENERATIONS = 4, 8
NUM_PROMPTS = 64
NUM_WORDS = 200


def loop(size: str, variant: str, batch: int, rows: int, prompt: int, new: int) -> dict[str, float]:
    """Return completion tokens per second of whole steps, the median of all but the first; `trl` or `profile`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        save(folder, size)
        take = {"trl": trl, "profile": profile}[variant]
        seconds = take(folder, batch, rows, prompt, new)
    return {"seconds_per_step": seconds, "tokens_per_second": batch * new / seconds}


def save(folder: Path, size: str) -> None:
    """Save a model of a shape and a tokenizer that knows some words of its vocabulary."""
    from rlhf_pipeline import models

    tokenizer = models.train_tokenizer(iter([" ".join(words())]), SIZES[size]["vocab_size"], "words")
    model = create(size)
    model.config.pad_token_id, model.config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    models.save_model(folder, model, tokenizer)


def words() -> list[str]:
    """Return what prompts are made of."""
    return [f"word{number}" for number in range(NUM_WORDS)]


def dataset(prompt: int) -> Any:
    """Return prompts of so many words each, no two alike, with the columns that both loops read."""
    from datasets import Dataset

    known = words()
    texts = [" ".join(known[(first + k) % NUM_WORDS] for k in range(prompt)) for first in range(NUM_PROMPTS)]
    rows = [{"prompt": [{"role": "user", "content": one}]} for one in texts]
    return Dataset.from_list([{**row, "prompt_index": i, "row": str(i)} for i, row in enumerate(rows)])


def reward(completion_ids: Sequence[Sequence[int]], **_: Any) -> list[Any]:
    """Return a reward that costs nothing and differs within a group: the mean of a completion's ids."""
    return [sum(ids) / max(len(ids), 1) / 1000 for ids in completion_ids]


def clock() -> Any:
    """Return a callback that keeps the seconds of every step as `seconds`."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        """A step ends when its weights have changed, which a device may still be doing."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.begun = self._now()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.seconds.append(self._now() - self.begun)

        def _now(self) -> float:
            import torch

            if device() == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter()

    return Clock()


def trl(folder: Path, batch: int, rows: int, prompt: int, new: int) -> float:
    """Return the seconds of a step of TRL's GRPOTrainer."""
    from trl import GRPOConfig, GRPOTrainer

    from rlhf_pipeline import models

    policy, tokenizer = models.load_policy(folder, dtype="bfloat16")
    args = GRPOConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=batch // rows,
        num_generations=NUM_GENERATIONS,
        max_completion_length=new,
        max_steps=NUM_STEPS,
        beta=0.02,
        gradient_checkpointing=True,
        bf16=True,
        use_cpu=device() == "cpu",
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    timer = clock()
    trainer = GRPOTrainer(
        policy,
        reward,
        args=args,
        train_dataset=dataset(prompt),
        processing_class=tokenizer,
        callbacks=[timer],
        peft_config=adapter("CAUSAL_LM"),
    )
    trainer.train()
    return median(timer.seconds[1:])


def profile(folder: Path, batch: int, rows: int, prompt: int, new: int) -> float:
    """Return the seconds of a step of this project's GRPO with the settings of profiles/gpu.yaml."""
    from rlhf_pipeline import methods, models, training
    from rlhf_pipeline.policy.algorithms import grpo
    from rlhf_pipeline.policy.generation import without_waste
    from rlhf_pipeline.policy.trainers import Setup

    settings = yaml.safe_load((ROOT / "profiles/gpu.yaml").read_text(encoding="utf-8"))["policy"]["settings"]
    asked = {"batch_size": batch, "rows_at_once": rows, "num_generations": NUM_GENERATIONS, "num_steps": NUM_STEPS}
    lengths = {"max_completion_length": new, "max_length": max(2 * prompt + new, 8)}
    params = methods.settings(grpo, {**settings, **asked, **lengths, "beta": 0.02})
    policy, tokenizer = models.load_policy(folder, **training.weights(params))
    without_waste(policy)
    timer = clock()
    grpo.trainer(Setup(policy, tokenizer, dataset(prompt), reward, 0, [timer]), params).train()
    return median(timer.seconds[1:])
