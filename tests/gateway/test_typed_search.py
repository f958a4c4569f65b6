"""What a search keeps in memory is never wrong about a write, a caller or the time."""

import asyncio

import pytest

from gateway.answering import Answering, answering, ids, make_group, page

pytestmark = pytest.mark.parametrize("pages", [1, 2])

NAMED = """query ($word: String) {
    groups(filter: { name: { contains: $word } }) { nodes { id name } } }"""
RENAME = 'mutation { updateGroup(input: { id: "a", name: "new" }) { group { name } } }'


COUNTED = """query ($word: String) { groups(filter: { name: { contains: $word } }, first: 1) {
    totalCount nodes { id } pageInfo { hasNextPage } } }"""
SORTED = """query ($word: String) {
    groups(filter: { name: { contains: $word } }, orderBy: { field: NAME, direction: DESC }) {
        nodes { id } } }"""


def two_groups(pages, *others):
    """Make an upstream with two groups and others, as they are now, on one page or on two."""
    groups = {"a": make_group("a", name="old"), "b": make_group("b", name="other")}

    def search(target):
        first, *rest = [{"resource": group} for group in groups.values()]
        if pages == 1:
            return page(first, *rest, *others)
        if "page=2" in target:
            return page(*rest, *others)
        return page(first, onward="http://upstream.test/Group?page=2")

    return Answering(search, groups)


async def test_another_word_costs_no_call(pages):
    """Words are looked for in what was read; nothing is asked for again."""
    upstream = two_groups(pages)
    async with answering(upstream) as gateway:
        assert ids(await gateway(NAMED, word="OL")) == ["a"]
        calls = len(upstream.calls)
        assert ids(await gateway(NAMED, word="oth")) == ["b"]
        assert ids(await gateway(NAMED, word="none")) == []
        assert len(upstream.calls) == calls


async def test_a_write_is_seen_at_once(pages):
    """After a write through the gateway the next search is asked anew."""
    upstream = two_groups(pages)
    async with answering(upstream) as gateway:
        assert ids(await gateway(NAMED, word="old")) == ["a"]
        await gateway(RENAME)
        assert ids(await gateway(NAMED, word="ol")) == []
        assert ids(await gateway(NAMED, word="new")) == ["a"]


async def test_another_caller_shares_nothing(pages):
    """What one caller read is not looked through for another."""
    upstream = two_groups(pages)
    async with answering(upstream) as gateway:
        await gateway(NAMED, word="old", token="one")
        calls = len(upstream.calls)
        await gateway(NAMED, word="old", token="two")
        assert len(upstream.calls) > calls


async def test_it_lives_no_longer_than_the_cache(pages):
    """Without a cache each search asks anew."""
    upstream = two_groups(pages)
    async with answering(upstream, cache_ttl=0) as gateway:
        await gateway(NAMED, word="old")
        calls = len(upstream.calls)
        await gateway(NAMED, word="other")
        assert len(upstream.calls) > calls


async def test_it_ends_when_the_cache_entries_do(pages):
    """When their time is over, the pages are asked for again."""
    upstream = two_groups(pages)
    async with answering(upstream, cache_search_ttl=0.2) as gateway:
        await gateway(NAMED, word="old")
        upstream.groups["b"]["name"] = "old too"
        await asyncio.sleep(0.3)
        assert ids(await gateway(NAMED, word="ol")) == ["a", "b"]


async def test_a_group_on_two_pages_is_shown_once(pages):
    """Also for the second word."""
    upstream = two_groups(pages, "c", {"resource": make_group("a", name="old")})
    async with answering(upstream) as gateway:
        for word in ("old", "ol", "o"):
            found = ids(await gateway(NAMED, word=word))
            assert found.count("a") == 1, word


async def test_another_word_is_counted_and_sorted(pages):
    """Counts, further groups and another order are those of all pages."""
    upstream = two_groups(pages)
    async with answering(upstream) as gateway:
        await gateway(NAMED, word="none")
        calls = len(upstream.calls)
        counted = (await gateway(COUNTED, word="o"))["data"]["groups"]
        assert counted["totalCount"] == 2
        assert counted["pageInfo"]["hasNextPage"]
        assert ids(await gateway(SORTED, word="O")) == ["b", "a"]
        assert ids(await gateway(SORTED, word="OLD")) == ["a"]
        assert len(upstream.calls) == calls


async def test_what_the_upstream_reports_is_told_for_each_word(pages):
    """An error among the groups of a page is not forgotten where the page holds no match."""
    issue = {"severity": "error", "code": "incomplete", "diagnostics": "index is being built"}
    reported = {
        "search": {"mode": "outcome"},
        "resource": {"resourceType": "OperationOutcome", "issue": [issue]},
    }
    upstream = two_groups(pages, reported)
    async with answering(upstream) as gateway:
        for word in ("old", "ol", "OLD"):
            answer = await gateway(NAMED, word=word)
            assert answer.get("errors"), word
