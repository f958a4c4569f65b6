"""Logs as lines of JSON or of text, with the fields listed here and no others.

The text of an exception, or a message of a library, may hold anything, so only their type and place
are logged. The gateway's own messages hold no data of callers or patients.
"""

import logging
import os
import queue
import re
import sys
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from group_gateway.trace_context import CURRENT

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
    "operationName",
    "clientName",
    "clientVersion",
    "requestId",
    "upstreamCorrelationId",
)
_SILENT: Final = (
    "opentelemetry.attributes",
    "opentelemetry.exporter",
    "opentelemetry.sdk._shared_internal",
)
"""Loggers of what the gateway says itself, in words and once (`span_export`)."""
_encode = msgspec.json.Encoder().encode


Format = Literal["auto", "json", "text"]
Level = Literal["debug", "info", "warning", "error"]
_PLAIN = re.compile(r"[\w.:/+-]+")


class JsonLines(logging.Formatter):
    """Format a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Fields that are not on the list are omitted."""
        return _encode(self.facts(record)).decode()

    @staticmethod
    def facts(record: logging.LogRecord) -> dict[str, Any]:
        """Return the log fields of a record."""
        shown: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "place": f"{record.module}.{record.funcName}, line {record.lineno}",
        }
        if record.name.partition(".")[0] == _OWN:
            shown["message"] = record.getMessage()
            shown |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if (trace := CURRENT.get()) is not None:
            shown["trace_id"] = trace.trace_id
        if record.exc_info and record.exc_info[0] is not None:
            shown["exception"] = record.exc_info[0].__qualname__
            frames = traceback.extract_tb(record.exc_info[2])
            if frames:
                shown["raisedAt"] = f"{frames[-1].name}, line {frames[-1].lineno}"
        return shown


class TextLines(JsonLines):
    """Format a record as one line of text: time, level, message, and `name=value` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Values with unusual characters are quoted as in JSON."""
        facts = self.facts(record)
        time, level = facts.pop("time")[11:23], facts.pop("level").upper()
        place, logger = facts.pop("place"), facts.pop("logger")
        message = facts.pop("message", f"{logger}: {place}")
        pairs = [f"{k}={_shown(v)}" for k, v in facts.items() if v is not None and v != ()]
        return "  ".join([time, f"{level:<7}", message, *pairs])


def _shown(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
    return text if _PLAIN.fullmatch(text) else _encode(text).decode()


class Outlet(logging.Handler):
    """Write lines to a file descriptor from a thread.

    Otherwise a pipe that nobody reads would block all requests. At most `most` lines are queued;
    the number of lost lines is logged as soon as there is room.
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
        """Queue a line; called with the handler's lock held."""
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
            with suppress(OSError):  # the reader is gone
                left = memoryview(f"{line}\n".encode())
                while left:
                    left = left[os.write(self._descriptor, left) :]
            self._lines.task_done()

    def flush(self) -> None:
        """Wait for queued lines to be written, but not for ever."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(
                lambda: not self._lines.unfinished_tasks, self._LAST_WORDS
            )


def logging_config(format: Format = "auto", level: Level = "info") -> dict[str, Any]:  # noqa: A002 - as the setting is called
    """Return what `logging.config.dictConfig` takes. `auto` is text where stderr is a terminal."""
    is_text = format == "text" or (format == "auto" and sys.stderr.isatty())
    lines, module = "TextLines" if is_text else "JsonLines", __name__
    least = level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{module}.{lines}"}},
        "handlers": {"stderr": {"()": f"{module}.Outlet", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "ERROR" if least == "ERROR" else "WARNING"},
        "loggers": {
            _OWN: {"level": least},
            **{name: {"level": "CRITICAL"} for name in _SILENT},
        },
    }
