"""Ready responses and refusals that the connection sends without ASGI, on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from cli.commands import PATIENCE
from cli.on_a_socket import ID, READ, Served, answer, connected, post
from waiting import until

SLOW = {"query": "{ groups { totalCount } }"}
RENAME = {
    "query": "mutation ($input: UpdateGroupInput!) { updateGroup(input: $input) { group { id } } }",
    "variables": {"input": ID | {"name": "Other"}},
}


def lines(head: bytes) -> set[bytes]:
    """Return the lines of a head that are the same in every answer of a kind."""
    changing = (b"x-correlation-id", b"date")
    return {line for line in head.split(b"\r\n") if not line.startswith(changing)}


async def test_trailers_are_no_headers(served):
    """A trailer with a token authenticates nobody, also where a response is ready."""
    await served.ask(post())
    body = json.dumps(READ).encode()
    chunked = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(body), body)
    )
    trailed = chunked + b"Authorization: Bearer sandbox\r\n\r\n"
    for _, refused in await served.ask(trailed) + await served.ask(trailed):
        assert json.loads(refused)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_request_behind_a_large_one(served):
    """A partly received head is not measured together with the body before it."""
    large = post({**READ, "extensions": {"x": "x" * 200_000}})
    async with connected(served) as (reader, writer):
        writer.write(large + post()[:20])
        await answer(reader)
        writer.write(post()[20:])
        head, _ = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200 ")


async def test_a_ready_answer_is_the_same(served):
    """The second answer comes without the application, and says what the first one said."""
    [(head, body)] = await served.ask(post())
    [(again, same)] = await served.ask(post())
    assert served.applied == 1
    assert (lines(again), same) == (lines(head), body)
    assert again.count(b"x-correlation-id: ") == 1
    assert again.partition(b"x-correlation-id")[2] != head.partition(b"x-correlation-id")[2]
    assert b"\r\ndate: " in again


async def test_requests_one_after_the_other_without_waiting(served):
    """Responses come in the order of the requests, from the fast path or from the application."""
    await served.ask(post())
    new = {"query": "{ __typename }"}
    broken = {"query": "{ nothing }"}
    answers = await served.ask(post(), post(), post(new), post(), post(broken), post())
    bodies = [json.loads(body) for _, body in answers]
    ready = bodies[0]["data"]
    assert "group" in ready
    assert [body.get("data") for body in bodies] == [
        ready,
        ready,
        {"__typename": "Query"},
        ready,
        None,
        ready,
    ]


async def test_a_request_in_two_pieces(served):
    """A body that comes later than its headers is waited for by the application."""
    [(_, body)] = await served.ask(post())
    for cut in (10, 150, len(post()) - 5):
        async with connected(served) as (reader, writer):
            writer.write(post()[:cut])
            await served.ask(post())  # by then the first piece has been read
            writer.write(post()[cut:])
            assert (await answer(reader))[1] == body


async def test_a_write_ends_what_was_ready(served):
    """After a change the answer is the new one."""
    await served.ask(post())
    await served.ask(post(RENAME))
    [(_, body)] = await served.ask(post())
    assert json.loads(body)["data"]["group"]["name"] == "Other"


@pytest.mark.parametrize("token", ["sandbox-other", "unknown", "", "sandbox x"])
async def test_what_is_ready_for_one_is_not_for_another(served, token):
    """Another token, or none, gets its own answer."""
    await served.ask(post())
    [(_, body)] = await served.ask(post(token=token))
    assert served.applied == 2
    assert json.loads(body).get("data") != {"group": {"name": "Test Group", "active": None}}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("Accept: text/plain\r\n", b"406"),
        ("Content-Type: text/plain\r\n", b"415"),
        ("Connection: close\r\n", b"200"),
    ],
)
async def test_unusual_requests_go_the_ordinary_way(served, more, status):
    """Headers that change the response take effect, although a response is ready."""
    await served.ask(post())
    [(head, _)] = await served.ask(post(more=more))
    assert head.split()[1] == status
    assert served.applied == 2
    assert (b"connection: close" in head) == more.startswith("Connection")


async def test_a_client_that_waits_to_be_told_to_go_on(served):
    """`Expect: 100-continue` gets its 100, although a response may be ready."""
    await served.ask(post())
    async with connected(served) as (reader, writer):
        head, _, body = post(more="Expect: 100-continue\r\n").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            told = await reader.readuntil(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 100")
        writer.write(body)
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("settings", [{"cors_origins": "https://app.test"}])
async def test_a_page_of_another_site(served):
    """A page that may ask gets its own headers, also when the answer is ready."""
    await served.ask(post())
    [(head, _)] = await served.ask(post(more="Origin: https://app.test\r\n"))
    assert b"access-control-allow-origin: https://app.test" in head
    for origin in ("", "Origin: https://evil.test\r\n"):
        [(head, _)] = await served.ask(post(more=origin))
        assert b"access-control-allow-origin" not in head
    assert served.applied == 1


async def test_a_body_that_comes_in_chunks(served):
    """A body in chunks and one with a length are treated alike."""
    [(_, body)] = await served.ask(post())
    head, _, sent = post().partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length: %d" % len(sent), b"Transfer-Encoding: chunked")
    cut = [b"%x\r\n%b\r\n" % (len(part), part) for part in (sent[:9], sent[9:], b"")]
    [(_, same)] = await served.ask(head + b"\r\n\r\n" + b"".join(cut))
    assert same == body
    assert served.applied == 1


async def test_ready_answers_are_counted(served):
    """An operator sees them among the requests."""
    for _ in range(3):
        await served.ask(post())
    async with httpx.AsyncClient(base_url=served.url) as http:
        told = (await http.get("/metrics")).text
    assert 'group_gateway_requests_total{outcome="ready"} 2.0' in told


@asynccontextmanager
async def under_way(served: Served, sandbox: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """Keep a read waiting for the upstream within the block."""
    sandbox.use(latency_ms=1000)
    calls = len(sandbox.calls)
    async with asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(served.ask(post(SLOW)))
        await until(lambda: len(sandbox.calls) > calls)
        yield answer


@pytest.mark.parametrize("settings", [{"operations": 1}])
async def test_what_there_is_no_room_for(served, sandbox):
    """The refusal comes without the application, and says what the application would say."""
    async with under_way(served, sandbox):
        before = served.applied
        [(head, body)] = await served.ask(post())
        assert served.applied == before
        [(again, same)] = await served.ask(post(more="Connection: close\r\n"))
    assert head.startswith(b"HTTP/1.1 503")
    assert lines(again) - lines(head) == {b"connection: close"}
    for text in (body, same):
        [error] = json.loads(text)["errors"]
        assert error["extensions"].pop("correlationId")
        assert error["extensions"] == {"code": "OVERLOADED", "retryAfter": 1}


@pytest.mark.parametrize("settings", [{"operations": 1}])
async def test_what_needs_no_room_is_not_refused(served, sandbox):
    """The answer that is under way is shared, and the one that is ready given."""
    await served.ask(post())
    async with under_way(served, sandbox) as answer:
        [(_, ready), (_, shared)] = await served.ask(post(), post(SLOW))
        assert b"errors" not in ready
        assert shared == (await answer)[0][1]
