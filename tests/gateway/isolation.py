"""The upstream's whole history, to check who could have been shown what, and when.

The upstream does one thing at a time, so that its history is a list. Only the test moves the clock,
and only while no request is in flight.
"""

import asyncio
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from conftest import Sandbox
from group_gateway.sandbox.tokens import Caller
from identity.issuer import published

ADMIN = {"authorization": "Bearer sandbox"}
ENDLESS = 10**12
KEYS = "/keys"
HISTORY = "/_history"


@dataclass(frozen=True)
class Moment:
    """A point of the history: its place in it, and the time."""

    place: int
    time: float


@dataclass
class Span:
    """For how long something was so: a group had a name, a token was good."""

    of: str
    since: Moment
    until: Moment = field(default_factory=lambda: Moment(ENDLESS, ENDLESS))


@dataclass(frozen=True)
class Window:
    """When an answer may have been true: from a time and a place on, up to a place."""

    time: float
    first: int
    last: int

    def meets(self, *spans: Span) -> bool:
        """Return whether there was a moment in it that all spans have in common."""
        since = max(self.first, *(span.since.place for span in spans))
        until = min((span.until for span in spans), key=lambda moment: moment.place)
        return since < until.place and since <= self.last and until.time >= self.time


class History:
    """What the upstream was like at each moment."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.now = float(int(time.time()))  # and ahead of it: libraries look at the real one
        self._place = 0
        self._state = sandbox.app.state.sandbox
        self.names: dict[str, list[Span]] = defaultdict(list)
        self.tokens: dict[str, Span] = {}
        self.rights: dict[str, Caller] = {}
        self.refused: dict[str, Moment] = {}
        self.is_down = False
        self.outages: list[Moment] = []

    def moment(self) -> Moment:
        """Return a new moment, after all others."""
        self._place += 1
        return Moment(self._place, self.now)

    def named(self, id: str, name: str) -> None:
        """Record that a group has a name from now on."""
        moment = self.moment()
        if self.names[id]:
            self.names[id][-1].until = moment
        self.names[id].append(Span(name, moment))

    def versions(self, group: Any) -> httpx.Response:
        """Return the history of a group: each name that it had, the newest first."""
        spans = self.names[group["id"]]
        entries = [
            {"resource": {**group, "name": span.of, "meta": {"versionId": str(number)}}}
            for number, span in enumerate(spans, 1)
        ]
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries[::-1]})

    def issue(self, rights: Caller) -> str:
        """Return a new token."""
        token = str(self._state.tokens.issue(rights, ENDLESS))
        self.tokens[token], self.rights[token] = Span(token, self.moment()), rights
        return token

    def revoke(self, token: str) -> None:
        """Make a token worthless."""
        self._state.tokens.revoke(token)
        self.tokens[token].until = self.moment()

    def was_down_since(self, moment: Moment) -> bool:
        """Return whether the upstream could not be reached at some time after a moment."""
        return self.is_down or any(outage.place > moment.place for outage in self.outages)

    def had(self, id: str, name: str, window: Window) -> bool:
        """Return whether a group had a name before the window's end."""
        return any(s.of == name and s.since.place <= window.last for s in self.names[id])

    def allows(self, token: str, id: str, name: str, window: Window) -> bool:
        """Return whether the upstream would have shown this name to this token in the window."""
        rights = self.rights[token]
        if not rights.reads or not rights.sees(id):
            return False
        spans = [span for span in self.names[id] if span.of == name]
        return any(window.meets(span, self.tokens[token]) for span in spans)


class Upstream(httpx.AsyncBaseTransport):
    """The way to the sandbox: slow by chance on both sides, and one at a time in the middle."""

    def __init__(self, sandbox: Sandbox, history: History, rng: Random) -> None:
        self._inner = httpx.ASGITransport(app=sandbox.app)
        self._history = history
        self._rng = rng
        self._one = asyncio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, and note what it changed."""
        await self._dawdle()
        async with self._one:
            groups = request.url.path.startswith("/Group")
            if self._history.is_down and groups:
                self._history.outages.append(self._history.moment())
                raise httpx.ConnectError("an outage")
            if request.url.path == KEYS:
                return httpx.Response(200, json={"keys": [published("one")]})
            response = await self._inner.handle_async_request(_without_history(request))
            await response.aread()
            if request.url.path == "/metadata":
                response = _with_history(response)
            elif request.url.path.endswith(HISTORY) and response.is_success:
                response = self._history.versions(response.json())
            if response.status_code in {401, 403}:
                token = request.headers.get("authorization", "").removeprefix("Bearer ")
                self._history.refused[token] = self._history.moment()
            if groups and request.method in {"PUT", "POST"} and response.is_success:
                group = json.loads(request.content)
                id = response.headers["location"].rpartition("/")[2]
                self._history.named(group.get("id", id), group["name"])
        await self._dawdle()
        return response

    async def _dawdle(self) -> None:
        for _ in range(self._rng.randrange(12)):
            await asyncio.sleep(0)


def _without_history(request: httpx.Request) -> httpx.Request:
    """Return a read of the group in the place of a read of its history, which a sandbox lacks."""
    if not request.url.path.endswith(HISTORY):
        return request
    url = request.url.copy_with(path=request.url.path.removesuffix(HISTORY), query=None)
    return httpx.Request("GET", url, headers=request.headers)


def _with_history(response: httpx.Response) -> httpx.Response:
    statement = response.json()
    for resource in statement["rest"][0]["resource"]:
        resource.setdefault("interaction", []).append({"code": "history-instance"})
    return httpx.Response(200, json=statement)


SILENCE = 0.1
"""Seconds of the real clock after which a write through one gateway is seen through all."""


class Told:
    """When which gateway answered a write of each group, and the write's place in the history."""

    def __init__(self) -> None:
        self._writes: dict[str, list[tuple[float, int, int]]] = defaultdict(list)

    def note(self, id: str, gateway: int, place: int) -> None:
        """Record that a gateway has just responded to a write."""
        self._writes[id].append((time.monotonic(), gateway, place))

    def to(self, gateway: int) -> dict[str, int]:
        """Return each group's last write through another gateway that this one must show."""
        bound = time.monotonic() - SILENCE
        return {
            id: max((place for at, by, place in writes if by != gateway and at <= bound), default=0)
            for id, writes in self._writes.items()
        }
