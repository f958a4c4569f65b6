"""Updates touch what they name and nothing else, on every upstream.

Two of the three only replace whole groups under a clock of whole seconds; the third has entity
tags. A client of the gateway sees no difference.
"""

import asyncio

import pytest

from every_upstream.documents import ADD, ASSIGN, GROUP, REMOVE, UPDATE, VERSION
from every_upstream.harness import members_of

BASE = {
    "resourceType": "Group",
    "type": "person",
    "actual": True,
    "active": True,
    "name": "Before",
    "code": {"text": "One"},
    "identifier": [{"system": "https://example.org/c", "value": "C-1"}],
    "managingEntity": {"reference": "Organization/o1"},
    "member": [{"entity": {"reference": "Patient/p1", "type": "Patient"}}],
}

# What GraphQL doesn't show, wherever FHIR lets it stand; and decimals whose digits count.
HIDDEN = """{
  "resourceType": "Group", "language": "en", "type": "person", "actual": true, "name": "Hidden",
  "text": {"status": "generated", "div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\">Ä ☃</div>"},
  "contained": [{"resourceType": "Organization", "id": "org", "name": "Clinic"}],
  "extension": [
    {"url": "https://example.org/weight", "valueDecimal": 1.50},
    {"url": "https://example.org/both", "extension": [{"url": "a", "valueString": "b"}]}
  ],
  "identifier": [{"value": "C-1", "assigner": {"display": "Clinic"}, "period": {"end": "2030"}}],
  "managingEntity": {"reference": "#org"},
  "characteristic": [
    {"id": "c1", "code": {"text": "weight"}, "exclude": false,
     "valueQuantity": {"value": 70.10, "unit": "kg"},
     "extension": [{"url": "https://example.org/c", "valueBoolean": true}]},
    {"code": {"text": "height"}, "exclude": true,
     "valueRange": {"low": {"value": 1.0}, "high": {"value": 12345678901234.56789}}}
  ],
  "member": [
    {"id": "m1", "extension": [{"url": "https://example.org/m", "valueString": "v"}],
     "entity": {"reference": "Patient/p1", "identifier": {"value": "1"}},
     "period": {"start": "2020-01-01"}},
    {"entity": {"reference": "Patient/p2", "type": "Patient"}, "inactive": true},
    {"entity": {"reference": "Patient/p3", "type": "Patient"}}
  ]
}"""


def apart_from(elements, *names):
    """Return a group without some elements, nor those that an upstream sets itself."""
    own = {"meta", "quantity", *names}
    return {name: value for name, value in elements.items() if name not in own}


async def test_omitted_keeps_null_clears_and_a_value_sets(gateway, fhir):
    """An update has three ways to speak of an element, and each does what it says."""
    id = await fhir.create(BASE)
    wanted = {"id": id, "name": "After", "active": None, "managingEntity": None}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["issues"] == []
    assert (payload["group"]["name"], payload["group"]["active"]) == ("After", None)
    stored = await fhir.read(id)
    assert stored["name"] == "After"
    assert "active" not in stored
    assert "managingEntity" not in stored
    for kept in ("type", "actual", "code", "identifier", "member"):
        assert stored[kept] == BASE[kept]


async def test_a_list_can_be_replaced_and_cleared(gateway, fhir):
    """A list is set as a whole; null leaves none."""
    id = await fhir.create(BASE)
    member = [{"reference": "Patient/p9"}, {"reference": "Patient/p1", "inactive": True}]
    wanted = {"id": id, "identifier": None, "member": member}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["issues"] == []
    stored = await fhir.read(id)
    assert "identifier" not in stored
    assert members_of(stored) == members_of(payload["group"]) == ["Patient/p9", "Patient/p1"]
    assert stored["member"][1]["inactive"] is True


async def test_what_is_required_can_not_be_cleared(gateway, fhir):
    """Clearing the name is refused as data, and changes nothing."""
    id = await fhir.create(BASE)
    payload = (await gateway.data(UPDATE, input={"id": id, "name": None}))["updateGroup"]
    assert [(i["severity"], i["inputPath"]) for i in payload["issues"]] == [("ERROR", ["name"])]
    assert (await fhir.read(id))["name"] == "Before"


async def test_an_update_of_no_group(gateway, fhir):
    """An unknown group is an issue, and no upstream is led to create it."""
    id = "11111111-1111-4111-8111-111111111111"
    for document, field, wanted in (
        (UPDATE, "updateGroup", {"id": id, "name": "Ghost"}),
        (ADD, "addGroupMembers", {"groupId": id, "members": [{"reference": "Patient/p1"}]}),
    ):
        payload = (await gateway.data(document, input=wanted))[field]
        assert payload["group"] is None
        assert [issue["code"] for issue in payload["issues"]] == ["not-found"]
    assert (await fhir.http.get(f"/Group/{id}")).status_code == 404


