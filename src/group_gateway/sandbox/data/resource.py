"""From a checked body to the stored Group: what the server adds, computes and omits."""

from collections.abc import Mapping
from typing import Any

from group_gateway.sandbox import codec
from group_gateway.sandbox.checks.rules import responsibilities
from group_gateway.sandbox.data.records import Draft
from group_gateway.sandbox.data.seeded_people import display_of

Group = dict[str, Any]


def finished(body: Mapping[str, Any], identity: str) -> Group:
    """Return the Group to store: with its id, its `quantity`, and the names of its members.

    Everything else is unchanged. `member` is absent from a group that has none.
    """
    head = {"resourceType": "Group", "id": identity}
    kept = {
        name: value
        for name, value in body.items()
        if value is not None and name not in {"resourceType", "id", "quantity", "member"}
    }
    members = [_named(member) for member in body.get("member") or ()]
    quantity = sum(not member.get("inactive") for member in members)
    return head | kept | {"quantity": quantity} | ({"member": members} if members else {})


def draft_of(group: Group) -> Draft:
    """Encode a finished group for the store."""
    return Draft(
        id=group["id"],
        type=group["type"],
        body=codec.encode(group),
        members=references(group),
        responsibilities=responsibilities(group),
    )


def references(group: Mapping[str, Any]) -> list[str]:
    """Return the references of a group's members, for the index that searches use."""
    found = (member["entity"].get("reference") for member in group.get("member") or ())
    return [reference for reference in found if reference]


def with_omitted(body: Mapping[str, Any], kept: Mapping[str, Any]) -> Group:
    """Add the members of the stored group that a body omits (quirk `keeps_omitted_members`)."""
    named = set(references(body))
    omitted = [
        member
        for member in kept.get("member") or ()
        if member["entity"].get("reference") not in named
    ]
    return dict(body) | {"member": [*(body.get("member") or ()), *omitted]}


def ignoring(body: Mapping[str, Any], kept: Mapping[str, Any], elements: tuple[str, ...]) -> Group:
    """Undo what a body says about some elements (quirk `ignores_elements`).

    A top-level element keeps its stored value; one inside it (`member.period`) is dropped.
    """
    result = dict(body)
    for element in elements:
        first, _, rest = element.partition(".")
        if rest:
            result = _dropped(result, element.split("."))
        elif first in kept:
            result[first] = kept[first]
        else:
            result.pop(first, None)
    return result


def _dropped(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_dropped(item, path) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    rest = {name: part for name, part in value.items() if name != path[0]}
    if len(path) == 1:
        return rest
    return rest | {path[0]: _dropped(value[path[0]], path[1:])}


def _named(member: Mapping[str, Any]) -> Group:
    entity = {name: value for name, value in member["entity"].items() if name != "display"}
    display = display_of(entity.get("reference") or "")
    return {**member, "entity": entity | ({"display": display} if display else {})}
