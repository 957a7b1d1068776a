"""A policy trained on the world's labelled pairs by DPO, whose reward is implied."""

from pathlib import Path
from typing import Any

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import trunks, worlds

NUM_PAIRS = 4000
"""Train pairs; also of the explicit reward model that it is held against."""
SETTINGS: dict[str, Any] = {
    "beta": 0.1,
    "learning_rate": 3e-4,
    "per_device_train_batch_size": 32,
    "num_train_epochs": 1.0,
}


def policy(lab: Lab) -> Path:
    """Return the folder of the world's first trunk after DPO on the first `NUM_PAIRS` train pairs."""
    start = trunks.trunk(lab)

    def make(folder: Path) -> None:
        from datasets import Dataset
        from trl import DPOConfig, DPOTrainer

        from rlhf_pipeline import models

        (tuned, tokenizer), (reference, _) = models.load_policy(start), models.load_policy(start)
        sides = ("prompt", "chosen", "rejected")
        rows = [{side: row[side] for side in sides} for row in worlds.pairs(lab, "train")[:NUM_PAIRS]]
        config = DPOConfig(
            output_dir=str(folder / "trainer"), seed=lab.derive("direct"), lr_scheduler_type="cosine",
            warmup_steps=10, bf16=False, gradient_checkpointing=False, use_cpu=True, save_strategy="no", report_to=[],
            disable_tqdm=True, **SETTINGS,
        )  # fmt: skip
        pairs = Dataset.from_list(rows)
        DPOTrainer(tuned, ref_model=reference, args=config, train_dataset=pairs, processing_class=tokenizer).train()
        models.save_model(folder, tuned, tokenizer)

    return lab.part(
        "policies", make, trunks.CODE, algorithm="direct", start=start.name, pairs=NUM_PAIRS, settings=SETTINGS
    )
