"""The versions of a world's groups, and who made them, made of what a group is now."""

import json
from typing import Any
from zlib import crc32

from differential.resources import Resource

_SAID: tuple[dict[str, Any], ...] = (
    {"response": {"etag": 'W/"1"', "lastModified": "2026-01-01T00:00:00Z"}},
    {"response": {"lastModified": "2026-01-01T00:00:00Z"}},
    {"response": {"etag": 5}, "request": "PUT"},
    {},
)


def page(group: Resource, asked: dict[str, str], most: int) -> bytes:
    """Return a page of a group's history: as it is now several times over, and a deletion."""
    start, count = int(asked.get("page", 0)), min(int(asked.get("_count", 10)), most)
    entries = _entries(group)
    link = []
    if start + count < len(entries):
        link.append({"relation": "next", "url": f"?page={start + count}&_count={count}"})
    head = json.dumps({"resourceType": "Bundle", "type": "history", "link": link}).encode()
    return head[:-1] + b',"entry":[' + b",".join(entries[start : start + count]) + b"]}"


def _entries(group: Resource) -> list[bytes]:
    number = crc32(group.raw)
    entries = [
        b'{"resource":' + group.raw + b"," + json.dumps(said).encode()[1:]
        if said
        else b'{"resource":' + group.raw + b"}"
        for said in _SAID[number % 3 :]
    ]
    deletion = {"request": {"method": "DELETE"}, "response": {"etag": f'W/"{number % 7}"'}}
    entries.insert(number % 2, json.dumps(deletion).encode())
    if number % 5 == 0:
        entries.append(b'{"resource":{"resourceType":"Group","id":"another"}}')
    return entries


def records(id: str) -> bytes:
    """Return who made the first version of a group, and records that say nothing of it."""
    agents: tuple[Any, ...] = ([{"who": {"reference": "Practitioner/d1"}}], {"who": 7}, None)
    entry = [
        {
            "resource": {
                "resourceType": "Provenance",
                "id": f"of-{number}",
                "target": [{"reference": f"Group/{id}/_history/{version}"}],
                "agent": agents[(crc32(id.encode()) + number) % len(agents)],
            }
        }
        for number, version in enumerate((1, 1, 2))
    ]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entry}).encode()
