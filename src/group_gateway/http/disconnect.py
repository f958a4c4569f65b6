"""The client's disconnect, as ASGI reports it."""

from starlette.types import Receive


async def disconnected(receive: Receive) -> bytes:
    """Wait until the client has gone away; return what is left to send then: nothing."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return b""
