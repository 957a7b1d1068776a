"""Stage `sft@<name>`: demonstrations in, a trunk and its tokenizer out."""

import sys
from pathlib import Path

from rlhf_pipeline import checkpoints, mistakes
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import derive_seed, read_some_rows, write_csv, write_json

DEMONSTRATIONS = "data/curation/demonstrations.jsonl"
OUT = Path("data/sft")


def main(name: str) -> None:
    """Write data/sft/trunks/<name>/, its metrics and its learning curve."""
    import torch

    from rlhf_pipeline import models
    from rlhf_pipeline.methods import parse_settings
    from rlhf_pipeline.sft import ready
    from rlhf_pipeline.sft.training import Params, train
    from rlhf_pipeline.tracking import log_stage

    params = load_params()
    torch.set_num_threads(params.sft.threads)
    trunk = params.sft.trunks[name]
    settings = parse_settings(Params, {**params.sft.settings, **trunk.settings}, f"sft.trunks.{name}")
    seed = derive_seed(params.seed, "sft", name)
    loading = trunk.model_dump(include={"chat_template", "trust_remote_code"})
    trained = {**settings.model_dump(), "seed": seed}
    determined = {**trained, **loading, "ready": trunk.ready, "threads": params.sft.threads}
    out = OUT / "trunks" / name
    with checkpoints.kept(f"sft@{name}", [trunk.base, DEMONSTRATIONS], determined) as folder:
        if trunk.ready:
            result = ready.keep(trunk.base, out, **loading)
        else:
            result = train(trunk.base, read_some_rows(DEMONSTRATIONS), settings, seed, out, folder, **loading)
        write_csv(OUT / "curves" / f"{name}.csv", result["curve"], ["step", "loss"])
        write_json(OUT / "metrics" / f"{name}.json", result["metrics"])
    log_stage(
        f"sft@{name}",
        metrics=result["metrics"],
        params={"base": trunk.base, **loading, **({"ready": True} if trunk.ready else trained)},
        tags=models.remote_code_tag(out),
        artifacts=[out],
        datasets=[] if trunk.ready else [DEMONSTRATIONS],
        curve=result["curve"],
    )


if __name__ == "__main__":
    with mistakes.told(lower="sft.settings.rows_at_once or max_length, or set gradient_checkpointing: true there"):
        main(sys.argv[1])
