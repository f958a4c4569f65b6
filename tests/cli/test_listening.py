"""Ports are taken at once, and for oneself."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sized
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
import uvloop
from starlette.applications import Starlette

from group_gateway.http.gateway_app import TRACK_CONNECTIONS
from group_gateway.server.command_failure import CommandFailed
from group_gateway.server.listening import address_of, listen
from group_gateway.server.uvicorn_server import GracefulServer, config
from waiting import until


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


def test_all_who_wait_are_let_in() -> None:
    """Newcomers do not wait for one turn of a busy loop each (uvloop's way) to be let in."""

    async def let_in(sock: socket.socket) -> int:
        async with serving(Starlette(), sock) as server:
            with ExitStack() as stack:
                for _ in range(60):
                    stack.enter_context(socket.create_connection(sock.getsockname()))
                for _ in range(6):
                    await asyncio.sleep(0)
                return len(server.server_state.connections)

    with listen("127.0.0.1", 0) as sock:
        assert uvloop.run(let_in(sock)) == 60


async def test_the_application_knows_how_many_there_are() -> None:
    """It is told of the server's connections, once for all that come and go."""
    told: list[Sized] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {TRACK_CONNECTIONS: told.append}

    with listen("127.0.0.1", 0) as sock:
        async with serving(Starlette(lifespan=lifespan), sock):
            [connections] = told
            with socket.create_connection(sock.getsockname()):
                await until(lambda: len(connections) == 1)
            await until(lambda: len(connections) == 0)


@asynccontextmanager
async def serving(app: Starlette, sock: socket.socket) -> AsyncIterator[GracefulServer]:
    """Serve an application within the block."""
    server = GracefulServer(config(app))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    await until(lambda: server.started)
    yield server
    server.should_exit = True
    await task
