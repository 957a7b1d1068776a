"""Which source reads a file, told by the columns of its first rows: a table, and no guessing beyond it.

Only `rlhf data check` asks; a night says its source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from rlhf_pipeline.curation.sources._files import iterate_entries
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.records import Row

FIRST_ROWS = 20


@dataclass(frozen=True)
class Recognised:
    """A source and the settings with which it reads a file."""

    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """Columns that tell a form of data, and where they do not suffice, what one column's text looks like."""

    columns: frozenset[str]
    meaning: Recognised
    looks: tuple[str, str] | None = None

    def fits(self, rows: list[Row]) -> bool:
        """Return whether all rows have the columns and the look."""
        if not all(self.columns <= row.keys() for row in rows):
            return False
        return self.looks is None or all(re.search(self.looks[1], str(row[self.looks[0]]), re.DOTALL) for row in rows)


def _known(columns: str, source: str, looks: tuple[str, str] | None = None, /, **settings: Any) -> Known:
    return Known(frozenset(columns.split()), Recognised(source, settings), looks)


QUESTION = r"Q: (?P<prompt>.*?)\nA: (?P<completion>.*)\n(?:True|Helpful):"
SPEAKERS = {"agent": "assistant", "user": "user", "api": "user"}
SCORED_COLUMNS = {"response_j": "response_j_score", "response_k": "response_k_score"}

TABLE = (
    _known("chosen rejected", "hh_rlhf", ("chosen", r"^\n\nHuman:")),
    _known("chosen rejected", "pairs"),
    _known("instruction completions", "scored"),
    _known("prompt completions", "scored", prompt="prompt"),
    _known("question response_j response_j_score", "scored", prompt="question", columns=SCORED_COLUMNS),
    _known("prompt response helpfulness", "rated"),
    _known("prompt completion label", "labelled"),
    _known("prompt completion", "labelled", ("prompt", f"^{QUESTION}$"), pattern=QUESTION, label="completion"),
    _known("context generation reward", "labelled", prompt="context", completion="generation", label="reward",
           slice="file", roles=SPEAKERS),
    _known("instruction response1 response2 annotator1", "voted"),
    _known("message_tree_id prompt", "ranked"),
    _known("message_tree_id message_id role text", "ranked"),  # a message that starts a tree may have no parent_id
    _known("topic_file a1 a2 votes", "ukp"),
    _known("topic_file stance text", "ukp"),
    _known("topic_file stance title", "ukp"),
)  # fmt: skip


def recognise(file: Path) -> Recognised:
    """Return the source that reads a file, and its settings.

    Raises:
        MethodError: the columns are those of no known form, or nothing in the file can be read.
    """
    rows = [entry.value for entry in islice(iterate_entries(file), FIRST_ROWS) if not entry.error]
    if not rows:
        raise MethodError(f"{file.name}: none of its first {FIRST_ROWS} rows is a JSON object")
    found = next((known.meaning for known in TABLE if known.fits(rows)), None)
    if found is None:
        raise MethodError(
            f"{file.name}: no known form has the columns {', '.join(sorted(rows[0]))}; say --source NAME, "
            "with --set COLUMN=NAME where its columns have other names (rlhf methods curation/sources)"
        )
    return found
