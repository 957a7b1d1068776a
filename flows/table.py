"""What a night prints at its end: one table, then where to look."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows import results
from flows.graph import Graph
from flows.stages import Outcome, State

COLOURS = {
    State.COMPLETED: "green",
    State.UNCHANGED: "dim",
    State.RESTORED: "cyan",
    State.REFUSED: "bold yellow",
    State.FAILED: "bold red",
    State.NOT_RUN: "dim",
}


def build(graph: Graph, outcome: Callable[[str], Outcome], acts: Mapping[str, Outcome] | None = None) -> Table:
    """Return the table of stages, and of the acts that follow them, such as promotion."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("stage", "state", "seconds", "headline", "verdict"):
        table.add_column(column, justify="right" if column == "seconds" else "left", overflow="fold")
    for name, stage in graph.stages.items():
        ended = outcome(name)
        headline = results.headline(stage) if ended.is_good else ""
        is_judged = ended.is_good or ended.state is State.REFUSED
        _add(table, name, ended, headline, ended.reason or (results.verdict(stage) if is_judged else ""))
    for name, ended in (acts or {}).items():
        _add(table, name, ended, "", ended.reason)
    return table


def say_where(console: Console, places: Mapping[str, Path | str]) -> None:
    """Print where the report, the logs and the MLflow run are; a file that does not exist is left out."""
    for name, place in places.items():
        if place and (isinstance(place, str) or place.exists()):
            console.print(Text(f"{name:8} {place}"), soft_wrap=True)


def _add(table: Table, name: str, ended: Outcome, headline: str, verdict: str) -> None:
    seconds = f"{ended.seconds:.1f}" if ended.seconds else ""
    table.add_row(name, Text(ended.state, style=COLOURS[ended.state]), seconds, Text(headline), Text(verdict))
