"""One HTTP/1.1 connection: a request out, a whole response in (RFC 9112).

httptools (llhttp) parses. This module collects, and reports how far an exchange came, because that
decides what may be retried.
"""

import asyncio
from typing import cast

import httptools
import httpx

from group_gateway.memory_budget import FREE, BudgetedBytes, MemoryBudget

Headers = list[tuple[bytes, bytes]]
_FINAL = 200  # below it an interim answer (RFC 9110, section 15.2)
_FRAMING_BYTES = 64 * 1024
_FRAMING_SHARE = 8
"""What a response may have beside its body: so many bytes, and so many times the body's length (a
chunk of one byte takes six). It bounds headers, trailers, chunk sizes and interim responses."""
_PLAIN: tuple[list[bytes], ...] = ([], [b"identity"], [b""], [b"utf-8"])
"""Content codings that are none. Some servers send the charset, or nothing, in their place."""
_LENGTH = b"content-length"
_FRAMING = frozenset({_LENGTH, b"transfer-encoding", b"content-encoding"})
"""The headers that say how the body is sent."""


class ResponseTooLarge(httpx.RemoteProtocolError):
    """The response is larger than the transport accepts."""


class UnwantedCoding(httpx.RemoteProtocolError):
    """The response is compressed, or encoded in another way that was not asked for."""


class NoRoom(httpx.ReadError):
    """The response exceeds the memory budget of all responses."""


class StaleConnection(httpx.ReadError):
    """The peer closed a kept-alive connection before a byte of the response arrived."""


