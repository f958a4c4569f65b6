"""Creating a group is the same on every upstream, whatever body a create is answered with."""

from every_upstream.documents import CREATE, GROUPS
from every_upstream.harness import members_of
from upstreams.answers import all_ids, client_for

PATIENT = f"{31337:032x}"
WANTED = {
    "type": "PERSON",
    "name": "Created",
    "active": True,
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}], "text": "One"},
    "identifier": [{"use": "official", "system": "https://example.org/c", "value": "C-1"}],
    "managingEntity": {"reference": "Organization/o1"},
    "characteristic": [
        {"code": {"text": "adult"}, "valueBoolean": True},
        {"code": {"text": "weight"}, "valueQuantity": {"value": 70.5, "unit": "kg"}},
    ],
    "member": [
        {"reference": f"Patient/{PATIENT}", "period": {"start": "2024-01-01"}},
        {"reference": "Patient/p2", "inactive": True},
    ],
}


async def test_the_payload_of_a_create_is_complete(gateway, fhir):
    """All that was asked for is stored, and shown with its new id and its version."""
    payload = (await gateway.data(CREATE, input=WANTED))["createGroup"]
    assert payload["issues"] == []
    shown = payload["group"]
    stored = await fhir.read(shown["id"])
    assert (shown["type"], shown["name"], shown["active"], shown["actual"]) == (
        "PERSON",
        "Created",
        True,
        True,
    )
    assert shown["version"]
    assert shown["quantity"] == stored.get("quantity")
    assert stored["identifier"] == WANTED["identifier"]
    assert stored["code"] == WANTED["code"]
    assert stored["managingEntity"] == WANTED["managingEntity"]
    assert [(c["code"]["text"], c["exclude"]) for c in stored["characteristic"]] == [
        ("adult", False),
        ("weight", False),
    ]
    assert stored["characteristic"][1]["valueQuantity"] == {"value": "70.5", "unit": "kg"}
    assert members_of(shown) == members_of(stored) == [f"Patient/{PATIENT}", "Patient/p2"]
    assert [m["inactive"] for m in shown["member"]] == [False, True]
    assert stored["member"][0]["period"] == {"start": "2024-01-01"}


async def test_a_created_group_is_in_a_list_that_was_read_before(gateway):
    """No upstream repeats the result that it had for the same search before the write."""
    listing = '{ groups(filter: {patient: "repeated"}, first: 50) { nodes { id } } }'
    assert (await gateway.data(listing))["groups"]["nodes"] == []
    wanted = {"type": "PERSON", "name": "Late", "member": [{"reference": "Patient/repeated"}]}
    created = (await gateway.data(CREATE, input=wanted))["createGroup"]["group"]
    shown = (await gateway.data(listing))["groups"]["nodes"]
    assert shown == [{"id": created["id"]}]


async def test_a_create_needs_no_more_than_a_type_and_a_name(gateway, fhir):
    """The smallest group has what FHIR requires, and no empty lists."""
    payload = (await gateway.data(CREATE, input={"type": "DEVICE", "name": "Least"}))["createGroup"]
    stored = await fhir.read(payload["group"]["id"])
    for kept_by_some in ("meta", "quantity"):
        stored.pop(kept_by_some, None)
    assert stored == {
        "resourceType": "Group",
        "id": payload["group"]["id"],
        "type": "device",
        "actual": True,
        "name": "Least",
    }


async def test_a_new_group_is_found_at_once(gateway):
    """A search that was answered before the create is not answered from memory after it."""
    asked = {"filter": {"patient": f"{31338:032x}"}}
    assert (await gateway.data(GROUPS, **asked))["groups"]["edges"] == []
    wanted = {
        "type": "PERSON",
        "name": "Found",
        "member": [{"reference": f"Patient/{31338:032x}"}],
    }
    payload = (await gateway.data(CREATE, input=wanted))["createGroup"]
    found = (await gateway.data(GROUPS, **asked))["groups"]
    assert [edge["node"]["id"] for edge in found["edges"]] == [payload["group"]["id"]]


async def test_a_create_that_is_wrong_creates_nothing(gateway, upstream):
    """What the gateway turns down itself is data with a path, and reaches no upstream."""
    with client_for(upstream, "sandbox") as client:
        before = all_ids(client, "_count=100")
        wrong = {"type": "PERSON", "name": " ", "member": [{"reference": "Practitioner/x"}]}
        payload = (await gateway.data(CREATE, input=wrong))["createGroup"]
        assert payload["group"] is None
        assert [(issue["severity"], issue["inputPath"]) for issue in payload["issues"]] == [
            ("ERROR", ["name"]),
            ("ERROR", ["member", "0", "reference"]),
        ]
        assert all_ids(client, "_count=100") == before
