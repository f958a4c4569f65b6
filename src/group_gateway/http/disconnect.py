"""The client's disconnect, as ASGI reports it."""

from starlette.types import Receive


async def disconnected(receive: Receive) -> bytes:
    """Wait until the client has disconnected; return the last response: none."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return b""
