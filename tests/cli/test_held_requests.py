"""Requests that arrive whole, whose responses are not ready: answered without ASGI's messages.

What arrives in two pieces goes through ASGI: both must say the same.
"""

import asyncio
import json
from typing import Any

import pytest

from cli.on_a_socket import READ, Served, answer, connected, post
from group_gateway.http.pipeline import RequestPipeline
from waiting import until

FRESH = {**READ, "extensions": {"cost": True}}
"""A request whose response is never kept, since it states what the request itself cost."""
_OWN = (b"x-correlation-id", b"date")


async def in_pieces(served: Served, request: bytes) -> tuple[bytes, bytes]:
    """Return the answer to a request that arrives in two pieces."""
    async with connected(served) as (reader, writer):
        writer.write(request[:-5])
        await served.ask(post(FRESH))  # by then the first piece has been read
        writer.write(request[-5:])
        return await answer(reader)


async def begun(writer: asyncio.StreamWriter, sandbox: Any) -> None:
    """Send a request, and wait until it is at the upstream."""
    calls = len(sandbox.calls)
    writer.write(post(FRESH))
    await until(lambda: len(sandbox.calls) > calls)


def lines(head: bytes) -> list[bytes]:
    """Return the lines of a head, in their order, that are the same in each answer."""
    return [line for line in head.split(b"\r\n") if not line.startswith(_OWN)]


@pytest.mark.parametrize("settings", [{"cors_origins": "https://app.test", "subscriptions": True}])
@pytest.mark.parametrize(
    ("asked", "more"),
    [
        (FRESH, ""),
        (FRESH, "Accept: application/graphql-response+json\r\n"),
        (FRESH, "Accept: text/event-stream\r\n"),
        (FRESH, "Origin: https://app.test\r\n"),
        ({"query": "{ __schema { types { name fields { name } } } }"}, "Accept-Encoding: gzip\r\n"),
        ({"query": "subscription { groupChanged(id: 1) { id } }"}, "Accept: application/json\r\n"),
        ({"query": "{ nothing }"}, ""),
        ({"query": 1}, ""),
    ],
)
async def test_both_ways_say_the_same(served: Served, asked: dict[str, Any], more: str) -> None:
    """Status, headers and body are the same for a request that is whole and one that is not."""
    request = post(asked, more=more)
    await served.ask(request)  # by then each costs as much as the next
    [(head, body)] = await served.ask(request)
    other, same = await in_pieces(served, request)
    assert lines(head) == lines(other)
    assert head.count(b"x-correlation-id: ") == 1
    assert without_id(body) == without_id(same)


def without_id(body: bytes) -> Any:
    """Return a body without the correlation ids of its errors."""
    if not body.startswith(b"{"):
        return body
    told = json.loads(body)
    for error in told.get("errors", ()):
        error["extensions"].pop("correlationId", None)
    return told


async def test_the_last_response_of_a_server(served: Served, sandbox: Any) -> None:
    """A request under way at shutdown is answered, and told that the connection closes."""
    sandbox.use(latency_ms=300)
    async with connected(served) as (reader, writer):
        await begun(writer, sandbox)
        served.stop()
        head, body = await answer(reader)
        assert b"\r\nconnection: close\r\n" in head
        assert json.loads(body)["data"]["group"]["name"] == "Test Group"
        assert await reader.read() == b""


async def test_a_bug_is_a_response_too(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nothing handles is answered with 500, logged, and closes the connection."""

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    await served.ask(post(FRESH))
    monkeypatch.setattr(RequestPipeline, "answer", broken)
    async with connected(served) as (reader, writer):
        writer.write(post(FRESH))
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 500 ")
        assert body == b"Internal Server Error"
        assert await reader.read() == b""
    assert "ZeroDivisionError" in caplog.text


async def test_a_client_that_leaves(served: Served, sandbox: Any) -> None:
    """A request whose client leaves costs no other client its response."""
    sandbox.use(latency_ms=100)
    async with connected(served) as (_, writer):
        await begun(writer, sandbox)
    answers = await asyncio.gather(*(served.ask(post(FRESH)) for _ in range(3)))
    assert all(b"Test Group" in body for [(_, body)] in answers)
