"""Files of a benchmark, from a folder or from a data set of the hub."""

from pathlib import Path

from rlhf_pipeline import hub


def resolve(source: Path | str) -> Path:
    """Return the folder of a benchmark's files: as it is, or fetched where it is `organisation/name@commit`.

    Raises:
        Mistake: the revision is no commit, or the hub does not give it.
    """
    if Path(source).exists() or not hub.is_id(str(source)):
        return Path(source)
    return hub.fetch(str(source), "rows", repo_type="dataset")
