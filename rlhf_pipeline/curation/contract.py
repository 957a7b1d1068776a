"""The data contract: what is measured of the curated rows, and the verdict."""

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
    broken = "; ".join(rule.words for rule in suite if not rule.passed)
    measured = measure_pairs(curated, derive_seed(seed, "curation", "contract"))
    measured["gx/success"] = exactly(float(not broken), f"broken: {broken}" if broken else "")
    return Contract(measured, suite, judge(measured, bounds))


def metrics(curated: Curated, contract: Contract) -> dict[str, float]:
    """Return the stage's metrics, flat."""
    counts = {"num_read": curated.num_read, "num_kept": curated.num_kept, "num_dropped": len(curated.dropped)}
    drops = {f"dropped/{name}": count for name, count in sorted(curated.drops().items())}
    others = {"num_dropped_others": len(curated.dropped_others)}
    measured = {name: interval.value for name, interval in contract.measured.items() if interval.value is not None}
    return {name: float(value) for name, value in {**counts, **drops, **others, **measured}.items()}
