"""A server that does not accept a part of an ordinary write is written to without that part."""

import json
from collections.abc import Callable

import httpx
import pytest

from every_upstream.documents import change
from frontdoor import opened
from gateway.canned import outcome
from gateway.keeper import BASE, Keeper, group_of, payload_of
from gateway.writing import patients
from group_gateway.app import create_app
from group_gateway.config import Settings

UPDATE = change("updateGroup", "id name")
ADD = change("addGroupMembers", "id")
DELETE = (
    "mutation ($input: DeleteGroupInput!) { deleteGroup(input: $input) { id issues { code } } }"
)
RENAME = {"id": "1", "name": "New"}
UNGUARDED = "The upstream refuses preconditions: others' changes may be overwritten."

Refusal = Callable[[httpx.Request], httpx.Response | None]


class Choosy(Keeper):
    """A server that refuses what it has no use for."""

    refuses: Refusal

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        refusal = self.refuses(request) if request.method in {"PUT", "DELETE"} else None
        return refusal or super()._answer(request, path)


def choosy(refuses: Refusal, **habits: bool) -> Choosy:
    """Return a server with versions that refuses some writes."""
    keeper = Choosy(group_of(meta={"tag": [{"code": "t"}]}), **habits)
    keeper.refuses = refuses
    return keeper


def has(name: str, status: int, text: str) -> Refusal:
    """Refuse writes with this header."""
    return lambda request: (
        httpx.Response(status, json=outcome("not-supported", text))
        if name in request.headers
        else None
    )


def sets(name: str) -> Refusal:
    """Refuse bodies with this element of `meta`."""
    text = f"meta.{name} is set by the server"
    return lambda request: (
        httpx.Response(422, json=outcome("invalid", text))
        if name in json.loads(request.content or b"{}").get("meta", {})
        else None
    )


REFUSALS = {
    "400": (has("if-match", 400, "The If-Match header is not supported"), {"etag": True}),
    "422": (has("if-match", 422, "Conditional updates are not supported"), {"etag": True}),
    "405": (has("if-match", 405, "ETag preconditions are unsupported"), {"etag": True}),
    "clock": (has("if-unmodified-since", 400, "If-Unmodified-Since: no"), {"clock": True}),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_server_without_conditional_updates(case: str):
    """It is written to without a precondition from then on, and each time that is said."""
    refuses, habits = REFUSALS[case]
    keeper = choosy(refuses, version_id="etag" in habits, **habits)
    settings = Settings(upstream_url=BASE, cache_ttl=0)
    async with opened(create_app(settings, transport=keeper)) as gateway:
        for document, wanted in (
            (UPDATE, RENAME),
            (ADD, {"groupId": "1", "members": patients(2)}),
        ):
            [payload] = (await gateway.data(document, input=wanted)).values()
            assert [issue["details"]["text"] for issue in payload["issues"]] == [UNGUARDED]
    assert keeper.stored()["name"] == "New"
    assert len(keeper.stored()["member"]) == 1
    assert keeper.calls().count("PUT") == 3


async def test_a_deletion_without_a_precondition():
    """A server that refuses one deletes without it."""
    refuses = has("if-match", 400, "If-Match is not implemented")
    keeper = choosy(refuses, etag=True, version_id=True, deletes=True)
    payload = await payload_of(keeper, DELETE, id="1")
    assert payload["id"] == "1"
    assert keeper.stored() is None


@pytest.mark.parametrize("name", ["versionId", "lastUpdated"])
async def test_a_server_that_wants_no_meta_of_its_own(name: str):
    """A server that refuses its own elements of `meta` gets the others, and none is lost."""
    keeper = choosy(sets(name), etag=True, version_id=True)
    keeper.write(meta={"tag": [{"code": "t"}], "lastUpdated": "2026-01-01T00:00:00Z"})
    payload = await payload_of(keeper, UPDATE, **RENAME)
    assert payload["issues"] == []
    assert keeper.stored()["name"] == "New"
    assert keeper.stored()["meta"] == {"tag": [{"code": "t"}]}
    assert keeper.calls().count("PUT") == 2
