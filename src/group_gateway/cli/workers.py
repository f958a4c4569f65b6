"""Several processes that serve: started, replaced when they die, ended together. Used by `serve`.

uvicorn's supervisor, but for whom it starts: its replacements would be other servers than ours,
which lose requests when they end.
"""

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from group_gateway.cli.serving import INTERRUPTED, START_SECONDS, DrainingServer

_FAILED = 1
_log = logging.getLogger(__name__)


class Worker(Process):
    """A worker process of a command. It ends when the command's process is there no more."""

    @property
    def server(self) -> uvicorn.Server:
        """The server that runs in it."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server

    def always_pong(self) -> None:
        """Answer whether it lives, until nobody asks."""
        self.parent_conn.close()  # this process's copy: while it is open nobody seems to be gone
        with contextlib.suppress(OSError, EOFError):
            super().always_pong()
        os.kill(os.getpid(), signal.SIGTERM)


class CommandWorkers(Multiprocess):
    """The worker processes of a command. `status` is its exit status when they have ended.

    Workers never hear Ctrl-C, which a terminal sends to all processes: this one ends them. SIGHUP
    replaces each by a new one, SIGTTIN and SIGTTOU make them more or fewer.
    """

    status = 0
    _have_served = False

    def terminate_all(self) -> None:
        """End them; this process lets nobody in, so nobody may wait at its door when they have."""
        for sock in self.sockets:
            sock.close()
        super().terminate_all()

    def handle_int(self) -> None:
        """End them, as Multiprocess does (it calls this method by its name)."""
        self.status = INTERRUPTED
        super().handle_int()

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._started() for _ in range(self.processes_num)]

    def handle_ttin(self) -> None:
        """Start one more (see `handle_int`)."""
        self.processes_num += 1
        self.processes.append(self._started())

    def restart_all(self) -> None:
        """Replace one after the other, each when another one serves; stop when that fails."""
        for index, old in enumerate(self.processes):
            new = self._started()
            if not new.wait_until_ready(START_SECONDS, self.should_exit):
                new.kill()
                new.join()
                return
            old.terminate()
            old.join()
            self.processes[index] = new

    def keep_subprocess_alive(self) -> None:
        """Replace those that have died, unless a signal is about to end them all.

        When one ends by itself before any has ever served, the command fails.
        """
        for index, process in enumerate(self.processes):
            if self.signal_queue or self.should_exit.is_set():
                return
            if process.is_alive(START_SECONDS):
                self._have_served = self._have_served or process.is_ready(START_SECONDS)
                continue
            process.kill()
            process.join()
            if not self._have_served and _has_failed(process):  # as the next one would
                _log.error("A worker can't start.")
                self.status = _FAILED
                self.should_exit.set()
                return
            _log.warning("A worker has died, and is replaced.")
            self.processes[index] = self._started()

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        with _interrupts_held():
            worker.start()
        # Else one that dies just before it is asked whether it lives would be waited for.
        worker.child_conn.close()
        return worker


def _has_failed(process: Process) -> bool:
    return process.exitcode is not None and process.exitcode > 0  # below: ended by a signal


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait within the block; processes started there inherit that, and keep it."""
    resource_tracker.ensure_running()  # by whoever comes first, who would lift the block at its end
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
