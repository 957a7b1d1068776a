"""Tests of the heavy parts: made once per seed, at a small size."""

import pytest
import torch

from benchmarks.claims import catalogue
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import joining, members, samples, trunks, worlds
from benchmarks.claims.sizes import TOY


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(7, TOY, tmp_path_factory.mktemp("parts"))


def test_another_seed_redraws_the_world(lab):
    other = Lab(8, TOY, lab.root)
    assert worlds.pairs(lab, "train")[0]["group"] != worlds.pairs(other, "train")[0]["group"]
    assert worlds.pairs(lab, "train") == worlds.pairs(Lab(7, TOY, lab.root), "train")


def test_a_part_is_made_once_and_another_setting_is_another_part(lab, monkeypatch):
    first = trunks.trunk(lab)
    member = members.member(lab, "a", num_pairs=40)
    assert (first.with_suffix(".log")).exists()
    monkeypatch.setattr("rlhf_pipeline.sft.training.train", None)
    monkeypatch.setattr("rlhf_pipeline.rewards.training.train", None)
    assert trunks.trunk(lab) == first
    assert members.member(lab, "a", num_pairs=40) == member
    with pytest.raises(TypeError):
        members.member(lab, "a", num_pairs=41)
    assert not list(lab.root.glob("members/*/*.unfinished"))


def test_samples_are_scored_by_gold_and_by_members(lab):
    drawn = samples.draw(lab)
    shape = (TOY.num_prompts, TOY.num_samples)
    gold = samples.gold(lab, drawn)
    raw = samples.rewards(lab, [members.member(lab, "a", num_pairs=40)], drawn)
    assert (gold.shape, raw.shape) == (shape, (1, *shape))
    assert (gold.max(dim=1).values <= samples.best_possible(lab, drawn) + 1e-6).all()
    assert raw.isfinite().all()


def test_choosing_by_gold_itself_gives_the_best_of_every_prompt():
    gold = torch.tensor([[1.0, 3.0], [5.0, 2.0]])
    assert joining.gold_of_best(gold, gold) == 4.0
    assert joining.gold_of_best(-gold, gold) == 1.5


def test_within_the_prompt_a_constant_of_a_prompt_goes_and_globally_it_stays():
    raw = torch.tensor([[[0.0, 1.0], [10.0, 11.0]]])
    within, over_all = (joining.on_one_scale(raw, kind) for kind in ("within_prompt", "global"))
    torch.testing.assert_close(within[0, 0], within[0, 1])
    assert over_all[0, 1].mean() > over_all[0, 0].mean() + 1


def test_rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse():
    rewards = torch.tensor([[1.0, 2.0, 4.0], [9.0, 3.0, 5.0]])
    assert joining.rank_correlation(rewards, rewards.exp()) == pytest.approx(1)
    assert joining.rank_correlation(rewards, -rewards) == pytest.approx(-1)


@pytest.mark.slow
@pytest.mark.parametrize("entry", catalogue.read(), ids=lambda entry: entry.name)
def test_every_claim_measures_at_toy_size(entry, lab):
    for settings in [*entry.claim.without, *entry.claim.with_]:
        assert abs(entry.measure(lab, settings)) < 100
