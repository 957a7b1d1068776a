"""The audit: all checks collect, each model scores every text once, all checks read, bounds judge.

audit.json, which the report renders:
    findings: [{check, metric, value, low, high, num_items, description, note}], in the order of `validation.checks`
    worst: {check: [{id, slice?, prompt, should_win, should_lose, margin}]}, texts as lists of messages
    members, evaluators: [{name, scale, <metric>: value …}], per voice, the metrics that are its own, such as `accuracy`
    calibration: [{predicted, observed, count}]
    rejection: [{coverage, accuracy, count}]
    tables: {check: rows of its own}, such as the rate of every attack
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.validation.checks import ENSEMBLE, MEMBER_MEAN, Context, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins
from rlhf_pipeline.validation.checks._verdicts import from_scores
from rlhf_pipeline.validation.checks.calibration import fit_temperature
from rlhf_pipeline.validation.ensemble import Ensemble, EnsembleError
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs, spread
from rlhf_pipeline.validation.judges import Testimony
from rlhf_pipeline.validation.normalisation import Statistics, divisors, estimate_statistics, group_means
from rlhf_pipeline.validation.representations import represent_with
from rlhf_pipeline.verdicts import Bound, Interval, Verdict, judge

NUM_SCALE_PAIRS = 400  # enough to know a standard deviation to 4 %
CHECKS = "validation/checks"
DRAWN = ("calibration", "uncertainty")
"""Checks whose rows have a key and a picture of their own."""
RESERVED = (ENSEMBLE, MEMBER_MEAN, "members", "annotators")
Results = Mapping[str, Result]


@dataclass(frozen=True)
class Plan:
    """What will be asked: each check with its settings and its items, and the table that holds their texts."""

    checks: Mapping[str, tuple[ModuleType, Any, Items]]
    table: Table
    scale_rows: Sequence[int]
    """Rows of the table that the members' statistics are estimated on: completions of validation pairs."""
    scale_pairs: Sequence[Comparison]
    """Those pairs; an aggregator that learns, learns from them."""


