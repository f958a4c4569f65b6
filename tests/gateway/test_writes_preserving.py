"""Nothing that GraphQL does not show is lost by an update, nor anything that it does not name."""

import json
from typing import Any

import pytest

from gateway.writing import ADD, ASSIGN, REMOVE, UPDATE, past, patients, told
from group_gateway.sandbox.wellknown import RICH_GROUP_ID, TEAM_ID

RICH = {"id": RICH_GROUP_ID}
COMPUTED = {"quantity", "meta"}


async def stored(sandbox: Any, id: str = RICH_GROUP_ID) -> dict[str, Any]:
    """Return what the upstream holds, but for what it computes."""
    async with past(sandbox) as fhir:
        elements = await fhir.read(id)
    return {name: value for name, value in elements.items() if name not in COMPUTED}


async def changed(gateway: Any, sandbox: Any, wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Update the group that has everything; return each element that changed."""
    before = await stored(sandbox)
    payload = (await gateway.data(UPDATE, input=RICH | wanted))["updateGroup"]
    assert payload["issues"] == []
    after = await stored(sandbox)
    assert list(before) == list(after)
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


async def test_an_update_of_the_name(gateway, sandbox):
    """One element changes, and every other one, extension and digit stays, in its place."""
    change = await changed(gateway, sandbox, {"name": "Arm B"})
    assert change == {"name": ("Blood Pressure Trial, Arm A", "Arm B")}


def _reads_back(elements: dict[str, Any]) -> dict[str, Any]:
    """Return an update that sets everything to what GraphQL shows of it."""
    shown = {name: elements[name] for name in ("active", "code", "managingEntity")}
    traits = [{k: v for k, v in t.items() if k != "extension"} for t in elements["characteristic"]]
    members = [
        {"reference": m["entity"]["reference"]}
        | {k: v for k, v in m.items() if k in {"period", "inactive"}}
        for m in elements["member"]
    ]
    identifiers = [
        {k: v for k, v in i.items() if k != "assigner"} | {"assigner": {"display": "Trials office"}}
        for i in elements["identifier"]
    ]
    return shown | {"characteristic": traits, "member": members, "identifier": identifiers}


async def test_all_that_is_shown_given_back(gateway, sandbox):
    """A client that gives everything back as it was shown changes nothing, not even a digit."""
    async with past(sandbox) as fhir:
        group = json.loads((await fhir.http.get(f"/Group/{RICH_GROUP_ID}")).text)
    assert await changed(gateway, sandbox, _reads_back(group)) == {}


HIDDEN = [{"url": "https://example.org/why", "valueString": "kept"}]


async def hide(sandbox: Any) -> None:
    """Add extensions and ids inside the elements that GraphQL shows."""
    async with past(sandbox) as fhir:
        group = json.loads((await fhir.http.get(f"/Group/{RICH_GROUP_ID}")).text)
        group["code"] |= {"extension": HIDDEN, "id": "c0"}
        group["code"]["coding"][0]["extension"] = HIDDEN
        group["managingEntity"]["extension"] = HIDDEN
        group["identifier"][0] |= {"extension": HIDDEN, "_value": {"extension": HIDDEN}}
        group["identifier"][0]["period"]["extension"] = HIDDEN
        for trait in group["characteristic"]:
            trait["extension"] = HIDDEN
        group["characteristic"][2]["valueQuantity"]["extension"] = HIDDEN
        group["member"][0]["period"]["id"] = "p0"
        del group["quantity"]
        (await fhir.http.put(f"/Group/{RICH_GROUP_ID}", json=group)).raise_for_status()


async def test_what_is_hidden_inside_a_changed_element(gateway, sandbox):
    """Also inside an element that changes, what an input can't say stays."""
    await hide(sandbox)
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}], "text": "High"}
    change = await changed(gateway, sandbox, {"code": code})
    before, after = change.pop("code")
    assert not change
    assert after == before | {
        "text": "High",
        "coding": [{k: v for k, v in before["coding"][0].items() if k != "display"}],
    }


