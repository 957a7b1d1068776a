from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.rated import Params, parse, read
from rlhf_pipeline.records import assistant, user, write_rows


def rate(prompt, response, helpfulness, verbosity=0):
    return {"prompt": prompt, "response": response, "helpfulness": helpfulness, "verbosity": verbosity}


ROWS = [rate("hi", "a", 4, 4), rate("ho", "x", 1), rate("hi", "b", 3, 0), rate("ho", "y", 1)]


def test_rows_of_one_prompt_are_paired_wherever_they_stand(tmp_path):
    write_rows(tmp_path / "mine.jsonl", ROWS)
    raw = read(Inputs(tmp_path, tmp_path / "none", seed=0), Params())
    [row] = raw.pairs
    assert (row["prompt"], row["chosen"], row["rejected"]) == (user("hi"), assistant("a"), assistant("b"))
    assert row["margin"] == 1.0


def test_weights_decide_what_is_better(entries):
    [row] = parse(entries(*ROWS), Params(weights={"helpfulness": 1.0, "verbosity": -0.5})).pairs
    assert row["chosen"] == assistant("b")
    assert (row["chosen_rating"], row["rejected_rating"]) == (3.0, 2.0)


def test_rows_without_a_worse_or_better_one_are_unreadable_each(entries):
    raw = parse(entries(*ROWS), Params())
    assert [row["id"] for row, _ in raw.unreadable] == ["mine-00002", "mine-00004"]
    assert {why for _, why in raw.unreadable} == {"no two completions of the prompt differ enough in score"}


def test_a_rating_that_is_no_number_is_unreadable(entries):
    raw = parse(entries(*ROWS, rate("hi", "c", "good")), Params())
    assert ("mine-00005", "helpfulness is no number: good") in [(row["id"], why) for row, why in raw.unreadable]
    assert len(raw.pairs) == 1
