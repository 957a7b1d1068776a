"""A project of a few stages that train nothing: real DVC, git, Prefect and MLflow, commands of milliseconds."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from flows import champion, night, servers
from flows.graph import Graph, read_graph
from flows.lock import only_night
from flows.processes import ProcessGroup

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
    deps: [data/rewards/members, data/curation/rows.txt, data/gate/curation.json]
    params: [rewards.members]
    outs: [data/policy/model]
  evaluation:
    cmd: python toy.py evaluation
    deps: [data/policy/model, data/curation/verdict.json]
    params: [evaluation]
    outs: [data/evaluation/verdict.json]
    metrics: [data/evaluation/metrics.json]
"""

TOY_PY = """
import json, os, pathlib, sys, time

def write(path, value):
    path = pathlib.Path("data") / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))

def verdict(admitted):
    check = {"name": "good", "value": 1, "low": 1, "high": 1, "bound": {"at_least": 0.5}, "passed": admitted}
    return {"schema_version": 1, "admitted": admitted, "checks": [check]}

def curation():
    print("threads", os.environ["OMP_NUM_THREADS"], "trim", os.environ.get("MALLOC_TRIM_THRESHOLD_"))
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
"""

REPORT_PY = "import sys, pathlib; pathlib.Path(sys.argv[2]).write_text('report')"
DUEL_PY = """
import json, pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert pathlib.Path(options["--champion"], "weights.txt").exists()
passed = not pathlib.Path("loses").exists()
result = {"win_rate": 0.6, "low": 0.55, "high": 0.65, "judge": "gold", "passed": passed, "num_prompts": 9}
pathlib.Path(options["--out"]).write_text(json.dumps(result))
"""
IGNORED = ["/data/", "/logs/", "/reports/", "/.cache/", "/mlflow.db*", "/mlartifacts/", "/times/", "__pycache__/"]


def shell(command: str) -> str:
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout


def lay_out(root: Path) -> None:
    """Write the toy project's files."""
    (root / "code").mkdir(parents=True)
    (root / "profiles").mkdir()
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["rewards"]["members"] = dict(list(params["rewards"]["members"].items())[:2])
    files = {
        "dvc.yaml": DVC_YAML,
        "toy.py": TOY_PY,
        "toy_report.py": REPORT_PY,
        "toy_duel.py": DUEL_PY,
        "code/loss.py": "loss = 1\n",
        "input.txt": "good rows\n",
        ".gitignore": "\n".join(IGNORED) + "\n",
        "params.yaml": yaml.safe_dump(params, sort_keys=False),
    }
    for name, text in files.items():
        (root / name).write_text(text)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share the Prefect server and the first night in one process."""
    for item in items:
        if "prefect" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("nights"))


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests' nights away from the user's tracking, and let toy modules judge and report."""
    for key in ("MLFLOW_TRACKING_URI", "RLHF_HOME", "RLHF_NIGHT_RECORDS", "RLHF_NIGHT_RUN_ID"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(night, "REPORT_MODULE", "toy_report")
    monkeypatch.setattr(champion, "MODULE", "toy_duel")


@pytest.fixture(scope="session")
def fresh_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a toy project in which nothing has run."""
    root = tmp_path_factory.mktemp("fresh") / "toy"
    lay_out(root)
    dvc = f"{sys.executable} -m dvc"
    shell(f"cd {root} && git init -q -b main && {dvc} init -q")
    shutil.copy(PROJECT / ".dvc" / "config", root / ".dvc" / "config")
    shell(f"cd {root} && git add -A && git -c user.name=toy -c user.email=toy@example.org commit -q -m toy")
    return root


@pytest.fixture
def toy(fresh_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a toy project in which nothing has run; it is the current folder."""
    root = tmp_path / "toy"
    shutil.copytree(fresh_template, root, symlinks=True)
    (root / "logs").mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve one Prefect API to all nights of the session."""
    folder = tmp_path_factory.mktemp("prefect")
    servers.quieten_prefect()
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with servers.prefect_server(folder / "log", env={"PREFECT_HOME": str(folder)}) as address:
        servers.wait_until_up(address, "/api/health")
        with temporary_settings({PREFECT_API_URL: f"{address}/api"}):
            yield address


@pytest.fixture(scope="session")
def night_template(fresh_template: Path, prefect: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a toy project after one good night, with what that night printed in printed.txt."""
    root = tmp_path_factory.mktemp("night") / "toy"
    shutil.copytree(fresh_template, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(night, "REPORT_MODULE", "toy_report")
        code, printed = run_night()
    assert code == 0, printed
    (root / "logs" / "printed.txt").write_text(printed)
    return root


@pytest.fixture
def after_night(night_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a toy project after one good night; it is the current folder."""
    root = tmp_path / "toy"
    shutil.copytree(night_template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def run_night(wants_promotion: bool = True) -> tuple[int, str]:
    output = io.StringIO()
    console = Console(file=output, width=140, highlight=False)
    with only_night() as cache:
        code = night.run(console, cache, wants_promotion)
    return code, output.getvalue()


@pytest.fixture
def start_night(prefect: str) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a night here and returns its exit code and what it printed."""
    return run_night


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProcessGroup]:
    """Return the process group of a night."""
    with ProcessGroup(tmp_path / "night.json") as group:
        yield group


@pytest.fixture
def graph(toy: Path) -> Graph:
    """Return the graph of the fresh toy project."""
    return read_graph()


@pytest.fixture
def edit() -> Callable[[str, str, str], None]:
    """Return a function that replaces a text in a file, which must contain it."""

    def replace(path: str, old: str, new: str) -> None:
        text = Path(path).read_text()
        assert old in text
        Path(path).write_text(text.replace(old, new))

    return replace
