"""A server that fails on a parameter without a reason is asked more simply, once."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.answering import Answer, Answering, answering, codes, ids, make_group, page, refusal

LIST = "{ groups(first: 50) { totalCount nodes { id } } }"
OF_A = '{ groups(first: 50, filter: { patient: "of-a" }) { totalCount nodes { id } } }'


def failing(status: int, *names: str) -> Answering:
    """Make an upstream that fails on these parameters, or on every search."""

    def search(target: str) -> Answer:
        sent = parse_qs(urlsplit(target).query)
        if not names or not sent.keys().isdisjoint(names):
            return httpx.Response(status)
        found = ("a",) if sent.get("member") == ["Patient/of-a"] else ("a", "b")
        self_link = {"relation": "self", "url": target}
        return page(*found, total=len(found)) | {"link": [self_link]}

    return Answering(search)


@pytest.mark.parametrize("status", [403, 500])
async def test_a_paging_parameter(status):
    """The list comes without it, and the next one does not send it."""
    upstream = failing(status, "_offset")
    async with answering(upstream, cache_search_ttl=0, upstream_retries=0) as gateway:
        assert ids(await gateway(LIST)) == ["a", "b"]
        before = len(upstream.calls)
        assert ids(await gateway(LIST + " ")) == ["a", "b"]
        assert len(upstream.calls) == before + 1


@pytest.mark.parametrize("status", [403, 500])
async def test_a_parameter_of_one_server(status):
    """`patient` is not one of FHIR R4; the search by `member` finds the groups."""
    upstream = failing(status, "patient", "_offset")
    async with answering(upstream, upstream_retries=0) as gateway:
        assert ids(await gateway(OF_A)) == ["a"]


@pytest.mark.parametrize(("status", "code"), [(403, "FORBIDDEN"), (500, "UPSTREAM_UNAVAILABLE")])
async def test_a_server_that_fails_anyway(status, code):
    """The failure is told; further searches cost one call each."""
    upstream = failing(status)
    async with answering(upstream, upstream_retries=0) as gateway:
        assert codes(await gateway(LIST)) == {code}
        before = len(upstream.calls)
        assert codes(await gateway(LIST + " ")) == {code}
        assert len(upstream.calls) == before + 1


@pytest.mark.parametrize("status", [400, 404, 410])
@pytest.mark.parametrize("total", ["always", "asked for"])
async def test_a_link_behind_the_last_page(status, total):
    """A server that links a page after the last, and refuses it, has shown all by its own count."""

    def search(target: str) -> Answer:
        sent = parse_qs(urlsplit(target).query)
        start, count = (int(sent.get(name, ["0"])[0]) for name in ("_offset", "_count"))
        if start >= 3:
            return refusal("No such page", status)
        counted = {"total": 3} if total == "always" or "_total" in sent else {}
        onward = f"/Group?_count={count}&_offset={start + count}"
        return page(*"abc"[start : start + count], onward=onward, **counted)

    async with answering(Answering(search)) as gateway:
        answer = await gateway("{ groups(first: 50) { nodes { id } pageInfo { hasNextPage } } }")
        assert ids(answer) == ["a", "b", "c"]
        assert answer["data"]["groups"]["pageInfo"] == {"hasNextPage": False}


@pytest.mark.parametrize("total", [{}, {"total": 3}])
async def test_a_page_that_is_gone_before_the_end(total):
    """A refused page with more groups is an error, and no list that ends early."""
    groups = {id: make_group(id) for id in ("a", "b")}

    def search(target: str) -> Answer:
        if "page" in target:
            return refusal("Expired", 410)
        return page(*groups, onward="/Group?page=2", **total)

    async with answering(Answering(search, groups)) as gateway:
        assert codes(await gateway("{ groups(first: 50) { nodes { id } } }")) == {"BAD_USER_INPUT"}
