import copy

import pytest
import yaml

from rlhf_pipeline.curation.contract import judge_contract, metrics
from rlhf_pipeline.curation.curate import curate
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.params import Curation

FEW = {f"rows/{name}": {"at_least": 5} for name in ("train", "validation", "test", "evaluator", "evaluation_prompts")}
FEW |= {f"rows/{name}": {"at_least": 5} for name in ("demonstrations", "policy_prompts")}


@pytest.fixture(scope="module")
def params(root):
    """Return the committed section with smaller counts: the rules are those of a night."""
    section = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))["curation"]
    return Curation(**section | {"bounds": section["bounds"] | FEW, "source": "pairs"})


@pytest.fixture
def curated(pairs, params):
    return curate(Raw(pairs(400)), params, seed=0)


def failed(curated, params):
    verdict = judge_contract(curated, params.bounds, seed=0).verdict
    names = {check.name for check in verdict.checks if not check.passed}
    return verdict.admitted, names


def test_clean_pairs_are_admitted_with_every_check_passed(curated, params):
    assert failed(curated, params) == (True, set())


def leak(curated):
    moved = copy.deepcopy(curated.tables["train"][0]) | {
        "id": "moved",
        "chosen": [{"role": "assistant", "content": "hm"}],
    }
    curated.tables["test"].append(moved)


def contradict(curated):
    row = curated.tables["train"][0]
    curated.tables["train"].append(row | {"id": "opposite", "chosen": row["rejected"], "rejected": row["chosen"]})


def double(curated):
    curated.tables["train"].append(curated.tables["train"][0] | {"id": "double"})


def empty(curated):
    for name in ("train", "validation", "test", "evaluator"):
        curated.tables[name] = []


def drop_much(curated):
    curated.dropped += [{"filter": "usable", "reason": "planted"}] * 200


def spoil(curated):
    curated.tables["train"][0]["margin"] = -1.0


PLANTED = {
    leak: {"leaked_groups", "leaked_prompts"},
    contradict: {"contradictory_pairs"},
    double: {"duplicate_pairs"},
    drop_much: {"dropped_fraction"},
    spoil: {"gx/success"},
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_defect_is_refused_by_its_check_alone(curated, params, plant):
    plant(curated)
    assert failed(curated, params) == (False, PLANTED[plant])


def test_an_empty_table_is_refused_by_counts_and_suite(curated, params):
    empty(curated)
    admitted, names = failed(curated, params)
    assert not admitted
    assert names >= {"rows/train", "rows/test", "gx/success"}


def test_chosen_sides_that_are_nearly_all_longer_warn_and_do_not_refuse(curated, params):
    for row in curated.tables["train"]:
        row["chosen"] = [{"role": "assistant", "content": row["chosen"][0]["content"] + " and so on" * 20}]
    for name in ("validation", "test", "evaluator"):
        curated.tables[name] = curated.tables[name][:6]
    assert failed(curated, params) == (True, {"longer_chosen_fraction"})


def test_metrics_are_flat_numbers_that_add_up(curated, params):
    found = metrics(curated, judge_contract(curated, params.bounds, seed=0))
    assert all(type(value) is float for value in found.values())
    assert found["num_read"] == found["num_kept"] + found["num_dropped"] == 400
    assert sum(value for name, value in found.items() if name.startswith("dropped/")) == found["num_dropped"]
    assert found["rows/train"] == len(curated.tables["train"])
