"""Stage `rewards@<name>`: pairs and a trunk in, one reward model out."""

import sys
from pathlib import Path

from rlhf_pipeline import checkpoints, methods, mistakes
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import derive_seed, read_some_rows, write_csv, write_json

VALIDATION = "data/curation/validation.jsonl"
OUT = Path("data/rewards")


def main(name: str) -> None:
    """Write data/rewards/members/<name>/, its metrics and its learning curve."""
    import torch

    from rlhf_pipeline import models, recorded
    from rlhf_pipeline.rewards import ready
    from rlhf_pipeline.rewards.training import Params, train
    from rlhf_pipeline.tracking import log_stage

    params = load_params()
    torch.set_num_threads(params.rewards.threads)
    member = params.rewards.members[name]
    settings = methods.parse_settings(Params, {**params.rewards.settings, **member.settings}, f"rewards.members.{name}")
    objective = methods.load("rewards/objectives", member.objective)
    objective_params = methods.settings(objective, member.objective_settings)
    seed = derive_seed(params.seed, "rewards", name)
    trunk, out = Path("data/sft/trunks") / member.trunk, OUT / "members" / name
    effective = {**member.model_dump(), **settings.model_dump(), **objective_params.model_dump(), "seed": seed}
    determined = effective | {"threads": params.rewards.threads}
    with checkpoints.kept(f"rewards@{name}", [trunk, member.pairs, VALIDATION], determined) as folder:
        validation = read_some_rows(VALIDATION)
        if member.ready:
            result = ready.keep(trunk, validation, out)
        else:
            pairs = read_some_rows(member.pairs)
            result = train(trunk, pairs, validation, settings, objective, objective_params, seed, out, folder)
            recorded.record(out, validation)
        write_csv(OUT / "curves" / f"{name}.csv", result["curve"], ["step", "loss", "eval_loss", "accuracy"])
        write_json(OUT / "metrics" / f"{name}.json", result["metrics"])
    log_stage(
        f"rewards@{name}",
        metrics=result["metrics"],
        params={"trunk": member.trunk, "role": member.role, "ready": True} if member.ready else effective,
        tags=models.remote_code_tag(out),
        artifacts=[out],
        datasets=[] if member.ready else [member.pairs],
        curve=result["curve"],
    )


if __name__ == "__main__":
    with mistakes.told(lower="rewards.settings.rows_at_once or max_length, or set gradient_checkpointing: true there"):
        main(sys.argv[1])
