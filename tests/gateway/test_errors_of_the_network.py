"""Errors below FHIR: broken connections, broken encodings, and bugs of the gateway itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from frontdoor import Gateway, opened
from gateway.canned import SECRET, Canned, Reply
from gateway.failing import READS, WRITES, ask, only_error
from group_gateway.app import create_app
from group_gateway.config import Settings
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from transport.peer import Connection, Handler, peer


async def test_an_answer_that_is_not_compressed_as_it_says() -> None:
    """A body that can't be unpacked is an answer that makes no sense."""
    answer = await ask(READS["group"], Canned(GET=Reply(200, b"x", {"content-encoding": "gzip"})))
    assert only_error(answer)["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"


async def close(_: Connection) -> None:
    """Close without a word."""


async def reset(connection: Connection) -> None:
    """Break off with a TCP reset after the request."""
    await connection.request()
    connection.reset()


async def fall_silent(connection: Connection) -> None:
    """Answer nothing, for as long as anybody listens."""
    await connection.request()
    await connection.reader.read()


def sends(answer: bytes) -> Handler:
    """Answer these bytes and close."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)

    return handler


NETWORK: dict[str, tuple[Handler, str]] = {
    "closes": (close, "UPSTREAM_UNAVAILABLE"),
    "resets": (reset, "UPSTREAM_UNAVAILABLE"),
    "is silent": (fall_silent, "UPSTREAM_TIMEOUT"),
    "speaks SSH": (sends(b"SSH-2.0-OpenSSH_9.9\r\n"), "UPSTREAM_INVALID_RESPONSE"),
    "stops in the head": (sends(b"HTTP/1.1 200 OK\r\nContent-"), "UPSTREAM_UNAVAILABLE"),
    "stops in the body": (
        sends(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"resourceType":'),
        "UPSTREAM_UNAVAILABLE",
    ),
}


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize("behaviour", NETWORK)
async def test_a_server_that_breaks_the_connection(name: str, behaviour: str) -> None:
    """However a connection breaks, reads and writes fail with one error and its code."""
    handler, code = NETWORK[behaviour]
    async with peer(handler) as server:
        timeout = 0.2 if code == "UPSTREAM_TIMEOUT" else 10
        known = Settings(upstream_url=server.url, upstream_timeout=timeout)
        async with opened(create_app(known)) as gateway:
            error = only_error(await gateway((READS | WRITES)[name]))
    assert error["extensions"]["code"] == code


@pytest.mark.parametrize("coding", ["", "utf-8", "identity"])
async def test_a_coding_that_is_none(coding: str) -> None:
    """Some servers send the charset, or nothing, as the coding of a plain body."""
    body = b'{"resourceType":"Group","id":"1","name":"Known"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with (
        peer(sends(head.encode() + body)) as server,
        opened(create_app(Settings(upstream_url=server.url))) as gateway,
    ):
        assert await gateway.data('{ group(id: "1") { name } }') == {"group": {"name": "Known"}}


async def test_a_server_that_is_not_there() -> None:
    """A refused connection is UPSTREAM_UNAVAILABLE."""
    async with peer(close) as server:
        pass
    async with opened(create_app(Settings(upstream_url=server.url))) as gateway:
        for name, query in (READS | WRITES).items():
            error = only_error(await gateway(query))
            assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE", name


class Bug(httpx.AsyncBaseTransport):
    """An upstream transport with a mistake in it."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise an unexpected exception with a text that must not be disclosed."""
        raise self.kind(f"{SECRET} {request.url}")


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize("kind", [RuntimeError, TypeError, KeyError])
async def test_a_bug_of_our_own(
    caplog: pytest.LogCaptureFixture, name: str, kind: type[Exception]
) -> None:
    """A bug is INTERNAL_SERVER_ERROR and is logged by type and place, without its text."""
    known = Settings(upstream_url="http://upstream.test")
    async with opened(create_app(known, transport=Bug(kind))) as gateway:
        error = only_error(await gateway((READS | WRITES)[name]))
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert kind.__name__ in record.getMessage()
    assert "handle_async_request" in record.getMessage()
    assert SECRET not in caplog.text


class Unending(httpx.AsyncByteStream):
    """The body of a response, which begins and does not go on until it is closed."""

    def __init__(self) -> None:
        self.is_closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the beginning."""
        yield b"{"
        await self.is_closed.wait()

    async def aclose(self) -> None:
        """Note that it is closed."""
        self.is_closed.set()


async def test_another_transport_gets_its_connection_back() -> None:
    """A response of another httpx transport is closed when its body does not come in time."""
    body = Unending()
    known = Settings(upstream_url="http://upstream.test", upstream_timeout=0.3)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with opened(create_app(known, transport=transport)) as gateway:
        error = only_error(await gateway(READS["group"]))
        assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
        await asyncio.wait_for(body.is_closed.wait(), 10)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("reset", "UPSTREAM_UNAVAILABLE"),
        ("hang", "UPSTREAM_TIMEOUT"),
        ("truncated", "UPSTREAM_INVALID_RESPONSE"),
        ("gzip_bomb", "UPSTREAM_INVALID_RESPONSE"),
        ("not_json", "UPSTREAM_INVALID_RESPONSE"),
        ("wrong_resource_type", "UPSTREAM_INVALID_RESPONSE"),
    ],
)
async def test_one_group_fails_and_the_others_stand(
    make_gateway: Any, sandbox: Any, kind: str, code: str
) -> None:
    """Of groups that are read in one request, one that fails leaves the others whole."""
    rule = FaultRule(kind=kind, path=f"/Group/{JESS_ID}", size_bytes=100_000)  # type: ignore[arg-type]
    sandbox.use(faults=(rule, FaultRule(kind="status", status=400, pattern="_id=")))
    gateway: Gateway = await make_gateway(upstream_timeout=0.3)
    query = f'{{ a: group(id: "{TEST_GROUP_ID}") {{ id }} b: group(id: "{JESS_ID}") {{ id }} }}'
    for _ in range(3):
        answer = await gateway(query)
        assert answer["data"] == {"a": {"id": TEST_GROUP_ID}, "b": None}
        [error] = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["b"], code)
