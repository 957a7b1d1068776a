"""What a stage read, before and after it ran.

DVC hashes dependencies again after the command, so code edited meanwhile would stand in dvc.lock and in the run cache
as the source of old output. Such a stage is refused, and what DVC noted is taken out again.
"""

from pathlib import Path
from typing import Any

from flows.graph import Stage, read_params

Snapshot = dict[str, Any]


def snapshot(stage: Stage) -> Snapshot:
    """Return size and time of writing of every file the stage depends on, and the values of its parameters.

    Times, not contents: code that was changed and changed back while the stage ran may have been imported in between.
    """
    files = {str(path): _written(path) for dep in stage.deps for path in _files(Path(dep))}
    return files | read_params(stage.params)


def changed(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the files and parameters that differ, sorted."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def forget(name: str, root: Path | str = ".") -> None:
    """Take a stage's entry out of dvc.lock and out of the run cache."""
    from dvc.dvcfile import Lockfile
    from dvc.repo import Repo
    from dvc.stage.cache import _can_hash, _get_cache_hash, _get_stage_hash
    from dvc.stage.serialize import to_single_stage_lockfile

    with Repo(str(root), _wait_for_lock=True) as repo, repo.lock:  # type: ignore[no-untyped-call]
        repo._reset()
        stage = next(s for s in repo.index.stages if s.name == name)
        if _can_hash(stage):
            value = _get_cache_hash(to_single_stage_lockfile(stage))
            entry = Path(repo.stage_cache._get_cache_path(_get_stage_hash(stage), value))
            entry.unlink(missing_ok=True)
            if entry.parent.exists() and not any(entry.parent.iterdir()):
                entry.parent.rmdir()  # DVC falls over an entry's folder that is empty
        Lockfile(repo, str(Path(repo.root_dir) / "dvc.lock")).remove_stage(stage)


def _files(dep: Path) -> list[Path]:
    if not dep.is_dir():
        return [dep]
    return [path for path in dep.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def _written(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    state = path.stat()
    return state.st_size, state.st_mtime_ns
