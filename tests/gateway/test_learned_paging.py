"""Paging parameters are learned: a refusal makes the gateway ask more simply, once."""

from urllib.parse import parse_qs

import httpx
import pytest

from gateway.answering import Answering, answering, ids, page, refusal

ALL = [f"g{number:03}" for number in range(130)]
QUERY = """query ($first: Int, $after: String) {
    groups(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"""


def strict(
    known=("_count", "page"), most=50, default=20, words="Unknown parameter {0}", status=400
):
    """Make a server that turns down what it does not know, and a `_count` above its maximum."""

    def answer(target):
        query = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        unknown = next((name for name in query if name not in known), None)
        if unknown is not None:
            return refusal(words.format(unknown), status)
        size = int(query.get("_count", default))
        if size > most:
            return refusal(words.format("_count"), status)
        start = int(query.get("page", 0))
        onward = (
            f"?_count={size}&page={start + size}" if "_count" in known else f"?page={start + size}"
        )
        return page(*ALL[start : start + size], onward=onward if start + size < len(ALL) else None)

    return answer


SERVERS = {
    "no offset": strict(),
    "no offset, in other words": strict(words="Bad request"),
    "no offset, 422": strict(words="Bad request", status=422),
    "no offset, 405": strict(words="No", status=405),
    "no offset, 501": strict(words="No", status=501),
    "no offset, 403 that says so": strict(words="The parameter '{0}' is forbidden", status=403),
    "no count": strict(known=("page",)),
    "no count, in other words": strict(known=("page",), words="No"),
    "a maximum in words": strict(words="{0} must be between 1 and 50"),
    "a small maximum": strict(most=3, default=3, words="No"),
    "a maximum of one": strict(most=1, default=1),
}


async def walk(gateway, **variables):
    """Page to the end."""
    found, after, more = [], None, True
    while more:
        groups = (await gateway.data(QUERY, after=after, **variables))["groups"]
        found += [node["id"] for node in groups["nodes"]]
        more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
    return found


@pytest.mark.parametrize("size", [7, 100, 1000])
@pytest.mark.parametrize("name", SERVERS)
async def test_all_groups_are_reached(name, size):
    """Whatever the server refuses, and however it says so, each group is given once."""
    upstream = Answering(SERVERS[name])
    async with answering(upstream, upstream_calls=1000) as gateway:
        assert await walk(gateway, first=size) == ALL


@pytest.mark.parametrize("name", SERVERS)
async def test_a_refusal_is_remembered(name):
    """The next search, of any size, is not turned down again."""
    upstream = Answering(SERVERS[name])
    refused = []

    def noting(target):
        found = SERVERS[name](target)
        refused.extend([target] if not isinstance(found, dict) else [])
        return found

    upstream.search = noting
    async with answering(upstream, upstream_calls=1000, cache_ttl=0) as gateway:
        await gateway.data(QUERY, first=100)
        assert 1 <= len(refused) <= 3
        refused.clear()
        for size in (100, 70, 5):
            await gateway.data(QUERY, first=size)
        assert refused == []


@pytest.mark.parametrize(("accepted", "default", "expected"), [(1, 5, 5), (20, 5, 20), (1, 1, 1)])
async def test_a_small_request_before_a_refused_one(accepted, default, expected):
    """Pages stay as large as the server makes them, though a smaller one was accepted before."""
    upstream = Answering(strict(most=50, default=default, words="No"))
    async with answering(upstream, upstream_calls=1000, cache_ttl=0) as gateway:
        for size in (accepted, 100):
            await gateway.data(QUERY, first=size)
        upstream.calls.clear()
        await gateway.data(QUERY, first=100)
        assert len(upstream.calls) == 100 / expected


async def test_a_filter_that_is_refused():
    """Where the filter is to blame, the paging stays as it was."""
    known = ("_count", "_offset")
    upstream = Answering(strict(known=known, most=100, words="No"))
    async with answering(upstream, cache_ttl=0) as gateway:
        query = "{ groups(filter: { type: DEVICE }, first: 1) { nodes { id } } }"
        await gateway(query)
        upstream.calls.clear()
        await gateway(query)
        assert upstream.calls[0] == "GET /Group?_count=100&_offset=0"


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_server_that_loses_groups_by_an_offset(is_named):
    """HAPI FHIR hides groups behind an `_offset` silently, also where a proxy hides its name."""
    headers = {"x-powered-by": "HAPI FHIR 8.8.0 REST"} if is_named else {}
    stamp = {"id": "6bf1", "meta": {"lastUpdated": "2026-11-29T00:00:00Z"}}

    def answer(target):
        query = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        start, size = int(query.get("_getpagesoffset", 0)), int(query.get("_count", 10))
        onward = f"?_getpages=1&_getpagesoffset={start + size}&_count={size}"
        found = page(*ALL[start : start + size], onward=onward if start + size < len(ALL) else None)
        if "_offset" in query:
            found = page(*ALL[:4], total=4)
        return httpx.Response(200, json={**found, **stamp}, headers=headers)

    upstream = Answering(answer)
    async with answering(upstream, upstream_calls=1000) as gateway:
        assert await walk(gateway, first=9) == ALL
        assert sum("_offset" in call for call in upstream.calls) == 1


