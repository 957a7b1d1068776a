import json

from rlhf_pipeline.curation.sources._texts import TextParams, passages, read_texts, replies
from rlhf_pipeline.records import assistant, user

STORY = "The fox ran. It was cold! Was it late? “Yes,” said the owl.\n\nThe moon rose."


def size(rows):
    return sum(len(message["content"]) for row in rows for message in row["prompt"] + row["completion"])


def test_a_passage_is_its_first_sentence_and_what_follows():
    assert list(passages(STORY, 1000)) == [
        {
            "prompt": user("The fox ran."),
            "completion": assistant("It was cold! Was it late? “Yes,” said the owl. The moon rose."),
        }
    ]


def test_passages_are_no_longer_than_asked_and_hold_the_whole_text_in_order():
    text = " ".join([STORY] * 20)
    rows = list(passages(text, 120))
    assert all(size([row]) <= 120 for row in rows)
    said = [message["content"] for row in rows for message in row["prompt"] + row["completion"]]
    assert " ".join(said) == " ".join(text.split())


def test_a_sentence_longer_than_a_passage_is_left_out_and_none_goes_on_across_it():
    rows = list(passages(f"One. Two. {'long ' * 50}end. Three. Four.", 100))
    assert [row["prompt"] + row["completion"] for row in rows] == [
        user("One.") + assistant("Two."),
        user("Three.") + assistant("Four."),
    ]


def test_a_reply_is_learned_with_the_turns_before_it():
    turns = [["U", "hi"], ["S", "hello"], ["U", "a table"], ["S", "when"], ["U", "now"], ["S", "done"]]
    rows = list(replies(turns, context_turns=3))
    assert [row["completion"][0]["content"] for row in rows] == ["hello", "when", "done"]
    assert rows[2]["prompt"] == user("a table") + assistant("when") + user("now")
    assert all(row["prompt"][0]["role"] == "user" for row in replies(turns, context_turns=2))


def test_files_share_the_characters_evenly_and_the_seed_draws_them(tmp_path):
    (tmp_path / "a.txt").write_text(STORY * 200, encoding="utf-8")
    lines = [json.dumps({"turns": [["U", f"question {n}"], ["S", f"answer {n}"]]}) for n in range(500)]
    (tmp_path / "b.jsonl").write_text("\n".join(lines), encoding="utf-8")
    params = TextParams(num_text_chars=8000, passage_chars=200)
    rows = read_texts(tmp_path, params, seed=1)
    dialogues = [row for row in rows if row["prompt"][0]["content"].startswith("question")]
    assert 3500 < size(dialogues) <= 4000
    assert 3500 < size(rows) - size(dialogues) <= 4000
    assert read_texts(tmp_path, params, seed=1) == rows != read_texts(tmp_path, params, seed=2)


def test_no_text_is_read_where_there_is_none_or_none_is_wanted(tmp_path):
    assert read_texts(tmp_path, TextParams(), seed=0) == []
    (tmp_path / "a.txt").write_text(STORY, encoding="utf-8")
    assert read_texts(tmp_path, TextParams(num_text_chars=0), seed=0) == []
