"""The command as the first process of a container."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from cli.commands import COMMAND, PATIENCE, PREFIX

CONTAINER = ("unshare", "--map-root-user", "--pid", "--fork", "--kill-child")


def test_a_signal_during_the_start() -> None:
    """SIGTERM ends the first process of a container while it waits for its upstream, too."""
    if subprocess.run([*CONTAINER, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces of processes here")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = {f"{PREFIX}UPSTREAM_URL": url, f"{PREFIX}UPSTREAM_TIMEOUT": str(PATIENCE)}
        command = [*CONTAINER, *COMMAND, "serve", "--port", "0"]
        with subprocess.Popen(command, env={**os.environ, **settings}) as container:
            connection, _ = silent.accept()
            with connection:
                children = Path(f"/proc/{container.pid}/task/{container.pid}/children")
                os.kill(int(children.read_text()), signal.SIGTERM)
                assert container.wait(PATIENCE / 2) == 128 + signal.SIGTERM
