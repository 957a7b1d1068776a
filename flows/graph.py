"""The graph of a night, read from DVC: nothing else says which stages there are and which follows which."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_pipeline.mistakes import Mistake, one_line
from rlhf_pipeline.params import read_yaml


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml after its templates are filled in. Paths are relative to the project."""

    name: str
    upstream: tuple[str, ...]
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: tuple[str, ...]
    verdict_read: str | None = None  # only for a gate: the verdict.json it judges by
    headline: str | None = None  # `meta: {headline: …}` of dvc.yaml: which metric the table shows

    @property
    def section(self) -> str:
        """Return the section of params.yaml that belongs to this stage."""
        return self.name.split("@")[0]

    @property
    def verdict(self) -> str | None:
        """Return the verdict.json that this stage writes, or the one that it judges by."""
        written = [out for out in self.outs if Path(out).name == "verdict.json"]
        return written[0] if written else self.verdict_read


@dataclass(frozen=True)
class Graph:
    """The stages in an order in which they can run, and which of them DVC would run again."""

    stages: dict[str, Stage]
    stale: frozenset[str]
    cache: Path

    def ancestors(self, name: str) -> set[str]:
        """Return every stage that must come before `name`."""
        found: set[str] = set()
        waiting = list(self.stages[name].upstream)
        while waiting:
            stage = waiting.pop()
            if stage not in found:
                found.add(stage)
                waiting += self.stages[stage].upstream
        return found

    def count_descendants(self) -> dict[str, int]:
        """Return how many stages must come after each."""
        before = [self.ancestors(name) for name in self.stages]
        return {name: sum(name in ancestors for ancestors in before) for name in self.stages}

    def writer(self, path: str) -> Stage | None:
        """Return the stage that writes a path, or a folder around it."""
        return next((s for s in self.stages.values() if _covers(s.outs, path)), None)


def read_graph(root: Path | str = ".") -> Graph:
    """Read stages, order and staleness from DVC.

    Raises:
        Mistake: dvc.yaml, params.yaml or dvc.lock is no YAML, or this is no git repository.
        dvc.exceptions.DvcException: what else DVC refuses.
    """
    from dvc.exceptions import DvcException

    try:
        return _read_graph(root)
    except DvcException as error:
        for name in ("params.yaml", "dvc.yaml", "dvc.lock"):  # DVC names the file; this names the line
            if (Path(root) / name).exists():
                read_yaml(name if root == "." else Path(root) / name)
        if "is not a git repository" in str(error):
            raise Mistake(f"{one_line(error)}; run git init there, or clone the project again") from error
        raise


def _read_graph(root: Path | str) -> Graph:
    from dvc.repo import Repo
    from networkx import lexicographical_topological_sort

    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # that a killed dvc held a lock is no news for the user
    with Repo(str(root), _wait_for_lock=True) as repo:  # type: ignore[no-untyped-call]
        index = repo.index.graph
        places = {stage.name: number for number, stage in enumerate(repo.index.stages)}
        order = lexicographical_topological_sort(index.reverse(copy=True), key=lambda stage: places[stage.name])
        written = {out.def_path for stage in repo.index.stages for out in stage.outs}
        stages = {s.name: _describe(s, [u.name for u in index.successors(s)], written) for s in order if s.cmd}
        stale = frozenset(repo.status()) & stages.keys()
        return Graph(stages, frozenset(stale), Path(repo.cache.local_cache_dir))


def read_params(keys: Iterable[str], path: Path | str = "params.yaml") -> dict[str, Any]:
    """Return the values of dotted keys of params.yaml; a missing one is None."""
    content = read_all_params(path)
    return {key: _pick(content, key) for key in keys}


def read_all_params(path: Path | str = "params.yaml") -> dict[str, Any]:
    """Return what params.yaml holds, unchecked."""
    return read_yaml(path)


def read_lock(root: Path | str = ".") -> dict[str, Any]:
    """Return the entries of dvc.lock by stage, when DVC does not write it.

    DVC empties the file and fills it again: who reads beside a running stage without its lock may find half of it.
    """
    from dvc.repo import Repo

    path = Path(root) / "dvc.lock"
    with Repo(str(root), _wait_for_lock=True) as repo, repo.lock:  # type: ignore[no-untyped-call]
        stages: dict[str, Any] = read_yaml(path).get("stages", {}) if path.exists() else {}
    return stages


def _describe(stage: Any, upstream: list[str], written: set[str]) -> Stage:
    tracked = [dep for dep in stage.deps if type(dep).__name__ == "ParamsDependency"]
    deps = [dep.def_path for dep in stage.deps if dep not in tracked]
    made = [path for path in deps if _covers(written, path)]
    # Judging and refusing are two stages: what reads one verdict and nothing else that a stage wrote is a gate.
    is_gate = len(made) == 1 and Path(made[0]).name == "verdict.json"
    return Stage(
        name=stage.name,
        upstream=tuple(sorted(upstream)),
        deps=tuple(deps),
        params=tuple(key for dep in tracked for key in dep.params),
        outs=tuple(out.def_path for out in stage.outs),
        metrics=tuple(out.def_path for out in stage.outs if out.metric),
        verdict_read=made[0] if is_gate else None,
        headline=(stage.meta or {}).get("headline"),
    )


def _covers(outs: Iterable[str], path: str) -> bool:
    return any(path == out or Path(out) in Path(path).parents for out in outs)


def _pick(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content
