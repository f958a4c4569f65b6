"""The ways of the framework that the real upstream is built on, as `README.md` lists them."""

from collections.abc import Iterator

import httpx
import pytest

from upstreams.answers import LONG_AGO, client_for, ids, issue, links
from upstreams.processes import Upstream
from upstreams.seeding import SHARED_PATIENT, create, group


@pytest.fixture
def client(fhirstarter: Upstream) -> Iterator[httpx.Client]:
    """Yield a client with all rights."""
    with client_for(fhirstarter, "sandbox") as client:
        yield client


def test_writes_have_empty_bodies(client):
    """A create and an update answer with a relative Location, no body and no ETag."""
    made = client.post("/Group", json=group("Empty answer", "Patient", []))
    location = made.headers["location"]
    assert (made.status_code, made.content) == (201, b"")
    assert location.startswith("/Group/")
    body = {"id": location.rpartition("/")[2], **group("Again", "Patient", [])}
    changed = client.put(location, json=body)
    assert (changed.status_code, changed.content) == (200, b"")
    assert changed.headers["location"] == location
    assert not {"etag", "last-modified", "content-type"} & set(changed.headers)


def test_ignores_parameters_it_does_not_know(client, fhirstarter, seed_once):
    """An unknown parameter filters nothing, and the self link does not repeat it."""
    seed_once(fhirstarter)
    bundle = client.get("/Group?member=Patient/nobody&type=practitioner").json()
    assert bundle["total"] > 0
    assert links(bundle)["self"] == "/Group?type=practitioner&_count=10&_offset=0"


def test_takes_a_comma_for_a_part_of_the_value(client):
    """A list of ids finds nothing, and the empty Bundle has no links that would explain it."""
    known = create(client, group("Known", "Patient", []))
    bundle = client.get(f"/Group?_id={known},{known}").json()
    assert bundle == {"resourceType": "Bundle", "type": "searchset", "total": 0}


def test_pages_link_relatively(client, fhirstarter, seed_once):
    """Links are relative, show the effective page size, and know no `previous`."""
    seed_once(fhirstarter)
    found = links(client.get("/Group?type=person&_count=5&_offset=5").json())
    assert list(found) == ["self", "first", "next", "last"]
    assert found["next"] == "/Group?type=person&_count=5&_offset=10"
    whole = links(client.get("/Group?type=practitioner&_count=5000").json())
    assert whole["self"] == "/Group?type=practitioner&_count=100&_offset=0"
    assert "next" not in whole


def test_finds_the_groups_of_a_patient(client, fhirstarter, seed_once):
    """`patient` takes an id, with or without its type."""
    expected = list(seed_once(fhirstarter).shared_patient_groups)
    for value in (SHARED_PATIENT, f"Patient/{SHARED_PATIENT}"):
        assert ids(client.get(f"/Group?patient={value}").json()) == expected


def test_updates_on_condition_of_a_date(client):
    """`If-Unmodified-Since` is honoured, `If-Match` ignored."""
    id_ = create(client, group("Dated", "Patient", []))
    body = {"id": id_, **group("Changed", "Patient", [])}
    refused = client.put(f"/Group/{id_}", json=body, headers=LONG_AGO)
    assert issue(refused) == (412, "conflict")
    # Not the Date of a read: uvicorn's own lags behind, so that would now and then be refused.
    accepted = {"If-Unmodified-Since": "Fri, 01 Jan 2100 00:00:00 GMT", "If-Match": 'W/"0"'}
    assert client.put(f"/Group/{id_}", json=body, headers=accepted).status_code == 200


def test_gives_a_responsibility_to_one_team_only(client):
    """A second team with the same responsibility is a 422 `business-rule`."""
    responsibility = {
        "code": {"text": "responsibility"},
        "valueCodeableConcept": {"text": "REVIEW_COVERAGES"},
        "exclude": False,
    }
    body = {**group("Owner", "Practitioner", []), "characteristic": [responsibility]}
    client.post("/Group", json=body).raise_for_status()
    assert issue(client.post("/Group", json=body)) == (422, "business-rule")


def test_has_answers_that_are_no_operation_outcome(client):
    """Unknown paths and methods are answered by the framework below."""
    missing, refused = client.get("/Patient"), client.delete("/Group/x")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
    assert (refused.status_code, refused.json()) == (405, {"detail": "Method Not Allowed"})
