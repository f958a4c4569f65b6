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
    """Return a gateway that pages of two sites may ask."""
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


SDK_HEADERS = (
    "apollographql-client-name, apollographql-client-version, baggage, sentry-trace,"
    " x-datadog-trace-id, x-request-id, if-none-match, newrelic"
)


def preflight(origin: str, headers: str = "authorization", **more: str) -> dict[str, str]:
    """Return the headers of a preflight."""
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": headers,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


async def test_headers_that_sdks_add(friendly: Gateway) -> None:
    """A page of an allowed origin may send any header; its preflight is valid for two hours."""
    asking = preflight(FRIEND, SDK_HEADERS)
    response = await friendly.http.options("/graphql", headers=asking)
    assert response.headers["access-control-allow-headers"] == SDK_HEADERS
    assert response.headers["access-control-max-age"] == "7200"
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    vary = response.headers["vary"].lower().split(", ")
    assert {"origin", "access-control-request-headers"} <= set(vary)


async def test_headers_that_a_setting_lists(make_gateway: Any) -> None:
    """Where a setting lists the headers, pages may send those and what GraphQL needs."""
    gateway = await make_gateway(cors_origins=FRIEND, cors_headers="X-Request-Id, baggage")
    response = await gateway.http.options("/graphql", headers=preflight(FRIEND, SDK_HEADERS))
    allowed = set(response.headers["access-control-allow-headers"].split(", "))
    assert {"x-request-id", "baggage", "authorization", "content-type"} <= allowed
    assert "sentry-trace" not in allowed


async def test_a_preflight_from_a_public_site_to_a_private_network(friendly: Gateway) -> None:
    """A preflight for access to a private network is allowed."""
    asking = preflight(FRIEND, access_control_request_private_network="true")
    response = await friendly.http.options("/graphql", headers=asking)
    assert response.headers["access-control-allow-private-network"] == "true"
    response = await friendly.http.options("/graphql", headers=preflight(FRIEND))
    assert "access-control-allow-private-network" not in response.headers


async def test_headers_that_pages_may_read(friendly: Gateway) -> None:
    """An allowed page may read the id, the entity tag, and when to come back; caches learn why."""
    response = await get(friendly, {"origin": FRIEND})
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"x-correlation-id", "etag", "retry-after"} <= set(exposed)
    assert "Origin" in response.headers["vary"].split(", ")


ORIGINS = (
    "capacitor://localhost, tauri://localhost, ionic://localhost, chrome-extension://abcdef,"
    " moz-extension://*, vscode-webview://1a2b, https://*.preview.example.com,"
    " https://*--site.netlify.app, https://app-*.example.com, http://localhost:*,"
    " https://Default.example:443, http://[::1]:3000"
)


