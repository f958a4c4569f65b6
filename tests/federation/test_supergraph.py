"""Queries that cross subgraphs, by `@apollo/gateway` and by Hive Gateway over HTTP."""

from federation.conftest import Supergraph
from group_gateway.sandbox.wellknown import (
    RICH_GROUP_ID,
    SEED_GROUP_IDS,
    SEED_PATIENT_ID,
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
)

MEMBERS = """
query ($id: ID!) {
  group(id: $id) {
    name
    member { entity { resource { ... on Patient { id name maritalStatus { text } } } } }
  }
}
"""
GROUPS = """
query ($ids: [ID!]!) {
  patients(ids: $ids) { nodes { name groups { nodes { id } } } pageInfo { hasNextPage } }
}
"""
BOOKMARKS = """
query ($ids: [ID!]!) { practitioner(id: "1") { name bookmarks(ids: $ids) { id name } } }
"""


def patients(supergraph: Supergraph) -> list[str]:
    """Return the ids of a group's patients."""
    members = supergraph.data(MEMBERS, id=TEST_GROUP_ID)["group"]["member"]
    return [member["entity"]["resource"]["id"] for member in members]


def test_from_a_group_to_its_patients_names(supergraph: Supergraph) -> None:
    """A group's members have what the other subgraph knows of them; one call of the upstream."""
    group = supergraph.data(MEMBERS, id=TEST_GROUP_ID)["group"]
    people = [member["entity"]["resource"] for member in group["member"]]
    assert group["name"] == "Test Group"
    assert SEED_PATIENT_ID in {person["id"] for person in people}
    assert [person["name"] for person in people] == [f"Name of {p['id']}" for p in people]
    assert [person["maritalStatus"]["text"] for person in people] == ["Married"] * 3
    assert len(supergraph.calls()) == 1


def test_from_patients_to_their_groups(supergraph: Supergraph) -> None:
    """All patients' groups are asked for in one request, and each by one search: no more can be."""
    ids = patients(supergraph)
    supergraph.start_anew()
    before = supergraph.requests()
    nodes = supergraph.data(GROUPS, ids=ids)["patients"]["nodes"]
    assert [node["name"] for node in nodes] == [f"Name of {id}" for id in ids]
    twins = [{"id": TEST_GROUP_ID}, {"id": TEST_GROUP_TWIN_ID}]
    assert [node["groups"]["nodes"] for node in nodes] == [twins] * 3
    assert supergraph.requests() == before + 1
    assert len(supergraph.calls()) == len(ids)


def test_groups_that_another_subgraph_names(supergraph: Supergraph) -> None:
    """Groups by key arrive in one request and are one search."""
    before = supergraph.requests()
    bookmarks = supergraph.data(BOOKMARKS, ids=SEED_GROUP_IDS)["practitioner"]["bookmarks"]
    assert [each["id"] for each in bookmarks] == list(SEED_GROUP_IDS)
    assert bookmarks[0]["name"] == "Test Group"
    assert supergraph.requests() == before + 1
    assert len(supergraph.calls()) == 1


def test_a_group_that_is_gone(supergraph: Supergraph) -> None:
    """A group that another subgraph still names is empty, and takes no other with it."""
    ids = [TEST_GROUP_ID, "no-such-group"]
    bookmarks = supergraph.data(BOOKMARKS, ids=ids)["practitioner"]["bookmarks"]
    assert [each["name"] for each in bookmarks] == ["Test Group", None]


def test_a_write_and_what_it_shows(supergraph: Supergraph) -> None:
    """A write goes through the supergraph, and its answer crosses into the other subgraph."""
    mutation = """mutation ($input: RemoveGroupMembersInput!) {
      removeGroupMembers(input: $input) {
        group { quantity member { entity { resource { ... on Patient { name } } } } }
        issues { code }
      }
    }"""
    leaving = {"groupId": TEST_GROUP_ID, "members": [{"reference": f"Patient/{SEED_PATIENT_ID}"}]}
    payload = supergraph.data(mutation, input=leaving)["removeGroupMembers"]
    assert payload["issues"] == []
    assert payload["group"]["quantity"] == 2
    assert all(m["entity"]["resource"]["name"] for m in payload["group"]["member"])


def test_an_error_of_ours(supergraph: Supergraph) -> None:
    """The gateway decides by the caller's token. Its error keeps code and path, and the patient."""
    query = """query ($id: ID!) {
      patient(id: $id) { name groups { totalCount } }
      practitioner(id: "1") { name }
    }"""
    answer = supergraph(query, token=None, id=SEED_PATIENT_ID)
    assert answer["data"] == {
        "patient": {"name": f"Name of {SEED_PATIENT_ID}", "groups": None},
        "practitioner": {"name": "Name of 1"},
    }
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["path"] == ["patient", "groups"]
    assert supergraph.calls() == []


def test_data_types_of_both_subgraphs(supergraph: Supergraph) -> None:
    """A Reference has the fields of FHIR R4 wherever it comes from, and an Identifier leads on."""
    query = """query ($id: ID!, $group: ID!) {
      patient(id: $id) { managingOrganization { reference display identifier { value } } }
      group(id: $group) {
        identifier { value assigner { reference display identifier { value } } }
        managingEntity { reference display identifier { value } }
      }
    }"""
    data = supergraph.data(query, id=SEED_PATIENT_ID, group=RICH_GROUP_ID)
    clinic = {"reference": "Organization/1", "display": "Clinic", "identifier": {"value": "1"}}
    assert data["patient"]["managingOrganization"] == clinic
    assert data["group"]["managingEntity"]["reference"]
    assert data["group"]["identifier"][0]["assigner"]["display"]


def test_what_relay_reads_again(supergraph: Supergraph) -> None:
    """The fields of `@refetchable` fragments are in the supergraph, and cross as others do."""
    query = """query ($id: ID!, $group: ID!) {
      fetch__Group(id: $group) { name }
      fetch__Patient(id: $id) { name groups { nodes { name } } }
    }"""
    data = supergraph.data(query, id=SEED_PATIENT_ID, group=TEST_GROUP_ID)
    assert data["fetch__Group"] == {"name": "Test Group"}
    groups = {"nodes": [{"name": "Test Group"}] * 2}
    assert data["fetch__Patient"] == {"name": f"Name of {SEED_PATIENT_ID}", "groups": groups}
