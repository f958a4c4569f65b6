"""What is asked of HL7's interface in a world, and whether the answer holds."""

from copy import deepcopy
from typing import Any

from anyserver.checks import (
    Answer,
    changed_besides,
    error_codes,
    wrong_elements,
    wrong_list,
    wrong_members,
)
from anyserver.digits import decode, encode
from anyserver.groups import PEOPLE, Elements
from anyserver.operations import TOKENS, Operation, World, fits, other_writer, wrong_failure

_FIELDS = "id name active actual quantity member { inactive entity { reference display } }"
_EXTENSION = "extension { url valueString valueDecimal valueCode }"
_ALL = f"""resourceType id language type actual active name quantity meta {{ versionId }}
  _name {{ {_EXTENSION} }} text {{ status div }} contained {{ resourceType id }} {_EXTENSION}
  modifierExtension {{ url valueString }} identifier {{ system value }}
  code {{ text coding {{ system code }} }} managingEntity {{ reference display }}
  characteristic {{ code {{ text }} exclude valueBoolean _valueBoolean {{ {_EXTENSION} }}
    valueCodeableConcept {{ text }} }}
  member {{ {_EXTENSION} inactive period {{ start _start {{ {_EXTENSION} }} }}
    entity {{ reference type display identifier {{ system value }} }} }}"""
_READ = f"query ($id: ID) {{ Group(id: $id) {{ {_FIELDS} }} }}"
_EDIT = f"query ($id: ID) {{ Group(id: $id) {{ {_ALL} }} }}"
_LIST = f"""query ($type: [token], $member: [reference]) {{
  GroupList(type: $type, member: $member) {{ {_FIELDS} }} }}"""
_COUNT = """query ($type: [token], $member: [reference]) {
  GroupConnection(type: $type, member: $member) { count } }"""
_PAGE = f"previous next last edges {{ resource {{ {_FIELDS} }} }}"
_FIRST = f"query ($count: Int) {{ GroupConnection(_count: $count) {{ {_PAGE} }} }}"
_TURN = f"query ($cursor: String) {{ GroupConnection(cursor: $cursor) {{ {_PAGE} }} }}"
_UPDATE = "mutation ($id: ID!, $res: GroupInput) { GroupUpdate(id: $id, res: $res) { id } }"
_MOST_PAGES = 80


