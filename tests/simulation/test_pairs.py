import json
from statistics import mean

import pytest

from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.pairs import draw_contrast, draw_pairs, draw_single_edits
from rlhf_pipeline.simulation.prompts import is_held_out, parse
from rlhf_pipeline.simulation.world import World, WorldParams


@pytest.fixture(scope="module")
def pairs(world):
    return draw_pairs(world, 400, "train")


def said(messages):
    return messages[-1]["content"]


def worth(world, row, side):
    return world.gold(said(row["prompt"]), said(row[side]))


def margin(world, row):
    return worth(world, row, "chosen").total - worth(world, row, "rejected").total


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(world, pairs):
    assert draw_pairs(World(world.seed, world.params), 400, "train") == pairs
    others = draw_pairs(World(world.seed + 1, world.params), 400, "train")
    assert not {row["id"] for row in others} & {row["id"] for row in pairs}


def test_purposes_share_no_pair(world, pairs):
    assert not {row["id"] for row in pairs} & {row["id"] for row in draw_pairs(world, 100, "test")}


def test_train_holds_no_held_out_combination_and_the_shifted_split_only_those(world, pairs):
    fraction = world.params.held_out_fraction
    assert not any(is_held_out(parse(said(row["prompt"])), fraction) for row in pairs)
    shifted = draw_pairs(world, 60, "test", is_shifted=True)
    assert all(is_held_out(parse(said(row["prompt"])), fraction) for row in shifted)


def test_gold_never_stands_in_a_row(world, pairs):
    assert "gold" not in json.dumps(pairs)
    counted = {0.0, 1 / 3, 2 / 3, 1.0, *range(6)}  # leads of votes and ratings
    assert {value for row in pairs for value in row.values() if isinstance(value, int | float)} <= counted


def test_sides_differ_and_the_chosen_one_is_better_on_average(world, pairs):
    assert all(said(row["chosen"]) != said(row["rejected"]) for row in pairs)
    assert 0.6 < mean(margin(world, row) > 0 for row in pairs) < 0.99


def test_noise_costs_agreement_with_gold(world):
    quiet = {"flip_rate": 0, "careless_fraction": 0, "intransitive_fraction": 0, "temperature": 0.05, "tie_width": 0}
    clear, noisy = (
        mean(margin(w, row) > 0 for row in draw_pairs(w, 200, "train"))
        for w in (World(5, WorldParams(**quiet)), World(5, WorldParams(**quiet | {"flip_rate": 0.4})))
    )
    assert noisy < clear - 0.15


def test_votes_are_told_with_their_lead(world):
    rows = draw_pairs(World(5, WorldParams(voted_fraction=1.0, num_votes=3)), 60, "train")
    for row in rows:
        tally = [vote["vote"] for vote in row["votes"]]
        assert len({vote["annotator"] for vote in row["votes"]}) == 3
        assert row["margin"] == pytest.approx(abs(tally.count("chosen") - tally.count("rejected")) / 3)
        assert tally.count("chosen") >= tally.count("rejected")
    assert {len(row["votes"]) for row in draw_pairs(World(5, WorldParams(voted_fraction=0.0)), 20, "train")} == {1}


def test_evaluators_pairs_are_labelled_by_others(world, pairs):
    theirs = {row["annotator"] for row in draw_pairs(world, 200, "evaluator")}
    assert not theirs & {row["annotator"] for row in pairs}
    assert theirs == {annotator.name for annotator in world.evaluator_annotators}


def test_degenerate_sides_come_as_often_as_asked():
    def poor(fraction):
        drawn = World(5, WorldParams(degenerate_fraction=fraction))
        rows = draw_pairs(drawn, 150, "train")
        found = [worth(drawn, row, side).attributes for row in rows for side in ("chosen", "rejected")]
        return mean(a["fluency"] < 0.8 or a["repetition"] < 0.7 for a in found)

    assert poor(1.0) > poor(0.0) + 0.1


@pytest.mark.parametrize("is_shifted", [False, True])
def test_each_completion_of_a_contrast_item_is_better_for_its_own_prompt(world, is_shifted):
    rows = draw_contrast(world, 60, is_shifted=is_shifted)
    for row in rows:
        own, other = parse(said(row["prompt"])), parse(said(row["other_prompt"]))
        assert [s for s, value in own.asked if other.slots[s] != value] == [row["slot"]]
        completion, fitting_other = said(row["completion"]), said(row["other_completion"])
        assert gold(own, completion).total > gold(own, fitting_other).total
        assert gold(other, fitting_other).total > gold(other, completion).total
    assert len({row["id"] for row in rows}) == 60


def test_a_single_edit_makes_a_completion_worse_in_its_slot(world):
    for row in draw_single_edits(world, 60):
        task = parse(said(row["prompt"]))
        good, bad = (gold(task, said(row[side])) for side in ("chosen", "rejected"))
        assert good.total > bad.total
        assert (good.attributes[row["slice"]], bad.attributes[row["slice"]]) == (1.0, 0.0)
