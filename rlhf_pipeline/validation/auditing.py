"""An audit that stands alone: any reward model, ensemble, judge or file of scores, on own pairs and public benchmarks.

`python -m rlhf_pipeline.validation.auditing MODEL… --pairs FILE --out DIR` writes audit.json, verdict.json and
report.html; the status is 0 where the reward is admitted, 3 where it is refused, 1 where a mistake was made. The code
is that of the stage `validation`; no DVC, MLflow or Prefect is needed.
"""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import ValidationError
from torch import Tensor

from rlhf_pipeline import methods, mistakes, recorded
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import whole, write_json
from rlhf_pipeline.validation import audit, scorers, suite
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.items import Inputs
from rlhf_pipeline.validation.members import refuse_constant
from rlhf_pipeline.validation.pairs import Pairs, read_pairs
from rlhf_pipeline.validation.report import page, words
from rlhf_pipeline.validation.scorers import Scorers
from rlhf_pipeline.verdicts import Bound, Verdict, write_verdict

REFUSED = 3
DEFAULT_BOUNDS = Path(__file__).with_name("bounds.yaml")
CHECKS = (
    "accuracy", "contrast", "degenerate", "invariance", "sensitivity", "attacks", "surface_bias", "word_bias",
    "phrase_gain", "length_bias", "spread", "annotators", "calibration",
)  # fmt: skip
OF_SEVERAL = ("agreement", "starc_distance", "uncertainty")
OF_JUDGES = (
    "judge_consistency", "judge_consistency_sage", "self_preference_bias", "feedback_protocol_consistency",
    "rubric_drift_audit",
)  # fmt: skip
"""Asked beside `CHECKS` where several members, or a judge, are audited."""
NOTHING = Pairs([], [], [], [])


@dataclass(frozen=True)
class Audited:
    """What an audit that stands alone found."""

    audit: Mapping[str, Any]
    verdict: Verdict
    notes: Sequence[str]


def choose_checks(opened: Scorers) -> list[str]:
    """Return the checks that say something of these scorers."""
    return [*CHECKS, *(OF_SEVERAL if len(opened.voices) > 1 else ()), *(OF_JUDGES if opened.judge else ())]


def join_scorers(opened: Scorers, planned: audit.Plan, raw: Tensor) -> Ensemble:
    """Return the scorers as one ensemble: as it was saved, or their mean on scales estimated on what was set aside."""
    if opened.saved:
        return opened.saved
    if not planned.scale_rows:  # no pairs: the benchmarks' completions give the scales
        planned = dataclasses.replace(planned, scale_rows=range(len(planned.table.conversations)))
    joined = Ensemble(dict(opened.by_name), audit.scale_members(planned, raw))  # type: ignore[arg-type]
    return audit.calibrate(planned, joined, raw) if planned.scale_pairs else joined


