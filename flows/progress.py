"""What a night shows while it runs: which stages run, how far, and stage i of n."""

import re
import threading
import time
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.graph import Stage
from flows.stages import Outcome, log_path

PERCENT = re.compile(r"(\d{1,3})%\|")  # tqdm's bar
STEPS = re.compile(r"\bstep (\d+)(?:/| of )(\d+)")
TAIL_BYTES = 4000


class Progress:
    """Shows running stages as live bars on a terminal, and one line per event elsewhere."""

    def __init__(self, console: Console, total: int, logs: Path) -> None:
        """Show nothing yet.

        Args:
            console: where to print.
            total: number of stages.
            logs: folder whose `<stage>.log` tells how far a stage is.
        """
        self.console = console
        self.total = total
        self.logs = logs
        self.ended = 0
        self.numbers: dict[str, int] = {}
        self.running: dict[str, float] = {}
        self.lock = threading.Lock()
        self.live = Live(console=console, get_renderable=self._draw, refresh_per_second=2, transient=True)

    def __enter__(self) -> "Progress":
        """Start drawing, where there is a terminal."""
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop drawing."""
        if self.console.is_terminal:
            self.live.stop()

    def begin(self, stage: Stage) -> None:
        """Show that a stage runs."""
        with self.lock:
            self.running[stage.name] = time.monotonic()
            number = self._number(stage.name)
        if not self.console.is_terminal:
            self._say(f"stage {number} of {self.total}: {stage.name} runs")

    def end(self, stage: Stage, outcome: Outcome) -> None:
        """Show what became of a stage."""
        with self.lock:
            self.running.pop(stage.name, None)
            self.ended += 1
            number = self._number(stage.name)
        took = f" in {outcome.seconds:.1f} s" if outcome.seconds else ""
        why = f": {outcome.reason}" if outcome.reason else ""
        self._say(f"stage {number} of {self.total}: {stage.name} {outcome.state}{took}{why}")

    def _number(self, name: str) -> int:
        """Return a stage's number, in the order in which stages began; call it under the lock."""
        return self.numbers.setdefault(name, len(self.numbers) + 1)

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    def _draw(self) -> Group:
        with self.lock:
            running = dict(self.running)
        grid = Table.grid(padding=(0, 1))
        for name, begun in running.items():
            share = fraction_done(log_path(self.logs, name))
            bar = ProgressBar(total=1, completed=share or 0, width=30, pulse=share is None)
            grid.add_row(Text(name), bar, Text(f"{time.monotonic() - begun:.0f} s"))
        return Group(Text(f"{self.ended} of {self.total} stages ended"), grid)


def fraction_done(log: Path) -> float | None:
    """Return how far the last bar or step count in a log is, in [0, 1]; None where it shows none."""
    if not log.exists():
        return None
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        tail = file.read().decode("utf-8", errors="replace")
    if percents := PERCENT.findall(tail):
        return min(1.0, int(percents[-1]) / 100)
    if steps := STEPS.findall(tail):
        done, total = map(int, steps[-1])
        return min(1.0, done / total) if total else None
    return None
