"""The host and scheme that a client used, from a reverse proxy's headers.

These are `Forwarded` (RFC 7239), or `X-Forwarded-Host` and `X-Forwarded-Proto`. They are trusted
only from proxies that the settings name, or over a Unix socket, which only a local proxy can open.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final

from starlette.datastructures import Headers

_ANY: Final = "*"
_SAME: Final = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"": ("80", "443"), "http": ("80",), "https": ("443",)}
_PAIR: Final = re.compile(r'(?<![A-Za-z-])([A-Za-z-]++)=("(?:[^"\\]++|\\.)*+"|[^;,"]*+)')
"""A name and its value (RFC 7239, section 4). It reads a long word once, not from each letter."""


class TrustedProxies:
    """Proxies by address or network (CIDR); `*` is every one. Raise ValueError for others."""

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        proxies = list(proxies)
        self._all = _ANY in proxies
        self._networks = [ipaddress.ip_network(p, strict=False) for p in proxies if p != _ANY]

    @classmethod
    def of(cls, text: str) -> "TrustedProxies":
        """Return the proxies of a comma-separated list."""
        return cls(filter(None, map(str.strip, text.split(","))))

    def __contains__(self, client: object) -> bool:
        """Return whether a peer (ASGI's `client`) is a trusted proxy; None is a Unix socket's."""
        if client is None or self._all:
            return True
        if not self._networks or not isinstance(client, tuple | list):
            return False
        try:
            address = ipaddress.ip_address(str(client[0]).partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._networks)


def own_origins(client: Any, headers: Headers, proxies: TrustedProxies) -> frozenset[str]:
    """Return the origins under which a client reached the gateway by this request.

    An origin without a scheme stands for both: TLS may end in a proxy, and HTTP itself states no
    scheme.
    """
    found = {_origin("", headers.get("host", ""))}
    if client in proxies:
        host, scheme = _forwarded(headers)
        found.add(_origin(scheme, host))
    return frozenset(filter(None, found))


def _origin(scheme: str, host: str) -> str:
    """Return an origin as browsers write it: in lower case, without a default port.

    Traefik names the schemes of WebSockets.
    """
    scheme = _SAME.get(scheme.lower(), scheme.lower())
    name, _, port = host.lower().rpartition(":")
    if name and port in _DEFAULT_PORTS.get(scheme, _DEFAULT_PORTS[""]):
        host = name
    return f"{scheme}://{host}".lower() if scheme and host else host.lower()


def _forwarded(headers: Headers) -> tuple[str, str]:
    """Return the host and scheme that the first proxy, the one next to the client, received."""
    standard = headers.get("forwarded", "").partition(",")[0]
    pairs = {name.lower(): value.strip().strip('"') for name, value in _PAIR.findall(standard)}
    host = pairs.get("host") or _first(headers, "x-forwarded-host")
    scheme = pairs.get("proto") or _first(headers, "x-forwarded-proto")
    port = _first(headers, "x-forwarded-port")
    if host and ":" not in host.rpartition("]")[2] and port not in {"", "80", "443"}:
        host = f"{host}:{port}"
    return host, scheme


def _first(headers: Headers, name: str) -> str:
    return headers.get(name, "").partition(",")[0].strip()
