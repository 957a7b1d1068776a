from itertools import combinations

from rlhf_pipeline.simulation import words


def test_every_value_belongs_to_one_slot():
    for first, second in combinations(words.VALUES.values(), 2):
        assert not set(first) & set(second)


def test_every_clause_has_a_phrasing_for_training_and_one_for_the_shift():
    for clause, phrasings in words.CLAUSES.items():
        assert len(phrasings) >= 2, clause
        assert phrasings[-1] not in phrasings[:-1], clause
        assert all("{" in phrasing for phrasing in phrasings), clause


def test_words_that_prompts_are_made_of_are_no_values():
    said = {w for forms in words.CLAUSES.values() for form in forms for w in form.split() if "{" not in w}
    values = {value for options in words.VALUES.values() for value in options}
    assert not said & values


def test_every_word_that_may_be_forbidden_tempts_by_standing_in_a_filler():
    spoken = {word for filler in words.FILLERS for word in filler.split()}
    assert spoken.issuperset(words.AVOIDABLE)


def test_nonsense_is_told_from_everything_else():
    plain = " ".join([*words.FILLERS, *(form for forms in words.SENTENCES.values() for form in forms)])
    assert words.NONSENSE not in plain
