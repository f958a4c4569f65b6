"""The Group interactions of a FHIR server: read, search, create, update, delete, capabilities.

This is the only module that builds upstream URLs for groups. Responses become values, or one error
of `errors`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from group_gateway.errors import Gone, UpstreamInvalidResponse
from group_gateway.events import NO_EVENTS, Events
from group_gateway.fhir.bundle import NotASearchset, Searchset, parse_searchset
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import is_logical_id
from group_gateway.fhir.operation_outcome import Issue, parse_issues
from group_gateway.fhir.page_link import PageLink, path_segments
from group_gateway.operation import Caller
from group_gateway.tracing import NO_TRACING, Tracing
from group_gateway.upstream.call import Call, Fields, Kind
from group_gateway.upstream.call_sender import CallSender
from group_gateway.upstream.group_response import echoed_group, read_group, whole_group
from group_gateway.upstream.http_exchange import http_exchange
from group_gateway.upstream.resilience.resilient_client import Resilience, ResilientClient
from group_gateway.upstream.service_account import ServiceAccount, ServiceAccountExchange
from group_gateway.upstream.upstream_response import (
    UpstreamResponse,
    created_id,
    decoded,
    deletion_unsupported,
    failure_of,
    is_absent,
    is_json_or_empty,
)

Again = Callable[[], object]
"""Called before a call is repeated; raises TooManyUpstreamCalls if the budget is used up."""

_CONTENT: Fields = (("content-type", "application/fhir+json"),)
_CANVAS_HOST = ".canvasmedical.com"
_CANVAS = "fumage-correlation-id"
"""The response header of Canvas Medical's API, which computes elements that other servers store."""
_SUCCESS = range(200, 300)
_NO_DELETE = frozenset({405, 501})


@dataclass(frozen=True, slots=True)
class Precondition:
    """The state that a conditional update is meant for (FHIR R4, section 3.1.0.5).

    An entity tag, the upstream's clock in whole seconds since the epoch, or both: an upstream that
    supports the tag then ignores the clock (RFC 9110, section 13.1.4).
    """

    etag: str | None = None
    unmodified_since: int | None = None

    def headers(self) -> Fields:
        """Return the request headers that state it."""
        headers: Fields = () if self.etag is None else (("if-match", self.etag),)
        if self.unmodified_since is not None:
            clock = formatdate(self.unmodified_since, usegmt=True)
            headers += (("if-unmodified-since", clock),)
        return headers


@dataclass(frozen=True, slots=True)
class Written:
    """The response to a write.

    The id, the resource if the response holds it, the upstream's clock, the entity tag of the
    stored version, and the issues of an OperationOutcome. `is_pending`: the write was accepted, and
    may not be made yet (202). `is_created`: the write made the group (201).
    """

    id: str
    resource: GroupResource | None
    date: int | None
    etag: str | None = None
    issues: tuple[Issue, ...] = ()
    is_pending: bool = False
    is_created: bool = False

    @classmethod
    def of(cls, id: str, resource: GroupResource | None, answer: UpstreamResponse) -> "Written":
        """Parse a response."""
        issues = () if resource else parse_issues(decoded(answer.body)) or ()
        is_pending = answer.status == HTTPStatus.ACCEPTED
        is_created = answer.status == HTTPStatus.CREATED
        return cls(id, resource, answer.date, answer.etag, issues, is_pending, is_created)


