"""Reads of resources of any type: read, vread, and a search by a list of ids."""

from collections.abc import Sequence
from http import HTTPStatus

from group_gateway.errors import Gone, UpstreamInvalidResponse
from group_gateway.fhir.fhir_resource import FhirResource, NotAResource, matches_in
from group_gateway.logical_ids import checked_id
from group_gateway.operation import Caller
from group_gateway.upstream.client import Again, GroupClient
from group_gateway.upstream.upstream_response import failure_of, is_absent

_SUCCESS = range(200, 300)


class ResourceClient:
    """Read from the same server as `client`, within the same bounds."""

    def __init__(self, client: GroupClient) -> None:
        self._client = client

    async def read(  # noqa: PLR0913, PLR0917 - what to read, for whom, until when
        self,
        caller: Caller,
        type: str,
        id: str,
        version: str | None,
        within: float,
        again: Again | None = None,
    ) -> FhirResource | None:
        """Read a resource, or one version of it; return None when it does not exist.

        Raises Gone when it was deleted.
        """
        path = (
            _path(type, id)
            if version is None
            else f"{_path(type, id)}/_history/{checked_id(version)}"
        )
        answer = await self._client.get("read", path, caller, within, again)
        if answer.status == HTTPStatus.GONE:
            raise Gone(f"This {type} was deleted.", correlation_id=answer.correlation_id)
        if is_absent(answer):
            return None
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        try:
            resource = FhirResource.parse(answer.body)
        except NotAResource as error:
            raise answer.invalid("The upstream's answer to a read is not a resource.") from error
        if (resource.type, resource.id) != (type, id):
            raise answer.invalid("The upstream answered with another resource.")
        return resource

    async def find(
        self,
        caller: Caller,
        type: str,
        ids: Sequence[str],
        within: float,
        again: Again | None = None,
    ) -> tuple[list[FhirResource], bool]:
        """Search by a list of ids; return the resources, and whether more pages follow."""
        listed = ",".join(map(checked_id, ids))
        path = f"/{_type(type)}?_id={listed}&_count={len(ids)}"
        answer = await self._client.get("search", path, caller, within, again)
        if answer.status not in _SUCCESS:
            raise failure_of(answer, writing=False)
        try:
            return matches_in(answer.body)
        except NotAResource as error:
            raise answer.invalid("The upstream's answer to a search is not a Bundle.") from error


def _path(type: str, id: str) -> str:
    return f"/{_type(type)}/{checked_id(id)}"


def _type(type: str) -> str:
    if not (type.isascii() and type.isalpha()):  # a name must never change the path
        raise UpstreamInvalidResponse("Not a FHIR resource type.")
    return type
