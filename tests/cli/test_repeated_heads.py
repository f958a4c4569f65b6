"""Clients that repeat the heads of their requests, which are then not parsed again."""

import asyncio
import json
from typing import Any

import pytest

from cli.commands import PATIENCE
from cli.on_a_socket import ID, Served, answer, connected, post

NAME = {"query": "query ($id: ID!) { group(id: $id) { name } }", "variables": ID}
TYPE = {"query": "query ($id: ID!) { group(id: $id) { type } }", "variables": ID}
"""As long as NAME, so that their heads are the same."""
ADD = {
    "query": "mutation ($name: String!) { createGroup(input: {type: PRACTITIONER, name: $name})"
    " { group { name } } }",
    "variables": {"name": "A"},
}


async def told(served: Served, *requests: bytes) -> list[Any]:
    """Return what the gateway answers to requests that are sent without waiting."""
    return [json.loads(body) for _, body in await served.ask(*requests)]


async def test_another_body(served):
    """Each body gets its own response, be it ready or not."""
    for _ in range(3):
        [name] = await told(served, post(NAME))
        [type] = await told(served, post(TYPE))
        assert (name, type) == (
            {"data": {"group": {"name": "Test Group"}}},
            {"data": {"group": {"type": "PERSON"}}},
        )
    assert served.applied == 2


async def test_several_at_once(served):
    """Requests that arrive together are all answered, in their order."""
    names = [post(NAME), post(TYPE), post(NAME)]
    first = await told(served, *names)
    assert await told(served, *names) == first
    assert [list(each["data"]["group"]) for each in first] == [["name"], ["type"], ["name"]]


async def test_a_write_is_executed_each_time(served, sandbox):
    """A mutation with a known head is no answer of the one before."""
    for name in "ABC":
        [created] = await told(served, post({**ADD, "variables": {"name": name}}))
        assert created["data"]["createGroup"]["group"]["name"] == name
    assert sum(call.startswith("POST") for call in sandbox.calls) == 3


async def test_another_caller(served):
    """A head that differs in the token only is another head."""
    [mine] = await told(served, post())
    for token in ("sandbox-other", "unknown"):
        for _ in range(2):
            assert await told(served, post(token=token)) != [mine]


async def test_a_head_with_the_id_of_a_request(served):
    """A request with an id is answered as others are."""
    for _ in range(2):
        known = await told(served, post())
        assert await told(served, post(more="X-Request-Id: 1\r\n")) == known


@pytest.mark.parametrize("cut", [1, 30, 130, 230])
async def test_in_pieces(served, cut):
    """A request that arrives in two pieces is whole only with both."""
    whole = await told(served, post())
    async with connected(served) as (reader, writer):
        writer.write(post()[:cut])
        assert await told(served, post()) == whole  # by then the first piece has been read
        writer.write(post()[cut:])
        assert json.loads((await answer(reader))[1]) == whole[0]


async def test_the_end_of_a_head_is_no_head(served):
    """What completed another client's head means nothing by itself."""
    head, _, body = post().partition(b"sandbox\r\n")
    rest = b"sandbox\r\n" + body
    async with connected(served) as (reader, writer):
        writer.write(head)
        await served.ask(post())
        writer.write(rest)
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 200")
    [(refused, _)] = await served.ask(rest)
    assert refused.startswith(b"HTTP/1.1 400")


async def test_behind_a_partial_head(served):
    """What looks like a request, behind the start of another head, is a part of that head."""
    await served.ask(post())
    async with connected(served) as (reader, writer):
        writer.write(b"POST /elsewhere HTTP/1.1\r\nX-Other: ")
        await served.ask(post())  # by then the start has been read
        writer.write(post())
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("line", ["Connection: close\r\n", "Expect: 100-continue\r\n"])
async def test_a_head_that_asks_for_more(served, line):
    """A head that asks for more than a response gets that each time."""
    for _ in range(3):
        async with connected(served) as (reader, writer):
            writer.write(post(more=line))
            seen = b""
            async with asyncio.timeout(PATIENCE):
                while b"Test Group" not in seen:
                    seen += await reader.read(65_536)
        assert (b"connection: close" in seen) == line.startswith("Connection")
