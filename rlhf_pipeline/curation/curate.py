"""The stage's work, from what a source read to what the other stages read, with the books kept."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rlhf_pipeline import methods
from rlhf_pipeline.curation import derive
from rlhf_pipeline.curation.decontamination import EvaluationPrompts, drop_seen
from rlhf_pipeline.curation.filtering import Step, dropped_row, filter_rows
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.curation.split import HELD_OUT, PAIR_SPLITS, split_rows, with_groups
from rlhf_pipeline.params import Curation
from rlhf_pipeline.records import Row, derive_seed

FILTERS = "curation/filters"
PROMPT_TABLES = ("demonstrations", "policy_prompts")
TRAINED_ON, MEASURED_ON = ("train", "evaluator"), ("validation", "test")


@dataclass
class Curated:
    """What curation made of a source's rows.

    `tables` are the rows of each file, by its name without the ending. `dropped` are pairs; `dropped_others` are
    demonstrations and policy prompts. Pairs of all splits and `dropped` together are the `num_read` pairs read.
    """

    num_read: int
    tables: dict[str, list[Row]]
    dropped: list[Row]
    dropped_others: list[Row] = field(default_factory=list)
    gold: dict[str, Any] = field(default_factory=lambda: {"source": None})

    @property
    def splits(self) -> dict[str, list[Row]]:
        """Return the pairs of each split."""
        return {name: self.tables[name] for name in PAIR_SPLITS}

    @property
    def num_kept(self) -> int:
        """Return how many pairs are in a split."""
        return sum(map(len, self.splits.values()))

    def drops(self) -> Counter[str]:
        """Return how many pairs each filter dropped."""
        return Counter(row["filter"] for row in self.dropped)


def curate(raw: Raw, params: Curation, seed: int) -> Curated:
    """Filter, split, decontaminate and complete what a source read.

    Raises:
        RuntimeError: kept and dropped pairs are not those that were read.
    """
    kept, dropped = filter_rows(raw.pairs, filter_steps(params))
    dropped = [dropped_row("source", row, reason) for row, reason in raw.unreadable] + dropped
    shares = params.split.model_dump() | ({HELD_OUT: 0.0} if raw.evaluation_prompts else {})
    splits = split_rows(with_groups(kept, params.group), shares, derive_seed(seed, "curation", "split"))
    held_out = splits.pop(HELD_OUT)
    dropped += [dropped_row("held_out", row, "its group gives evaluation prompts") for row in held_out]
    tables = {**splits, HELD_OUT: raw.evaluation_prompts or derive.prompts(held_out)}
    guard = EvaluationPrompts(tables[HELD_OUT], params.decontamination)
    for name in PAIR_SPLITS:
        tables[name], contaminated = filter_rows(tables[name], [("decontamination", guard.decontaminate)])
        dropped += contaminated
    measured_on = [row for name in MEASURED_ON for row in tables[name]]
    for name in TRAINED_ON:
        tables[name], seen = filter_rows(tables[name], [("decontamination", partial(drop_seen, held_out=measured_on))])
        dropped += seen
    curated = Curated(len(raw.pairs) + len(raw.unreadable), tables, dropped, gold=raw.gold)
    complete(curated, raw, guard)
    check_total(curated)
    return curated


def filter_steps(params: Curation) -> list[Step]:
    """Return the chosen filters with their settings.

    Raises:
        MethodError: a filter or a setting does not exist.
    """
    chosen = [(name, methods.load(FILTERS, name)) for name in params.filters]
    settings = {name: methods.settings(method, params.filter_settings.get(name)) for name, method in chosen}
    return [(name, partial(method.apply, params=settings[name])) for name, method in chosen]


def complete(curated: Curated, raw: Raw, guard: EvaluationPrompts) -> None:
    """Add the tables that are no pairs: the source's, or derived where it gave none."""
    tables = curated.tables
    tables["demonstrations"] = (raw.demonstrations or derive.demonstrations(tables["train"])) + raw.texts
    tables["policy_prompts"] = raw.policy_prompts or derive.prompts(tables["train"])
    for name in PROMPT_TABLES:
        filtered = guard.decontaminate(tables[name])
        tables[name] = filtered.kept
        curated.dropped_others += [
            dropped_row("decontamination", {"id": f"{name}-{number}", **row}, reason)
            for number, (row, reason) in enumerate(filtered.dropped, start=1)
        ]
    tables["contrast"] = raw.contrast or derive.contrast(tables["validation"] + tables["test"])
    tables["single_edits"] = raw.single_edits


def check_total(curated: Curated) -> None:
    """Check that pairs kept and dropped are those read.

    Raises:
        RuntimeError: they are not.
    """
    if curated.num_kept + len(curated.dropped) != curated.num_read:
        raise RuntimeError(f"{curated.num_kept} kept + {len(curated.dropped)} dropped != {curated.num_read} read")
