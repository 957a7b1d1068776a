"""Plain or conversational fields to conversations, and the prompt that two whole conversations share.

The forms are TRL's; a plain implicit prompt ends at a whole word here, where TRL may cut inside one.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rlhf_pipeline.records import Conversation, Row, assistant, user


class MalformedError(ValueError):
    """An entry that cannot become a pair; the message is the reason it is dropped with."""


def to_conversation(name: str, value: Any, role: str) -> Conversation:
    """Return a field as messages; plain text becomes one message of `role`.

    Raises:
        MalformedError: it is neither text nor a list of `{"role", "content"}` with texts in them.
    """
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    if not isinstance(value, list):
        raise MalformedError(f"{name} is neither text nor messages: {type(value).__name__}")
    if not all(_is_message(message) for message in value):
        raise MalformedError(f"{name} holds something that is no message")
    return [{"role": message["role"], "content": message["content"]} for message in value]


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("role", "content"))


def with_prompt(prompt: Any, chosen: Any, rejected: Any) -> Row:
    """Return prompt, chosen and rejected of an entry that names its prompt; sides that repeat it are cut."""
    head = to_conversation("prompt", prompt, "user")
    sides = {"chosen": chosen, "rejected": rejected}
    parsed = {name: to_conversation(name, value, "assistant") for name, value in sides.items()}
    if head and all(side[: len(head)] == head for side in parsed.values()):
        parsed = {name: side[len(head) :] for name, side in parsed.items()}
    return {"prompt": head, **parsed}


def shared_prompt(chosen: Any, rejected: Any) -> Row:
    """Return prompt, chosen and rejected of two whole conversations, or of two texts that begin alike.

    Raises:
        MalformedError: they share no beginning, or one of them ends with it.
    """
    if isinstance(chosen, str) and isinstance(rejected, str):
        head = _shared_text(chosen, rejected)
        parts: Row = {"prompt": user(head.strip())} if head.strip() else {"prompt": []}
        parts |= {"chosen": assistant(chosen[len(head) :]), "rejected": assistant(rejected[len(head) :])}
    else:
        sides = [to_conversation("chosen", chosen, "assistant"), to_conversation("rejected", rejected, "assistant")]
        count = _shared_length(*sides)
        parts = {"prompt": sides[0][:count], "chosen": sides[0][count:], "rejected": sides[1][count:]}
    if not parts["prompt"]:
        raise MalformedError("chosen and rejected share no prompt")
    if not (parts["chosen"] and parts["rejected"]):
        raise MalformedError("one side is the beginning of the other, or both are equal")
    return parts


def _shared_length(first: Sequence[Any], second: Sequence[Any]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _shared_text(first: str, second: str) -> str:
    shared = first[: _shared_length(first, second)]
    at_word = all(len(side) == len(shared) or side[len(shared)].isspace() for side in (first, second))
    words = len(shared.rstrip()) if at_word or not shared[-1:].strip() else _last_gap(shared)
    return shared[:words]


def _last_gap(text: str) -> int:
    return max((i for i, sign in enumerate(text) if sign.isspace()), default=0)


def to_dialogue(name: str, value: Any, roles: Mapping[str, str], role: str) -> Conversation:
    """Return JSON text of one or more turns as messages; a turn that says no text is shown as JSON.

    Args:
        name: of the field.
        value: `{"role", "text"}`, or a list of them, as JSON text.
        roles: what each speaker is.
        role: of a turn whose speaker has none.

    Raises:
        MalformedError: it is no such text.
    """
    try:
        turns = json.loads(value)
    except (TypeError, ValueError):
        raise MalformedError(f"{name} is no JSON text: {type(value).__name__}") from None
    turns = [turns] if isinstance(turns, dict) else turns
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise MalformedError(f"{name} holds something that is no turn")
    return [{"role": roles.get(str(turn.get("role")), role), "content": _said(turn)} for turn in turns]


def _said(turn: dict[str, Any]) -> str:
    if isinstance(turn.get("text"), str):
        return str(turn["text"])
    return json.dumps({key: value for key, value in turn.items() if key != "role"}, ensure_ascii=False)