class GroupClient:
    """A client of the FHIR server at `base_url`, for the caller that an interaction names.

    `call_timeout` bounds one exchange in seconds, below the time that the operation has left. A
    read or search with `again` may be tried more than once, as `resilience` says. With an `account`
    its token goes upstream, and no caller's. `headers` go with each call. Every method raises the
    errors of `errors` and nothing else.
    """

    def __init__(  # noqa: PLR0913 - all that calling takes
        self,
        base_url: str,
        transport: httpx.AsyncBaseTransport,
        *,
        call_timeout: float,
        events: Events = NO_EVENTS,
        tracing: Tracing = NO_TRACING,
        resilience: Resilience | None = None,
        account: ServiceAccount | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.is_canvas = (urlsplit(self.base_url).hostname or "").endswith(_CANVAS_HOST)
        self.base_path = path_segments(httpx.URL(self.base_url).path) or ()
        self._transport = transport
        http = http_exchange(self.base_url, transport, call_timeout=call_timeout, headers=headers)
        way = http if account is None else ServiceAccountExchange(http, account)
        call_sender = CallSender(way, timeout=call_timeout, events=events, tracing=tracing)
        self._resilient_client = ResilientClient(call_sender, resilience or Resilience(), events)

    async def read(
        self, caller: Caller, id: str, within: float, again: Again | None = None
    ) -> GroupResource | None:
        """Read one Group; return None when it does not exist. `within` is in seconds."""
        answer = await self._send("read", "GET", _resource_path(id), caller, within, again=again)
        if is_absent(answer):
            return None
        resource = read_group(answer)
        if resource is not None and resource.id != id:
            raise answer.invalid("The upstream answered with another group than the one asked for.")
        return resource

    async def search(
        self, caller: Caller, page: PageLink, within: float, again: Again | None = None
    ) -> Searchset:
        """Return one page of a search for Groups."""
        answer = await self._send("search", "GET", page.target, caller, within, again=again)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        try:
            found = self.searchset(answer.body, page)
        except NotASearchset as error:
            reason = "The upstream's answer to a search is not a Bundle of groups."
            raise answer.invalid(reason) from error
        return replace(found, breaks_by_offset=True) if answer.breaks_by_offset else found

    def searchset(self, raw: bytes, page: PageLink) -> Searchset:
        """Parse the searchset behind a page link; raises NotASearchset."""
        return parse_searchset(raw, page, self.base_path)

    async def create(self, caller: Caller, body: bytes, within: float) -> Written:
        """Create a Group. Sent once: after an UpstreamUnavailable it may exist or not."""
        answer = await self._send("write", "POST", "/Group", caller, within, body=body)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=True)
        echo, located = echoed_group(answer), created_id(answer)
        id = located or (echo.id if echo else None)
        resource = whole_group(echo) if echo and echo.id == id else None
        if id is None:
            raise answer.invalid("The upstream did not say under which id it created the group.")
        return Written.of(id, resource, answer)

    async def update(
        self, caller: Caller, id: str, body: bytes, precondition: Precondition, within: float
    ) -> Written:
        """Replace a Group, if it is still in the state that `precondition` names.

        After an UpstreamUnavailable or UpstreamInvalidResponse it may be replaced or not: the
        response may be a proxy's login page with the status of success.
        """
        answer = await self._send(
            "write",
            "PUT",
            _resource_path(id),
            caller,
            within,
            body=body,
            headers=precondition.headers(),
        )
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=True)
        resource = echoed_group(answer)
        if resource is None and not is_json_or_empty(answer.body):
            raise answer.invalid("The upstream's answer to the change is not FHIR.")
        echoed = whole_group(resource) if resource and resource.id == id else None
        return Written.of(id, echoed, answer)

    async def delete(
        self, caller: Caller, id: str, precondition: Precondition, within: float
    ) -> Written:
        """Delete a Group, if it is still in the state that `precondition` names.

        After an UpstreamUnavailable or UpstreamInvalidResponse it may be deleted or not.
        """
        headers = precondition.headers()
        path = _resource_path(id)
        answer = await self._send("write", "DELETE", path, caller, within, headers=headers)
        if answer.status in _NO_DELETE:
            raise deletion_unsupported(answer)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=True)
        if not is_json_or_empty(answer.body):
            raise answer.invalid("The upstream's answer to the deletion is not FHIR.")
        return Written.of(id, None, answer)

    async def read_version(
        self, caller: Caller, id: str, version: str, within: float
    ) -> GroupResource | None:
        """Read one version of a Group (FHIR R4, section 3.1.0.3); None when there is none.

        Raises Gone for a version that is a deletion.
        """
        path = f"{_resource_path(id)}/_history/{_checked(version)}"
        answer = await self._send("read", "GET", path, caller, within)
        if answer.status == HTTPStatus.GONE:
            raise Gone("The group was deleted.", correlation_id=answer.correlation_id)
        return None if is_absent(answer) else read_group(answer)

    async def capabilities(self, caller: Caller, within: float) -> object:
        """Return the decoded CapabilityStatement (FHIR R4, section 3.1.0.12)."""
        answer = await self._send("metadata", "GET", "/metadata", caller, within)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        statement = decoded(answer.body)
        if not isinstance(statement, dict) or (
            statement.get("resourceType") != "CapabilityStatement"
        ):
            raise answer.invalid("The upstream's /metadata is not a CapabilityStatement.")
        return statement

    async def get(
        self, kind: Kind, path: str, caller: Caller, within: float, again: Again | None = None
    ) -> UpstreamResponse:
        """Send a GET to a path below the base URL, for resources of other types."""
        return await self._send(kind, "GET", path, caller, within, again=again)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _send(  # noqa: PLR0913 - one for each part of a call
        self,
        kind: Kind,
        method: str,
        path: str,
        caller: Caller,
        within: float,
        *,
        body: bytes | None = None,
        headers: Fields = (),
        again: Again | None = None,
    ) -> UpstreamResponse:
        if caller.authorization is not None:
            headers += (("authorization", caller.authorization),)
        if body is not None:
            headers += _CONTENT
        call = Call(kind, method, path, caller.scope, headers, body)
        answer = await self._resilient_client.send(call, within, again)
        if _CANVAS in answer.headers:
            self.is_canvas = True
        return answer


def _resource_path(id: str) -> str:
    return f"/Group/{_checked(id)}"


def _checked(id: str) -> str:
    """Return an id that can't change the path around it; raise otherwise."""
    if not is_logical_id(id):  # callers check before
        raise UpstreamInvalidResponse("Not a FHIR logical id.")
    return id
