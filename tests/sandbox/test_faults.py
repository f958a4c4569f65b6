"""Misbehaviour on request, in process and over a real socket."""

import asyncio
import gzip
import json
import socket
import time
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from group_gateway.sandbox import SERVER_OPTIONS, FaultRule, Quirks, SandboxOptions, create_app
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

URL = f"/Group/{TEST_GROUP_ID}"
BODY = {"resourceType": "Group", "type": "person", "actual": True, "name": "New"}


def rules(**rule):
    """Build quirks with one fault rule."""
    return Quirks(faults=(FaultRule(**rule),))


@asynccontextmanager
async def served(quirks):
    """Serve a sandbox on a real socket; return a client with all rights."""
    app = create_app(SandboxOptions(quirks=quirks))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, log_level="critical", **SERVER_OPTIONS)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        headers={"Authorization": "Bearer sandbox"},
    )
    async with client:
        yield client
    server.should_exit = True
    await running
    listener.close()


async def test_a_status_comes_with_an_outcome(start):
    """By default a status is answered with the upstream's own text."""
    client = start(rules(kind="status", status=503, retry_after=7))
    answer = await client.get(URL)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["issue"][0]["code"] == "exception"
    assert answer.headers["fumage-correlation-id"]
    assert [entry.status for entry in client.state.requests.entries] == [503]


@pytest.mark.parametrize(
    ("status", "code"),
    [(None, "exception"), (429, "throttled"), (401, "unknown"), (409, "conflict")],
)
async def test_the_code_follows_from_the_status(start, status, code):
    """A rule without a status sends a 500."""
    answer = await start(rules(kind="status", status=status)).get(URL)
    assert answer.status_code == (status or 500)
    assert answer.json()["issue"][0]["code"] == code


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("text", "text/plain; charset=utf-8", b"Something is wrong here"),
        ("broken-json", "application/fhir+json", b'{"resourceType":"OperationOutcome","issue":['),
        ("empty", None, b""),
    ],
)
async def test_a_status_may_come_with_another_body(start, body, content_type, content):
    """Proxies and crashes do not answer in FHIR."""
    answer = await start(rules(kind="status", status=502, body=body)).get(URL)
    assert answer.status_code == 502
    assert answer.headers.get("content-type") == content_type
    assert answer.content.startswith(content)


async def test_a_status_without_a_body_has_none(start):
    """A 204 says nothing, whatever the rule."""
    answer = await start(rules(kind="status", status=204)).get(URL)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("kind", "content_type", "content"),
    [
        ("not_json", "application/fhir+json", b"this is not JSON"),
        ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("empty", None, b""),
        ("null", "application/fhir+json", b"null"),
        ("wrong_resource_type", "application/fhir+json", b'{"resourceType":"Patient"'),
    ],
)
async def test_a_success_may_be_nonsense(start, kind, content_type, content):
    """A 200 does not mean that there is a group in it."""
    answer = await start(rules(kind=kind)).get(URL)
    assert answer.status_code == 200
    assert answer.headers.get("content-type") == content_type
    assert answer.content.startswith(content)


async def test_nonsense_may_have_a_status(start):
    """The status of the other kinds can be chosen too: an HTML 404."""
    answer = await start(rules(kind="html", status=404)).get(URL)
    assert answer.status_code == 404


