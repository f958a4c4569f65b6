"""`python -m bench.events`: from a write through one replica to the event at another's subscriber.

Two gateways, a Redis and the sandbox are processes of their own. Each write changes a group's
name; the time is from sending it until the event with that name has arrived.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

import httpx
import msgspec

from bench.gateway import redis
from bench.install import need
from bench.system import LOAD_CORE, SERVER_CORE, free_port, running
from group_gateway.sandbox.wellknown import TEST_GROUP_ID

_CHANGES = f'subscription {{ groupChanged(id: "{TEST_GROUP_ID}", sinceVersion: "-") {{ name }} }}'
_WRITE = f"""mutation ($name: String!) {{
  updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: $name }}) {{ group {{ name }} }}
}}"""
_WARM = 20
_PATIENCE = 30.0


async def measured(writer_url: str, listener_url: str, count: int) -> list[float]:
    """Return the seconds from each of so many writes to its event."""
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


@contextmanager
def replicas(work: Path) -> Iterator[list[str]]:
    """Run the sandbox and two gateways within the block; yield the gateways' addresses."""
    with ExitStack() as stack:

        def started(ready: str, *words: str, **settings: str) -> str:
            port = str(free_port())
            url = f"http://127.0.0.1:{port}"
            program = running(
                [sys.executable, "-m", "group_gateway", *words, "--port", port],
                core=LOAD_CORE if words[0] == "sandbox" else SERVER_CORE,
                log=work / f"{words[0]}-{port}.log",
                ready=url + ready,
                cwd=work,  # where no .env file is
                environment={f"GROUP_GATEWAY_{name}": value for name, value in settings.items()},
            )
            stack.enter_context(program)
            return url

        upstream = started("/metadata", "sandbox", "--upstream-only")
        httpx.put(f"{upstream}/sandbox/quirks", json={"etag": True}).raise_for_status()
        settings = {
            "CACHE_URL": stack.enter_context(redis()),
            "SECRET": "a-secret-of-the-measurements",
            "SUBSCRIPTIONS": "on",
            "UPSTREAM_URL": upstream,
        }
        yield [started("/livez", "serve", **settings) + "/graphql" for _ in range(2)]


def run(count: int) -> None:
    """Measure so many writes, and print the median and the 99th percentile."""
    need(["taskset", "redis-server"])
    with tempfile.TemporaryDirectory() as work, replicas(Path(work)) as (writer, listener):
        found = [1000 * one for one in asyncio.run(measured(writer, listener, count))]
    p99 = quantiles(found, n=100)[98]
    sys.stdout.write(f"{count} writes: median {median(found):.1f} ms, p99 {p99:.1f} ms\n")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
