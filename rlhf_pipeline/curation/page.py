"""contract.html: what was read, kept and dropped and why, and how the contract judged it. One file, no network."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlhf_pipeline.curation.contract import Contract
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings import Finding
from rlhf_pipeline.records import Row

TEMPLATES = Path(__file__).parent / "templates"
EXAMPLES = 3
SHOWN_ROWS = 40
SHOWN_CHARS = 240
MEANINGS = {
    "dropped_fraction": "share of the pairs read that are in no split",
    "leaked_groups": "groups that stand in more than one split",
    "leaked_prompts": "prompts in more than one split, or among the evaluation prompts as well",
    "contradictory_pairs": "items that one judge labelled both ways",
    "duplicate_pairs": "rows that repeat a judgement word for word",
    "cycle_fraction": "share of prompts with three or more compared completions where a beats b, b beats c, c beats a",
    "longer_chosen_fraction": "share of pairs whose chosen side is the longer one; 0.5 means that length tells nothing",
    "gx/success": "1 when the table keeps every rule of the suite below",
}


def render(curated: Curated, contract: Contract, findings: Sequence[Finding] = ()) -> str:
    """Return the page; with findings, where a person asked for them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    checks = {check.name: check for check in contract.verdict.checks}
    unbounded = {name: interval for name, interval in contract.measured.items() if name not in checks}
    return environment.get_template("contract.html.jinja").render(
        curated=curated,
        verdict=contract.verdict,
        checks=[{"check": check, "meaning": meaning(name)} for name, check in checks.items()],
        unbounded=[{"name": name, "interval": x, "meaning": meaning(name)} for name, x in unbounded.items()],
        suite=contract.suite,
        findings=findings,
        shown_rows=SHOWN_ROWS,
        splits=[describe_split(name, rows) for name, rows in curated.splits.items()],
        others={name: len(rows) for name, rows in curated.tables.items() if name not in curated.splits},
        drops=describe_drops(curated.dropped),
        other_drops=describe_drops(curated.dropped_others),
    )


def meaning(name: str) -> str:
    """Return what a measure is, in words."""
    return MEANINGS.get(name, f"rows of {name.removeprefix('rows/')}.jsonl" if name.startswith("rows/") else "")


def describe_split(name: str, rows: list[Row]) -> dict[str, Any]:
    """Return a split's name, rows, groups and named slices."""
    slices = Counter(str(row["slice"]) for row in rows if row.get("slice") is not None)
    return {
        "name": name,
        "rows": len(rows),
        "groups": len({row["group"] for row in rows}),
        "slices": sorted(slices.items()),
    }


def describe_drops(dropped: list[Row]) -> list[dict[str, Any]]:
    """Return count and examples of each filter and kind of reason, the most frequent first within a filter."""
    kinds: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in dropped:
        kinds[row["filter"], row["reason"].split(":")[0]].append(row)
    order = {name: place for place, name in enumerate(dict.fromkeys(row["filter"] for row in dropped))}
    ranked = sorted(kinds.items(), key=lambda x: (order[x[0][0]], -len(x[1]), x[0][1]))
    return [
        {"filter": name, "kind": kind, "count": len(rows), "examples": [show(row) for row in rows[:EXAMPLES]]}
        for (name, kind), rows in ranked
    ]


def show(dropped: Row) -> dict[str, Any]:
    """Return a dropped row's id, reason and the beginnings of its parts."""
    parts = {key: shorten(value) for key, value in dropped["row"].items() if key not in ("id", "group")}
    return {"id": dropped["id"], "reason": dropped["reason"], "parts": parts}


def shorten(value: Any) -> str:
    """Return a value as text; of messages, the roles and contents; of long text, beginning and end."""
    if isinstance(value, list) and value and all(isinstance(m, dict) and "content" in m for m in value):
        value = " ".join(f"[{m.get('role')}] {m['content']}" for m in value)
    said = " ".join(str(value).split())
    return said if len(said) <= SHOWN_CHARS else f"{said[: SHOWN_CHARS // 2]} … {said[-SHOWN_CHARS // 2 :]}"
