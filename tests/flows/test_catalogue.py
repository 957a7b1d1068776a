import subprocess
import sys
from pathlib import Path

import pytest

from flows import catalogue
from rlhf_pipeline import methods


def test_a_method_is_told_by_its_first_sentence_and_its_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "rewards" / "objectives"
    folder.mkdir(parents=True)
    (folder / "plain.py").write_text('"""Do one thing\nin two lines.\n\nMore (arXiv:2307.09288)."""\n')
    paper = "Paper: Bradley and Terry 1952."
    (folder / "old.py").write_text(f'"""Old."""\n\ndef loss():\n    """Say.\n\n    {paper}\n    """\n')
    (folder / "_shared.py").write_text("raise ImportError\n")
    monkeypatch.setattr(methods, "PACKAGE", tmp_path)
    assert catalogue.read("rewards/objectives") == [
        catalogue.Entry("old", "Old.", "Bradley and Terry 1952"),
        catalogue.Entry("plain", "Do one thing in two lines.", "arXiv:2307.09288"),
    ]


def test_every_method_of_the_project_says_what_it_is() -> None:
    for folder in methods.folders():
        assert all(entry.summary for entry in catalogue.read(folder)), folder


def test_listing_methods_imports_no_torch() -> None:
    code = (
        "import sys\nfrom flows.cli import app\n"
        "app(['methods'], standalone_mode=False)\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
