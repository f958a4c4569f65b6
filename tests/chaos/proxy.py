"""A TCP proxy in front of an upstream that handles raw bytes and injects faults."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass
class Exchange:
    """One request of the gateway's, on a connection that a fault may do anything to."""

    request: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: tuple[str, int]

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        """The request's path and query."""
        return self.request.split(b" ", 2)[1].decode()

    async def forward(self) -> bytes:
        """Forward a request to the upstream, and return the response's bytes."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            line, rest = self.request.split(b"\r\n", 1)
            writer.write(line + b"\r\nconnection: close\r\n" + rest)
            answer = await reader.read(-1)
        finally:
            writer.close()
        return answer.replace(b"connection: close\r\n", b"", 1)

    async def send(self, data: bytes) -> None:
        """Send bytes to the gateway."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_hung_up(self) -> None:
        """Wait until the gateway listens no more."""
        await self.reader.read(-1)

    def reset(self) -> None:
        """Break off with a TCP reset."""
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]
"""What happens to an exchange. The connection is closed afterwards."""


class FaultProxy:
    """Forwards requests, and injects the fault that `choose` returns for a request."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.choose: Callable[[Exchange], Fault | None] = lambda _: None
        self.requests: list[str] = []
        self.port = 0

    async def listen(self) -> None:
        """Accept connections, always at the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Accept no connections, and break those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broken = (asyncio.IncompleteReadError, ConnectionError, TimeoutError)
        try:
            with contextlib.suppress(*broken):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection can be used again."""
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        exchange = Exchange(head + body, reader, writer, self._upstream)
        self.requests.append(f"{exchange.method} {exchange.target}")
        fault = self.choose(exchange)
        if fault is None:
            await exchange.send(await exchange.forward())
            return True
        await fault(exchange)
        return False