async def test_what_is_hidden_inside_entries_of_lists(gateway, sandbox):
    """Entries are known again by what identifies them, wherever in the list they are now."""
    await hide(sandbox)
    new = {"system": "https://example.org/trials", "value": "BP-2026-B"}
    old = {"system": "https://example.org/trials", "value": "BP-2025-A", "use": "old"}
    change = await changed(gateway, sandbox, {"identifier": [new, old]})
    before, after = change.pop("identifier")
    assert not change
    assert after[0] == new
    assert after[1] == {
        **old,
        "extension": HIDDEN,
        "_value": {"extension": HIDDEN},
    }
    assert before[0]["extension"] == HIDDEN


async def test_what_is_hidden_inside_a_trait_with_a_new_value(gateway, sandbox):
    """A trait with the same code is the same trait, though its value is another one."""
    await hide(sandbox)
    wanted = {
        "code": {"text": "systolic blood pressure"},
        "valueQuantity": {"value": 150, "unit": "mmHg"},
        "exclude": True,
    }
    change = await changed(gateway, sandbox, {"characteristic": [wanted]})
    [after] = change.pop("characteristic")[1]
    assert not change
    assert after == {
        "code": {"text": "systolic blood pressure"},
        "valueQuantity": {"value": 150, "unit": "mmHg", "extension": HIDDEN},
        "exclude": True,
        "extension": HIDDEN,
    }


async def test_members_keep_what_only_the_upstream_says_of_them(gateway, sandbox):
    """A new list of members keeps extensions, identifiers and names of remaining members."""
    await hide(sandbox)
    before = (await stored(sandbox))["member"]
    kept = [{"reference": m["entity"]["reference"]} for m in before]
    wanted = [kept[2], *patients(9), {**kept[0], "period": {"start": "2025-01-15"}}]
    change = await changed(gateway, sandbox, {"member": wanted})
    after = change.pop("member")[1]
    assert not change
    assert after[0] == {k: v for k, v in before[2].items() if k != "inactive"}
    assert after[1] == {"entity": {"reference": "Patient/9", "type": "Patient"}}
    assert after[2] == before[0] | {"period": {"start": "2025-01-15", "id": "p0"}}


@pytest.mark.parametrize("etag", [False, True])
async def test_changes_of_members_touch_no_one_else(gateway, sandbox, etag):
    """Adding and removing a member leaves the group as it was, byte for byte."""
    sandbox.use(etag=etag)
    before = await stored(sandbox)
    for document, field in ((ADD, "addGroupMembers"), (REMOVE, "removeGroupMembers")):
        wanted = {"groupId": RICH_GROUP_ID, "members": patients("fresh")}
        payload = (await gateway.data(document, input=wanted))[field]
        assert payload["issues"] == []
    assert json.dumps(await stored(sandbox)) == json.dumps(before)


async def test_responsibilities_leave_other_traits_alone(gateway, sandbox):
    """Only the characteristics that carry responsibilities are touched, also excluded ones not."""
    other = {"code": {"text": "shift"}, "valueCodeableConcept": {"text": "night"}, "exclude": False}
    excluded = {
        "code": {"text": "responsibility"},
        "valueCodeableConcept": {"text": "COLLECT_PATIENT_PAYMENTS"},
        "exclude": True,
    }
    async with past(sandbox) as fhir:
        team = json.loads((await fhir.http.get(f"/Group/{TEAM_ID}")).text)
        first, second = team["characteristic"]
        first["extension"] = HIDDEN
        team["characteristic"] = [other, first, excluded, second]
        del team["quantity"]
        (await fhir.http.put(f"/Group/{TEAM_ID}", json=team)).raise_for_status()
    before = await stored(sandbox, TEAM_ID)
    codes = ["PROCESS_REFILL_REQUESTS", "REVIEW_COVERAGES"]
    wanted = {"groupId": TEAM_ID, "responsibilities": codes}
    payload = (await gateway.data(ASSIGN, input=wanted))["setGroupResponsibilities"]
    assert told(payload) == []
    after = await stored(sandbox, TEAM_ID)
    new = {
        "code": {"text": "responsibility"},
        "valueCodeableConcept": {"text": "REVIEW_COVERAGES"},
        "exclude": False,
    }
    assert after == before | {"characteristic": [other, first, excluded, new]}
