"""The transport sends what httpx's request says, and nothing that breaks out of it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from transport.peer import OK, peer, pipeline


async def test_target_and_host_come_from_the_url(client: httpx.AsyncClient) -> None:
    """Path and query go out as httpx encodes them, the host with its port."""
    async with peer(pipeline(OK)) as server:
        await client.get(f"{server.url}/fhir/Group?name=a b&_id=1,2#part")
        head = server.requests[0]
    assert head.startswith(b"GET /fhir/Group?name=a%20b&_id=1,2 HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n".encode() in head.lower()


async def test_a_host_header_of_the_request_wins(client: httpx.AsyncClient) -> None:
    """The header is httpx's to decide, not the connection's."""
    async with peer(pipeline(OK)) as server:
        await client.get(server.url, headers={"host": "fhir.example"})
        assert server.requests[0].lower().count(b"host:") == 1
        assert b"host: fhir.example\r\n" in server.requests[0].lower()


async def test_a_body_goes_out_with_its_length(client: httpx.AsyncClient) -> None:
    """A write is one head and one body."""
    async with peer(pipeline(OK)) as server:
        await client.post(server.url, content=b'{"a": 1}')
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-length: 8" in head.lower()
    assert body == b'{"a": 1}'


async def test_a_streamed_body_goes_out_whole(client: httpx.AsyncClient) -> None:
    """A body that httpx would send in chunks is read first, and has a length like any other."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with peer(pipeline(OK)) as server:
        await client.put(server.url, content=pieces())
        await client.get(server.url)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert server.accepted == 1
    assert b"content-length: 7" in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert body == b"one two"


async def test_the_answer_to_a_head_request_has_no_body(client: httpx.AsyncClient) -> None:
    """Its length is that of the body which a GET would have."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"
    async with peer(pipeline(answer, OK)) as server:
        response = await client.head(server.url)
        assert (response.headers["content-length"], response.content) == ("400", b"")
        assert (await client.get(server.url)).content == b"ok"


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b"])
async def test_a_header_can_not_break_out_of_its_line(
    client: httpx.AsyncClient, value: str
) -> None:
    """A value with a line break is refused before anything is sent."""
    async with peer(pipeline(OK)) as server:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get(server.url, headers={"if-match": value})
        assert server.accepted == 0


async def test_ipv6_is_spoken(client: httpx.AsyncClient) -> None:
    """A literal IPv6 address works, and has brackets in the host header."""
    async with peer(pipeline(OK), host="::1") as server:
        assert (await client.get(server.url)).content == b"ok"
        assert f"host: [::1]:{server.port}\r\n".encode() in server.requests[0].lower()


async def test_other_schemes_are_not(client: httpx.AsyncClient) -> None:
    """A scheme that is not HTTP is httpx's own error for it."""
    with pytest.raises(httpx.UnsupportedProtocol):
        await client.get("ftp://127.0.0.1/")


async def test_an_error_names_its_request(client: httpx.AsyncClient) -> None:
    """As with any transport of httpx."""
    with pytest.raises(httpx.ConnectError) as caught:
        await client.get("http://127.0.0.1:1/x")
    assert caught.value.request.url.path == "/x"
