"""Reads of a group's history, and of what Provenance says of its versions."""

from collections.abc import Mapping

from group_gateway.fhir.bundle import NotASearchset
from group_gateway.fhir.fhir_resource import NotAResource, matches_in
from group_gateway.fhir.history_bundle import HistoryPage, parse_history
from group_gateway.fhir.page_link import GROUP, HISTORY, PageLink
from group_gateway.fhir.provenance import VersionAgent, agents_by_version
from group_gateway.logical_ids import checked_id
from group_gateway.operation import Caller
from group_gateway.upstream.client import Again, GroupClient
from group_gateway.upstream.upstream_response import failure_of

_SUCCESS = range(200, 300)
_MOST_RECORDS = 100


class HistoryClient:
    """Read from the same server as `client`, within the same bounds."""

    def __init__(self, client: GroupClient) -> None:
        self._client = client

    async def page(
        self, caller: Caller, id: str, link: PageLink, within: float, again: Again | None = None
    ) -> HistoryPage:
        """Return the page of a group's history behind a link."""
        answer = await self._client.get("search", link.target, caller, within, again)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        try:
            return parse_history(answer.body, id, link, self._client.base_path)
        except NotASearchset as error:
            reason = "The upstream's answer to a read of a history is not a Bundle."
            raise answer.invalid(reason) from error

    async def agents(
        self, caller: Caller, id: str, within: float, again: Again | None = None
    ) -> tuple[Mapping[str, VersionAgent], bool]:
        """Return who made which version, by Provenance, and whether there are more records."""
        path = f"/Provenance?target={GROUP}/{checked_id(id)}&_count={_MOST_RECORDS}"
        answer = await self._client.get("search", path, caller, within, again)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        try:
            found, more = matches_in(answer.body)
        except NotAResource as error:
            raise answer.invalid("The upstream's answer to a search is not a Bundle.") from error
        return agents_by_version(found, id), more


def first_page(id: str, count: int) -> PageLink:
    """Return the link to the newest versions of a group."""
    query = (("_count", str(count)),) if count else ()
    return PageLink(query, f"{GROUP}/{checked_id(id)}/{HISTORY}")
