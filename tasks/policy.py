"""Stage `policy`: policy prompts, ensemble and reference in, the tuned policy and its trajectory out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import checkpoints, methods, mistakes, models
from rlhf_pipeline.params import Params, load_params
from rlhf_pipeline.records import derive_seed, read_json, read_some_rows, write_csv, write_json, write_rows

if TYPE_CHECKING:
    from rlhf_pipeline.policy.card import Origin
    from rlhf_pipeline.policy.watching import Plan
    from rlhf_pipeline.validation.ensemble import Ensemble

OUT = Path("data/policy")
PROMPTS = "data/curation/policy_prompts.jsonl"
ENSEMBLE, MEMBERS = "data/validation/ensemble.json", "data/rewards/members"


def main() -> None:
    """Write data/policy/: the model, samples along the way, the trajectory and metrics."""
    # TRL would import it for a profile that we do not take; it costs more than a second.
    os.environ.setdefault("DISABLE_MLFLOW_INTEGRATION", "TRUE")
    import torch

    from rlhf_pipeline.policy import card
    from rlhf_pipeline.policy.shaping import compose
    from rlhf_pipeline.policy.training import train
    from rlhf_pipeline.policy.trajectory import COLUMNS
    from rlhf_pipeline.tracking import log_stage
    from rlhf_pipeline.validation.ensemble import Ensemble

    params = load_params()
    torch.set_num_threads(params.policy.threads)
    algorithm = methods.load("policy/algorithms", params.policy.algorithm)
    settings = methods.settings(algorithm, params.policy.settings)
    shape = compose(params.policy.shaping, params.policy.shaping_settings) if params.policy.shaping else None
    ensemble = Ensemble.load(ENSEMBLE, MEMBERS, params.rewards.named("member"))
    reference = Path("data/sft/trunks") / params.policy.reference
    plan = guard(params)
    seed, threads = derive_seed(params.seed, "policy"), params.policy.threads
    effective = {**params.policy.model_dump(), "settings": settings.model_dump(), "seed": seed}
    # The ensemble's description holds the content hash of each member.
    with checkpoints.kept("policy", [PROMPTS, ENSEMBLE, reference], effective) as folder:
        prompts, out = read_some_rows(PROMPTS), OUT / "model"
        result = train(reference, ensemble, prompts, algorithm, settings, seed, out, threads, folder, shape, plan)
        card.write(out, origin(params, settings, ensemble, result["metrics"]["num_prompts"]))
        write_csv(OUT / "trajectory.csv", result["trajectory"], COLUMNS)
        write_rows(OUT / "samples.jsonl", result["samples"])
        write_json(OUT / "metrics.json", result["metrics"])
    log_stage(
        "policy",
        metrics=result["metrics"],
        params=effective,
        tags=models.remote_code_tag(OUT / "model"),
        artifacts=[OUT / "trajectory.csv", OUT / "samples.jsonl"],
        datasets=[PROMPTS],
        curve=result["trajectory"],
    )


def guard(params: Params) -> "Plan":
    """Return what watches the training: the monitor with the reward models that have the role of guard."""
    from rlhf_pipeline.policy.guard import reward_hack_monitor
    from rlhf_pipeline.policy.watching import Plan
    from rlhf_pipeline.validation.ensemble import load_panel

    section = params.policy.guard
    named = params.rewards.named("guard")
    held_out = load_panel(ENSEMBLE, MEMBERS, named, "guards") if named else {}
    monitor = methods.parse_settings(reward_hack_monitor.Params, section.settings, "policy.guard")
    return Plan(section.action, section.factor, monitor, list(held_out.values()))


def origin(params: Params, settings: Any, ensemble: "Ensemble", num_prompts: int) -> "Origin":
    """Return what the policy was made of, for its card."""
    from rlhf_pipeline.policy.card import Origin

    trunk = params.sft.trunks[params.policy.reference]
    return Origin(
        base=trunk.base,
        reference=params.policy.reference,
        algorithm=params.policy.algorithm,
        settings=settings.model_dump(),
        source=params.curation.source,
        num_prompts=num_prompts,
        aggregator=ensemble.aggregator,
        members={name: params.rewards.members[name].model_dump() for name in ensemble.members},
        gates={stage: read_json(f"data/gate/{stage}.json") for stage in ("curation", "validation")},
        trust_remote_code=trunk.trust_remote_code,
    )


if __name__ == "__main__":
    with mistakes.told(lower="policy.settings.rows_at_once or max_length, or set gradient_checkpointing: true there"):
        main()
