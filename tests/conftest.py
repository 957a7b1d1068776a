"""What all tests share: a quiet, offline environment, the repository, and its graph as DVC resolves it."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def tiny_architecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an architecture of a few thousand parameters."""
    shape = {"model_type": "llama", "vocab_size": 300, "hidden_size": 16, "intermediate_size": 32,
             "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
             "max_position_embeddings": 64, "initializer_range": 0.3, "tie_word_embeddings": True}  # fmt: skip
    path = tmp_path_factory.mktemp("architecture") / "tiny.json"
    path.write_text(json.dumps(shape), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_trunk(tiny_architecture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an untrained language model that knows the words `a` to `p`, `good`, `bad` and `say`."""
    from rlhf_pipeline.models import create_model, save_model, train_tokenizer

    folder = tmp_path_factory.mktemp("tiny") / "trunk"
    tokenizer = train_tokenizer(iter([" ".join("abcdefghijklmnop"), "say good bad"]), 300, "words")
    save_model(folder, create_model(tiny_architecture, tokenizer, seed=0), tokenizer)
    return folder


class Killed(Exception):
    """A process ended here."""


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs a training and ends it: at a step, or while checkpoint `writing` is written."""
    from transformers import Trainer, TrainerState

    def run(train: Callable[[], Any], step: int | None = None, writing: int | None = None) -> None:
        real = Trainer.training_step

        def training_step(self: Trainer, *args: Any, **kwargs: Any) -> Any:
            if step is not None and self.state.global_step + 1 >= step:
                raise Killed
            return real(self, *args, **kwargs)

        def save_to_json(self: TrainerState, path: str) -> None:
            text = json.dumps(asdict(self))
            is_torn = self.global_step == writing
            Path(path).write_text(text[: len(text) // 2] if is_torn else text)
            if is_torn:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "training_step", training_step)
            patch.setattr(TrainerState, "save_to_json", save_to_json)
            with pytest.raises(Killed):
                train()

    return run


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of random checkpoints by family, as their makers ship them."""
    from tests import checkpoints

    home = tmp_path_factory.mktemp("families")
    return {name: checkpoints.write(name, home / name) for name in checkpoints.FAMILIES}


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
