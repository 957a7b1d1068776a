"""Tests of members and their voices: one checkpoint or several, one head or several."""

from types import SimpleNamespace

import pytest
import torch

from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.validation.members import EnsembleError, load_members, member_of, score_with, voices

CONVERSATIONS = [user("paint it red") + assistant(c) for c in ("the wall is red .", "the wall is blue .", "")]
NAMES = ["one", "many", "series"]


@pytest.fixture
def members(tmp_path, tiny_reward_model):
    """Return a folder with a plain member, one with three heads, and one with two snapshots."""
    tiny_reward_model(tmp_path / "one", 0)
    tiny_reward_model(tmp_path / "many", 1, num_heads=3)
    for number in (0, 1):
        tiny_reward_model(tmp_path / "series" / str(number), 2 + number)
    return tmp_path


def test_a_head_and_a_snapshot_are_voices_of_their_member(members):
    models = load_members(members, NAMES, NAMES)
    assert list(models) == ["one", "many", "series/0", "series/1"]
    told = voices(models)
    assert told == ["one", "many/0", "many/1", "many/2", "series/0", "series/1"]
    assert list(dict.fromkeys(map(member_of, told))) == NAMES


def test_a_snapshot_with_heads_has_a_voice_for_each():
    assert voices({"a/0": SimpleNamespace(num_heads=2)}) == ["a/0/0", "a/0/1"]


def test_every_voice_is_a_row_in_the_order_of_the_names(members):
    models = load_members(members, NAMES, NAMES)
    raw = score_with(models, CONVERSATIONS)
    assert raw.shape == (6, 3)
    assert len({tuple(row) for row in raw.tolist()}) == 6
    assert torch.equal(raw[1:4], score_with({"many": models["many"]}, CONVERSATIONS))
    assert torch.equal(score_with(models, CONVERSATIONS, threads=2), raw)


def test_all_heads_are_scored_in_one_forward_pass(members):
    models = load_members(members, ["one", "many"], ["one", "many"])
    calls = []
    for name, one in models.items():
        one.model.register_forward_hook(lambda *_, name=name: calls.append(name))
    score_with(models, CONVERSATIONS[:1])
    assert sorted(calls) == ["many", "one"]
    score_with(models, CONVERSATIONS)
    assert calls.count("many") == calls.count("one")  # with the prompt that they share


def test_a_head_with_a_broken_weight_is_refused_by_name(members):
    models = load_members(members, NAMES, NAMES)
    models["many"].model.score.weight.data[2].fill_(float("nan"))
    with pytest.raises(EnsembleError, match="member 'many/2' gave 3 rewards"):
        score_with(models, CONVERSATIONS)


def test_a_snapshot_with_a_broken_weight_is_refused_by_name(members):
    models = load_members(members, NAMES, NAMES)
    models["series/1"].model.score.weight.data.fill_(float("inf"))
    with pytest.raises(EnsembleError, match="member 'series/1' gave 3 rewards"):
        score_with(models, CONVERSATIONS)


def test_without_a_list_any_member_may_be_loaded(members):
    assert list(load_members(members, ["one"], None)) == ["one"]
    with pytest.raises(EnsembleError, match="member 'one' is not listed"):
        load_members(members, ["one"], ["many"])
