"""A FHIR server in memory, as a transport: it serves the groups of a world, in its own way.

Each caller sees groups of its own under the same ids. It notes what was asked, and lets other work
run for a while before it answers.
"""

import asyncio
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

import httpx

from differential import history, people
from differential.resources import Resource

_STATEMENT = {
    "resourceType": "CapabilityStatement",
    "rest": [
        {
            "mode": "server",
            "resource": [
                {
                    "type": "Group",
                    "searchParam": [{"name": name} for name in ("_id", "type", "patient")],
                },
                {"type": "Provenance"},
            ],
        }
    ],
}
_OUTCOME = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}'


@dataclass(frozen=True)
class Manners:
    """How a server does what FHIR leaves open, and what it does wrong.

    `faults` are answers to reads by id, `last_page` is the offset from which searches fail.
    """

    id_lists: bool = True
    filters: frozenset[str] = frozenset({"type", "patient"})
    totals: bool = True
    statement: bool = True
    page_size: int = 100
    faults: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    last_page: int | None = None

    @classmethod
    def random(cls, rng: Random, ids: list[str], *, failing: bool) -> "Manners":
        """Make up a server; one that is failing has faults."""
        faults: dict[str, tuple[int, bytes]] = {}
        if failing:
            for id in rng.sample(ids, k=min(2, len(ids))):
                faults[id] = rng.choice(_FAULTS)
        return cls(
            id_lists=rng.random() < 0.6,
            filters=frozenset(name for name in ("type", "patient") if rng.random() < 0.7),
            totals=rng.random() < 0.8,
            statement=rng.random() < 0.5,
            page_size=rng.choice((2, 5, 100)),
            faults=faults,
            last_page=rng.choice((0, 2, 4)) if failing and rng.random() < 0.5 else None,
        )


_FAULTS = (
    (500, b"secret trace"),
    (403, _OUTCOME),
    (404, _OUTCOME),
    (401, _OUTCOME),
    (429, b""),
    (200, b"<html>"),
    (200, b"null"),
    (200, b""),
    (200, b'{"resourceType":"Patient","id":"x"}'),
    (200, b'{"resourceType":"Group","id":"somebody-else"}'),
    (200, b'{"resourceType":"Group","id":"g0","name":"\xff"}'),
    (200, b'{"resourceType":"Group"'),
)


class Upstream(httpx.AsyncBaseTransport):
    """The server. `calls` is what was asked since it was last cleared."""

    def __init__(self, manners: Manners) -> None:
        self._resources: dict[str, dict[str, Resource]] = {}
        self._manners = manners
        self._has_history = crc32(repr(manners).encode()) % 4 > 0
        self.calls: list[str] = []

    def hold(self, token: str, resources: list[Resource]) -> None:
        """Hold these groups, and no others, for the caller with this token."""
        self._resources[f"Bearer {token}"] = {resource.id: resource for resource in resources}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        asked = request.url.raw_path.decode()
        self.calls.append(asked)
        for _ in range(crc32(asked.encode()) % 5):
            await asyncio.sleep(0)
        seen = self._resources.get(request.headers.get("authorization", ""), {})
        status, body = self._answer(request.url, seen)
        return httpx.Response(status, content=body, headers={"content-type": "application/json"})

    def _answer(self, url: httpx.URL, seen: dict[str, Resource]) -> tuple[int, bytes]:
        if url.path == "/metadata":
            return (200, json.dumps(_STATEMENT).encode()) if self._manners.statement else (404, b"")
        if url.path == "/Group":
            return self._search(dict(url.params), list(seen.values()))
        if url.path == "/Provenance" or url.path.endswith("/_history"):
            return self._past(url, seen)
        type, _, id = url.path.removeprefix("/").partition("/")
        if type in people.TYPES:
            return self._people(type, [id] if id else dict(url.params)["_id"].split(","), id)
        id = url.path.removeprefix("/Group/")
        if id in self._manners.faults:
            return self._manners.faults[id]
        resource = seen.get(id)
        return (404, _OUTCOME) if resource is None else (200, resource.raw)

    def _past(self, url: httpx.URL, seen: dict[str, Resource]) -> tuple[int, bytes]:
        """Answer a read of a history, or a search for who made it."""
        asked = dict(url.params)
        provenance = url.path == "/Provenance"
        id = asked["target"].removeprefix("Group/") if provenance else url.path.split("/")[2]
        if not self._has_history or id not in seen:
            return 404, _OUTCOME
        if provenance:
            return 200, history.records(id)
        return 200, history.page(seen[id], asked, self._manners.page_size)

    def _people(self, type: str, ids: list[str], read: str) -> tuple[int, bytes]:
        sound = not self._manners.faults
        found = [raw for id in ids if (raw := people.resource(type, id, sound=sound)) is not None]
        if read:
            return (200, found[0]) if found else (404, _OUTCOME)
        if not self._manners.id_lists:
            return 400, _OUTCOME
        entries = b",".join(b'{"resource":%b}' % raw for raw in found)
        return 200, b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}"

    def _search(self, asked: dict[str, str], seen: list[Resource]) -> tuple[int, bytes]:
        manners = self._manners
        offset = int(asked.get("_offset", "0"))
        count = min(int(asked.get("_count", "10")), manners.page_size)
        if manners.last_page is not None and offset >= manners.last_page:
            return 500, b"secret trace"
        obeyed = {name: asked[name] for name in self._obeyed() if name in asked}
        found = [group for group in seen if _fits(group, obeyed)]
        links = [_link("self", obeyed, count, offset)]
        if offset + count < len(found):
            links.append(_link("next", obeyed, count, offset + count))
        head: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
        if manners.totals:
            head |= {"total": len(found)}
        entries = b",".join(b'{"resource":%b}' % g.raw for g in found[offset : offset + count])
        return 200, json.dumps(head).encode()[:-1] + b',"entry":[' + entries + b"]}"

    def _obeyed(self) -> list[str]:
        lists = ("_id",) if self._manners.id_lists else ()
        return [*lists, *sorted(self._manners.filters)]


def _fits(group: Resource, obeyed: dict[str, str]) -> bool:
    if "_id" in obeyed and group.id not in obeyed["_id"].split(","):
        return False
    if "type" in obeyed and group.type != obeyed["type"]:
        return False
    patient = obeyed.get("patient", "").removeprefix("Patient/")
    return not patient or f"Patient/{patient}" in group.people


def _link(relation: str, obeyed: dict[str, str], count: int, offset: int) -> dict[str, str]:
    parameters = httpx.QueryParams({**obeyed, "_count": str(count), "_offset": str(offset)})
    return {"relation": relation, "url": f"/Group?{parameters}"}
