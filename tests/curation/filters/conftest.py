import pytest


@pytest.fixture
def reasons():
    """Return a function from what was filtered to the ids kept and the reasons of those dropped; checks the books."""

    def read(rows, filtered):
        assert len(filtered.kept) + len(filtered.dropped) == len(rows)
        return [row["id"] for row in filtered.kept], {row["id"]: reason for row, reason in filtered.dropped}

    return read
