"""A night: bring the graph up to date, promote the policy, render the report, and tell all of it in one table."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from shutil import rmtree

from rich.console import Console

from flows import champion, promotion, table
from flows.diary import Diary
from flows.graph import Stage, read_graph
from flows.processes import ProcessGroup, end_leftovers, ends_on_signal
from flows.progress import Progress
from flows.stages import Outcome, State, run_tool, worst
from flows.walk import Walk
from rlhf_pipeline.records import read_json, write_json
from rlhf_pipeline.tracking import record_path

LOGS = Path("logs")
RECORDS = Path(".cache/records")
REPORT = Path("reports/latest.html")
REPORT_MODULE = "rlhf_pipeline.evaluation.report"
EXIT_CODES = {State.COMPLETED: 0, State.REFUSED: 3}


def run(console: Console, cache: Path, wants_promotion: bool = True) -> int:
    """Run a night in the current folder, print its table, and return the exit code of `rlhf run`.

    Args:
        console: where progress and table go.
        cache: folder of DVC's cache, which the caller holds.
        wants_promotion: whether a policy that passed its gates is promoted.
    """
    record = cache / "night.json"
    if ended := end_leftovers(record):
        console.print(f"ended {ended} processes that a dead night left running")
    graph = read_graph()
    if not graph.stale and (not wants_promotion or promotion.is_offered(graph)):
        console.print(table.build(graph, lambda name: Outcome(State.UNCHANGED)))
        table.say_where(console, {"report": REPORT, "logs": LOGS})
        console.print("nothing to do")
        return 0
    _prepare_folders()
    began = time.monotonic()
    diary = Diary(RECORDS, f"night {datetime.now():%Y-%m-%d %H:%M}")
    with ProcessGroup(record) as group, Progress(console, len(graph.stages), LOGS) as progress:

        def end(stage: Stage, outcome: Outcome) -> None:
            progress.end(stage, outcome)
            diary.stage(stage, outcome)

        walk = Walk(graph, group, LOGS, progress.begin, end, RECORDS)
        acts = _run_stages(walk, group, diary, wants_promotion)
    return _finish(console, walk, acts, diary, time.monotonic() - began)


def render_report(group: ProcessGroup | None = None) -> Outcome:
    """Render the report of whatever exists under data/."""
    began = time.monotonic()
    REPORT.parent.mkdir(exist_ok=True)
    duel = ["--duel", str(champion.RESULT)] if champion.RESULT.exists() else []
    log = LOGS / "report.log"
    status = run_tool(REPORT_MODULE, "--out", str(REPORT), *duel, group=group, log=log)
    state, reason = (State.FAILED, f"see {log}") if status else (State.COMPLETED, "")
    return Outcome(state, time.monotonic() - began, reason)


def _prepare_folders() -> None:
    rmtree(RECORDS, ignore_errors=True)
    for folder in (LOGS, RECORDS):
        folder.mkdir(parents=True, exist_ok=True)
    champion.RESULT.unlink(missing_ok=True)


def _run_stages(walk: Walk, group: ProcessGroup, diary: Diary, wants_promotion: bool) -> dict[str, Outcome]:
    from flows.prefect_flow import Act, run_as_flow

    def promote() -> Outcome | None:
        if group.is_ended or not wants_promotion or walk.state() is not State.COMPLETED:
            return None
        diary.settle()
        return promotion.promote(read_graph(), group, parent=diary.run_id)

    def report() -> Outcome | None:
        return None if group.is_ended else render_report(group)

    acts: dict[str, Act] = {"promotion": promote, "report": report}
    with ends_on_signal(group), ThreadPoolExecutor() as pool:
        walk.head_start(pool)
        return run_as_flow(walk, {name: _guard(act) for name, act in acts.items()}, group, LOGS)


def _guard(act: Callable[[], Outcome | None]) -> Callable[[], Outcome | None]:
    """Let an act that breaks be a row of the table, not the end of the night."""

    def guarded() -> Outcome | None:
        try:
            return act()
        except Exception as error:
            return Outcome(State.FAILED, reason=f"{type(error).__name__}: {error}")

    return guarded


def _timing(name: str, outcome: Outcome) -> dict[str, str | float]:
    """Return a stage's state, its wall seconds with DVC's share, and those of its own process where it told them."""
    row: dict[str, str | float] = {"state": outcome.state, "seconds": round(outcome.seconds, 2)}
    told = record_path(RECORDS, name)
    if told.exists():
        row["process_seconds"] = round(read_json(told)["metrics"]["process_seconds"], 2)
    return row


def _finish(console: Console, walk: Walk, acts: dict[str, Outcome], diary: Diary, seconds: float) -> int:
    outcomes = {name: walk.outcome(name) for name in walk.graph.stages} | acts
    state = worst(outcomes.values())
    rows = {name: _timing(name, outcome) for name, outcome in outcomes.items()}
    timings = LOGS / "night.json"
    write_json(timings, {"state": state, "seconds": round(seconds, 2), "stages": rows})
    diary.close(state, [timings, REPORT])
    console.print(table.build(walk.graph, walk.outcome, acts))
    table.say_where(console, {"report": REPORT, "logs": LOGS, "MLflow": diary.where()})
    console.print(f"{state} in {seconds:.0f} s")
    return EXIT_CODES.get(state, 1)
