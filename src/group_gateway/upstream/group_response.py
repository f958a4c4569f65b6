"""The Group in an upstream response."""

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.fhir.salvage import with_escapes
from group_gateway.upstream.upstream_response import (
    UpstreamResponse,
    denies_existence,
    failure_of,
)

_SUCCESS = range(200, 300)


def read_group(answer: UpstreamResponse) -> GroupResource | None:
    """Return the group in the response to a read; None if the response says that there is none.

    Raises the errors of `errors`.
    """
    if answer.status not in _SUCCESS:
        raise failure_of(answer, writing=False)
    try:
        resource = GroupResource.parse(answer.body, etag=answer.etag, date=answer.date)
    except NotAGroup as error:
        if denies_existence(answer):
            return None
        mended = _mended(answer)
        if mended is None:
            raise answer.invalid("The upstream's answer to a read is not a group.") from error
        resource = mended
    if resource.is_subsetted:
        part = "The upstream answered a read with a part of the group only (tagged SUBSETTED)."
        raise answer.invalid(part)
    return resource


def _mended(answer: UpstreamResponse) -> GroupResource | None:
    """Return the group in a response whose texts hold bare control characters, as in a search."""
    try:
        raw = with_escapes(answer.body)
        return GroupResource.parse(raw, etag=answer.etag, date=answer.date)
    except (NotAGroup, *UNREADABLE):
        return None


def echoed_group(answer: UpstreamResponse) -> GroupResource | None:
    """Return the group in the response to a write, if there is one."""
    try:
        return GroupResource.parse(answer.body, etag=answer.etag, date=answer.date)
    except NotAGroup:  # null, empty or an OperationOutcome: all allowed after a write
        return None


def whole_group(resource: GroupResource | None) -> GroupResource | None:
    """Return a group unless it is a part only."""
    return None if resource is None or resource.is_subsetted else resource
