"""Ports are taken at once, and for oneself."""

import asyncio
import socket

import pytest

from group_gateway.cli.failures import CommandFailed
from group_gateway.cli.listening import address_of, listen


def test_taken_before_anything_serves() -> None:
    """A port that was given is busy for the next, although nobody serves at it yet."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CommandFailed, match=f"can't listen on 127.0.0.1 port {port}: "):
            listen("127.0.0.1", port)


def test_early_connections_wait() -> None:
    """Who connects before anybody serves is not turned away."""
    with listen("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname()) as early:
        assert address_of(sock) == f"http://127.0.0.1:{early.getpeername()[1]}"


async def test_nothing_waits_to_be_sent() -> None:
    """Of asyncio's servers too, an answer in two parts leaves without waiting for the first's."""
    told: asyncio.Queue[int] = asyncio.Queue()

    async def served(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        told.put_nowait(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    with listen("127.0.0.1", 0) as sock:
        async with await asyncio.start_server(served, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            assert await told.get()
            writer.close()
            await writer.wait_closed()
