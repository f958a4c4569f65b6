"""httpx's transport for the upstream: HTTP/1.1, keep-alive, whole responses.

Why not httpx's own: httpcore 0.x loses pool slots when requests are cancelled, for ever, and
costs several times the CPU per call. httpx's types stay the interface, so any other httpx
transport can take this one's place (tests use an in-process one).
"""

import ssl

import httpx

from group_gateway.upstream.pool import ConnectionPool, Origin, Timeouts

_REPEATABLE = frozenset({"GET", "HEAD"})
_NEVER = 3600.0
_PORTS = {"http": 80, "https": 443}


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests over bounded pools, one for each origin.

    `max_body` bounds a response body in bytes. Certificates are always verified, against
    `ca_file` (PEM) where one is given, else against the system's.
    """

    def __init__(
        self,
        *,
        max_connections: int = 100,
        max_body: int = 64 * 1024 * 1024,
        ca_file: str | None = None,
    ) -> None:
        self._max_connections = max_connections
        self._max_body = max_body
        self._ca_file = ca_file
        self._pools: dict[tuple[str, str, int | None], ConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; see `ConnectionPool.exchange` for what it raises."""
        body = await request.aread()
        status, headers, content = await self.pool(request.url).exchange(
            _request_bytes(request, body),
            _timeouts(request.extensions.get("timeout", {})),
            repeatable=request.method in _REPEATABLE,
        )
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    def pool(self, url: httpx.URL) -> ConnectionPool:
        """Give the pool of connections to a URL's origin."""
        origin_of = (url.scheme, url.host, url.port)
        pool = self._pools.get(origin_of)
        if pool is None:
            tls = (
                ssl.create_default_context(cafile=self._ca_file) if url.scheme == "https" else None
            )
            origin = Origin(url.host, url.port or _PORTS[url.scheme], tls)
            pool = ConnectionPool(
                origin, max_connections=self._max_connections, max_body=self._max_body
            )
            self._pools[origin_of] = pool
        return pool

    async def aclose(self) -> None:
        """Close the idle connections of all pools."""
        for pool in self._pools.values():
            pool.close()


def _request_bytes(request: httpx.Request, body: bytes) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [
        b"%s: %s" % pair for pair in request.headers.raw if pair[0].lower() != b"transfer-encoding"
    ]
    return b"\r\n".join([*lines, b"", body])


def _timeouts(extension: dict[str, float | None]) -> Timeouts:
    return Timeouts(
        connect=extension.get("connect") or _NEVER,
        read=extension.get("read") or _NEVER,
        pool=extension.get("pool") or _NEVER,
    )
