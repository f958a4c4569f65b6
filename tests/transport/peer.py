"""A server of the test's own that speaks in raw bytes, well or badly, on a real socket."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Connection:
    """One connection that the peer accepted."""

    peer: "Peer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Read one request, head and body, and note it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        body = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        self.peer.requests.append(head + body)
        return head + body

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each so that it arrives by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.001)

    def reset(self) -> None:
        """Break off with a TCP reset."""
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.writer.transport.abort()


Handler = Callable[[Connection], Awaitable[None]]


@dataclass
class Peer:
    """A running server: what it got, and how many connections it has and had."""

    host: str
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    most_open: int = 0

    @property
    def url(self) -> str:
        """Its base URL over plain HTTP."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextlib.asynccontextmanager
async def peer(
    handler: Handler, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    """Run a server that passes each connection to `handler`, and closes it afterwards."""
    made = Peer(host)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.accepted += 1
        made.open += 1
        made.most_open = max(made.most_open, made.open)
        try:
            await handler(Connection(made, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            made.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def pipeline(*answers: bytes) -> Handler:
    """Return a handler that sends these responses on a connection, and repeats the last one."""

    async def handle(connection: Connection) -> None:
        left = list(answers)
        while True:
            await connection.request()
            await connection.send(left.pop(0) if len(left) > 1 else left[0])

    return handle


def sending(*pieces: bytes) -> Handler:
    """Return a handler that answers one request with some pieces and closes the connection."""

    async def handle(connection: Connection) -> None:
        await connection.request()
        await connection.send(*pieces)

    return handle
