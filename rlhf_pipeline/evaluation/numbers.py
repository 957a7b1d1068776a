"""Tables of numbers as CSV files: curves and trajectories."""

import csv
from pathlib import Path

Numbers = dict[str, float]
"""One row; blank cells are left out."""


def read_numbers(path: Path) -> list[Numbers]:
    """Return the rows of a CSV file of numbers."""
    with open(path, encoding="utf-8", newline="") as lines:
        return [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(lines)]
