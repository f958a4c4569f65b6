"""`GET /Patient/{id}` and `GET /Patient?_id=…`: the people and things that groups refer to."""

import pytest

from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.wellknown import OTHER_TOKEN, SEED_PATIENT_ID

KINDS = (
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Device",
    "Medication",
    "Substance",
    "RelatedPerson",
)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_can_be_read(client, kind):
    """A reference of the generated set leads to a resource of its type."""
    answer = await client.get(f"/{reference(kind, 7)}")
    assert answer.status_code == 200
    resource = answer.json()
    assert f"{resource['resourceType']}/{resource['id']}" == reference(kind, 7)


async def test_a_patient_has_the_name_that_groups_show(client):
    """A member's display is the name of the patient."""
    patient = (await client.get(f"/{reference('Patient', 1)}")).json()
    [name] = [name for name in patient["name"] if name["use"] == "official"]
    assert (name["given"], name["family"]) == (["Ben"], "Haddad")


async def test_patients_of_the_seed_document_are_there(client):
    """Also the document's own patients can be read."""
    assert (await client.get(f"/Patient/{SEED_PATIENT_ID}")).status_code == 200


async def test_unknown_people_are_not(client):
    """An id outside the directory is a 404."""
    answer = await client.get("/Patient/nobody")
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


async def test_a_search_by_ids(client):
    """A search gives those that exist, page by page."""
    ids = [reference("Patient", number).partition("/")[2] for number in range(5)]
    query = {"_id": ",".join([*ids, "nobody"]), "_count": 3}
    first = (await client.get("/Patient", params=query)).json()
    links = {link["relation"]: link["url"] for link in first["link"]}
    second = (await client.get(links["next"])).json()
    found = [entry["resource"]["id"] for page in (first, second) for entry in page["entry"]]
    assert (found, first["total"]) == (ids, 5)


async def test_a_search_without_ids_finds_nobody(client):
    """There is no list of everybody."""
    assert (await client.get("/Patient")).json()["total"] == 0


async def test_others_see_half_of_them(client):
    """A caller who sees half of the groups sees half of the people."""
    headers = {"authorization": f"Bearer {OTHER_TOKEN}"}
    statuses = set()
    for number in range(8):
        answer = await client.get(f"/{reference('Patient', number)}", headers=headers)
        statuses.add(answer.status_code)
    assert statuses == {200, 403}


async def test_nobody_reads_without_a_token(client):
    """People need a token, as groups do."""
    answer = await client.get(f"/{reference('Patient', 1)}", headers={"authorization": ""})
    assert answer.status_code == 401
