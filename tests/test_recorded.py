"""Tests of what a reward model said when it was saved."""

import json
import shutil

import pytest
import torch

from rlhf_pipeline import models, recorded
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, read_json, user, write_json
from rlhf_pipeline.scoring import load_reward_model


def pair(number, words=3):
    letters = "abcdefghijklmnop"
    said = " ".join(letters[(number * k) % 16] for k in range(1, words + 1))
    return {"prompt": user(f"say {letters[number % 16]}"), "chosen": assistant(said), "rejected": assistant("a")}


@pytest.fixture
def folder(tiny_trunk, tmp_path):
    model, tokenizer = models.reward_model_from(tiny_trunk, seed=1)
    with torch.no_grad():
        model.score.weight.mul_(20)
    models.save_model(tmp_path / "member", model, tokenizer)
    return tmp_path / "member"


@pytest.fixture
def saved(folder):
    recorded.record(folder, [pair(number) for number in range(40)])
    return folder


def test_what_is_recorded_is_said_again(saved):
    told = read_json(saved / recorded.FILE)
    assert len(told["conversations"]) == 2 * recorded.NUM_PAIRS == len(told["rewards"][0])
    recorded.refuse_changed({"a": load_reward_model(saved)})


def test_pairs_are_taken_from_all_of_them_and_few_are_all_taken(folder):
    recorded.record(folder, [pair(number) for number in range(3)])
    assert len(read_json(folder / recorded.FILE)["conversations"]) == 6


def test_a_side_that_the_model_cannot_read_whole_is_left_out(folder):
    recorded.record(folder, [pair(1), pair(2, words=5000)])
    assert len(read_json(folder / recorded.FILE)["conversations"]) == 3


def test_what_stands_there_is_the_word_of_whoever_saved_it_first(saved):
    before = (saved / recorded.FILE).read_text()
    recorded.record(saved, [pair(number) for number in range(5)])
    assert (saved / recorded.FILE).read_text() == before


def test_every_snapshot_has_its_own(folder, tmp_path):
    for name in ("0", "1"):
        shutil.copytree(folder, tmp_path / "snapshots" / name)
    recorded.record(tmp_path / "snapshots", [pair(1)])
    assert all((tmp_path / "snapshots" / name / recorded.FILE).exists() for name in ("0", "1"))


def test_a_model_that_nothing_was_recorded_of_is_passed_over(folder):
    recorded.refuse_changed({"a": load_reward_model(folder)})


def test_another_chat_template_is_refused_by_name(saved):
    path = saved / "chat_template.jinja"
    path.write_text("{% for message in messages %}{{ message['content'] }} {% endfor %}")
    with pytest.raises(CheckpointError, match=r"'a' gives other rewards than when it was saved.*template"):
        recorded.refuse_changed({"a": load_reward_model(saved)})


def test_exchanged_words_are_refused(saved):
    path = saved / "tokenizer.json"
    told = json.loads(path.read_text())
    vocabulary = told["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    path.write_text(json.dumps(told))
    with pytest.raises(CheckpointError, match="other rewards"):
        recorded.refuse_changed({"a": load_reward_model(saved)})


def test_bfloat16_rounding_is_borne(saved):
    reward_model = load_reward_model(saved)
    reward_model.model.to(torch.bfloat16)
    recorded.refuse_changed({"a": reward_model})


def test_the_change_counts_in_spreads_of_each_head():
    then = [[0.0, 2.0], [0.0, 200.0]]  # standard deviations 1 and 100
    assert recorded.change(then, torch.tensor([[0.0, 2.5], [0.0, 210.0]])) == pytest.approx(0.5)
    assert recorded.change(then, torch.tensor([[0.0, 2.0], [0.0, float("nan")]])) == float("inf")


def test_a_changed_reward_is_told_with_its_size(saved):
    told = read_json(saved / recorded.FILE)
    told["rewards"][0][0] += 1000.0
    write_json(saved / recorded.FILE, told)
    with pytest.raises(CheckpointError, match="train it again"):
        recorded.refuse_changed({"a": load_reward_model(saved)})
