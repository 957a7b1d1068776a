import pytest

from rlhf_pipeline.curation.inspection import inspect
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.params import Curation, Split
from rlhf_pipeline.records import write_rows
from rlhf_pipeline.verdicts import Bound

PARAMS = Curation(
    source="simulated", input="", text="", filters=["usable"], group="no_such_column",
    split=Split(validation=0.1, test=0.1, evaluator=0.1), bounds={"dropped_fraction": Bound(at_most=0.2)},
)  # fmt: skip


def rows(n, start=0, **columns):
    return [
        {"prompt": f"ask {k}", "chosen": f"yes {k}", "rejected": f"no {k} x", **columns}
        for k in range(start, start + n)
    ]


def test_files_are_recognised_joined_and_judged_together(tmp_path):
    write_rows(tmp_path / "a.jsonl", rows(40))
    write_rows(tmp_path / "b.jsonl", rows(20, start=35))
    found = inspect([tmp_path], None, {}, PARAMS, seed=0)
    assert (found.recognised.source, found.curated.num_read) == ("pairs", 60)
    assert found.contract.verdict.admitted
    assert next(f for f in found.findings if f.name == "shared_prompts").value == 5


def test_a_defect_is_refused_by_the_bound_that_it_breaks(tmp_path):
    write_rows(tmp_path / "a.jsonl", [*rows(40), *rows(20, chosen=" ")])
    verdict = inspect([tmp_path / "a.jsonl"], None, {}, PARAMS, seed=0).contract.verdict
    assert [check.name for check in verdict.checks if not check.passed] == ["dropped_fraction"]
    assert not verdict.admitted


def test_a_source_and_settings_may_be_said(tmp_path):
    write_rows(tmp_path / "a.jsonl", [{"q": "ask", "good": f"yes {k}", "bad": "no"} for k in range(9)])
    settings = {"prompt": "q", "chosen": "good", "rejected": "bad"}
    found = inspect([tmp_path / "a.jsonl"], "pairs", settings, PARAMS, seed=0)
    assert found.curated.num_read == 9
    assert not any(reason for reason in found.findings if reason.name == "set_aside")


def test_files_of_two_forms_and_sources_without_files_are_refused(tmp_path):
    write_rows(tmp_path / "a.jsonl", rows(3))
    write_rows(tmp_path / "b.jsonl", [{"prompt": "a", "completion": "b", "label": 1}])
    with pytest.raises(MethodError, match=r"a\.jsonl is pairs and b\.jsonl is labelled: check them one by one"):
        inspect([tmp_path], None, {}, PARAMS, seed=0)
    with pytest.raises(MethodError, match="reads no files"):
        inspect([tmp_path], "simulated", {}, PARAMS, seed=0)
    with pytest.raises(FileNotFoundError):
        inspect([tmp_path / "none"], None, {}, PARAMS, seed=0)