def plan(inputs: Inputs, checks: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> Plan:
    """Collect the items of every check, and the validation pairs that scales are estimated on.

    Raises:
        MethodError: a check or one of its settings does not exist, or settings are given for a check that is not run.
    """
    for name in set(settings) - set(checks):
        raise methods.MethodError(
            f"settings for check '{name}', which is not run.{methods.suggest(name, list(checks))}"
        )
    table = Table()
    pairs = add_pairs(spread(inputs.validation, NUM_SCALE_PAIRS), table)
    rows = {row for pair in pairs for row in (pair.better, pair.worse)}
    planned = {}
    for name in checks:
        method = methods.load(CHECKS, name)
        params = methods.settings(method, settings.get(name))
        planned[name] = (method, params, method.collect(inputs, table, params))
    return Plan(planned, table, sorted(rows), pairs)


def effective_settings(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the settings of each check, defaults included."""
    return {name: params.model_dump() for name, (_, params, _) in plan.checks.items()}


def scale_members(plan: Plan, raw: Tensor) -> Statistics:
    """Return the statistics of each row of [M, T] raw rewards, from validation pairs.

    Raises:
        Mistake: there are no validation pairs.
    """
    if not plan.scale_rows:
        raise Mistake(
            "data/curation/validation.jsonl: no validation pairs to estimate the members' scales on; "
            "raise curation.split.validation"
        )
    rows = list(plan.scale_rows)
    return estimate_statistics(raw[:, rows], [plan.table.prompts[row] for row in rows])


def fit_aggregator(plan: Plan, ensemble: Ensemble, raw: Tensor) -> Ensemble:
    """Return the ensemble with what its aggregator learns from validation pairs; see `Ensemble.fit`.

    Args:
        plan: from `plan`.
        ensemble: its K members.
        raw: [K, T] raw rewards of the table.
    """
    better, worse = ([getattr(pair, side) for pair in plan.scale_pairs] for side in ("better", "worse"))
    said = plan.table.conversations
    sides = [said[row] for row in better], [said[row] for row in worse]
    return ensemble.fit(raw[:, better], raw[:, worse], sides)


def calibrate(plan: Plan, ensemble: Ensemble, raw: Tensor) -> Ensemble:
    """Return the ensemble with its temperature, fitted on validation pairs.

    Args:
        plan: from `plan`.
        ensemble: its K voices.
        raw: [K, T] raw rewards of the table.
    """
    prompts, is_reference = plan.table.prompts, torch.tensor(plan.table.is_reference)
    baseline = group_means(raw, prompts, is_reference)
    reward = ensemble.aggregate(raw, prompts, baseline, plan.table.conversations).reward
    temperature = fit_temperature(margins(reward, plan.scale_pairs).double().numpy())
    return dataclasses.replace(ensemble, temperature=temperature)


def run_checks(
    plan: Plan,
    ensemble: Ensemble,
    evaluators: Ensemble | None,
    raw: Tensor,
    seed: int,
    testimony: Testimony | None = None,
) -> dict[str, Result]:
    """Return what each check finds.

    Args:
        plan: from `plan`.
        ensemble: its K members.
        evaluators: the reward models that are audited beside them, E of them.
        raw: [K + E, T] raw rewards of the table, members first.
        seed: of all resampling.
        testimony: what a generative judge said of the table, where `raw` holds its expected grades.

    Raises:
        EnsembleError: a reward is not finite, or a member has a name that metrics need.
    """
    context = _context(plan, ensemble, evaluators, raw, testimony)
    found = {}
    for name, (method, params, items) in plan.checks.items():
        own = dataclasses.replace(context, seed=derive_seed(seed, "validation", name))
        found[name] = method.check(items, own, params)
    return found


def judge_results(results: Results, bounds: Mapping[str, Bound]) -> Verdict:
    """Hold findings against bounds.

    Raises:
        MethodError: a bound names a metric that no check that ran produces; names near ones.
    """
    measured = intervals(results)
    for name in bounds:
        if name not in measured:
            raise methods.MethodError(f"no check measures '{name}'.{methods.suggest(name, list(measured))}")
    return judge(measured, bounds)


def intervals(results: Results) -> dict[str, Interval]:
    """Return every finding's interval by metric."""
    return {finding.metric: finding.interval for result in results.values() for finding in result.findings}


def metrics(results: Results) -> dict[str, float]:
    """Return every measured value by metric."""
    return {name: interval.value for name, interval in intervals(results).items() if interval.value is not None}


def describe(results: Results, ensemble: Ensemble, evaluators: Ensemble | None) -> dict[str, Any]:
    """Return the content of audit.json."""
    findings = [
        {
            "check": name,
            "metric": finding.metric,
            **finding.interval.model_dump(include={"value", "low", "high"}),
            "num_items": finding.num_items,
            "description": finding.description,
            "note": finding.interval.note,
        }
        for name, result in results.items()
        for finding in result.findings
    ]
    return {
        "findings": findings,
        "worst": {name: list(result.worst) for name, result in results.items()},
        "members": _summaries(ensemble, results),
        "evaluators": _summaries(evaluators, results) if evaluators else [],
        "calibration": rows_of(results, "calibration"),
        "rejection": rows_of(results, "uncertainty"),
        "tables": {name: list(result.rows) for name, result in results.items() if result.rows and name not in DRAWN},
    }


def rows_of(results: Results, check: str) -> list[Mapping[str, Any]]:
    """Return the table of a check, empty where it was not run."""
    return list(results[check].rows) if check in results else []


def _context(
    plan: Plan, ensemble: Ensemble, evaluators: Ensemble | None, raw: Tensor, testimony: Testimony | None
) -> Context:
    others = evaluators.voices if evaluators else []
    _refuse_reserved([*ensemble.voices, *others])
    table, num_members = plan.table, len(ensemble.voices)
    means = group_means(raw, table.prompts, torch.tensor(table.is_reference))
    own, baseline = raw[:num_members], means[:num_members]
    rewards = ensemble.aggregate(own, table.prompts, baseline, table.conversations)
    normalised = dict(zip(ensemble.voices, rewards.normalised, strict=True))
    if evaluators:
        theirs = evaluators.aggregate(raw[num_members:], table.prompts, means[num_members:], table.conversations)
        normalised |= dict(zip(others, theirs.normalised, strict=True))
    within = dataclasses.replace(ensemble, normalisation="within_prompt")
    compared = testimony.verdicts() if testimony else None
    models = {**ensemble.reward_models, **(evaluators.reward_models if evaluators else {})}
    scales = ensemble.statistics.scale / divisors(ensemble.statistics, ensemble.normalisation)
    return Context(
        table=table,
        reward=rewards.reward,
        uncentred=uncentred(ensemble, table, own),
        centred=within.aggregate(own, table.prompts, baseline, table.conversations).reward,
        normalised=normalised,
        spreads=dict(zip(ensemble.voices, scales.tolist(), strict=True)),
        disagreement=rewards.disagreement,
        members=ensemble.voices,
        evaluators=others,
        seed=0,
        verdicts=from_scores(rewards.reward, list(table.asked)) if compared is None else compared,
        testimony=testimony,
        represent=represent_with(models, table.conversations),
    )


def uncentred(ensemble: Ensemble, table: Table, raw: Tensor) -> Tensor:
    """Return the ensemble's reward of a table's conversations with nothing subtracted, [T] of [K, T] raw rewards."""
    within = dataclasses.replace(ensemble, normalisation="within_prompt")
    return within.aggregate(raw, table.prompts, torch.zeros_like(raw), table.conversations).reward


def _refuse_reserved(names: Collection[str]) -> None:
    taken = sorted(set(names) & set(RESERVED))
    if taken:
        raise EnsembleError(f"member '{taken[0]}' has a name that metrics need; give it another in rewards.members")


def _summaries(models: Ensemble, results: Results) -> list[dict[str, Any]]:
    found = metrics(results)
    scales = models.statistics.scale.tolist()
    return [
        {"name": name, "scale": scale}
        | {metric.partition("/")[0]: v for metric, v in found.items() if metric.partition("/")[2] == name}
        for name, scale in zip(models.voices, scales, strict=True)
    ]
