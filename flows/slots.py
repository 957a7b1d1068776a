"""Cores shared by the stages of a night that run at the same time."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 2.0


class Slots:
    """As many slots as cores; a stage takes as many as it has threads."""

    def __init__(self, total: int | None = None) -> None:
        """Take all cores of the machine, unless told how many."""
        self.total = total or os.cpu_count() or 1
        self.free = self.total
        self.begun: set[str] = set()
        self.change = threading.Condition()

    @contextmanager
    def take(self, name: str, wanted: int, reserved: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Wait for slots and hold them; a stage that wants more than there are gets all.

        Args:
            name: of the stage; it stands in `begun` from then on.
            wanted: number of slots.
            reserved: how many slots belong to stages that are more urgent and about to ask for them.
        """
        count = min(max(wanted, 1), self.total)
        with self.change:
            while not self.change.wait_for(lambda: self.free - reserved() >= count, timeout=PATIENCE_SECONDS):
                if self.free >= count:
                    break  # who was more urgent should have begun by now: better one stage too early than a core idle
            self.free -= count
            self.begun.add(name)
            self.change.notify_all()
        try:
            yield
        finally:
            with self.change:
                self.free += count
                self.change.notify_all()
