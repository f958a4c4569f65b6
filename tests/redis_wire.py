"""A proxy between a gateway and a Redis, which a test can cut, delay or silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

APPEND = b"XADD"
"""What is in the script that appends an invalidation to the stream."""
MGET = b"$4\r\nMGET\r\n"


@dataclass(eq=False)
class Hold:
    """Something is held up: `reached` when it is there, until `release` is set."""

    command: bytes
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_by(self) -> None:
        """Signal the arrival, and wait for the release."""
        self.reached.set()
        await self.release.wait()


@dataclass
class RedisWire:
    """Carries bytes between its own port and the one of a Redis."""

    target: int
    port: int = 0
    is_cut: bool = False
    held_request: Hold | None = None
    """Holds up the next request with its command, once."""
    held_reply: Hold | None = None
    """Holds up the reply to the next request with its command, once."""
    distance: float = 0.0
    """Seconds that the first bytes of each connection are under way."""
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, replies wait: the connections stay, and nothing arrives."""

    def __post_init__(self) -> None:
        self.speaks.set()

    @property
    def url(self) -> str:
        """What `GROUP_GATEWAY_CACHE_URL` takes."""
        return f"redis://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break off all connections, and take no new one."""
        self.is_cut = True
        for writer in self.writers:
            writer.close()

    def mend(self) -> None:
        """Accept connections again."""
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the bytes of one connection."""
        if self.is_cut:
            writer.close()
            return
        if self.distance:
            await asyncio.sleep(self.distance)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers |= {writer, far_writer}
        asked: list[bytes] = []
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._requests(reader, far_writer, asked))
                pumps.create_task(self._replies(far_reader, writer, asked))
        finally:
            self.writers -= {writer, far_writer}
            for side in (writer, far_writer):
                side.close()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[bytes]
    ) -> None:
        while data := await _read(reader):
            asked[:] = [data]
            hold = self.held_request
            if hold is not None and hold.command in data:
                self.held_request = None
                await hold.pass_by()
            writer.write(data)
        writer.close()

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[bytes]
    ) -> None:
        while data := await _read(reader):
            hold = self.held_reply
            if hold is not None and hold.command in asked[0]:
                self.held_reply = None
                await hold.pass_by()
            await self.speaks.wait()
            writer.write(data)
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read(65536)
    return b""


@asynccontextmanager
async def redis_wire(target: int) -> AsyncIterator[RedisWire]:
    """Run a wire to the Redis on a port within the block."""
    wire = RedisWire(target)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(wire.carry(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
