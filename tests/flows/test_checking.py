import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from rlhf_pipeline.records import write_rows

Check = Callable[..., Result]


@pytest.fixture
def check(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Run the command in this project, with pages in a folder of the test."""
    monkeypatch.chdir(root)
    return lambda *arguments: CliRunner().invoke(app, ["data", "check", *map(str, arguments), "--out", str(tmp_path)])


def sound(n: int) -> dict[str, str]:
    words = [f"{a}{b}" for a in "bdfgk" for b in "aeiou"]
    said = " ".join(words[(n * step) % 25] for step in (1, 3, 7, 11, 13))
    return {"prompt": f"{said} {n}", "chosen": f"{words[n % 25]} {n} good", "rejected": f"{words[n % 23]} fair {n}"}


def test_sound_pairs_are_admitted_with_a_page(check: Check, tmp_path: Path) -> None:
    write_rows(tmp_path / "mine.jsonl", [sound(n) for n in range(2000)])
    result = check(tmp_path / "mine.jsonl")
    assert result.exit_code == 0, result.output
    assert "read as pairs" in result.output
    assert "admitted" in result.output
    page = (tmp_path / "contract.html").read_text(encoding="utf-8")
    assert "Findings" in page
    assert "few_pairs" in page


def test_planted_defects_are_printed_by_row_and_refused(check: Check, tmp_path: Path) -> None:
    rows = [sound(n) for n in range(300)]
    rows[6] |= {"chosen": True}
    rows[11] |= {"rejected": ""}
    write_rows(tmp_path / "mine.jsonl", rows)
    result = check(tmp_path / "mine.jsonl")
    assert result.exit_code == 3
    assert re.search(r"no_text +1 .*mine-00007", result.output)
    assert re.search(r"empty_text +1 .*mine-00012", result.output)
    assert "refused: rows/train" in result.output


def test_labels_without_a_partner_are_told_in_one_line_with_the_reason(check: Check, tmp_path: Path) -> None:
    alone = [{"prompt": f"ask {n}", "completion": f"say {n}", "label": n % 3 == 0} for n in range(40)]
    paired = [{"prompt": f"tell {n // 2}", "completion": f"word {n}", "label": n % 2 == 0} for n in range(20)]
    write_rows(tmp_path / "kto.jsonl", alone + paired)
    result = check(tmp_path / "kto.jsonl")
    assert "read as labelled\n50 read" in result.output
    told = [line for line in result.output.splitlines() if "no completion of the prompt has the other label" in line]
    assert len(told) == 1
    assert re.search(r"^set_aside +40 +no completion of the prompt has the other label +kto-00001", told[0])


def test_labels_of_which_none_has_a_partner_are_refused_and_say_why(check: Check, tmp_path: Path) -> None:
    rows = [{"prompt": f"ask {n}", "completion": f"say {n}", "label": n % 3 == 0} for n in range(40)]
    write_rows(tmp_path / "kto.jsonl", rows)
    result = check(tmp_path / "kto.jsonl")
    assert result.exit_code == 3
    assert "40 read, 0 pairs kept" in result.output
    assert re.search(r"set_aside +40 +no completion of the prompt has the other label", result.output)


def test_columns_of_other_names_are_said(check: Check, tmp_path: Path) -> None:
    write_rows(tmp_path / "mine.jsonl", [{"q": f"ask {n}", "a": f"yes {n}", "grade": n % 2} for n in range(9)])
    unknown = check(tmp_path / "mine.jsonl")
    assert unknown.exit_code == 2
    assert "no known form has the columns a, grade, q" in unknown.output
    settings = [part for name in ("prompt=q", "completion=a", "label=grade") for part in ("--set", name)]
    assert check(tmp_path / "mine.jsonl", "--source", "labelled", *settings).exit_code == 3
    assert check(tmp_path / "mine.jsonl", "--source", "labelled", "--set", "promt=q").exit_code == 2


@pytest.mark.parametrize("arguments", [["no-such-file.jsonl"], ["params.yaml"], ["x.jsonl", "--set", "nonsense"]])
def test_what_cannot_be_read_is_a_usage_error(check: Check, arguments: list[str]) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    assert "error: " in result.output
