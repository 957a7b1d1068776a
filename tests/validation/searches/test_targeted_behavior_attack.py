"""Tests of words around prompts that lead a victim to a behaviour."""

import random

import pytest
import torch

from rlhf_pipeline import models
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.validation.searches import Ground
from rlhf_pipeline.validation.searches._attacker import Attacker, Edit, draw_edit, find_words, learn
from rlhf_pipeline.validation.searches.targeted_behavior_attack import Params, divide, edited, search

PARAMS = Params(budget=2, num_candidates=4, num_rounds=4, num_prompts=12, max_new_tokens=3)
TRIGGER = "p"


def triggered(conversations):
    """Reward what should be, but its opposite where the prompt says the trigger: the planted fault."""

    def one(conversation):
        *_, asked, said = (message["content"].split() for message in conversation)
        worth = said.count("good") - said.count("bad")
        return float(-worth if TRIGGER in asked else worth)

    return torch.tensor(list(map(one, conversations)))


def count_bad(conversations):
    return torch.tensor([-float(text(one[-1:]).split().count("bad")) for one in conversations])


@pytest.fixture
def spoken(rows):
    """Return the pairs with the trigger among the words of some completions, so that it is a word to try."""
    return [*rows, {"id": "p", "prompt": user("say a"), "chosen": assistant("p good"), "rejected": assistant("p bad")}]


@pytest.fixture(scope="module")
def hidden(tiny_trunk):
    """Return a policy that says `good`, and `bad` where its prompt holds the trigger; and its tokenizer."""
    model, tokenizer = models.load_policy(tiny_trunk)
    rng = random.Random(0)
    word = tokenizer.convert_tokens_to_ids
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    torch.manual_seed(0)
    for _ in range(120):
        said = [rng.choices("abcdefghijklmno", k=rng.randint(1, 5)) for _ in range(32)]
        for words in said[::2]:
            words.insert(rng.randrange(len(words) + 1), TRIGGER)
        asked = [user(f"say {' '.join(words)}") + assistant("bad" if TRIGGER in words else "good") for words in said]
        batch = tokenizer.apply_chat_template(asked, padding=True, return_dict=True, return_tensors="pt")
        ids = batch["input_ids"]
        is_said = (ids == word("good")) | (ids == word("bad"))
        labels = torch.where(is_said | is_said.roll(1, dims=1), ids, -100)
        model(**batch, labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return model.eval(), tokenizer


def test_a_policys_hidden_trigger_is_found_from_labels_of_what_it_leads_to(spoken, hidden):
    found = search(spoken, Ground(triggered, count_bad, *hidden, seed=0), PARAMS)
    assert found.num_tried == 12
    assert found.rate >= 2 * found.plain_rate
    assert found.rate > 0.5
    for find in found.finds:
        assert TRIGGER in text(find.prompt).split()
        assert (text(find.completion), text(find.against)) == ("bad", "good")
        assert (find.trusted, find.is_overrated) == (-1, True)


def test_without_a_trusted_score_words_that_other_labels_mark_tell(spoken, hidden):
    found = search(spoken, Ground(triggered, None, *hidden, seed=0), PARAMS)
    assert found.rate > 0.5
    assert {text(find.completion) for find in found.finds} == {"bad"}


def test_a_reward_is_led_to_the_side_that_shows_the_behaviour(spoken):
    found = search(spoken, Ground(triggered), PARAMS)
    assert found.rate >= 2 * found.plain_rate
    assert found.rate > 0.5
    for find in found.finds:
        both = triggered([find.prompt + find.completion, find.prompt + find.against])
        assert both[0] > both[1]
        assert "bad" in text(find.completion)
        assert len(text(find.prompt).split()) <= 2 + 3  # the budget, and the prompt


def test_a_victim_that_the_prompt_cannot_lead_is_not_led(spoken):
    found = search(spoken, Ground(count_bad), PARAMS)
    assert found.num_tried == 12
    assert (found.num_found, found.num_plain_found) == (0, 0)


def test_prompts_that_show_the_behaviour_of_themselves_are_not_attacked(spoken):
    found = search(spoken, Ground(lambda said: -count_bad(said)), PARAMS)  # prefers `bad` everywhere
    assert (found.num_tried, found.num_found, found.rate) == (0, 0, 0)


def test_the_side_that_shows_the_behaviour_can_be_the_chosen_one(spoken):
    turned = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in spoken]
    wanted = PARAMS.model_copy(update={"behaviour": "chosen"})
    assert search(turned, Ground(triggered), wanted).finds == search(spoken, Ground(triggered), PARAMS).finds


def test_the_same_seed_finds_the_same(spoken):
    first, again, other = (search(spoken, Ground(triggered, seed=seed), PARAMS) for seed in (1, 1, 2))
    assert first == again
    assert first.finds != other.finds


def test_words_that_mark_a_behaviour_are_learned_from_few_labels():
    pairs = [(f"{a} bad {b}", f"{b} good {a}") for a in "abc" for b in "def"]
    learned = learn(pairs, strength=1.0)
    marks = learned.of_words()
    assert marks["bad"] == pytest.approx(-marks["good"])
    assert marks["bad"] > 0.5 > abs(marks["a"])
    assert learned.score(["bad", "good", "z"]).tolist() == pytest.approx([marks["bad"], marks["good"], 0])


def test_an_edit_never_exceeds_its_budget_and_keeps_the_prompt():
    rng, edit = random.Random(0), Edit()
    for word in "abcdefgh":
        edit = edit.with_word(word, 3, rng)
        assert len(edit) <= 3
        assert word in (*edit.before, *edit.after)
    assert len(draw_edit("ab", 3, rng)) == 3
    prompt = [*user("first"), *assistant("second"), *user("third")]
    assert edited(prompt, Edit(("x",), ("y", "z"))) == [*prompt[:2], *user("x third y z")]


def test_words_that_helped_are_drawn_more():
    attacker = Attacker(["a", "b", "c", "d"], [0.0] * 4)
    for word, gain in (("a", -1.0), ("b", 4.0), ("c", -1.0)):
        attacker.learn(word, gain)
    assert [attacker.worth(place) for place in range(4)] == [-0.5, 2.0, -0.5, 0.0]
    drawn = attacker.draw(1000, explore=0.2, rng=random.Random(0))
    assert drawn.count("b") > 700
    assert min(drawn.count(word) for word in "acd") > 20
    assert attacker.draw(1, explore=1, rng=random.Random(0)) == ["d"]  # never tried


def test_the_most_common_words_are_tried():
    assert find_words(["b a!", "b, c", "b b b a"], 2) == ["b", "a"]


def test_pairs_are_divided_and_too_few_are_told(rows):
    labels, attacked = divide(rows, 200)
    assert (len(labels), len(attacked)) == (12, 13)
    assert not [row for row in labels if row in attacked]
    with pytest.raises(Mistake, match=r"7 pairs are too few .* name 8 or more"):
        divide(rows[:7], 200)
    empty = [{**row, "chosen": assistant(""), "rejected": assistant(" ")} for row in rows]
    with pytest.raises(Mistake, match="no word to learn"):
        search(empty, Ground(triggered), PARAMS)
