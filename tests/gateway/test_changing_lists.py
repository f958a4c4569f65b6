"""Lists that change while somebody pages through them by offset: nothing is left out in silence."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from gateway.answering import Answering, answering, page

LIST = """query ($first: Int, $after: String, $last: Int, $before: String) {
  groups(first: $first, after: $after, last: $last, before: $before) {
    nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"""


@dataclass
class Changing:
    """A list that is searched by offset; `has_next`: its pages are linked."""

    has_next: bool
    ids: list[str] = field(default_factory=lambda: list("abcdefghijkl"))

    def search(self, target: str) -> dict[str, Any]:
        """Answer a search."""
        query = dict(parse_qsl(urlsplit(target).query))
        start, count = int(query.get("_offset", 0)), int(query.get("_count", 10))
        found = page(*self.ids[start : start + count], total=len(self.ids))
        link = [{"relation": "self", "url": _url(start, count)}]
        if self.has_next and start + count < len(self.ids):
            link.append({"relation": "next", "url": _url(start + count, count)})
        return {**found, "link": link}


def _url(start: int, count: int) -> str:
    return f"/Group?{urlencode({'_count': count, '_offset': start})}"


async def _paged(upstream: Changing, *, forwards: bool, change: Any) -> list[str]:
    """Return the ids on all pages of four; the list changes after the first page."""
    found: list[str] = []
    size, cursor = ("first", "after") if forwards else ("last", "before")
    async with answering(Answering(upstream.search), cache_search_ttl=0.0) as gateway:
        info: dict[str, Any] = {"endCursor": None, "startCursor": None}
        while info.get("hasNextPage" if forwards else "hasPreviousPage", True):
            at = info["endCursor" if forwards else "startCursor"]
            groups = (await gateway.data(LIST, **{size: 4, cursor: at}))["groups"]
            ids = [node["id"] for node in groups["nodes"]]
            if not found:
                change(upstream.ids)
            found = [*found, *ids] if forwards else [*ids, *found]
            info = groups["pageInfo"]
    return found


def removing(ids: str) -> Any:
    """Return a change that removes groups."""
    return lambda listed: [listed.remove(id) for id in ids]


def adding(ids: str, at: int) -> Any:
    """Return a change that adds groups at a place."""
    return lambda listed: listed.__setitem__(slice(at, at), ids)


@pytest.mark.parametrize("has_next", [True, False], ids=["linked", "numbered"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (removing("a"), "abcdefghijkl"),
        (removing("abc"), "abcdefghijkl"),
        (removing("d"), "abcdefghijkl"),
        (removing("g"), "abcdefhijkl"),
        (removing("ag"), "abcdefhijkl"),
        (removing("l"), "abcdefghijk"),
        (adding("xy", 0), "abcdefghijkl"),
        (adding("xy", 12), "abcdefghijklxy"),
    ],
)
async def test_forwards(change: Any, expected: str, *, has_next: bool) -> None:
    """What was removed or added before the place shifts it, and none of the others is left out."""
    found = await _paged(Changing(has_next), forwards=True, change=change)
    assert "".join(found) == expected


@pytest.mark.parametrize("removed", ["cd", "abcd", "bd"])
async def test_forwards_from_a_group_that_was_removed_with_others(removed: str) -> None:
    """It can't be known where the place was: a group may come twice, but none is left out."""
    found = await _paged(Changing(has_next=True), forwards=True, change=removing(removed))
    assert "".join(dict.fromkeys(found)) == "abcdefghijkl"


@pytest.mark.parametrize("has_next", [True, False], ids=["linked", "numbered"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (adding("xy", 0), "xyabcdefghijkl"),
        (adding("xy", 7), "abcdefgxyhijkl"),
        (adding("xy", 12), "abcdefghijkl"),
        (removing("a"), "bcdefghijkl"),
        (removing("l"), "abcdefghijkl"),
    ],
)
async def test_backwards(change: Any, expected: str, *, has_next: bool) -> None:
    """The same from the end to the start."""
    found = await _paged(Changing(has_next), forwards=False, change=change)
    assert "".join(found) == expected
