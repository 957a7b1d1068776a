import json

import pytest
import yaml

from rlhf_pipeline.records import hash_folder, read_json, read_rows, write_rows
from rlhf_pipeline.verdicts import read_verdict
from tasks import curation

WORDS = ["ba", "de", "fi", "go", "ku", "lar", "men", "nos", "pet", "rid", "sul", "tam"]


def plain(n):
    said = [WORDS[(n // 12**k) % 12] for k in range(4)]
    return {
        "prompt": f"{' '.join(said)} ask {n // 2}",
        "chosen": f"{n} yes {said[0]}",
        "rejected": f"{n} no {said[1]} x",
    }


@pytest.fixture
def folder(root, tmp_path, monkeypatch):
    """A folder with 300 pairs of one's own, one of them unusable, and parameters that choose them."""
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    few = {f"rows/{name}": {"at_least": 3} for name in ("train", "validation", "test", "evaluator")}
    few |= {f"rows/{name}": {"at_least": 3} for name in ("demonstrations", "policy_prompts", "evaluation_prompts")}
    content["curation"] |= {"source": "pairs", "input": "mine.jsonl", "text": "none"}
    content["curation"]["bounds"] |= few
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    write_rows(tmp_path / "mine.jsonl", [plain(n) for n in range(299)] + [plain(299) | {"chosen": " "}])
    (tmp_path / "records").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return tmp_path


def test_the_task_writes_every_output_of_its_stage_and_counts_every_row(folder, graph):
    curation.main()
    assert [out for out in graph["curation"].outs if not (folder / out).exists()] == []
    out = folder / "data/curation"
    counts = read_json(out / "metrics.json")
    assert counts["num_read"] == 300 == counts["num_kept"] + counts["num_dropped"]
    kept = [row for name in ("train", "validation", "test", "evaluator") for row in read_rows(out / f"{name}.jsonl")]
    assert len(kept) == counts["num_kept"]
    assert {"id", "group", "prompt", "chosen", "rejected"} <= kept[0].keys()
    assert "chosen is empty" in [row["reason"] for row in read_rows(out / "dropped.jsonl")]
    assert read_json(out / "gold.json") == {"source": None}
    assert read_verdict(out / "verdict.json").admitted
    assert json.loads((folder / "records/curation.json").read_text())["metrics"]["num_read"] == 300


def test_the_same_parameters_give_the_same_bytes(folder):
    curation.main()
    first = hash_folder(folder / "data/curation")
    curation.main()
    assert hash_folder(folder / "data/curation") == first


def test_too_few_pairs_are_written_and_refused(folder):
    write_rows(folder / "mine.jsonl", [plain(n) for n in range(4)])
    curation.main()
    verdict = read_verdict(folder / "data/curation/verdict.json")
    assert not verdict.admitted
    assert "rows/test" in {check.name for check in verdict.checks if not check.passed}
    assert "refused" in (folder / "data/curation/contract.html").read_text(encoding="utf-8")


def test_labels_that_were_asked_for_join_the_train_pairs(folder):
    row = plain(2) | {"id": "round-1", "annotator": "ann", "votes": [{"annotator": "ann", "vote": "chosen"}]}
    write_rows(folder / "data/raw/annotations/round.jsonl", [row | {"chosen": "quite another reply", "margin": 1.0}])
    curation.main()
    found = [kept for kept in read_rows(folder / "data/curation/train.jsonl") if kept["id"] == "round-1"]
    assert [kept["annotator"] for kept in found] == ["ann"]
    assert read_json(folder / "data/curation/metrics.json")["num_read"] == 301
