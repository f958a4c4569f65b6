"""Processes that tests start: they end with the test, whatever state it left them in."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from waiting import until_seen

_PATIENCE = 90
"""Seconds. A gateway has 35 for its last requests and for closing; machines are slow."""


@contextmanager
def running(command: Any, **more: Any) -> Iterator["subprocess.Popen[Any]"]:
    """Run a program within the block; then ask it to end, which it must do in time."""
    with subprocess.Popen(command, **more) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                _await_end(process)


def _await_end(process: "subprocess.Popen[Any]") -> None:
    """Wait without reading what it writes: its pipes are closed, as when a reader goes away."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it does not end: {process.args!r}") from None


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process within the block: its sockets accept connections, and nothing answers."""
    os.kill(pid, signal.SIGSTOP)
    until_seen(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ")
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
