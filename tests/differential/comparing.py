"""Sends the same request to two gateways, and compares the responses."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import ASGIApp

from differential.upstream import Upstream
from frontdoor import post

_OWN = re.compile(rb'"correlationId":"[0-9a-f]{32}"')


class _Body(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[msgspec.Raw] = []


_Place = tuple[str | int, ...]


@dataclass(frozen=True)
class _Told:
    """What a response says, without what is left to chance.

    The order of errors has no meaning. Where a field that can't be null fails, the object that
    contains it becomes null. If several such fields fail, the response reports whichever failed
    first (GraphQL specification, section 6.4.4). Of those only the places that became null are
    kept.
    """

    data: bytes
    errors: list[bytes]
    nulled: set[_Place]


@dataclass(frozen=True)
class Answer:
    """An answer, without what names this one request, and what was asked upstream for it."""

    body: bytes
    calls: tuple[str, ...]

    @property
    def has_errors(self) -> bool:
        """Whether something went wrong."""
        return self.body.startswith(b'{"errors"')

    @property
    def was_refused(self) -> bool:
        """Whether the document broke a rule of validation."""
        return b'"code":"GRAPHQL_VALIDATION_FAILED"' in self.body

    def told(self) -> _Told:
        """Split a response into its parts."""
        body = msgspec.json.decode(self.body, type=_Body)
        data = msgspec.json.decode(body.data)
        told = _Told(bytes(body.data), [], set())
        for error in sorted(map(bytes, body.errors)):
            path = tuple(msgspec.json.decode(error).get("path", ()))
            place = _null_on_the_way(data, path)
            if len(place) < len(path):
                told.nulled.add(place)
            else:
                told.errors.append(error)
        return told


def _null_on_the_way(data: Any, path: _Place) -> _Place:
    """Return the part of a path that leads to the first null, or all of it."""
    for length, step in enumerate(path):
        if data is None:
            return path[:length]
        data = data[step]
    return path


@dataclass(frozen=True)
class Side:
    """A gateway, and the upstream that only it asks."""

    app: ASGIApp
    upstream: Upstream

    async def ask(self, request: dict[str, Any], *, token: str | None) -> Answer:
        """Ask, and wait until nothing is left to do."""
        self.upstream.calls.clear()
        posted = await post(self.app, json.dumps(request).encode(), token)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left)
        calls = tuple(sorted(self.upstream.calls))
        return Answer(without_own(posted.body), calls)


def without_own(body: bytes) -> bytes:
    """Remove from a response what identifies its request."""
    return _OWN.sub(b'"correlationId":""', body)


def difference(plain: Answer, fast: Answer) -> str | None:
    """Return how two responses differ, or None."""
    if plain.body != fast.body:
        told, retold = plain.told(), fast.told()
        if told.data != retold.data:
            return "data"
        if told != retold:
            return "errors"
    if plain.calls != fast.calls:
        return "upstream calls"
    return None
