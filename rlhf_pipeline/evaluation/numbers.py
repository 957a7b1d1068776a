"""Tables of numbers as CSV files: curves and trajectories."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Numbers = dict[str, float]
"""One row; blank cells are left out."""


def read_numbers(path: Path) -> list[Numbers]:
    """Return the rows of a CSV file of numbers."""
    with open(path, encoding="utf-8", newline="") as lines:
        return [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(lines)]


def write_numbers(path: Path, rows: Iterable[Mapping[str, float]], columns: Sequence[str]) -> None:
    """Write rows as a CSV file; a cell that a row lacks stays blank.

    Raises:
        ValueError: a row has a column that is not named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
