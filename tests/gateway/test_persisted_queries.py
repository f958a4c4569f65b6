"""Automatic persisted queries: a document is sent once, and from then on its hash."""

import hashlib
import json

import pytest

from group_gateway.sandbox.wellknown import TEST_GROUP_ID

READ = "query ($id: ID!) { group(id: $id) { name } }"
NAMED = {"data": {"group": {"name": "Test Group"}}}
AUTHORIZED = {"authorization": "Bearer sandbox"}


def persisted(text=READ, *, version=1):
    """Return the extension that names a document by its hash."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


async def ask(gateway, **parts):
    """Send a request; return the status and the answer."""
    parts = {"variables": {"id": TEST_GROUP_ID}, **parts}
    response = await gateway.http.post("/graphql", json=parts, headers=AUTHORIZED)
    return response.status_code, response.json()


async def refusal(gateway, **parts):
    """Send a request that is refused; return the status, the message and the code."""
    status, answer = await ask(gateway, **parts)
    [error] = answer["errors"]
    return status, error["message"], error["extensions"]["code"]


async def test_a_document_is_learned(gateway, sandbox):
    """A hash that is not known asks for the text; sent once, the hash alone will do."""
    unknown = (200, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert await refusal(gateway, extensions=persisted()) == unknown
    assert sandbox.calls == []
    assert await ask(gateway, query=READ, extensions=persisted()) == (200, NAMED)
    assert await ask(gateway, extensions=persisted()) == (200, NAMED)


async def test_a_get_by_hash(gateway):
    """A hash fits into a URL, where a query may be too long."""
    await ask(gateway, query=READ, extensions=persisted())
    parameters = {
        "extensions": json.dumps(persisted()),
        "variables": json.dumps({"id": TEST_GROUP_ID}),
    }
    response = await gateway.http.get("/graphql", params=parameters, headers=AUTHORIZED)
    assert response.json() == NAMED


async def test_a_document_by_another_name(gateway):
    """`documentId` says the same, with and without the name of the hash function."""
    digest = persisted()["persistedQuery"]["sha256Hash"]
    assert await ask(gateway, query=READ, documentId=f"sha256:{digest}") == (200, NAMED)
    assert await ask(gateway, documentId=digest) == (200, NAMED)


async def test_the_hash_of_another_document(gateway):
    """A text can't be kept under another one's hash, and is not executed either."""
    refused = await refusal(gateway, query=READ + " ", extensions=persisted())
    assert refused[::2] == (400, "PERSISTED_QUERY_HASH_MISMATCH")
    assert (await refusal(gateway, extensions=persisted()))[2] == "PERSISTED_QUERY_NOT_FOUND"


async def test_switched_off(make_gateway):
    """The error makes clients stop sending hashes; a document beside the hash is executed."""
    gateway = await make_gateway(persisted_queries=False)
    unsupported = (200, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
    assert await refusal(gateway, extensions=persisted()) == unsupported
    assert await ask(gateway, query=READ, extensions=persisted()) == (200, NAMED)
    assert await refusal(gateway, extensions=persisted()) == unsupported


@pytest.mark.parametrize(
    "parts",
    [
        {"extensions": persisted(version=2)},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 5}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ""}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x" * 257}}},
        {"documentId": ["x"]},
        {"documentId": ""},
    ],
    ids=str,
)
async def test_a_name_that_is_none(gateway, sandbox, parts):
    """A malformed name is a bad request."""
    assert (await refusal(gateway, **parts))[::2] == (400, "BAD_REQUEST")
    assert sandbox.calls == []


async def test_what_is_learned_is_bounded(gateway):
    """A client that sends ever new documents only evicts old ones."""
    for number in range(60):
        text = f"{READ} #{number:0100000}"
        assert (await ask(gateway, query=text, extensions=persisted(text)))[0] == 200
    assert (await refusal(gateway, extensions=persisted(f"{READ} #{0:0100000}")))[0] == 200
    assert await ask(gateway, extensions=persisted(f"{READ} #{59:0100000}")) == (200, NAMED)


async def test_a_document_that_is_too_long(gateway):
    """One that is never executed is not learned either: it would push out all that are."""
    await ask(gateway, query=READ, extensions=persisted())
    long = READ + "#" * 2_500_000
    assert (await refusal(gateway, query=long, extensions=persisted(long)))[2] == "QUERY_TOO_LARGE"
    assert (await refusal(gateway, extensions=persisted(long)))[2] == "PERSISTED_QUERY_NOT_FOUND"
    assert await ask(gateway, extensions=persisted()) == (200, NAMED)
