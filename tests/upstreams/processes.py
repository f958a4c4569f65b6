"""Starts and stops the upstream servers, each in a process of its own, for `plugin.py`.

A server is ready when it prints `READY <base URL>`; it must do so within `READY_SECONDS`.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import httpx

import maven
from nodejs import NODE, install_packages

HERE = Path(__file__).parent
MEDPLUM = HERE / "medplum"
HAPI = HERE / "hapi"
JAVA_CLASSES = {"hapi": "groups.PlainServer", "hapi_jpa": "groups.JpaServer"}
READY_SECONDS = 300
STOP_SECONDS = 5


@dataclass(frozen=True)
class Upstream:
    """A running FHIR server: its short name and its base URL, without a slash at the end."""

    name: str
    url: str


@contextmanager
def running(name: str) -> Iterator[Upstream]:
    """Run the upstream of this name within the block, once it has composed its statement.

    HAPI takes seconds for the first one, longer than the gateway waits on a busy machine.
    """
    with started(_command(name)) as url:
        httpx.get(f"{url}/metadata", timeout=READY_SECONDS).raise_for_status()
        yield Upstream(name, url)


@contextmanager
def started(command: Sequence[str]) -> Iterator[str]:
    """Run a server within the block, and return its address."""
    with (
        TemporaryFile("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            yield _await_url(process, log)
        finally:
            _stop(process)


def _command(name: str) -> Sequence[str]:
    if name == "medplum":
        return _medplum_command()
    if name in JAVA_CLASSES:
        return maven.java_command(HAPI, JAVA_CLASSES[name])
    return _python_command(name)


def _python_command(name: str) -> Sequence[str]:
    return (sys.executable, str(HERE / f"{name}_server.py"))


def _medplum_command() -> Sequence[str]:
    install_packages(MEDPLUM)
    return (str(NODE), str(MEDPLUM / "server.js"))


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
        raise RuntimeError(f"The server did not start: {process.args!r}\n{log.read()[-2000:]}")
    return url


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