@pytest.mark.parametrize(
    "origin",
    [
        "capacitor://localhost",
        "tauri://localhost",
        "ionic://localhost",
        "chrome-extension://abcdef",
        "moz-extension://0a1b2c3d-1111-2222-3333-444455556666",
        "vscode-webview://1a2b",
        "https://pr-12.preview.example.com",
        "https://deploy-preview-7--site.netlify.app",
        "https://app-7.example.com",
        "http://localhost:5173",
        "http://localhost",
        "https://default.example",
        "http://[::1]:3000",
    ],
)
async def test_origins_of_apps_and_previews(make_gateway: Any, origin: str) -> None:
    """Web views, extensions and preview deployments may be named, also by patterns."""
    gateway = await make_gateway(cors_origins=ORIGINS)
    response = await gateway.http.options("/graphql", headers=preflight(origin))
    assert response.headers["access-control-allow-origin"] == origin
    assert (await get(gateway, {"origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "capacitor://evil",
        "chrome-extension://other",
        "https://preview.example.com",
        "https://a.b.preview.example.com",
        "https://pr-12.preview.example.com.evil.example",
        "https://evil.example/.preview.example.com",
        "https://evil.example#.preview.example.com",
        "https://evil.example@pr.preview.example.com",
        "http://pr-12.preview.example.com",
        "https://pr-12.preview.example.com:8443",
        "https://prxpreview.example.com",
        "https://app-.evil.example.com",
        "https://site.netlify.app",
        "http://localhost:evil.example",
        "http://localhost.evil.example:80",
        "https://default.example:443",
        "",
    ],
)
async def test_origins_that_only_look_alike(make_gateway: Any, origin: str) -> None:
    """A pattern stands for one label of a host, and for nothing around it."""
    gateway = await make_gateway(cors_origins=ORIGINS)
    response = await gateway.http.options("/graphql", headers=preflight(origin))
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


async def test_a_page_that_asks_at_the_wrong_path(make_gateway: Any) -> None:
    """A page of an allowed origin can read that the endpoint is elsewhere."""
    gateway = await make_gateway(cors_origins="https://app.example")
    asked = await gateway.http.options("/graphql/", headers=preflight("https://app.example"))
    assert asked.status_code == 200
    response = await gateway.http.post("/graphql/", headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert "GraphQL is at /graphql." in response.json()["errors"][0]["message"]


async def test_pages_without_an_origin(make_gateway: Any) -> None:
    """Sandboxed frames and local files have the origin null, which only its name allows."""
    gateway = await make_gateway(cors_origins="null")
    response = await gateway.http.options("/graphql", headers=preflight("null"))
    assert response.headers["access-control-allow-origin"] == "null"


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ({"x-forwarded-host": "public.example"}, 200),
        ({"x-forwarded-host": "public.example, inner", "x-forwarded-proto": "https"}, 200),
        ({"forwarded": 'for=192.0.2.1;host="public.example";proto=https'}, 200),
        ({"forwarded": "for=192.0.2.1;Host=public.example;proto=https, host=inner"}, 200),
        ({"x-forwarded-host": "public.example", "x-forwarded-proto": "wss"}, 200),
        ({"x-forwarded-host": "Public.Example:443", "x-forwarded-proto": "HTTPS"}, 200),
        ({"x-forwarded-host": "public.example:443"}, 200),
        ({"forwarded": 'host="public.example:443";proto=https'}, 200),
        ({"x-forwarded-host": "public.example:8443", "x-forwarded-proto": "https"}, 403),
        ({"x-forwarded-host": "public.example:80", "x-forwarded-proto": "https"}, 403),
        ({"x-forwarded-host": "public.example", "x-forwarded-proto": "ws"}, 403),
        ({"x-forwarded-host": "public.example", "x-forwarded-proto": "http"}, 403),
        ({"x-forwarded-host": "other.example"}, 403),
        ({"forwarded": "nonsense"}, 403),
        pytest.param({"forwarded": "a" * 600_000}, 403, id="a word that would take an hour"),
        ({}, 403),
    ],
    ids=str,
)
async def test_a_proxy_that_sends_another_host(
    make_gateway: Any, forwarded: dict[str, str], status: int
) -> None:
    """Only a trusted proxy's forwarded host counts as the gateway's own."""
    page = {"origin": "https://public.example", **forwarded}
    for proxies in ("127.0.0.1", "10.0.0.1, 127.0.0.0/8", "*"):
        gateway = await make_gateway(trusted_proxies=proxies)
        assert (await get(gateway, page)).status_code == status
    for proxies in ("", "10.0.0.0/8, ::1"):
        gateway = await make_gateway(trusted_proxies=proxies)
        assert (await get(gateway, page)).status_code == 403


@pytest.mark.parametrize("host", ["public.example:443", "Public.Example", "public.example:80"])
async def test_a_proxy_that_names_the_usual_port(gateway: Gateway, host: str) -> None:
    """A Host with the port that a scheme has anyway is the origin that a browser writes without."""
    assert (await get(gateway, {"origin": "https://public.example", "host": host})).is_success
    other = {"origin": "https://public.example", "host": "public.example:8443"}
    assert (await get(gateway, other)).status_code == 403


async def test_a_browser_that_says_the_page_is_the_gateways_own(gateway: Gateway) -> None:
    """A browser knows which address a page asked for, though a proxy sends another Host."""
    page = {"origin": "https://public.example", "sec-fetch-site": "same-origin"}
    assert (await get(gateway, page)).status_code == 200
