"""Logs as JSON lines, whose fields are these and no others. Named in uvicorn's configuration.

The text of an exception, and what other people's code says, may hold anything; of those only type
and place are told. Our own sentences are written to hold nothing of anybody's.
"""

import logging
import os
import queue
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_OWN: Final = "group_gateway"
_FIELDS: Final = (
    "outcome",
    "codes",
    "operation",
    "fields",
    "document",
    "caller",
    "seconds",
    "events",
    "correlationId",
)
_encode = msgspec.json.Encoder().encode


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; of fields that are not on the list nothing is said."""
        shown: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "place": f"{record.module}.{record.funcName}, line {record.lineno}",
        }
        if record.name.partition(".")[0] == _OWN:
            shown["message"] = record.getMessage()
            shown |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            shown["exception"] = record.exc_info[0].__qualname__
            frames = traceback.extract_tb(record.exc_info[2])
            if frames:
                shown["raisedAt"] = f"{frames[-1].name}, line {frames[-1].lineno}"
        return _encode(shown).decode()


class Outlet(logging.Handler):
    """Writes lines to a file descriptor from a thread of its own.

    Otherwise a pipe that nobody reads would block all requests. At most `most` lines wait; how many
    were lost beyond that is told as soon as there is room.
    """

    _LAST_WORDS = 1.0
    """Seconds that the process waits at its end for lines to be written."""

    def __init__(self, descriptor: int = 2, most: int = 10_000) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[str] = queue.Queue(most)
        self._lost = 0
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line over; called with the handler's lock held."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="log", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._lost += 1

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            lost, self._lost = self._lost, 0
            if lost:
                line += f'\n{{"message":"{lost} lines of the log were lost."}}'
            with suppress(OSError):  # nobody is there to read it, or ever will be
                left = memoryview(f"{line}\n".encode())
                while left:
                    left = left[os.write(self._descriptor, left) :]
            self._lines.task_done()

    def flush(self) -> None:
        """Wait for what was handed over to be written, but not for ever."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(
                lambda: not self._lines.unfinished_tasks, self._LAST_WORDS
            )


LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "group_gateway.observability.logging_config.JsonLines"}},
    "handlers": {
        "stderr": {"()": "group_gateway.observability.logging_config.Outlet", "formatter": "json"}
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {_OWN: {"level": "INFO"}},
}
"""What `logging.config.dictConfig` is to be given."""
