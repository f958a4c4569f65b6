"""Page links of a searchset (FHIR R4, section 3.1.1.4), reduced to what lies below a base URL.

A link keeps its path and query. Its scheme and host are dropped: requests go to the configured
base URL only, whatever a link names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import dirname
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

Query = tuple[tuple[str, str], ...]
"""The parameters of a search, in order."""

Segments = tuple[str, ...]
"""The segments of a URL's path, without empty ones and dot segments."""

GROUP = "Group"
HISTORY = "_history"
_SCHEMES = frozenset({"", "http", "https"})
_SEGMENT = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+")
_ENCODED_DOT = re.compile(r"%2e", re.IGNORECASE)
_SEPARATORS = re.compile(r"[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_SENDABLE = re.compile(r"[!-\"$-~]*")
_DOTS = frozenset({".", ".."})
_MOST_DECODINGS = 4
_LONGEST = 10_000
"""Characters of a link. Encoded it may be six times as long, and no HTTP client sends 65,536."""


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page of a search below the base URL: the path without a leading slash, and the query.

    `text` is the query as the server wrote it, if encoding `query` again would change it.
    """

    query: Query
    path: str = GROUP
    text: str | None = None

    def parameter(self, name: str) -> str | None:
        """Return the last value of a parameter."""
        return dict(self.query).get(name)

    @property
    def target(self) -> str:
        """The path and query of a request, to append to the base URL."""
        query = encode_query(self.query) if self.text is None else self.text
        path = f"/{self.path}" if self.path else ""
        return f"{path}?{query}" if query else path


NOWHERE = PageLink((), "..")
"""A link that must not be followed."""


def encode_query(query: Query) -> str:
    """Encode parameters. A comma is FHIR's OR and part of the value's syntax, so it stays."""
    return "&".join(f"{quote_plus(k)}={quote_plus(v, safe=',:/')}" for k, v in query)


def path_segments(path: str) -> Segments | None:
    """Split a path and resolve its dot segments, encoded ones too.

    Returns None when it leads above its root, or is ambiguous between servers.
    """
    found: list[str] = []
    for segment in path.split("/"):
        plain = _ENCODED_DOT.sub(".", segment)
        if plain == "..":
            if not found:
                return None
            found.pop()
        elif plain not in {"", "."}:
            if not _is_plain(segment):
                return None
            found.append(segment)
    return tuple(found)


def _is_plain(segment: str) -> bool:
    if _SEGMENT.fullmatch(segment) is None:
        return False
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(segment)
        if decoded == segment:
            break
        segment = decoded
    else:
        return False
    return not _CONTROL.search(segment) and _DOTS.isdisjoint(_SEPARATORS.split(segment))


def base_of(url: str) -> Segments | None:
    """Return the base path of a server that names a search for groups, or a history, by this URL.

    Returns None for another URL, and for a relative one, which has no base.
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    segments = path_segments(path) if path.startswith("/") else None
    if segments and segments[-1:] == (HISTORY,):
        segments = segments[:-2]
    return segments[:-1] if segments and segments[-1] == GROUP else None


def resolve_link(url: str, page: PageLink, bases: Sequence[Segments]) -> PageLink:
    """Resolve a link found on `page`; NOWHERE when it must not be followed.

    `bases` are the paths that the server's base URL may have, the likeliest first. A link must lie
    at or below one of them, and must not name another resource type.
    """
    try:
        parts = urlsplit(url.strip())
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return NOWHERE
    if parts.scheme not in _SCHEMES or len(url) > _LONGEST:
        return NOWHERE
    if parts.path or parts.netloc:
        below = _below_base(parts.path, page, bases, is_absolute=bool(parts.netloc))
        if below is None or (below and not _is_ours(below[0])):
            return NOWHERE
        path = "/".join(below)
    else:
        path = page.path  # a query alone is relative to the page itself (RFC 3986, section 5.2.2)
    if not query and path in {"", GROUP}:
        return NOWHERE  # not a page, but the search for all groups
    kept = encode_query(query) != parts.query and _SENDABLE.fullmatch(parts.query)
    return PageLink(query, path, parts.query if kept else None)


def _below_base(
    path: str, page: PageLink, bases: Sequence[Segments], *, is_absolute: bool
) -> Segments | None:
    """Return the segments below the base URL; None when the path leads elsewhere."""
    if not is_absolute and not path.startswith("/"):
        # FHIR's relative URLs start at the base; those with dots at the page (RFC 3986).
        return path_segments(f"{dirname(page.path)}/{path}" if path.startswith(".") else path)
    segments = path_segments(path)
    if segments is None:
        return None
    for base in bases:
        if segments[: len(base)] == base:
            return segments[len(base) :]
    # Some servers don't know the path below which they are mounted.
    return segments if not is_absolute and segments[:1] == (GROUP,) else None


def _is_ours(segment: str) -> bool:
    name = unquote(segment)
    return name == GROUP or _RESOURCE_TYPE.fullmatch(name) is None
