"""A small project for mistakes: pairs of one's own, curated rows, tiny models, and the real dvc.yaml."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

from rlhf_pipeline import models
from rlhf_pipeline.records import assistant, user, write_json, write_rows
from rlhf_pipeline.scoring import load_reward_model
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics
from tests.mistakes.pairs import plain

MEMBER = {"trunk": "first", "pairs": "data/denoising/train.jsonl", "objective": "bradley_terry"}


@pytest.fixture(scope="session")
def template(root: Path, tiny_architecture: Path, tiny_trunk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project in which every stage could run: nothing in it is wrong."""
    folder = tmp_path_factory.mktemp("mistakes") / "project"
    write_parameters(folder, yaml.safe_load((root / "params.yaml").read_text()))
    shutil.copy(root / "dvc.yaml", folder / "dvc.yaml")
    shutil.copytree(root / "profiles", folder / "profiles")
    shutil.copytree(root / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "mine.jsonl").write_text("".join(json.dumps(plain(n)) + "\n" for n in range(80)))
    shutil.copy(tiny_architecture, folder / "tiny.json")
    rows = [
        {
            "id": f"r{n}",
            "group": f"g{n}",
            "prompt": user(f"say {c} {d}"),
            "chosen": assistant("good"),
            "rejected": assistant(f"bad {d}"),
        }
        for n, (c, d) in enumerate(zip("abcdefgh", "hgfedcba", strict=True))
    ]
    for name in ("curation/validation", "curation/test", "denoising/train"):
        write_rows(folder / f"data/{name}.jsonl", rows)
    for name in ("contrast", "single_edits"):
        write_rows(folder / f"data/curation/{name}.jsonl", [])
    write_rows(
        folder / "data/curation/demonstrations.jsonl",
        [{"prompt": r["prompt"], "completion": r["chosen"]} for r in rows],
    )
    write_rows(folder / "data/curation/policy_prompts.jsonl", [{"id": r["id"], "prompt": r["prompt"]} for r in rows])
    for stage in ("curation", "validation"):
        write_json(folder / f"data/gate/{stage}.json", {"admitted": True, "enforced": True})
    write_models(folder, tiny_trunk)
    return folder


def write_parameters(folder: Path, params: dict) -> None:
    """Write params.yaml for models of a few thousand parameters."""
    folder.mkdir()
    bounds = {name: bound for name, bound in params["curation"]["bounds"].items() if not name.startswith("rows/")}
    bounds = {"rows/train": {"at_least": 5}, **bounds}
    params["curation"] |= {"source": "pairs", "input": "mine.jsonl", "text": "none", "bounds": bounds}
    params["sft"] |= {"settings": {"tokenizer": "words", "batch_size": 8, "max_length": 32}}
    params["sft"]["trunks"] = {name: {"base": "tiny.json"} for name in ("first", "second")}
    params["rewards"] |= {"settings": {"batch_size": 8, "max_length": 32}, "members": {"a": MEMBER, "b": MEMBER}}
    settings = {
        "num_steps": 1,
        "batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 6,
        "num_sampled_prompts": 3,
    }
    params["policy"] |= {"threads": 1, "settings": settings}
    params["validation"] |= {"threads": 1, "bounds": {}, "checks": ["accuracy"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def write_models(folder: Path, trunk: Path) -> None:
    """Write a trunk, two members and the ensemble's description."""
    shutil.copytree(trunk, folder / "data/sft/trunks/first")
    members = folder / "data/rewards/members"
    for seed, name in enumerate("ab"):
        models.save_model(members / name, *models.reward_model_from(trunk, seed))
    loaded = {name: load_reward_model(members / name) for name in "ab"}
    statistics = Statistics(torch.ones(2), torch.zeros(2), torch.ones(2))
    Ensemble(loaded, statistics).write(folder / "data/validation/ensemble.json", members)


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project; it is the current folder, and what stages record lies beside it."""
    folder = tmp_path / "project"
    shutil.copytree(template, folder)
    (tmp_path / "records").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return folder
