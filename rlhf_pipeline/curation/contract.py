"""The data contract: what is measured of the curated rows, and the verdict."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rlhf_pipeline.curation import expectations
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.expectations import Expectation
from rlhf_pipeline.curation.pair_checks import measure_pairs
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.verdicts import Bound, Interval, Verdict, exactly, judge


@dataclass(frozen=True)
class Contract:
    """What was measured, the rules of the table suite, and the verdict."""

    measured: dict[str, Interval]
    suite: list[Expectation]
    verdict: Verdict


def judge_contract(curated: Curated, bounds: Mapping[str, Bound], seed: int) -> Contract:
    """Measure the curated rows and hold the measures against their bounds."""
    suite = expectations.run_suite(expectations.table(curated.splits), curated.num_read)
    broken = "; ".join([rule.words for rule in suite if not rule.passed] + repeated_ids(curated))
    measured = measure_pairs(curated, derive_seed(seed, "curation", "contract"))
    if not curated.num_kept:
        measured["rows/train"] = exactly(0, nothing_kept(curated))
    measured["gx/success"] = exactly(float(not broken), f"broken: {broken}" if broken else "")
    return Contract(measured, suite, judge(measured, bounds))


def nothing_kept(curated: Curated) -> str:
    """Return why no pair is left: which filters dropped how many, and the commonest reason of each."""
    if not curated.num_read:
        return "the input has no rows: set curation.input to files with some"
    reasons = Counter((row["filter"], row["reason"].partition(":")[0]) for row in curated.dropped)
    common = {name: reason for (name, reason), _ in reversed(reasons.most_common())}
    drops = [f"{name} {count} ({common[name]})" for name, count in curated.drops().most_common()]
    return f"all {curated.num_read} rows were dropped by {', '.join(drops)}: see data/curation/dropped.jsonl"


def repeated_ids(curated: Curated) -> list[str]:
    """Return the first ids that stand twice, as words; empty where none does."""
    counts = Counter(row["id"] for split in curated.splits.values() for row in split)
    twice = [name for name, count in counts.items() if count > 1]
    return [f"give each row an id of its own: {', '.join(map(str, twice[:3]))}"] if twice else []


def metrics(curated: Curated, contract: Contract) -> dict[str, float]:
    """Return the stage's metrics, flat."""
    counts = {"num_read": curated.num_read, "num_kept": curated.num_kept, "num_dropped": len(curated.dropped)}
    drops = {f"dropped/{name}": count for name, count in sorted(curated.drops().items())}
    others = {"num_dropped_others": len(curated.dropped_others)}
    measured = {name: interval.value for name, interval in contract.measured.items() if interval.value is not None}
    return {name: float(value) for name, value in {**counts, **drops, **others, **measured}.items()}
