"""The client's name, version and request id, from the headers of Apollo's client awareness.

The values appear in logs, so they are bounded and escaped to printable ASCII. No decision depends
on them.
"""

from collections.abc import Mapping
from typing import Final

from group_gateway.log_text import log_text
from group_gateway.operation import NO_CLIENT, ClientSoftware

_NAMES: Final = (b"apollographql-client-name", b"graphql-client-name", b"x-graphql-client-name")
_VERSIONS: Final = (
    b"apollographql-client-version",
    b"graphql-client-version",
    b"x-graphql-client-version",
)
_REQUEST_IDS: Final = (
    b"x-request-id",
    b"x-correlation-id",
    b"x-amzn-trace-id",
    b"x-cloud-trace-context",
    b"x-azure-ref",
    b"cf-ray",
    b"traceparent",
)
"""The names that clients and balancers have for the id of a request, the most usual first."""
CLIENT_HEADERS: Final = frozenset({*_NAMES, *_VERSIONS, *_REQUEST_IDS})


def client_of(headers: Mapping[bytes, str]) -> ClientSoftware:
    """Return the client's software and request id that the headers name."""
    if CLIENT_HEADERS.isdisjoint(headers):
        return NO_CLIENT
    return ClientSoftware(*(_first(headers, names) for names in (_NAMES, _VERSIONS, _REQUEST_IDS)))


def names_request(headers: Mapping[bytes, str]) -> bool:
    """Return whether the headers hold the id of a request, so that no other one repeats them."""
    return any(name in headers for name in _REQUEST_IDS)


def _first(headers: Mapping[bytes, str], names: tuple[bytes, ...]) -> str:
    return next((log_text(headers[name]) for name in names if headers.get(name)), "")
