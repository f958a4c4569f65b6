"""Invalid input is refused before any upstream call: every mistake at once, with its path."""

from typing import Any

import pytest

from gateway.writing import ADD, ASSIGN, CREATE, REMOVE, UPDATE, patients, told, writes
from group_gateway.sandbox.wellknown import DEVICE_GROUP_ID, EMPTY_GROUP_ID, TEAM_ID

PERSON = {"type": "PERSON", "name": "New"}
TEAM = {"type": "PRACTITIONER", "name": "Team"}
GROUP = {"groupId": EMPTY_GROUP_ID}
REVIEW = "REVIEW_COVERAGES"


def member(reference: str, **more: Any) -> dict[str, Any]:
    """Return a group to create with this member alone."""
    return PERSON | {"member": [{"reference": reference, **more}]}


def trait(**more: Any) -> dict[str, Any]:
    """Return a group to create with this characteristic alone."""
    return PERSON | {"characteristic": [{"code": {"text": "age"}, **more}]}


CREATES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no name": (PERSON | {"name": ""}, [("required", "name")]),
    "a blank name": (PERSON | {"name": " \n\t"}, [("required", "name")]),
    "a name of 10 kB": (PERSON | {"name": "x" * 10_000}, [("too-long", "name")]),
    "a practitioner among patients": (
        member("Practitioner/1"),
        [("business-rule", "member.0.reference")],
    ),
    "a patient in a team": (
        TEAM | {"member": patients(1)},
        [("business-rule", "member.0.reference")],
    ),
    "a duplicate member": (
        PERSON | {"member": patients(1, 2, 1)},
        [("duplicate", "member.2.reference")],
    ),
    "a duplicate in other words": (
        PERSON | {"member": [*patients(1), {"reference": "http://upstream.test/Patient/1"}]},
        [("duplicate", "member.1.reference")],
    ),
    "10,001 members": (
        PERSON | {"member": patients(*range(10_001))},
        [("too-long", "member")],
    ),
    "no reference": (member("1"), [("value", "member.0.reference")]),
    "a path": (member("Patient/.."), [("value", "member.0.reference")]),
    "a path in an id": (member("Patient/1/../2"), [("value", "member.0.reference")]),
    "an id too long": (member(f"Patient/{'1' * 65}"), [("value", "member.0.reference")]),
    "a fragment": (member("#contained"), [("value", "member.0.reference")]),
    "another scheme": (member("ftp://x.example/Patient/1"), [("value", "member.0.reference")]),
    "members of no actual group": (
        PERSON | {"actual": False, "member": patients(1)},
        [("invariant", "member")],
    ),
    "a period that ends before it starts": (
        member("Patient/1", period={"start": "2026-02", "end": "2026-01"}),
        [("value", "member.0.period")],
    ),
    "a day that does not exist": (
        member("Patient/1", period={"start": "2026-02-30"}),
        [("value", "member.0.period.start")],
    ),
    "a moment without a zone": (
        member("Patient/1", period={"end": "2026-02-03T10:00:00"}),
        [("value", "member.0.period.end")],
    ),
    "the year nought": (
        member("Patient/1", period={"end": "0000"}),
        [("value", "member.0.period.end")],
    ),
    "an empty period": (member("Patient/1", period={}), [("required", "member.0.period")]),
    "a trait without a value": (trait(), [("value", "characteristic.0")]),
    "a trait with two values": (
        trait(valueBoolean=True, valueQuantity={"value": 1}),
        [("value", "characteristic.0")],
    ),
    "a trait with an empty value": (
        trait(valueRange={"low": {}}),
        [("required", "characteristic.0.valueRange.low")],
    ),
    "a trait with a wrong period": (
        trait(valueBoolean=True, period={"start": "yesterday"}),
        [("value", "characteristic.0.period.start")],
    ),
    "a trait that refers to nothing": (
        trait(valueReference={"reference": "nothing"}),
        [("value", "characteristic.0.valueReference.reference")],
    ),
    "an empty code": (PERSON | {"code": {}}, [("required", "code")]),
    "an empty text": (PERSON | {"code": {"text": ""}}, [("required", "code.text")]),
    "an empty coding": (
        PERSON | {"code": {"coding": [{"code": "1"}, {}]}},
        [("required", "code.coding.1")],
    ),
    "an empty identifier": (PERSON | {"identifier": [{}]}, [("required", "identifier.0")]),
    "an identifier with a wrong period": (
        PERSON | {"identifier": [{"value": "1", "period": {"end": "never"}}]},
        [("value", "identifier.0.period.end")],
    ),
    "a patient that manages": (
        PERSON | {"managingEntity": {"reference": "Patient/1"}},
        [("value", "managingEntity.reference")],
    ),
    "nothing that manages": (
        PERSON | {"managingEntity": {"reference": "the clinic"}},
        [("value", "managingEntity.reference")],
    ),
    "an unknown responsibility": (
        TEAM | {"responsibilities": ["MAKE_COFFEE"]},
        [("code-invalid", "responsibilities.0")],
    ),
    "a responsibility twice": (
        TEAM | {"responsibilities": [REVIEW, REVIEW]},
        [("duplicate", "responsibilities.1")],
    ),
    "responsibilities of patients": (
        PERSON | {"responsibilities": [REVIEW]},
        [("business-rule", "responsibilities")],
    ),
    "several mistakes": (
        {"type": "PERSON", "name": "", "member": patients("?", 1), "responsibilities": ["?"]},
        [
            ("required", "name"),
            ("value", "member.0.reference"),
            ("code-invalid", "responsibilities.0"),
            ("business-rule", "responsibilities"),
        ],
    ),
}


