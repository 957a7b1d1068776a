"""The bounds that the champion was judged by: a policy that only looser ones let through is not promoted over it."""

import json
from typing import TYPE_CHECKING

from flows.graph import Graph
from rlhf_pipeline.validation.monitors.loosened_bounds import loosened
from rlhf_pipeline.verdicts import Bound, read_verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

TAG = "bounds"
"""Of a version of the registered model."""
Bounds = dict[str, Bound]


def bounds_of(graph: Graph) -> Bounds:
    """Return every bound that tonight's gates judged by, such as `validation/accuracy/ensemble`."""
    gates = {stage.name.partition("@")[2]: stage.verdict_read for stage in graph.stages.values() if stage.verdict_read}
    return {
        f"{name}/{check.name}": check.bound
        for name, path in sorted(gates.items())
        for check in read_verdict(path).checks
    }


def looser(champion: "ModelVersion", now: Bounds) -> list[str]:
    """Return a line for every bound that admits more than it did for the champion; none where it has no record."""
    recorded = json.loads(champion.tags.get(TAG, "{}"))
    return loosened({name: Bound.model_validate(bound) for name, bound in recorded.items()}, now)


def record(client: "MlflowClient", model: str, version: str, now: Bounds) -> None:
    """Write the bounds of a new champion beside it."""
    told = {name: bound.model_dump(exclude_defaults=True) for name, bound in now.items()}
    client.set_model_version_tag(model, version, TAG, json.dumps(told, sort_keys=True))
