"""`viewer`: who asks, by the `fhirUser` of a token that the gateway has verified."""

import re
from pathlib import Path

import pytest

from group_gateway.sandbox.wellknown import SEED_PATIENT_ID, TEST_GROUP_ID, TEST_GROUP_TWIN_ID
from identity.asking import code
from identity.issuer import signed

VIEWER = """query ($filter: GroupFilter, $after: String) {
  viewer {
    reference
    groups(filter: $filter, first: 1, after: $after) {
      nodes { id } totalCount pageInfo { hasNextPage endCursor }
    }
  }
}"""
PAGE = (Path(__file__).parents[2] / "docs" / "care-team.md").read_text()
PATIENT = f"Patient/{SEED_PATIENT_ID}"


@pytest.fixture
async def gateway(open_gateway, service, issuer_url):
    """Return a gateway that knows its callers by JWT, in front of a service account."""
    return await open_gateway(
        callers="jwt",
        jwt_issuer="https://issuer.test/",
        jwt_audience="https://gateway.test",
        jwt_keys_url=f"{issuer_url}/keys",
        **service,
    )


async def test_pages_through_the_groups_of_who_asks(gateway):
    """The reference is the claim's, and the groups are those that have it as a member."""
    token = signed(fhirUser=PATIENT)
    first = (await gateway.data(VIEWER, token=token))["viewer"]
    assert first["reference"] == PATIENT
    assert first["groups"]["totalCount"] == 2
    after = first["groups"]["pageInfo"]["endCursor"]
    second = (await gateway.data(VIEWER, token=token, after=after))["viewer"]["groups"]
    ids = [node["id"] for node in first["groups"]["nodes"] + second["nodes"]]
    assert ids == [TEST_GROUP_ID, TEST_GROUP_TWIN_ID]
    assert second["pageInfo"]["hasNextPage"] is False


async def test_filters_them(gateway):
    """A filter holds beside the membership."""
    token = signed(fhirUser=PATIENT)
    for name, found in (("test", 2), ("nothing like it", 0)):
        wanted = {"name": {"contains": name}}
        shown = await gateway.data(VIEWER, token=token, filter=wanted)
        assert shown["viewer"]["groups"]["totalCount"] == found


async def test_an_absolute_reference_to_the_upstream(gateway, upstream_url):
    """`fhirUser` is an absolute URL at many issuers; the upstream's own is shown as relative."""
    shown = await gateway.data(VIEWER, token=signed(fhirUser=f"{upstream_url}/{PATIENT}"))
    assert shown["viewer"]["reference"] == PATIENT
    assert shown["viewer"]["groups"]["totalCount"] == 2


async def test_somebody_of_another_server(gateway):
    """The same id at another server is another person."""
    elsewhere = f"https://elsewhere.test/fhir/{PATIENT}"
    shown = await gateway.data(VIEWER, token=signed(fhirUser=elsewhere))
    assert shown["viewer"]["reference"] == elsewhere
    assert shown["viewer"]["groups"]["nodes"] == []


@pytest.mark.parametrize("claim", [None, "ada", 7, "Patient/", ["Patient/1"]])
async def test_a_token_that_does_not_say(gateway, claim):
    """Without a reference in the claim the viewer is null, and that is no error."""
    assert await gateway.data(VIEWER, token=signed(fhirUser=claim)) == {"viewer": None}


async def test_two_people_of_one_subject(gateway):
    """Equal subjects with another `fhirUser` share no answer."""
    for person in (PATIENT, "Practitioner/1", PATIENT):
        shown = await gateway.data("{ viewer { reference } }", token=signed(fhirUser=person))
        assert shown["viewer"]["reference"] == person


async def test_a_token_that_is_passed_on_unread(open_gateway):
    """Where the upstream alone knows its callers the viewer is null; without a token an error."""
    gateway = await open_gateway()
    assert await gateway.data("{ viewer { reference } }") == {"viewer": None}
    answer = (
        await gateway.http.post("/graphql", json={"query": "{ viewer { reference } }"})
    ).json()
    assert (answer["data"], code(answer)) == ({"viewer": None}, "UNAUTHENTICATED")


async def test_the_query_of_the_documentation(gateway):
    """My teams, as docs/care-team.md has them."""
    parts = dict(re.findall(r"const (\w+) = `(.*?)`;", PAGE, re.DOTALL))
    query = parts["MY_TEAMS"].replace("${TEAM_FIELDS}", parts["TEAM_FIELDS"])
    shown = (await gateway.data(query, token=signed(fhirUser=PATIENT), filter={}))["viewer"]
    assert (shown["reference"], len(shown["groups"]["nodes"])) == (PATIENT, 2)
