"""From a stored Group to the body of a PUT, with nothing lost. Pure; used by `turns`.

Numbers keep their digits (FHIR decimals have a precision), and what GraphQL does not show goes
back as it came.
"""

from decimal import Decimal
from typing import Any

import msgspec

from group_gateway.fhir.resource import GroupResource

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def draft_of(resource: GroupResource) -> dict[str, Any]:
    """Decode a resource into elements that the caller may change."""
    return _decoder.decode(resource.raw)


def body_of(draft: dict[str, Any], stored: GroupResource | None = None) -> bytes:
    """Encode a draft as the body of a create, or of an update of `stored`.

    `exclude` is always sent: FHIR requires it. An upstream without versions computes `quantity`
    and `display` itself and refuses them; one with versions stores what it is sent.
    """
    body = {"resourceType": "Group", "actual": True, **draft}
    meta = stored.elements.get("meta") if stored is not None else None
    if isinstance(meta, dict) and "versionId" in meta:
        _count_again(body, stored)
    else:
        body.pop("quantity", None)
        body["member"] = [_without_display(member) for member in body.get("member") or []]
    if not body.get("member"):
        body.pop("member", None)
    if isinstance(body.get("characteristic"), list):
        body["characteristic"] = [_with_exclude(entry) for entry in body["characteristic"]]
    return _encoder.encode(body)


def _count_again(body: dict[str, Any], stored: GroupResource | None) -> None:
    before = len(stored.elements.get("member") or []) if stored is not None else None
    if body.get("quantity") == before is not None:
        body["quantity"] = len(body.get("member") or [])


def _without_display(member: Any) -> Any:
    entity = member.get("entity") if isinstance(member, dict) else None
    if not isinstance(entity, dict) or "display" not in entity:
        return member
    return {**member, "entity": {k: v for k, v in entity.items() if k != "display"}}


def _with_exclude(entry: Any) -> Any:
    return {"exclude": False, **entry} if isinstance(entry, dict) else entry
