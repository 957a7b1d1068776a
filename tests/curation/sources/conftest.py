from pathlib import Path

import pytest

from rlhf_pipeline.curation.sources._files import Entry


@pytest.fixture
def entries():
    """Return a function that makes entries of a file of records."""

    def build(*records, name="mine.jsonl"):
        return [Entry(Path(name), number, record) for number, record in enumerate(records, start=1)]

    return build


@pytest.fixture
def shared(root):
    """Return a function that finds a folder of public data sets, or skips."""

    def find(name):
        folder = root.parent / "shared" / "data" / name
        if not folder.exists():
            pytest.skip(f"needs ../shared/data/{name}, which this machine does not have")
        return folder

    return find
