"""The ways of a server that is not the vendor's, as `README.md` lists them."""

from collections.abc import Iterator

import httpx
import pytest

from upstreams.answers import LONG_AGO, client_for, ids, issue, links
from upstreams.processes import Upstream
from upstreams.seeding import SHARED_PATIENT, group


@pytest.fixture
def client(medplum: Upstream) -> Iterator[httpx.Client]:
    """Yield a client with all rights."""
    with client_for(medplum, "sandbox") as client:
        yield client


def test_writes_answer_with_the_group(client, medplum):
    """A create and an update give the whole group, its version in body and ETag alike."""
    made = client.post("/Group", json=group("Full answer", "Patient", [1]))
    resource = made.json()
    assert made.status_code == 201
    assert made.headers["location"] == f"{medplum.url}/Group/{resource['id']}"
    assert made.headers["etag"] == f'W/"{resource["meta"]["versionId"]}"'
    changed = client.put(f"/Group/{resource['id']}", json={**resource, "name": "Again"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Again")
    assert changed.headers["etag"] == f'W/"{changed.json()["meta"]["versionId"]}"'
    assert changed.headers["etag"] != made.headers["etag"]
    assert "location" not in changed.headers


def test_updates_on_condition_of_a_version(client):
    """`If-Match` is honoured, `If-Unmodified-Since` ignored."""
    made = client.post("/Group", json=group("Versioned", "Patient", []))
    url, first = f"/Group/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    assert client.put(url, json=made.json(), headers=first).status_code == 200
    assert issue(client.put(url, json=made.json(), headers=first)) == (412, "processing")
    assert client.put(url, json=made.json(), headers=LONG_AGO).status_code == 200


def test_creates_what_an_update_does_not_find(client):
    """An update without a condition of an unknown id creates the group; with one it is a 404."""
    body = {"id": "client-assigned", **group("New", "Patient", [])}
    with_condition = {"If-Match": 'W/"1"'}
    refused = client.put("/Group/client-assigned", json=body, headers=with_condition)
    assert issue(refused) == (404, "not-found")
    assert client.put("/Group/client-assigned", json=body).status_code == 200


def test_refuses_parameters_it_does_not_know(client):
    """The vendor's `patient` is unknown there, and a 400."""
    assert issue(client.get("/Group?patient=1")) == (400, "invalid")


def test_takes_a_comma_for_or(client, medplum, seed_once):
    """A list of ids finds each of them."""
    wanted = seed_once(medplum).teams[:3]
    assert ids(client.get(f"/Group?_id={','.join(wanted)}").json()) == list(wanted)


def test_finds_the_groups_of_a_member(client, medplum, seed_once):
    """`member` takes a full reference; the bare id finds nothing."""
    expected = list(seed_once(medplum).shared_patient_groups)
    assert ids(client.get(f"/Group?member=Patient/{SHARED_PATIENT}").json()) == expected
    assert ids(client.get(f"/Group?member={SHARED_PATIENT}").json()) == []


def test_pages_link_absolutely(client, medplum, seed_once):
    """Links are absolute and include `previous`; the total comes only when it is asked for."""
    seed_once(medplum)
    bundle = client.get("/Group?type=person&_count=5&_offset=5").json()
    found = links(bundle)
    assert list(found) == ["self", "first", "next", "previous"]
    assert found["next"] == f"{medplum.url}/Group?_count=5&_offset=10&type=person"
    assert "total" not in bundle
    assert bundle["entry"][0]["fullUrl"].startswith(f"{medplum.url}/Group/")
    assert client.get("/Group?_total=accurate&_count=0").json()["total"] > 0
