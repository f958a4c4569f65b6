"""The page and its assets, as HTTP answers."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from group_gateway.http.graphiql import GraphiQL


def client(graphiql: GraphiQL, path: str = "/graphql") -> httpx.AsyncClient:
    """Return a client of an app that serves this GraphiQL alone."""

    async def page(_: Request) -> Response:
        return graphiql.page()

    app = Starlette(routes=[*graphiql.routes(), Route(path, page)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of GraphiQL as it is without a token."""
    async with client(GraphiQL()) as browser:
        yield browser


async def asset_paths(browser: httpx.AsyncClient) -> list[str]:
    """Return the addresses that the page refers to."""
    page = await browser.get("/graphql")
    return [str(page.url.join(path)) for path in re.findall(r'(?:href|src)="(.*?)"', page.text)]


async def test_page_is_locked_down(browser: httpx.AsyncClient) -> None:
    """The page may load from its own host only, and must not be framed, opened or cached."""
    page = await browser.get("/graphql")
    assert page.status_code == httpx.codes.OK
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Vary"] == "Accept"


async def test_page_names_no_other_host(browser: httpx.AsyncClient) -> None:
    """The page refers to its own host alone, and to three assets there."""
    page = await browser.get("/graphql")
    assert "//" not in page.text
    assert len(await asset_paths(browser)) == 3


@pytest.mark.parametrize("token", [None, "sandbox", "</script><script>alert(1)</script>"])
async def test_page_carries_the_token(token: str | None) -> None:
    """The token reaches the page as data, whatever is in it."""
    async with client(GraphiQL(token=token)) as browser:
        page = await browser.get("/graphql")
    config = re.search(r'<script type="application/json" id="config">(.*?)</script>', page.text)
    assert config
    assert json.loads(config[1]) == {"token": token, "subscriptions": False, "fhir": None}


async def test_assets_lie_below_any_endpoint() -> None:
    """The assets follow the endpoint's path."""
    async with client(GraphiQL("/api/v1/gql"), "/api/v1/gql") as browser:
        page = await browser.get("/api/v1/gql")
        script = re.search(r'src="(.*?)"', page.text)
        assert script
        asset = await browser.get(str(page.url.join(script[1])))
    assert asset.url.path.startswith("/api/v1/gql/assets/")
    assert asset.status_code == httpx.codes.OK


async def test_assets_may_be_kept_for_ever(browser: httpx.AsyncClient) -> None:
    """Each asset has its type, may not be sniffed, and never changes under its name."""
    assets = [await browser.get(path) for path in await asset_paths(browser)]
    assert [asset.headers["Content-Type"] for asset in assets] == [
        "image/svg+xml",
        "text/css; charset=utf-8",
        "text/javascript; charset=utf-8",
    ]
    for asset in assets:
        assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert asset.headers["X-Content-Type-Options"] == "nosniff"
        assert asset.headers["Vary"] == "Accept-Encoding"


async def test_assets_are_compressed_on_demand(browser: httpx.AsyncClient) -> None:
    """A client that takes gzip gets fewer bytes of the same content, under an ETag of their own."""
    for path in await asset_paths(browser):
        plain = await browser.get(path, headers={"Accept-Encoding": "identity"})
        async with browser.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as zipped:
            raw = b"".join([part async for part in zipped.aiter_raw()])
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert len(raw) < len(plain.content)
        assert gzip.decompress(raw) == plain.content
        assert zipped.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip;q=0", None), ("br, *;q=0", None), ("br, *", "gzip"), ("GZIP;q=.5", "gzip"), ("", None)],
)
async def test_assets_as_the_client_takes_them(
    browser: httpx.AsyncClient, accepted: str, coding: str | None
) -> None:
    """A client that excludes gzip gets no gzip (RFC 9110, section 12.5.3)."""
    path, *_ = await asset_paths(browser)
    asset = await browser.get(path, headers={"Accept-Encoding": accepted})
    assert asset.headers.get("Content-Encoding") == coding


async def test_assets_are_not_sent_twice(browser: httpx.AsyncClient) -> None:
    """A matching ETag gets a 304."""
    path, *_ = await asset_paths(browser)
    first = await browser.get(path)
    second = await browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == httpx.codes.NOT_MODIFIED
    assert second.content == b""
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("name", ["manifest.json", "main.js", "..%2Fgraphiql.py", "%2e%2e"])
async def test_nothing_else_is_served(browser: httpx.AsyncClient, name: str) -> None:
    """Only what the page refers to can be had."""
    answer = await browser.get(f"/graphql/assets/{name}")
    assert answer.status_code == httpx.codes.NOT_FOUND


async def test_a_checkout_that_was_never_built_says_so(tmp_path: Path) -> None:
    """Without assets the page says how to build them, under the same policy."""
    async with client(GraphiQL(built=tmp_path)) as browser:
        page = await browser.get("/graphql")
    assert page.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "pip install -e ." in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


async def test_whoever_asks_for_no_path_is_shown_the_way(browser: httpx.AsyncClient) -> None:
    """A relative one, which no Host header can turn elsewhere."""
    answer = await browser.get("/", headers={"host": "elsewhere.test"})
    assert (answer.status_code, answer.headers["location"]) == (302, "graphql")
