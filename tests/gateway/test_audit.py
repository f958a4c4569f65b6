"""The audit log: who did what to which groups, and what happens when it can't be written."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdoor import Gateway
from group_gateway.sandbox.wellknown import TEST_GROUP_ID
from waiting import until

READ = f'{{ a: group(id: "{TEST_GROUP_ID}") {{ name }} }}'
WRITE = f"""mutation {{ updateGroup(input: {{id: "{TEST_GROUP_ID}", name: "Blue Heron"}}) {{
    group {{ name }} issues {{ code }} }} }}"""
JSON = "application/json"
CROSS_SITE = {"sec-fetch-site": "cross-site"}
PREFLIGHT = {"apollo-require-preflight": "true"}
PATIENCE = 30


def read(file: Path) -> list[Any]:
    """Return the records that a file has so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def records(file: Path, count: int) -> list[Any]:
    """Return the records of a file, once it has `count` of them."""
    await until(lambda: len(read(file)) >= count)
    return read(file)


async def test_each_answer_has_its_record(make_gateway: Any, tmp_path: Path) -> None:
    """Reads and writes are recorded by caller, kind, fields and ids, ready answers as well."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file))
    for query, token in ((READ, "sandbox"), (READ, "sandbox"), (WRITE, "sandbox"), (READ, "none")):
        await gateway(query, token=token)
    first, ready, written, refused = await records(file, 4)
    facts = {"operation": "query", "fields": ["group"], "read": [TEST_GROUP_ID], "codes": []}
    assert facts.items() <= first.items()
    assert facts.items() <= ready.items()
    assert (first["outcome"], ready["outcome"]) == ("complete", "ready")
    assert first["correlationId"] != ready["correlationId"]
    assert (written["operation"], written["written"]) == ("mutation", [TEST_GROUP_ID])
    assert (refused["outcome"], refused["codes"]) == ("errors", ["UNAUTHENTICATED"])
    assert refused["read"] == []
    assert first["caller"] == ready["caller"] != refused["caller"]
    assert "Blue Heron" not in file.read_text()
    assert "sandbox" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_who_only_joined_is_recorded(make_gateway: Any, tmp_path: Path) -> None:
    """Each request that shared a response in flight has a record, with the ids that it saw."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file), cache_ttl=0)
    query = "{ groups(first: 2) { nodes { id } } }"
    answers = await asyncio.gather(*(gateway.data(query) for _ in range(3)))
    ids = sorted(node["id"] for node in answers[0]["groups"]["nodes"])
    seen = await records(file, 3)
    assert [record["read"] for record in seen] == [ids] * 3
    assert sorted(record["outcome"] for record in seen) == ["complete", "joined", "joined"]


async def test_a_write_that_is_refused(make_gateway: Any, tmp_path: Path) -> None:
    """A change that was not made is an attempt."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file))
    await gateway(WRITE, token="sandbox-read")
    [record] = await records(file, 1)
    assert (record["written"], record["attempted"]) == ([], [TEST_GROUP_ID])


async def test_a_file_that_was_moved_away(make_gateway: Any, tmp_path: Path) -> None:
    """When the file is rotated the next record begins a new one."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file))
    await gateway(READ)
    await records(file, 1)
    file.rename(tmp_path / "old.jsonl")
    await gateway(READ)
    assert len(await records(file, 1)) == 1


async def test_a_file_that_cannot_be_written(make_gateway: Any, tmp_path: Path) -> None:
    """It fails readiness and no request; kept records are written once the disk has space."""
    folder = tmp_path / "later"
    gateway = await make_gateway(audit_file=str(folder / "audit.jsonl"))
    await status(gateway, 503)
    assert await gateway.data(READ)
    assert await gateway.data(READ)
    folder.mkdir()
    assert len(await records(folder / "audit.jsonl", 2)) == 2
    await status(gateway, 200)


async def test_a_file_that_becomes_writable(make_gateway: Any, tmp_path: Path) -> None:
    """It makes the gateway ready without a request, of which none comes until then."""
    folder = tmp_path / "later"
    gateway = await make_gateway(audit_file=str(folder / "audit.jsonl"))
    await status(gateway, 503)
    folder.mkdir()
    await status(gateway, 200)


