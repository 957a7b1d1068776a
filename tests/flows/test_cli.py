from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.lock import only_night

Rlhf = Callable[..., Result]


@pytest.fixture
def rlhf() -> Rlhf:
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_every_command_has_help_with_an_example(rlhf: Rlhf) -> None:
    nested = ("data check", "annotate export", "annotate import")
    for command in ("run", "promote", "rollback", "report", "ui", "methods", "schedule", *nested):
        result = rlhf(*command.split(), "--help")
        assert result.exit_code == 0
        assert "Example: rlhf" in result.output


@pytest.mark.parametrize(
    "arguments", [["run", "--set", "nonsense"], ["run", "--profile", "none"], ["walk"], ["methods", "nowhere"]]
)
def test_what_is_not_understood_is_a_usage_error(toy: Path, rlhf: Rlhf, arguments: list[str]) -> None:
    assert rlhf(*arguments).exit_code == 2


def test_a_revision_that_does_not_exist_is_a_usage_error(toy: Path, rlhf: Rlhf) -> None:
    result = rlhf("run", "--at", "no-such-branch")
    assert result.exit_code == 2
    assert "no-such-branch" in result.output


def test_outside_a_project_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rlhf: Rlhf) -> None:
    monkeypatch.chdir(tmp_path)
    result = rlhf("run")
    assert result.exit_code == 2
    assert "no dvc.yaml" in result.output


def test_promotion_without_gates_is_refused(toy: Path, rlhf: Rlhf) -> None:
    assert rlhf("promote").exit_code == 3


def test_two_nights_at_once_are_one_too_many(toy: Path, rlhf: Rlhf) -> None:
    with only_night():
        result = rlhf("run", "--set", "seed=9")
    assert result.exit_code == 1
    assert "another night" in result.output
    assert "seed: 0" in Path("params.yaml").read_text()  # the running night's parameters stand


def test_the_command_works_in_a_folder_of_the_project(toy: Path, rlhf: Rlhf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(toy / "code")
    assert rlhf("report").exit_code == 0
    assert (toy / "reports" / "latest.html").exists()
