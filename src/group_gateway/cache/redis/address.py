"""The address of a Redis or Valkey: one server, Sentinel or a cluster. Pure."""

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = frozenset(
    f"{server}{tls}{topology}"
    for server, tls in (("redis", ""), ("redis", "s"), ("valkey", ""), ("valkey", "s"))
    for topology in ("", "+sentinel", "+cluster")
) | {"unix"}
"""The supported URL schemes."""


class AddressError(ValueError):
    """An address is invalid. The text completes a sentence about it."""


def checked_address(url: str) -> SplitResult:
    """Return the parts of an address; raise AddressError."""
    try:
        parts = urlsplit(url)
        hosts = hosts_of(parts, 0)
    except ValueError:
        raise AddressError("its host or port can't be one") from None
    if parts.scheme.partition("+")[2] == "sentinel" and not parts.path.strip("/"):
        raise AddressError("it names a service after the sentinels: redis+sentinel://host/service")
    if "+" not in parts.scheme and len(hosts) > 1:
        raise AddressError("one server has one host; a list is for +sentinel and +cluster")
    return parts


def hosts_of(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    """Return the hosts of an address; raise ValueError."""
    found = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{place}")
        found.append((one.hostname or "localhost", port if one.port is None else one.port))
    return found


def credentials_of(parts: SplitResult) -> dict[str, str]:
    """Return `username` and `password`, if the address has them."""
    user, found, password = parts.netloc.rpartition("@")[0].partition(":")
    if not found and not user:
        return {}
    named = {"username": unquote(user), "password": unquote(password)}
    return {name: text for name, text in named.items() if text}


def password_of(url: str) -> str:
    """Return the password in an address, which may be of any scheme; "" if it has none."""
    return credentials_of(urlsplit(url)).get("password", "")


def options_of(parts: SplitResult) -> dict[str, str]:
    """Return the options in an address's query, by redis-py's names."""
    return dict(parse_qsl(parts.query))