async def test_a_file_that_is_not_required(make_gateway: Any, tmp_path: Path) -> None:
    """Requests are answered without it, so they must not be kept away; the probe's body tells."""
    gateway = await make_gateway(audit_file=str(tmp_path / "no" / "log"), audit_required=False)
    async with asyncio.timeout(PATIENCE):
        while "audit" not in (report := (await gateway.http.get("/readyz")).json()):  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.01)
    assert (report["status"], report["audit"]) == ("ok", "can't be written")
    await status(gateway, 200)


@pytest.mark.parametrize("required", [True, False])
async def test_no_room_for_a_record(make_gateway: Any, tmp_path: Path, *, required: bool) -> None:
    """What can't be recorded is not answered, by POST or GET, unless that is switched off."""
    file = tmp_path / "later" / "audit.jsonl"
    gateway = await make_gateway(
        audit_file=str(file), audit_required=required, batch_operations=1000
    )
    headers = {"authorization": "Bearer sandbox"}

    async def ask() -> list[httpx.Response]:
        return [
            await gateway.http.post("/graphql", json={"query": READ}, headers=headers),
            await gateway.http.get("/graphql", params={"query": READ}, headers=headers),
        ]

    assert [answer.status_code for answer in await ask()] == [200, 200]
    for _ in range(10):
        await gateway.http.post("/graphql", json=[{"query": READ}] * 1000, headers=headers)
    assert [answer.status_code for answer in await ask()] == [503 if required else 200] * 2
    file.parent.mkdir()
    await until(lambda: file.exists() and file.read_bytes().count(b"\n") >= 10_000)
    assert [answer.status_code for answer in await ask()] == [200, 200]


async def status(gateway: Gateway, expected: int) -> None:
    """Wait until the gateway is ready, or is not."""
    last = time.monotonic() + PATIENCE
    while (await gateway.http.get("/readyz")).status_code != expected:
        assert time.monotonic() < last
        await asyncio.sleep(0.01)


async def test_a_request_that_is_not_taken(make_gateway: Any, tmp_path: Path) -> None:
    """What is refused before it is executed has its record: by whom, and why."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file), body_bytes=1000, batch_operations=2)
    await gateway(READ)
    headers = {"authorization": "Bearer sandbox"}
    post, get = gateway.http.post, gateway.http.get
    array = [{"query": READ}, {"query": 1}]
    answers = [
        await post("/graphql", content="{}", headers={**headers, "content-type": "text/plain"}),
        await post("/graphql", content=b" " * 1001, headers=headers | {"content-type": JSON}),
        await post("/graphql", json={"query": 1}, headers=headers),
        await get("/graphql", params={"query": WRITE}, headers=headers | PREFLIGHT),
        await post("/graphql", json=array, headers=headers),
        await get("/graphql", params={"query": READ}, headers=CROSS_SITE),
        await post("/graphql", json={"query": 1}),
    ]
    first, *others = await records(file, 9)
    refused = [record for record in others if record["outcome"] == "refused"]
    assert [record["codes"] for record in refused] == [
        ["UNSUPPORTED_MEDIA_TYPE"],
        ["BODY_TOO_LARGE"],
        ["BAD_REQUEST"],
        ["METHOD_NOT_ALLOWED"],
        ["BAD_REQUEST"],
        ["CROSS_SITE_REQUEST"],
        ["BAD_REQUEST"],
    ]
    callers = [record["caller"] for record in refused]
    assert callers == [first["caller"]] * 5 + [None, None]
    told = {answer.headers["x-correlation-id"] for answer in answers}
    assert {record["correlationId"] for record in refused} == told


async def test_a_caller_who_may_not(make_gateway: Any, tmp_path: Path) -> None:
    """A limit that a document exceeds, and what the upstream forbids, are recorded as errors."""
    file = tmp_path / "audit.jsonl"
    gateway = await make_gateway(audit_file=str(file), query_depth=1)
    await gateway(READ)
    await gateway('mutation { createGroup(input: {type: PERSON, name: "New"}) { __typename } }')
    [deep, _] = await records(file, 2)
    assert (deep["outcome"], deep["codes"]) == ("errors", ["QUERY_TOO_DEEP"])
