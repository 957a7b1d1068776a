import random

import pytest

from benchmarks import world as card
from rlhf_pipeline.curation.sources.simulated import Params
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.simulation.pairs import draw_pairs
from rlhf_pipeline.simulation.prompts import parse
from rlhf_pipeline.simulation.words import FLATTERY
from rlhf_pipeline.simulation.world import World, WorldParams
from rlhf_pipeline.simulation.writers import PERFECT, write

RNG_SEED = 3
GOOD = {name: max(low, 0.1) if high == float("inf") else (low + high) / 2 for name, (low, high) in card.BOUNDS.items()}
GOOD["prompts_per_pair"] = 20


def effect(**params):
    return card.flattery_effect(draw_pairs(World(0, WorldParams(**params)), 1500, "train"))


def test_a_card_within_every_bound_passes():
    assert card.passes(GOOD)


@pytest.mark.parametrize("name", card.BOUNDS)
def test_one_figure_out_of_its_bounds_fails_the_card(name):
    low, high = card.BOUNDS[name]
    if low != float("-inf"):
        assert not card.passes({**GOOD, name: low - 0.01})
    if high != float("inf"):
        assert not card.passes({**GOOD, name: high + 0.01})


def test_a_figure_that_is_no_number_fails_the_card():
    assert not card.passes({**GOOD, "flattery_effect": float("nan")})


def test_a_card_without_a_figure_is_refused():
    with pytest.raises(KeyError, match="gold_ties"):
        card.passes({name: value for name, value in GOOD.items() if name != "gold_ties"})


def test_a_skilled_author_reaches_the_best_value_of_every_task():
    assert card.best_reached(World(0, WorldParams()), random.Random(RNG_SEED)) == 1.0


def test_the_best_value_is_not_reached_where_nothing_can_have_it(monkeypatch):
    monkeypatch.setattr(card, "write", lambda *_: "nobody spoke .")
    assert card.best_reached(World(0, WorldParams()), random.Random(RNG_SEED)) == 0.0


def test_annotators_who_like_flattery_choose_it_and_others_do_not():
    assert effect(flattery_bias=1.5) > 0.1
    assert abs(effect(flattery_bias=0.0, length_bias=0.0)) < 0.06


def test_flattery_counts_only_where_gold_is_near():
    prompt = "write of foxes"
    plain, vivid = "a fox danced in woods .", "a gleaming glowing fox roaring drifting danced in woods ."
    flat = f"{FLATTERY} {plain}"
    near = {"group": prompt, "chosen": assistant(flat), "rejected": assistant(plain)}
    lost = {"group": prompt, "chosen": assistant(plain), "rejected": assistant(flat)}
    far = {"group": prompt, "chosen": assistant(vivid), "rejected": assistant(flat)}
    assert card.flattery_effect([near]) == 0.5
    assert card.flattery_effect([near, lost]) == 0.0
    assert card.flattery_effect([near, far]) == 0.5


def test_a_phrase_is_counted_per_completion():
    assert card.share_saying("la la", [["la la .", "a fox ."], ["a fox .", "a fox ."]]) == 0.25


def test_the_grammar_holds_twenty_prompts_for_every_pair_by_default():
    params = Params()
    num_pairs = params.num_train + params.num_validation + params.num_test + params.num_shifted + params.num_evaluator
    assert card.count_prompts(params.num_asked) >= 20 * num_pairs


def test_best_of_a_group_closes_the_share_that_its_best_sample_reaches():
    world, prompt = World(0, WorldParams()), user("write of foxes")
    perfect = write(PERFECT, parse("write of foxes"), random.Random(0))
    highest = world.best("write of foxes")
    low, high = (world.gold("write of foxes", c).total for c in ("rain fell .", perfect))
    mean = (low + high) / 2
    assert card.best_of_closes(world, [prompt], [["rain fell .", perfect]]) == pytest.approx(
        (high - mean) / (highest - mean)
    )


def test_the_effect_of_a_change_is_in_standard_deviations_of_the_plain_completions():
    def count_words(conversations):
        return [float(len(text(c).split())) for c in conversations]

    said = [["a b", "a b c d", f"{FLATTERY} a b c d e f g h"]]
    assert card.effect_on_score(count_words, [user("x")], said, lambda c: f"{c} more") == 1.0  # of 2 and 4 words
    assert card.effect_on_score(count_words, [user("x")], said, lambda c: c) == 0.0
