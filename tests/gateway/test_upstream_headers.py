"""Headers that a deployment adds to each call of the upstream."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import PREFIX, Settings, SettingsError, read_settings

ABSENT = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "X-Api-Key: abc; X-Tenant: a:b",
        "X-Api-Key: abc\nX-Tenant: a:b\n",
        '{"X-Api-Key": "abc", "X-Tenant": "a:b"}',
    ],
)
async def test_headers_reach_the_upstream(text: str) -> None:
    """The headers go with each call, beside the caller's own token."""
    heads: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(ABSENT)
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1"))
        port = server.sockets[0].getsockname()[1]
        settings = Settings(upstream_url=f"http://127.0.0.1:{port}", upstream_headers=text)
        gateway = await stack.enter_async_context(opened(create_app(settings)))
        await gateway('{ group(id: "1") { id } }')
    lines = heads[-1].splitlines()
    assert {"x-api-key: abc", "x-tenant: a:b", "authorization: bearer sandbox"} <= set(lines)


CREATED = (
    b"HTTP/1.1 201 Created\r\nLocation: http://x/fhir/Group/7/_history/1 \t\r\n"
    b"Content-Length: 0\r\n\r\n"
)
CREATE = """mutation { createGroup(input: {type: PERSON, name: "x"}) { group { id } } }"""


async def test_white_space_behind_a_location() -> None:
    """It is no part of the value (RFC 9112, section 5): the id of a new group is found."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(CREATED if head.startswith(b"POST") else ABSENT)
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1"))
        port = server.sockets[0].getsockname()[1]
        settings = Settings(upstream_url=f"http://127.0.0.1:{port}")
        gateway = await stack.enter_async_context(opened(create_app(settings)))
        created = await gateway.data(CREATE)
    assert created == {"createGroup": {"group": {"id": "7"}}}


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 2", "is compressed"),
        (b"Content-Length: 2000000", "is too large"),
        (b"Content-Length: x", "does not speak HTTP/1.1"),
    ],
)
async def test_a_response_that_can_not_be_read(head: bytes, why: str) -> None:
    """The error says whether it is compressed, too large, or no HTTP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1"))
        port = server.sockets[0].getsockname()[1]
        settings = Settings(upstream_url=f"http://127.0.0.1:{port}", upstream_megabytes=1)
        gateway = await stack.enter_async_context(opened(create_app(settings)))
        [error] = (await gateway('{ group(id: "1") { id } }'))["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_INVALID_RESPONSE"
    assert why in error["message"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Authorization: Bearer x", "authorization is set by the gateway itself"),
        ("if-match: x", "if-match is set by the gateway itself"),
        ("Transfer-Encoding: chunked", "transfer-encoding is set by the gateway itself"),
        ("X-A: 1; x-a: 2", "x-a is there twice"),
        ("X-A", "it takes lines"),
        ("X A: 1", "it takes lines"),
        ("X-A: \x01", "it takes lines"),
        ('{"X-A": 1}', "it takes lines"),
        ('{"X-A": "a\\r\\nb: c"}', "it takes lines"),
        ('{"X-A"', "it takes lines"),
    ],
)
def test_headers_that_are_refused(text: str, why: str) -> None:
    """No header can replace what the gateway sets, or smuggle in another one."""
    with pytest.raises(SettingsError, match=f"{PREFIX}UPSTREAM_HEADERS is wrong: {why}"):
        read_settings({f"{PREFIX}UPSTREAM_HEADERS": text}, {})
