"""The ceiling: constant bytes as a bare ASGI application, on the gateway's own uvicorn settings.

`python -m bench.constant PORT SIZE` answers every request with so many bytes.
"""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

from group_gateway.server.uvicorn_server import config


class Constant:
    """Reads a request's body, and answers with the same bytes each time."""

    def __init__(self, size: int) -> None:
        self._body = b"x" * size
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % size),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI); it has no lifespan."""
        if scope["type"] != "http":
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def main() -> None:
    """Serve until a signal."""
    port, size = map(int, sys.argv[1:])
    uvicorn.Server(config(Constant(size), port=port)).run()


if __name__ == "__main__":
    main()
