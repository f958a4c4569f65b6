"""`python -m bench.events`: from a write through one replica to the event at another's subscriber.

Two gateways, a Redis and the sandbox are processes of their own. Each write changes a group's
name; the time is from sending it until the event with that name has arrived.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median, quantiles

import httpx
import msgspec

from bench.install import need
from bench.replicas import replicas
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

_CHANGES = f'subscription {{ groupChanged(id: "{TEST_GROUP_ID}", sinceVersion: "-") {{ name }} }}'
_WRITE = f"""mutation ($name: String!) {{
  updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: $name }}) {{ group {{ name }} }}
}}"""
_WARM = 20
_PATIENCE = 30.0


async def measured(writer_url: str, listener_url: str, count: int) -> list[float]:
    """Return the seconds from a write to its event, for each of `count` writes."""
    headers = {"authorization": "Bearer sandbox"}
    accept = {"accept": "text/event-stream"}
    found: list[float] = []
    async with (
        httpx.AsyncClient(headers=headers, timeout=_PATIENCE) as http,
        http.stream("POST", listener_url, json={"query": _CHANGES}, headers=accept) as response,
    ):
        names = _names(response)
        await anext(names)  # the group as it is: the subscription has begun
        for number in range(_WARM + count):
            name = f"name {number}"
            asked = {"query": _WRITE, "variables": {"name": name}}
            began = time.perf_counter()
            writing = asyncio.create_task(http.post(writer_url, json=asked))
            async with asyncio.timeout(_PATIENCE):
                while await anext(names) != name:
                    pass
            found.append(time.perf_counter() - began)
            (await writing).raise_for_status()
    return found[_WARM:]


async def _names(response: httpx.Response) -> AsyncIterator[str]:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            answer = msgspec.json.decode(line.removeprefix("data: "))
            yield answer["data"]["groupChanged"]["name"]


def run(count: int) -> None:
    """Measure `count` writes, and print the median and the 99th percentile."""
    need(["taskset", "redis-server"])
    with tempfile.TemporaryDirectory() as work, replicas(Path(work), 2) as (writer, listener):
        found = [1000 * one for one in asyncio.run(measured(writer, listener, count))]
    p99 = quantiles(found, n=100)[98]
    sys.stdout.write(f"{count} writes: median {median(found):.1f} ms, p99 {p99:.1f} ms\n")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
