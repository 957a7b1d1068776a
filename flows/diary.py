"""The night's MLflow run, kept by one thread beside the stages, so that tracking never slows them."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import results
from flows.graph import Stage, read_all_params, read_lock
from flows.processes import environment
from flows.stages import Outcome, State
from rlhf_pipeline import tracking
from rlhf_pipeline.tracking import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

END_SECONDS = 30.0
PATIENCE = 2


class Diary:
    """Writes one parent run for the night and one nested run per stage; each failure is one line of warning.

    It gives up when the store cannot be opened or fails twice in a row: a dead server is not asked for every stage.
    """

    def __init__(self, records: Path, name: str) -> None:
        """Open the store and the parent run, in the background.

        Args:
            records: folder where the stages of this night leave what they have to tell.
            name: of the parent run.
        """
        self.records = records
        self.run_id: str | None = None
        self.failures = 0
        self.client: MlflowClient
        self.experiment = ""
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="diary")
        self.pending = [self.thread.submit(self._safely, lambda: self._open(name))]

    def stage(self, stage: Stage, outcome: Outcome) -> None:
        """Log a stage that ended."""
        self.pending.append(self.thread.submit(self._safely, lambda: self._log(stage, outcome)))

    def close(self, state: str, artifacts: list[Path]) -> None:
        """Log the end of the night and wait for all that is left, but not for ever."""
        self.pending.append(self.thread.submit(self._safely, lambda: self._close(state, artifacts)))
        self.settle()
        self.thread.shutdown(wait=False, cancel_futures=True)

    def settle(self) -> None:
        """Wait for what is pending, not for ever: two threads that write to one sqlite store lock each other out."""
        wait_for(self.pending, timeout=END_SECONDS)

    def where(self) -> str:
        """Return where the night's run is found, or nothing where it was not logged."""
        return f"run {self.run_id} in {tracking.tracking_uri()}" if self.run_id else ""

    def _safely(self, action: Callable[[], Any]) -> None:
        if self.failures < PATIENCE:
            is_done = tracking.attempt("this night is not wholly in MLflow", action)
            self.failures = 0 if is_done else self.failures + (1 if self.run_id else PATIENCE)

    def _open(self, name: str) -> None:
        self.client, self.experiment = tracking.open_store()
        tags = {"kind": "night", "mlflow.runName": name, **describe_code()}
        run_id = self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id
        tracking.log_params(self.client, run_id, tracking.flatten(read_all_params()))
        difference = git("diff", "HEAD", "--", ".", ":!dvc.lock")
        if difference:
            self.client.log_text(run_id, difference, "uncommitted.diff")
        self.run_id = run_id

    def _log(self, stage: Stage, outcome: Outcome) -> None:
        told = tracking.record_path(self.records, stage.name)
        record = Record.model_validate(json.loads(told.read_text())) if told.exists() else Record(name=stage.name)
        record.metrics = results.metrics(stage) | record.metrics | {"wall_seconds": outcome.seconds}
        entry = hash_entry(stage.name)
        record.tags |= {"state": outcome.state, "dvc_entry": entry, "verdict": results.verdict(stage)}
        if outcome.reason:
            record.tags["reason"] = outcome.reason
        if outcome.state in (State.UNCHANGED, State.RESTORED):
            record.tags["reused_from"] = self._origin(entry)
        status = "FINISHED" if outcome.is_good else "FAILED"
        tracking.log_record(self.client, self.experiment, record, parent=self.run_id, status=status)

    def _origin(self, entry: str) -> str:
        """Return the id of the run that made a stage's present output, where this store knows it."""
        query = f"tags.dvc_entry = '{entry}' and tags.state = 'Completed'"
        found = self.client.search_runs([self.experiment], query, max_results=1, order_by=["start_time DESC"])
        return found[0].info.run_id if found else "cache"

    def _close(self, state: str, artifacts: list[Path]) -> None:
        assert self.run_id
        lock = Path("dvc.lock")
        if lock.exists():
            self.client.set_tag(self.run_id, "dvc_lock", hashlib.md5(lock.read_bytes()).hexdigest())
        self.client.set_tag(self.run_id, "state", state)
        for path in [lock, *artifacts]:
            if path.exists():
                self.client.log_artifact(self.run_id, str(path))
        self.client.set_terminated(self.run_id, "FINISHED" if state == State.COMPLETED else "FAILED")


def describe_code() -> dict[str, str]:
    """Return the git commit, and a hash of what is uncommitted."""
    difference = git("diff", "HEAD", "--", ".", ":!dvc.lock") + git("status", "--porcelain", "--", ".", ":!dvc.lock")
    dirty = hashlib.sha256(difference.encode()).hexdigest()[:16] if difference else ""
    return {"git_commit": git("rev-parse", "HEAD").strip() or "none", "uncommitted": dirty or "none"}


def git(*arguments: str) -> str:
    """Return what git prints here, or nothing where git fails or this is no repository."""
    quiet = {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, env=environment() | quiet, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def hash_entry(name: str) -> str:
    """Return a hash of a stage's entry in dvc.lock: its command, inputs, parameters and outputs."""
    entry = json.dumps(read_lock().get(name), sort_keys=True, default=str)
    return hashlib.sha256(entry.encode()).hexdigest()[:16]
