"""Nights by the clock: a Prefect deployment that runs `rlhf run --at REV`, one at a time."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from flows import servers

NAME = "night"


def serve(cron: str, revision: str, arguments: Sequence[str], root: Path) -> None:
    """Serve the deployment until interrupted; without a configured Prefect API a server is started beside it.

    Args:
        cron: when to run, such as `0 2 * * *`.
        revision: what each night checks out.
        arguments: further arguments of `rlhf run`.
        root: the repository.
    """
    servers.quieten_prefect()
    with ExitStack() as stack:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        if not PREFECT_API_URL.value():
            log = root / "logs" / "prefect.log"
            address = stack.enter_context(servers.prefect_server(log, servers.free_port(4200)))
            servers.wait_until_up(address, "/api/health")
            os.environ["PREFECT_API_URL"] = f"{address}/api"  # the processes of the nights read it
            stack.enter_context(temporary_settings({PREFECT_API_URL: f"{address}/api"}))
            print(f"Prefect  {address}", flush=True)
        from flows.scheduled import scheduled_night

        print(f"serving {NAME} at '{cron}' on {revision}; Ctrl-C ends", flush=True)
        parameters = {"revision": revision, "arguments": list(arguments), "root": str(root)}
        scheduled_night.serve(name=NAME, cron=cron, parameters=parameters, limit=1, print_starting_message=False)
