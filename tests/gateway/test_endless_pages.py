"""Whatever an upstream's pages lead to, a walk over them ends and the process stays responsive."""

import asyncio
import itertools
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.answering import Answering, answering, codes, ids, page

NUMBERS = itertools.count()
FORWARD = "{ groups(first: 50) { nodes { id } pageInfo { hasNextPage } } }"
BACKWARD = "{ groups(last: 50) { nodes { id } pageInfo { hasPreviousPage } } }"
TOTAL = "{ groups { totalCount } }"
PAGED = """query ($size: Int, $after: String) { groups(first: $size, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""
FILTERED = '{ groups(filter: { patient: "nobody" }) { nodes { id } totalCount } }'
QUERIES = (FORWARD, BACKWARD, TOTAL, FILTERED)


def new_link():
    """Make a link that was never given before."""
    return f"/Group?page={next(NUMBERS)}"


def cycle(length, *entries):
    """Make pages that lead to each other in a circle."""

    def answer(target):
        _, _, number = target.partition("page=")
        following = (int(number or 0) + 1) % length
        return page(*entries, onward=f"/Group?page={following}", total=5)

    return answer


def back_and_forth(_):
    """Make an empty page whose previous page is itself."""
    links = [{"relation": name, "url": "/Group?page=1"} for name in ("next", "previous", "last")]
    return page() | {"link": links}


SERVERS = {
    "an empty page that leads to itself": lambda _: page(
        onward="/Group?_count=2&_offset=2", total=5
    ),
    "two empty pages": cycle(2),
    "three empty pages": cycle(3),
    "two pages with the same group": cycle(2, "a"),
    "the same groups under new links": lambda _: page("a", "b", onward=new_link()),
    "no groups under new links": lambda _: page(onward=new_link()),
    "broken groups under new links": lambda _: page({}, None, onward=new_link()),
    "an empty page with all links": back_and_forth,
    "new groups without end": lambda _: page(f"g{next(NUMBERS)}", onward=new_link()),
    "numbers that don't grow": lambda _: page(
        "a",
        link=[
            {"relation": "self", "url": "/Group?_count=1&_offset=7"},
            {"relation": "next", "url": f"/Group?_count=1&_offset=8&n={next(NUMBERS)}"},
            {"relation": "previous", "url": f"/Group?_count=1&_offset=6&n={next(NUMBERS)}"},
        ],
        total=9,
    ),
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("ttl", [0, 30])
@pytest.mark.parametrize("name", SERVERS)
async def test_a_walk_ends(name, ttl, query):
    """Each ends in an error or an answer; asked again, it does so out of the cache."""
    upstream = Answering(SERVERS[name])
    async with answering(upstream, cache_ttl=ttl) as gateway:
        for _ in range(2):
            answer = await asyncio.wait_for(gateway(query), 20)
            assert codes(answer) <= {
                "UPSTREAM_INVALID_RESPONSE",
                "TOO_MANY_UPSTREAM_CALLS",
                "UPSTREAM_SEARCH_UNSUPPORTED",
                "UPSTREAM_TIMEOUT",
            }


async def test_others_have_their_turn():
    """A long walk over cached pages delays no other request, and stays within its limit."""
    upstream = Answering(lambda _: page(f"g{next(NUMBERS)}", onward=new_link()))
    async with answering(upstream, upstream_calls=500, cache_ttl=30, deadline=60.0) as gateway:
        walk = asyncio.create_task(gateway("{ groups(first: 1000) { nodes { id } } }"))
        longest = 0.0
        while not walk.done():
            began = time.process_time()
            await asyncio.sleep(0)
            assert (await gateway.http.get("/livez")).status_code == 200
            longest = max(longest, time.process_time() - began)
        assert longest < 1
        assert codes(await walk) == {"TOO_MANY_UPSTREAM_CALLS"}
        assert len(upstream.calls) <= 500


async def test_a_few_empty_pages():
    """Pages without groups in between end nothing."""

    def answer(target):
        _, _, number = target.partition("page=")
        if number == "9":
            return page("a")
        return page(onward=f"/Group?page={int(number or 0) + 1}")

    async with answering(Answering(answer)) as gateway:
        assert ids(await gateway(FORWARD)) == ["a"]


def ending(wrong, size=2, **elements):
    """Make the pages of five numbered groups of which the last one has a wrong `next` link."""
    every = [f"g{n}" for n in range(5)]

    def answer(target):
        start = int(dict(parse_qsl(urlsplit(target).query)).get("_offset", 0))
        found = every[start : start + size]
        own = {"relation": "self", "url": target}
        end = start + len(found)
        last = target if wrong == "itself" else wrong
        url = f"/Group?_count={size}&_offset={end}" if end < len(every) else last
        return page(*found, link=[own, {"relation": "next", "url": url}], **elements)

    return Answering(answer)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(
    "wrong",
    [
        "/Group?_count=2&_offset=5",
        "/Group?_count=2&_offset=0",
        "/Group?_count=2&_offset=9",
        "itself",
        "",
        "http://[bad",
    ],
)
async def test_all_groups_were_shown(wrong, size):
    """A wrong link on the last page is no error if the upstream's own count was reached."""
    async with answering(ending(wrong, size, total=5)) as gateway:
        assert ids(await gateway(FORWARD)) == ["g0", "g1", "g2", "g3", "g4"]
        found, after, more = [], None, True
        while more:
            answer = await gateway(PAGED, size=size, after=after)
            found += ids(answer)
            about = answer["data"]["groups"]["pageInfo"]
            more, after = about["hasNextPage"], about["endCursor"]
            assert len(found) <= 5
        assert found == ["g0", "g1", "g2", "g3", "g4"]


