"""httpx's transport for the upstream: HTTP/1.1, keep-alive, whole responses.

Why not httpx's own: httpcore 0.x loses pool slots when requests are cancelled, for ever, and costs
several times the CPU per call. httpx's types stay the interface, so any other httpx transport can
replace this one (tests use an in-process one).
"""

import ssl

import httpx

from group_gateway.memory_budget import MemoryBudget
from group_gateway.upstream.transport.pool import ConnectionPool, Origin, Timeouts
from group_gateway.upstream.transport.request_bytes import field_lines, request_bytes

_REPEATABLE = frozenset({"GET", "HEAD"})
_NEVER = 3600.0
_FRAMING = ("content-length", "transfer-encoding")
"""Fields that `request_bytes` replaces: a streamed body is complete by now."""
_PORTS = {"http": 80, "https": 443}


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Send httpx requests over bounded pools, one for each origin.

    At most `max_waiting` requests wait for a connection. `max_body` bounds a response body, and
    `max_bodies` all those that are received and held together, in bytes. A response in a content
    coding is refused, so request none (httpx would unpack it without a bound). Certificates are
    always verified, against `ca_file` (PEM) where one is given, else against the system's.
    """

    def __init__(
        self,
        *,
        max_connections: int = 100,
        max_waiting: int = 1000,
        max_body: int = 64 * 1024 * 1024,
        max_bodies: int = 256 * 1024 * 1024,
        ca_file: str | None = None,
    ) -> None:
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._max_body = max_body
        self._budget = MemoryBudget(max_bodies)
        self._ca_file = ca_file
        self._pools: dict[tuple[str, bytes, int | None], ConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request.

        Raises httpx.UnsupportedProtocol, httpx.LocalProtocolError, and what
        `ConnectionPool.exchange` raises.
        """
        body = await request.aread()
        status, headers, content = await self.pool(request.url).exchange(
            _encoded(request, body),
            _timeouts(request.extensions.get("timeout", {})),
            repeatable=request.method in _REPEATABLE,
            bodiless=request.method == "HEAD",
        )
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    def pool(self, url: httpx.URL) -> ConnectionPool:
        """Return the pool of connections to a URL's origin."""
        origin_of = (url.scheme, url.raw_host, url.port)
        pool = self._pools.get(origin_of)
        if pool is None:
            if url.scheme not in _PORTS:
                raise httpx.UnsupportedProtocol("only http:// and https:// are spoken here")
            pool = self._pools[origin_of] = ConnectionPool(
                self._origin(url),
                max_connections=self._max_connections,
                max_waiting=self._max_waiting,
                max_body=self._max_body,
                budget=self._budget,
            )
        return pool

    def _origin(self, url: httpx.URL) -> Origin:
        secure = url.scheme == "https"
        return Origin(
            url.raw_host.decode("ascii"),
            url.port or _PORTS[url.scheme],
            ssl.create_default_context(cafile=self._ca_file) if secure else None,
        )

    async def aclose(self) -> None:
        """Close the connections of all pools."""
        for pool in self._pools.values():
            pool.close()


def _encoded(request: httpx.Request, body: bytes) -> bytes:
    target = request.url.raw_path.decode("ascii")
    fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers.raw]
    lines = field_lines(field for field in fields if field[0].lower() not in _FRAMING)
    has_body = any(name in request.headers for name in _FRAMING)
    return request_bytes(request.method, target, lines, body if has_body else None)


def _timeouts(extension: dict[str, float | None]) -> Timeouts:
    def seconds(phase: str) -> float:
        value = extension.get(phase)
        return _NEVER if value is None else value

    return Timeouts(connect=seconds("connect"), read=seconds("read"), pool=seconds("pool"))
