"""`orderBy: LAST_UPDATED` is left to an upstream that is proven to sort so."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from gateway.answering import answering, codes, make_group, page, refusal
from gateway.test_group_filters import Served

MANY = 2_500
TIMES = [f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00.{n % 7}Z" for n in range(MANY)]
EVERY = [
    make_group(f"g{n * 7919 % MANY:04}", meta={"lastUpdated": time}, type="person")
    for n, time in enumerate(TIMES)
]
PAGES = """query ($size: Int, $at: String) { groups(orderBy: { field: LAST_UPDATED%s }, %s) {
    nodes { id meta { lastUpdated } } totalCount pageInfo { %s } } }"""
FIRST = "{ groups(orderBy: { field: LAST_UPDATED }, first: 3) { nodes { id } } }"


def ours(group: dict[str, Any]) -> tuple[str, str]:
    """Return what a group is sorted by."""
    return group["meta"]["lastUpdated"], group["id"]


@dataclass
class Sorting:
    """How an upstream sorts by `_lastUpdated`."""

    groups: list[dict[str, Any]] = field(default_factory=lambda: list(EVERY))
    ignores: bool = False
    ignores_direction: bool = False
    by_day: bool = False
    refuses: bool = False
    echoes: bool = True
    filters: bool = True
    is_linked: bool = True

    def __call__(self, target: str) -> Any:
        """Answer a search."""
        query = parse_qsl(target.partition("?")[2])
        asked = dict(query)
        found = [g for g in self.groups if not self.filters or self.fits(g, query)]
        if "_sort" in asked and self.refuses:
            return refusal("Unknown parameter _sort")
        if "_sort" in asked and not self.ignores:
            length = 10 if self.by_day else 30
            found.sort(key=lambda g: g.get("meta", {}).get("lastUpdated", "")[:length])
            if asked["_sort"].startswith("-") and not self.ignores_direction:
                found.reverse()
        start, count = int(asked.get("_offset", 0)), int(asked.get("_count", 10))
        kept = [
            (n, v) for n, v in query if n not in {"_offset", *([] if self.echoes else ["_sort"])}
        ]
        links = {"self": start}
        if self.is_linked and start + count < len(found):
            links["next"] = start + count
        link = [
            {"relation": name, "url": f"/Group?{urlencode([*kept, ('_offset', offset)])}"}
            for name, offset in links.items()
        ]
        entries = [{"resource": group} for group in found[start : start + count]]
        return page(*entries, total=len(found) if self.is_linked else None) | {"link": link}

    @staticmethod
    def fits(group: dict[str, Any], query: list[tuple[str, str]]) -> bool:
        """Return whether a group is within the bounds of a search."""
        bounds = [value for name, value in query if name == "_lastUpdated"]
        if not bounds:
            return True
        text = group.get("meta", {}).get("lastUpdated")
        moment = None if text is None else datetime.fromisoformat(text)
        return moment is not None and all(
            moment >= datetime.fromisoformat(value[2:])
            if value.startswith("ge")
            else moment < datetime.fromisoformat(value[2:])
            for value in bounds
        )


def server(**ways: Any) -> Served:
    """Make an upstream that sorts in some way."""
    return Served(Sorting(**ways), {}, frozenset({"_lastUpdated", "type"}))


async def walk(gateway: Any, size: int, *, descending: bool, backward: bool) -> list[str]:
    """Page through the groups, a thousand at most."""
    paging, info = ("last: $size, before: $at", "more: hasPreviousPage at: startCursor")
    if not backward:
        paging, info = ("first: $size, after: $at", "more: hasNextPage at: endCursor")
    document = PAGES % (", direction: DESC" if descending else "", paging, info)
    found: list[str] = []
    at, more = None, True
    while more and len(found) < 1000:
        groups = (await gateway.data(document, size=size, at=at))["groups"]
        assert groups["totalCount"] == MANY
        page_ids = [node["id"] for node in groups["nodes"]]
        found = page_ids + found if backward else found + page_ids
        more, at = groups["pageInfo"]["more"], groups["pageInfo"]["at"]
    return found


@pytest.mark.parametrize("size", [20, 97])
@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("descending", [True, False])
async def test_any_number_of_groups(descending, backward, size):
    """They come by time and then by id, page by page in both directions, none twice."""
    expected = [g["id"] for g in sorted(EVERY, key=ours)]
    if descending:
        latest = sorted(EVERY, key=lambda g: g["id"])
        latest.sort(key=lambda g: g["meta"]["lastUpdated"], reverse=True)
        expected = [group["id"] for group in latest]
    async with answering(server()) as gateway:
        found = await walk(gateway, size, descending=descending, backward=backward)
        length = len(found)
        assert found == (expected[-length:] if backward else expected[:length])


async def test_what_it_costs():
    """The proof is two calls, once; a page of a hundred is one then."""
    days = [f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z" for n in range(1_000)]
    few = [make_group(f"g{n:03}", meta={"lastUpdated": day}) for n, day in enumerate(days)]
    upstream = server(groups=few)
    async with answering(upstream) as gateway:
        await gateway.data(FIRST)
        assert len(upstream.calls) == 3
        await gateway.data(FIRST.replace("3", "4"))
        assert len(upstream.calls) == 3
        await gateway.data(FIRST.replace("LAST_UPDATED", "LAST_UPDATED, direction: DESC"))
        assert len(upstream.calls) == 4


async def test_filters_are_sent_too():
    """With a filter that the upstream applies, both are left to it."""
    upstream = server()
    async with answering(upstream) as gateway:
        wanted = 'filter: { lastUpdated: { ge: "2026-03-05", lt: "2026-03-06" } }'
        groups = (await gateway.data(FIRST.replace("first", f"{wanted}, first")))["groups"]
        day = [g["id"] for g in sorted(EVERY, key=ours) if ours(g)[0].startswith("2026-03-05")]
        assert [node["id"] for node in groups["nodes"]] == day[:3]


IMPOSTORS = {
    "ignores it": {"ignores": True},
    "ignores the direction": {"ignores_direction": True},
    "refuses it": {"refuses": True},
    "does not echo it": {"echoes": False},
    "sorts by days": {"by_day": True},
}


@pytest.mark.parametrize("kind", IMPOSTORS)
async def test_what_is_not_proven_is_not_believed(kind):
    """What the upstream does not sort so is sorted here, or is an error if it is too much."""
    few = [make_group(f"g{n}", meta={"lastUpdated": TIMES[n % 40]}) for n in range(250)]
    async with answering(server(groups=few, **IMPOSTORS[kind])) as gateway:
        for _ in range(2):
            nodes = (await gateway.data(FIRST))["groups"]["nodes"]
            assert [n["id"] for n in nodes] == [g["id"] for g in sorted(few, key=ours)[:3]]
    async with answering(server(**IMPOSTORS[kind])) as gateway:
        assert codes(await gateway(FIRST)) == {"UPSTREAM_SEARCH_UNSUPPORTED"}


async def test_groups_without_a_time():
    """They come last, wherever the upstream puts them."""
    few = [make_group(f"g{n:03}", meta={"lastUpdated": TIMES[n]}) for n in range(150)]
    few[5]["meta"] = {}
    async with answering(server(groups=few)) as gateway:
        query = "{ groups(orderBy: { field: LAST_UPDATED }, last: 2) { nodes { id } } }"
        nodes = (await gateway.data(query))["groups"]["nodes"]
        last = max((g for g in few if g["meta"]), key=ours)["id"]
        assert [node["id"] for node in nodes] == [last, "g005"]
        nodes = (await gateway.data(FIRST))["groups"]["nodes"]
        first = sorted((g for g in few if g["meta"]), key=ours)[:3]
        assert [node["id"] for node in nodes] == [group["id"] for group in first]


async def test_a_list_that_changes():
    """A cursor is a time and an id, so that groups may come and go."""
    document = PAGES % ("", "first: $size, after: $at", "more: hasNextPage at: endCursor")
    upstream = server()
    async with answering(upstream, cache_ttl=0) as gateway:
        groups = (await gateway.data(document, size=30, at=None))["groups"]
        expected = sorted(EVERY, key=ours)
        gone = {group["id"] for group in expected[10:30]}
        upstream.search.groups = [g for g in EVERY if g["id"] not in gone]
        at = groups["pageInfo"]["at"]
        groups = (await gateway.data(document, size=30, at=at))["groups"]
        assert [n["id"] for n in groups["nodes"]] == [g["id"] for g in expected[30:60]]


async def test_a_list_that_ends():
    """An empty list is one, and so is what is left of a list whose end was deleted."""
    document = PAGES % ("", "first: $size, after: $at", "more: hasNextPage at: endCursor")
    upstream = server()
    async with answering(upstream, cache_ttl=0) as gateway:
        wanted = 'filter: { lastUpdated: { ge: "2030" } }'
        groups = (await gateway.data(FIRST.replace("first", f"{wanted}, first")))["groups"]
        assert groups["nodes"] == []
        upstream.search.groups = sorted(EVERY, key=ours)[:40]
        at = (await gateway.data(document, size=30, at=None))["groups"]["pageInfo"]["at"]
        del upstream.search.groups[25:]
        assert (await gateway.data(document, size=30, at=at))["groups"]["nodes"] == []


async def test_an_upstream_that_links_nothing():
    """A full page may not be the last one, and the next numbers are asked for."""
    few = [make_group(f"g{n:03}", meta={"lastUpdated": TIMES[n]}) for n in range(250)]
    async with answering(server(groups=few, is_linked=False)) as gateway:
        query = "{ groups(orderBy: { field: LAST_UPDATED }, first: 1000) { nodes { id } } }"
        nodes = (await gateway.data(query))["groups"]["nodes"]
        assert [node["id"] for node in nodes] == [g["id"] for g in sorted(few, key=ours)]


async def test_a_bound_that_is_not_applied():
    """An upstream that sorts, and ignores the bound of a cursor, is not walked through."""
    document = PAGES % ("", "first: $size, after: $at", "more: hasNextPage at: endCursor")
    few = [make_group(f"g{n:03}", meta={"lastUpdated": TIMES[n]}) for n in range(150)]
    async with answering(server(groups=few, filters=False)) as gateway:
        found, at, more = [], None, True
        while more:
            groups = (await gateway.data(document, size=40, at=at))["groups"]
            found += [node["id"] for node in groups["nodes"]]
            more, at = groups["pageInfo"]["more"], groups["pageInfo"]["at"]
        assert found == [g["id"] for g in sorted(few, key=ours)]


async def test_many_groups_with_one_time():
    """After an import most groups have the same time: these are sorted here."""
    few = [make_group(f"g{n:03}", meta={"lastUpdated": TIMES[0]}) for n in range(600, 0, -1)]
    few.append(make_group("late", meta={"lastUpdated": "2026-12-31T00:00:00Z"}))
    upstream = server(groups=few)
    async with answering(upstream, upstream_calls=15) as gateway:
        nodes = (await gateway.data(FIRST))["groups"]["nodes"]
        assert [node["id"] for node in nodes] == ["g001", "g002", "g003"]
