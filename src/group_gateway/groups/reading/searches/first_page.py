"""The first request of a search: with every useful parameter, then with fewer.

A refused parameter is omitted and remembered, so that the next search is not refused again.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from group_gateway.errors import BadUserInput, GatewayError
from group_gateway.fhir.bundle import Searchset, is_stamped
from group_gateway.fhir.page_link import PageLink, Query
from group_gateway.groups.reading.capabilities.paging_support import (
    COUNT,
    OFFSET,
    may_turn_down,
    named_in,
    turned_down,
)
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.pages.page_numbers import PAGE_SIZE, is_oversized

PAGING = (OFFSET, COUNT)
"""Paging parameters, the one that is likelier to be refused first."""


NOT_IN_R4 = frozenset({"patient", "name", "name:exact", "name:contains"})
"""Parameters for groups that other versions of FHIR have, or one server."""


class SearchRequest(Protocol):
    """What is searched for."""

    def parameters(self, refused: Collection[str]) -> Query:
        """Return the parameters that the upstream may understand, without refused ones."""

    def covers(self, query: Query) -> bool:
        """Return whether the applied parameters express the whole search."""

    def may_leave_out(self, name: str) -> bool:
        """Return whether a parameter can be applied here."""


class FirstPage:
    """The request for the first page of a search: `count` groups, or more for a local filter.

    Call `taken` after each response, `simplify` after each failure.
    """

    def __init__(
        self, search: SearchRequest, capabilities: UpstreamCapabilities, count: int
    ) -> None:
        self._search = search
        self._capabilities = capabilities
        self._left_out: list[str] = []
        self._guessed: list[str] = []
        self._is_offset_known = capabilities.paging.offset.proven
        self.filters: Query = search.parameters(())
        is_linked = capabilities.paging.links.worth_trying
        self.size = min(count, PAGE_SIZE) if self.covers and is_linked else PAGE_SIZE
        self.paging = capabilities.paging.query(self.size)

    @property
    def covers(self) -> bool:
        """Whether the applied parameters express the whole filter."""
        return self._search.covers(self.filters)

    @property
    def link(self) -> PageLink:
        """The link to request."""
        return PageLink((*self.filters, *self.paging))

    def simplify(self, error: GatewayError) -> bool:
        """Omit what the upstream refused, or may have; return False when nothing is left."""
        names = [name for name, _ in (*self._droppable, *self.paging)]
        name = named_in(error, names) if turned_down(error, names) else None
        if name is not None:
            self._blame(name)
        else:
            name = self._candidate() if turned_down(error, names) else self._suspect(error)
            if name is None:
                return False
            self._guessed.append(name)
        if name in PAGING:
            self._leave_out(name, error)
        else:
            self._left_out.append(name)
            self.filters = self._search.parameters(self._left_out)
        return True

    def _suspect(self, error: GatewayError) -> str | None:
        """Return what to omit after an error that gives no reason: what R4 lacks and never worked.

        If nothing helps, such errors are believed for a while.
        """
        trouble = self._capabilities.paging.trouble
        if not (may_turn_down(error) and trouble.worth_trying):
            return None
        names = [name for name in (OFFSET,) if name in dict(self.paging)]
        names += [name for name, _ in self._droppable if name in NOT_IN_R4]
        unproven = [name for name in names if not self._is_proven(name)]
        if not unproven and self._guessed:
            trouble.learn(works=False)
        return next(iter(unproven), None)

    def _is_proven(self, name: str) -> bool:
        known = self._capabilities
        return (known.paging.offset if name == OFFSET else known.parameter(name)).proven

    def taken(self, content: Searchset) -> bool:
        """Learn from the response; return False to try again with what was omitted needlessly.

        If guesses led to a parameter of the filter, that was what the upstream refused, and not its
        paging.
        """
        self._capabilities.paging.taken(self.paging, content)
        guessed, self._guessed = self._guessed, []
        if all(name in PAGING for name in guessed):
            for name in guessed:
                self._blame(name)
            return True
        self._blame(guessed[-1])
        if guessed[0] not in PAGING:
            return True
        self.paging = self._capabilities.paging.query(self.size)
        return False

    def misreads_offset(self, content: Searchset) -> bool:
        """Return whether to search again without `_offset`, because the response is unreliable.

        Some servers disable their paging when they see one, and return more than a page, or less.
        HAPI FHIR's do, whose lists then look complete. Until an offset is known to work, any Bundle
        that looks like one of HAPI FHIR's counts as one: a proxy may hide the server's name.
        """
        if OFFSET not in dict(self.paging):
            return False
        is_doubtful = not self._is_offset_known and is_stamped(content.raw)
        if not (content.breaks_by_offset or is_doubtful or is_oversized(content, self.link)):
            return False
        self._blame(OFFSET)
        self.paging = self._capabilities.paging.query(self.size)
        return True

    def _blame(self, name: str) -> None:
        if name in PAGING:
            self._capabilities.paging.refused(name)
        else:
            self._capabilities.refuse(name)

    def _candidate(self) -> str | None:
        """Return what to omit if the upstream does not say what it refused."""
        paging = self._capabilities.paging
        for name in PAGING:
            if name in dict(self.paging) and paging.is_open(name, self.paging):
                return name
        return self._droppable[-1][0] if self._droppable else None

    @property
    def _droppable(self) -> Query:
        return tuple(pair for pair in self.filters if self._search.may_leave_out(pair[0]))

    def _leave_out(self, name: str, error: GatewayError) -> None:
        smaller = self._capabilities.paging.smaller(self.paging, error) if name == COUNT else 0
        self.paging = tuple(
            (n, str(smaller) if n == COUNT and smaller else value)
            for n, value in self.paging
            if n != name or smaller
        )
        self.size = smaller or self.size


def failure_in(content: Searchset) -> GatewayError | None:
    """Return the refusal that an upstream sent in place of groups, with the status of success."""
    errors = tuple(issue for issue in content.issues if issue.severity in {"fatal", "error"})
    if content.entries or not errors:
        return None
    return BadUserInput("The upstream refused the request.", issues=errors)


async def open_search(
    request: FirstPage, get: Callable[[PageLink], Awaitable[Searchset]]
) -> tuple[PageLink, Searchset]:
    """Get the first page, with fewer parameters as long as the upstream refuses them.

    Raises what `get` raises when nothing is left to omit.
    """
    while True:
        link = request.link
        try:
            content = await get(link)
        except GatewayError as error:
            if not request.simplify(error):
                raise
            continue
        failure = failure_in(content)
        if failure is not None and request.simplify(failure):
            continue
        if request.taken(content) and not request.misreads_offset(content):
            return link, content
