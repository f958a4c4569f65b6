"""The history of a group, where the upstream keeps one: its versions, newest first, in pages.

A cursor holds the page that a version was on, and which version it was: new versions push it on to
later pages.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from group_gateway.digests import DigestKeys
from group_gateway.errors import (
    BadUserInput,
    Forbidden,
    GatewayError,
    UpstreamInvalidResponse,
    UpstreamSearchUnsupported,
)
from group_gateway.fhir.history_bundle import HistoryEntry, HistoryPage
from group_gateway.fhir.page_link import NOWHERE, PageLink
from group_gateway.fhir.provenance import VersionAgent
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.capabilities.paging_support import is_refusal
from group_gateway.groups.reading.connections.cursor import Cursors
from group_gateway.groups.reading.connections.relay_connection import Edge
from group_gateway.operation import Operation
from group_gateway.upstream.history_client import HistoryClient, first_page

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
PROVENANCE = "Provenance"
_INTERACTION = "history-instance"
_UNSUPPORTED = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True)
class VersionPage:
    """Versions of a group, and whether more follow and precede them.

    `broken` counts the entries that are no version of the group, and the versions that the server
    counts but neither sends nor links to.
    """

    edges: list[Edge[HistoryEntry]]
    more: bool
    continued: bool
    broken: int


class GroupHistory:
    """Read histories for the operation that each call names."""

    def __init__(self, client: HistoryClient, reader: CapabilityReader, keys: DigestKeys) -> None:
        self._client = client
        self._reader = reader
        self._keys = keys

    async def page(
        self, operation: Operation, id: str, count: int | None, after: str | None
    ) -> VersionPage | None:
        """Return a page of versions; None where the upstream has no history.

        Raises BadUserInput for a cursor of another group, or of a page that is gone.
        """
        operation.caller.require("read")
        size = DEFAULT_PAGE if count is None else count
        if not 0 <= size <= LARGEST_PAGE:
            raise BadUserInput(f"`first` takes a number from 0 to {LARGEST_PAGE}.")
        cursors = Cursors(self._keys, f"history {id}")
        place = None if after is None else cursors.decode(after)
        if not await self._may_have_one(operation):
            return None
        operation.depends_on(None)
        start = await self._start(operation, id, size, place)
        if start is None:
            return None
        walk = _Walk(size, None if place is None else str(place[-1]), cursors)
        async for page, link in self._pages(operation, id, *start):
            if walk.take(page, link):
                break
        return walk.result()

    async def agents(self, operation: Operation, id: str) -> Mapping[str, VersionAgent]:
        """Return who made which version, where the upstream has records of it.

        Without the right to read them nothing is known. Raises UpstreamSearchUnsupported when there
        are too many.
        """
        capabilities = self._reader.capabilities
        if PROVENANCE not in capabilities.resource_types:
            return {}
        try:
            operation.caller.require_read(PROVENANCE)
            operation.charge()
            found, more = await self._client.agents(
                operation.caller, id, operation.remaining(), operation.charge
            )
        except GatewayError as error:
            if isinstance(error, Forbidden) or is_refusal(error):
                return {}
            raise
        if more:
            raise UpstreamSearchUnsupported("There are too many Provenance records of the group.")
        return found

    async def _may_have_one(self, operation: Operation) -> bool:
        capabilities = self._reader.capabilities
        await self._reader.ensure(operation)
        declared = capabilities.interactions
        return (not declared or _INTERACTION in declared) and capabilities.history.worth_trying

    async def _start(
        self, operation: Operation, id: str, size: int, place: list[Any] | None
    ) -> tuple[PageLink, HistoryPage] | None:
        """Return the page to begin at; None where there is no history."""
        if place is not None:
            query, path, text, _ = place
            link = PageLink(tuple((name, value) for name, value in query), path, text)
            return link, await self._get(operation, id, link)
        for link in dict.fromkeys((first_page(id, size + 1), first_page(id, 0))):
            try:
                return link, await self._fetch(operation, id, link)
            except GatewayError as error:
                if not _has_none(error):
                    raise
                is_unknown = error.status == HTTPStatus.NOT_FOUND and not error.issues
                if is_unknown or error.status in _UNSUPPORTED:
                    self._reader.capabilities.history.learn(works=False)
                if error.status != HTTPStatus.BAD_REQUEST:  # it may refuse `_count`
                    return None
        return None

    async def _pages(
        self, operation: Operation, id: str, link: PageLink, page: HistoryPage
    ) -> AsyncIterator[tuple[HistoryPage, PageLink]]:
        """Yield a page and those after it."""
        visited = {link}
        while True:
            yield page, link
            if page.next is None:
                return
            link = page.next
            if link == NOWHERE or link in visited:
                raise UpstreamInvalidResponse("The pages of the upstream's history lead nowhere.")
            visited.add(link)
            page = await self._get(operation, id, link)

    async def _get(self, operation: Operation, id: str, link: PageLink) -> HistoryPage:
        try:
            return await self._fetch(operation, id, link)
        except GatewayError as error:
            if not is_refusal(error):
                raise
            raise BadUserInput(
                "The upstream has dropped this page of the history. Start again without a cursor.",
                correlation_id=error.correlation_id,
                issues=error.issues,
            ) from error

    async def _fetch(self, operation: Operation, id: str, link: PageLink) -> HistoryPage:
        operation.charge()
        return await self._client.page(
            operation.caller, id, link, operation.remaining(), operation.charge
        )


class _Walk:
    """Takes `size` versions, and looks whether one more follows, after the one with a mark."""

    def __init__(self, size: int, after: str | None, cursors: Cursors) -> None:
        self._cursors = cursors
        self._size = size
        self._after = after
        self._found = after is None
        self._seen: set[str] = set()
        self._taken: list[Edge[HistoryEntry]] = []
        self._entries = 0
        self._broken = 0

    def take(self, page: HistoryPage, link: PageLink) -> bool:
        """Take versions of a page; return whether that is enough."""
        self._broken += page.broken
        for mark, version in _marked(page.versions):
            if mark in self._seen and version.is_known:
                continue
            self._seen.add(mark)
            if self._found:
                place = [link.query, link.path, link.text, mark]
                self._taken.append(Edge(version, place, self._cursors))
            self._found = self._found or mark == self._after
        self._entries += len(page.versions) + page.broken
        if page.next is None and self._after is None:
            self._broken += max(0, (page.total or 0) - self._entries)
        return len(self._taken) > self._size

    def result(self) -> VersionPage:
        """Return what was taken. Raises BadUserInput if the place was not found."""
        if not self._found:
            raise BadUserInput("The cursor's position is gone. Start again without a cursor.")
        return VersionPage(
            self._taken[: self._size],
            len(self._taken) > self._size,
            self._after is not None,
            self._broken,
        )


def _marked(versions: Iterable[HistoryEntry]) -> Iterator[tuple[str, HistoryEntry]]:
    """Yield the versions of a page, each with a mark that is unique on the page.

    Versions without id and time may have equal content: those get a number in addition.
    """
    times: Counter[str] = Counter()
    for version in versions:
        times[version.mark] += 1
        is_first = version.is_known or times[version.mark] == 1
        yield version.mark if is_first else f"{version.mark} {times[version.mark]}", version


def _has_none(error: GatewayError) -> bool:
    """Return whether a failure may mean that there is no history."""
    return is_refusal(error) or error.status == HTTPStatus.NOT_FOUND
