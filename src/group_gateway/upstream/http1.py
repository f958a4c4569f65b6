"""One HTTP/1.1 connection: a request out, a whole response in (RFC 9112). Used by `pool`.

httptools (llhttp) parses; this module only collects and says how far an exchange came, because
that decides what may be tried again.
"""

import asyncio
from typing import cast

import httptools
import httpx

Headers = list[tuple[bytes, bytes]]
_INFORMATIONAL = 200  # below it an interim answer (RFC 9110, section 15.2)


class ResponseTooLarge(httpx.ReadError):
    """The body is larger than the transport takes."""


class StaleConnection(httpx.ReadError):
    """A kept-alive connection was closed by the peer before a byte of the answer came."""


class Http1Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time.

    `max_body` bounds a response body in bytes. After an exchange `reusable` tells whether the
    connection may carry another one, and `idle_since` (event loop time) since when it waits.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._exchanges = 0
        self._heard = 0.0
        self._open = False
        self.reusable = False
        self.idle_since = 0.0
        self._start()

    def _start(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._chunks: list[bytes] = []
        self._size = 0
        self._any_bytes = False
        self._until_close = False
        self._complete = False
        self._status = 0

    async def exchange(self, request: bytes, read_timeout: float) -> tuple[int, Headers, bytes]:
        """Send `request` and give status, headers and body of the final answer.

        `read_timeout` bounds the silence between two reads, in seconds. Raises httpx.ReadTimeout,
        httpx.ReadError, httpx.RemoteProtocolError, StaleConnection, ResponseTooLarge.
        """
        if self._transport is None or not self._open:
            raise StaleConnection("the connection was closed while idle")
        self._start()
        self.reusable = False
        self._exchanges += 1
        self._waiter = self._loop.create_future()
        self._heard = self._loop.time()
        self._transport.write(request)
        self._watch(read_timeout)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        return self._status, self._headers, b"".join(self._chunks)

    def _watch(self, read_timeout: float) -> None:
        silence = self._loop.time() - self._heard
        if silence >= read_timeout:
            self._fail(httpx.ReadTimeout("the peer fell silent"))
            return
        self._timer = self._loop.call_later(read_timeout - silence, self._watch, read_timeout)

    @property
    def is_open(self) -> bool:
        """Whether the peer has not closed it, as far as is known."""
        return self._open

    def abort(self) -> None:
        """Close at once."""
        self._open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport (asyncio.Protocol)."""
        self._transport = cast("asyncio.Transport", transport)
        self._open = True

    def data_received(self, data: bytes) -> None:
        """Feed the parser (asyncio.Protocol)."""
        if self._waiter is None:  # nobody asked: the peer does not keep to the protocol
            self.abort()
            return
        self._any_bytes = True
        self._heard = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(httpx.RemoteProtocolError("not an HTTP/1.1 answer"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: well, if the body reaches to the end of the connection."""
        self._open = False
        if self._waiter is None:
            return
        if self._until_close and exc is None:
            self.on_message_complete()
        elif self._exchanges > 1 and not self._any_bytes:
            self._fail(StaleConnection("closed before the answer"))
        else:
            self._fail(httpx.ReadError("the connection broke off"))

    def _fail(self, error: Exception) -> None:
        self.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def on_message_begin(self) -> None:
        """Distrust a connection that goes on talking after its answer (httptools)."""
        if self._complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header (httptools)."""
        if not self._complete:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Decide whether the body ends with the connection (RFC 9112, section 6.3, item 8)."""
        names = {name.lower() for name, _ in self._headers}
        self._until_close = not names & {b"content-length", b"transfer-encoding"}

    def on_body(self, body: bytes) -> None:
        """Collect the body up to the limit (httptools)."""
        if self._complete:
            return
        self._size += len(body)
        if self._size > self._max_body:
            self._fail(ResponseTooLarge("the answer is too large"))
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Give the answer to the waiter; an interim one is dropped (httptools)."""
        if self._complete:
            return
        if self._parser.get_status_code() < _INFORMATIONAL:
            self._headers = []
            return
        self._complete = True
        self._status = self._parser.get_status_code()
        self.reusable = self._open and self._parser.should_keep_alive()
        self.idle_since = self._heard
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