async def _asked(world: World, query: str, token: str = "all", **variables: Any) -> Answer:
    """Ask; each error must have an outcome of one issue."""
    world.requests += 1
    response = await world.http.post(
        "/fhir/$graphql",
        content=encode({"query": query, "variables": variables}),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    answer: Answer = decode(response.text)
    for error in answer.get("errors", ()):
        [_] = error["extensions"]["resource"]["issue"]
    return answer


def _wrong_group(shown: Any, expected: Elements) -> str | None:
    """Compare a group with a plain read, as HL7's interface shows it: what is absent is null."""
    members = [{**m, "inactive": bool(m["inactive"])} for m in shown["member"] or ()]
    shown = {**shown, "member": members}
    return wrong_elements(shown, expected) or wrong_members(shown, expected)


async def read(world: World) -> str | None:
    """Ask for one group: it is as a plain read shows it."""
    token, id = world.rng.choice(TOKENS), world.some_id() or "g0"
    answer = await _asked(world, _READ, token, id=id)
    shown = (answer["data"] or {}).get("Group")
    expected = {group["id"]: group for group in world.visible(token)}.get(id)
    if id in world.broken:
        return None
    if expected is None:
        return f"{id} shown as {shown}" if shown else None
    if shown is None or "errors" in answer:
        excused = world.broken or world.server.profile.reads != "whole"
        return None if excused else f"errors {answer.get('errors')}"
    return _wrong_group(shown, expected)


def _wanted(world: World) -> dict[str, Any]:
    wanted: dict[str, Any] = world.rng.choice(
        ({}, {"type": "PERSON"}, {"patient": world.rng.choice(PEOPLE)})
    )
    return wanted


def _arguments(wanted: dict[str, Any]) -> dict[str, Any]:
    kind, patient = wanted.get("type"), wanted.get("patient")
    return {
        "type": [kind.lower()] if kind else None,
        "member": [f"Patient/{patient}"] if patient else None,
    }


async def whole_list(world: World) -> str | None:
    """Ask for a list: it is whole, or an error."""
    token, wanted = world.rng.choice(TOKENS), _wanted(world)
    answer = await _asked(world, _LIST, token, **_arguments(wanted))
    groups = (answer["data"] or {}).get("GroupList")
    if groups is None:
        return wrong_failure(world, answer)
    by_id = {group["id"]: group for group in world.visible(token)}
    for shown in groups:
        what = _wrong_group(shown, by_id[shown["id"]])
        if shown["id"] not in world.broken and what is not None:
            return f"{shown['id']}: {what}"
    expected = [id for id, group in by_id.items() if fits(group, wanted)]
    if world.server.profile.noise == "empty" and "errors" in answer:
        return None
    return wrong_list([shown["id"] for shown in groups], expected, world.broken)


async def count(world: World) -> str | None:
    """Ask how many there are: the true number, or none."""
    token, wanted = world.rng.choice(TOKENS), _wanted(world)
    answer = await _asked(world, _COUNT, token, **_arguments(wanted))
    connection = (answer["data"] or {}).get("GroupConnection")
    if connection is None or "errors" in answer:
        return wrong_failure(world, answer)
    expected = [group["id"] for group in world.visible(token) if fits(group, wanted)]
    sound = len([id for id in expected if id not in world.broken])
    shown = connection["count"]
    right = shown is None or sound <= shown <= len(expected)
    right = right or world.server.profile.reads != "whole"
    return None if right else f"count {shown} for {len(expected)}"


async def pages(world: World) -> str | None:
    """Follow the cursors to the end, or from the last page back to the start."""
    token, size = world.rng.choice(TOKENS), world.rng.choice((1, 2, 3, 5, 20, 100))
    forwards = world.rng.random() < 0.5
    answer = await _asked(world, _FIRST, token, count=size)
    page = (answer["data"] or {}).get("GroupConnection")
    if page and page["last"] and not forwards:
        answer = await _asked(world, _TURN, token, cursor=page["last"])
        page = (answer["data"] or {}).get("GroupConnection")
    found: list[str] = []
    for _ in range(_MOST_PAGES):
        if page is None or page["edges"] is None or "errors" in answer:
            return wrong_failure(world, answer)
        ids = [edge["resource"]["id"] for edge in page["edges"]]
        found = [*found, *ids] if forwards else [*ids, *found]
        cursor = page["next" if forwards else "previous"]
        if cursor is None:
            expected = [group["id"] for group in world.visible(token)]
            return wrong_list(found, expected, world.broken)
        answer = await _asked(world, _TURN, token, cursor=cursor)
        page = (answer["data"] or {}).get("GroupConnection")
    return "the pages do not end"


async def edit(world: World) -> str | None:
    """Read a group, rename it and write it back.

    Nothing else changes, and no other change is lost.
    """
    id = world.some_id()
    if id is None:
        return None
    answer = await _asked(world, _EDIT, id=id)
    resource = (answer["data"] or {}).get("Group")
    if resource is None or "errors" in answer:
        return None  # it was told that this is not the whole group
    before = deepcopy(world.server.shown(id))
    disturbed = world.rng.random() < 0.5
    if disturbed:
        world.server.meanwhile = other_writer(world, id)
    wanted = {**resource, "name": f"Renamed {world.rng.random()}"}
    answer = await _asked(world, _UPDATE, id=id, res=wanted)
    after = world.server.shown(id)
    others_change = disturbed and world.server.meanwhile is None
    named = ["language"] if others_change else []
    if "errors" in answer:
        return _wrong_refusal(world, id, answer, before, after, named)
    if world.server.profile.reads != "whole":
        return "written from a part"
    if "resource" in answer.get("extensions", {}):
        return None  # it was told that not all is as asked
    return changed_besides(before, after, ["name", *named]) or _wrong_edit(
        world, wanted["name"], after, lost=others_change and _language(before) == _language(after)
    )


def _language(group: Elements) -> Any:
    return group.get("language")


def _wrong_edit(world: World, name: str, after: Elements, *, lost: bool) -> str | None:
    if lost:
        shows = world.server.profile.shows_changes
        return "another's change was lost in silence" if shows else None
    return None if after["name"] == name else f"renamed to {after['name']}"


def _wrong_refusal(  # noqa: PLR0913, PLR0917 - all that a refusal is judged by
    world: World,
    id: str,
    answer: Answer,
    before: Elements,
    after: Elements,
    others_change: list[str],
) -> str | None:
    """Check a write whose response is an error."""
    profile, text = world.server.profile, str(answer["errors"])
    unknown = "is not known" in text
    if not unknown:
        what = changed_besides(before, after, others_change)
        if what is not None or before.get("name") != after.get("name"):
            return f"refused, and made all the same: {what}"
    if profile.refuses_writes:
        return f"not known whether it was made: {text}" if unknown else None
    plain = profile.tag == "etag" and profile.reads == "whole" and id not in world.broken
    refused = error_codes(answer) - {"CONFLICT"} if others_change else error_codes(answer)
    return f"refused: {text}" if plain and refused else None


HL7: dict[str, Operation] = {
    "hl7: read": read,
    "hl7: list": whole_list,
    "hl7: count": count,
    "hl7: pages": pages,
    "hl7: edit": edit,
}
