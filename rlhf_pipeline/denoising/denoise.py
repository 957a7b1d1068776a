"""The stage's work: filters with models in their order, with the books kept."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

from rlhf_pipeline import methods
from rlhf_pipeline.curation.filtering import Step, filter_rows
from rlhf_pipeline.denoising.filters import Context
from rlhf_pipeline.params import Denoising
from rlhf_pipeline.records import Row

FILTERS = "denoising/filters"


@dataclass
class Denoised:
    """Train pairs as cleaned, rows of dropped.jsonl, and counts."""

    rows: list[Row]
    dropped: list[Row]
    metrics: dict[str, float]


def denoise(rows: list[Row], params: Denoising, context: Context) -> Denoised:
    """Run the chosen filters.

    Raises:
        MethodError: a filter or a setting does not exist.
        RuntimeError: a filter lost or made a row.
    """
    kept, dropped = filter_rows(rows, filter_steps(params, context))
    before = {row["id"]: row for row in rows}
    counts: dict[str, Any] = {"num_read": len(rows), "num_kept": len(kept), "num_dropped": len(dropped)}
    counts["num_changed"] = sum(row != before[row["id"]] for row in kept)
    counts |= {f"dropped/{name}": count for name, count in Counter(row["filter"] for row in dropped).items()}
    return Denoised(kept, dropped, {name: float(count) for name, count in counts.items()})


def filter_steps(params: Denoising, context: Context) -> list[Step]:
    """Return the chosen filters with their settings."""
    chosen = [(name, methods.load(FILTERS, name)) for name in params.filters]
    settings = {name: methods.settings(method, params.filter_settings.get(name)) for name, method in chosen}
    return [(name, partial(method.apply, params=settings[name], context=context)) for name, method in chosen]
