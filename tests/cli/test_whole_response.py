"""Responses whose head and body are written together, or not, by a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message, Receive, Scope, Send

from group_gateway.server.listening import listen
from group_gateway.server.uvicorn_server import CompanionServer, config


def body(text: bytes, *, more: bool = False) -> Message:
    """Return the message with a part of the body."""
    return {"type": "http.response.body", "body": text, "more_body": more}


def start(*headers: tuple[bytes, bytes]) -> Message:
    """Return the message with the head of a response."""
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


@asynccontextmanager
async def serving(*messages: Message) -> AsyncIterator[socket.socket]:
    """Answer each request with these messages, and yield the server's socket."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    with listen("127.0.0.1", 0) as sock:
        server = CompanionServer(config(app, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        yield sock
        server.should_exit = server.force_exit = True
        await task


async def received(sock: socket.socket) -> bytes:
    """Send two requests, the second of which ends the connection; return all that comes back."""
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "messages",
    [
        (start((b"content-length", b"2")), body(b"ab")),
        (start((b"content-length", b"2")), body(b"a", more=True), body(b"b")),
        (start((b"content-length", b"2")), body(b"ab", more=True), body(b"")),
        (start((b"content-length", b"2")), body(b"", more=True), body(b"ab")),
    ],
    ids=["at once", "in halves", "with an empty end", "after an empty part"],
)
async def test_parts_of_a_body(messages: tuple[Message, ...]) -> None:
    """A body of the stated length arrives whole, in as many parts as it was sent."""
    async with serving(*messages) as sock:
        responses = (await received(sock)).split(b"HTTP/1.1 200 OK\r\n")[1:]
        assert [response.partition(b"\r\n\r\n")[2] for response in responses] == [b"ab", b"ab"]


async def test_no_length() -> None:
    """A body without a stated length is sent in chunks."""
    async with serving(start(), body(b"ab")) as sock:
        assert (await received(sock)).count(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n") == 2


@pytest.mark.parametrize("length", [b"1", b"3"])
async def test_a_wrong_length(length: bytes) -> None:
    """Nothing follows a body shorter or longer than stated: it would be taken for its end."""
    async with serving(start((b"content-length", length)), body(b"ab")) as sock:
        assert (await received(sock)).count(b"HTTP/1.1") == 1


async def test_the_application_closes() -> None:
    """No response follows one that says that it is the last."""
    closing = start((b"content-length", b"2"), (b"connection", b"close"))
    async with serving(closing, body(b"ab")) as sock:
        assert (await received(sock)).count(b"HTTP/1.1") == 1
