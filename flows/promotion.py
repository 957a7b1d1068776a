"""Promotion: an act, not an output. The registry's alias `champion` points to the policy that serves.

The champions of the past stand in a tag of the registered model, newest last, so that a rollback knows its way back.
"""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flows.champion import FIRST, fight
from flows.graph import Graph, read_lock
from flows.processes import ProcessGroup
from flows.stages import Outcome, State
from flows.standards import Bounds, bounds_of, looser, record
from rlhf_pipeline import tracking
from rlhf_pipeline.records import hash_folder, read_json, write_json

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL = "policy"
ALIAS = "champion"
HISTORY = "champions"
POLICY = Path("data/policy/model")
LAST_GATE = Path("data/gate/evaluation.json")
LOOSER = (
    "bounds are looser than those of champion version {version}: {lines}; tighten them, or, if that is meant, "
    "`rlhf promote --allow-looser-bounds`"
)
OFFERED = Path(
    ".cache/offered.json"
)  # which policy was offered last, so that an unchanged night offers it no second time


def promote(
    graph: Graph, group: ProcessGroup | None = None, parent: str | None = None, allow_looser: bool = False
) -> Outcome:
    """Make the present policy the champion, where every gate holds and it beats the present champion.

    Bounds that admit more than those that the champion was judged by are refused, unless `allow_looser`.
    """
    from filelock import FileLock

    begun = time.monotonic()
    reason = refuse(graph)
    if reason:
        return Outcome(State.REFUSED, reason=reason)
    with FileLock(_lock()):
        outcome = _promote(bounds_of(graph), group, parent, allow_looser)
    if outcome.state is not State.FAILED:
        write_json(OFFERED, {"policy": policy_entry(graph)})
    return Outcome(outcome.state, time.monotonic() - begun, outcome.reason)


def rollback() -> Outcome:
    """Point the alias to the champion before the present one."""
    from filelock import FileLock

    with FileLock(_lock()):
        client, _ = tracking.open_store()
        past = _history(client)
        if len(past) < 2:
            return Outcome(State.REFUSED, reason="there is no earlier champion")
        _crown(client, past[-2], past[:-1])
        return Outcome(State.COMPLETED, reason=f"champion is version {past[-2]} again (was {past[-1]})")


def refuse(graph: Graph) -> str | None:
    """Return why the present policy must not be promoted, or None.

    Every gate must admit, whether it was enforced or not, and DVC must find nothing on the way to the policy's
    evaluation out of date: what a gate wrote another night says nothing about this policy.
    """
    gate = graph.writer(str(LAST_GATE))
    if gate is None or not LAST_GATE.exists():
        return f"no {LAST_GATE}: the policy has not passed its evaluation"
    way = graph.ancestors(gate.name) | {gate.name}
    if stale := sorted(way & graph.stale):
        return f"not up to date: {', '.join(stale)}; `rlhf run` first"
    refused = [path for path in _gate_files(graph) if not _is_admitted(path)]
    if not refused:
        return None
    named = ", ".join(Path(path).stem for path in refused)
    return f"not admitted: {named}; gate.enforce=false let the night go on, promotion still needs every gate"


def _gate_files(graph: Graph) -> list[str]:
    return sorted(out for stage in graph.stages.values() if stage.verdict_read for out in stage.outs)


def _is_admitted(path: str) -> bool:
    return Path(path).exists() and bool(read_json(path)["admitted"])


def is_offered(graph: Graph) -> bool:
    """Return whether the present policy was already promoted or lost against the champion."""
    if graph.writer(str(POLICY)) is None:
        return True
    return OFFERED.exists() and bool(read_json(OFFERED)["policy"] == policy_entry(graph))


def policy_entry(graph: Graph) -> str | None:
    """Return DVC's hash of the present policy, which costs no reading."""
    stage = graph.writer(str(POLICY))
    outs = read_lock().get(stage.name, {}).get("outs", []) if stage else []
    return next((out.get("md5") for out in outs if out["path"] == str(POLICY)), None)


def _promote(bounds: Bounds, group: ProcessGroup | None, parent: str | None, allow_looser: bool) -> Outcome:
    client, experiment = tracking.open_store()
    content = hash_folder(POLICY)
    champion = _champion(client)
    if champion and champion.tags.get("content_hash") == content:
        return Outcome(State.UNCHANGED, reason=f"already champion (version {champion.version})")
    if champion and not allow_looser and (lines := looser(champion, bounds)):
        return Outcome(State.REFUSED, reason=LOOSER.format(version=champion.version, lines="; ".join(lines)))
    duel = fight(champion, client, POLICY, group) if champion else FIRST
    if duel.state is not State.COMPLETED:
        return Outcome(duel.state, reason=duel.reason)
    version = _find(client, content) or _register(client, experiment, content, parent)
    _crown(client, version, [*_history(client), version])
    record(client, MODEL, version, bounds)
    return Outcome(State.COMPLETED, reason=f"champion is version {version}: {duel.reason}")


def _register(client: "MlflowClient", experiment: str, content: str, parent: str | None) -> str:
    """Copy the policy into a run of its own and register it: 0.2 s, where `log_model` needs a flavour and fails."""
    tags = {"content_hash": content, **_marks()}
    nested = {"mlflow.parentRunId": parent} if parent else {}
    run = client.create_run(experiment, run_name="promotion", tags=tags | nested).info
    client.log_artifacts(run.run_id, str(POLICY), "model")
    client.set_terminated(run.run_id)
    source = f"{run.artifact_uri}/model"
    return str(client.create_model_version(MODEL, source, run.run_id, tags=tags).version)


def _marks() -> dict[str, str]:
    verdict = read_json(LAST_GATE)
    return {key: json.dumps(verdict[key]) for key in ("admitted", "enforced")}


def _find(client: "MlflowClient", content: str) -> str | None:
    if not _exists(client):
        client.create_registered_model(MODEL)
    versions = client.search_model_versions(f"name = '{MODEL}'")
    return next((str(v.version) for v in versions if v.tags.get("content_hash") == content), None)


def _champion(client: "MlflowClient") -> "ModelVersion | None":
    known = client.search_registered_models(f"name = '{MODEL}'")
    crowned = known[0].aliases.get(ALIAS) if known else None
    return client.get_model_version(MODEL, crowned) if crowned else None


def _history(client: "MlflowClient") -> list[str]:
    return list(json.loads(client.get_registered_model(MODEL).tags.get(HISTORY, "[]"))) if _exists(client) else []


def _exists(client: "MlflowClient") -> bool:
    return bool(client.search_registered_models(f"name = '{MODEL}'"))


def _crown(client: "MlflowClient", version: str, history: list[str]) -> None:
    client.set_registered_model_alias(MODEL, ALIAS, version)
    client.set_registered_model_tag(MODEL, HISTORY, json.dumps(history[-100:]))


def _lock() -> Path:
    path = tracking.home() / ".cache" / "promotion.lock"
    path.parent.mkdir(exist_ok=True)
    return path
