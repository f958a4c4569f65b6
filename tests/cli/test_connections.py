"""Clients that say nothing, too much, too little or no HTTP, on real sockets."""

import base64
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.commands import PATIENCE, Server, ask, refuses, serving
from cli.sockets import receive
from cli.test_sandbox import name_of
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from processes import frozen
from waiting import until_seen

POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
KEEP_ALIVE = 1.0
"""Seconds that an idle connection stays open where a test needs it to end soon."""
READ = json.dumps({"query": "{ __typename }"}).encode()
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(READ) + READ
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a gateway that takes ten connections."""
    with serving("sandbox", "--port", "0", connections="10") as running:
        yield running
        ended = running.end()
        assert (ended.status, ended.err) == (0, "")


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """Run a gateway that waits two seconds for a request: longer than this process may stall."""
    with serving("sandbox", "--port", "0", client_timeout="2") as running:
        yield running
        ended = running.end()
        assert (ended.status, ended.err) == (0, "")


def connect(server: Server) -> Any:
    """Open a connection to the gateway."""
    address = httpx.URL(server.url)
    return closing(socket.create_connection((address.host, address.port or 0), timeout=PATIENCE))


def rest(connection: socket.socket) -> bytes:
    """Return all that still comes until the gateway closes the connection."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def refusal(answer: bytes) -> tuple[int, str]:
    """Return status and code of an answer that ends the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    [error] = json.loads(body)["errors"]
    correlation_id = error["extensions"]["correlationId"]
    assert f"x-correlation-id: {correlation_id}".encode() in head
    return int(head.split()[1]), error["extensions"]["code"]


LATE = (408, "REQUEST_TIMEOUT")
MALFORMED = (400, "BAD_REQUEST")
SENT: dict[str, tuple[bytes, tuple[int, str]]] = {
    "nothing": (b"", LATE),
    "half a line": (b"POST /gra", LATE),
    "half the headers": (POST + b"X-A: b\r\n", LATE),
    "half the body": (WHOLE[:-1], LATE),
    "a chunk of many": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", LATE),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), MALFORMED),
    "bytes that are no UTF-8 in the path": (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", MALFORMED),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", MALFORMED),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", MALFORMED),
    "a length and chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        MALFORMED,
    ),
    "chunks without a length, which need not be waited for": (
        POST.replace(b"json", b"xml") + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nno\r\n",
        MALFORMED,
    ),
    "a length below 0": (POST + b"Content-Length: -1\r\n\r\n", MALFORMED),
    "headers without end": (POST + b"X-A: " + b"b" * 4_000_000, (431, "HEADERS_TOO_LARGE")),
    "a trailer without end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: " + b"b" * 4_000_000,
        (431, "HEADERS_TOO_LARGE"),
    ),
    "a chunk's extension without end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"b" * 4_000_000,
        (431, "HEADERS_TOO_LARGE"),
    ),
    "a path without end": (b"GET /" + b"a" * 400_000, (431, "HEADERS_TOO_LARGE")),
}


@pytest.mark.parametrize("name", SENT)
def test_what_is_no_request(server: Server, impatient: Server, name: str) -> None:
    """What does not become a request is refused by its code, and the connection closed."""
    sent, refused = SENT[name]
    asked = impatient if refused == LATE else server
    with connect(asked) as connection:
        connection.sendall(sent)
        assert refusal(rest(connection)) == refused
    assert name_of(asked.url) == "Test Group"


def test_time_runs_for_each_request_anew(impatient: Server) -> None:
    """A connection that was used before has no more patience than another."""
    with connect(impatient) as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            assert receive(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(WHOLE[:50])
        assert refusal(rest(connection)) == LATE


def test_a_request_that_comes_in_pieces(server: Server) -> None:
    """How a request is cut into packets does not matter, if it comes in time."""
    with connect(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(WHOLE), 20):
            connection.sendall(WHOLE[start : start + 20])
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_chunks_of_one_byte(server: Server) -> None:
    """What is around them does not count, though it is many times the body."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in READ + 60_000 * b" ")
    with connect(server) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_a_process_that_stood_still() -> None:
    """A request that came meanwhile is answered, and its connection not closed as unused."""
    probe = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    nowhere = ("--no-upstream-check", "--upstream-url", "http://127.0.0.1:9")
    with (
        serving("serve", "--port", "0", *nowhere, keep_alive="1") as server,
        connect(server) as connection,
    ):
        connection.sendall(probe)
        assert receive(connection).startswith(b"HTTP/1.1 200")
        with frozen(server.process.pid):
            connection.sendall(probe)
            time.sleep(KEEP_ALIVE + 0.5)
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_a_process_that_stood_still_while_it_stops() -> None:
    """A request that came within the half second for last requests is answered."""
    probe = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    nowhere = ("--no-upstream-check", "--upstream-url", "http://127.0.0.1:9")
    with serving("serve", "--port", "0", *nowhere) as server, connect(server) as connection:
        connection.sendall(probe)
        assert receive(connection).startswith(b"HTTP/1.1 200")
        server.process.terminate()
        until_seen(lambda: refuses(server.url))
        with frozen(server.process.pid):
            connection.sendall(probe)
            time.sleep(1)
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_body_that_goes_on_after_its_refusal(server: Server) -> None:
    """A body beyond the limit is refused at once, and its connection is soon closed."""
    with connect(server) as connection:
        connection.sendall(POST + b"Content-Length: 5000000\r\n\r\n" + bytes(100_000))
        answer = rest(connection)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"BODY_TOO_LARGE" in answer


