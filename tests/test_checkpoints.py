"""Tests of where checkpoints lie, which are used and when they go. That they resume exactly is tested in each area."""

import pytest

from rlhf_pipeline import checkpoints, mistakes, training
from rlhf_pipeline.records import write_json


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Enter a project with one input file."""
    (tmp_path / "rows.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)


def write_checkpoint(folder, step, state='{"global_step": 1}'):
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    if state is not None:
        (checkpoint / checkpoints.STATE).write_text(state)
    return checkpoint


def end_with(error, stage):
    """Train until the first checkpoint, then fail."""
    with checkpoints.kept(stage, ["rows.jsonl"], {}) as folder:
        write_checkpoint(folder, 1)
        raise error


def test_an_input_a_setting_and_the_code_change_the_key(tmp_path, monkeypatch):
    keys = [checkpoints.key(["rows.jsonl"], {"seed": 0}), checkpoints.key(["rows.jsonl"], {"seed": 1})]
    (tmp_path / "rows.jsonl").write_text("{}\n{}\n")
    keys.append(checkpoints.key(["rows.jsonl"], {"seed": 0}))
    write_json(tmp_path / "code/method.py", 1)
    monkeypatch.setattr(checkpoints, "PACKAGE", tmp_path / "code")
    keys.append(checkpoints.key(["rows.jsonl"], {"seed": 0}))
    write_json(tmp_path / "code/method.py", 2)
    keys.append(checkpoints.key(["rows.jsonl"], {"seed": 0}))
    assert len(set(keys)) == 5
    assert checkpoints.key(["rows.jsonl"], {"seed": 0}) == keys[-1]


@pytest.mark.parametrize("torn", [None, "", '{"global_step": 9, "log_hist'])
def test_a_half_written_checkpoint_is_not_used_and_goes(tmp_path, torn):
    whole = write_checkpoint(tmp_path, 9)
    half = write_checkpoint(tmp_path, 10, torn)
    assert checkpoints.latest(tmp_path) == whole
    assert not half.exists()


def test_the_newest_is_by_step_and_not_by_name(tmp_path):
    write_checkpoint(tmp_path, 9)
    assert checkpoints.latest(tmp_path) != write_checkpoint(tmp_path, 10) == checkpoints.latest(tmp_path)
    assert checkpoints.latest(tmp_path / "nowhere") is None


def test_checkpoints_stay_until_the_outputs_stand():
    with pytest.raises(OSError, match="no space"):
        end_with(OSError("no space"), "sft@a")
    with checkpoints.kept("sft@a", ["rows.jsonl"], {}) as folder:
        assert checkpoints.latest(folder) == folder / "checkpoint-1"
    assert [path for path in checkpoints.ROOT.rglob("*") if path.is_file()] == []


def test_another_key_of_the_stage_removes_what_was_kept_and_another_stage_does_not():
    folders = [checkpoints.folder(stage, "old") for stage in ("sft@a", "sft@b")]
    for folder in folders:
        write_checkpoint(folder, 1)
    with checkpoints.kept("sft@a", ["rows.jsonl"], {}):
        assert [folder.exists() for folder in folders] == [False, True]


def test_a_diverged_training_ends_with_one_line_and_keeps_its_checkpoint(capsys):
    with pytest.raises(SystemExit) as ended, mistakes.told():
        end_with(training.DivergedError("loss is nan at step 3, rows: p1, p2"), "rewards@a")
    assert (ended.value.code, capsys.readouterr().err) == (1, "error: rewards@a: loss is nan at step 3, rows: p1, p2\n")
    assert checkpoints.latest(checkpoints.folder("rewards@a", checkpoints.key(["rows.jsonl"], {})))


@pytest.mark.parametrize(("num_steps", "boundary", "expected"), [(100, 1, 25), (100, 2, 26), (7, 3, 3), (2, 4, 4)])
def test_checkpoints_fall_on_boundaries(num_steps, boundary, expected):
    params = training.TrainingParams(learning_rate=1, batch_size=1, save_fraction=0.25)
    assert training.save_steps(params, num_steps, boundary) == expected
