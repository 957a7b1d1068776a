"""The walk over the graph: which stage may be left alone, which is run, and how many at once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from flows.graph import Graph, Stage, read_params
from flows.processes import ProcessGroup
from flows.slots import Slots
from flows.stages import Outcome, State, run_stage, worst

Begin = Callable[[Stage], None]
End = Callable[[Stage, Outcome], None]


class Walk:
    """One night's way through the graph. `perform` is called once per stage, in the order of the graph."""

    def __init__(
        self, graph: Graph, group: ProcessGroup, logs: Path, begin: Begin, end: End, records: Path | None = None
    ) -> None:
        """Set out.

        Args:
            graph: stages in order, and which are stale at the start.
            group: in which all processes run.
            logs: folder of the stages' output.
            begin: is told of a stage that starts to run.
            end: is told of every stage's outcome.
            records: folder where stages leave what the night shall tell MLflow.
        """
        self.graph = graph
        self.group = group
        self.logs = logs
        self.begin = begin
        self.end = end
        self.env = {"RLHF_NIGHT_RECORDS": str(records.resolve())} if records else {}
        self.slots = Slots()
        sections = read_params(f"{stage.section}.threads" for stage in graph.stages.values())
        self.threads = {name: sections[f"{stage.section}.threads"] or 1 for name, stage in graph.stages.items()}
        self.urgency = graph.count_descendants()
        self.outcomes: dict[str, Outcome] = {}
        self.early: dict[str, Future[Outcome]] = {}
        self.lock = threading.Lock()

    def head_start(self, pool: ThreadPoolExecutor) -> None:
        """Begin the stages that wait for nothing, while Prefect's server still starts."""
        for name, stage in self.graph.stages.items():
            if not stage.upstream:
                self.early[name] = pool.submit(self._perform, stage)

    def perform(self, name: str) -> Outcome:
        """Bring one stage up to date, whose upstream stages have all ended well."""
        early = self.early.get(name)
        return early.result() if early else self._perform(self.graph.stages[name])

    def outcome(self, name: str) -> Outcome:
        """Return what became of a stage so far."""
        return self.outcomes.get(name, Outcome(State.NOT_RUN))

    def state(self) -> State:
        """Return the state of all stages together."""
        return worst(self.outcome(name) for name in self.graph.stages)

    def _reserved(self, stage: Stage) -> int:
        """Return the slots of stages that can begin now and that more stages wait for than for this one."""
        names = [name for name, urgency in self.urgency.items() if urgency > self.urgency[stage.name]]
        waiting = [name for name in names if name not in self.slots.begun and name not in self.outcomes]
        return sum(self.threads[name] for name in waiting if self._is_ready(self.graph.stages[name]))

    def _is_ready(self, stage: Stage) -> bool:
        return all(self.outcome(name).is_good for name in stage.upstream)

    def _perform(self, stage: Stage) -> Outcome:
        try:
            outcome = self._bring_up_to_date(stage)
        except Exception as error:  # whatever happens to one stage, the table of the night tells it
            outcome = Outcome(State.FAILED, reason=f"{type(error).__name__}: {error}")
        with self.lock:
            self.outcomes[stage.name] = outcome
        self.end(stage, outcome)
        return outcome

    def _bring_up_to_date(self, stage: Stage) -> Outcome:
        is_untouched = all(self.outcome(name).state is State.UNCHANGED for name in stage.upstream)
        if stage.name not in self.graph.stale and is_untouched:
            return Outcome(State.UNCHANGED)
        with self.slots.take(stage.name, self.threads[stage.name], lambda: self._reserved(stage)):
            if self.group.is_ended:
                return Outcome(State.NOT_RUN)
            self.begin(stage)
            return run_stage(stage, self.group, self.logs, self.env, self.threads[stage.name])
