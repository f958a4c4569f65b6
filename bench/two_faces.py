"""`python -m bench.two_faces`: W9, a group of 1,000 members through both GraphQL interfaces.

The same elements are selected in each one's own words, in one process, without a cache: what is
compared is the CPU time of a cold read. With `--work DIR` Medplum's GraphQL answers the same
question beside them, over its in-memory repository: without HTTP and without an upstream.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.inprocess import cpu_us, opened
from bench.install import install, need
from bench.nginx import upstream
from bench.resources import group, group_files
from bench.system import SERVER_CORE

MEMBERS = 1_000
_SELECTION = "id name type member { entity { reference type } inactive }"
FACES = {"/graphql": "group", "/fhir/$graphql": "Group"}
"""The path of each interface, and what it calls a group."""


def question(field: str, id: str) -> str:
    """Return the query for a group by this field."""
    return f'{{ {field}(id: "{id}") {{ {_SELECTION} }} }}'


async def measured(url: str, id: str, seconds: float) -> dict[str, tuple[float, Any]]:
    """Return the CPU microseconds of a cold read by each interface, and the members it shows."""
    found = {}
    async with opened(url, cache_ttl=0, fhir_graphql=True) as gateway:
        for path, field in FACES.items():
            body = msgspec.json.encode({"query": question(field, id)})
            answer = msgspec.json.decode(await gateway.post(body, path))
            used = await cpu_us(partial(gateway.post, body, path), seconds)
            found[path] = used, answer["data"][field]["member"]
    return found


def medplum(work: Path, resource: dict[str, Any], seconds: float) -> tuple[float, Any]:
    """Return the CPU microseconds of Medplum's answer, and the members it shows."""
    install(work, ["medplum"])
    asked = {"group": resource, "query": question("Group", resource["id"]), "seconds": seconds}
    answered = subprocess.run(
        ["taskset", "--cpu-list", str(SERVER_CORE), "node", "ask.mjs"],
        cwd=work / "medplum",
        input=msgspec.json.encode(asked),
        stdout=subprocess.PIPE,
        check=True,
    )
    answer = msgspec.json.decode(answered.stdout)
    return answer["us"], answer["data"]["Group"]["member"]


def run(seconds: float, work: Path | None = None) -> None:
    """Measure each interface for `seconds`, and print a table."""
    need(["nginx", "taskset"])
    one = group("W9", MEMBERS)
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream(Path(folder) / "faces", group_files([one])) as source,
    ):
        os.sched_setaffinity(0, {SERVER_CORE})
        found = asyncio.run(measured(source.url, one["id"], seconds))
    if work is not None:
        found["Medplum"] = medplum(work, one, seconds)
    own, members = found["/fhir/$graphql"]
    for name, (used, shown) in found.items():
        if len(members) != MEMBERS or (name != "/graphql" and shown != members):
            raise RuntimeError(f"{name} does not answer the question.")
        sys.stdout.write(f"{name:16} {used:9,.0f} CPU µs {used / own:6.2f}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.two_faces")
    parser.add_argument("seconds", nargs="?", type=float, default=2.0, help="of each timed run")
    parser.add_argument("--work", type=Path, help="folder for Medplum, outside the repository")
    chosen = parser.parse_args()
    run(chosen.seconds, chosen.work)
