"""Champion against challenger on tonight's evaluation prompts, in a process of its own: judging needs torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.processes import ProcessGroup
from flows.stages import State, run_tool
from rlhf_pipeline import tracking
from rlhf_pipeline.records import read_json

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODULE = "rlhf_pipeline.evaluation.duel"
RESULT = Path("reports/duel.json")


@dataclass(frozen=True)
class Duel:
    """What a duel decides: Completed when the challenger won, Refused when not, Failed when it could not be held."""

    state: State
    reason: str


FIRST = Duel(State.COMPLETED, "the first; its evaluation against the reference was the bar")


def fight(champion: "ModelVersion", client: "MlflowClient", challenger: Path, group: ProcessGroup | None) -> Duel:
    """Let the challenger meet the champion."""
    from mlflow.artifacts import download_artifacts

    source = client.get_model_version_download_uri(champion.name, champion.version)
    folder = download_artifacts(artifact_uri=source, tracking_uri=tracking.tracking_uri())
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.unlink(missing_ok=True)
    arguments = ["--champion", folder, "--challenger", str(challenger), "--out", str(RESULT)]
    log = Path("logs/duel.log")
    if run_tool(MODULE, *arguments, group=group, log=log) != 0 or not RESULT.exists():
        return Duel(State.FAILED, f"the duel with the champion failed; see {log}")
    result = read_json(RESULT)
    interval = f"{result['win_rate']:.2f} [{result['low']:.2f}, {result['high']:.2f}]"
    told = f"wins {interval} against version {champion.version} by {result['judge']}"
    return Duel(State.COMPLETED if result["passed"] else State.REFUSED, told)
