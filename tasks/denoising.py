"""Stage `denoising`: train pairs in, train pairs as cleaned by filters that need models out."""

from pathlib import Path
from typing import Any, NoReturn

from rlhf_pipeline import mistakes
from rlhf_pipeline.denoising.denoise import denoise
from rlhf_pipeline.denoising.filters import Context
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import derive_seed, read_rows, write_json, write_rows

TRAIN = Path("data/curation/train.jsonl")
OUT = Path("data/denoising")


def not_handed_in(*_: Any) -> NoReturn:
    """Refuse: no filter needs a model yet, so the stage depends on no trainer."""
    raise NotImplementedError("the first filter that needs a model brings `train` and `score` to this task")


def main() -> None:
    """Write every file of data/denoising/."""
    params = load_params()
    reference = Path("data/sft/trunks") / params.policy.reference
    seed = derive_seed(params.seed, "denoising")
    context = Context(reference=reference, seed=seed, train=not_handed_in, score=not_handed_in)
    denoised = denoise(read_rows(TRAIN), params.denoising, context)
    write_rows(OUT / "train.jsonl", denoised.rows)
    write_rows(OUT / "dropped.jsonl", denoised.dropped)
    write_json(OUT / "metrics.json", denoised.metrics)

    from rlhf_pipeline.tracking import log_stage

    effective = params.denoising.model_dump() | {"seed": params.seed}
    log_stage("denoising", metrics=denoised.metrics, params=effective, datasets=[TRAIN])


if __name__ == "__main__":
    with mistakes.told():
        main()
