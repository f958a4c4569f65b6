"""The upstreams behave as `README.md` beside this file says: the facts the gateway is built on."""

from collections.abc import Iterator

import httpx
import pytest

from upstreams.answers import all_ids, client_for, ids, issue
from upstreams.processes import JAVA_CLASSES, Upstream
from upstreams.seeding import Seeded, create, group, member


def coded(upstream: Upstream, code: str) -> str:
    """Return the issue code of this upstream's refusals: HAPI has one for all."""
    return "processing" if upstream.name in JAVA_CLASSES else code


@pytest.fixture
def client(upstream: Upstream) -> Iterator[httpx.Client]:
    """Yield a client with all rights on the upstream of this test."""
    with client_for(upstream, "sandbox") as client:
        yield client


def test_a_created_group_can_be_read(client):
    """Every upstream gives back what it was given, under the id in its Location header."""
    id_ = create(client, group("Readable", "Patient", [1, 2]))
    found = client.get(f"/Group/{id_}").raise_for_status().json()
    assert (found["id"], found["name"], len(found["member"])) == (id_, "Readable", 2)


def test_a_group_without_members_has_no_member_key(client):
    """No upstream answers an empty list: the key is absent."""
    id_ = create(client, group("Empty", "Patient", []))
    assert "member" not in client.get(f"/Group/{id_}").json()


def test_an_unknown_group_is_404(client, upstream):
    """Every upstream answers 404 with an OperationOutcome."""
    expected = (404, coded(upstream, "not-found"))
    assert issue(client.get("/Group/no-such-group")) == expected


def test_an_update_replaces_the_whole_group(client):
    """A member that an update leaves out is gone."""
    id_ = create(client, group("Before", "Patient", [1, 2]))
    client.put(
        f"/Group/{id_}", json={"id": id_, **group("After", "Patient", [2])}
    ).raise_for_status()
    found = client.get(f"/Group/{id_}").json()
    assert found["name"] == "After"
    assert [each["entity"] for each in found["member"]] == [member("Patient", 2)["entity"]]


def test_an_id_in_the_body_must_be_that_of_the_url(client, upstream):
    """Every upstream refuses an update whose body names another id."""
    id_ = create(client, group("Mine", "Patient", []))
    other = {"id": "other", **group("Other", "Patient", [])}
    expected = (400, coded(upstream, "invalid"))
    assert issue(client.put(f"/Group/{id_}", json=other)) == expected


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
    """Reads need a token."""
    assert httpx.get(f"{upstream.url}/Group", headers=headers).status_code == 401


def test_the_reading_token_cannot_write(upstream):
    """`sandbox-read` may read and is refused with 403 on a create."""
    with client_for(upstream, "sandbox-read") as client:
        assert client.get("/Group").status_code == 200
        answer = client.post("/Group", json=group("Refused", "Patient", []))
    assert issue(answer) == (403, coded(upstream, "forbidden"))


def test_the_other_token_sees_half(upstream, seeded: Seeded):
    """`sandbox-other` finds some groups; the sandbox refuses the rest, the others hide it."""
    with client_for(upstream, "sandbox-other") as client:
        found = set(all_ids(client, "type=person&_count=50"))
        statuses = {id_: client.get(f"/Group/{id_}").status_code for id_ in seeded.person_groups}
    assert set(statuses.values()) == {200, 403 if upstream.name == "sandbox" else 404}
    assert {id_ for id_, status in statuses.items() if status == 200} == found & set(statuses)


def test_metadata_names_the_search_parameters(upstream):
    """The CapabilityStatement needs no token and declares how to search for a patient's groups."""
    statement = httpx.get(f"{upstream.url}/metadata").raise_for_status().json()
    resources = statement["rest"][0]["resource"]
    (resource,) = (each for each in resources if each["type"] == "Group")
    names = {parameter["name"] for parameter in resource["searchParam"]}
    # HAPI's plain server finds by `_id` and does not say so.
    assert {"type", "_id"} - names <= ({"_id"} if upstream.name == "hapi" else set())
    own = {"fhirstarter", "sandbox"}  # the vendor's parameter; the others have FHIR's
    assert ("patient" if upstream.name in own else "member") in names


@pytest.mark.parametrize("name", ["fhirstarter", "medplum"])
def test_a_missing_actual_is_400(request, name):
    """Both foreign servers check a group against FHIR before they take it."""
    with client_for(request.getfixturevalue(name), "sandbox") as client:
        answer = client.post("/Group", json={"resourceType": "Group", "type": "person"})
    assert issue(answer) == (400, "invalid" if name == "fhirstarter" else "structure")
