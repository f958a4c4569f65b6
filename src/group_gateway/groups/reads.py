"""The reads that resolvers ask for: one group, groups by id, a search. Used by `schema`."""

import asyncio
from collections.abc import Sequence

from group_gateway.cache.keys import KeyRing
from group_gateway.errors import BadUserInput, Forbidden
from group_gateway.fhir.reference import is_logical_id
from group_gateway.fhir.resource import GroupResource
from group_gateway.groups.connection import Paging, SearchConnection
from group_gateway.groups.cursor import Cursors
from group_gateway.groups.filters import GroupFilter
from group_gateway.groups.knowledge import UpstreamKnowledge
from group_gateway.groups.learning import Learning
from group_gateway.groups.listing import ListConnection
from group_gateway.groups.loader import GroupLoader
from group_gateway.groups.pages import SearchPages
from group_gateway.groups.walk import Walk
from group_gateway.operation import Operation

MOST_IDS = 1000


class GroupReads:
    """Reads groups for the operation that each call names."""

    def __init__(
        self,
        loader: GroupLoader,
        pages: SearchPages,
        knowledge: UpstreamKnowledge,
        learning: Learning,
        keys: KeyRing,
    ) -> None:
        self._loader = loader
        self._pages = pages
        self._knowledge = knowledge
        self._learning = learning
        self._keys = keys

    async def get(self, operation: Operation, id: str) -> GroupResource | None:
        """Give a group; None when there is none. Raises BadUserInput for a malformed id."""
        checked_id(id)
        return await self._loader.load(operation, id)

    def connection(
        self,
        operation: Operation,
        wanted: GroupFilter,
        paging: Paging,
        ids: Sequence[str] | None = None,
    ) -> SearchConnection | ListConnection:
        """Give a connection over the groups that fit; with `ids`, only over those, in that order.

        Raises BadUserInput for malformed ids and for a cursor of another query.
        """
        for id in filter(None, (wanted.patient, wanted.practitioner)):
            checked_id(id)
        if ids is None:
            cursors = Cursors(self._keys, f"search {wanted}")
            return SearchConnection(lambda: self._walk(operation, wanted), cursors, paging)
        distinct = list(dict.fromkeys(map(checked_id, ids)))
        if len(distinct) > MOST_IDS:
            raise BadUserInput(f"A filter takes at most {MOST_IDS} ids.")
        cursors = Cursors(self._keys, f"ids {distinct} {wanted}")
        return ListConnection(lambda: self._fitting(operation, distinct, wanted), cursors, paging)

    async def _walk(self, operation: Operation, wanted: GroupFilter) -> Walk:
        if wanted.patient is not None or wanted.practitioner is not None:
            await self._learning.ensure(operation)
        return Walk(self._pages, self._knowledge, operation, wanted)

    async def _fitting(
        self, operation: Operation, ids: list[str], wanted: GroupFilter
    ) -> list[GroupResource]:
        found = await asyncio.gather(*(self._visible(operation, id) for id in ids))
        return [group for group in found if group is not None and wanted.fits(group)]

    async def _visible(self, operation: Operation, id: str) -> GroupResource | None:
        try:
            return await self._loader.load(operation, id)
        except Forbidden:  # a search shows what the caller may see, and says nothing of the rest
            return None


def checked_id(id: str) -> str:
    """Give the id back; raises BadUserInput unless it is a FHIR logical id."""
    if not is_logical_id(id):
        raise BadUserInput("An id is 1 to 64 letters, digits, dashes and dots.")
    return id
