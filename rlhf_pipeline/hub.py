"""What the Hugging Face hub holds at a commit: a branch moves, and the same night must read the same bytes."""

import re
from pathlib import Path
from typing import Any

from rlhf_pipeline.mistakes import Mistake

ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)@(?P<revision>[^\s@]+)")
COMMIT = re.compile(r"[0-9a-f]{40}")


def is_id(source: str) -> bool:
    """Return whether a text is written `organisation/name@revision`."""
    return ID.fullmatch(source) is not None


def is_commit(revision: str) -> bool:
    """Return whether a revision always means the same."""
    return COMMIT.fullmatch(revision) is not None


def fetch(source: str, holds: str, error: type[Mistake] = Mistake, **chosen: Any) -> Path:
    """Return the local folder of what the hub holds under an id, fetched where it is not here yet.

    Args:
        source: written `organisation/name@commit`.
        holds: what it is, in the plural, such as 'weights'.
        error: what is raised.
        chosen: of `huggingface_hub.snapshot_download`.

    Raises:
        Mistake: the revision is no commit, or the hub does not give it.
    """
    found = ID.fullmatch(source)
    assert found
    if not is_commit(found["revision"]):
        raise error(
            f"{source}: '{found['revision']}' can come to mean other {holds}; write the commit's 40 digits, which the "
            "hub shows under Files and versions"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(found["name"], revision=found["revision"], **chosen))
    except (OSError, ValueError) as reason:  # the hub's errors are of these kinds: unreachable, unknown, not allowed
        told = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        raise error(f"{source}: cannot be fetched from the hub: {told}") from reason
