"""`python -m bench typing`: a list that is searched and sorted while somebody types.

2,000 groups of 10 members are behind an upstream that can't search. W6 asks for those with a word
in their name, another word each time, in the upstream's order; W7 the same sorted by name. Beside
them stands what decoding the twenty pages anew takes.
"""

import itertools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.facts import Facts, facts
from bench.inprocess import InProcess, cpu_us, opened
from bench.install import need
from bench.nginx import upstream
from bench.progress import tell
from bench.resources import group, page
from bench.system import SERVER_CORE
from bench.workloads import body
from group_gateway.fhir.bundle import parse_searchset
from group_gateway.fhir.page_link import PageLink
from group_gateway.groups.reading.filters.group_outline import outline_of

GROUPS, PAGE, MEMBERS = 2_000, 100, 10
DECODING = "decoding 20 pages"
_NODES = "{ nodes { id name } pageInfo { hasNextPage endCursor } }"
QUERIES = {
    "W6": "query Typed($word: String) {"
    f" groups(filter: {{ name: {{ contains: $word }} }}, first: 20) {_NODES} }}",
    "W7": "query Typed($word: String) {"
    f" groups(filter: {{ name: {{ contains: $word }} }}, orderBy: {{ field: NAME }}, first: 20)"
    f" {_NODES} }}",
}


class TypingSearch(msgspec.Struct, frozen=True):
    """The results: CPU microseconds by workload, and for decoding the pages."""

    facts: Facts
    cpu_us: dict[str, float]

    def share(self, workload: str) -> float:
        """Return the part of the decoding that a workload takes."""
        return self.cpu_us[workload] / self.cpu_us[DECODING]


def run(work: Path, seconds: float) -> TypingSearch:
    """Measure both for `seconds` each, with the folder `work` to write to."""
    need(["nginx", "taskset"])
    listed = [group(f"typed {number}", MEMBERS) for number in range(GROUPS)]
    files = {
        f"search/{PAGE}-{begin}.json": page(listed[begin : begin + PAGE], begin, GROUPS)
        for begin in range(0, GROUPS, PAGE)
    }
    raw = [msgspec.json.encode(one) for one in files.values()]
    with upstream(work / "typing", files) as source:
        os.sched_setaffinity(0, {SERVER_CORE})
        return TypingSearch(facts(), uvloop.run(_measured(source.url, raw, seconds)))


async def _measured(url: str, raw: list[bytes], seconds: float) -> dict[str, float]:
    measured = {DECODING: await cpu_us(lambda: _decoded(raw), seconds)}
    async with opened(url, cache_ttl=3600, cache_search_ttl=3600) as gateway:
        for name, query in QUERIES.items():
            typed = _typed(gateway, query)
            await typed()
            measured[name] = await cpu_us(typed, seconds)
    for name, value in measured.items():
        tell(f"{name}: {value:,.0f} CPU µs")
    return measured


def _decoded(raw: list[bytes]) -> None:
    for one in raw:
        for each in parse_searchset(one, PageLink(())).groups:
            outline_of(each)


def _typed(gateway: InProcess, query: str) -> Callable[[], Awaitable[Any]]:
    """Search for a word that no earlier search had; the first 2,000 words find some groups."""
    counter = itertools.count()

    def ask() -> Awaitable[Any]:
        return gateway.post(body("Typed", query, {"word": f"TYPED {next(counter)}"}))

    return ask
