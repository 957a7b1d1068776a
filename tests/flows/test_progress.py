import io
from pathlib import Path

import pytest
from rich.console import Console

from flows.graph import Stage
from flows.progress import Progress, fraction_done
from flows.stages import Outcome, State


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("\r 10%|#  | 20/200\r 45%|##  | 90/200 [00:10<00:12]", 0.45),
        ("step 3/12 loss 0.1\nstep 6/12 loss 0.1\n", 0.5),
        ("step 3 of 4", 0.75),
        ("accuracy is 90% now", None),
        ("", None),
    ],
)
def test_the_last_bar_of_a_log_says_how_far_a_stage_is(tmp_path: Path, text: str, fraction: float | None) -> None:
    log = tmp_path / "sft@first.log"
    log.write_text("x" * 10_000 + "\n" + text)
    assert fraction_done(log) == fraction


def test_a_log_that_does_not_exist_says_nothing(tmp_path: Path) -> None:
    assert fraction_done(tmp_path / "none.log") is None


def test_a_pipe_gets_one_line_per_event(tmp_path: Path) -> None:
    output = io.StringIO()
    stage = Stage("sft@first", (), (), (), (), ())
    with Progress(Console(file=output), 2, tmp_path) as progress:
        progress.begin(stage)
        progress.end(stage, Outcome(State.FAILED, 1.25, "out of memory"))
    lines = ["stage 1 of 2: sft@first runs", "stage 1 of 2: sft@first Failed in 1.2 s: out of memory"]
    assert output.getvalue().splitlines() == lines


def test_a_terminal_shows_what_runs(tmp_path: Path) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80)
    (tmp_path / "sft@first.log").write_text(" 50%|##  |")
    with Progress(console, 2, tmp_path) as progress:
        progress.begin(Stage("sft@first", (), (), (), (), ()))
        progress.live.refresh()
    assert "0 of 2 stages ended" in output.getvalue()
    assert "sft@first" in output.getvalue()
