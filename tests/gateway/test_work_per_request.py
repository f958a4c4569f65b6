"""What a request makes the event loop and the garbage collector do: counted, not timed.

A gateway asks an upstream over HTTP, so that the timers of connections count too. Where one of
these numbers grows every request gets slower: raise it for a good reason only.
"""

import asyncio
import gc
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from frontdoor import post
from gateway.answering import make_group, page
from group_gateway.app import create_app
from group_gateway.config import Settings

REQUESTS = 8
"""Requests of which the least busy one counts: on a slow machine admission adds timers."""
FIELDS = "id name type quantity member { entity { reference } }"
ONE = f"query One($id: ID!) {{ group(id: $id) {{ {FIELDS} }} }}"
LIST = f"query List($count: Int!) {{ groups(first: $count) {{ nodes {{ {FIELDS} }} }} }}"


class Work(NamedTuple):
    """Tasks and timers that were made."""

    tasks: int
    timers: int
    cycles: int = 0
    """Objects that only the garbage collector frees."""


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts what it is given to do."""

    tasks = 0
    timers = 0

    def create_task(self, *args: Any, **options: Any) -> Any:
        """Count a task."""
        self.tasks += 1
        return super().create_task(*args, **options)

    def call_at(self, *args: Any, **options: Any) -> Any:
        """Count a timer."""
        self.timers += 1
        return super().call_at(*args, **options)


class Upstream(asyncio.Protocol):
    """A FHIR server without tasks or timers: every id is a group, every search finds two groups."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer a request, which comes in one piece."""
        target = urlsplit(data.split(b" ", 2)[1].decode())
        name = target.path.removeprefix("/Group").strip("/")
        found = make_group(name) if name else page("a", "b", total=2)
        body = json.dumps(found).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


async def _asking(query: str, variables: list[dict[str, Any]], **settings: Any) -> Work:
    """Ask once for each of the variables; return the least work that a request made."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, CountingLoop)
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    app = create_app(Settings(upstream_url=f"http://127.0.0.1:{port}", **settings))
    work: list[Work] = []
    async with server, app.router.lifespan_context(app):
        for each in variables:
            gc.collect()
            tasks, timers = loop.tasks, loop.timers
            body = json.dumps({"query": query, "variables": each}).encode()
            answer = await post(app, body, "sandbox")
            assert b'"errors"' not in answer.body
            await asyncio.sleep(0)  # until what ends behind the answer has ended
            work.append(Work(loop.tasks - tasks, loop.timers - timers, gc.collect()))
    return min(work[REQUESTS:])  # those before opened connections and made plans


def counted(query: str, variables: list[dict[str, Any]], **settings: Any) -> Work:
    """Return the least work that a request made, after some others."""
    gc.freeze()  # what other tests left is none of theirs
    try:
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            return runner.run(_asking(query, variables, **settings))
    finally:
        gc.unfreeze()


OTHERS = [{"id": f"group-{number}"} for number in range(2 * REQUESTS)]
"""Another group each time."""
THE_SAME = [{"id": "group"}] * 2 * REQUESTS
TWO = [{"count": 2}] * 2 * REQUESTS


def test_a_group_that_is_read_takes_one_task() -> None:
    """The task outlives a client that leaves; a timer of the connection bounds many calls."""
    assert counted(ONE, OTHERS) == Work(tasks=1, timers=0)


def test_a_list_takes_four_tasks() -> None:
    """One task walks over the pages, one gets a page, and two close the walk's generators."""
    assert counted(LIST, TWO, cache_search_ttl=0) == Work(tasks=4, timers=0)


@pytest.mark.parametrize(("query", "variables"), [(ONE, THE_SAME), (LIST, TWO)])
def test_a_ready_answer_takes_none(query: str, variables: list[dict[str, Any]]) -> None:
    """What was answered before is only looked up."""
    assert counted(query, variables) == Work(tasks=0, timers=0)
