"""Ports are taken at once, and for oneself."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Sized
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from starlette.applications import Starlette

from cli.commands import PATIENCE
from group_gateway.http.gateway_app import TRACK_CONNECTIONS
from group_gateway.server.command_failure import CommandFailed
from group_gateway.server.listening import address_of, listen, listen_all, unix_socket
from group_gateway.server.uvicorn_server import CommandServer, GracefulServer, config
from waiting import until


def test_taken_before_anything_serves() -> None:
    """A reserved port is busy for the next process, although no server accepts on it yet."""
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CommandFailed, match=f"can't listen on 127.0.0.1 port {port}: "):
            listen("127.0.0.1", port)


def test_early_connections_wait() -> None:
    """A connection before the server runs is not refused."""
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
    """Several connections are accepted in one turn of a busy loop (uvloop accepts one)."""

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
    """The application gets the server's set of connections once, and the set stays current."""
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


@pytest.mark.parametrize("host", ["::", "localhost"])
def test_both_families(host: str) -> None:
    """The address of all interfaces, and a name with several addresses, take IPv4 and IPv6."""
    with ExitStack() as stack:
        sockets = listen_all(host, 0)
        for sock in sockets:
            stack.enter_context(sock)
        [port] = {sock.getsockname()[1] for sock in sockets}
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host != "::" else ()
        for address in {each[4][0] for each in found} or {"127.0.0.1", "::1"}:
            socket.create_connection((address, port)).close()


class SignalledAtOnce(CommandServer):
    """Gets SIGTERM when uvicorn is about to set its own handler."""

    def __getattribute__(self, name: str) -> Any:
        """Return an attribute; raise the signal before that of uvicorn's handler."""
        if name == "handle_exit" and not self.should_exit:
            signal.raise_signal(signal.SIGTERM)
        return super().__getattribute__(name)


async def test_a_signal_between_two_handlers() -> None:
    """A signal that comes while the handlers are being set is not lost."""
    with listen("127.0.0.1", 0) as sock:
        server = SignalledAtOnce(config(Starlette()))
        await asyncio.wait_for(server.serve(sockets=[sock]), PATIENCE)
        assert server.status == 0


def test_a_unix_socket(tmp_path: Path) -> None:
    """A Unix socket has its permissions from the start, and is removed in the end."""
    path = tmp_path / "gateway.sock"
    with unix_socket(path, 0o640) as sock, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert path.stat().st_mode & 0o777 == 0o640
        assert address_of(sock) == f"unix:{path}:"
    assert not path.exists()


def test_a_unix_socket_of_a_process_that_died(tmp_path: Path) -> None:
    """What a process that was killed left behind is replaced."""
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with unix_socket(path, 0o600), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_unix_socket_that_was_replaced(tmp_path: Path) -> None:
    """A process that ends leaves the socket of its successor alone."""
    path = tmp_path / "gateway.sock"
    with unix_socket(path, 0o600):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
    assert path.exists()


def test_a_unix_socket_that_cannot_be_had(tmp_path: Path) -> None:
    """A path that another process listens on, a file, and no path at all, are one sentence each."""
    path = tmp_path / "gateway.sock"
    with unix_socket(path, 0o600):
        refuse_socket(path, "another process does")
    path.write_text("mine")
    refuse_socket(path, "that is another file")
    assert path.read_text() == "mine"
    refuse_socket(tmp_path / "none" / "x.sock", "no such file or directory")
    refuse_socket(tmp_path / ("x" * 200), "path too long")


def refuse_socket(path: Path, reason: str) -> None:
    """Check that no Unix socket can be had at a path, for this reason."""
    with pytest.raises(CommandFailed) as failed:
        ExitStack().enter_context(unix_socket(path, 0o600))
    assert str(path) in str(failed.value)
    assert reason in str(failed.value)


@asynccontextmanager
async def serving(app: Starlette, sock: socket.socket) -> AsyncIterator[GracefulServer]:
    """Serve an application within the block."""
    server = GracefulServer(config(app))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    await until(lambda: server.started)
    yield server
    server.should_exit = True
    await task
