"""The requests to the sandbox: tests count upstream calls with it.

In process it is `app.state.sandbox.requests`, else at `/sandbox/requests`.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LOGGED_HEADERS: Final = (
    "accept",
    "content-type",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-request-id",
)
_MOST: Final = 10_000


@dataclass(slots=True)
class LoggedRequest:
    """One request; `status` is absent until its response starts. Bodies and tokens are not kept."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    correlation_id: str
    status: int | None = None


class RequestLog:
    """The last 10,000 requests since `clear`, oldest first, and the peak of requests in flight."""

    def __init__(self) -> None:
        self._kept: deque[LoggedRequest] = deque(maxlen=_MOST)
        self._under_way = 0
        self.total = 0
        """The number of requests, including dropped ones."""
        self.peak = 0
        """The most requests in flight at once."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def entries(self) -> list[LoggedRequest]:
        """The kept requests, oldest first."""
        return list(self._kept)

    def begin(self, entry: LoggedRequest) -> None:
        """Record a request that arrives."""
        self._kept.append(entry)
        self.total += 1
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)

    def end(self) -> None:
        """Record that a request is over, whatever its outcome."""
        self._under_way -= 1

    def clear(self) -> None:
        """Drop all requests; those in flight still count towards the peak."""
        self._kept.clear()
        self.total = 0
        self.peak = self._under_way
