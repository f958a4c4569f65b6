"""What must hold of the gateway's answers on any server. A check returns what is wrong, if so."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from anyserver.digits import encode
from anyserver.groups import Elements, members_of

Answer = dict[str, Any]
SERVER_SETS = frozenset({"meta", "quantity"})
"""Elements that servers compute, and the gateway counts again."""


def wrong_members(shown: Answer, read: Elements) -> str | None:
    """Compare the members that are shown with those that a plain read shows."""
    expected = [
        (entity.get("reference"), entity.get("display"), bool(member.get("inactive", False)))
        for member in members_of(read)
        for entity in [member["entity"]]
    ]
    found = [
        (member["entity"]["reference"], member["entity"]["display"], member["inactive"])
        for member in shown["member"]
    ]
    return None if found == expected else f"members {found} shown for {expected}"


def wrong_elements(shown: Answer, read: Elements) -> str | None:
    """Compare a few plain elements with those of a plain read."""
    for name in ("id", "name", "active", "actual", "quantity"):
        if shown[name] != read.get(name):
            return f"{name} {shown[name]!r} shown for {read.get(name)!r}"
    return None


def wrong_list(found: list[str], expected: list[str], optional: frozenset[str]) -> str | None:
    """Compare the ids of a list with those that belong there, each once and in order.

    Those that are no valid FHIR may be missing.
    """
    wanted = [id for id in expected if id not in optional or id in found]
    return None if found == wanted else f"groups {found} listed for {wanted}"


def both_values(group: Elements) -> str | None:
    """Find a characteristic with more than one value of its choice."""
    traits = group.get("characteristic", [])
    for trait in traits if isinstance(traits, list) else ():
        values = {name.removeprefix("_") for name in trait if name.lstrip("_").startswith("value")}
        if len(values) > 1:
            return f"two values of one choice: {sorted(values)}"
    return None


def changed_besides(before: Elements, after: Elements, named: Iterable[str]) -> str | None:
    """Find an element that was changed though the input does not name it."""
    free = {*SERVER_SETS, *named, *(f"_{name}" for name in named)}
    one, other = _comparable(before), _comparable(after)
    for name in sorted(one.keys() | other.keys()):
        if name not in free and one.get(name) != other.get(name):
            return f"{name} changed from {one.get(name)!r} to {other.get(name)!r}"
    quantity, members = after.get("quantity"), members_of(after)
    active = [member for member in members if not member.get("inactive")]
    counts = {before.get("quantity"), None, *range(len(active), len(members) + 1)}
    if quantity not in counts:
        return f"quantity changed to {quantity}"
    if quantity is None and before.get("quantity") is not None:
        return "quantity is gone"
    return both_values(after)


def _comparable(group: Elements) -> Elements:
    """Return a group with what FHIR requires and servers leave out, and numbers as written."""
    made: Elements = json.loads(encode(group), parse_float=str)
    if "membership" not in made:
        made.setdefault("actual", True)
    traits = made.get("characteristic")
    for trait in traits if isinstance(traits, list) else ():
        trait.setdefault("exclude", False)
    return made


def error_codes(answer: Answer) -> set[str]:
    """Return the codes of an answer's errors."""
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


def issues_of(payload: Answer) -> Iterator[tuple[str, str]]:
    """Yield severity and code of each issue of a mutation's payload."""
    for issue in payload["issues"]:
        yield issue["severity"], issue["code"]
