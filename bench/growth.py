"""`python -m bench growth`: how the cost of an answer grows with what is in it."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.facts import Facts, facts
from bench.inprocess import cpu_us, opened
from bench.install import need
from bench.nginx import upstream
from bench.progress import tell
from bench.resources import Resource, group, group_files, page
from bench.system import SERVER_CORE
from bench.workloads import list_body, one_body

MEMBERS = (1, 10, 100, 1_000, 10_000)
GROUPS = (1, 10, 100, 1_000)
WAYS: Mapping[str, dict[str, Any]] = {
    "graphql-core": {"cache_ttl": 0, "compiled": False},
    "compiled": {"cache_ttl": 0},
    "ready answer": {"cache_ttl": 3600, "cache_search_ttl": 3600},
}
"""The settings of each way to answer: the first two ask the upstream each time."""
_PAGE = 100
"""The most groups that the upstream gives at once."""
Curves = dict[str, dict[int, float]]
"""CPU microseconds per request, by way and size."""


class Growth(msgspec.Struct, frozen=True):
    """The results: by members of one group, and by groups of 10 members in one answer."""

    facts: Facts
    members: Curves
    groups: Curves


def run(work: Path, seconds: float) -> Growth:
    """Measure each size for `seconds`, with the folder `work` to write to."""
    need(["nginx", "taskset"])
    sized = {count: group(f"of {count}", count) for count in MEMBERS}
    listed = [group(f"listed {number}", 10) for number in range(GROUPS[-1])]
    files = {**group_files(sized.values()), **_pages(listed)}
    singles = {count: one_body(one["id"]) for count, one in sized.items()}
    lists = {count: list_body(count) for count in GROUPS}
    with upstream(work / "growth", files) as source:
        os.sched_setaffinity(0, {SERVER_CORE})
        members = uvloop.run(_curves(source.url, singles, seconds))
        groups = uvloop.run(_curves(source.url, lists, seconds))
    return Growth(facts(), members, groups)


def _pages(groups: list[Resource]) -> dict[str, Resource]:
    total = len(groups)
    first = {f"search/{n}-0.json": page(groups[:n], 0, total) for n in GROUPS if n < _PAGE}
    return first | {
        f"search/{_PAGE}-{begin}.json": page(groups[begin : begin + _PAGE], begin, total)
        for begin in range(0, total, _PAGE)
    }


async def _curves(url: str, bodies: Mapping[int, bytes], seconds: float) -> Curves:
    curves: Curves = {}
    for way, settings in WAYS.items():
        async with opened(url, **settings) as gateway:
            curves[way] = {
                size: await cpu_us(partial(gateway.post, body), seconds)
                for size, body in bodies.items()
            }
        tell(f"{way}: {curves[way]}")
    return curves
