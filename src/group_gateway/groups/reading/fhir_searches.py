"""Searches by FHIR's own parameters: all matching groups, or one page with cursors."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from group_gateway.digests import DigestKeys
from group_gateway.errors import BadUserInput, TooManyGroups, UpstreamSearchUnsupported
from group_gateway.fhir.group_resource import GroupResource
from group_gateway.fhir.literal_reference import is_logical_id
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.connections.cursor import Cursors
from group_gateway.groups.reading.connections.id_list import IdList
from group_gateway.groups.reading.connections.paginator import Paginator
from group_gateway.groups.reading.connections.relay_connection import Batch, Source, Step
from group_gateway.groups.reading.filters.search_criteria import SearchCriteria
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.reading.loading.whole_pages import WholePages
from group_gateway.groups.reading.searches.criteria_search import CriteriaSearch
from group_gateway.operation import Operation

LONGEST_LIST = 1_000
"""Groups in one list. More need pages."""
PAGE_SIZE = 10
"""Groups on a page without an explicit size."""
Keeps = Callable[[GroupResource], bool]


@dataclass(frozen=True, slots=True)
class PagePlace:
    """The start of a page: `count` groups after or before a position, or at either end.

    `offset` is the number of groups before the page, None where it is unknown.
    """

    criteria: SearchCriteria
    count: int
    kind: str = "first"
    place: list[Any] | None = None
    offset: int | None = 0
    path: str | None = None

    def to_json(self) -> list[Any]:
        """Return the place as JSON values."""
        return [self.criteria.to_json(), self.count, self.kind, self.place, self.offset, self.path]


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of a search, and the places of its neighbours."""

    groups: list[GroupResource]
    at: PagePlace
    previous: PagePlace | None
    next: PagePlace | None
    last: PagePlace | None
    source: Source

    async def total(self) -> int | None:
        """Count all groups of the search; None when that is unknowable."""
        return await self.source.total()


