"""The caller is told when an upstream changes what an update does not name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from every_upstream.documents import change
from gateway.keeper import BASE, Keeper, group_of, payload_of
from gateway.writing import patients, texts

UPDATE = change("updateGroup", "id name")
RENAME = {"id": "1", "name": "New"}
IDS = [{"system": "s", "value": "1"}, {"system": "t", "value": "2"}]
MEMBERS = [
    {"entity": {"reference": "Patient/1"}, "period": {"start": "2020-01-01"}, "inactive": False},
    {"entity": {"reference": "Patient/2"}, "extension": [{"url": "u", "valueCode": "c"}]},
    {"entity": {"reference": "Patient/2"}, "period": {"start": "2021-01-01T12:00:00+02:00"}},
]
GROUP = group_of(
    active=False,
    quantity=3,
    identifier=IDS,
    member=MEMBERS,
    text={"status": "generated", "div": "<div>old</div>"},
    managingEntity={"reference": "Organization/1", "display": "Home"},
)

Habit = Callable[[dict[str, Any]], dict[str, Any]]


def sets(**elements: Any) -> Habit:
    """Store other elements than those that were sent."""
    return lambda group: group | elements


CHANGES: dict[str, tuple[Habit, str]] = {
    "a group becomes active": (sets(active=True), "active"),
    "an identifier is cut": (sets(identifier=[IDS[0], IDS[1] | {"value": ""}]), "identifier.value"),
    "another manager": (
        sets(managingEntity={"reference": "Organization/2"}),
        "managingEntity.reference",
    ),
    "a period moves": (
        sets(member=[MEMBERS[0] | {"period": {"start": "2020-01-02"}}, *MEMBERS[1:]]),
        "member.period.start",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
@pytest.mark.parametrize("echo", [None, "full"])
async def test_a_value_that_the_upstream_changes(case: str, echo: str | None):
    """The rename is made, and a warning names what has another value than before."""
    habit, path = CHANGES[case]
    keeper = Keeper(GROUP, etag=True, version_id=True, echo=echo)
    keeper.computes = habit
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["group"]["name"] == "New"
    assert any(text.startswith(f"`{path}` has another value") for text in texts(payload))


SAME: dict[str, Habit] = {
    "as it was sent": sets(),
    "its own narrative": sets(text={"status": "generated", "div": "<div>new</div>"}),
    "its own count": sets(quantity=2),
    "its own names": sets(managingEntity={"reference": "Organization/1", "display": "HOME"}),
    "full references": sets(
        managingEntity=GROUP["managingEntity"] | {"reference": f"{BASE}/Organization/1"}
    ),
    "another order": sets(member=MEMBERS[::-1], identifier=IDS[::-1]),
    "one more identifier": sets(identifier=[{"system": "own", "value": "9"}, *IDS]),
    "no defaults": sets(
        member=[{k: v for k, v in MEMBERS[0].items() if k != "inactive"}, *MEMBERS[1:]]
    ),
    "another zone": sets(
        member=[*MEMBERS[:2], MEMBERS[2] | {"period": {"start": "2021-01-01T10:00:00Z"}}]
    ),
}


@pytest.mark.parametrize("case", SAME)
async def test_a_value_that_means_the_same(case: str):
    """What servers compute, or write in other words, is no change."""
    keeper = Keeper(GROUP, etag=True, version_id=True)
    keeper.computes = SAME[case]
    assert texts(await payload_of(keeper, UPDATE, **RENAME)) == []


async def test_many_entries_of_one_member_in_another_order():
    """Entries of one member that can't be told apart quickly are not said to be changed."""
    entity = MEMBERS[0]["entity"]
    entries = [{"entity": entity, "period": {"start": f"20{n}-01-01"}} for n in range(10, 50)]
    keeper = Keeper(GROUP | {"member": entries}, etag=True, version_id=True)
    keeper.computes = sets(member=entries[::-1])
    assert texts(await payload_of(keeper, UPDATE, **RENAME)) == []


def below(base: str) -> Habit:
    """Store references in full, below the URL that the server has for others."""

    def store(group: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(group).replace('"Patient/', f'"{base}/Patient/')
        stored: dict[str, Any] = json.loads(text)
        return stored

    return store


@pytest.mark.parametrize("base", [BASE, "https://public.test/fhir"])
@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (UPDATE, RENAME),
        (change("addGroupMembers", "id"), {"groupId": "1", "members": patients("9")}),
        (change("removeGroupMembers", "id"), {"groupId": "1", "members": patients("1")}),
    ],
)
async def test_references_below_another_url_of_the_server(
    base: str, document: str, wanted: dict[str, Any]
) -> None:
    """A server that knows itself by another URL has lost no member."""
    keeper = Keeper(GROUP, etag=True, computes=below(base))
    assert texts(await payload_of(keeper, document, **wanted)) == []


async def test_a_stranger_is_no_member_below_another_url() -> None:
    """A reference to another server that was there before does not stand for one that is gone."""
    stranger = {"entity": {"reference": "https://public.test/fhir/Patient/9"}}
    group = GROUP | {"member": [*MEMBERS, stranger]}
    keeper = Keeper(group, etag=True, computes=lambda _: group)
    document = change("addGroupMembers", "id")
    issues = await payload_of(keeper, document, groupId="1", members=patients("9"))
    assert len(texts(issues)) == 1


async def test_a_stranger_who_can_not_be_removed() -> None:
    """The only member of another server is still one where the server keeps all."""
    group = GROUP | {"member": [*MEMBERS, {"entity": {"reference": "https://a.test/Patient/9"}}]}
    keeper = Keeper(group, etag=True, computes=lambda _: group)
    document, named = change("removeGroupMembers", "id"), {"reference": "https://a.test/Patient/9"}
    issues = await payload_of(keeper, document, groupId="1", members=[named])
    assert len(texts(issues)) == 1


async def test_ids_of_elements_are_the_servers() -> None:
    """A server may number the members anew with each write."""
    numbered = [member | {"id": f"m{number}"} for number, member in enumerate(MEMBERS)]
    anew = [member | {"id": f"n{number}"} for number, member in enumerate(MEMBERS)]
    keeper = Keeper(GROUP | {"member": numbered}, etag=True, computes=sets(member=anew))
    assert texts(await payload_of(keeper, UPDATE, **RENAME)) == []


async def test_a_removal_that_is_not_stored_says_one_thing() -> None:
    """Who is still a member is not said to be inactive."""
    keeper = Keeper(GROUP, etag=True, computes=lambda _: GROUP)
    document = change("removeGroupMembers", "id")
    issues = await payload_of(keeper, document, groupId="1", members=patients("1"))
    assert [text.partition(",")[0] for text in texts(issues)] == ["It is still a member"]
