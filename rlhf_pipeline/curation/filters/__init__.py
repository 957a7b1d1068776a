"""Methods: what is dropped from the pairs, and why.

Each holds `Params` and `apply(rows: list[Row], params: Params) -> Filtered`.
"""

from dataclasses import dataclass

from rlhf_pipeline.records import Row


@dataclass
class Filtered:
    """Rows kept, in order, and rows dropped, each with its reason. Together they are the rows that came in."""

    kept: list[Row]
    dropped: list[tuple[Row, str]]