class GroupSearches:
    """Search groups for the operation that each call names."""

    def __init__(
        self,
        loader: GroupLoader,
        pages: SearchPages,
        reader: CapabilityReader,
        keys: DigestKeys,
        base_url: str,
    ) -> None:
        self._loader = loader
        self._pages = pages
        self._reader = reader
        self._whole = WholePages(loader, reader.capabilities)
        self._cursors = Cursors(keys, "fhir page")
        self._base_url = base_url

    def encode(self, place: PagePlace) -> str:
        """Return the cursor of a page."""
        return self._cursors.encode(place.to_json())

    def decode(self, cursor: str) -> PagePlace:
        """Return the page of a cursor; raise BadUserInput for any other text."""
        criteria, count, kind, place, offset, path = self._cursors.decode(cursor)
        return PagePlace(
            SearchCriteria.from_json(criteria, self._base_url), count, kind, place, offset, path
        )

    async def all(
        self,
        operation: Operation,
        criteria: SearchCriteria,
        *,
        offset: int,
        count: int | None,
        keeps: Keeps | None,
    ) -> list[GroupResource]:
        """Return the matching groups, `count` of them from `offset` on, or all.

        Raises TooManyGroups rather than cutting the list.
        """
        operation.caller.require("search")
        wanted = LONGEST_LIST + 1 if count is None else min(count, LONGEST_LIST + 1)
        found: list[GroupResource] = []
        if wanted or criteria.uncheckable:  # even an empty list needs what only the upstream does
            source = self._source(operation, criteria)
            async for step in _steps(source, None, offset + wanted):
                if keeps is None or keeps(step.group):
                    found.append(step.group)
                if len(found) >= offset + wanted:
                    break
        found = found[offset : offset + wanted]
        if len(found) > LONGEST_LIST:
            text = f"More than {LONGEST_LIST} groups fit. Ask for fewer, or for pages."
            raise TooManyGroups(text)
        self._record(operation, found)
        return found

    async def total(self, operation: Operation, criteria: SearchCriteria) -> int | None:
        """Count the matching groups; None when that is unknowable."""
        operation.caller.require("search")
        source = self._source(operation, criteria)
        if isinstance(source, Paginator):
            counted = await self._search(operation, criteria).count()
            if counted is not None:
                return counted
        return await source.total()

    async def page(
        self, operation: Operation, at: PagePlace, keeps: Keeps | None = None
    ) -> GroupPage:
        """Return a page. Raise BadUserInput for one that no longer exists."""
        operation.caller.require("search")
        source = self._source(operation, at.criteria)
        if keeps is not None:
            page = await self._of_kept(source, at, keeps)
        elif at.kind in {"first", "next"}:
            page = await self._forward(source, at)
        else:
            page = await self._backward(source, at)
        self._record(operation, page.groups)
        return page

    def _source(self, operation: Operation, criteria: SearchCriteria) -> Source:
        """Return where the groups come from: an id list, or a search."""
        ids = criteria.values("_id")
        if ids is None or criteria.uncheckable:
            return Paginator(self._search(operation, criteria))
        distinct = list(dict.fromkeys(filter(is_logical_id, ids)))  # no group has another id
        if len(distinct) > LONGEST_LIST:
            raise TooManyGroups(f"A search takes at most {LONGEST_LIST} ids.")
        rest: Any = criteria.without("_id")
        return IdList(lambda id: self._loader.find(operation, id), distinct, rest)

    def _search(self, operation: Operation, criteria: SearchCriteria) -> CriteriaSearch:
        return CriteriaSearch(self._pages, self._whole, self._reader, operation, criteria)

    async def _forward(self, source: Source, at: PagePlace) -> GroupPage:
        skip = (at.offset or 0) if at.kind == "first" else 0
        taking = _Taking(at.count, skip)
        more = await taking.run(source.forward(at.place, max(skip + at.count, 1)))
        steps = taking.steps
        return self._page(source, at, steps, before=bool(at.offset), after=more)

    async def _backward(self, source: Source, at: PagePlace) -> GroupPage:
        count, end = at.count, at.offset
        if at.kind == "last":
            end = await source.total()
            count = (end % at.count or at.count) if end is not None and at.count else at.count
        elif end is not None:
            count = min(count, end)
        taking = _Taking(count)
        more = await taking.run(source.backward(at.place, max(count, 1)))
        steps = taking.steps
        begin = max(end - len(steps), 0) if end is not None else None
        here = replace(at, offset=begin if more else 0)
        after = at.kind == "previous"
        return self._page(source, here, steps[::-1], before=more, after=after)

    async def _of_kept(self, source: Source, at: PagePlace, keeps: Keeps) -> GroupPage:
        """Return a page of a list that is filtered here, and numbered here too."""
        steps = [s async for s in _steps(source, None, LONGEST_LIST) if keeps(s.group)]
        total, count = len(steps), at.count
        offset = at.offset or 0
        if at.kind == "previous":
            offset, count = max(offset - count, 0), min(count, offset)
        elif at.kind == "last" and count:
            offset = max(total - 1, 0) // count * count
        here = replace(at, offset=offset)
        shown = steps[offset : offset + count]
        after = offset + len(shown) < total
        return self._page(source, here, shown, before=offset > 0, after=after)

    def _page(
        self, source: Source, at: PagePlace, steps: list[Step], *, before: bool, after: bool
    ) -> GroupPage:
        previous = following = None
        offset = at.offset
        if steps and before:
            previous = replace(at, kind="previous", place=steps[0].place)
        if steps and after:
            end = None if offset is None else offset + len(steps)
            following = replace(at, kind="next", place=steps[-1].place, offset=end)
        last = replace(at, kind="last", place=None, offset=None) if at.count else None
        return GroupPage([step.group for step in steps], at, previous, following, last, source)

    def _record(self, operation: Operation, groups: list[GroupResource]) -> None:
        operation.record_read(group.id for group in groups)


class _Taking:
    """Take `count` steps from batches, after some that are skipped."""

    def __init__(self, count: int, skip: int = 0) -> None:
        self.steps: list[Step] = []
        self._count = count
        self._skip = skip

    async def run(self, batches: AsyncIterator[Batch]) -> bool:
        """Take the steps; return whether more follow. Requests another page only if necessary."""
        more: bool | None = None
        while not self._is_done or (more is None and self._count):
            try:
                batch = await anext(batches, None)
            except UpstreamSearchUnsupported:
                if not self._is_done:
                    raise
                return True  # not found in that many groups: the next page continues here
            if batch is None:
                return False
            new = batch.steps[self._skip :]
            self._skip = max(self._skip - len(batch.steps), 0)
            room = self._count - len(self.steps)
            self.steps += new[:room]
            more = True if len(new) > room else batch.more
        return bool(more)

    @property
    def _is_done(self) -> bool:
        return len(self.steps) >= self._count


async def _steps(source: Source, place: list[Any] | None, count: int) -> Any:
    async for batch in source.forward(place, max(count, 1)):
        for step in batch.steps:
            yield step


def checked_count(count: int | None) -> int:
    """Return the size of a page; raise BadUserInput for an invalid one."""
    if count is None:
        return PAGE_SIZE
    if not 0 <= count <= LONGEST_LIST:
        raise BadUserInput(f"`_count` takes a number from 0 to {LONGEST_LIST}.")
    return count