def read_bounds(path: Path | None) -> dict[str, Bound]:
    """Return bounds by metric: of a YAML file, or those of this package.

    Raises:
        Mistake: the file holds something else.
    """
    found = yaml.safe_load((path or DEFAULT_BOUNDS).read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise Mistake(f"{path}: no bounds; a line is METRIC: {{at_least: NUMBER}}")
    bounds = {}
    for name, given in found.items():
        try:
            bounds[str(name)] = Bound.model_validate(given)
        except ValidationError as error:
            raise Mistake(
                f"{path}: {name}: {error.errors()[0]['msg']}; write {{at_least: NUMBER}} or at_most"
            ) from error
    return bounds


def judge(results: audit.Results, bounds: Mapping[str, Bound], is_default: bool) -> Verdict:
    """Hold findings against bounds; a default bound on what was not asked of this reward is left out.

    Raises:
        MethodError: a bound names a metric that no check measures; names near ones.
    """
    measured = audit.intervals(results)
    return audit.judge_results(
        results, {name: bound for name, bound in bounds.items() if name in measured or not is_default}
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Audit what the command line names.

    Raises:
        SystemExit: the reward is refused.
    """
    from transformers.utils import logging

    asked = parse(arguments)
    logging.disable_progress_bar()
    torch.set_num_threads(1)  # each model is scored on one thread, `threads` of them at once
    opened = scorers.open_scorers(asked.models, prompts=asked.judge, trust_remote_code=asked.trust_remote_code)
    recorded.refuse_changed(opened.models)
    pairs = read_pairs(asked.pairs, opened.fits, asked.seed) if asked.pairs else NOTHING
    inputs = Inputs(test=pairs.test, validation=pairs.validation, contrast=pairs.contrast, fits=opened.fits)
    checks = asked.checks or (choose_checks(opened) if asked.pairs else [])
    planned = audit.plan(inputs, checks, {})
    benchmarks = suite.enter(asked.suite, {}, planned.table, opened.fits)
    if asked.texts:
        scorers.write_texts(asked.texts, planned.table.conversations)
        print(f"{len(planned.table.conversations)} texts to score in {asked.texts}")
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    raw, said = scorers.hear_or_score(opened, planned.table, asked.threads, asked.out / "scores")
    ensemble = join_scorers(opened, planned, raw)
    refuse_constant(ensemble.voices, raw)
    results = audit.run_checks(planned, ensemble, None, raw, asked.seed, said)
    results |= suite.measure(benchmarks, audit.uncentred(ensemble, planned.table, raw), asked.seed)
    verdict = judge(results, read_bounds(asked.bounds), asked.bounds is None)
    notes = [*pairs.notes, *(f"{name}: {note}" for name, one in benchmarks.items() for note in one.read.notes)]
    write(Audited(audit.describe(results, ensemble, None), verdict, notes), asked, pairs, suite.describe(benchmarks))
    if not verdict.admitted:
        raise SystemExit(REFUSED)


def write(found: Audited, asked: argparse.Namespace, pairs: Pairs, benchmarks: Mapping[str, Any]) -> None:
    """Write audit.json, verdict.json and report.html, and print the verdict."""
    told = {"audited": ", ".join(asked.models), "seed": asked.seed}
    if asked.pairs:
        names = ", ".join(map(str, asked.pairs))
        told["pairs"] = f"{names}: {len(pairs.test)} audited, {len(pairs.validation)} set aside for the scales"
        told["contrast items"] = f"{len(pairs.contrast)} mined from the pairs"
    told |= {name: f"{asked.suite[name]}: {one['num_items']} items" for name, one in benchmarks.items()}
    content = {**found.audit, "asked": told, "notes": list(found.notes), "benchmarks": benchmarks}
    write_json(asked.out / "audit.json", content)
    write_verdict(asked.out / "verdict.json", found.verdict)
    with whole(asked.out / "report.html") as file:
        file.write(page.render(found.audit, found.verdict, told, found.notes))
    for note in found.notes:
        print(note)
    for finding in found.audit["findings"]:
        if finding["metric"].partition("/")[0] in benchmarks and finding["metric"].endswith("/overall"):
            print(f"{finding['metric']} {words.number(finding['value'])}")
    for check in found.verdict.checks:
        state = "passed" if check.passed else "warning" if check.bound.severity == "warn" else "refused"
        print(f"{state}: {check.words()}")
    print(f"{'admitted' if found.verdict.admitted else 'refused'}; {asked.out / 'report.html'}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="rlhf audit", description="Ask whether a reward can be trusted.")
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--pairs", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--suite", nargs="+", default=[], metavar="NAME=DIR")
    parser.add_argument("--checks", nargs="+", metavar="NAME")
    parser.add_argument("--bounds", type=Path, metavar="FILE")
    parser.add_argument("--judge", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("reports/audit"), metavar="DIR")
    parser.add_argument("--texts", type=Path, metavar="FILE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trust-remote-code", action="store_true")
    asked = parser.parse_args(arguments)
    if not asked.models and not asked.texts:
        raise Mistake("name a reward model, or write the texts to score with --texts FILE")
    if not asked.pairs and not asked.suite:
        raise Mistake("nothing to ask: name pairs with --pairs FILE, or a benchmark with --suite NAME=DIR")
    asked.suite = dict(map(_benchmark, asked.suite))
    return asked


def _benchmark(assignment: str) -> tuple[str, Path]:
    name, _, folder = assignment.partition("=")
    if not folder:
        raise Mistake(
            f"--suite {assignment}: write {name}=DIR, where DIR holds the files or is organisation/name@commit"
        )
    return methods.check_name(name, suite.BENCHMARKS), Path(folder)


if __name__ == "__main__":
    with mistakes.told(lower="--threads"):
        main()