async def test_an_offset_that_switches_paging_off():
    """A server that gives everything when it sees an `_offset` is asked without one."""

    def answer(target):
        query = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        own = {"relation": "self", "url": f"/Group?{target.partition('?')[2]}"}
        size = int(query.get("_count", 10))
        if "_offset" in query:
            following = int(query["_offset"]) + size
            more = [{"relation": "next", "url": f"/Group?_count={size}&_offset={following}"}]
            link = [own] + (more if following < len(ALL) else [])
            return page(*ALL, total=len(ALL)) | {"link": link}
        start = int(query.get("_getpagesoffset", 0))
        onward = f"?_getpages=1&_getpagesoffset={start + size}&_count={size}"
        found = page(*ALL[start : start + size], onward=onward if start + size < len(ALL) else None)
        return found | {"total": len(ALL), "link": [*found["link"], own]}

    async with answering(Answering(answer), upstream_calls=1000) as gateway:
        assert await walk(gateway, first=7) == ALL
        assert ids({"data": await gateway.data(QUERY, first=7)}) == ALL[:7]


def unlinked(most, *, own="applied", knows_offset=True, is_linked=False, count=130):
    """Make a server that shows its own link and no total, and perhaps no `next` link either."""

    def answer(target):
        query = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        if "_offset" in query and knows_offset == "refused":
            return refusal("Unknown parameter _offset")
        size = min(int(query.get("_count", 10)), most)
        start = int(query.get("_offset", 0)) if knows_offset else 0
        asked = {**query, "_count": size} if own == "applied" else query if own == "all" else {}
        url = "/Group?" + "&".join(f"{name}={value}" for name, value in asked.items())
        link = [{"relation": "self", "url": url}]
        if is_linked and start + size < count:
            following = f"/Group?_count={size}&_offset={start + size}"
            link.append({"relation": "next", "url": following})
        return page(*ALL[:count][start : start + size]) | {"link": link}

    return answer


@pytest.mark.parametrize("size", [3, 7, 1000])
@pytest.mark.parametrize("own", ["applied", "all", "none"])
@pytest.mark.parametrize("most", [2, 7, 10, 20, 99])
async def test_a_server_that_ends_its_pages_early_and_links_none(most, own, size):
    """Fewer groups than were asked for are not taken for all where no page is linked."""
    upstream = Answering(unlinked(most, own=own))
    async with answering(upstream, upstream_calls=1000) as gateway:
        assert await walk(gateway, first=size) == ALL


@pytest.mark.parametrize("knows_offset", ["refused", False])
async def test_groups_that_nothing_leads_to(knows_offset):
    """A page that is full by the server's own words, with no way on, is no whole list."""
    async with answering(Answering(unlinked(10, knows_offset=knows_offset))) as gateway:
        assert "errors" in await gateway(QUERY, first=100)


@pytest.mark.parametrize("is_linked", [True, False])
async def test_a_list_that_is_whole_is_looked_at_once(is_linked):
    """Whether a server links its pages is found out once, by one small search."""
    upstream = Answering(unlinked(1000, is_linked=is_linked, count=30))
    async with answering(upstream, cache_ttl=0, cache_search_ttl=0) as gateway:
        for _ in range(3):
            upstream.calls.clear()
            assert await walk(gateway, first=100) == ALL[:30]
        expected = ["GET /Group?_count=100&_offset=0", "GET /Group?_count=100&_offset=30"]
        assert upstream.calls == (expected[:1] if is_linked else expected)


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_a_bad_entry_on_a_page_of_its_own(size):
    """A page that holds nothing but an invalid entry is not the last one where none is linked."""
    known = [*ALL[:5], None, *ALL[5:9]]

    def answer(target):
        query = {name: values[0] for name, values in parse_qs(target.partition("?")[2]).items()}
        count, start = min(int(query["_count"]), 2), int(query.get("_offset", 0))
        entries = [name or {"resource": {"id": 7}} for name in known[start : start + count]]
        own = {"relation": "self", "url": f"/Group?_count={count}&_offset={start}"}
        return page(*entries) | {"link": [own]}

    async with answering(Answering(answer), upstream_calls=1000) as gateway:
        found, after, more, told = [], None, True, False
        while more:
            response = await gateway(QUERY, first=size, after=after)
            told = told or "errors" in response
            groups = response["data"]["groups"]
            found += [node["id"] for node in groups["nodes"]]
            more, after = groups["pageInfo"]["hasNextPage"], groups["pageInfo"]["endCursor"]
    assert (found, told) == (ALL[:9], True)
