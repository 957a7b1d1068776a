"""The graph as a report needs it: the families of dvc.yaml, what each waits for, and which have their outputs.

Everything is read from dvc.yaml and params.yaml; nothing here knows a stage by name, except that a gate judges.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REFERENCE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Family:
    """A stage, or all stages that one `foreach` makes; a gate's stages stand alone, for each guards its own."""

    name: str
    desc: str
    num_stages: int
    outs: tuple[str, ...]
    plots: tuple[str, ...]
    upstream: tuple[str, ...]


def read_families(root: Path) -> list[Family]:
    """Return the families of a project in an order in which each follows what it waits for."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, entry in stages.items():
        for key, stage in _expand(entry, params).items():
            groups.setdefault(f"{name}@{key}" if name == "gate" else name, []).append(stage)
    return _sort([_family(name, groups) for name in groups])


def present(root: Path, families: list[Family], ignored: frozenset[str] = frozenset()) -> set[str]:
    """Return the families with all their outputs whose ancestors have theirs: what is left of an older night is not.

    A plot that is missing is missing in the report and nothing more.

    Args:
        root: of the project.
        families: sorted, as `read_families` returns them.
        ignored: families counted as absent whatever lies on the disk.
    """
    found: set[str] = set()
    for family in families:
        has_outs = all((root / out).exists() for out in family.outs)
        if has_outs and family.name not in ignored and found.issuperset(family.upstream):
            found.add(family.name)
    return found


def _expand(entry: dict[str, Any], params: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if "foreach" not in entry:
        return {"": _resolve(entry, params)}
    items = _resolve(entry["foreach"], params)
    pairs = items.items() if isinstance(items, Mapping) else [(str(item), item) for item in items]
    return {key: _resolve(entry["do"], {**params, "key": key, "item": item}) for key, item in pairs}


def _resolve(value: Any, context: Mapping[str, Any]) -> Any:
    """Return a value of dvc.yaml with its `${…}` filled in."""
    if isinstance(value, Mapping):
        return {_resolve(k, context): _resolve(v, context) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, context) for v in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    return _look_up(whole[1], context) if whole else REFERENCE.sub(lambda m: str(_look_up(m[1], context)), value)


def _look_up(path: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for part in path.split("."):
        value = value[part]
    return value


def _paths(stage: Mapping[str, Any], *kinds: str) -> list[str]:
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [next(iter(e)) if isinstance(e, Mapping) else e for e in entries]


def _family(name: str, groups: Mapping[str, list[dict[str, Any]]]) -> Family:
    stages = groups[name]
    deps = [Path(dep) for stage in stages for dep in stage.get("deps", [])]
    upstream = [other for other, made in groups.items() if other != name and _feeds(made, deps)]
    outs = [path for stage in stages for path in _paths(stage, "outs", "metrics")]
    plots = [path for stage in stages for path in _paths(stage, "plots")]
    return Family(name, stages[0].get("desc", ""), len(stages), tuple(outs), tuple(plots), tuple(upstream))


def _feeds(makers: list[dict[str, Any]], deps: list[Path]) -> bool:
    """Return whether some output is a dependency, lies in one, or holds one."""
    outs = [Path(out) for stage in makers for out in _paths(stage, "outs", "metrics", "plots")]
    return any(dep == out or dep in out.parents or out in dep.parents for out in outs for dep in deps)


def _sort(families: list[Family]) -> list[Family]:
    """Return the families sorted so that each follows its upstream; ties stay in the order of dvc.yaml."""
    done: list[Family] = []
    waiting = list(families)
    while waiting:
        names = {family.name for family in done}
        ready = next(family for family in waiting if names.issuperset(family.upstream))
        done.append(ready)
        waiting.remove(ready)
    return done


def layers(families: list[Family]) -> list[list[str]]:
    """Return the families by how many others stand before them at most, for drawing from left to right."""
    depth: dict[str, int] = {}
    for family in families:
        depth[family.name] = 1 + max((depth[name] for name in family.upstream), default=-1)
    return [[name for name, d in depth.items() if d == level] for level in range(max(depth.values(), default=-1) + 1)]


def needed_edges(families: list[Family]) -> list[tuple[str, str]]:
    """Return the edges that no longer path implies."""
    ancestors: dict[str, set[str]] = {}
    for family in families:
        ancestors[family.name] = set(family.upstream).union(*(ancestors[name] for name in family.upstream))
    return [
        (name, family.name)
        for family in families
        for name in family.upstream
        if not any(name in ancestors[other] for other in family.upstream)
    ]