class Http1Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time.

    `max_body` bounds a response body in bytes, and `budget` all of them together. After an exchange
    `reusable` is whether the connection may carry another one, and `idle_since` (event loop time)
    since when it is idle.
    """

    def __init__(self, max_body: int, budget: MemoryBudget) -> None:
        self._max_body = max_body
        self._budget = budget
        self._body = bytearray()
        self._complete = self._bodiless = False
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end = 0.0
        self._exchanges = 0
        self._last_received = 0.0
        self.reusable = False
        self.idle_since = 0.0
        self._start(bodiless=False)

    def _start(self, *, bodiless: bool) -> None:
        if not self._complete or self._bodiless:  # otherwise it is where a response begins
            self._parser = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self._headers: Headers = []
        self._taken = 0
        self._received = 0
        self._in_headers = True
        self._until_close = False
        self._complete = False
        self._status = 0

    async def exchange(
        self, request: bytes, read_timeout: float, until: float, *, bodiless: bool = False
    ) -> tuple[int, Headers, bytes]:
        """Send `request` and return status, headers and body of the final response.

        `read_timeout` bounds the silence between two reads, in seconds, and `until` the whole
        exchange (event loop time); both end in httpx.ReadTimeout. The response to a `bodiless`
        request (HEAD) ends with its headers, whatever they say. Raises httpx.ReadTimeout,
        httpx.ReadError, httpx.RemoteProtocolError, StaleConnection, ResponseTooLarge,
        UnwantedCoding, NoRoom.
        """
        if self._transport is None or not self.is_open:
            raise StaleConnection("the connection was closed while idle")
        self._start(bodiless=bodiless)
        self.reusable = False
        self._exchanges += 1
        self._waiter = self._loop.create_future()
        self._last_received = self._loop.time()
        self._transport.write(request)
        self._read_timeout = read_timeout
        self._until = until
        self._watch()
        try:
            await self._waiter
            return self._status, self._headers, self._handed_over()
        finally:
            self._waiter = None
            self._body = bytearray()  # an idle connection holds none
            self._budget.give_back(self._taken)

    def _handed_over(self) -> bytes:
        """Return the body, with its share of the memory budget."""
        if not self._taken:
            return bytes(self._body)
        held, self._taken = BudgetedBytes.of(self._body, self._budget, self._taken), 0
        return held

    def _watch(self) -> None:
        """Fail the exchange at its deadline, or after too long a silence: one timer serves both.

        It also serves the exchanges that follow. Most end long before, and starting and cancelling
        a timer for each would cost more than a timer that now and then finds nothing to do.
        """
        end = min(self._last_received + self._read_timeout, self._until)
        if self._loop.time() >= end:
            self._fail(httpx.ReadTimeout("no answer in time"))
        elif self._timer is None or self._timer_end > end:
            self._stop_timer()
            self._timer, self._timer_end = self._loop.call_at(end, self._timer_ended), end

    def _timer_ended(self) -> None:
        self._timer = None
        if self._waiter is not None:
            self._watch()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed it, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    def abort(self) -> None:
        """Close at once; an exchange in flight fails."""
        self._fail(httpx.ReadError("the connection was closed on this side"))

    def _fail(self, error: httpx.TransportError) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport (asyncio.Protocol)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser (asyncio.Protocol)."""
        if self._waiter is None:  # unrequested: the peer violates the protocol
            self.abort()
            return
        self._received += len(data)
        self._last_received = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(httpx.RemoteProtocolError("not an HTTP/1.1 answer"))
        if self._received > _FRAMING_BYTES + _FRAMING_SHARE * len(self._body):
            self._fail(ResponseTooLarge("the answer is too large beside its body"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: well, if the body reaches to the end of the connection."""
        self._stop_timer()
        if self._until_close and exc is None:
            self._finish()
        elif self._exchanges > 1 and not self._received:
            self._fail(StaleConnection("closed before the answer"))
        else:
            self._fail(httpx.ReadError("the connection broke off"))

    def on_message_begin(self) -> None:
        """Close a connection whose peer sends after its response (httptools)."""
        if self._complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header, its name in lower case; trailers are none (httptools).

        See RFC 9110, section 6.5.1, on trailers.
        """
        if self._in_headers:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Determine the body's end; skip an interim response (httptools).

        See RFC 9112, section 6.3.
        """
        if self._complete:
            return
        if self._parser.get_status_code() < _FINAL:
            self._headers.clear()
            return
        self._in_headers = False
        framing = [field for field in self._headers if field[0] in _FRAMING]
        if len(framing) == 1 and framing[0][0] == _LENGTH and not self._bodiless:
            self._reserve(int(framing[0][1]))  # llhttp takes digits only
        else:
            self._begin_unusual_body(framing)

    def _begin_unusual_body(self, framing: Headers) -> None:
        codings, lengths = _values(framing, b"transfer-encoding"), _values(framing, _LENGTH)
        self._until_close = not codings and not lengths
        # No coding was requested, and httpx would decode one of the content without a bound.
        if codings not in ([], [b"chunked"]) or _values(framing, b"content-encoding") not in _PLAIN:
            self._fail(UnwantedCoding("a coding that nobody asked for"))
        elif self._bodiless:
            self._finish()
        elif lengths:
            self._reserve(int(lengths[0]))

    def on_body(self, body: bytes) -> None:
        """Collect the body up to the limit (httptools)."""
        if not self._complete and self._reserve(len(self._body) + len(body)):
            self._body += body

    def _reserve(self, size: int) -> bool:
        """Reserve memory for a body of this size; return False if the exchange failed for it."""
        needed = size - FREE - self._taken
        if size > self._max_body:
            self._fail(ResponseTooLarge("the answer is too large"))
        elif needed > 0 and not self._budget.take(needed):
            self._fail(NoRoom("there is no room for the answer"))
        else:
            self._taken += max(needed, 0)
            return True
        return False

    def on_message_complete(self) -> None:
        """Pass the final response to the waiter (httptools)."""
        if not self._in_headers:
            self._finish()

    def _finish(self) -> None:
        if self._complete:
            return
        self._complete = True
        self._status = self._parser.get_status_code()
        self.reusable = self.is_open and self._parser.should_keep_alive()
        self.idle_since = self._last_received
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value.strip().lower() for field, value in headers if field == name]
