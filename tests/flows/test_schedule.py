import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from flows.processes import environment

PROJECT = Path(__file__).parents[2]
COMMAND = ["-m", "flows.cli", "schedule", "--cron", "0 2 * * *", "--profile", "hh", "--set", "seed=3"]
SECONDS = 120.0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a schedule in an empty home; yield its process and the address of its Prefect server."""
    env = {k: v for k, v in environment().items() if not k.startswith("PREFECT_")}
    env |= {"PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    # A shell lets what it starts in the background ignore Ctrl-C, and so would these tests' own children.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        [sys.executable, *COMMAND], cwd=tmp_path, env=env, text=True, preexec_fn=heeded,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout
        printed = process.stdout.readline()
        found = re.search(r"http://\S+", printed)
        assert found, printed + process.stdout.read()
        yield process, found[0]
    finally:
        process.kill()
        process.wait()


def deployments(address: str) -> list[dict[str, object]]:
    """Return the deployments that a Prefect server knows."""
    request = urllib.request.Request(
        f"{address}/api/deployments/filter", b"{}", {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return list(json.load(response))


@pytest.mark.slow
def test_a_schedule_is_a_deployment_with_its_cron_and_arguments_and_ends_on_ctrl_c(serving, tmp_path: Path) -> None:
    process, address = serving
    until = time.monotonic() + SECONDS
    while not (found := deployments(address)) and time.monotonic() < until:
        time.sleep(0.5)
    night = found[0]
    assert night["name"] == "night"
    assert [schedule["schedule"]["cron"] for schedule in night["schedules"]] == ["0 2 * * *"]
    arguments = ["--profile", "hh", "--set", "seed=3"]
    assert night["parameters"] == {"revision": "HEAD", "arguments": arguments, "root": str(tmp_path)}
    for _ in range(3):  # Prefect loses one that comes before its runner listens: on a busy machine it takes two
        os.kill(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
            break
    assert process.returncode is not None
    with pytest.raises(OSError, match="refused"):
        deployments(address)
