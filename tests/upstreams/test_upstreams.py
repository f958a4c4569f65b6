"""The upstreams behave as `README.md` beside this file says: the facts the gateway is built on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from upstreams.processes import Upstream
from upstreams.seeding import Seeded, create, group, member

EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


def as_(upstream: Upstream, token: str) -> httpx.Client:
    """Build a client with the rights of a token."""
    return httpx.Client(base_url=upstream.url, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def client(upstream: Upstream) -> Iterator[httpx.Client]:
    """Give a client with all rights on the upstream of this test."""
    with as_(upstream, "sandbox") as client:
        yield client


@pytest.fixture
def fhirstarter_client(fhirstarter: Upstream) -> Iterator[httpx.Client]:
    """Give a client with all rights on the fhirstarter upstream."""
    with as_(fhirstarter, "sandbox") as client:
        yield client


@pytest.fixture
def medplum_client(medplum: Upstream) -> Iterator[httpx.Client]:
    """Give a client with all rights on the Medplum upstream."""
    with as_(medplum, "sandbox") as client:
        yield client


def issue(response: httpx.Response) -> tuple[int, str]:
    """Return status and issue code of an error answer."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["details"]["text"]
    return response.status_code, outcome["issue"][0]["code"]


def links(bundle: dict) -> dict[str, str]:
    """Return a Bundle's links by relation."""
    return {link["relation"]: link["url"] for link in bundle.get("link", ())}


def ids(bundle: dict) -> list[str]:
    """Return the ids of the groups in a Bundle."""
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def all_ids(client: httpx.Client, query: str) -> list[str]:
    """Follow the `next` links of a search, keeping only their queries, and return every id."""
    found: list[str] = []
    while True:
        bundle = client.get(f"/Group?{query}").raise_for_status().json()
        found += ids(bundle)
        if "next" not in links(bundle):
            return found
        query = urlsplit(links(bundle)["next"]).query


def test_a_created_group_can_be_read(client):
    """Every upstream gives back what it was given, under the id in its Location header."""
    id_ = create(client, group("Readable", "Patient", [1, 2]))
    found = client.get(f"/Group/{id_}").raise_for_status().json()
    assert (found["id"], found["name"], len(found["member"])) == (id_, "Readable", 2)


def test_a_group_without_members_has_no_member_key(client):
    """No upstream answers an empty list: the key is absent."""
    id_ = create(client, group("Empty", "Patient", []))
    assert "member" not in client.get(f"/Group/{id_}").json()


def test_an_unknown_group_is_404(client):
    """Every upstream answers 404 `not-found` with an OperationOutcome."""
    assert issue(client.get("/Group/no-such-group")) == (404, "not-found")


def test_an_update_replaces_the_whole_group(client):
    """A member that an update leaves out is gone."""
    id_ = create(client, group("Before", "Patient", [1, 2]))
    client.put(
        f"/Group/{id_}", json={"id": id_, **group("After", "Patient", [2])}
    ).raise_for_status()
    found = client.get(f"/Group/{id_}").json()
    assert found["name"] == "After"
    assert [each["entity"] for each in found["member"]] == [member("Patient", 2)["entity"]]


def test_an_id_in_the_body_must_be_that_of_the_url(client):
    """Every upstream refuses an update whose body names another id."""
    id_ = create(client, group("Mine", "Patient", []))
    other = {"id": "other", **group("Other", "Patient", [])}
    assert issue(client.put(f"/Group/{id_}", json=other)) == (400, "invalid")


def test_the_pages_of_a_search_are_complete(client, seeded: Seeded):
    """The next links lead through all the matches, once each."""
    found = all_ids(client, "type=person&_count=7")
    assert len(found) == len(set(found))
    assert {*seeded.person_groups, seeded.large_group} <= set(found)
    assert not set(seeded.teams) & set(found)


def test_search_by_id(client, seeded: Seeded):
    """Every upstream knows the parameter `_id`."""
    assert ids(client.get(f"/Group?_id={seeded.teams[0]}").json()) == [seeded.teams[0]]


def test_a_large_group_is_answered_whole(client, seeded: Seeded):
    """No upstream cuts a group of 150 members."""
    assert len(client.get(f"/Group/{seeded.large_group}").json()["member"]) == 150


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_a_missing_or_wrong_token_is_401(upstream, headers):
    """Nobody reads without a token."""
    assert httpx.get(f"{upstream.url}/Group", headers=headers).status_code == 401


def test_the_reading_token_cannot_write(upstream):
    """`sandbox-read` may read and is refused with 403 on a create."""
    with as_(upstream, "sandbox-read") as client:
        assert client.get("/Group").status_code == 200
        answer = client.post("/Group", json=group("Refused", "Patient", []))
    assert issue(answer) == (403, "forbidden")


def test_the_other_token_sees_half(upstream, seeded: Seeded):
    """`sandbox-other` finds some of the groups and meets 404 for the rest."""
    with as_(upstream, "sandbox-other") as client:
        found = set(all_ids(client, "type=practitioner&_count=3")) & set(seeded.teams)
        statuses = {client.get(f"/Group/{id_}").status_code: id_ for id_ in seeded.teams}
    assert 0 < len(found) < len(seeded.teams)
    assert set(statuses) == {200, 404}
    assert statuses[200] in found
    assert statuses[404] not in found


def test_metadata_names_the_search_parameters(upstream):
    """The CapabilityStatement is open and tells how to search for a patient's groups."""
    statement = httpx.get(f"{upstream.url}/metadata").raise_for_status().json()
    (resource,) = statement["rest"][0]["resource"]
    names = {parameter["name"] for parameter in resource["searchParam"]}
    assert {"_id", "type"} <= names
    assert ("member" if upstream.name == "medplum" else "patient") in names


def test_fhirstarter_writes_have_empty_bodies(fhirstarter_client):
    """A create and an update answer with a relative Location, no body and no ETag."""
    made = fhirstarter_client.post("/Group", json=group("Empty answer", "Patient", []))
    location = made.headers["location"]
    assert (made.status_code, made.content) == (201, b"")
    assert location.startswith("/Group/")
    body = {"id": location.rpartition("/")[2], **group("Again", "Patient", [])}
    changed = fhirstarter_client.put(location, json=body)
    assert (changed.status_code, changed.content) == (200, b"")
    assert changed.headers["location"] == location
    assert not {"etag", "last-modified", "content-type"} & set(changed.headers)


def test_fhirstarter_ignores_parameters_it_does_not_know(fhirstarter_client):
    """An unknown parameter filters nothing, and the self link does not repeat it."""
    bundle = fhirstarter_client.get("/Group?member=Patient/nobody&type=practitioner").json()
    assert bundle["total"] > 0
    assert links(bundle)["self"] == "/Group?type=practitioner&_count=10&_offset=0"
