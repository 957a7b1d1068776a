"""Drop pairs whose prompt or sides are too short or too long, in characters or words.

A trainer with a token limit drops long pairs without a word: bound them here, where it is counted.
"""

from pydantic import Field

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row, text


class Params(MethodParams):
    """Bounds of a prompt (all its messages) and of each side."""

    max_prompt_chars: int = Field(20_000, ge=1, description="longest prompt, in characters")
    max_prompt_words: int = Field(4_000, ge=1, description="longest prompt, in words")
    max_chars: int = Field(20_000, ge=1, description="longest side, in characters")
    min_words: int = Field(0, ge=0, description="shortest side, in words")
    max_words: int = Field(4_000, ge=1, description="longest side, in words")


def apply(rows: list[Row], params: Params) -> Filtered:
    """Drop pairs with a part out of bounds."""
    return sift(rows, lambda _, row: out_of_bounds(row, params))


def out_of_bounds(row: Row, params: Params) -> str | None:
    """Return the first part that is too short or too long, with its length, or None."""
    least = {"prompt": 0, "chosen": params.min_words, "rejected": params.min_words}
    for part, min_words in least.items():
        content = text(row[part])
        chars, words = len(content), len(content.split())
        max_chars = params.max_prompt_chars if part == "prompt" else params.max_chars
        max_words = params.max_prompt_words if part == "prompt" else params.max_words
        if words < min_words:
            return f"{part} is too short: {words} words"
        if chars > max_chars or words > max_words:
            return f"{part} is too long: {chars} characters, {words} words"
    return None
