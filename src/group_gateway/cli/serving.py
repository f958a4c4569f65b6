"""How uvicorn is run: what it may log, and that a signal ends it without fuss. Used by the servers.

SIGTERM lets requests under way finish and ends with exit status 0; Ctrl-C does so too and ends with
130, as a shell expects of what it interrupted.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from group_gateway.cli.listening import BACKLOG
from group_gateway.logs import LOGGING
from group_gateway.web.connections import ConnectionLimits
from group_gateway.web.shortcut import ShortcutProtocol

INTERRUPTED = 130
DRAIN_SECONDS = 30
START_SECONDS = 60
"""How long a worker may take to start, on a slow machine too, before it is thought to be dead."""

_DEFAULT = ConnectionLimits()


def config(app: Any, limits: ConnectionLimits = _DEFAULT, **more: Any) -> uvicorn.Config:
    """Give uvicorn's configuration for an application, or for a factory of one.

    No access log: a line of it would hold queries, and with them patient data. No line for what a
    client sends that is not HTTP either: anybody could fill the log.
    """
    return uvicorn.Config(
        app,
        http=partial(ShortcutProtocol, limits=limits),  # type: ignore[arg-type]  # it is called
        ws="none",
        access_log=False,
        log_config=LOGGING,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_worker_healthcheck=START_SECONDS,
        **more,
    )


class DrainingServer(uvicorn.Server):
    """A server that in the end answers everybody whose connection the system has taken for it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, as Server does, but only when those who wait to be let in have been."""
        listeners = [sock.dup() for sock in sockets or ()]
        for server in self.servers:
            server.close()
        for listener in listeners:
            with listener:
                await self._let_in(listener)
        await super().shutdown(sockets)

    async def _let_in(self, listener: socket.socket) -> None:
        listener.settimeout(0)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError):
            for _ in range(BACKLOG):
                connection, _ = listener.accept()
                await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


class CommandServer(DrainingServer):
    """The server of a command. `status` is the command's exit status when it has ended."""

    status = 0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take note of the signals that uvicorn has obeyed, where it would raise them again."""
        before = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            with super().capture_signals():
                yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _note(self, number: int, _: object) -> None:
        self.status = INTERRUPTED if number == signal.SIGINT else self.status


class Worker(Process):
    """A worker process of a command."""

    @property
    def server(self) -> uvicorn.Server:
        """The server that runs in it."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class CommandWorkers(Multiprocess):
    """The worker processes of a command. `status` is its exit status when they have ended.

    Workers never hear Ctrl-C, which a terminal sends to all processes: this one ends them.
    """

    status = 0

    def terminate_all(self) -> None:
        """End them; this process takes no connections, so it must not hold any back either."""
        super().terminate_all()
        for sock in self.sockets:
            sock.close()

    def handle_int(self) -> None:
        """End them, as Multiprocess does (it calls this method by its name)."""
        self.status = INTERRUPTED
        super().handle_int()

    def init_processes(self) -> None:
        """Start the workers."""
        with _interrupts_held():
            for _ in range(self.processes_num):
                self.processes.append(Worker(self.config, self.sockets))
                self.processes[-1].start()

    def keep_subprocess_alive(self) -> None:
        """Replace those that have died, unless a signal is about to end them all.

        Their end of the pipe is closed on this side: else one that dies just before it is asked
        whether it lives would be waited for, START_SECONDS long.
        """
        for process in self.processes:
            process.child_conn.close()
        if not self.signal_queue:
            with _interrupts_held():
                super().keep_subprocess_alive()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait within the block; processes started there inherit that, and keep it."""
    resource_tracker.ensure_running()  # by whoever comes first, who would lift the block at its end
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class CompanionServer(uvicorn.Server):
    """A server beside another one in the same process, which leaves signals to that one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch none."""
        yield


def say(line: str) -> None:
    """Tell the user at once, also through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