async def test_a_read_after_a_write_sees_it(gateway, fhir):
    """What was read and cached before an update is not given after it, to any caller."""
    id = await fhir.create(BASE)
    for token in ("sandbox", "sandbox-read"):
        assert (await gateway.data(VERSION, id=id, token=token))["group"]["name"] == "Before"
    payload = (await gateway.data(UPDATE, input={"id": id, "name": "After"}))["updateGroup"]
    for token in ("sandbox", "sandbox-read"):
        shown = (await gateway.data(VERSION, id=id, token=token))["group"]
        assert shown == {"name": "After", "version": payload["group"]["version"]}


async def test_nothing_is_lost(gateway, fhir):
    """All that an update doesn't name goes back as it came: what GraphQL hides, and each digit."""
    id = await fhir.create(HIDDEN)
    before = await fhir.read(id)
    assert {"text", "contained", "extension", "language"} <= before.keys()
    await gateway.data(UPDATE, input={"id": id, "name": "Renamed"})
    renamed = await fhir.read(id)
    assert renamed["name"] == "Renamed"
    assert apart_from(renamed, "name") == apart_from(before, "name")


async def test_nothing_is_lost_by_changes_of_members(gateway, fhir):
    """Adding and removing members leaves the others, and all else, as they came."""
    id = await fhir.create(HIDDEN)
    before = await fhir.read(id)
    added = {"groupId": id, "members": [{"reference": "Patient/p4"}]}
    await gateway.data(ADD, input=added)
    removed = {"groupId": id, "members": [{"reference": "Patient/p3"}]}
    payload = (await gateway.data(REMOVE, input=removed))["removeGroupMembers"]
    assert payload["issues"] == []
    after = await fhir.read(id)
    assert apart_from(after, "member") == apart_from(before, "member")
    assert after["member"][:2] == before["member"][:2]
    assert members_of(after) == ["Patient/p1", "Patient/p2", "Patient/p4"]


async def test_a_change_behind_the_gateways_back_is_kept(gateway, fhir):
    """An update merges into the current state, not into what the gateway read before."""
    id = await fhir.create(BASE)
    await gateway.data(GROUP, id=id)
    await fhir.change(id, code={"text": "Two"}, active=False)
    payload = (await gateway.data(UPDATE, input={"id": id, "name": "After"}))["updateGroup"]
    assert payload["group"]["active"] is False
    stored = await fhir.read(id)
    assert (stored["name"], stored["code"]) == ("After", {"text": "Two"})


async def test_a_version_that_still_holds(gateway, fhir):
    """With `ifVersion`, a write succeeds as long as there was no other write."""
    id = await fhir.create(BASE)
    version = (await gateway.data(VERSION, id=id))["group"]["version"]
    wanted = {"id": id, "name": "After", "ifVersion": version}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert (payload["issues"], payload["group"]["name"]) == ([], "After")
    assert payload["group"]["version"] != version


@pytest.mark.parametrize(
    ("document", "field", "wanted"),
    [
        (UPDATE, "updateGroup", {"id": "{id}", "name": "After"}),
        (ADD, "addGroupMembers", {"groupId": "{id}", "members": [{"reference": "Patient/p2"}]}),
        (
            REMOVE,
            "removeGroupMembers",
            {"groupId": "{id}", "members": [{"reference": "Patient/p1"}]},
        ),
        (ASSIGN, "setGroupResponsibilities", {"groupId": "{id}", "responsibilities": []}),
    ],
    ids=["update", "add", "remove", "responsibilities"],
)
async def test_a_version_that_holds_no_more(gateway, fhir, document, field, wanted):
    """A write meant for another version is a conflict, with the group as others left it."""
    team = {"type": "practitioner", "member": None} if document is ASSIGN else {}
    base = {name: value for name, value in (BASE | team).items() if value is not None}
    id = await fhir.create(base)
    version = (await gateway.data(VERSION, id=id))["group"]["version"]
    await fhir.change(id, name="Others were faster")
    behind = await fhir.read(id)
    named = {key: id if value == "{id}" else value for key, value in wanted.items()}
    payload = (await gateway.data(document, input={**named, "ifVersion": version}))[field]
    assert [(i["severity"], i["code"]) for i in payload["issues"]] == [("ERROR", "conflict")]
    assert payload["group"]["id"] == id
    assert payload["group"]["version"] not in {None, version}
    assert await fhir.read(id) == behind


async def test_updates_of_two_gateways_at_once(make_gateway, fhir):
    """Every write that either gateway reports as made is stored in the end; others are errors."""
    id = await fhir.create(BASE)
    first, second = await make_gateway(), await make_gateway()
    renamed, recoded = await asyncio.gather(
        first.data(UPDATE, input={"id": id, "name": "After"}),
        second.data(UPDATE, input={"id": id, "code": {"text": "Two"}}),
    )
    stored = await fhir.read(id)
    done = [payload["updateGroup"]["issues"] == [] for payload in (renamed, recoded)]
    assert any(done)
    assert done == [stored["name"] == "After", stored["code"] == {"text": "Two"}]
    for payload in (renamed, recoded):
        assert {i["code"] for i in payload["updateGroup"]["issues"]} <= {"conflict"}
