"""A row per completion with ratings of several attributes, as HelpSteer: Wang et al. 2023 (arXiv:2311.09528).

A completion's score is the weighted sum of its ratings; completions of one prompt are paired by it.
"""

from collections.abc import Iterable

from pydantic import Field

from rlhf_pipeline.curation.identity import text_of
from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, to_conversation
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import read_form, sound
from rlhf_pipeline.curation.sources._pairing import PairingParams, Scored, pair_up, to_score
from rlhf_pipeline.records import Conversation


class Params(PairingParams):
    """Names of the columns, the weight of each attribute, and which completions become pairs."""

    prompt: str = Field("prompt", description="column of the prompt")
    completion: str = Field("response", description="column of the completion")
    weights: dict[str, float] = Field(
        {"helpfulness": 1.0}, min_length=1, description="weight in the score of each rated attribute, by its column"
    )


def read(inputs: Inputs, params: Params) -> Raw:
    """Read rated completions from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "rated")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return pairs of the completions of each prompt; a completion that is in none is unreadable."""
    raw = Raw(pairs=[])
    prompts: dict[str, tuple[Conversation, list[tuple[Entry, Scored]]]] = {}
    for entry in entries:
        try:
            prompt, scored = parse_entry(entry, params)
            prompts.setdefault(text_of(prompt), (prompt, []))[1].append((entry, scored))
        except MalformedError as error:
            raw.unreadable.append(({**entry.value, "id": entry.id}, str(error)))
    for prompt, completions in prompts.values():
        try:
            raw.pairs += pair_up(prompt, [scored for _, scored in completions], params)
        except MalformedError as error:
            raw.unreadable += [({**e.value, "id": e.id}, str(error)) for e, _ in completions]
    return raw


def parse_entry(entry: Entry, params: Params) -> tuple[Conversation, Scored]:
    """Return an entry's prompt and its completion with its score.

    Raises:
        MalformedError: a part is missing or of a wrong type.
    """
    value = sound(entry).value
    prompt = to_conversation(params.prompt, value.get(params.prompt), "user")
    completion = to_conversation(params.completion, value.get(params.completion), "assistant")
    score = sum(weight * to_score(name, value.get(name)) for name, weight in params.weights.items())
    return prompt, Scored(entry.id, completion, score, params.completion)