def test_an_answer_that_nobody_takes(impatient: Server) -> None:
    """A client that asks for much and reads nothing is cut off, and another is answered."""
    large = "{ groups(first: 1000) { nodes { name member { entity { reference } } } } }"
    body = json.dumps({"query": large}).encode()
    head = POST + b"Authorization: Bearer sandbox\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connect(impatient) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(12):  # 12 MB: more than the system keeps for either side
            connection.sendall(head + body)
        metrics = f"{impatient.url}/metrics"
        until_seen(lambda: connection_is_reset(connection))
        assert "group_gateway_requests" in ask("GET", metrics).text


def connection_is_reset(connection: socket.socket) -> bool:
    """Return whether the other side has aborted the connection (TCP_INFO's state is CLOSE)."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7


def test_requests_without_end(server: Server) -> None:
    """Endless small requests of a client cost little memory, and delay no other client."""
    before = peak(server)
    with connect(server) as connection, suppress(ConnectionError):
        while True:
            connection.sendall(10_000 * b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert peak(server) - before < 20_000
    assert name_of(server.url) == "Test Group"


def peak(server: Server) -> int:
    """Return the most memory that the process has had, in kilobytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_connections_too_many(server: Server) -> None:
    """A connection above the limit gets 503 and `Retry-After`; open connections are served."""
    with ExitStack() as stack:
        several = [stack.enter_context(connect(server)) for _ in range(20)]
        answers = [receive(several[-1])]  # by then the others have been let in, or refused
        for connection in several[:-1]:
            connection.sendall(WHOLE)
            answers.append(receive(connection))
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
        assert len(refused) == 10
        assert all(refusal(answer) == (503, "OVERLOADED") for answer in refused)
        assert all(b"retry-after: 1\r\n" in answer for answer in refused)
        assert sum(answer.startswith(b"HTTP/1.1 200") for answer in answers) == 10


def test_websockets_are_not_spoken() -> None:
    """Where they are off a handshake is answered as a GET, and its frames are not read."""
    frame = b"\x81\xfe" + struct.pack(">H", 5000) + bytes(5004)
    with (
        serving("sandbox", "--port", "0", subscriptions="off") as server,
        connect(server) as connection,
    ):
        connection.sendall(UPGRADE + frame)
        answer = rest(connection)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"SUBSCRIPTIONS_DISABLED" in answer


@pytest.mark.parametrize(
    "junk", [b"\xff" * 5000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 70_000]
)
def test_junk_leaves_no_trace(server: Server, junk: bytes) -> None:
    """Whatever bytes come, the next client is answered."""
    with connect(server) as connection:
        connection.sendall(junk)
        assert b"200 OK" not in rest(connection)
    assert name_of(server.url) == "Test Group"


def ask_on(connection: socket.socket) -> bytes:
    """Send a whole request, and return its answer."""
    connection.sendall(WHOLE)
    return receive(connection)


def is_closed(connection: socket.socket) -> bool:
    """Return whether the gateway has closed a connection."""
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(PATIENCE)


def test_the_idlest_connections_make_room() -> None:
    """A balancer's idle connections are closed for new ones, the longest idle first."""
    with serving("sandbox", "--port", "0", connections="3") as running, ExitStack() as stack:
        first, second, third = [stack.enter_context(connect(running)) for _ in range(3)]
        for connection in (first, second, third, first):  # the second is now the idlest
            assert ask_on(connection).startswith(b"HTTP/1.1 200")
            time.sleep(0.01)  # the event loop counts milliseconds
        fourth = stack.enter_context(connect(running))
        assert ask_on(fourth).startswith(b"HTTP/1.1 200")
        until_seen(lambda: is_closed(second))
        assert [is_closed(each) for each in (first, third, fourth)] == [False] * 3
        for connection in (first, third, fourth):
            assert ask_on(connection).startswith(b"HTTP/1.1 200")


def test_connections_in_use_make_no_room() -> None:
    """Connections that have asked nothing yet, or are being answered, are not closed for others."""
    with serving("sandbox", "--port", "0", connections="2") as running, ExitStack() as stack:
        quiet, busy = [stack.enter_context(connect(running)) for _ in range(2)]
        busy.sendall(WHOLE[:-1])
        refused = stack.enter_context(connect(running))
        assert refusal(rest(refused)) == (503, "OVERLOADED")
        busy.sendall(WHOLE[-1:])
        assert receive(busy).startswith(b"HTTP/1.1 200")
        assert ask_on(quiet).startswith(b"HTTP/1.1 200")


CHANGED = f'groupChanged(id: "{TEST_GROUP_ID}", sinceVersion: "x")'
STREAM = json.dumps({"query": f"subscription {{ {CHANGED} {{ name }} }}"}).encode()


def test_an_event_stream_to_a_client_of_old() -> None:
    """HTTP/1.0 has no chunks: a stream lasts until the connection ends."""
    head = (
        b"POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\n"
        b"Accept: text/event-stream\r\nAuthorization: Bearer sandbox\r\n"
    )
    with serving("sandbox", "--port", "0") as running, connect(running) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(STREAM) + STREAM)
        received = b""
        while b"event: next" not in received or not received.endswith(b"\n\n"):
            piece = connection.recv(65_536)
            assert piece
            received += piece
        running.process.terminate()
        received += rest(connection)
    answer, _, body = received.partition(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding" not in answer.lower()
    assert b"connection: close" in answer.lower()
    assert body.startswith(b":\n\nevent: next\ndata: {")
