"""Origins of other sites whose pages may send requests. Pure.

An origin is a scheme, a host and a port, in the form that browsers send (RFC 6454, section 6.2).
Web views and browser extensions have schemes of their own.

A pattern has `*` in the first label of the host, where it stands for one or more letters, digits
and hyphens, or as the port. It never matches a dot: a pattern covers one label, as a wildcard
certificate does.
"""

import re
from collections.abc import Iterable
from typing import Final

NULL: Final = "null"
"""The origin of sandboxed frames and local files. Anybody can make a page that has it."""
_WEB: Final = re.compile(
    r"(https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|(?:[a-z0-9_*-]+)(?P<parents>(?:\.[a-z0-9_-]+)*))"
    r"(?::(?P<port>\d{1,5}|\*))?"
)
_OTHER: Final = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]*|\*)(?::\d{1,5})?")
_DEFAULT_PORT: Final = {"http": "80", "https": "443"}
_LABEL: Final = "[a-z0-9-]+"
_LEAST_PARENTS: Final = 2
_LAST_PORT: Final = 65_535


class NotAnOrigin(ValueError):
    """An entry is neither an origin nor a pattern of origins; the text is a sentence's end."""


class AllowedOrigins:
    """A list of origins and patterns. Raises NotAnOrigin for any other entry."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        parsed = [_parse(entry.lower(), place) for place, entry in enumerate(entries, 1)]
        self._exact = frozenset(entry for entry in parsed if isinstance(entry, str))
        self._patterns = [entry for entry in parsed if isinstance(entry, re.Pattern)]

    @classmethod
    def of(cls, text: str) -> "AllowedOrigins":
        """Return the origins of a comma-separated list."""
        return cls(filter(None, map(str.strip, text.split(","))))

    def __bool__(self) -> bool:
        """Return whether the list has any origin."""
        return bool(self._exact or self._patterns)

    def __contains__(self, origin: object) -> bool:
        """Return whether pages of this origin may send requests."""
        if not isinstance(origin, str):
            return False
        origin = origin.lower()
        return origin in self._exact or any(p.fullmatch(origin) for p in self._patterns)


def _parse(entry: str, place: int) -> str | re.Pattern[str]:
    """Return the origin, or the regular expression of a pattern; raise NotAnOrigin."""
    if entry == NULL:
        return entry
    if _OTHER.fullmatch(entry):
        return _expression(entry, "") if "*" in entry else entry
    web = _WEB.fullmatch(entry)
    if web is None or not _is_port(web["port"]):
        raise NotAnOrigin(f"entry {place} {_fault(entry)}")
    if "*" in web["host"] and not _is_narrow(web["host"], web["parents"]):
        raise NotAnOrigin(f"entry {place} covers hosts of anybody: `*` stands before a domain")
    origin, port = f"{web[1]}://{web['host']}", web["port"]
    if port == _DEFAULT_PORT[web[1]]:
        port = None
    if "*" not in entry:
        return origin if port is None else f"{origin}:{port}"
    any_port = r"(?::\d{1,5})?"
    return _expression(origin, any_port if port == "*" else f":{port}" if port else "")


def _is_port(port: str | None) -> bool:
    return port is None or port == "*" or 0 < int(port) <= _LAST_PORT


def _fault(entry: str) -> str:
    """Return what is wrong with an entry, as far as that can be known."""
    scheme, found, rest = entry.partition("://")
    if not found:
        return "has no scheme, such as https://"
    if scheme in _DEFAULT_PORT and "/" in rest:
        return "has a path or a slash at its end, which no origin has"
    return "is no origin, such as https://app.example"


def _is_narrow(host: str, parents: str) -> bool:
    """Return whether a pattern stays below one registered domain; `*.example` does not."""
    below_a_domain = host.count(".") >= _LEAST_PARENTS and not parents[-1].isdigit()
    return below_a_domain or parents == ".localhost"


def _expression(entry: str, port: str) -> re.Pattern[str]:
    return re.compile(_LABEL.join(map(re.escape, entry.split("*"))) + port, re.ASCII)
