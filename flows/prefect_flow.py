"""The night as a Prefect flow: one task per stage, then the acts. DVC is the only cache: Prefect keeps no results."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import servers
from flows.processes import MARK, ProcessGroup, ends_on_signal
from flows.stages import Outcome, State, worst
from flows.walk import Walk

if TYPE_CHECKING:
    from prefect.states import State as PrefectState

Act = Callable[[], Outcome | None]


def run_as_flow(walk: Walk, acts: Mapping[str, Act], group: ProcessGroup, logs: Path) -> dict[str, Outcome]:
    """Walk the graph, then do the acts in their order, and return what became of the acts.

    Args:
        walk: whose `perform` brings a stage up to date.
        acts: what follows the stages, by name; one that returns None does not apply tonight.
        group: the night's processes.
        logs: folder for the log of a temporary server.
    """
    servers.quieten_prefect()
    with prefect_api(group, logs):
        from prefect import Flow
        from prefect.task_runners import ThreadPoolTaskRunner

        done: dict[str, Outcome] = {}

        def night() -> "PrefectState":
            with ends_on_signal(group):  # Prefect sets its own handlers when a flow begins
                _submit(walk)
                _follow(acts, done)
            return to_state(Outcome(worst([Outcome(walk.state()), *done.values()])))

        runner: Any = ThreadPoolTaskRunner(max_workers=len(walk.graph.stages))
        Flow(night, name="night", task_runner=runner, persist_result=False)(return_state=True)
        return done


def _submit(walk: Walk) -> None:
    """Give every stage to Prefect and wait; what stands behind a stage that did not end well is never begun."""
    from prefect import Task
    from prefect.cache_policies import NO_CACHE
    from prefect.futures import wait

    def stage(name: str) -> "PrefectState":
        return to_state(walk.perform(name))

    futures: dict[str, Any] = {}
    for name, described in walk.graph.stages.items():
        run: Any = Task(stage, name=name, persist_result=False, cache_policy=NO_CACHE)
        futures[name] = run.submit(name, wait_for=[futures[upstream] for upstream in described.upstream])
    wait(list(futures.values()))


def _follow(acts: Mapping[str, Act], done: dict[str, Outcome]) -> None:
    from prefect import Task
    from prefect.states import Completed

    for name, act in acts.items():

        def perform(name: str = name, act: Act = act) -> "PrefectState":
            outcome = act()
            if outcome:
                done[name] = outcome
            return to_state(outcome) if outcome else Completed(name=State.NOT_RUN)

        Task(perform, name=name, persist_result=False)(return_state=True)


def to_state(outcome: Outcome) -> "PrefectState":
    """Return an outcome as Prefect's state of the same name."""
    from prefect.states import Completed, Failed

    return (Completed if outcome.is_good else Failed)(name=str(outcome.state), message=outcome.reason or None)


@contextmanager
def prefect_api(group: ProcessGroup, logs: Path) -> Iterator[None]:
    """Use the Prefect API that is configured, or a temporary server for as long as the night lasts.

    The server stands outside the night's group: told to end together with the stages, it could not hear how they ended.
    It carries the night's mark, so that the next night finds it should this one die.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if PREFECT_API_URL.value():
        yield
        return
    with servers.prefect_server(logs / "prefect.log", env={MARK: group.id}) as address:
        servers.wait_until_up(address, "/api/health")
        with temporary_settings({PREFECT_API_URL: f"{address}/api"}):
            yield
