"""Serves an ASGI app for the Python upstreams here, and says so on standard output.

`processes.py` starts these servers and waits for the line `READY <base URL>`, which comes when the
socket takes connections and the app has started.
"""

import argparse
import socket
import sys

import uvicorn

HOST = "127.0.0.1"


class AnnouncingServer(uvicorn.Server):
    """uvicorn that prints its address for its parent process, once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then print the one line the parent waits for."""
        await super().startup(sockets)
        for listener in sockets or ():
            sys.stdout.write(f"READY http://{HOST}:{listener.getsockname()[1]}\n")
        sys.stdout.flush()


def serve(factory: str, *, date_header: bool = True) -> None:
    """Serve what the factory (`module:function`) builds until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    listener = socket.create_server((HOST, parser.parse_args().port))
    config = uvicorn.Config(
        factory,
        factory=True,
        date_header=date_header,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    AnnouncingServer(config).run(sockets=[listener])