@pytest.mark.parametrize("wrong", ["/Group?_count=2&_offset=5", "/Group?_count=2&_offset=0"])
async def test_a_wrong_link_without_a_total(wrong):
    """The walk ends in an error, also if it continues at a cursor."""
    async with answering(ending(wrong)) as gateway:
        assert codes(await gateway(FORWARD)) == {"UPSTREAM_INVALID_RESPONSE"}
        after = None
        for _ in range(5):
            answer = await gateway(PAGED, size=2, after=after)
            if codes(answer):
                break
            after = answer["data"]["groups"]["pageInfo"]["endCursor"]
        assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}


async def test_an_empty_link_on_a_page_that_is_not_full():
    """A link without an address is no link."""
    async with answering(ending("", size=10)) as gateway:
        assert ids(await gateway(FORWARD)) == ["g0", "g1", "g2", "g3", "g4"]


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("total", [500, 10**9])
async def test_a_total_that_is_far_too_high(total, size):
    """A list whose total counts groups that nobody sees is walked from its start."""
    known = [f"g{number}" for number in range(23)]

    def answer(target):
        query = dict(parse_qsl(urlsplit(target).query))
        count, start = min(int(query["_count"]), 5), int(query.get("_offset", 0))
        more = start + count < len(known)
        onward = f"/Group?_count={count}&_offset={start + count}" if more else None
        found = page(*known[start : start + count], onward=onward, total=total)
        own = {"relation": "self", "url": f"/Group?_count={count}&_offset={start}"}
        return found | {"link": [own, *found["link"]]}

    query = """query ($last: Int, $before: String) { groups(last: $last, before: $before) {
        nodes { id } pageInfo { hasPreviousPage startCursor } } }"""
    async with answering(Answering(answer), upstream_calls=1000, deadline=30.0) as gateway:
        found, before, more = [], None, True
        while more:
            groups = (await gateway.data(query, last=size, before=before))["groups"]
            found = [node["id"] for node in groups["nodes"]] + found
            info = groups["pageInfo"]
            before, more = info["startCursor"], info["hasPreviousPage"]
        assert found == known
