"""Logs as JSON lines, whose fields are these and no others. Named in uvicorn's configuration.

The text of an exception, and what other people's code says, may hold anything; of those only type
and place are told. Our own sentences are written to hold nothing of anybody's.
"""

import logging
import traceback
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


LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "group_gateway.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {_OWN: {"level": "INFO"}},
}
"""What `logging.config.dictConfig` is to be given."""
