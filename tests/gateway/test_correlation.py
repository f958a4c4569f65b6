"""The correlation id: every answer has one of its own, which its errors name."""

from typing import Any

import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

BEARER = {"authorization": "Bearer sandbox"}
READ = {"query": f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'}
PATHS = ["/graphql", "/livez", "/readyz", "/metrics", "/graphql/assets/none", "/nowhere"]


def is_id(text: str) -> bool:
    """Tell whether this is 32 hexadecimal digits."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


async def test_each_answer_has_an_id_of_its_own(gateway: Gateway) -> None:
    """Also an answer that was ready, and what is not GraphQL, bears a new id."""
    posts = [await gateway.http.post("/graphql", json=READ, headers=BEARER) for _ in range(3)]
    gets = [await gateway.http.get(path) for path in PATHS]
    gets.append(await gateway.http.get("/graphql", params=READ, headers=BEARER))
    ids = [response.headers["x-correlation-id"] for response in (*posts, *gets)]
    assert all(map(is_id, ids))
    assert len(set(ids)) == len(ids)
    assert posts[2].json() == posts[0].json()


async def test_errors_name_the_answer(gateway: Gateway) -> None:
    """The gateway's own errors carry the id of the answer that they are in."""
    for method, parts in (("POST", {"json": {"query": "{"}}), ("GET", {"params": {"query": "{"}})):
        given: Any = parts
        response = await gateway.http.request(method, "/graphql", **given)
        [error] = response.json()["errors"]
        assert error["extensions"]["correlationId"] == response.headers["x-correlation-id"]


@pytest.mark.parametrize("name", ["x-correlation-id", "x-request-id"])
async def test_a_clients_own_id_is_not_taken(gateway: Gateway, name: str) -> None:
    """What a client calls its request could be a patient's id, and is not repeated."""
    headers = {**BEARER, name: "a" * 32}
    response = await gateway.http.post("/graphql", json=READ, headers=headers)
    assert response.headers["x-correlation-id"] != "a" * 32


async def test_headers_of_what_is_not_graphql(gateway: Gateway) -> None:
    """No answer may be kept, sniffed or framed; GraphiQL has a policy of its own."""
    for path in PATHS:
        headers = (await gateway.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY" or path == "/graphql"
        assert headers["cache-control"] == "no-store"
    page = await gateway.http.get("/graphql", headers={"accept": "text/html"})
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src")
    probe = await gateway.http.get("/livez")
    policy = "default-src 'none'; frame-ancestors 'none'"
    assert probe.headers["content-security-policy"] == policy
    assert probe.headers["referrer-policy"] == "no-referrer"
