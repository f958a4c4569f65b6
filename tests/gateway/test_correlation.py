"""The correlation id: every answer has one of its own, which its errors name."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdoor import Gateway, opened
from gateway.canned import Canned, Reply, outcome
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

BEARER = {"authorization": "Bearer sandbox"}
READ = {"query": f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'}
PATHS = ["/graphql", "/livez", "/readyz", "/metrics", "/graphql/assets/none", "/nowhere"]


def is_id(text: str) -> bool:
    """Return whether this is 32 hexadecimal digits."""
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


CLIENT = {
    "apollographql-client-name": "care-app",
    "apollographql-client-version": "1.2.3",
    "x-request-id": "abc-1",
}
NAMED = {"query": f'query Named {{ group(id: "{TEST_GROUP_ID}") {{ name }} }}'}
CREATE = {
    "query": """mutation Make { createGroup(input: {name: "x", type: PERSON}) {
        issues { code } } }"""
}


def records(file: Path) -> list[Any]:
    """Return the records of an audit log."""
    return [json.loads(line) for line in file.read_text().splitlines()]


async def recorded(
    upstream: Canned, body: Any, caplog: Any, file: Path, headers: Any
) -> tuple[httpx.Response, Any, Any]:
    """Send a request; return the response, and its records in log and audit log."""
    settings = Settings(
        upstream_url="http://upstream.test",
        audit_file=str(file),
        cache_ttl=0,
        upstream_retries=0,
        log_requests="all",
    )
    with caplog.at_level("INFO", "group_gateway"):
        async with opened(create_app(settings, transport=upstream)) as gateway:
            response = await gateway.http.post("/graphql", json=body, headers=BEARER | headers)
    [line] = [record for record in caplog.records if hasattr(record, "correlationId")]
    [audit] = records(file)
    return response, vars(line), audit


@pytest.mark.parametrize("body", [NAMED, CREATE], ids=["query", "mutation"])
async def test_one_id_everywhere(
    body: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Header, error, log and audit log name the gateway's id, and beside it the upstream's."""
    upstream = Canned(GET=Reply(500), POST=Reply(500))
    response, line, audit = await recorded(upstream, body, caplog, tmp_path / "audit", CLIENT)
    [error] = response.json()["errors"]
    id = response.headers["x-correlation-id"]
    assert error["extensions"]["upstreamCorrelationId"] == "upstream-7"
    assert error["extensions"]["correlationId"] == id
    for record in (line, audit):
        assert record["correlationId"] == id
        assert record["upstreamCorrelationId"] == "upstream-7"
        assert (record["clientName"], record["clientVersion"]) == ("care-app", "1.2.3")
        assert record["requestId"] == "abc-1"
        assert record["operationName"] in {"Named", "Make"}


async def test_the_upstreams_id_of_a_refused_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that comes back with issues has the upstream's id in its records too."""
    upstream = Canned(POST=Reply(422, outcome()))
    response, line, audit = await recorded(upstream, CREATE, caplog, tmp_path / "audit", {})
    assert response.json()["data"]["createGroup"]["issues"] == [{"code": "invalid"}]
    assert line["upstreamCorrelationId"] == audit["upstreamCorrelationId"] == "upstream-7"
    assert "clientName" not in line


@pytest.mark.parametrize(
    "name",
    ["x-correlation-id", "x-amzn-trace-id", "x-cloud-trace-context", "x-azure-ref", "cf-ray"],
)
async def test_the_id_that_a_balancer_gave(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A request is found by the id that the balancer in front has in its own log."""
    headers = {name: "Root=1-67891233", "traceparent": "00-1-2-01"}
    _, line, audit = await recorded(Canned(), NAMED, caplog, tmp_path / "audit", headers)
    assert line["requestId"] == audit["requestId"] == "Root=1-67891233"


async def test_what_a_client_says_is_bounded_and_escaped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a client calls itself takes 64 printable characters of a line at most."""
    said = {
        "graphql-client-name": b"\xe9\t" + b"x" * 1000,
        "graphql-client-version": b"y" * 1000,
        "x-request-id": b"1\xa0\x80",
    }
    _, line, audit = await recorded(Canned(), NAMED, caplog, tmp_path / "audit", said)
    for record in (line, audit):
        assert record["clientName"].startswith("\\xe9\\txxx")
        assert record["requestId"] == "1\\xa0\\x80"
        for name in ("clientName", "clientVersion"):
            assert len(record[name]) == 64
            assert record[name].isascii()
            assert record[name].isprintable()


async def test_each_client_of_a_ready_answer(
    make_gateway: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A ready answer is logged with the client that was given it."""
    gateway = await make_gateway(log_requests="all")
    with caplog.at_level("INFO", "group_gateway"):
        for name in ("first", "second"):
            headers = {**BEARER, "graphql-client-name": name}
            await gateway.http.post("/graphql", json=NAMED, headers=headers)
    lines = [vars(record) for record in caplog.records if hasattr(record, "clientName")]
    shown = [(line["outcome"], line["clientName"], line["operationName"]) for line in lines]
    assert shown == [("complete", "first", "Named"), ("ready", "second", "Named")]
