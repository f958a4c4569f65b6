"""Probes: `/livez` has no dependencies, `/readyz` checks whether the upstream ever responded."""

import asyncio
from typing import Any

import httpx
import pytest

from frontdoor import opened
from gateway.canned import Reply
from group_gateway.app import create_app
from group_gateway.config import Settings


class Metadata(httpx.AsyncBaseTransport):
    """An upstream that sends one response to everything, or fails; records requests."""

    def __init__(self, answer: Reply | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer.response()


async def probe(path: str, upstream: Metadata, times: int = 1) -> list[httpx.Response]:
    """Probe a gateway `times` times at once."""
    app = create_app(Settings(upstream_url="http://upstream.test"), transport=upstream)
    async with opened(app) as gateway:
        return await asyncio.gather(*(gateway.http.get(path) for _ in range(times)))


STATEMENT = Reply(200, {"resourceType": "CapabilityStatement"})
ANSWERS: dict[str, tuple[Any, int]] = {
    "a statement": (STATEMENT, 200),
    "no word to strangers": (Reply(401), 200),
    "no such address": (Reply(404, b"<html>"), 200),
    "too many requests": (Reply(429), 200),
    "a failure": (Reply(503, b"secret"), 503),
    "a timeout": (Reply(504), 503),
    "no connection": (httpx.ConnectError("secret"), 503),
    "silence": (httpx.ReadTimeout("secret"), 503),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_ready_means_that_the_upstream_answers(name: str) -> None:
    """At first: an upstream that fails or is silent may be the wrong one."""
    answer, status = ANSWERS[name]
    upstream = Metadata(answer)
    [response] = await probe("/readyz", upstream)
    assert response.status_code == status
    assert "secret" not in response.text
    [request] = upstream.requests
    assert request.url == "http://upstream.test/metadata"
    assert "authorization" not in request.headers


async def test_an_outage_is_told_and_makes_nobody_unready() -> None:
    """After the first response, later failures and open breakers are in the probe's body."""
    upstream = Metadata(STATEMENT)
    settings = Settings(upstream_url="http://upstream.test", upstream_retries=0)
    app = create_app(settings, transport=upstream)
    headers = {"authorization": "Bearer sandbox"}
    async with opened(app) as gateway:

        async def told() -> dict[str, Any]:
            response = await gateway.http.get("/readyz")
            assert response.status_code == 200
            body: dict[str, Any] = response.json()
            return body

        assert await told() == {"status": "ok", "upstream": "ok", "breakersOpen": []}
        upstream.answer = Reply(503, b"secret")
        for number in range(12):
            asked = {"query": f'{{ group(id: "{number}") {{ id }} }}'}
            await gateway.http.post("/graphql", json=asked, headers=headers)
        outage = {"status": "ok", "upstream": "UPSTREAM_UNAVAILABLE", "breakersOpen": ["read"]}
        async with asyncio.timeout(30):
            while await told() != outage:  # noqa: ASYNC110 - known for a second
                await asyncio.sleep(0.02)


async def test_many_probes_are_one_question() -> None:
    """However many probes come at once, the upstream is asked once."""
    upstream = Metadata(STATEMENT)
    responses = await probe("/readyz", upstream, times=20)
    assert {response.status_code for response in responses} == {200}
    assert len(upstream.requests) == 1


async def test_alive_without_an_upstream() -> None:
    """A gateway whose upstream is gone is alive all the same."""
    upstream = Metadata(httpx.ConnectError("gone"))
    [response] = await probe("/livez", upstream)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert upstream.requests == []
