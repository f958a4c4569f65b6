"""HTTP exchanges with one FHIR server: a request and its response.

The gateway's own transport is given bytes. Building httpx's request and response objects would cost
several times as much CPU. Any other httpx transport is called with httpx's types. Neither has
cookies, redirects or proxies, because callers must not share any state.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import httpx

from group_gateway.upstream.call import Call, Fields
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport
from group_gateway.upstream.transport.pool import Timeouts
from group_gateway.upstream.transport.request_bytes import field_lines, request_bytes
from group_gateway.upstream.upstream_response import CORRELATION_HEADERS, UpstreamResponse

_HEADERS = {
    "accept": "application/fhir+json",
    "accept-encoding": "identity",
    "cache-control": "no-cache",  # some servers repeat a search's result of a minute ago (HAPI)
    "user-agent": "group-gateway",
}

# The headers that are read from an `UpstreamResponse`: the others are not worth decoding.
_SEEN = {
    name.encode(): name
    for name in (
        *CORRELATION_HEADERS,
        *("content-location", "date", "etag", "location", "retry-after", "x-powered-by"),
    )
}


class HttpExchange(Protocol):
    """Exchange requests and responses with the server below one base URL."""

    async def exchange(self, call: Call, trace: Fields, *, until: float) -> UpstreamResponse:
        """Send a call with the headers of its trace, if any; raise httpx.TransportError.

        Raises httpx.TimeoutException at `until` (event loop time). If calls must queue, those of
        different callers are served round robin.
        """


def http_exchange(
    base_url: str,
    transport: httpx.AsyncBaseTransport,
    *,
    call_timeout: float,
    headers: Mapping[str, str] | None = None,
) -> HttpExchange:
    """Return the cheapest exchange that a transport allows.

    `call_timeout` bounds each phase, in seconds. `headers` go with each request.
    """
    fixed = {**_HEADERS, **(headers or {})}
    timeouts = Timeouts(
        connect=min(call_timeout, 5.0), read=call_timeout, pool=min(call_timeout, 5.0)
    )
    if isinstance(transport, UpstreamTransport):
        return _PooledExchange(base_url, transport, timeouts, fixed)
    return _HttpxExchange(base_url, transport, timeouts, fixed)


class _PooledExchange:
    def __init__(
        self,
        base_url: str,
        transport: UpstreamTransport,
        timeouts: Timeouts,
        fixed: Mapping[str, str],
    ) -> None:
        url = httpx.URL(base_url)
        self._pool = transport.pool(url)
        self._base_path = url.raw_path.rstrip(b"/").decode("ascii")
        self._timeouts = timeouts
        host = url.netloc.decode("ascii")
        self._lines = field_lines({"host": host, **fixed}.items())

    async def exchange(self, call: Call, trace: Fields, *, until: float) -> UpstreamResponse:
        lines = self._lines + field_lines(call.headers) + field_lines(trace)
        status, headers_received, content = await self._pool.exchange(
            request_bytes(call.method, self._base_path + call.path, lines, call.body),
            self._timeouts,
            repeatable=call.method == "GET",
            until=until,
            caller_key=call.scope,
        )
        received = dict(headers_received)
        seen = {
            _SEEN[name]: received[name].decode("latin-1").strip(" \t")
            for name in received.keys() & _SEEN.keys()
        }
        return UpstreamResponse(status, seen, content)


class _HttpxExchange:
    def __init__(
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport,
        timeouts: Timeouts,
        fixed: Mapping[str, str],
    ) -> None:
        self._fixed = fixed
        self._base_url = base_url
        self._transport = transport
        self._extensions = {
            "timeout": {
                "connect": timeouts.connect,
                "read": timeouts.read,
                "write": timeouts.read,
                "pool": timeouts.pool,
            }
        }

    async def exchange(self, call: Call, trace: Fields, *, until: float) -> UpstreamResponse:
        request = httpx.Request(
            call.method,
            self._base_url + call.path,
            headers={**self._fixed, **dict(call.headers), **dict(trace)},
            content=call.body,
            extensions=self._extensions,
        )
        try:
            async with asyncio.timeout_at(until):
                response = await read_response(self._transport, request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time") from None
        return UpstreamResponse(response.status_code, response.headers, response.content)


async def read_response(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> httpx.Response:
    """Return the response with its whole body. Close it in any case, as httpx's client does."""
    response = await transport.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response
