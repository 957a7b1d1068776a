"""One night at a time per DVC cache, not per worktree: nights in worktrees share the cache of the main one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BusyError(RuntimeError):
    """Another night holds the cache."""


def cache_folder(root: Path | str = ".") -> Path:
    """Return the folder of the project's DVC cache."""
    from dvc.config import Config

    settings = Path(root).resolve() / ".dvc"
    configured = Config(str(settings))["cache"].get("dir")  # type: ignore[no-untyped-call]
    return (settings / configured).resolve() if configured else settings / "cache"


@contextmanager
def only_night(root: Path | str = ".") -> Iterator[Path]:
    """Hold the cache and yield its folder.

    Raises:
        BusyError: another night holds it.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "night.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"another night runs on this cache ({folder}); wait for it or end it") from None
    try:
        yield folder
    finally:
        lock.release()