def mistakes(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the issues of a payload that are errors: code and dotted place in the input."""
    assert {severity for severity, _, _ in told(payload)} == {"ERROR"}
    return [(code, ".".join(place)) for _, code, place in told(payload)]


@pytest.mark.parametrize("name", CREATES)
async def test_a_group_that_can_not_be_created(gateway, sandbox, name):
    """Whatever is wrong with it is data, and no call was made."""
    wanted, expected = CREATES[name]
    payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
    assert mistakes(payload) == expected
    assert payload["group"] is None
    assert sandbox.calls == []


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400])
async def test_a_number_that_is_too_large(gateway, sandbox, number):
    """A literal beyond the range of a double is an issue; it must not be sent as null."""
    payload = (
        await gateway.data(f"""mutation {{
            createGroup(input: {{type: PERSON, name: "New", characteristic: [
                {{code: {{text: "age"}}, valueRange: {{low: {{value: {number}}}}}}}
            ]}}) {{ group {{ id }} issues {{ severity code inputPath }} }} }}""")
    )["createGroup"]
    assert mistakes(payload) == [("value", "characteristic.0.valueRange.low.value")]
    assert sandbox.calls == []


UPDATES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no id": ({"id": ""}, [("value", "id")]),
    "an id that is a path": ({"id": ".."}, [("value", "id")]),
    "an id with a slash": ({"id": "1/_history/2"}, [("value", "id")]),
    "a name that is cleared": ({"id": "1", "name": None}, [("required", "name")]),
    "a name of 10 kB": ({"id": "1", "name": "ä" * 5_001}, [("too-long", "name")]),
    "a type that is cleared": ({"id": "1", "type": None}, [("required", "type")]),
    "what is actual that is cleared": ({"id": "1", "actual": None}, [("required", "actual")]),
    "a duplicate member": (
        {"id": "1", "member": patients(1, 1)},
        [("duplicate", "member.1.reference")],
    ),
    "10,001 members": (
        {"id": "1", "member": patients(*range(10_001))},
        [("too-long", "member")],
    ),
    "an empty code": ({"id": "1", "code": {"coding": []}}, [("required", "code")]),
}


@pytest.mark.parametrize("name", UPDATES)
async def test_an_update_that_can_not_be_made(gateway, sandbox, name):
    """Whatever is wrong with it is data, and no call was made."""
    wanted, expected = UPDATES[name]
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert mistakes(payload) == expected
    assert payload["group"] is None
    assert sandbox.calls == []


OTHERS: dict[str, tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = {
    "an addition without a group": (
        "addGroupMembers",
        ADD,
        {"groupId": "a/b", "members": patients(1)},
        [("value", "groupId")],
    ),
    "an addition of one twice": (
        "addGroupMembers",
        ADD,
        GROUP | {"members": patients(1, "1/_history/3")},
        [("duplicate", "members.1.reference")],
    ),
    "an addition of too many": (
        "addGroupMembers",
        ADD,
        GROUP | {"members": patients(*range(10_001))},
        [("too-long", "members")],
    ),
    "an addition with a wrong period": (
        "addGroupMembers",
        ADD,
        GROUP | {"members": [{"reference": "Patient/1", "period": {"start": "now"}}]},
        [("value", "members.0.period.start")],
    ),
    "a removal of nobody": (
        "removeGroupMembers",
        REMOVE,
        GROUP | {"members": [{"reference": " "}]},
        [("value", "members.0.reference")],
    ),
    "a removal of one twice": (
        "removeGroupMembers",
        REMOVE,
        GROUP | {"members": patients(1, 1)},
        [("duplicate", "members.1.reference")],
    ),
    "a removal of too many": (
        "removeGroupMembers",
        REMOVE,
        GROUP | {"members": patients(*range(10_001))},
        [("too-long", "members")],
    ),
    "responsibilities that nobody knows": (
        "setGroupResponsibilities",
        ASSIGN,
        {"groupId": TEAM_ID, "responsibilities": ["REST", REVIEW, REVIEW]},
        [("code-invalid", "responsibilities.0"), ("duplicate", "responsibilities.2")],
    ),
    "responsibilities of no group": (
        "setGroupResponsibilities",
        ASSIGN,
        {"groupId": "?", "responsibilities": []},
        [("value", "groupId")],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_a_change_that_can_not_be_made(gateway, sandbox, name):
    """Whatever is wrong with it is data, and no call was made."""
    field, document, wanted, expected = OTHERS[name]
    payload = (await gateway.data(document, input=wanted))[field]
    assert mistakes(payload) == expected
    assert payload["group"] is None
    assert sandbox.calls == []


async def test_a_word_that_is_no_member(gateway, sandbox):
    """Whether a text names a member is decided by the group itself: one read, no write."""
    wanted = GROUP | {"members": [{"reference": "nobody"}]}
    for field, document in (("removeGroupMembers", REMOVE), ("addGroupMembers", ADD)):
        payload = (await gateway.data(document, input=wanted))[field]
        assert mistakes(payload) == [("value", "members.0.reference")]
    assert writes(sandbox) == []


async def test_a_member_of_the_wrong_kind(gateway, sandbox):
    """What kind a group takes is known from the group itself: one read, and no write."""
    for id, reference in ((DEVICE_GROUP_ID, "Patient/1"), (TEAM_ID, "Device/1")):
        wanted = {"groupId": id, "members": [{"reference": reference}]}
        payload = (await gateway.data(ADD, input=wanted))["addGroupMembers"]
        assert mistakes(payload) == [("business-rule", "members.0.reference")]
        assert payload["group"]["id"] == id
    assert writes(sandbox) == []


async def test_very_many_mistakes(gateway, sandbox):
    """Of very many mistakes the first hundred are reported: the response stays bounded."""
    wanted = TEAM | {"responsibilities": ["?"] * 50_000}
    payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
    assert len(payload["issues"]) == 100
    wanted = PERSON | {"member": patients(*["?"] * 9_000)}
    payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
    assert len(payload["issues"]) == 100
    assert sandbox.calls == []


async def test_a_list_that_is_empty_is_none(gateway):
    """FHIR has no empty lists: they are left out of a create, and clear in an update."""
    wanted = PERSON | {"identifier": [], "member": [], "code": {"coding": [], "text": "Code"}}
    made = (await gateway.data(CREATE, input=wanted))["createGroup"]
    assert made["issues"] == []
    wanted = {"id": made["group"]["id"], "identifier": [], "member": []}
    payload = (await gateway.data(UPDATE, input=wanted))["updateGroup"]
    assert payload["issues"] == []


async def test_a_reference_that_may_stand_in_a_manager(gateway):
    """A contained or business reference is a reference too."""
    for manager in ({"display": "The clinic"}, {"identifier": {"value": "1"}}):
        wanted = PERSON | {"managingEntity": manager}
        payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
        assert payload["issues"] == []
