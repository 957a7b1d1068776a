import pytest
import yaml

from rlhf_pipeline.records import read_json, read_rows, write_rows
from tasks import denoising


@pytest.fixture
def folder(root, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text((root / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "records").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return tmp_path


def test_the_task_writes_every_output_of_its_stage_and_by_default_changes_nothing(folder, graph):
    rows = [{"id": "a", "margin": 1.0}, {"id": "b"}]
    write_rows(folder / "data/curation/train.jsonl", rows)
    denoising.main()
    assert [out for out in graph["denoising"].outs if not (folder / out).exists()] == []
    assert read_rows(folder / "data/denoising/train.jsonl") == rows
    assert read_json(folder / "data/denoising/metrics.json")["num_kept"] == 2
    assert (folder / "records/denoising.json").exists()


def test_a_filter_that_asks_for_a_model_is_told_that_none_is_handed_in():
    with pytest.raises(NotImplementedError, match="train"):
        denoising.not_handed_in([], 0)


def test_an_unknown_filter_fails_before_anything_is_written(folder):
    content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    content["denoising"]["filters"] = ["magic"]
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    write_rows(folder / "data/curation/train.jsonl", [{"id": "a"}])
    with pytest.raises(ValueError, match="unknown method 'magic'"):
        denoising.main()
    assert not (folder / "data/denoising").exists()
