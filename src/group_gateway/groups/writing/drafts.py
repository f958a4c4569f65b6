"""From a stored Group to the body of a PUT, with nothing lost. Pure.

Numbers keep their digits (FHIR decimals have a precision), and elements that GraphQL does not show
are sent back unchanged.
"""

from typing import Any

import msgspec

from group_gateway.fhir.decimals import encode_verbatim, verbatim_decimal
from group_gateway.fhir.group_elements import DATA_TYPES, GROUP, computed_by_servers
from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.writing.member_index import is_active, members_of

_COMPUTED = computed_by_servers(GROUP)
_META = computed_by_servers(DATA_TYPES["Meta"])
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=verbatim_decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=encode_verbatim)


def elements_of(resource: GroupResource) -> dict[str, Any]:
    """Decode a resource so that it can be encoded unchanged. Raises NotAGroup."""
    try:
        return _decoder.decode(resource.raw)
    except (*UNREADABLE, ArithmeticError) as error:  # the latter: an exponent beyond Decimal's
        raise NotAGroup("a value can't be decoded") from error


def body_of(
    draft: dict[str, Any],
    stored: dict[str, Any] | None = None,
    *,
    computes: bool = False,
    takes_meta: bool = True,
) -> bytes:
    """Encode a draft as the body of a create, or of an update of the elements `stored`.

    An upstream that `computes` (Canvas) makes `quantity` and the members' `display` itself, takes
    none, and requires `actual` and `exclude`. Any other one stores what it is sent: for it a
    quantity that counted the members counts them again. Unless it `takes_meta`, it is not sent the
    elements of `meta` that it sets itself.
    """
    body = dict(draft)
    body.setdefault("resourceType", "Group")
    if computes:
        _leave_to_upstream(body)
    elif stored is not None and body.get("quantity") == stored.get("quantity"):
        _count_again(body, stored)
    if not takes_meta and isinstance(body.get("meta"), dict):
        body["meta"] = {k: v for k, v in body["meta"].items() if k not in _META}
    if body.get("meta") == {}:
        del body["meta"]
    if body.get("member") == []:  # FHIR has no empty lists
        del body["member"]
    return _encoder.encode(body)


def computed_elements(body: bytes) -> bool:
    """Return whether a body has elements that some upstreams compute and refuse."""
    elements = _decoder.decode(body)
    return not _COMPUTED.isdisjoint(elements) or any(map(_has_display, members_of(elements)))


def has_server_meta(body: bytes) -> bool:
    """Return whether a body has elements of `meta` that only the server sets."""
    meta = _decoder.decode(body).get("meta")
    return isinstance(meta, dict) and not _META.isdisjoint(meta)


def as_sent(body: bytes) -> GroupResource:
    """Return the group as it was sent, for when it can't be read back."""
    return GroupResource.parse(body)


def has_version(elements: dict[str, Any]) -> bool:
    """Return whether the upstream keeps versions of a resource."""
    meta = elements.get("meta")
    return isinstance(meta, dict) and "versionId" in meta


def _leave_to_upstream(body: dict[str, Any]) -> None:
    for name in _COMPUTED:
        body.pop(name, None)
    body.setdefault("actual", True)
    if isinstance(body.get("member"), list):
        body["member"] = [_without_display(member) for member in body["member"]]
    if isinstance(body.get("characteristic"), list):
        body["characteristic"] = [_with_exclude(entry) for entry in body["characteristic"]]


def _count_again(body: dict[str, Any], stored: dict[str, Any]) -> None:
    """Update a quantity that was the number of members, or of active ones."""
    before, after = members_of(stored), members_of(body)
    if stored.get("quantity") == len(before):
        body["quantity"] = len(after)
    elif stored.get("quantity") == _active(before):
        body["quantity"] = _active(after)


def _active(members: list[Any]) -> int:
    return sum(isinstance(member, dict) and is_active(member) for member in members)


def _has_display(member: Any) -> bool:
    entity = member.get("entity") if isinstance(member, dict) else None
    return isinstance(entity, dict) and "display" in entity


def _without_display(member: Any) -> Any:
    if not _has_display(member):
        return member
    entity = {name: value for name, value in member["entity"].items() if name != "display"}
    return {**member, "entity": entity} if entity else member


def _with_exclude(entry: Any) -> Any:
    if not isinstance(entry, dict) or "exclude" in entry:
        return entry
    return {**entry, "exclude": False}
