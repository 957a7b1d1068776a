"""What all tests share: a quiet, offline environment, the repository, and its graph as DVC resolves it."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

# Set before any library reads them. Two workers share two cores, and no test may reach the network.
QUIET = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "TOKENIZERS_PARALLELISM": "false",
}
for name, value in QUIET.items():
    os.environ.setdefault(name, value)

ROOT = Path(__file__).parents[1]
SHARED = "night"  # the one fixture that takes minutes; its tests run on one worker, first


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml with its templates filled in; paths are relative to the repository."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def task(self) -> str:
        """Return the stage's name without what `foreach` added."""
        return self.name.partition("@")[0]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def graph() -> dict[str, Stage]:
    """Return the stages of dvc.yaml by name, as DVC itself reads them."""
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return {stage.addressing: _stage(stage) for stage in repo.index.stages}


def _stage(stage) -> Stage:
    from dvc.dependency import ParamsDependency

    params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
    files = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    names = [name for dep in params for name in dep.params]
    outs = [out.def_path for out in stage.outs]
    return Stage(stage.addressing, stage.cmd, tuple(files), tuple(names), tuple(outs))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file on one worker, and all tests of the shared night on the same one, started first."""
    for item in items:
        shared = SHARED in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(SHARED if shared else str(item.path.relative_to(ROOT))))
    items.sort(key=lambda item: SHARED not in getattr(item, "fixturenames", ()))
