"""Several worker processes: started, restarted after a crash, stopped together.

This is uvicorn's supervisor with another worker process: uvicorn's own replacements would run
uvicorn's server, which loses requests when it stops.
"""

import contextlib
import logging
import math
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from group_gateway.server.reloading import Reread, reread_settings
from group_gateway.server.uvicorn_server import INTERRUPTED, START_SECONDS, GracefulServer

_FAILED = 1
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
"""Limit in seconds of the exponential backoff between workers that fail to start."""
_LOOK: Final = 0.5
_CLOSING: Final = 5.0
"""Seconds that a worker may take to stop after the time for its last requests."""
_log = logging.getLogger(__name__)


class Worker(Process):
    """A worker process of a command. It stops when the command's process is gone."""

    has_served = False
    has_ended = False
    _killed_at = math.inf

    @property
    def server(self) -> uvicorn.Server:
        """The server that runs in the worker."""
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server

    def always_pong(self) -> None:
        """Answer liveness checks until the other end closes."""
        self.parent_conn.close()  # this process's copy: while it is open, the pipe never ends
        with contextlib.suppress(OSError, EOFError):
            super().always_pong()
        os.kill(os.getpid(), signal.SIGTERM)

    def terminate(self) -> None:
        """Ask the worker to stop; one that is frozen or hangs is killed (see `ends_within`)."""
        super().terminate()
        drain = self.config.timeout_graceful_shutdown or 0
        self._killed_at = time.monotonic() + drain + _CLOSING

    def join(self) -> None:
        """Wait until it has stopped."""
        while not self.ends_within(_LOOK):
            pass

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end and return whether it came. Kill it if it had its time to stop."""
        self.process.join(seconds)
        if self.process.is_alive() and time.monotonic() > self._killed_at:
            _log.error("A worker does not stop, and is killed.")
            self._killed_at = math.inf
            self.process.kill()
        return not self.process.is_alive()


class CommandWorkers(Multiprocess):
    """The worker processes of a command. `status` is its exit status when they have stopped.

    Workers ignore Ctrl-C, which a terminal sends to all processes: the supervisor stops them.
    SIGHUP performs a rolling restart. SIGTTIN starts one more worker, SIGTTOU stops one.
    """

    status = 0
    reread: Reread | None = None
    """Returns the application for reloaded settings on SIGHUP."""
    processes: list[Worker]  # type: ignore[assignment]  # made by `_started` alone
    _have_served = False
    _pause = 0.0
    _next_start = 0.0

    def terminate_all(self) -> None:
        """Stop the workers.

        The parent's copies of the listening sockets are closed first, so that no connection queues
        on a socket that nobody accepts from.
        """
        for sock in self.sockets:
            sock.close()
        super().terminate_all()

    def handle_int(self) -> None:
        """Stop the workers, as Multiprocess does, which calls this method by its name."""
        self.status = INTERRUPTED
        super().handle_int()

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._started() for _ in range(self.processes_num)]

    def handle_ttin(self) -> None:
        """Start one more worker (see `handle_int`)."""
        self.processes_num += 1
        self.processes.append(self._started())

    def restart_all(self) -> None:
        """Replace one worker after the other, each once its successor serves; stop on a failure."""
        if self.reread is not None:
            application = reread_settings(self.reread)
            if application is None:
                return
            self.config.app = application
        for index, old in enumerate(self.processes):
            new = self._started()
            if not self._comes_to_serve(new):
                if not self._is_to_end():
                    _log.error("A new worker does not serve, so the old ones stay.")
                new.kill()
                new.join()
                return
            old.terminate()
            self.processes[index] = new
            while not old.ends_within(_LOOK):
                if self._is_to_end():
                    self.processes.append(old)  # to be joined with the others
                    return
        _log.info("The workers were replaced.")

    def _comes_to_serve(self, new: Worker) -> bool:
        end = time.monotonic() + START_SECONDS
        while new.process.is_alive() and time.monotonic() < end and not self._is_to_end():
            if new.is_ready(_LOOK):
                return True
            time.sleep(_LOOK / 10)
        return False

    def _is_to_end(self) -> bool:
        return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(self.signal_queue)

    def keep_subprocess_alive(self) -> None:
        """Restart crashed workers, unless the command is stopping.

        If a worker stops before any has ever served, the command fails. Later, restarts use
        exponential backoff.
        """
        for index, process in enumerate(self.processes):
            if self.signal_queue or self.should_exit.is_set():
                return
            if self._responds(process):
                self._note_service(process)
                continue
            if self.signal_queue:
                return
            if not process.has_ended:
                self._note_end(process)
            if not self.should_exit.is_set() and time.monotonic() >= self._next_start:
                self.processes[index] = self._started()

    def _responds(self, process: Worker) -> bool:
        """Return whether a worker runs and answers within its time. A signal ends the wait."""
        end = time.monotonic() + START_SECONDS
        while process.process.is_alive() and time.monotonic() < end and not self.signal_queue:
            if process.ping(_LOOK):
                return True
            time.sleep(_LOOK / 10)
        return False

    def _note_service(self, process: Worker) -> None:
        if not process.has_served and process.is_ready(_LOOK):
            process.has_served = self._have_served = True
            self._pause = self._next_start = 0.0

    def _note_end(self, process: Worker) -> None:
        process.has_ended = True
        process.kill()
        process.join()
        failed = process.exitcode is not None and process.exitcode > 0  # below: ended by a signal
        if failed and not self._have_served:  # as the next one would be
            _log.error("A worker can't start.")
            self.status = _FAILED
            self.should_exit.set()
            return
        if not process.has_served:
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            self._next_start = time.monotonic() + self._pause
        if failed and not process.has_served:
            _log.error("A worker can't start; the next try is in %g s.", self._pause)
        else:
            _log.warning("A worker has crashed, and is replaced.")

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        with _interrupts_held():
            worker.start()
        # Else the check of a worker that has just died would wait for it.
        worker.child_conn.close()
        return worker


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Defer Ctrl-C within the block. Processes that start there inherit that."""
    resource_tracker.ensure_running()  # by the first one, which would lift the block at its end
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
