"""The transport reads every form of an HTTP/1.1 response whole, and takes nothing else for one."""

from collections.abc import Callable

import httpx
import pytest

from transport.peer import Connection, peer, pipeline, sending

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"

WITH_BODY: dict[str, tuple[bytes, ...]] = {
    "length": (LENGTH + b"body",),
    "two-packets": (LENGTH + b"bo", b"dy"),
    "byte-by-byte": tuple(bytes([byte]) for byte in LENGTH + b"body"),
    "no-reason": (b"HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\nbody",),
    "identity": (b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\nbody",),
    "chunked": (CHUNKED + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",),
    "chunk-cut": (CHUNKED + b"4\r\nb", b"ody\r", b"\n0\r\n\r", b"\n"),
    "chunk-extension": (CHUNKED + b"4;a=b\r\nbody\r\n0\r\n\r\n",),
    "until-close": (b"HTTP/1.1 200 OK\r\n\r\nbo", b"dy"),
    "http-1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nbo", b"dy"),
    "100-first": (b"HTTP/1.1 100 Continue\r\n\r\n", LENGTH + b"body"),
    "103-in-one-packet": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + LENGTH + b"body",),
    "100-until-close": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbo", b"dy"),
    "surplus": (LENGTH + b"bodyHTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",),
}
WITHOUT_BODY = {
    "length": (200, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "chunked": (200, CHUNKED + b"0\r\n\r\n"),
    "until-close": (200, b"HTTP/1.1 200 OK\r\n\r\n"),
    "204": (204, b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204-with-length": (204, b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n"),
    "304-with-length": (304, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"),
    "error": (503, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("case", WITH_BODY)
async def test_a_body_is_read_whole(client: httpx.AsyncClient, case: str) -> None:
    """It arrives as sent, however it is framed and cut into packets."""
    async with peer(sending(*WITH_BODY[case])) as server:
        response = await client.get(server.url)
    assert (response.status_code, response.content) == (200, b"body")


@pytest.mark.parametrize("case", WITHOUT_BODY)
async def test_an_answer_without_a_body_ends_with_its_headers(
    client: httpx.AsyncClient, case: str
) -> None:
    """Some because they say so, some because of their status."""
    status, answer = WITHOUT_BODY[case]
    async with peer(sending(answer)) as server:
        response = await client.get(server.url)
    assert (response.status_code, response.content) == (status, b"")


async def test_headers_arrive_as_sent(client: httpx.AsyncClient) -> None:
    """Repeated headers stay apart, values keep their bytes, names compare without case."""
    answer = b'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nETag: W/"\xe9"\r\nContent-Length: 0\r\n\r\n'
    async with peer(sending(answer)) as server:
        response = await client.get(server.url)
    assert response.headers.get_list("x-a") == ["1", "2"]
    assert response.headers["etag"].encode("latin-1") == b'W/"\xe9"'


async def test_white_space_behind_a_value_is_none_of_it(client: httpx.AsyncClient) -> None:
    """It may follow each field (RFC 9112, section 5)."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: identity \t\r\nContent-Length: 2\r\n\r\nok"
    async with peer(sending(answer)) as server:
        response = await client.get(server.url)
    assert response.content == b"ok"


async def test_neither_trailers_nor_interim_headers_become_headers(
    client: httpx.AsyncClient,
) -> None:
    """What comes before or behind the final header section does not count as part of it."""
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nETag: late\r\n\r\n"
    )
    async with peer(pipeline(answer)) as server:
        response = await client.get(server.url)
    assert "etag" not in response.headers


NOT_HTTP = {
    "garbage": b"<html>Bad Gateway</html>\r\n\r\n",
    "http-2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00",
    "other-version": b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "length-and-chunked": CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n0\r\n\r\n",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "bad-chunk": CHUNKED + b"xyz\r\nok\r\n0\r\n\r\n",
    "folded-header": b"HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\nContent-Length: 2\r\n\r\nok",
    "control-character": b"HTTP/1.1 200 OK\r\nA: \x01\r\nContent-Length: 2\r\n\r\nok",
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    "gzip-on-the-way": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", NOT_HTTP)
async def test_what_is_no_answer_to_the_request_is_a_protocol_error(
    client: httpx.AsyncClient, case: str
) -> None:
    """Invalid bytes, and codings that were not requested, are httpx.RemoteProtocolError at once."""

    async def stay(connection: Connection) -> None:
        await connection.request()
        await connection.send(NOT_HTTP[case])
        await connection.reader.read()

    async with peer(stay) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(server.url)


ENDLESS = {
    "header": (b"HTTP/1.1 200 OK\r\nA: ", b"a" * 1000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"A: aaaaaaaaaaaaaaaaaaaa\r\n" * 50),
    "reason": (b"HTTP/1.1 200 ", b"O" * 1000),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "chunk-extension": (CHUNKED + b"1;", b"a" * 1000),
    "trailers": (CHUNKED + b"0\r\n", b"A: aaaaaaaaaaaaaaaaaaaa\r\n" * 50),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000),
    "chunks": (CHUNKED, b"1\r\na\r\n" * 100),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_every_part_of_a_response_is_bounded(
    make_client: Callable[..., httpx.AsyncClient], case: str
) -> None:
    """A peer that never stops sending is cut off, in any part of its response."""
    start, more = ENDLESS[case]

    async def talk(connection: Connection) -> None:
        await connection.request()
        connection.writer.write(start)
        while True:
            connection.writer.write(more)
            await connection.writer.drain()

    client = make_client(max_body=100_000)
    async with peer(talk) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="too large"):
            await client.get(server.url)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_body_may_be_as_large_as_the_bound_and_no_larger(
    make_client: Callable[..., httpx.AsyncClient], framing: str
) -> None:
    """The bound counts the bytes of the body, however it is framed."""
    client = make_client(max_body=1000)
    async with peer(sending(_framed(framing, b"x" * 1000))) as server:
        assert (await client.get(server.url)).content == b"x" * 1000
    async with peer(sending(_framed(framing, b"x" * 1001))) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="too large"):
            await client.get(server.url)


def _framed(framing: str, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\n"
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    if framing == "chunked":
        return CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head + b"\r\n" + body


BROKEN_OFF = {
    "before": (),
    "after-interim": (b"HTTP/1.1 100 Continue\r\n\r\n",),
    "in-status": (b"HTTP/1.1 20",),
    "in-headers": (b"HTTP/1.1 200 OK\r\nContent-Len",),
    "in-body": (LENGTH + b"bo",),
    "in-chunk": (CHUNKED + b"4\r\nbo",),
    "between-chunks": (CHUNKED + b"2\r\nbo\r\n",),
}


@pytest.mark.parametrize("case", BROKEN_OFF)
@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_response_that_breaks_off_is_a_read_error(
    client: httpx.AsyncClient, case: str, way: str
) -> None:
    """Half an answer is never taken for a whole one."""

    async def break_off(connection: Connection) -> None:
        await connection.request()
        await connection.send(*BROKEN_OFF[case])
        if way == "reset":
            connection.reset()

    async with peer(break_off) as server:
        with pytest.raises(httpx.ReadError):
            await client.get(server.url)
        assert len(server.requests) == 1


async def test_a_reset_does_not_end_a_body_that_reaches_to_the_close(
    client: httpx.AsyncClient,
) -> None:
    """Only an orderly close ends a body without a length."""

    async def break_off(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nbo")
        connection.reset()

    async with peer(break_off) as server:
        with pytest.raises(httpx.ReadError):
            await client.get(server.url)
