"""From a stored Group to the body of a PUT, with nothing lost. Pure.

Numbers keep their digits (FHIR decimals have a precision), and what GraphQL does not show goes
back as it came.
"""

from decimal import Decimal
from typing import Any

import msgspec

from group_gateway.fhir.group_resource import UNREADABLE, GroupResource, NotAGroup
from group_gateway.groups.writing.member_index import members_of

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def elements_of(resource: GroupResource) -> dict[str, Any]:
    """Decode a resource so that it can be encoded as it was. Raises NotAGroup."""
    try:
        return _decoder.decode(resource.raw)
    except (*UNREADABLE, ArithmeticError) as error:  # the latter: an exponent beyond Decimal's
        raise NotAGroup("a value can't be decoded") from error


def body_of(draft: dict[str, Any], stored: dict[str, Any] | None = None) -> bytes:
    """Encode a draft as the body of a create, or of an update of the elements `stored`.

    `exclude` is always sent: FHIR requires it. An upstream without versions computes `quantity`
    and `display` itself and refuses them; one with versions stores what it is sent.
    """
    body = dict(draft)
    body.setdefault("resourceType", "Group")
    body.setdefault("actual", True)
    if stored is not None and _has_version(stored):
        _count_again(body, stored)
    else:
        body.pop("quantity", None)
        if isinstance(body.get("member"), list):
            body["member"] = [_without_display(member) for member in body["member"]]
    if not body.get("member"):
        body.pop("member", None)
    if isinstance(body.get("characteristic"), list):
        body["characteristic"] = [_with_exclude(entry) for entry in body["characteristic"]]
    return _encoder.encode(body)


def as_sent(body: bytes) -> GroupResource:
    """Give the group as it was sent, for when it can't be read back."""
    return GroupResource.parse(body)


def _has_version(stored: dict[str, Any]) -> bool:
    meta = stored.get("meta")
    return isinstance(meta, dict) and "versionId" in meta


def _count_again(body: dict[str, Any], stored: dict[str, Any]) -> None:
    if stored.get("quantity") == len(members_of(stored)) == body.get("quantity"):
        body["quantity"] = len(members_of(body))


def _without_display(member: Any) -> Any:
    entity = member.get("entity") if isinstance(member, dict) else None
    if not isinstance(entity, dict) or "display" not in entity:
        return member
    return {**member, "entity": {k: v for k, v in entity.items() if k != "display"}}


def _with_exclude(entry: Any) -> Any:
    if not isinstance(entry, dict) or "exclude" in entry:
        return entry
    return {**entry, "exclude": False}
