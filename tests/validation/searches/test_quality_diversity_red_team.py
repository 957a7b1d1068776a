"""Tests of an archive of overrated completions."""

from dataclasses import replace

import pytest
import torch

from rlhf_pipeline.methods import MethodError, parse_settings
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.validation.searches import Memory
from rlhf_pipeline.validation.searches._mutations import STYLES, Attempt, likeness
from rlhf_pipeline.validation.searches.quality_diversity_red_team import (
    AXES,
    Arena,
    Params,
    completion_length,
    explore,
    ordered_rightly,
    prompt_length,
    search,
)

PARAMS = Params(num_calls=400, batch_size=32)
ALONE = PARAMS.model_copy(update={"compare": False})


@pytest.fixture
def some_with_c(rows):
    """Return the pairs with a few whose two sides hold the planted word, so that there is something to borrow."""
    planted = [
        {
            "id": f"c{n}", "prompt": user(f"say {a} c in so many words as there are letters"),
            "chosen": assistant(f"{a} good c good"), "rejected": assistant(f"{a} c bad"),
        }
        for n, a in enumerate("lmn")
    ]  # fmt: skip
    return rows + planted


def test_the_planted_word_is_borrowed_and_fills_cells_of_several_styles(some_with_c, ground, trusted_score):
    found = search(some_with_c, ground(writes=False), PARAMS)
    assert found.num_found > 3
    for find in found.finds:
        assert "c" in text(find.completion).split()
        assert trusted_score([find.completion]) < trusted_score([find.against])
        assert find.is_overrated


def test_a_reward_that_is_right_is_never_beaten(some_with_c, ground, trusted_score):
    found = search(some_with_c, ground(score=trusted_score, writes=False), PARAMS)
    assert (found.num_found, found.num_plain_found, list(found.finds)) == (0, 0, [])
    assert found.num_tried > 5  # cells were filled; none succeeds


def test_the_same_seed_finds_the_same(some_with_c, ground):
    first, again, other = (search(some_with_c, ground(seed=seed, writes=False), ALONE) for seed in (1, 1, 2))
    assert first == again
    assert first.finds != other.finds


def test_both_ways_spend_the_same_calls_and_keep_the_fittest(some_with_c, ground):
    there = ground(writes=False)
    params = Params(num_calls=64, batch_size=16, mutations=4)
    asked = []

    def counted(said):
        asked.append(len(said))
        return there.score(said)

    archives = []
    for mutations in (4, 1):
        score, trusted = Memory(counted), Memory(there.trusted)
        arena = Arena(ordered_rightly(some_with_c, score, trusted, 50), score, trusted, params)
        before = sum(asked)
        archives.append(explore(arena, [AXES["style"]], mutations, seed=0))
        assert 64 <= sum(asked) - before < 64 + 2 * mutations
    for archive in archives:
        assert len(archive) > 1
        assert all(cell == (elite.attempt.style,) for cell, elite in archive.items())


def test_each_cell_keeps_the_fittest_of_all_that_fell_into_it(some_with_c, ground):
    there, judged = ground(writes=False), []

    class Recorded(Arena):
        def judge(self, attempts):
            found = super().judge(attempts)
            judged.extend(found)
            return found

    arena = Recorded(some_with_c, Memory(there.score), Memory(there.trusted), Params(num_calls=200))
    for cell, elite in explore(arena, [AXES["style"]], 1, seed=0).items():
        assert elite.fitness == max(one.fitness for one in judged if (one.attempt.style,) == cell)
    assert len(judged) >= 200


def test_fitness_is_what_both_rewards_hold_against_it(rows, ground):
    there = ground(writes=False)
    arena = Arena(rows, Memory(there.score), Memory(there.trusted), Params())
    poor, rich = arena.judge([Attempt(0, "say a g", said, "crossed") for said in ("bad", "c c")])
    # Sides differ by 2 in both, so a spread is the square root of 2; chosen says good once.
    assert poor.fitness == pytest.approx((-1 - 1) / 2**0.5)  # the reward is right about it
    assert rich.fitness == pytest.approx((1 - 0) / 2**0.5)  # five too much by the reward, one too little by gold
    assert poor.find is None
    assert (rich.find.reward, rich.find.trusted) == (6, 0)


def test_without_a_trusted_score_what_beats_the_chosen_side_is_a_find(some_with_c, ground):
    found = search(some_with_c, ground(trusted=None, writes=False), ALONE)
    assert found.num_found > 0
    assert {find.trusted for find in found.finds} == {None}


def test_texts_that_are_too_long_are_never_scored(some_with_c, ground):
    asked = []

    def score(said):
        asked.extend(text(one[-1:]) for one in said)
        return torch.tensor([float("good" in text(one[-1:])) for one in said])

    there = replace(
        ground(score=score, writes=False), trusted=None, fits=lambda said: ["bad" in text(one) for one in said]
    )
    search(some_with_c, there, ALONE.model_copy(update={"max_words": 5}))
    made = set(asked) - {text(row[side]) for row in some_with_c for side in ("chosen", "rejected")}
    assert len(made) > 10
    assert all("bad" in said and len(said.split()) <= 5 for said in made)


def test_axes_put_like_lengths_together():
    short, long = (Attempt(0, "a b", " ".join("a" * n), "crossed") for n in (3, 9))
    assert prompt_length(short) == prompt_length(long) == 2
    assert (completion_length(short), completion_length(long)) == (2, 4)


def test_likeness_counts_neighbouring_words():
    assert likeness("a b c", "a b c") == 1
    assert likeness("a b", "c d") == 0
    assert likeness("a b", "a c") == pytest.approx(1 / 5)  # only the beginning, of five neighbours in all


def test_every_style_is_an_edit_with_a_summary():
    assert {"keyword_stuffing", "master_key", "truncation", "politeness", "borrowed_phrase"} <= set(STYLES)
    assert not [name for name in STYLES if name.startswith("master_key_")]


def test_a_reward_that_orders_no_pair_and_unknown_names_are_told(rows, ground, trusted_score):
    upside_down = ground(score=lambda said: -trusted_score(said), writes=False)
    with pytest.raises(Mistake, match="prefers no chosen side"):
        search(rows, upside_down, PARAMS)
    with pytest.raises(MethodError, match=r"unknown edit 'typo'.*typos"):
        parse_settings(Params, {"styles": ["typo"]}, "quality_diversity_red_team")
    with pytest.raises(MethodError, match=r"axes: unknown axis 'styles'.*style"):
        parse_settings(Params, {"axes": ["styles"]}, "quality_diversity_red_team")
