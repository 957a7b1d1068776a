import socket
import sys
from pathlib import Path

import pytest

from flows import servers


def test_a_port_in_use_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind((servers.HOST, 0))
        assert servers.free_port(taken.getsockname()[1]) != taken.getsockname()[1]


def test_a_server_is_up_when_it_answers_and_ends_with_its_owner(tmp_path: Path) -> None:
    port = servers.free_port()
    command = [sys.executable, "-u", "-m", "http.server", str(port), "--bind", servers.HOST]
    with servers.running(command, tmp_path / "logs" / "http.log", {}) as process:
        servers.wait_until_up(f"http://{servers.HOST}:{port}", "/")
        assert process.poll() is None
    assert process.poll() is not None


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "START_SECONDS", 0.3)
    with pytest.raises(TimeoutError, match="did not answer"):
        servers.wait_until_up(f"http://{servers.HOST}:{servers.free_port()}", "/")
