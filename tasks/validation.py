"""Stage `validation`: join the members into one reward, audit it, and judge the audit."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from rlhf_pipeline import mistakes, recorded
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import read_rows, whole, write_json
from rlhf_pipeline.tracking import log_stage
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.context_length import fits_all
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.items import Inputs
from rlhf_pipeline.validation.members import load_members, member_of, refuse_constant, score_with, voices
from rlhf_pipeline.verdicts import write_verdict

CURATION, MEMBERS, OUT = Path("data/curation"), Path("data/rewards/members"), Path("data/validation")
READ = ("test", "validation", "contrast", "single_edits", "demonstrations")


def main() -> None:
    """Write the ensemble's description, its audit, the verdict and the metrics."""
    params = load_params()
    section, rewards = params.validation, params.rewards
    torch.set_num_threads(1)  # each model is scored on one thread, `threads` of them at once
    members, evaluators, guards = rewards.named("member"), rewards.named("evaluator"), rewards.named("guard")
    models = load_members(MEMBERS, [*members, *evaluators, *guards], rewards.members)
    recorded.refuse_changed(models)

    rows = {name: read_rows(CURATION / f"{name}.jsonl") for name in READ}
    plan = audit.plan(Inputs(**rows, fits=fits_all(models.values())), section.checks, section.check_settings)
    raw = score_with(models, plan.table.conversations, section.threads)
    refuse_constant(voices(models), raw)
    statistics = audit.scale_members(plan, raw)

    def join(names: Sequence[str], **shape: Any) -> Ensemble:
        own = {key: model for key, model in models.items() if member_of(key) in names}
        rows = [row for row, voice in enumerate(voices(models)) if member_of(voice) in names]
        return Ensemble(own, statistics.select(rows), section.normalisation, **shape)

    ensemble = join(members, aggregator=section.aggregator, settings=section.aggregator_settings)
    own = raw[: len(ensemble.voices)]
    ensemble = audit.calibrate(plan, audit.fit_aggregator(plan, ensemble, own), own)
    panel = join([*evaluators, *guards]) if evaluators or guards else None
    results = audit.run_checks(plan, ensemble, panel, raw, params.seed)
    verdict = audit.judge_results(results, section.bounds)

    others = [join(names) if names else None for names in (evaluators, guards)]
    ensemble.write(OUT / "ensemble.json", MEMBERS, evaluators=others[0], guards=others[1])
    write_json(OUT / "audit.json", audit.describe(results, ensemble, panel))
    write_calibration(OUT / "calibration.csv", audit.rows_of(results, "calibration"))
    write_verdict(OUT / "verdict.json", verdict)
    write_json(OUT / "metrics.json", audit.metrics(results))
    log_stage(
        "validation",
        metrics=audit.metrics(results),
        params=section.model_dump()
        | {
            "aggregator_settings": ensemble.effective_settings(),
            "check_settings": audit.effective_settings(plan),
        },
        artifacts=[OUT / name for name in ("ensemble.json", "audit.json", "calibration.csv", "verdict.json")],
        datasets=[CURATION / f"{name}.jsonl" for name in rows],
    )


def write_calibration(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the bins of the calibration, only a header where there are none."""
    with whole(path) as file:
        writer = csv.DictWriter(file, ["predicted", "observed", "count"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    with mistakes.told(lower="validation.threads"):
        main()
