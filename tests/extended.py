"""Ask a gateway that has the additions of `docs/extending.md`, which is the one on the path."""

import asyncio

import httpx

from every_upstream.documents import change
from frontdoor import opened
from gateway.keeper import Keeper, group_of, payload_of
from gateway.upstream import Shelf
from group_gateway.app import create_app
from group_gateway.config import Settings

UPDATE = change("updateGroup", "id description")
CREATE = change("createGroup", "id description")
HIDDEN = {"extension": [{"url": "https://example.org/x"}]}
FIND = '{ groups(filter: { description: "one" }) { nodes { id description } } }'


async def write() -> None:
    """Create, update, merge and clear the element."""
    keeper = Keeper(group_of(description="old", _description=HIDDEN), etag=True)
    payload = await payload_of(keeper, UPDATE, id="1", description="new")
    assert payload["group"]["description"] == "new"
    assert keeper.stored()["_description"] == HIDDEN
    payload = await payload_of(keeper, UPDATE, id="1", description=None)
    assert payload["issues"] == []
    assert "description" not in keeper.stored()
    payload = await payload_of(keeper, UPDATE, id="1", description="")
    assert payload["issues"][0]["inputPath"] == ["description"]
    payload = await payload_of(keeper, CREATE, type="PERSON", name="New", description="made")
    assert payload["group"]["description"] == "made"


async def find() -> None:
    """Search by the element."""
    shelf = Shelf()
    for id in ("one", "two"):
        shelf.groups[id] = b'{"resourceType":"Group","id":"%b","description":"%b"}' % (
            id.encode(),
            id.encode(),
        )
    settings = Settings(upstream_url="http://upstream.test")
    app = create_app(settings, transport=httpx.ASGITransport(app=shelf.app()))
    async with opened(app) as gateway:
        found = (await gateway.data(FIND))["groups"]["nodes"]
    assert found == [{"id": "one", "description": "one"}]


if __name__ == "__main__":
    asyncio.run(write())
    asyncio.run(find())
