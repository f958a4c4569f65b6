"""Configuration of uvicorn: logging, and graceful shutdown on a signal.

SIGTERM lets requests in flight finish and ends with exit status 0. Ctrl-C does the same and ends
with 130, as a shell expects of an interrupted command.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn

from group_gateway.concurrency import BackgroundTasks
from group_gateway.http.gateway_app import (
    END_SUBSCRIPTIONS,
    RELOAD_SETTINGS,
    TRACK_CONNECTIONS,
)
from group_gateway.observability.logging_config import logging_config
from group_gateway.server.fast_path import FastPathProtocol
from group_gateway.server.http_protocol import ConnectionLimits
from group_gateway.server.listening import BACKLOG
from group_gateway.server.reloading import Reread, reread_settings
from group_gateway.server.repeated_heads import RepeatedHeads
from group_gateway.server.websocket_protocol import BoundedWebSocketProtocol

INTERRUPTED = 130
START_SECONDS = 60
"""How long a worker may take to start, on a slow machine too, before it counts as failed."""

_AT_ONCE = 100
"""Connections accepted in one turn of the event loop, at most."""
_PAUSE = 1.0
_DEFAULT = ConnectionLimits()


def config(
    app: Any,
    limits: ConnectionLimits = _DEFAULT,
    *,
    log: dict[str, Any] | None = None,
    **more: Any,
) -> uvicorn.Config:
    """Return uvicorn's configuration for an application, or for a factory of one.

    `log` is the configuration of logging. There is no access log: its lines would hold queries, and
    with them patient data. Input that is not HTTP is not logged either: anybody could fill the log.
    """
    return uvicorn.Config(
        app,
        http=partial(FastPathProtocol, limits=limits, heads=RepeatedHeads()),  # type: ignore[arg-type]  # it is called
        ws=_sockets(limits),
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=log or logging_config(),
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive,  # type: ignore[arg-type]  # seconds for call_later
        timeout_graceful_shutdown=limits.drain_seconds,
        timeout_worker_healthcheck=START_SECONDS,
        **more,
    )


def _sockets(limits: ConnectionLimits) -> Any:
    return (
        partial(BoundedWebSocketProtocol, seconds=limits.seconds)
        if limits.message_bytes
        else "none"
    )


class GracefulServer(uvicorn.Server):
    """A server that on shutdown also answers connections in the kernel's accept queue.

    It accepts all queued connections in each turn of the event loop. libuv accepts one, so that
    under load new connections would wait for seconds, only to be refused.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets)
        self.lifespan.state.get(TRACK_CONNECTIONS, id)(self.server_state.connections)
        self._listeners = [sock.dup() for sock in sockets or ()]
        self._accepting = BackgroundTasks()
        for listener in self._listeners:
            listener.settimeout(0)
            self._open(listener)

    def _open(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:  # otherwise the server has already ended
            asyncio.get_running_loop().add_reader(listener, self._accept_waiting, listener)

    def _accept_waiting(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            for _ in range(_AT_ONCE):
                connection, _ = listener.accept()
                self._accepting.spawn(self._serve_connection(connection))
        except BlockingIOError:
            pass
        except OSError:  # out of file descriptors, which the loop's own server handles
            loop.remove_reader(listener)
            loop.call_later(_PAUSE, self._open, listener)

    async def _serve_connection(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has left
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._protocol, connection)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept all queued connections, then shut down as uvicorn does.

        Connections that arrive between the last accept and the close of the last copy of a
        listening socket are reset, so no other copy may exist by then.
        """
        listeners = self._listeners
        for listener in listeners:
            asyncio.get_running_loop().remove_reader(listener)
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        await asyncio.sleep(0)  # uvloop closes them at the end of the event loop's turn
        for listener in listeners:
            with listener:
                await self._accept_last(listener)
        await self._accepting.join()
        self.lifespan.state.get(END_SUBSCRIPTIONS, bool)()
        await super().shutdown(sockets)

    async def _accept_last(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(BACKLOG):
                connection, _ = listener.accept()
                await self._serve_connection(connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


class CommandServer(GracefulServer):
    """The server of a command. `status` is the command's exit status when it has ended."""

    status = 0
    reread: Reread | None = None
    """Reads the settings again on SIGHUP. Without it SIGHUP ends the command."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Record the signals that uvicorn handled, where uvicorn would raise them again.

        A signal that comes before uvicorn's own handlers are set ends the server too.
        """
        before = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM)}
        if self.reread is not None:
            reload = partial(asyncio.get_running_loop().call_soon_threadsafe, self._reload)
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: reload())
        try:
            with super().capture_signals():
                yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _reload(self) -> None:
        """Pass the reloaded settings to the application."""
        settings = reread_settings(self.reread) if self.reread is not None else None
        if settings is not None:
            self.lifespan.state.get(RELOAD_SETTINGS, id)(settings)

    def _note(self, number: int, _: object) -> None:
        self.should_exit = True
        self.status = INTERRUPTED if number == signal.SIGINT else self.status


class CompanionServer(uvicorn.Server):
    """A second server in the same process. It leaves signals to the first one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def print_line(line: str) -> None:
    """Print a line at once, also to a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
