"""Pages of other sites: what a visitor's browser may send for them, and what they get to see."""

from typing import Any

import httpx
import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

FRIEND = "https://app.example"
STRANGER = "https://evil.example"
BEARER = {"authorization": "Bearer sandbox"}
READ = {"query": f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'}
NAMED = {"data": {"group": {"name": "Test Group"}}}


async def get(gateway: Gateway, headers: dict[str, str]) -> httpx.Response:
    """Send a query by GET."""
    return await gateway.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": STRANGER},
        {"sec-fetch-site": "cross-site", "content-type": "text/plain"},
        {"origin": STRANGER},
        {"origin": "null"},
        {"origin": "http://["},
    ],
    ids=str,
)
async def test_a_get_that_another_site_sends(gateway: Gateway, headers: dict[str, str]) -> None:
    """A GET that a browser sends for another site without asking is refused."""
    response = await get(gateway, headers)
    [error] = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (403, "CROSS_SITE_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://gateway.test"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "apollo-require-preflight": "true"},
        {"sec-fetch-site": "cross-site", "x-apollo-operation-name": "x"},
        {"sec-fetch-site": "cross-site", "content-type": "application/json; charset=utf-8"},
        {"sec-fetch-site": "cross-site", "origin": STRANGER, **BEARER},
        {"origin": "https://gateway.test"},
    ],
    ids=str,
)
async def test_a_get_that_is_no_other_sites(gateway: Gateway, headers: dict[str, str]) -> None:
    """Programs, the gateway's own page, and what a browser must ask for first, are answered."""
    assert (await get(gateway, headers)).json() == {"data": {"__typename": "Query"}}


async def test_no_origin_is_allowed_unless_told(gateway: Gateway) -> None:
    """By default a browser's question is answered with no permission, and no answer shown."""
    asking = {"origin": FRIEND, "access-control-request-method": "POST"}
    preflight = await gateway.http.options("/graphql", headers=asking)
    answer = await gateway.http.post("/graphql", json=READ, headers={**BEARER, "origin": FRIEND})
    for response in (preflight, answer):
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.fixture
async def friendly(make_gateway: Any) -> Gateway:
    """Give a gateway that pages of two sites may ask."""
    made: Gateway = await make_gateway(cors_origins=f"{FRIEND}, http://localhost:3000")
    return made


async def test_a_preflight_of_an_allowed_origin(friendly: Gateway) -> None:
    """An allowed site's page may send POSTs with a token, and nothing that would need a cookie."""
    asking = {
        "origin": FRIEND,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    response = await friendly.http.options("/graphql", headers=asking)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == FRIEND
    allowed = response.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type"} <= set(allowed.split(", "))
    assert "access-control-allow-credentials" not in response.headers
    asking["origin"] = STRANGER
    response = await friendly.http.options("/graphql", headers=asking)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


async def test_answers_for_an_allowed_origin(friendly: Gateway) -> None:
    """Its pages see answers, refusals and correlation ids; another's, and no other path, do not."""
    for _ in range(2):  # the second one is ready, and made for nobody's browser
        for origin, seen in ((FRIEND, FRIEND), (STRANGER, None), ("http://localhost:3000",) * 2):
            headers = {**BEARER, "origin": origin}
            response = await friendly.http.post("/graphql", json=READ, headers=headers)
            assert response.json() == NAMED
            assert response.headers.get("access-control-allow-origin") == seen
    refused = await friendly.http.post("/graphql", content="", headers={"origin": FRIEND})
    assert refused.status_code == 415
    assert refused.headers["access-control-allow-origin"] == FRIEND
    assert "x-correlation-id" in refused.headers["access-control-expose-headers"]
    got = await get(friendly, {"origin": FRIEND, "sec-fetch-site": "cross-site"})
    assert got.headers["access-control-allow-origin"] == FRIEND
    probe = await friendly.http.get("/metrics", headers={"origin": FRIEND})
    assert "access-control-allow-origin" not in probe.headers
    plain = await friendly.http.post("/graphql", json=READ, headers=BEARER)
    assert "access-control-allow-origin" not in plain.headers
