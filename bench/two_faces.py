"""`python -m bench.two_faces`: W9, a group of 1,000 members through both GraphQL interfaces.

The same elements are selected in each one's own words, in one process, without a cache: what is
compared is the CPU time of a cold read.
"""

import asyncio
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import msgspec

from bench.inprocess import cpu_us, opened
from bench.install import need
from bench.nginx import upstream
from bench.resources import group, group_files
from bench.system import SERVER_CORE

MEMBERS = 1_000
_SELECTION = "id name type member { entity { reference type } inactive }"
FACES = {"/graphql": "group", "/fhir/$graphql": "Group"}
"""The path of each interface, and what it calls a group."""


async def measured(url: str, id: str, seconds: float) -> dict[str, float]:
    """Return the CPU microseconds of a cold read by each interface."""
    found = {}
    async with opened(url, cache_ttl=0, fhir_graphql=True) as gateway:
        for path, field in FACES.items():
            body = msgspec.json.encode({"query": f'{{ {field}(id: "{id}") {{ {_SELECTION} }} }}'})
            answer = msgspec.json.decode(await gateway.post(body, path))
            if len(answer["data"][field]["member"]) != MEMBERS:
                raise RuntimeError(f"{path} does not answer the question.")
            found[path] = await cpu_us(partial(gateway.post, body, path), seconds)
    return found


def run(seconds: float) -> None:
    """Measure both for so many seconds each, and print a table."""
    need(["nginx", "taskset"])
    one = group("W9", MEMBERS)
    with (
        tempfile.TemporaryDirectory() as work,
        upstream(Path(work) / "faces", group_files([one])) as source,
    ):
        os.sched_setaffinity(0, {SERVER_CORE})
        found = asyncio.run(measured(source.url, one["id"], seconds))
    own = found["/graphql"]
    for path, value in found.items():
        sys.stdout.write(f"{path:16} {value:9,.0f} CPU µs {value / own:6.2f}\n")


if __name__ == "__main__":
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
