"""Runs the `group-gateway` command as users do: a process with arguments, settings and signals."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from frontdoor import MODE
from processes import running

COMMAND = (sys.executable, "-m", "group_gateway")
PATIENCE = 60
PREFIX = "GROUP_GATEWAY_"
NOWHERE = Path(__file__).parent
"""A folder without a `.env` file."""


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on stderr, and nothing else anywhere, of a command that failed."""
        assert (self.status, self.out) == (1, ""), self
        assert self.err.startswith("group-gateway: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("group-gateway: ").rstrip("\n")


def run(*arguments: str, stdin: str = "", cwd: Path = NOWHERE, **settings: str) -> Ended:
    """Run a command to its end, with settings by their names in lower case."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=_environment(settings),
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass
class Server:
    """A command that serves, and its first line."""

    process: subprocess.Popen[str]
    line: str

    @property
    def url(self) -> str:
        """The address in the first line, without a path."""
        match = re.search(r"http://[^/\s]+", self.line)
        assert match is not None, self.line
        return match[0]

    def end(self, by: signal.Signals = signal.SIGTERM) -> Ended:
        """Send a signal, Ctrl-C's to all processes as a terminal does, and wait for the end."""
        if by is signal.SIGINT:
            os.killpg(self.process.pid, by)
        else:
            self.process.send_signal(by)
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, out, err)


def ask(method: str, url: str, **more: Any) -> httpx.Response:
    """Send a request to a server that may have begun to start just now, on a slow machine."""
    return httpx.request(method, url, timeout=PATIENCE, **more)


def refuses(url: str) -> bool:
    """Return whether the server takes no connections any more."""
    try:
        httpx.get(f"{url}/livez", timeout=PATIENCE)
    except httpx.TransportError:
        return True
    return False


@contextmanager
def serving(*arguments: str, cwd: Any = NOWHERE, **settings: str) -> Iterator[Server]:
    """Run a command that serves within the block, from its first line on."""
    with running(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=_environment(settings),
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield Server(process, line)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | MODE | {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
