"""The mutations, each with another writer in between or not, and what they may change."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from anyserver.checks import Answer, changed_besides, issues_of
from anyserver.groups import PEOPLE, STAFF, Elements, members_of, references_of, unversioned
from anyserver.operations import READS, Operation, World, other_writer

_PAYLOAD = "{ group { id } issues { severity code details { text } diagnostics } }"


def _document(field: str) -> str:
    input_type = f"{field[:1].upper()}{field[1:]}Input"
    return f"mutation ($input: {input_type}!) {{ {field}(input: $input) {_PAYLOAD} }}"


async def rename(world: World) -> str | None:
    """Change the name."""
    name = f"Renamed {world.rng.random()}"
    return await _update(world, {"name": name}, lambda group: group.get("name") == name)


async def clear(world: World) -> str | None:
    """Clear what can be cleared."""
    name = world.rng.choice(("active", "code", "managingEntity", "identifier"))
    return await _update(world, {name: None}, lambda group: name not in group)


async def set_trait(world: World) -> str | None:
    """Return a group one trait, of another value than it may have."""
    concept = {"text": "smoker"}
    wanted = {"code": concept, "valueCodeableConcept": {"text": "never"}}

    def holds(group: Elements) -> bool:
        [trait] = group["characteristic"]
        return bool(trait["valueCodeableConcept"]["text"] == "never")

    return await _update(world, {"characteristic": [wanted]}, holds)


async def _update(
    world: World, wanted: dict[str, Any], holds: Callable[[Elements], bool]
) -> str | None:
    id = world.some_id()
    if id is None:
        return None
    return await _written(world, id, "updateGroup", {"id": id, **wanted}, list(wanted), holds)


async def add_member(world: World) -> str | None:
    """Add a member, who may be one already."""
    id = world.some_id()
    if id is None:
        return None
    before = members_of(world.server.shown(id))
    staff = world.server.records[id].elements["type"] == "practitioner"
    person = world.rng.choice(STAFF if staff else PEOPLE)
    reference = f"{'Practitioner' if staff else 'Patient'}/{person}"

    def holds(group: Elements) -> bool:
        found = map(unversioned, references_of(group))
        return reference in found and _keeps(before, group, {reference})

    wanted = {"groupId": id, "members": [{"reference": reference}]}
    return await _written(world, id, "addGroupMembers", wanted, ["member"], holds)


async def remove_member(world: World) -> str | None:
    """Remove a member by the very text that is shown."""
    id = world.some_id()
    if id is None:
        return None
    before = members_of(world.server.shown(id))
    references = [text for text in references_of(world.server.records[id].elements) if text]
    if not references:
        return None
    reference = world.rng.choice(references)

    def holds(group: Elements) -> bool:
        left = [
            member
            for member in members_of(group)
            if member["entity"].get("reference") == reference and not member.get("inactive")
        ]
        return not left and _keeps(before, group, {reference})

    wanted = {"groupId": id, "members": [{"reference": reference}]}
    return await _written(world, id, "removeGroupMembers", wanted, ["member"], holds)


def _keeps(before: list[Elements], group: Elements, named: set[str]) -> bool:
    """Return whether all the members that were not named are there as they were."""
    same = {unversioned(reference) for reference in named}
    rest, kept = (
        [each for each in members if unversioned(each["entity"].get("reference")) not in same]
        for members in (before, members_of(group))
    )
    return rest == kept


async def _written(  # noqa: PLR0913, PLR0917 - all that a write is judged by
    world: World,
    id: str,
    field: str,
    wanted: dict[str, Any],
    named: list[str],
    holds: Callable[[Elements], bool],
) -> str | None:
    """Write, and check the group: only named elements changed, or an issue says what else did."""
    server = world.server
    before = deepcopy(server.shown(id))
    disturbed = world.rng.random() < 0.5
    if disturbed:
        server.meanwhile = other_writer(world, id)
    answer = await world.ask(_document(field), input=wanted)
    payload = (answer["data"] or {}).get(field)
    after = server.shown(id)
    others_change = [] if server.meanwhile is not None or not disturbed else ["language"]
    if payload is None or any(severity == "ERROR" for severity, _ in issues_of(payload)):
        return _wrong_refusal(world, id, answer, payload, before, after, others_change)
    if server.profile.reads != "whole":
        return f"written from a part: {wanted}"
    told = {code for severity, code in issues_of(payload) if severity == "WARNING"}
    if told:
        is_plain = server.profile.is_exact and id not in world.broken
        return f"warned in vain: {payload['issues']}" if is_plain else None
    what = changed_besides(before, after, [*named, *others_change])
    if what is not None:
        return what
    if others_change and before.get("language") == after.get("language"):
        return "another's change was lost in silence" if server.profile.shows_changes else None
    return None if holds(after) else f"{wanted} led to {after}"


def _wrong_refusal(  # noqa: PLR0913, PLR0917 - all that a refusal is judged by
    world: World,
    id: str,
    answer: Answer,
    payload: Any,
    before: Elements,
    after: Elements,
    others_change: list[str],
) -> str | None:
    """Check a write that was reported as refused, or as perhaps made."""
    text = str(answer.get("errors", "")) + str(payload)
    if payload is not None or "was not made" in text:
        what = changed_besides(before, after, others_change)
        if what is not None or before.get("name") != after.get("name"):
            return f"refused, and made all the same: {what}"
    if world.server.profile.refuses_writes and "is not known" in text:
        return f"not known whether it was made: {text}"
    profile = world.server.profile
    excused = (
        id in world.broken
        or profile.refuses_writes
        or profile.reads != "whole"
        or others_change
        or profile.tag != "etag"
        or "membership" in before
        or any(not _is_plain(member) for member in members_of(before))
    )
    return None if excused else f"refused: {text}"


def _is_plain(member: Elements) -> bool:
    reference = str(member["entity"].get("reference", ""))
    return reference.startswith(("Patient/p", "Practitioner/s"))


async def create(world: World) -> str | None:
    """Create a group: it is there as asked, and the others are as they were."""
    server = world.server
    before = deepcopy(server.visible("Bearer all"))
    wanted = {"type": "PERSON", "name": "New", "member": [{"reference": "Patient/p1"}]}
    answer = await world.ask(_document("createGroup"), input=wanted)
    payload = (answer["data"] or {}).get("createGroup")
    made = server.visible("Bearer all")[len(before) :]
    if server.visible("Bearer all")[: len(before)] != before:
        return "a create changed another group"
    if server.profile.refuses_writes:
        told = str(answer)
        return f"not known whether it was made: {told}" if "is not known" in told else None
    if payload is None or len(made) != 1:
        return f"{len(made)} groups made: {answer}"
    [group] = made
    if (group["name"], references_of(group)) != ("New", ["Patient/p1"]):
        return f"made as {group}"
    shown = payload["group"] and payload["group"]["id"]
    return None if shown == group["id"] else f"{group['id']} shown as {shown}"


OPERATIONS: dict[str, Operation] = {
    **READS,
    "rename": rename,
    "clear": clear,
    "set a trait": set_trait,
    "add a member": add_member,
    "remove a member": remove_member,
    "create": create,
}
