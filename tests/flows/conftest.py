"""A project of a few stages that train nothing: real DVC, real git, commands of milliseconds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

DVC_YAML = """
stages:
  curation:
    cmd: python toy.py curation
    deps: [toy.py, input.txt]
    params: [seed]
    outs: [data/curation/rows.txt, data/curation/verdict.json]
    metrics: [data/curation/metrics.json]
  gate:
    foreach: [curation, evaluation]
    do:
      cmd: python -m tasks.gate ${item}
      deps: ["data/${item}/verdict.json"]
      params: [gate]
      outs: ["data/gate/${item}.json"]
  rewards:
    foreach: ${rewards.members}
    do:
      cmd: python toy.py rewards ${key}
      deps: [toy.py, code, data/curation/rows.txt, data/gate/curation.json]
      params: ["rewards.members.${key}"]
      outs: ["data/rewards/members/${key}"]
      metrics: ["data/rewards/metrics/${key}.json"]
      meta: {headline: accuracy}
  policy:
    cmd: python toy.py policy
    deps: [toy.py, data/rewards/members, data/gate/curation.json]
    params: [rewards.members, policy.settings]
    outs: [data/policy/model]
  evaluation:
    cmd: python toy.py evaluation
    deps: [toy.py, data/policy/model, data/curation/verdict.json]
    outs: [data/evaluation/verdict.json]
    metrics: [data/evaluation/metrics.json]
"""

TOY_PY = '''
import json, os, pathlib, sys, time

def write(path, value):
    path = pathlib.Path("data") / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))

def verdict(admitted):
    check = {"name": "good", "value": 1, "low": 1, "high": 1, "bound": {"at_least": 0.5}, "passed": admitted}
    return {"schema_version": 1, "admitted": admitted, "checks": [check]}

def curation():
    said = pathlib.Path("input.txt").read_text().strip()
    write("curation/rows.txt", said)
    write("curation/verdict.json", verdict("bad" not in said))
    write("curation/metrics.json", {"rows": 3})

def rewards(key):
    begun = time.time()
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    write(f"rewards/members/{key}/model.txt", key)
    write(f"rewards/metrics/{key}.json", {"first": 1, "accuracy": 0.75})
    pathlib.Path("times").mkdir(exist_ok=True)
    pathlib.Path(f"times/{key}").write_text(f"{begun} {time.time()}")

def policy():
    write("policy/model/weights.txt", "policy of " + pathlib.Path("data/curation/rows.txt").read_text())

def evaluation():
    if pathlib.Path("crash").exists():
        sys.exit("the evaluation fell over")
    write("evaluation/verdict.json", verdict(True))
    write("evaluation/metrics.json", {"gold": {"policy": 0.5}})

globals()[sys.argv[1]](*sys.argv[2:])
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a fresh toy project, which is the current folder."""
    root = tmp_path / "toy"
    (root / "code").mkdir(parents=True)
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "toy.py").write_text(TOY_PY)
    (root / "code" / "loss.py").write_text("loss = 1\n")
    (root / "input.txt").write_text("good rows\n")
    shutil.copy(PROJECT / "params.yaml", root / "params.yaml")
    ignored = ["/data/", "/logs/", "/reports/", "/.cache/", "/mlflow.db*", "/mlartifacts/", "/times/", "__pycache__/"]
    (root / ".gitignore").write_text("\n".join(ignored) + "\n")
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for key in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{key}_NAME", "toy")
        monkeypatch.setenv(f"{key}_EMAIL", "toy@example.org")
    shell("git init -q -b main && git add -A && git commit -q -m toy")
    shell(f"{sys.executable} -m dvc init -q && git add -A && git commit -q -m dvc")
    return root


def shell(command: str) -> None:
    subprocess.run(command, shell=True, check=True)


@pytest.fixture
def edit() -> Callable[[str, str, str], None]:
    """Return a function that replaces a text in a file, which must contain it."""

    def replace(path: str, old: str, new: str) -> None:
        text = Path(path).read_text()
        assert old in text
        Path(path).write_text(text.replace(old, new))

    return replace
