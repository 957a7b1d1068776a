"""Files of a benchmark from the hub: a data set at a commit, so that the same audit reads the same rows."""

import re
from pathlib import Path

from rlhf_pipeline.mistakes import Mistake

HUB_ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)@(?P<revision>[^\s@]+)")
COMMIT = re.compile(r"[0-9a-f]{40}")


def resolve(source: Path | str) -> Path:
    """Return the folder of a benchmark's files: as it is, or fetched where it is `organisation/name@commit`.

    Raises:
        Mistake: the revision is no commit, or the hub does not give it.
    """
    found = HUB_ID.fullmatch(str(source))
    if Path(source).exists() or not found:
        return Path(source)
    if not COMMIT.fullmatch(found["revision"]):
        raise Mistake(
            f"{source}: '{found['revision']}' can come to mean other rows; write the commit's 40 digits, which the hub "
            "shows under Files and versions"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(found["name"], revision=found["revision"], repo_type="dataset"))
    except (OSError, ValueError) as error:  # the hub's errors are of these kinds: unreachable, unknown, not allowed
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Mistake(f"{source}: cannot be fetched from the hub: {reason}") from error
