"""Annotators whose labels go against the ensemble more often than with it: poisoned, turned round, or of another taste.

An ensemble learns what most annotators share, so an honest one agrees with it more often than not, however noisy. Each
annotator is tested on the test pairs that they voted on, one vote per prompt, by the sign test; all together at 5 %
(Bonferroni).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, slices, worst
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, cluster_of
from rlhf_pipeline.verdicts import Interval, exactly

LEVEL = 0.05
SIDES = {"chosen": "rejected", "rejected": "chosen"}


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter every vote of a named annotator, and each pair's own annotator where it has no votes."""
    return {"votes": [_enter(row, *vote, table) for row in inputs.test for vote in votes(row)]}


def votes(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each annotator of a pair with the side that they voted for; ties say nothing."""
    if row.get("votes"):
        yield from ((v["annotator"], v["vote"]) for v in row["votes"] if v["vote"] in SIDES and v.get("annotator"))
    elif row.get("annotator"):
        yield row["annotator"], "chosen"


def check(items: Items, context: Context, params: Params) -> Result:
    """Return how many annotators go against the ensemble; a row for each annotator."""
    cast = items["votes"]
    margin = margins(context.reward, cast)
    rows = [_row(name, [cast[i] for i in places], margin[places]) for name, places in slices(cast).items()]
    against = [row["annotator"] for row in rows if row["chance"] * len(rows) < LEVEL]
    told = "Annotators whose votes go against the ensemble more often than with it."
    counted = exactly(len(against), f"{', '.join(against)}" if against else "") if rows else Interval(note=NO_NAMES)
    theirs = [i for i, one in enumerate(cast) if one.slice in against]
    findings = [Finding(f"annotators_against/{ENSEMBLE}", counted, len(cast), told)]
    return Result(findings, worst([cast[i] for i in theirs], margin[theirs], context.table), rows)


NO_NAMES = "the test pairs name no annotator"


def _enter(row: Row, annotator: str, side: str, table: Table) -> Comparison:
    better, worse = (table.add(row["prompt"], row[name]) for name in (side, SIDES[side]))
    return Comparison(f"{row['id']}/{annotator}", better, worse, cluster_of(row), annotator)


def _row(annotator: str, cast: Sequence[Comparison], margin: Tensor) -> Mapping[str, Any]:
    """Return how often an annotator agrees, and how likely so little would be by chance; one vote per prompt."""
    from scipy.stats import binomtest

    by_prompt: dict[str, float] = defaultdict(float)
    for one, sign in zip(cast, margin.sign().tolist(), strict=True):
        by_prompt[one.cluster] += sign
    agreed, opposed = (sum(sign * total > 0 for total in by_prompt.values()) for sign in (1, -1))
    decided = agreed + opposed
    return {
        "annotator": annotator,
        "agreement": round(agreed / decided, 6) if decided else None,
        "prompts": decided,
        "chance": float(binomtest(agreed, decided, alternative="less").pvalue) if decided else 1.0,
    }
