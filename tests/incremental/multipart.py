"""A client that reads answers in parts, by the RFC and by hand: nothing that the gateway shares."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

ACCEPT = "multipart/mixed, application/json"


@dataclass
class Merged:
    """What parts come to when they are put together."""

    seen: list[Any] = field(default_factory=list)
    data: Any = None
    errors: list[Any] = field(default_factory=list)
    pending: dict[str, Any] = field(default_factory=dict)

    def merge(self, part: Any) -> None:
        """Add a part."""
        if not self.seen:
            self.data = part["data"]
            self.errors += part.get("errors", [])
        self.seen.append(part)
        for pending in part.get("pending", []):
            assert pending["id"] not in self.pending
            self.pending[pending["id"]] = pending["path"]
        for result in part.get("incremental", []):
            place = self.data
            for key in self.pending[result["id"]] + result.get("subPath", []):
                place = place[key]
            if "items" in result:
                place += result["items"]
            else:
                _add(place, result["data"])
            self.errors += result.get("errors", [])
        for completed in part.get("completed", []):
            del self.pending[completed["id"]]
            self.errors += completed.get("errors", [])


@dataclass
class Parts(Merged):
    """The parts of one answer as they come."""

    response: httpx.Response = field(default_factory=lambda: httpx.Response(200))
    _buffer: bytes = b""

    @property
    def is_multipart(self) -> bool:
        """Whether it came in parts."""
        return self.response.headers["content-type"] == 'multipart/mixed; boundary="-"'

    async def next(self) -> Any:
        """Read the next part. It must be there before the one behind it is."""
        if not self.seen:
            self._bytes = self.response.aiter_raw()
            assert await self._until(b"\r\n---") == b""
        head, _, body = (await self._until(b"\r\n---")).partition(b"\r\n\r\n")
        assert head == b"\r\ncontent-type: application/json; charset=utf-8"
        part = json.loads(body)
        self.merge(part)
        return part

    async def rest(self) -> list[Any]:
        """Read the remaining parts, and check the end; return all parts."""
        while not self.seen or self.seen[-1]["hasNext"]:
            await self.next()
        async for piece in self._bytes:
            self._buffer += piece
        assert self._buffer == b"--\r\n"
        assert not self.pending
        return self.seen

    async def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._buffer += await anext(self._bytes)
        found, _, self._buffer = self._buffer.partition(end)
        return found


def _add(place: Any, data: Any) -> None:
    for key, value in data.items():
        if isinstance(value, dict) and isinstance(place.get(key), dict):
            _add(place[key], value)
        else:
            place[key] = value


@dataclass
class Client:
    """Asks one gateway over a socket; `app` is that gateway."""

    http: httpx.AsyncClient
    app: Any = None

    @asynccontextmanager
    async def asking(
        self, query: str, *, accept: str = ACCEPT, token: str | None = "sandbox", **more: Any
    ) -> AsyncIterator[Parts]:
        """Send a request; leave when the block ends."""
        headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
        body = {"query": query, **more}
        async with self.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            yield Parts(response=response)

    async def __call__(self, query: str, **more: Any) -> Parts:
        """Send a request whose answer comes in parts, and read all of them."""
        async with self.asking(query, **more) as parts:
            assert parts.is_multipart, await parts.response.aread()
            await parts.rest()
            return parts

    async def whole(self, query: str, accept: str = "application/json", **more: Any) -> Any:
        """Send a request whose response has one part, and return it decoded."""
        async with self.asking(query, accept=accept, **more) as parts:
            assert not parts.is_multipart
            return json.loads(await parts.response.aread())
