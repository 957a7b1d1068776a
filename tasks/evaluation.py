"""Stage `evaluation`: policy, reference and judges in; metrics, curve, samples, report and verdict out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlhf_pipeline import mistakes
from rlhf_pipeline.evaluation import climb, curve, measuring, sides
from rlhf_pipeline.evaluation.judges import Judges, Panel, load_judges
from rlhf_pipeline.evaluation.numbers import read_numbers
from rlhf_pipeline.evaluation.report import render
from rlhf_pipeline.evaluation.settings import EvaluationSettings, evaluation_settings
from rlhf_pipeline.params import Params, load_params
from rlhf_pipeline.records import derive_seed, read_rows, text, write_csv, write_json, write_rows
from rlhf_pipeline.verdicts import Interval, judge, write_verdict

DATA = Path("data")
OUT = DATA / "evaluation"


def main() -> None:
    """Write every file of data/evaluation/."""
    import torch

    from rlhf_pipeline.models import load_policy

    params = load_params()
    settings = evaluation_settings(params.evaluation.settings)
    seed = derive_seed(params.seed, "evaluation")
    torch.set_num_threads(params.evaluation.threads)
    judges = load_judges(DATA, params)
    reference = load_policy(DATA / "sft/trunks" / params.policy.reference)

    measured = measure(reference, load_policy(DATA / "policy/model"), judges, settings, seed)
    measured |= write_curve(reference, judges, settings, seed)
    metrics = measuring.flatten(measured)
    write_json(OUT / "metrics.json", metrics)
    write_verdict(OUT / "verdict.json", judge(measured, params.evaluation.bounds))
    shown = declared(params, settings)
    render(Path(), OUT / "report.html", before_gate="evaluation", parameters=shown)

    from rlhf_pipeline.tracking import log_stage

    files = [OUT / name for name in ("report.html", "verdict.json", "curve.csv", "samples.jsonl")]
    prompts = [DATA / "curation/evaluation_prompts.jsonl"]
    rows = read_numbers(OUT / "curve.csv")
    log_stage("evaluation", metrics=metrics, params=shown, artifacts=files, datasets=prompts, curve=rows)


def measure(
    reference: sides.Model, policy: sides.Model, judges: Judges, settings: EvaluationSettings, seed: int
) -> measuring.Measured:
    """Sample both models on the evaluation prompts, write the samples, and return what was measured."""
    from rlhf_pipeline.policy.guard.overoptimization_curve import kl_of_best_of
    from rlhf_pipeline.policy.sampling import kl_per_completion

    rows = read_rows(DATA / "curation/evaluation_prompts.jsonl")[: settings.num_prompts]
    prompts = [row["prompt"] for row in rows]
    before, after = sides.compare_models(reference, policy, prompts, judges, settings, seed)
    drawn = [(prompt, sample) for prompt, one in zip(prompts, after.samples, strict=True) for sample in one]
    kl = kl_per_completion(policy[0], reference[0], policy[1], *zip(*drawn, strict=True))
    kl += kl_of_best_of(settings.best_of)  # what choosing adds, at most (Beirami et al. 2024, arXiv:2401.01879)
    best = [judges.gold.best(prompt) for prompt in prompts] if judges.gold else []
    write_rows(OUT / "samples.jsonl", sides.side_by_side(rows, {"reference": before, "policy": after}))
    agreement = measuring.agree_with_gold(judges, read_rows(DATA / "curation/test.jsonl"), seed)
    return measuring.compare(before, after, kl, best, seed) | agreement


def write_curve(
    reference: sides.Model, judges: Judges, settings: EvaluationSettings, seed: int
) -> Mapping[str, Interval]:
    """Rate the samples saved during training, write curve.csv, and return whether they show a hacked reward."""
    rows = read_rows(DATA / "policy/samples.jsonl")
    prompts, index = curve.distinct_prompts(rows)
    drawn = sides.draw(reference, prompts, settings, derive_seed(seed, "curve"))
    ratings = Panel(judges, prompts, sides.texts(drawn)).rate(index, [text(row["completion"]) for row in rows])
    write_csv(OUT / "curve.csv", curve.draw_curve(rows, ratings), curve.COLUMNS)
    return climb.judge_climb(rows, ratings, index, settings.guard)


def declared(params: Params, settings: EvaluationSettings) -> dict[str, Any]:
    """Return the parameters that this stage reads, with the settings in effect."""
    own = params.evaluation.model_dump(exclude_none=True) | {"settings": settings.model_dump()}
    members = {name: member.model_dump() for name, member in params.rewards.members.items()}
    reference = {"reference": params.policy.reference}
    return {"seed": params.seed, "rewards": {"members": members}, "policy": reference, "evaluation": own}


if __name__ == "__main__":
    with mistakes.told(lower="evaluation.settings.num_prompts or evaluation.settings.num_samples"):
        main()
