import pytest

from rlhf_pipeline.curation.decontamination import EvaluationPrompts, drop_seen
from rlhf_pipeline.params import Decontamination
from rlhf_pipeline.records import user

PROMPT = "write a short letter to the mayor about the noise of the old tram"


@pytest.fixture
def guard():
    def build(**settings):
        return EvaluationPrompts([{"id": "e1", "prompt": user(PROMPT)}], Decontamination(**settings))

    return build


def test_a_prompt_of_the_evaluation_is_dropped_whatever_its_layout(guard, pair):
    rows = [pair("clean"), pair("dirty", prompt=PROMPT.replace(" ", "\n").upper())]
    filtered = guard().decontaminate(rows)
    assert [row["id"] for row in filtered.kept] == ["clean"]
    assert filtered.dropped == [(rows[1], "same as an evaluation prompt: e1")]


def test_near_prompts_stay_by_default(guard, pair):
    assert guard().decontaminate([pair(prompt=PROMPT + " please")]).dropped == []


def test_near_prompts_are_dropped_by_their_share_of_n_grams(guard, pair):
    near = pair("near", prompt=PROMPT + " please")  # 15 words: 12 n-grams of 4, 11 of them shared
    assert guard(ngram_words=4, max_overlap=0.91).decontaminate([near]).dropped != []
    assert guard(ngram_words=4, max_overlap=0.95).decontaminate([near]).dropped == []


def test_the_reason_tells_how_much_is_shared(guard, pair):
    reason = guard(ngram_words=4, max_overlap=0.5).find(user(PROMPT + " please"))
    assert reason == "near an evaluation prompt: e1, 11 of 12 n-grams"


def test_prompts_shorter_than_an_n_gram_are_judged_by_equality(guard):
    assert guard(ngram_words=8, max_overlap=0.1).find(user("write a short letter")) is None


GOOD, POOR = "we ask you to mend the tram", "the tram is loud and I am tired"


def test_a_pair_whose_sides_stand_in_a_held_out_pair_is_dropped_under_another_prompt(pair):
    held_out = [pair("t1", prompt=PROMPT, chosen=GOOD, rejected=POOR)]
    same = pair("same", prompt=PROMPT + " please", chosen=GOOD.upper(), rejected=f" {POOR}")
    turned = pair("turned", prompt="anything", chosen=POOR, rejected=GOOD)
    half = pair("half", prompt=PROMPT, chosen=GOOD, rejected="something else that nobody has seen")
    filtered = drop_seen([same, half, turned], held_out)
    assert filtered.kept == [half]
    assert filtered.dropped == [(row, "both sides stand in a held-out pair: t1") for row in (same, turned)]


def test_short_sides_tell_where_they_were_seen_only_under_a_near_prompt(pair):
    sides = {"chosen": "yes", "rejected": "no I do not think so"}
    held_out = [pair("t1", prompt=PROMPT, **sides)]
    near, other = pair("near", prompt=f"please {PROMPT}", **sides), pair("other", prompt="is it?", **sides)
    assert drop_seen([near, other], held_out).kept == [other]
