"""Faults by name: what a broken upstream does to an exchange."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

from chaos.proxy import Exchange, Fault

MEGABYTE = 1024 * 1024
HUGE = 200 * MEGABYTE
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
_CHUNK = b"x" * MEGABYTE


def response(body: bytes, status: int = 200, **headers: str | int) -> bytes:
    """Return a whole response."""
    fields = {"Content-Length": len(body), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def sends(*pieces: bytes) -> Fault:
    """Answer with these bytes, and close."""

    async def fault(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)

    return fault


def answers(status: int, **headers: str | int) -> Fault:
    """Answer with a status."""
    return sends(response(b'{"detail":"secret detail"}', status, **headers))


async def reset(exchange: Exchange) -> None:
    """Break off with a reset, without an answer."""
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    """Forward the request to the upstream, then reset the connection."""
    await exchange.forward()
    exchange.reset()


async def reset_midway(exchange: Exchange) -> None:
    """Break off with a reset in the middle of the body."""
    answer = await exchange.forward()
    await exchange.send(answer[: -max(1, len(answer) // 4)])
    exchange.reset()


async def close_midway(exchange: Exchange) -> None:
    """Close in the middle of the body."""
    await exchange.send((await exchange.forward())[:-1])


async def hang(exchange: Exchange) -> None:
    """Answer nothing, for as long as the gateway listens."""
    await exchange.until_hung_up()


async def hang_midway(exchange: Exchange) -> None:
    """Stop sending in the middle of the body."""
    await exchange.send((await exchange.forward())[:-1])
    await exchange.until_hung_up()


async def drip(exchange: Exchange) -> None:
    """Answer a byte at a time, each soon after the one before."""
    for byte in await exchange.forward():
        await exchange.send(bytes([byte]))
        await asyncio.sleep(0.05)


async def flood(exchange: Exchange) -> None:
    """Send a body of 200 MB, with its length."""
    await exchange.send(_OK + b"Content-Length: %d\r\n\r\n" % HUGE)
    for _ in range(HUGE // len(_CHUNK)):
        await exchange.send(_CHUNK)


async def flood_in_chunks(exchange: Exchange) -> None:
    """Send a body of 200 MB without stating its length."""
    await exchange.send(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(HUGE // len(_CHUNK)):
        await exchange.send(b"%x\r\n%s\r\n" % (len(_CHUNK), _CHUNK))
    await exchange.send(b"0\r\n\r\n")


async def flood_until_close(exchange: Exchange) -> None:
    """Send 200 MB that end with the connection."""
    await exchange.send(_OK + b"Connection: close\r\n\r\n")
    for _ in range(HUGE // len(_CHUNK)):
        await exchange.send(_CHUNK)


async def headers_without_end(exchange: Exchange) -> None:
    """Send headers, and more headers."""
    await exchange.send(_OK)
    for number in range(1_000_000):
        await exchange.send(b"X-%d: %s\r\n" % (number, _CHUNK[:1000]))


async def interim_without_end(exchange: Exchange) -> None:
    """Send interim answers, and more of them."""
    for _ in range(1_000_000):
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)


BOMB = response(gzip.compress(b"x" * HUGE), Content_Encoding="gzip")

SILENT = {"hang": hang, "hang in the body": hang_midway, "slow drip": drip}
BROKEN = {
    "reset": reset,
    "reset in the body": reset_midway,
    "close": sends(),
    "close in the head": sends(b"HTTP/1.1 200 OK\r\nConte"),
    "close in the body": close_midway,
}
STATUS = {
    "500": answers(500),
    "502": answers(502),
    "503": answers(503),
    "503, soon": answers(503, Retry_After=0),
    "503, later": answers(503, Retry_After=60),
    "503, on a day": answers(503, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"),
}
LIMITED = {
    "429": answers(429),
    "429, later": answers(429, Retry_After=60),
}
NONSENSE = {
    "broken JSON": sends(response(b'{"resourceType":"Group","id":')),
    "HTML": sends(response(b"<html>secret detail</html>", Content_Type="text/html")),
    "nothing": sends(response(b"")),
    "null": sends(response(b"null")),
    "another resource": sends(response(b'{"resourceType":"Patient","id":"1"}')),
    "nesting without end": sends(response(b"[" * MEGABYTE)),
    "not HTTP": sends(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "two lengths": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "gzip bomb": sends(BOMB),
    "200 MB": flood,
    "200 MB in chunks": flood_in_chunks,
    "200 MB until the end": flood_until_close,
    "headers without end": headers_without_end,
    "interim answers without end": interim_without_end,
}

FAULTS: dict[str, tuple[Fault, str]] = {
    **{name: (fault, "UPSTREAM_TIMEOUT") for name, fault in SILENT.items()},
    **{name: (fault, "UPSTREAM_UNAVAILABLE") for name, fault in (BROKEN | STATUS).items()},
    **{name: (fault, "RATE_LIMITED") for name, fault in LIMITED.items()},
    **{name: (fault, "UPSTREAM_INVALID_RESPONSE") for name, fault in NONSENSE.items()},
}
"""Every fault that any request may meet, and the code that a read then ends with."""


def pages(bundles: Iterator[Any]) -> Fault:
    """Answer each search with the next of these Bundles."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(response(json.dumps(next(bundles)).encode()))

    return fault


def bundle(*ids: str | None, onward: str | None = None) -> Any:
    """Return a page with groups, None for a null in the list, and a link to the next one."""
    entries = [
        None if id is None else {"resource": {"resourceType": "Group", "id": id}} for id in ids
    ]
    links = [{"relation": "self", "url": "/Group?_count=20"}]
    if onward is not None:
        links.append({"relation": "next", "url": onward})
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
