"""The audit log: JSON lines in a file, written by its own thread.

A record that can't be written is kept and retried each second; no request waits for that. While
`capacity` records are kept, requests are refused, or, if the deployment prefers it, records are
lost and counted.
"""

import logging
import os
import queue
import threading
from pathlib import Path

from group_gateway.events import Events

_RETRY_SECONDS = 1.0
_log = logging.getLogger(__name__)


class AuditLog:
    """Append to a file, which is reopened after a rotation."""

    def __init__(self, path: Path, events: Events, *, capacity: int = 10_000) -> None:
        self._path = path
        self._events = events
        self._capacity = capacity
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._file: int | None = None
        self.is_failing = False
        """Whether the last write failed."""
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Whether another record can be kept."""
        return self._lines.qsize() < self._capacity

    def append(self, line: bytes) -> None:
        """Queue a line to be written; never waits."""
        self._lines.put(line)

    def lose(self) -> None:
        """Count a record for which there is no room."""
        self._events.audit_records("lost", 1)

    async def aclose(self) -> None:
        """Write what is left, if possible, within a second."""
        self._ending.set()
        self._lines.put(None)
        self._thread.join(2 * _RETRY_SECONDS)
        if self._file is not None:
            os.close(self._file)

    def _run(self) -> None:
        self._begin()
        while True:
            lines, is_last = self._waiting()
            rest = b"".join(lines)
            while rest:
                rest = self._write(rest)
                if rest and self._ending.wait(_RETRY_SECONDS):
                    rest = self._write(rest)
                    break
            self._events.audit_records("lost" if rest else "written", len(lines))
            if is_last:
                return

    def _begin(self) -> None:
        """Open the file, or report the failure, before there is anything to write."""
        self._write(b"")
        while self.is_failing and not self._ending.wait(_RETRY_SECONDS):
            self._write(b"")

    def _waiting(self) -> tuple[list[bytes], bool]:
        """Wait for records; return all, and whether they are the last."""
        lines: list[bytes] = []
        line = self._lines.get()
        while line is not None:
            lines.append(line)
            if self._lines.empty():
                return lines, False
            line = self._lines.get()
        return lines, True

    def _write(self, text: bytes) -> bytes:
        """Write as much as possible; return the rest."""
        try:
            file = self._opened()
            while text:
                text = text[os.write(file, text) :]
        except OSError as error:
            if not self.is_failing:
                reason = error.strerror or "unknown"
                _log.error("The audit log can't be written: %s.", reason)
            self.is_failing = True
        else:
            self.is_failing = False
        return text

    def _opened(self) -> int:
        if self._file is not None:
            here, there = os.fstat(self._file), self._path.stat() if self._path.exists() else None
            if there is not None and os.path.samestat(here, there):
                return self._file
            os.close(self._file)
            self._file = None
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._file
