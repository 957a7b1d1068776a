"""What a stage left to tell: its metrics, its headline and its verdict, read from the files it wrote."""

from pathlib import Path
from typing import Any

from flows.graph import Stage
from rlhf_pipeline.records import read_json
from rlhf_pipeline.tracking import numbers


def metrics(stage: Stage) -> dict[str, float]:
    """Return all numbers of a stage's metrics files; files that are missing have none."""
    found: dict[str, float] = {}
    for path in stage.metrics:
        if Path(path).suffix == ".json" and Path(path).exists():
            found |= numbers(_dotted(read_json(path)))
    return found


def headline(stage: Stage) -> str:
    """Return the metric that stands for a stage: the one that dvc.yaml names, or the first of its file."""
    values = metrics(stage)
    name = stage.headline if stage.headline in values else next(iter(values), None)
    return f"{name} {shown(values[name])}" if name else ""


def verdict(stage: Stage) -> str:
    """Return a stage's verdict in words, or nothing where it has none."""
    if not stage.verdict or not Path(stage.verdict).exists():
        return ""
    content = read_json(stage.verdict)
    failed = [check["name"] for check in content.get("checks", []) if not check["passed"]]
    blocking = "" if content["admitted"] else "not "
    return f"{blocking}admitted" + (f" ({', '.join(failed)})" if failed else "")


def _dotted(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def shown(value: float) -> str:
    """Return a number as a table shows it: whole ones in full, others with four digits."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"
