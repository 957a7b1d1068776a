"""The flow that Prefect starts by the clock; importing this module costs Prefect's import."""

from pathlib import Path

from prefect import flow
from prefect.states import Completed, Failed, State

from flows.worktree import run_at


@flow(name="scheduled-night", persist_result=False)
def scheduled_night(revision: str, arguments: list[str], root: str) -> State:
    """Run a night on a revision in the worktree; its own flow shows the stages."""
    code = run_at(revision, arguments, Path(root))
    names = {0: "Completed", 3: "Refused"}
    return (Failed if code else Completed)(name=names.get(code, "Failed"))
