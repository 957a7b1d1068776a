"""Votes on two completions made into one pair with a strength, or into a pair per vote."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._texts import TextParams
from rlhf_pipeline.records import Conversation, Row

Vote = Literal["first", "second", "tie"]


class VoteParams(TextParams):
    """What a row is, and how sure the voters must be."""

    one_per: Literal["item", "vote"] = Field("item", description="a pair per item, or per vote with its annotator")
    min_margin: float = Field(0.0, ge=0, le=1, description="least strength of a pair per item; ties never make one")


def count_votes(
    row: Row, sides: dict[str, Conversation], votes: Sequence[tuple[str, Vote]], params: VoteParams
) -> list[Row]:
    """Return the pairs that votes make.

    Args:
        row: what every pair holds: its id, its prompt and whatever else was known.
        sides: the two completions, the first first, by the names of their columns.
        votes: annotators and what they voted for.
        params: whether a pair is an item or a vote.

    Returns:
        Pairs whose `margin` is the lead over the number of votes, with each annotator's vote on it.

    Raises:
        MalformedError: nobody voted, or the votes are a tie.
    """
    if params.one_per == "vote":
        clear = [(name, vote) for name, vote in votes if vote != "tie"]
        rows = [{**_pair(row, sides, [vote]), "annotator": vote[0]} for vote in clear]
        rows = [{**made, "id": f"{row['id']}-{number}"} for number, made in enumerate(rows, start=1)]
    else:
        rows = [_pair(row, sides, votes)]
    rows = [made for made in rows if made["margin"] and made["margin"] >= params.min_margin]
    if not rows:
        raise MalformedError(f"votes are a tie: {len(votes)} votes" if votes else "nobody voted")
    return rows


def _pair(row: Row, sides: dict[str, Conversation], votes: Sequence[tuple[str, Vote]]) -> Row:
    tally = Counter(vote for _, vote in votes)
    lead = tally["first"] - tally["second"]
    names = list(sides) if lead > 0 else list(sides)[::-1]
    won = "first" if lead > 0 else "second"
    told = [{"annotator": n, "vote": v if v == "tie" else "chosen" if v == won else "rejected"} for n, v in votes]
    parts = {"chosen": sides[names[0]], "rejected": sides[names[1]], "margin": abs(lead) / max(len(votes), 1)}
    return {**row, **parts, "votes": told, "chosen_place": names[0]}
