"""Nights away from the workspace: a git worktree beside the repository, sharing its DVC cache and its MLflow store."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.lock import cache_folder
from flows.processes import environment
from rlhf_pipeline import tracking
from rlhf_pipeline.mistakes import Mistake


class RevisionError(Mistake):
    """Git does not know a revision, or cannot check it out."""


def run_at(revision: str, arguments: Sequence[str], root: Path) -> int:
    """Run `rlhf run` on a revision in the worktree, and return its exit code.

    Raises:
        RevisionError: there is no such revision.
    """
    folder = prepare(revision, root)
    store = {"RLHF_HOME": str(root.resolve()), "MLFLOW_TRACKING_URI": tracking.tracking_uri()}
    print(f"night at {revision} in {folder}", flush=True)
    command = [sys.executable, "-m", "flows.cli", "run", *arguments]
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with subprocess.Popen(command, cwd=folder, env=environment() | store) as night:
        try:
            return night.wait()
        except BaseException:
            night.terminate()  # it ends its own stages; leaving the block waits for it
            raise


def prepare(revision: str, root: Path) -> Path:
    """Return a worktree at a revision, with the outputs that its dvc.lock names.

    It is a sibling of the repository, so that relative paths such as `../shared` hold.
    """
    root = root.resolve()
    folder = root.with_name(f"{root.name}-night")
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if folder.exists():
        _git(folder, "checkout", "--quiet", "--force", "--detach", commit)
    else:
        _git(root, "worktree", "prune")
        _git(root, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
    cache = cache_folder(root)
    cache.mkdir(parents=True, exist_ok=True)
    _dvc(folder, "cache", "dir", "--local", str(cache))
    # Outputs that the cache lost are made again by the night; that is no reason to stop it here.
    _dvc(folder, "checkout", "--force", "--allow-missing", "--quiet")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, env=environment(), check=False
    )
    if done.returncode:
        raise RevisionError(f"git {' '.join(arguments)}: {done.stderr.strip() or 'no such revision'}")
    return done.stdout.strip()


def _dvc(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment(), check=False)
