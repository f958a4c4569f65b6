"""Trusted documents: only what clients were built with is executed."""

import asyncio
import hashlib
import itertools
import json
import os

import pytest

from gateway.test_persisted_queries import AUTHORIZED, NAMED, READ, ask, refusal
from group_gateway.config import SettingsError, read_settings

OTHER = "query ($id: ID!) { group(id: $id) { id } }"
ID = hashlib.sha256(READ.encode()).hexdigest()
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": ID, "name": "Read", "type": "query", "body": READ}],
}
UNTRUSTED = (403, "UNTRUSTED_DOCUMENT")


@pytest.fixture
def manifest(tmp_path):
    """Return a function that writes the list, and the file it is in."""
    path = tmp_path / "documents.json"
    written = itertools.count()

    def write(content):
        path.write_text(json.dumps(content))
        os.utime(path, ns=(0, 10**9 * next(written)))
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [APOLLO, {ID: READ}, {f"sha256:{ID}": READ}],
    ids=["Apollo", "Relay", "graphql-codegen"],
)
async def test_the_formats_of_the_build_tools(make_gateway, manifest, content):
    """The lists of Apollo, Relay and graphql-codegen are taken as they are."""
    gateway = await make_gateway(trusted_documents=str(manifest(content)))
    assert await ask(gateway, documentId=ID) == (200, NAMED)
    assert await ask(gateway, documentId=f"sha256:{ID}") == (200, NAMED)
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": ID}}
    assert await ask(gateway, extensions=extensions) == (200, NAMED)


async def test_others_are_refused(make_gateway, manifest, sandbox):
    """What is not on the list is not executed, by text or by hash; what is may come as text."""
    gateway = await make_gateway(trusted_documents=str(manifest({"1": READ})))
    assert (await refusal(gateway, query=OTHER))[::2] == UNTRUSTED
    assert (await refusal(gateway, query=READ + " "))[::2] == UNTRUSTED
    mismatch = (400, "PERSISTED_QUERY_HASH_MISMATCH")
    assert (await refusal(gateway, query=OTHER, documentId="1"))[::2] == mismatch
    digest = hashlib.sha256(OTHER.encode()).hexdigest()
    assert (await refusal(gateway, query=OTHER, documentId=digest))[::2] == UNTRUSTED
    assert (await refusal(gateway, documentId=digest))[2] == "PERSISTED_QUERY_NOT_FOUND"
    response = await gateway.http.get("/graphql", params={"query": OTHER}, headers=AUTHORIZED)
    assert response.status_code == 403
    assert sandbox.calls == []
    assert await ask(gateway, query=READ) == (200, NAMED)


async def test_a_look_before_it_is_enforced(make_gateway, manifest):
    """In mode `log` others are executed too, and counted."""
    path = str(manifest({"1": READ}))
    gateway = await make_gateway(trusted_documents=path, trusted_documents_mode="log")
    assert (await ask(gateway, query=OTHER))[0] == 200
    assert await ask(gateway, documentId="1") == (200, NAMED)
    metrics = (await gateway.http.get("/metrics")).text
    assert 'group_gateway_trusted_documents_total{event="unlisted"} 1.0' in metrics


async def test_a_list_is_rolled_out_without_a_restart(make_gateway, manifest, caplog):
    """A new list holds as soon as it is seen; a broken one is logged, and the last one in force."""
    gateway = await make_gateway(trusted_documents=str(manifest({"1": READ})))
    manifest({"1": READ, "2": OTHER})
    async with asyncio.timeout(60):
        while "errors" in (await ask(gateway, query=OTHER))[1]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)
    manifest("broken")
    unreadable = 'trusted_documents_total{event="unreadable"}'
    async with asyncio.timeout(60):
        while unreadable not in (await gateway.http.get("/metrics")).text:
            await asyncio.sleep(0.1)
            assert (await ask(gateway, documentId="2"))[0] == 200
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert str(manifest("broken")) in line
    assert "neither Apollo's format nor an object of texts" in line


async def test_a_document_that_is_taken_off_the_list(make_gateway, manifest):
    """It is refused as soon as that is seen, also where its answer is ready."""
    gateway = await make_gateway(trusted_documents=str(manifest({"1": READ, "2": OTHER})))
    for _ in range(2):
        assert (await ask(gateway, query=OTHER))[0] == 200
    manifest({"1": READ})
    async with asyncio.timeout(20):  # sooner than the answer ends
        while (await ask(gateway, query=OTHER))[0] != 403:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)


async def test_switched_off(make_gateway, manifest):
    """In mode `off` the list is as if it were not there."""
    path = str(manifest({"1": READ}))
    gateway = await make_gateway(trusted_documents=path, trusted_documents_mode="off")
    assert (await ask(gateway, query=OTHER))[0] == 200
    assert (await refusal(gateway, documentId="1"))[2] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("content", ["[]", "{", '{"1": 2}', '{"format": "other"}', "null"])
def test_a_file_that_is_no_list(tmp_path, content):
    """The error comes before anything is served."""
    path = tmp_path / "documents.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match="TRUSTED_DOCUMENTS is wrong"):
        read_settings({"GROUP_GATEWAY_TRUSTED_DOCUMENTS": str(path)}, {})


def test_a_file_that_is_not_there(tmp_path):
    """So is one that is missing."""
    with pytest.raises(SettingsError, match="no file to read"):
        read_settings({"GROUP_GATEWAY_TRUSTED_DOCUMENTS": str(tmp_path / "none")}, {})
