"""An upstream of static files, as a web server has them: it knows a few URLs word for word.

Its Bundles link `self`, `first` and `last` only, it ignores what a URL says beyond them, and what
it has no file for is a 404 with an OperationOutcome, id lists among them.
"""

import json
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from frontdoor import opened
from group_gateway.app import create_app
from group_gateway.config import Settings

IDS = tuple(f"00000000-0000-4000-8000-{number:012}" for number in range(200))
FIRST_PAGE = "/Group?_count=100&_offset=0"
LISTED = IDS[100:150]
"""The one id list that there is a file for, in this order."""
NO_FILE = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "not-found", "details": {"text": "No such file"}}],
}


def make_group(id):
    """Make a group."""
    return {"resourceType": "Group", "id": id, "type": "person", "actual": True, "name": id[-3:]}


def bundle(ids, url):
    """Make the Bundle behind a URL."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(ids),
        "link": [{"relation": relation, "url": url} for relation in ("self", "first", "last")],
        "entry": [{"resource": make_group(id)} for id in ids],
    }


@dataclass
class StaticFiles:
    """The server: its files by path, by `_id`, or by `_count-_offset`; and what reached it."""

    files: dict[str, object]
    calls: list[str] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        """Answer a request (ASGI)."""
        request = Request(scope)
        asked, query = request.url.path, request.query_params
        self.calls.append(f"{asked}?{request.url.query}" if query else asked)
        if asked == "/Group":
            asked = query.get("_id") or f"{query.get('_count')}-{query.get('_offset')}"
        content = self.files.get(asked)
        response = Response(
            json.dumps(content or NO_FILE),
            200 if content else 404,
            {"etag": '"static"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"},
            media_type="application/fhir+json",
        )
        await response(scope, receive, send)


@pytest.fixture
def static():
    """Return the server, with 200 groups, one page and one id list."""
    listed = ",".join(LISTED)
    files = {f"/Group/{id}": make_group(id) for id in IDS}
    page = bundle(IDS[:100], FIRST_PAGE)
    return StaticFiles(
        {**files, "100-0": page, listed: bundle(LISTED, f"/Group?_id={listed}&_count=50")}
    )


@pytest.fixture
async def gateway(static):
    """Yield a gateway in front of it, with the default settings."""
    settings = Settings(upstream_url="http://static.test")
    async with opened(create_app(settings, transport=httpx.ASGITransport(app=static))) as gateway:
        yield gateway


def aliases(ids):
    """Ask for groups by aliases."""
    return (
        "{ " + " ".join(f'g{i}: group(id: "{id}") {{ id name }}' for i, id in enumerate(ids)) + " }"
    )


def named(ids):
    """Return what the aliases are answered with."""
    return {f"g{i}": {"id": id, "name": id[-3:]} for i, id in enumerate(ids)}


async def test_a_page_that_there_is_a_file_for(gateway, static):
    """A hundred groups are one call, by the very URL that FHIR's documents show."""
    data = await gateway.data("{ groups(first: 100) { nodes { id } pageInfo { hasNextPage } } }")
    assert [node["id"] for node in data["groups"]["nodes"]] == list(IDS[:100])
    assert data["groups"]["pageInfo"]["hasNextPage"] is False
    assert static.calls == [FIRST_PAGE]


@pytest.mark.parametrize(("type", "count"), [("PERSON", 100), ("DEVICE", 0)])
async def test_a_filter_that_it_ignores(gateway, type, count):
    """A page that was not filtered is never passed off as one that was."""
    document = "query ($type: GroupType) { groups(first: 100, filter: { type: $type })"
    data = await gateway.data(document + " { nodes { id } totalCount } }", type=type)
    assert (len(data["groups"]["nodes"]), data["groups"]["totalCount"]) == (count, count)


async def test_an_id_list_that_it_knows(gateway, static):
    """Fifty groups in the order of the file are one call."""
    assert await gateway.data(aliases(LISTED)) == named(LISTED)
    assert len(static.calls) == 1


async def test_an_id_list_that_it_does_not_know(gateway, static):
    """A 404 for a list means that it can't search so: the groups are read, then and later."""
    assert await gateway.data(aliases(IDS[:50])) == named(IDS[:50])
    assert sorted(static.calls)[:50] == [f"/Group/{id}" for id in IDS[:50]]
    assert len(static.calls) == 51
    static.calls.clear()
    assert await gateway.data(aliases(IDS[50:100])) == named(IDS[50:100])
    assert sorted(static.calls) == [f"/Group/{id}" for id in IDS[50:100]]


async def test_a_group_that_there_is_no_file_for(gateway):
    """A 404 with an outcome is an absent group, alone or among others."""
    nobody = "00000000-0000-4000-8000-000000999999"
    assert await gateway.data(aliases([nobody])) == {"g0": None}
    assert await gateway.data(aliases([IDS[0], nobody])) == {
        "g0": {"id": IDS[0], "name": "000"},
        "g1": None,
    }
