"""No credential, no upstream call; and what a request without one may still ask."""

import asyncio
from typing import Any

import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import SEED_GROUP_IDS, SEED_PATIENT_ID, TEST_GROUP_ID

REQUESTS = {
    "group": f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}',
    "groups": "{ groups { nodes { id } totalCount } }",
    "groups by id": f'{{ groups(filter: {{id: ["{TEST_GROUP_ID}"]}}) {{ nodes {{ id }} }} }}',
    "groups by patient": f'{{ groups(filter: {{patient: "{SEED_PATIENT_ID}"}}) {{ totalCount }} }}',
    "_entities": f"""{{ _entities(representations: [
        {{__typename: "Group", id: "{TEST_GROUP_ID}"}}
        {{__typename: "Patient", id: "{SEED_PATIENT_ID}"}}
    ]) {{ ... on Group {{ name }} ... on Patient {{ groups {{ totalCount }} }} }} }}""",
    "createGroup": 'mutation { createGroup(input: {type: PERSON, name: "x"}) { group { id } } }',
    "updateGroup": f"""mutation {{
        updateGroup(input: {{id: "{TEST_GROUP_ID}", name: "x"}}) {{ group {{ id }} }} }}""",
    "addGroupMembers": f"""mutation {{ addGroupMembers(input: {{
        groupId: "{TEST_GROUP_ID}", members: [{{reference: "Patient/1"}}]
    }}) {{ group {{ id }} }} }}""",
    "removeGroupMembers": f"""mutation {{ removeGroupMembers(input: {{
        groupId: "{TEST_GROUP_ID}", members: [{{reference: "Patient/1"}}]
    }}) {{ group {{ id }} }} }}""",
    "setGroupResponsibilities": f"""mutation {{ setGroupResponsibilities(input: {{
        groupId: "{TEST_GROUP_ID}", responsibilities: []}}) {{ group {{ id }} }} }}""",
}


async def ask(gateway: Gateway, query: str, **headers: str) -> Any:
    """Send a request with these headers and no others."""
    response = await gateway.http.post("/graphql", json={"query": query}, headers=headers)
    return response.json()


def codes(answer: Any) -> set[str]:
    """Return the codes of an answer's errors."""
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


@pytest.mark.parametrize("name", REQUESTS)
async def test_nothing_is_read_or_written_without_a_token(
    gateway: Gateway, sandbox: Any, name: str
) -> None:
    """A request without a token is UNAUTHENTICATED, without an upstream call."""
    answer = await ask(gateway, REQUESTS[name])
    assert codes(answer) == {"UNAUTHENTICATED"}
    assert len(sandbox.app.state.sandbox.requests.entries) == 0


@pytest.mark.parametrize(
    "authorization",
    [
        "sandbox",
        "Bearer",
        "Bearer ",
        "Basic c2FuZGJveDpzYW5kYm94",
        "Bearer sand box",
        "Bearer sandbox, Bearer other",
        "Bearer sand\tbox",
        "Bearersandbox",
        "",
    ],
)
async def test_a_credential_that_is_no_bearer_token_is_none(
    gateway: Gateway, sandbox: Any, authorization: str
) -> None:
    """A header that does not hold one bearer token counts as none; it never goes upstream."""
    answer = await ask(gateway, REQUESTS["group"], authorization=authorization)
    assert codes(answer) == {"UNAUTHENTICATED"}
    assert sandbox.calls == []


@pytest.mark.parametrize("token", [b"s\xc3\xa4ndbox", b"sand\x7fbox", b"sandbox\xff"])
async def test_a_token_of_other_than_visible_ascii_is_none(
    gateway: Gateway, sandbox: Any, token: bytes
) -> None:
    """A token that a header may not contain (RFC 6750) is not passed on."""
    response = await gateway.http.post(
        "/graphql",
        json={"query": REQUESTS["group"]},
        headers=[(b"authorization", b"Bearer " + token)],
    )
    assert codes(response.json()) == {"UNAUTHENTICATED"}
    assert sandbox.calls == []


async def test_the_scheme_is_case_insensitive(gateway: Gateway) -> None:
    """`bearer` is as good as `Bearer` (RFC 9110, section 11.1)."""
    answer = await ask(gateway, REQUESTS["group"], authorization="bearer sandbox")
    assert answer["data"]["group"]["id"] == TEST_GROUP_ID


async def test_a_token_that_the_upstream_refuses(gateway: Gateway) -> None:
    """The upstream's 401 is UNAUTHENTICATED too, with what the upstream said."""
    answer = await gateway(REQUESTS["group"], token="expired")
    assert answer["data"] == {"group": None}
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["extensions"]["operationOutcome"]["issue"][0]["code"] == "unknown"
    assert error["extensions"]["correlationId"]
    assert "expired" not in str(answer)


@pytest.mark.parametrize(
    "query",
    [
        "{ __typename }",
        "{ __schema { queryType { name } types { name } } }",
        '{ __type(name: "Group") { fields { name } } }',
        "{ _service { sdl } }",
    ],
)
async def test_the_schema_needs_no_token(gateway: Gateway, sandbox: Any, query: str) -> None:
    """`__typename`, introspection and the subgraph's SDL are for everybody."""
    answer = await ask(gateway, query)
    assert "errors" not in answer
    assert sandbox.calls == []


async def test_fields_that_need_no_token_stand(gateway: Gateway) -> None:
    """The rest of a request is answered beside a field that needs a token."""
    answer = await ask(gateway, f'{{ __typename group(id: "{TEST_GROUP_ID}") {{ id }} }}')
    assert answer["data"] == {"__typename": "Query", "group": None}


async def test_an_unauthenticated_write_does_not_block_the_others(gateway: Gateway) -> None:
    """A write without a token is refused at once, and blocks no other write."""
    await asyncio.gather(*(ask(gateway, REQUESTS["updateGroup"]) for _ in range(5)))
    answer = await gateway(REQUESTS["updateGroup"])
    assert answer["data"]["updateGroup"]["group"]["id"] == TEST_GROUP_ID


async def test_an_open_upstream_may_be_asked_without_a_token(
    make_gateway: Any, sandbox: Any
) -> None:
    """With `allow_anonymous` the request goes upstream without a credential."""
    gateway = await make_gateway(allow_anonymous=True)
    answer = await ask(gateway, REQUESTS["group"])
    assert codes(answer) == {"UNAUTHENTICATED"}  # the sandbox itself is not open
    assert sandbox.calls == [f"GET /Group/{TEST_GROUP_ID}"]


async def test_a_wrong_credential_is_not_taken_for_none(make_gateway: Any, sandbox: Any) -> None:
    """A malformed credential is an error, also where none is needed."""
    gateway = await make_gateway(allow_anonymous=True)
    assert codes(await ask(gateway, REQUESTS["group"], authorization="Basic x")) == {
        "UNAUTHENTICATED"
    }
    assert sandbox.calls == []


async def test_tokens_see_their_own_groups(gateway: Gateway) -> None:
    """What one token was shown is not shown to another that may not see it."""
    query = "query ($ids: [ID!]) { groups(filter: {id: $ids}) { nodes { id } } }"
    everything = await gateway.data(query, ids=list(SEED_GROUP_IDS))
    half = await gateway.data(query, token="sandbox-other", ids=list(SEED_GROUP_IDS))
    seen = {node["id"] for node in half["groups"]["nodes"]}
    assert seen < {node["id"] for node in everything["groups"]["nodes"]}
    assert all(int(id[0], 16) % 2 == 0 for id in seen)
