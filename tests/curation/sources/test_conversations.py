import pytest

from rlhf_pipeline.curation.sources._conversations import MalformedError, shared_prompt, to_dialogue, with_prompt
from rlhf_pipeline.records import assistant, user


def contents(row):
    return tuple(row[part][0]["content"].strip() for part in ("prompt", "chosen", "rejected"))


def test_plain_parts_become_one_message_each():
    row = with_prompt("hi", "hello", "no")
    assert row == {"prompt": user("hi"), "chosen": assistant("hello"), "rejected": assistant("no")}


def test_sides_that_repeat_the_prompt_are_cut():
    row = with_prompt("hi", user("hi") + assistant("hello"), user("hi") + assistant("no"))
    assert row == with_prompt("hi", "hello", "no")


def test_whole_conversations_are_parted_where_they_part():
    head = user("a") + assistant("b") + user("c")
    row = shared_prompt(head + assistant("yes"), head + assistant("no"))
    assert row == {"prompt": head, "chosen": assistant("yes"), "rejected": assistant("no")}


@pytest.mark.parametrize(
    ("chosen", "rejected", "parts"),
    [
        ("The sky is blue.", "The sky is green.", ("The sky is", "blue.", "green.")),
        ("The sky is blue.", "The sky is black.", ("The sky is", "blue.", "black.")),
        ("What now? Go", "What now? Stay put", ("What now?", "Go", "Stay put")),
    ],
)
def test_plain_texts_are_parted_at_a_whole_word(chosen, rejected, parts):
    assert contents(shared_prompt(chosen, rejected)) == parts


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        ("black", "blue", "share no prompt"),
        (user("a"), user("b"), "share no prompt"),
        (user("a"), user("a") + assistant("b"), "beginning of the other"),
        (True, "text", "chosen is neither text nor messages: bool"),
        (None, None, "chosen is neither text nor messages: NoneType"),
        ([{"role": "user"}], "text", "chosen holds something that is no message"),
    ],
)
def test_what_makes_no_pair_is_refused_with_its_reason(chosen, rejected, reason):
    with pytest.raises(MalformedError, match=reason):
        shared_prompt(chosen, rejected)


def test_dialogues_in_json_text_become_messages():
    turns = '[{"role": "agent", "text": "hi"}, {"role": "api", "n": 1}, {"text": "?"}]'
    assert to_dialogue("x", turns, {"agent": "assistant", "api": "user"}, "user") == [
        *assistant("hi"),
        *user('{"n": 1}'),
        *user("?"),
    ]


@pytest.mark.parametrize("value", [None, "hi", "3", '["hi"]'])
def test_what_is_no_dialogue_is_refused(value):
    with pytest.raises(MalformedError, match="x "):
        to_dialogue("x", value, {}, "user")
