from pathlib import Path

import pytest
import yaml

from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.params import load_params

ROOT = Path(__file__).parents[1]


@pytest.fixture
def content():
    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def load(tmp_path):
    def write_and_load(content):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        return load_params(tmp_path / "params.yaml")

    return write_and_load


def put(content, key, value):
    *path, last = key.split(".")
    for part in path:
        content = content[part]
    content[last] = value


def test_the_committed_parameters_are_valid():
    assert load_params(ROOT / "params.yaml").rewards.members


def test_a_value_arrives_where_its_key_says(content, load):
    put(content, "rewards.members.a.trunk", "second")
    assert load(content).rewards.members["a"].trunk == "second"


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("polcy", {}, r"polcy: unknown key\. Did you mean policy"),
        ("policy.algoritm", "grpo", r"policy\.algoritm: unknown key\. Did you mean algorithm"),
        ("rewards.members.a.objectiv", "x", r"rewards\.members\.a\.objectiv: unknown key\. Did you mean objective"),
        ("seed", -1, r"seed: .*got -1"),
        ("seed", "zero", r"seed: .*got 'zero'"),
        ("policy.threads", 0, r"policy\.threads: .*got 0"),
        ("curation.split.test", 1.0, r"curation\.split\.test: .*got 1\.0"),
        ("rewards.members.a.role", "judge", r"rewards\.members\.a\.role: .*got 'judge'"),
        ("validation.normalisation", "none", r"validation\.normalisation: .*got 'none'"),
        ("validation.bounds", {"accuracy/ensemble": {}}, "at_least or at_most"),
        ("gate.enforce", "sometimes", r"gate\.enforce: .*got 'sometimes'"),
    ],
)
def test_a_mistake_is_refused_and_named(content, load, key, value, complaint):
    put(content, key, value)
    with pytest.raises(MethodError, match=complaint):
        load(content)


EVALUATOR, JUDGE = {"rewards.members.evaluator.ready": True}, {"sft.trunks.judge.ready": True}


def test_a_ready_model_is_said_of_its_trunk_and_its_member(content, load):
    for key, value in (EVALUATOR | JUDGE).items():
        put(content, key, value)
    assert load(content).rewards.members["evaluator"].ready


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (EVALUATOR, r"sft\.trunks\.judge\.ready: write true"),
        (JUDGE, r"rewards\.members\.evaluator\.ready: write true"),
        (EVALUATOR | JUDGE | {"policy.reference": "judge"}, r"policy\.reference: 'judge' is a ready reward model"),
        (
            EVALUATOR
            | JUDGE
            | {"rewards.members.a": {"trunk": "judge", "pairs": "x", "objective": "bradley_terry", "ready": True}},
            r"rewards\.members\.evaluator\.trunk: 'judge' is another one's",
        ),
        (
            EVALUATOR | {"rewards.members.evaluator.settings": {"even_attention": True}},
            r"not trained: .*even_attention",
        ),
        (JUDGE | {"sft.trunks.judge.settings": {"max_length": 64}}, r"not trained: take settings \(max_length\) out"),
    ],
)
def test_a_ready_model_said_in_part_or_with_settings_is_refused_in_one_line(content, load, changes, complaint):
    for key, value in changes.items():
        put(content, key, value)
    with pytest.raises(MethodError, match=complaint) as found:
        load(content)
    assert len(str(found.value)) < 250


def test_the_complaint_names_the_file(content, load, tmp_path):
    put(content, "seed", -1)
    with pytest.raises(MethodError, match=str(tmp_path / "params.yaml")):
        load(content)


def test_a_missing_section_is_refused(content, load):
    del content["gate"]
    with pytest.raises(MethodError, match="gate: Field required"):
        load(content)


def test_an_empty_file_is_refused_in_words(load):
    with pytest.raises(MethodError):
        load(None)


def test_parameters_cannot_be_changed_while_a_stage_runs(content, load):
    with pytest.raises(ValueError, match="frozen"):
        load(content).seed = 3
