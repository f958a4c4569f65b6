"""How uvicorn is run: by whom signals are caught, and what it may log. Used by the servers."""

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

DRAIN_SECONDS = 30


def config(app: Any, **more: Any) -> uvicorn.Config:
    """Give uvicorn's configuration for an application, or the import string of a factory.

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


class CompanionServer(uvicorn.Server):
    """A server beside another one in the same process, which leaves signals to that one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch none."""
        yield
