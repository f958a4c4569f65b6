"""Heads that servers and proxies read in different ways, on real sockets (RFC 9112)."""

from collections.abc import Iterator

import pytest

from cli.commands import Server, serving
from cli.sockets import receive
from cli.test_connections import READ, WHOLE, connect, refusal, rest

BODY = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(READ) + READ
CHUNKS = b"Content-Type: application/json\r\n\r\n%x\r\n" % len(READ) + READ + b"\r\n0\r\n\r\n"
HOST = b"Host: gateway.example\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a gateway."""
    with serving("sandbox", "--port", "0") as running:
        yield running


def post(fields: bytes, rest_of_it: bytes = BODY, version: bytes = b"1.1") -> bytes:
    """Return a POST with these header fields."""
    return b"POST /graphql HTTP/" + version + b"\r\n" + fields + rest_of_it


REFUSED = {
    "no Host": (400, post(b"")),
    "two Hosts": (400, post(b"Host: a.example\r\nHost: b.example\r\n")),
    "one Host twice": (400, post(HOST + HOST)),
    "two Hosts of HTTP/1.0": (400, post(HOST + HOST, version=b"1.0")),
    "a Host with a blank": (400, post(b"Host: a b\r\n")),
    "a Host with a path": (400, post(b"Host: a.example/graphql\r\n")),
    "a Host with a user": (400, post(b"Host: user@a.example\r\n")),
    "a Host with a scheme": (400, post(b"Host: http://a.example\r\n")),
    "a Host with a wrong port": (400, post(b"Host: a.example:http\r\n")),
    "a Host with half an address": (400, post(b"Host: [::1\r\n")),
    "a Host with a wrong escape": (400, post(b"Host: a%zz\r\n")),
    "a Host that is no ASCII": (400, post("Host: gruppe.bücher\r\n".encode())),
    "a coding before chunked": (501, post(HOST + b"Transfer-Encoding: gzip, chunked\r\n", CHUNKS)),
    "a coding in a field before": (
        501,
        post(HOST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", CHUNKS),
    ),
    "no chunked in the end": (400, post(HOST + b"Transfer-Encoding: chunked, gzip\r\n", CHUNKS)),
    "no chunked": (400, post(HOST + b"Transfer-Encoding: gzip\r\n", CHUNKS)),
    "chunked twice": (400, post(HOST + b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS)),
    "a length beside chunks": (
        400,
        post(HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", CHUNKS),
    ),
    "HTTP/2.0 in a line of HTTP/1.1": (505, post(HOST, version=b"2.0")),
    "HTTP/0.9": (505, b"GET /livez\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(server: Server, name: str) -> None:
    """A head that leaves doubt is refused, also behind another request, and the connection ends."""
    status, sent = REFUSED[name]
    for before in (b"", WHOLE):
        with connect(server) as connection:
            if before:
                connection.sendall(before)
                assert receive(connection).startswith(b"HTTP/1.1 200")
            connection.sendall(sent)
            assert refusal(rest(connection)) == (status, "BAD_REQUEST")


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\n%bConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        HOST + HOST,
        b"Host: a.example\r\nHost: b.example\r\n",
        b"Host: a.example/graphql\r\n",
        b"Host: user@a.example\r\n",
        b"Host: a.example:http\r\n",
    ],
)
def test_handshakes_with_a_wrong_host(server: Server, fields: bytes) -> None:
    """No WebSocket is opened by a head whose Host leaves doubt, also behind another request."""
    for before in (b"", WHOLE):
        with connect(server) as connection:
            if before:
                connection.sendall(before)
                assert receive(connection).startswith(b"HTTP/1.1 200")
            connection.sendall(HANDSHAKE % fields)
            assert refusal(rest(connection)) == (400, "BAD_REQUEST")


def test_a_handshake_with_one_host(server: Server) -> None:
    """The same head with one Host opens a WebSocket."""
    with connect(server) as connection:
        connection.sendall(HANDSHAKE % HOST)
        assert connection.makefile("rb").readline() == b"HTTP/1.1 101 Switching Protocols\r\n"


TAKEN = {
    "a name": post(HOST),
    "a port": post(b"Host: gateway.example:8443\r\n"),
    "an address": post(b"Host: 10.0.0.7:80\r\n"),
    "an IPv6 address": post(b"hOsT: [2001:db8::7]:8000\r\n"),
    "an address with a zone": post(b"Host: [fe80::1%25eth0]\r\n"),
    "a name of a container": post(b"Host: group_gateway:8000\r\n"),
    "an empty port": post(b"Host: gateway.example:\r\n"),
    "an empty Host, as for a Unix socket": post(b"Host:\r\n"),
    "chunks": post(HOST + b"Transfer-Encoding: Chunked\r\n", CHUNKS),
    "an address in the first line": post(HOST).replace(b"/graphql", b"http://a.example/graphql"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(server: Server, name: str) -> None:
    """A valid head is answered in each of its forms."""
    with connect(server) as connection:
        connection.sendall(TAKEN[name])
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_a_client_of_old_needs_no_host(server: Server) -> None:
    """HTTP/1.0 has no Host and expects nothing before the response (RFC 9110, 10.1.1)."""
    with connect(server) as connection:
        connection.sendall(post(b"Expect: 100-continue\r\n", version=b"1.0"))
        assert rest(connection).startswith(b"HTTP/1.1 200")


def test_an_expectation(server: Server) -> None:
    """A client that sends `Expect: 100-continue` gets a 100."""
    head, _, body = post(HOST + b"Expect: 100-Continue\r\n").partition(b"\r\n\r\n")
    with connect(server) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert receive(connection).startswith(b"HTTP/1.1 200")
