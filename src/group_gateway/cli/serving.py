"""How uvicorn is run: what it may log, and that a signal ends it without fuss. Used by the servers.

SIGTERM lets requests under way finish and ends with exit status 0; Ctrl-C does so too and ends with
130, as a shell expects of what it interrupted.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

DRAIN_SECONDS = 30


def config(app: Any, **more: Any) -> uvicorn.Config:
    """Give uvicorn's configuration for an application, or for a factory of one.

    No access log: a line of it would hold queries, and with them patient data.
    """
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **more,
    )


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have a SIGTERM that uvicorn caught, and raises again when it is done, do no more."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class CompanionServer(uvicorn.Server):
    """A server beside another one in the same process, which leaves signals to that one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch none."""
        yield


def say(line: str) -> None:
    """Tell the user at once, also through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
