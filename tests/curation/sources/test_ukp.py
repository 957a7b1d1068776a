from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.ukp import Params, parse, read
from rlhf_pipeline.records import assistant, user

TOPIC = {"topic_file": "rain-or-sun", "title": "Rain or sun?", "stance": "Rain"}
ARGUMENTS = [{"topic_file": "rain-or-sun", "id": name, "text": f"text {name}"} for name in ("r1", "r2")]


def votes(*values, **columns):
    cast = [{"worker": f"w{n}", "value": value, "reason": "so"} for n, value in enumerate(values)]
    return {"topic_file": "rain-or-sun", "id": "r1_r2", "a1": "r1", "a2": "r2", "votes": cast, **columns}


def test_the_real_files_are_joined_to_the_last_pair(shared):
    folder = shared("ukp_convarg1")
    raw = read(Inputs(folder, folder / "none", seed=0), Params())
    assert len(raw.pairs) + len(raw.unreadable) == 12426
    assert {why.partition(":")[0] for _, why in raw.unreadable} == {"votes are a tie"}
    assert len({row["topic"] for row in raw.pairs}) == 12
    longer = [len(row["chosen"][0]["content"]) > len(row["rejected"][0]["content"]) for row in raw.pairs]
    assert 0.7 < sum(longer) / len(longer) < 0.8
    assert 0 < min(row["margin"] for row in raw.pairs) < max(row["margin"] for row in raw.pairs) == 1


def test_votes_arguments_and_topics_are_joined_in_any_order(entries):
    [row] = parse(entries(votes("a2", "a2", "equal", "a1"), *ARGUMENTS, TOPIC), Params()).pairs
    assert row["prompt"] == user("Rain or sun?\nGive an argument for: Rain")
    assert (row["chosen"], row["rejected"]) == (assistant("text r2"), assistant("text r1"))
    assert (row["margin"], row["topic"], row["group"]) == (0.25, "Rain or sun?", "Rain or sun?")
    assert row["votes"][0] == {"annotator": "w0", "vote": "chosen"}


def test_a_pair_per_vote_names_its_worker(entries):
    rows = parse(entries(votes("a2", "equal", "a1"), *ARGUMENTS, TOPIC), Params(one_per="vote")).pairs
    assert [(row["annotator"], row["chosen_place"]) for row in rows] == [("w0", "a2"), ("w2", "a1")]


def test_what_makes_no_pair_is_unreadable_with_its_reason(entries):
    bad = [votes("a1", "a2"), votes("a3"), votes("a1", a2="r9"), votes("a1", topic_file="snow")]
    raw = parse(entries(*bad, *ARGUMENTS, TOPIC), Params())
    assert [why for _, why in raw.unreadable] == [
        "votes are a tie: 2 votes",
        "unknown vote: a3",
        "argument is in no file: r9; the source reads the whole folder",
        "topic is in no file: snow; the source reads the whole folder",
    ]
