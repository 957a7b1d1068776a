"""MLflow: one run per stage, nested under its night's. Tracking never stops or slows training.

Inside a night (`RLHF_NIGHT_RECORDS` names a folder) a stage only writes down what it has to tell, and the night logs it
beside the next stages: importing MLflow and opening its store costs seconds in every stage process. Elsewhere, as under
`dvc repro`, the stage logs by itself.
"""

import hashlib
import json
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from pydantic import BaseModel, ConfigDict

from rlhf_pipeline.records import hash_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "nights"
REMOTE_SECONDS = 20.0
BATCH = 900  # MLflow takes 1000 metrics at once
PARAM_CHARS = 6000
SHORT_TIMEOUTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Record(BaseModel):
    """What one stage has to tell: the content of one MLflow run."""

    model_config = ConfigDict(ser_json_inf_nan="constants")
    name: str
    metrics: dict[str, float] = {}
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    artifacts: list[str] = []
    datasets: dict[str, str] = {}
    curve: list[dict[str, float]] = []


def log_stage(
    name: str,
    *,
    metrics: Mapping[str, float],
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    artifacts: Sequence[Path | str] = (),
    datasets: Sequence[Path | str] = (),
    curve: Sequence[Mapping[str, float]] = (),
) -> None:
    """Log one stage as one MLflow run; a failure is one line of warning. Call it when all files are written.

    Args:
        name: of the stage, such as `rewards@a`.
        metrics: final values; what is not a number is left out.
        params: effective values; nested maps become dotted keys.
        tags: marks of the run.
        artifacts: files or folders to copy.
        datasets: files or folders the stage learned from or measured on.
        curve: rows of numbers over training, each with its `step`.
    """

    def record_and_log() -> None:
        record = Record(
            name=name,
            metrics=numbers(metrics),
            params=flatten(params or {}),
            tags=dict(tags or {}),
            artifacts=[str(Path(path).resolve()) for path in artifacts],
            datasets={str(path): digest(path) for path in datasets},
            curve=[numbers(row) for row in curve],
        )
        record.metrics["process_seconds"] = time.time() - psutil.Process().create_time()
        folder = os.environ.get("RLHF_NIGHT_RECORDS")
        if folder:
            record_path(folder, name).write_text(record.model_dump_json(), encoding="utf-8")
        else:
            log_record(*open_store(), record, parent=os.environ.get("RLHF_NIGHT_RUN_ID"))

    attempt(f"{name} is not in MLflow", record_and_log)


def attempt(consequence: str, action: Callable[[], Any]) -> bool:
    """Run an act of tracking and return whether it worked; a failure or a slow server is one line of warning."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    # A local store is never cut off: a half-made database would be worse than a wait.
    limit = REMOTE_SECONDS if tracking_uri().startswith("http") else None
    worker = threading.Thread(target=guarded, daemon=True)
    worker.start()
    worker.join(limit)
    if worker.is_alive():
        errors.append(TimeoutError(f"{tracking_uri()} took more than {REMOTE_SECONDS:.0f} s"))
    if errors:
        reason = str(errors[0]).strip().splitlines()[:1] or [type(errors[0]).__name__]
        print(f"warning: {consequence}: {reason[0][:200]}", file=sys.stderr)
    return not errors


def home() -> Path:
    """Return the project that owns the store: `RLHF_HOME` (set for nights in a worktree) or the current folder."""
    return Path(os.environ.get("RLHF_HOME") or Path.cwd()).resolve()


def tracking_uri() -> str:
    """Return `MLFLOW_TRACKING_URI`, or the project's own sqlite store by its absolute path."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


def record_path(folder: Path | str, name: str) -> Path:
    """Return where a stage writes its record for the night."""
    return Path(folder) / f"{name.replace('/', '_')}.json"


def prepare_store() -> None:
    """Create or migrate the store, once, before members fan out: several processes opening a fresh one at once fail."""
    open_store()


def open_store() -> tuple["MlflowClient", str]:
    """Return a client and the id of the experiment, created where missing."""
    for key, value in SHORT_TIMEOUTS.items():
        os.environ.setdefault(key, value)
    import logging

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from filelock import FileLock
    from mlflow import MlflowClient

    lock = home() / ".cache" / "mlflow.lock"
    lock.parent.mkdir(exist_ok=True)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    with FileLock(lock, timeout=120):
        logging.getLogger("mlflow").setLevel(logging.ERROR)  # importing it set its own level
        client = MlflowClient(tracking_uri=tracking_uri())
        found = client.get_experiment_by_name(name)
        if found:
            return client, found.experiment_id
        local = tracking_uri().startswith("sqlite")
        place = (home() / "mlartifacts").as_uri() if local else None
        return client, client.create_experiment(name, artifact_location=place)


def log_record(
    client: "MlflowClient", experiment: str, record: Record, parent: str | None = None, status: str = "FINISHED"
) -> str:
    """Log a record as one ended run, nested under `parent` where given, and return its id."""
    from mlflow.entities import Dataset, DatasetInput, Metric, RunTag

    tags = dict(record.tags, **({"mlflow.parentRunId": parent} if parent else {}))
    run = client.create_run(experiment, run_name=record.name, tags=tags).info.run_id
    now = int(time.time() * 1000)
    final = [Metric(clean(key), value, now, 0) for key, value in record.metrics.items()]
    rows = [
        Metric(clean(key), value, now, int(row.get("step", number)))
        for number, row in enumerate(record.curve)
        for key, value in row.items()
        if key != "step"
    ]
    inputs = [
        DatasetInput(Dataset(Path(path).name, value, "local", json.dumps({"uri": path})))
        for path, value in record.datasets.items()
    ]
    client.log_batch(run, tags=[RunTag("stage", record.name)])
    for metrics in batches(rows + final, BATCH):
        client.log_batch(run, metrics=metrics)
    log_params(client, run, record.params)
    if inputs:
        client.log_inputs(run, inputs)
    for path in record.artifacts:
        (client.log_artifacts if Path(path).is_dir() else client.log_artifact)(run, path)
    client.set_terminated(run, status)
    return run


def log_params(client: "MlflowClient", run: str, params: Mapping[str, str]) -> None:
    """Log flat parameters of a run."""
    from mlflow.entities import Param

    for batch in batches([Param(clean(key), value) for key, value in params.items()], 100):
        client.log_batch(run, params=batch)


def batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Yield items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def clean(key: str) -> str:
    """Return a key with only the characters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", key)


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are finite numbers."""
    return {k: float(v) for k, v in row.items() if isinstance(v, int | float) and math.isfinite(v)}


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested maps as dotted keys with their values as text."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)[:PARAM_CHARS]
    return flat


def digest(path: Path | str) -> str:
    """Return a short hash of a file or folder."""
    if Path(path).is_dir():
        return hash_folder(path)[:16]
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
