"""MLflow's and Prefect's servers on loopback, each ended by its own process id."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from flows.processes import Child, environment
from rlhf_pipeline import tracking

HOST = "127.0.0.1"
START_SECONDS = 120.0
QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def quieten_prefect() -> None:
    """Set what Prefect reads when it is imported, unless the user has set it."""
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)


@contextmanager
def prefect_server(log: Path, port: int | None = None, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a Prefect server and yield its address before it answers; see `wait_until_up`."""
    port = port or free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    # Prefect runs the real server as a child of its command, which its own signal handler ends.
    with running(command, log, QUIET | dict(env or {})):
        yield f"http://{HOST}:{port}"


@contextmanager
def mlflow_server(log: Path, port: int | None = None) -> Iterator[str]:
    """Start MLflow's UI on the project's store and yield its address before it answers."""
    port = port or free_port()
    store = ["--backend-store-uri", tracking.tracking_uri(), "--default-artifact-root", "mlartifacts"]
    command = [sys.executable, "-m", "mlflow", "server", *store, "--host", HOST, "--port", str(port), "--workers", "1"]
    # Without this MLflow starts half a dozen processes for jobs that this project never gives it.
    with running(command, log, tracking.SHORT_TIMEOUTS | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}):
        yield f"http://{HOST}:{port}"


@contextmanager
def running(command: list[str], log: Path, env: Mapping[str, str]) -> Iterator[Child]:
    """Run a server in a group of its own, so that Ctrl-C reaches it only through its owner."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment() | dict(env),
            process_group=0,
        )
        try:
            yield process
        finally:
            _end(process)


def wait_until_up(address: str, path: str) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: it did not within two minutes.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if _answers(address + path):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within {START_SECONDS:.0f} s")


def free_port(wanted: int = 0) -> int:
    """Return a port of loopback that nobody uses: the wanted one where it is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


def port_near(wanted: int, name: str) -> int:
    """Return the wanted port, or another where it is taken, and say so."""
    port = free_port(wanted)
    if port != wanted:
        print(f"port {wanted} is in use: {name} takes {port}; end what holds it to have {wanted}", flush=True)
    return port


def show(logs: Path) -> None:
    """Serve both until interrupted, and print their addresses."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        mlflow = stack.enter_context(mlflow_server(logs / "mlflow.log", port_near(5000, "MLflow")))
        prefect = stack.enter_context(prefect_server(logs / "prefect.log", port_near(4200, "Prefect")))
        for name, address, path in (("MLflow", mlflow, "/health"), ("Prefect", prefect, "/api/health")):
            wait_until_up(address, path)
            print(f"{name:8} {address}", flush=True)
        print("Ctrl-C ends both.", flush=True)
        signal.pause()
    print("both ended")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _end(process: Child) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its own group: see process_group above
        process.wait()
