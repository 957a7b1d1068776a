import json

import pytest

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.labelled import Params, parse, read
from rlhf_pipeline.records import assistant, user

PATTERN = r"Q: (?P<prompt>.*?)\nA: (?P<completion>.*)\n(?:True|Helpful):"
DIALOGUES = Params(
    prompt="context", completion="generation", label="reward", slice="file", roles={"agent": "assistant", "api": "user"}
)


def label(prompt, completion, value):
    return {"prompt": prompt, "completion": completion, "label": value}


def test_a_real_file_of_questions_with_answers_is_read_to_the_last_row(shared):
    file = shared("truthfulqa") / "truth.jsonl.gz"
    raw = read(Inputs(file, file / "none", seed=0), Params(pattern=PATTERN, label="completion"))
    assert len(raw.labels) == 18919
    repeats = [why for _, why in raw.unreadable if why.startswith("repeats")]
    assert len(repeats) > 3000
    assert len({row["prompt"][0]["content"] for row in raw.labels}) == 688


def test_a_real_file_of_dialogues_is_read_to_the_last_row(shared):
    file = shared("taskmaster_reward") / "reward.jsonl.gz"
    raw = read(Inputs(file, file / "none", seed=0), DIALOGUES)
    assert len(raw.labels) == 6895
    assert 0.4 < sum(row["label"] for row in raw.labels) / 6895 < 0.6
    assert {m["role"] for row in raw.labels for m in row["prompt"]} == {"user", "assistant"}


@pytest.mark.parametrize(("good", "bad"), [(1, 0), (True, False), (" yes", " no"), (1.0, 0.0)])
def test_completions_of_a_prompt_with_different_labels_are_paired(entries, good, bad):
    raw = parse(entries(label("hi", "a", bad), label("ho", "c", good), label("hi", "b", good)), Params())
    [row] = raw.pairs
    assert (row["prompt"], row["chosen"], row["rejected"]) == (user("hi"), assistant("b"), assistant("a"))
    assert [(row["id"], why) for row, why in raw.unreadable] == [
        ("mine-00002", "no completion of the prompt has the other label")
    ]
    assert [row["label"] for row in raw.labels] == [0, 1, 1]


def test_conversations_are_taken_as_they_are(entries):
    talk = [label(user("hi"), assistant("b"), True), label(user("hi"), assistant("a"), False)]
    plain = [label("hi", "b", True), label("hi", "a", False)]
    assert parse(entries(*talk), Params()).pairs == parse(entries(*plain), Params()).pairs


def test_repeats_and_both_labels_are_set_aside(entries):
    rows = [label("hi", "a", 1), label("hi", "a ", 1), label("hi", "b", 0), label("hi", "c", 1), label("hi", "c", 0)]
    raw = parse(entries(*rows), Params())
    assert [row["chosen"] for row in raw.pairs] == [assistant("a")]
    assert [(row["id"], why) for row, why in raw.unreadable] == [
        ("mine-00002", "repeats an earlier row: mine-00001"),
        ("mine-00005", "repeats an earlier row: mine-00004"),
        ("mine-00004", "labelled both ways"),
    ]


def test_labels_of_two_files_are_never_paired_with_one_another(entries):
    rows = [*entries(label("hi", "a", 1), name="x.jsonl"), *entries(label("hi", "b", 0), name="y.jsonl")]
    assert parse(rows, Params()).pairs == []


def test_a_text_is_parted_by_a_pattern(entries):
    rows = [{"prompt": f"Q: why?\nA: {a}\nTrue:", "completion": yes} for a, yes in (("so", " yes"), ("no", " no"))]
    [row] = parse(entries(*rows), Params(pattern=PATTERN, label="completion")).pairs
    assert (row["prompt"], row["chosen"]) == (user("why?"), assistant("so"))


def test_dialogues_in_json_become_messages(entries):
    context = json.dumps([{"role": "user", "text": "hi"}, {"role": "api", "response": {"n": 1}}])
    rows = [
        {"context": context, "generation": json.dumps({"role": "agent", "text": str(n)}), "reward": n, "file": "f"}
        for n in (0, 1)
    ]
    [row] = parse(entries(*rows), DIALOGUES).pairs
    assert row["prompt"] == user("hi") + user('{"response": {"n": 1}}')
    assert (row["chosen"], row["slice"]) == (assistant("1"), "f")


MALFORMED = {
    "label is no label: 3": label("hi", "a", 3),
    "completion is neither text nor messages: NoneType": label("hi", None, 1),
    "prompt is neither text nor messages: int": label(3, "a", 1),
}


@pytest.mark.parametrize("reason", MALFORMED)
def test_what_is_no_judgement_is_unreadable_with_its_reason(entries, reason):
    raw = parse(entries(MALFORMED[reason]), Params())
    assert [(row["id"], why) for row, why in raw.unreadable] == [("mine-00001", reason)]
