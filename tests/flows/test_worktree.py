import subprocess
from pathlib import Path

import pytest

from flows.graph import read_graph
from flows.lock import cache_folder
from flows.worktree import RevisionError, prepare


def git(*arguments: str) -> None:
    author = ["-c", "user.name=toy", "-c", "user.email=toy@example.org"]
    subprocess.run(["git", *author, *arguments], check=True, capture_output=True)


def test_a_worktree_stands_beside_the_repository_with_its_outputs(
    after_night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("add", "dvc.lock")
    git("commit", "-m", "a night")
    Path("input.txt").write_text("not committed")
    folder = prepare("HEAD", after_night)
    assert folder.parent == after_night.parent
    assert (folder / "data/policy/model/weights.txt").read_text() == "policy of good rows"
    assert cache_folder(folder) == cache_folder(after_night).resolve()
    monkeypatch.chdir(folder)
    assert read_graph().stale == set()


def test_a_worktree_is_used_again_for_another_revision(after_night: Path) -> None:
    folder = prepare("HEAD", after_night)
    (folder / "input.txt").write_text("left by a night")
    Path("input.txt").write_text("next\n")
    git("commit", "-a", "-m", "next")
    assert prepare("main", after_night) == folder
    assert (folder / "input.txt").read_text() == "next\n"


def test_an_unknown_revision_is_refused(toy: Path) -> None:
    with pytest.raises(RevisionError, match="nowhere"):
        prepare("nowhere", toy)
