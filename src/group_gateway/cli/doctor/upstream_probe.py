"""Send single requests to an upstream, and keep what the responses looked like on the wire.

The requests go through the gateway's own client, so that the doctor sees what the gateway will see.
"""

import time
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx

from group_gateway.config import Settings
from group_gateway.errors import GatewayError
from group_gateway.fhir.bundle import Searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.page_link import PageLink, Query
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.searches.first_page import FirstPage, open_search
from group_gateway.groups.writing.base_version import BaseVersion
from group_gateway.groups.writing.drafts import body_of, has_version
from group_gateway.operation import Caller
from group_gateway.upstream.client import GroupClient, Precondition, Written
from group_gateway.upstream.extra_headers import parse_extra_headers
from group_gateway.upstream.transport.httpx_transport import UpstreamTransport

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The head of a response, and when it was requested and received (epoch seconds)."""

    status: int
    headers: Mapping[str, str]
    sent_at: float
    answered_at: float

    @property
    def is_web_page(self) -> bool:
        """Whether the response is HTML."""
        return "html" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True, slots=True)
class ProbeReply(Generic[T_co]):
    """A value or an error, and its exchange; None when no response came at all."""

    value: T_co | None
    error: GatewayError | None
    exchange: Exchange | None


class _Witness(httpx.AsyncBaseTransport):
    """Pass requests on and keep the head of the last response."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.seen: Exchange | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen, sent_at = None, time.time()
        response = await self._inner.handle_async_request(request)
        self.seen = Exchange(response.status_code, response.headers, sent_at, time.time())
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A search whose parameters are all necessary."""

    query: Query

    def parameters(self, _refused: Collection[str]) -> Query:
        """Return the parameters."""
        return self.query

    def covers(self, _query: Query) -> bool:
        """Return that the parameters express the whole search."""
        return True

    def may_leave_out(self, _name: str) -> bool:
        """Return that each parameter is necessary."""
        return False


_NO_VERSION = 1_000_000
"""Added to a version's number, it makes one that no group has."""


class UpstreamProbe:
    """Requests to the upstream of the settings, with a token or without one."""

    def __init__(self, settings: Settings, token: str | None) -> None:
        self._timeout = settings.upstream_timeout
        self._caller = Caller("doctor", f"Bearer {token}" if token else None)
        self._witness = _Witness(UpstreamTransport(ca_file=settings.upstream_ca_file or None))
        self.capabilities = UpstreamCapabilities()
        self._client = GroupClient(
            settings.upstream_url,
            self._witness,
            call_timeout=self._timeout,
            headers=parse_extra_headers(settings.upstream_headers),
        )

    async def statement(self) -> ProbeReply[object]:
        """Read the CapabilityStatement."""
        return await self._observed(self._client.capabilities(self._caller, self._timeout))

    async def search(self, *query: tuple[str, str]) -> ProbeReply[Searchset]:
        """Search for groups."""
        return await self.follow(PageLink(query))

    async def open(self, *filters: tuple[str, str], count: int) -> ProbeReply[Searchset]:
        """Search for groups as the gateway opens a search, with its paging parameters."""
        request = FirstPage(_Fixed(filters), self.capabilities, count)
        return await self._observed(self._opened(request))

    async def _opened(self, request: FirstPage) -> Searchset:
        _, found = await open_search(
            request, lambda link: self._client.search(self._caller, link, self._timeout)
        )
        return found

    async def follow(self, link: PageLink) -> ProbeReply[Searchset]:
        """Fetch the page behind a link."""
        return await self._observed(self._client.search(self._caller, link, self._timeout))

    async def read(self, id: str) -> ProbeReply[GroupResource | None]:
        """Read a group."""
        return await self._observed(self._client.read(self._caller, id, self._timeout))

    async def write_in_vain(self, base_version: BaseVersion) -> ProbeReply[Written]:
        """Send an unchanged group with a precondition that can't hold."""
        number, tag = base_version.number, base_version.tag
        other = f'W/"{number + _NO_VERSION}"' if number is not None else 'W/"no-such-version"'
        precondition = Precondition(
            etag=None if tag is None else other,
            unmodified_since=None if base_version.second is None else 0,
        )
        elements = base_version.elements
        computes = self._client.is_canvas and not has_version(elements)
        body = body_of(elements, elements, computes=computes)
        return await self._observed(
            self._client.update(
                self._caller, base_version.group.id, body, precondition, self._timeout
            )
        )

    async def end(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _observed(self, call: Awaitable[T]) -> ProbeReply[T]:
        try:
            return ProbeReply(await call, None, self._witness.seen)
        except GatewayError as error:
            return ProbeReply(None, error, self._witness.seen)
