"""Tests of the ensemble: the same rewards after a round trip, and refusals by name of what it cannot vouch for."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from rlhf_pipeline import methods
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, hash_folder, user
from rlhf_pipeline.scoring import TOLERANCE
from rlhf_pipeline.validation.ensemble import (
    AGGREGATORS,
    Ensemble,
    EnsembleError,
    load_panel,
)
from rlhf_pipeline.validation.members import load_members, score_with
from rlhf_pipeline.validation.normalisation import Statistics

CONVERSATIONS = [user(p) + assistant(c) for p in ("paint it red", "paint it blue") for c in ("the wall is red .", "")]
GROUPS = ["red", "red", "blue", "blue"]
RAW = torch.tensor([[1.0, 3.0, 5.0, 5.0], [0.0, 8.0, 2.0, 0.0]])


def statistics(count: int) -> Statistics:
    return Statistics(scale=torch.tensor([2.0, 4.0])[:count], mean=torch.ones(count), std=torch.full((count,), 2.0))


def fake(names=("a", "b"), **shape) -> Ensemble:
    return Ensemble(dict.fromkeys(names, SimpleNamespace(num_heads=1)), statistics(len(names)), **shape)


@pytest.fixture
def members(tmp_path, tiny_reward_model):
    for seed, name in enumerate(("a", "b", "judge")):
        tiny_reward_model(tmp_path / "members" / name, seed)
    return tmp_path / "members"


@pytest.fixture
def written(tmp_path, members):
    """Return the path of an ensemble.json of two members and one evaluator."""
    ensemble = Ensemble(load_members(members, ["a", "b"], ["a", "b"]), statistics(2), aggregator="min")
    panel = Ensemble(load_members(members, ["judge"], ["judge"]), statistics(1))
    ensemble.write(tmp_path / "ensemble.json", members, panel)
    return tmp_path / "ensemble.json"


def test_rewards_within_the_prompt_are_those_worked_out_by_hand():
    rewards = fake().aggregate(RAW, GROUPS)
    # Member a: (-1, 1, 0, 0) / 2; member b: (-4, 4, 1, -1) / 4.
    assert rewards.normalised.tolist() == [[-0.5, 0.5, 0, 0], [-1, 1, 0.25, -0.25]]
    assert rewards.reward.tolist() == [-0.75, 0.75, 0.125, -0.125]
    assert rewards.disagreement.tolist() == [0.25, 0.25, 0.125, 0.125]


def test_a_baseline_of_the_caller_takes_the_place_of_the_group_mean():
    rewards = fake().aggregate(RAW, GROUPS, torch.tensor([[1.0] * 4, [0.0] * 4]))
    assert rewards.reward.tolist() == [0.0, 1.5, 1.25, 1.0]


def test_global_normalisation_needs_no_baseline():
    assert fake(normalisation="global").aggregate(RAW, GROUPS).normalised[0].tolist() == [0, 1, 2, 2]


def test_one_member_does_not_disagree():
    assert fake(["a"]).aggregate(RAW[:1], GROUPS).disagreement.tolist() == [0.0] * 4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reward_that_is_not_finite_is_refused_by_name(value):
    raw = RAW.clone()
    raw[1, 2] = value
    with pytest.raises(EnsembleError, match="member 'b' gave 1 rewards"):
        fake().aggregate(raw, GROUPS)


def test_a_member_with_a_broken_weight_is_refused_by_name(members):
    models = load_members(members, ["a", "b"], ["a", "b"])
    models["b"].model.score.weight.data.fill_(float("nan"))
    with pytest.raises(EnsembleError, match="member 'b'"):
        Ensemble(models, statistics(2)).member_rewards(CONVERSATIONS)


def test_an_ensemble_without_members_is_refused():
    with pytest.raises(EnsembleError, match="at least one member"):
        Ensemble({}, statistics(0))


def test_an_unknown_aggregator_names_a_near_one():
    with pytest.raises(methods.MethodError, match="mean_minus_std"):
        fake(aggregator="mean_minus_sdt").aggregate(RAW, GROUPS)


def test_rewards_are_the_same_after_writing_and_loading(written, members):
    models = load_members(members, ["a", "b"], ["a", "b"])
    before = Ensemble(models, statistics(2), aggregator="min")
    after = Ensemble.load(written, members, ["a", "b"])
    assert after.members == ["a", "b"]
    assert after.aggregator == "min"
    raw, again = before.member_rewards(CONVERSATIONS), after.member_rewards(CONVERSATIONS, threads=2)
    torch.testing.assert_close(raw, again, atol=TOLERANCE, rtol=0)
    assert raw.std() > 0
    first, second = before.aggregate(raw, GROUPS), after.aggregate(again, GROUPS)
    torch.testing.assert_close(first.reward, second.reward, atol=TOLERANCE, rtol=0)


def test_an_evaluator_is_loaded_beside_the_ensemble_and_never_in_it(written, members):
    evaluators = load_panel(written, members, ["judge"])
    assert list(evaluators) == ["judge"]
    raw = evaluators["judge"].member_rewards(CONVERSATIONS)
    assert raw.shape == (1, 4)
    assert evaluators["judge"].aggregate(raw, GROUPS).reward.abs().sum() > 0
    assert "judge" not in Ensemble.load(written, members, ["a", "b", "judge"]).members


def test_the_description_is_the_same_when_written_twice_and_holds_no_audit_numbers(written, members, tmp_path):
    before = written.read_text()
    again = Ensemble.load(written, members, ["a", "b"])
    panel = load_panel(written, members, ["judge"])["judge"]
    again.write(tmp_path / "again.json", members, panel)
    assert (tmp_path / "again.json").read_text() == before
    entry = json.loads(before)["members"][0]
    assert set(entry) == {"name", "sha256", "voices"}
    assert entry["voices"] == [{"name": "a", "scale": 2.0, "mean": 1.0, "std": 2.0}]


def test_effective_settings_are_written(tmp_path, members):
    models = load_members(members, ["a", "b"], ["a", "b"])
    Ensemble(models, statistics(2), aggregator="mean_minus_std").write(tmp_path / "e.json", members)
    assert json.loads((tmp_path / "e.json").read_text())["settings"] == {"c": 0.5}


def test_a_missing_member_is_refused_by_name(written, members):
    (members / "b").rename(members / "gone")
    with pytest.raises(EnsembleError, match="member 'b' is missing"):
        Ensemble.load(written, members, ["a", "b"])


def test_an_altered_member_is_refused_by_name(written, members):
    config = members / "b" / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(EnsembleError, match="member 'b' was altered"):
        Ensemble.load(written, members, ["a", "b"])


def test_a_member_that_is_not_listed_is_refused_by_name(written, members):
    with pytest.raises(EnsembleError, match="member 'b' is not listed"):
        Ensemble.load(written, members, ["a", "c"])


def test_an_altered_evaluator_is_refused_by_name(written, members):
    (members / "judge" / "new.txt").write_text("x")
    with pytest.raises(EnsembleError, match="'judge' was altered"):
        load_panel(written, members, ["judge"])


@pytest.mark.parametrize("version", [2, 99])
def test_a_description_of_another_version_is_refused(written, members, version):
    written.write_text(json.dumps(json.loads(written.read_text()) | {"schema_version": version}))
    with pytest.raises(EnsembleError, match=f"schema version {version}, this code reads 4: run the stage validation"):
        Ensemble.load(written, members, ["a", "b"])


def test_a_description_from_before_trunks_were_shared_is_read(written, members):
    described = json.loads(written.read_text()) | {"schema_version": 3}
    assert described.pop("trunks") == []
    written.write_text(json.dumps(described))
    assert Ensemble.load(written, members, ["a", "b"]).members == ["a", "b"]


def test_models_side_by_side_score_as_one_after_another(members):
    models = load_members(members, ["a", "b", "judge"], ["a", "b", "judge"])
    assert torch.equal(score_with(models, CONVERSATIONS, threads=2), score_with(models, CONVERSATIONS, threads=1))


def test_an_ensemble_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        fake().aggregator = "min"


def test_what_the_aggregator_learned_survives_the_round_trip(tmp_path, members):
    loaded = load_members(members, ["a", "b"], ["a", "b"])
    chosen, rejected = torch.tensor([[9.0, 9.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    ensemble = Ensemble(loaded, statistics(2), aggregator="learned_weights").fit(chosen, rejected)
    assert ensemble.fitted["weights"][0] > ensemble.fitted["weights"][1]
    ensemble.write(tmp_path / "ensemble.json", members)
    again = Ensemble.load(tmp_path / "ensemble.json", members, ["a", "b"])
    assert again.fitted == ensemble.fitted
    torch.testing.assert_close(again.aggregate(RAW, GROUPS).reward, ensemble.aggregate(RAW, GROUPS).reward)


@pytest.mark.parametrize("name", ["reward_fusion", "specialist_generalist_rm"])
def test_what_is_learned_from_texts_survives_saving_and_texts_are_asked_for(mixed, tmp_path, name):
    ensemble, folder = dataclasses.replace(mixed[0], aggregator=name, settings={}), mixed[1]
    raw = ensemble.member_rewards(CONVERSATIONS)
    ensemble = ensemble.fit(raw[:, ::2], raw[:, 1::2], (CONVERSATIONS[::2], CONVERSATIONS[1::2]))
    ensemble.save(tmp_path / "artifact", folder)
    again = Ensemble.from_pretrained(tmp_path / "artifact")
    assert again.fitted == ensemble.fitted
    before, after = (one.aggregate(raw, GROUPS, conversations=CONVERSATIONS).reward for one in (ensemble, again))
    assert torch.equal(before, after)
    with pytest.raises(Mistake, match=f"'{name}' reads the texts"):
        again.aggregate(raw, GROUPS)
    with pytest.raises(Mistake, match=f"'{name}' reads the texts"):
        again.fit(raw, raw)


def test_an_aggregator_that_learns_nothing_is_left_as_it_is():
    assert fake().fit(RAW, RAW).fitted == {}


@pytest.mark.parametrize("name", methods.names(AGGREGATORS))
def test_every_aggregator_takes_rewards_and_context_and_gives_one_reward_each(name):
    ensemble = fake(aggregator=name).fit(RAW, RAW.flip(1), (CONVERSATIONS, CONVERSATIONS[::-1]))
    reward = ensemble.aggregate(RAW, GROUPS, conversations=CONVERSATIONS).reward
    assert reward.shape == (4,)
    assert reward.isfinite().all()
    assert reward[1] > reward[0]  # both members say so


SIX = Statistics(*(torch.arange(1.0, 7.0) + shift for shift in range(3)))


@pytest.fixture
def mixed(tmp_path, tiny_reward_model):
    """Return an ensemble of a plain member, one with three heads and one with two snapshots, and their folder."""
    folder = tmp_path / "mixed"
    tiny_reward_model(folder / "one", 0)
    tiny_reward_model(folder / "many", 1, num_heads=3)
    for number in (0, 1):
        tiny_reward_model(folder / "series" / str(number), 2 + number)
    names = ["one", "many", "series"]
    return Ensemble(load_members(folder, names, names), SIX, aggregator="min", temperature=2.5), folder


def test_a_member_counts_as_many_times_as_it_has_voices(mixed):
    ensemble = mixed[0]
    assert ensemble.members == ["one", "many", "series"]
    raw = ensemble.member_rewards(CONVERSATIONS)
    rewards = dataclasses.replace(ensemble, aggregator="mean").aggregate(raw, GROUPS)
    assert rewards.normalised.shape == (6, 4)
    torch.testing.assert_close(rewards.reward, rewards.normalised.mean(dim=0))


def test_a_saved_ensemble_loads_in_one_call_and_says_the_same(mixed, tmp_path):
    ensemble, folder = mixed
    ensemble.save(tmp_path / "artifact", folder)
    shutil.rmtree(folder)  # nothing but the artifact is needed
    again = Ensemble.from_pretrained(tmp_path / "artifact")
    assert (again.voices, again.aggregator, again.temperature) == (ensemble.voices, "min", 2.5)
    raw = again.member_rewards(CONVERSATIONS)
    torch.testing.assert_close(raw, ensemble.member_rewards(CONVERSATIONS), atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(again.aggregate(raw, GROUPS).reward, ensemble.aggregate(raw, GROUPS).reward)
    again.save(tmp_path / "second", tmp_path / "artifact/members")
    assert hash_folder(tmp_path / "second") == hash_folder(tmp_path / "artifact")


def test_an_altered_weight_of_a_saved_ensemble_is_refused_by_name(mixed, tmp_path):
    mixed[0].save(tmp_path / "artifact", mixed[1])
    weights = tmp_path / "artifact/members/many/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(EnsembleError, match="member 'many' was altered"):
        Ensemble.from_pretrained(tmp_path / "artifact")


def test_a_missing_snapshot_is_refused_by_the_name_of_its_member(mixed, tmp_path):
    mixed[0].save(tmp_path / "artifact", mixed[1])
    shutil.rmtree(tmp_path / "artifact/members/series/0")
    with pytest.raises(EnsembleError, match="member 'series' was altered"):
        Ensemble.from_pretrained(tmp_path / "artifact")


def test_a_member_altered_after_it_was_loaded_is_not_saved(written, members, tmp_path):
    ensemble = Ensemble.load(written, members)
    (members / "b/new.txt").write_text("x")
    with pytest.raises(EnsembleError, match="member 'b' was altered since it was loaded"):
        ensemble.save(tmp_path / "artifact", members)
    assert not (tmp_path / "artifact").exists()


def test_an_ensemble_is_saved_over_nothing(mixed, tmp_path):
    with pytest.raises(FileExistsError):
        mixed[0].save(tmp_path, mixed[1])


def test_an_evaluator_with_heads_is_one_evaluator(mixed, tmp_path):
    folder = mixed[1]
    panel = Ensemble(load_members(folder, ["many"], ["many"]), SIX.select([1, 2, 3]))
    only = Ensemble(load_members(folder, ["one"], ["one"]), SIX.select([0]))
    only.write(tmp_path / "e.json", folder, panel)
    loaded = load_panel(tmp_path / "e.json", folder, ["many"])
    assert list(loaded) == ["many"]
    assert loaded["many"].voices == ["many/0", "many/1", "many/2"]
    assert loaded["many"].statistics.scale.tolist() == [2.0, 3.0, 4.0]


def test_a_preference_is_the_sigmoid_of_the_margin_by_the_temperature():
    assert fake(temperature=2.0).preference(torch.tensor([0.0, 2.0])).tolist() == pytest.approx([0.5, 0.7311], abs=1e-4)
