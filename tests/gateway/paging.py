"""Paging through groups as a client does, over any upstream in process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from frontdoor import Gateway, opened
from group_gateway.app import create_app
from group_gateway.config import Settings

GROUPS = """query ($filter: GroupFilter, $first: Int, $after: String, $last: Int, $before: String) {
  groups(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
Ids = list[str]
Filter = dict[str, Any] | None


@dataclass
class Bench:
    """A gateway, and what it asked its upstream: `/Group?a=b`."""

    gateway: Gateway
    calls: list[str]


class Noting(httpx.AsyncBaseTransport):
    """Carries requests to an app in process, and notes them."""

    def __init__(self, app: ASGIApp) -> None:
        self.calls: list[str] = []
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        self.calls.append(request.url.raw_path.decode())
        assert request.url.host == "upstream.test", "a link led to another host"
        return await self._inner.handle_async_request(request)


@asynccontextmanager
async def bench(upstream: ASGIApp, **settings: Any) -> AsyncIterator[Bench]:
    """Run a gateway on an upstream within the block, with all the calls that it wants."""
    transport = Noting(upstream)
    known = {"upstream_url": "http://upstream.test", "upstream_calls": 10_000, **settings}
    async with opened(create_app(Settings(**known), transport=transport)) as gateway:
        yield Bench(gateway, transport.calls)


def ids_of(connection: Any) -> Ids:
    """Return the ids of a connection's groups."""
    return [edge["node"]["id"] for edge in connection["edges"]]


async def one_page(gateway: Gateway, wanted: Filter = None, **paging: Any) -> Any:
    """Get one page; check that its cursors are those of its edges."""
    connection = (await gateway.data(GROUPS, filter=wanted, **paging))["groups"]
    cursors = [edge["cursor"] for edge in connection["edges"]] or [None]
    info = connection["pageInfo"]
    assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
    return connection


async def forwards(gateway: Gateway, size: int, wanted: Filter = None) -> list[Ids]:
    """Page from the start to the end; return the ids of each page, in reading order."""
    pages: list[Ids] = []
    after, more = None, True
    while more:
        page = await one_page(gateway, wanted, first=size, after=after)
        info = page["pageInfo"]
        assert info["hasPreviousPage"] is (after is not None)
        pages.append(ids_of(page))
        more, after = info["hasNextPage"], info["endCursor"]
    return pages


async def backwards(gateway: Gateway, size: int, wanted: Filter = None) -> list[Ids]:
    """Page from the end to the start; return the ids of each page, in reading order."""
    pages: list[Ids] = []
    before, more = None, True
    while more:
        page = await one_page(gateway, wanted, last=size, before=before)
        info = page["pageInfo"]
        assert info["hasNextPage"] is (before is not None)
        pages.insert(0, ids_of(page))
        more, before = info["hasPreviousPage"], info["startCursor"]
    return pages


def cut(ids: Ids, size: int) -> list[Ids]:
    """Cut a list into pages; an empty one has a page too."""
    return [ids[i : i + size] for i in range(0, len(ids), size)] or [[]]


def cut_from_the_end(ids: Ids, size: int) -> list[Ids]:
    """Cut a list into pages of which all but the first are full."""
    return [page[::-1] for page in cut(ids[::-1], size)][::-1]