async def test_an_answer_may_be_truncated(start):
    """HTTP is well, and half of the JSON is missing."""
    client = start(rules(kind="truncated", times=1))
    half = await client.get(URL)
    whole = await client.get(URL)
    assert half.status_code == 200
    assert half.content == whole.content[: len(whole.content) // 2]
    assert half.headers["content-length"] == str(len(half.content))


async def test_an_answer_may_be_huge(start):
    """A body of any size comes in pieces and is JSON to the end."""
    answer = await start(rules(kind="huge_body", size_bytes=1_000_000)).get(URL)
    assert len(answer.content) == 1_000_000
    assert json.loads(answer.content)["resourceType"] == "Group"
    assert "content-length" not in answer.headers


async def test_an_answer_may_be_a_bomb(start):
    """Little is sent, much is unpacked."""
    client = start(rules(kind="gzip_bomb", size_bytes=5_000_000))
    async with client.stream("GET", URL) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < 50_000
    assert len(gzip.decompress(raw)) == 5_000_000


async def test_a_rule_is_used_up(start):
    """After so many times the rule acts no more, and the next one does."""
    rule = FaultRule(kind="status", status=503, times=2)
    client = start(Quirks(faults=(rule, FaultRule(kind="status", status=429, times=1))))
    assert [(await client.get(URL)).status_code for _ in range(4)] == [503, 503, 429, 200]


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({}, {"GET /Group", f"GET {URL}", "POST /Group"}),
        ({"method": "post"}, {"POST /Group"}),
        ({"path": "/Group/"}, {f"GET {URL}"}),
        ({"path": "/"}, {"GET /Group", f"GET {URL}", "POST /Group", "GET /metadata"}),
        ({"path": "/metadata"}, {"GET /metadata"}),
        ({"pattern": r"^/Group\?.*_count=1"}, {"GET /Group"}),
    ],
)
async def test_a_rule_is_for_some_requests(start, rule, hit):
    """Method, path and pattern choose the requests; the control endpoint is never hit."""
    client = start(rules(kind="status", status=418, **rule))
    requests = {
        "GET /Group": ("GET", "/Group?_count=1"),
        f"GET {URL}": ("GET", URL),
        "POST /Group": ("POST", "/Group"),
        "GET /metadata": ("GET", "/metadata"),
        "GET /sandbox/quirks": ("GET", "/sandbox/quirks"),
    }
    answers = {name: await client.request(*request) for name, request in requests.items()}
    assert {name for name, answer in answers.items() if answer.status_code == 418} == hit


async def test_the_token_endpoint_may_fail(start):
    """A rule may be for the token endpoint alone."""
    client = start(rules(kind="html", status=502, path="/auth/"))
    assert (await client.post("/auth/token/")).status_code == 502
    assert (await client.get(URL)).status_code == 200


async def test_a_write_may_take_effect_and_fail_all_the_same(start):
    """With `after`, the group is stored although the client got an error."""
    client = start(rules(kind="status", status=504, method="POST", after=True))
    before = (await client.get("/Group")).json()["total"]
    assert (await client.post("/Group", json=BODY)).status_code == 504
    assert (await client.get("/Group")).json()["total"] == before + 1


async def test_a_write_fails_before_it_takes_effect(start):
    """Without `after`, nothing has happened."""
    client = start(rules(kind="status", status=504, method="POST"))
    before = (await client.get("/Group")).json()["total"]
    assert (await client.post("/Group", json=BODY)).status_code == 504
    assert (await client.get("/Group")).json()["total"] == before


async def test_latency_and_jitter(start):
    """Every answer waits so long and up to so much longer."""
    client = start(Quirks(latency_ms=30, jitter_ms=20))
    begun = time.perf_counter()
    await client.get(URL)
    assert 0.03 <= time.perf_counter() - begun < 0.5
    begun = time.perf_counter()
    await client.get("/sandbox/quirks")
    assert time.perf_counter() - begun < 0.03


async def test_a_slow_drip_arrives_in_the_end(start):
    """Each piece waits, and all of them are the whole answer."""
    client = start(rules(kind="slow_drip", delay_ms=10, chunk_bytes=100, times=1))
    begun = time.perf_counter()
    slow = await client.get(URL)
    assert time.perf_counter() - begun > 0.03
    assert slow.content == (await client.get(URL)).content


async def test_a_reset_raises_in_process():
    """Without a server to drop the connection, the app's own error is what a client meets."""
    app = create_app(SandboxOptions(quirks=rules(kind="reset")))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        with pytest.raises(ConnectionResetError):
            await client.get("/Group")


async def test_a_hang_ends_when_the_client_goes(start):
    """In process, a request that hangs can be cancelled, and is no longer under way."""
    client = start(rules(kind="hang"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.get(URL), 0.05)
    (entry,) = client.state.requests.entries
    assert entry.status is None


async def test_a_reset_drops_the_connection():
    """Over a socket the client reads half an answer, and the write took effect."""
    async with served(rules(kind="reset", times=1)) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/Group", json=BODY)
        total = (await client.get("/Group")).json()["total"]
        bundle = (await client.get(f"/Group?_offset={total - 1}")).json()
        assert bundle["entry"][0]["resource"]["name"] == "New"


async def test_a_hang_makes_a_client_time_out():
    """Over a socket nothing comes until the client gives up."""
    async with served(rules(kind="hang", times=1)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(URL, timeout=0.1)
        assert (await client.get(URL)).status_code == 200


async def test_a_served_answer_has_one_date():
    """With `SERVER_OPTIONS` the server adds no Date of its own."""
    async with served(Quirks()) as client:
        answer = await client.get(URL)
        assert len(answer.headers.get_list("date")) == 1
        assert len(answer.headers.get_list("fumage-correlation-id")) == 1
