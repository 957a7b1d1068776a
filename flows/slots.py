"""Cores shared by the stages of a night that run at the same time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """As many slots as cores; a stage takes as many as it has threads."""

    def __init__(self, total: int | None = None) -> None:
        """Take all cores of the machine, unless told how many."""
        self.total = total or os.cpu_count() or 1
        self.free = self.total
        self.change = threading.Condition()

    @contextmanager
    def take(self, wanted: int) -> Iterator[None]:
        """Wait for slots and hold them; a stage that wants more than there are gets all."""
        count = min(max(wanted, 1), self.total)
        with self.change:
            self.change.wait_for(lambda: self.free >= count)
            self.free -= count
        try:
            yield
        finally:
            with self.change:
                self.free += count
                self.change.notify_all()
