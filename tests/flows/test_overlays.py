import shutil
from pathlib import Path

import pytest
import yaml

from flows import overlays
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.params import load_params

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "profiles").mkdir()
    return tmp_path


def read(project: Path) -> str:
    return (project / "params.yaml").read_text()


def test_a_value_is_written_and_every_other_line_is_kept(project: Path) -> None:
    before = read(project).splitlines()
    lines = overlays.apply(None, ["policy.algorithm=rloo", "gate.enforce=false"], project)
    after = read(project).splitlines()
    assert lines == ["params.yaml: policy.algorithm: grpo -> rloo", "params.yaml: gate.enforce: true -> false"]
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 2
    assert all(new.split("#")[1:] == old.split("#")[1:] for old, new in changed)  # comments stand


def test_the_same_value_again_changes_nothing(project: Path) -> None:
    overlays.apply(None, ["seed=3"], project)
    before = read(project)
    assert overlays.apply(None, ["seed=3"], project) == []
    assert read(project) == before


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("polcy.algorithm=rloo", "Did you mean policy"),
        ("policy.algoritm=rloo", "Did you mean algorithm"),
        ("policy.threads=none", "policy.threads"),
        ("seed", "write section.key=value"),
    ],
)
def test_what_is_not_valid_is_refused_by_name_before_anything_is_written(
    project: Path, assignment: str, hint: str
) -> None:
    before = read(project)
    with pytest.raises(MethodError, match=hint):
        overlays.apply(None, [assignment], project)
    assert read(project) == before


def test_a_profile_merges_maps_and_takes_out_what_is_null(project: Path) -> None:
    member = {"trunk": "first", "pairs": "data/denoising/train.jsonl", "objective": "bradley_terry"}
    first = next(iter(load_params(project / "params.yaml").rewards.members))
    profile = {"rewards": {"members": {first: None, "extra": member}}, "curation": {"source": "pairs"}}
    (project / "profiles" / "own.yaml").write_text(yaml.safe_dump(profile))
    lines = overlays.apply("own", ["curation.source=hh_rlhf"], project)
    params = load_params(project / "params.yaml")
    assert first not in params.rewards.members
    assert params.rewards.members["extra"].trunk == "first"
    assert params.curation.source == "hh_rlhf"  # an assignment has the last word
    assert any(line.startswith(f"params.yaml: rewards.members.{first}: ") and line.endswith("absent") for line in lines)


def test_an_unknown_profile_is_refused_with_near_ones(project: Path) -> None:
    (project / "profiles" / "hh.yaml").write_text("{}")
    with pytest.raises(MethodError, match="Did you mean hh"):
        overlays.apply("hhh", [], project)


@pytest.mark.parametrize("profile", overlays.profiles(PROJECT))
def test_every_profile_of_the_project_is_valid(project: Path, profile: str) -> None:
    shutil.copy(PROJECT / "profiles" / f"{profile}.yaml", project / "profiles")
    overlays.apply(profile, [], project)
    load_params(project / "params.yaml")
