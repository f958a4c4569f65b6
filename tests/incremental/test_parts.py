"""What answers in parts hold, and when they come."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from gateway.upstream import Shelf
from group_gateway.execution import incremental
from group_gateway.sandbox.quirks import FaultRule
from group_gateway.sandbox.wellknown import NESTED_GROUP_ID, TEST_GROUP_ID
from group_gateway.schema.federated_schema import print_sdl
from incremental.conftest import Gate
from incremental.multipart import ACCEPT, Client

NESTED = f"""{{ group(id: "{NESTED_GROUP_ID}") {{
  name
  ... @defer(label: "members") {{
    member {{ entity {{ resource {{ ... on Group {{ name quantity }} }} }} }}
  }}
}} }}"""
PEOPLE = f"""{{ group(id: "{TEST_GROUP_ID}") {{
  member {{ entity {{ reference resource {{ ... on Patient {{
    id ... @defer {{ groups {{ nodes {{ name }} }} }}
  }} }} }} }}
}} }}"""
STREAMED = """{ groups(first: 9) {
  pageInfo { hasNextPage } nodes @stream(initialCount: 2, label: "rest") { id name }
} }"""
OVERLAPPING = """{
  groups(first: 3) { nodes { id ... @defer { id name ... @defer { type name } } } }
  ... @defer { groups(first: 3) { nodes { quantity } totalCount } }
}"""
SEVERAL = f"""query ($now: Boolean!, $few: Int!) {{
  a: group(id: "{TEST_GROUP_ID}") {{ ...names @defer(if: $now) ...kinds @defer(if: false) }}
  groups(first: 4) {{ edges @stream(initialCount: $few) {{ cursor node {{ ...names @defer }} }} }}
}}
fragment names on Group {{ id name characteristic @stream {{ exclude }} }}
fragment kinds on Group {{ type actual }}"""


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (NESTED, {}),
        (PEOPLE, {}),
        (STREAMED, {}),
        (OVERLAPPING, {}),
        (SEVERAL, {"now": True, "few": 0}),
        (SEVERAL, {"now": False, "few": 3}),
    ],
)
async def test_parts_make_the_whole(client: Client, query: str, variables: Any) -> None:
    """Put together, the parts are what a client gets that takes no parts."""
    parts = await client(query, variables=variables)
    whole = await client.whole(query, variables=variables)
    assert parts.data == whole["data"]
    assert parts.errors == []
    assert len(parts.seen) > 1


async def test_the_first_part_does_not_wait(client: Client, gate: Gate) -> None:
    """Available data is sent while the upstream still works on what was deferred."""
    gate.hold(r"\?.*patient=")
    async with client.asking(PEOPLE) as parts:
        first = await parts.next()
        people = [member["entity"]["resource"] for member in first["data"]["group"]["member"]]
        assert [list(person) for person in people] == [["id"]] * 3
        await asyncio.wait_for(gate.waiting.wait(), 60)
        assert [place["path"][-1] for place in first["pending"]] == ["resource"] * 3
        gate.open()
        await parts.rest()
    assert all(m["entity"]["resource"]["groups"]["nodes"] for m in parts.data["group"]["member"])


async def test_parts_are_fetched_together(client: Client, sandbox: Sandbox) -> None:
    """What the items of a streamed list need is one search, as it is for a whole answer."""
    query = f"""{{ group(id: "{NESTED_GROUP_ID}") {{ member @stream {{
      entity {{ resource {{ ... on Group {{ name }} }} }} }} }} }}"""
    parts = await client(query)
    assert len(parts.data["group"]["member"]) > 1
    assert len(sandbox.calls) == 2


async def test_a_stream_begins_as_told(client: Client) -> None:
    """The first part has so many items, the others come in their order, with label and path."""
    parts = await client(STREAMED)
    first, *others = parts.seen
    [pending] = first["pending"]
    assert pending == {"id": pending["id"], "path": ["groups", "nodes"], "label": "rest"}
    items = [item for part in others for r in part.get("incremental", []) for item in r["items"]]
    assert len(items) == 7


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "multipart/*, application/json",
        "multipart/mixed; q=0, application/json",
        "multipart/mixed;deferSpec=20220824, application/json",
        "multipart/mixed;subscriptionSpec=1.0, application/json",
        "multipart/mixed;incrementalSpec=v0.3, application/json",
    ],
)
async def test_who_takes_no_parts_gets_one(client: Client, accept: str) -> None:
    """A client that does not read this form of parts is given one whole answer."""
    answer = await client.whole(NESTED, accept=accept)
    assert answer["data"]["group"]["member"][0]["entity"]["resource"]["name"]


@pytest.mark.parametrize(
    "accept",
    [
        "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json",
        "application/json, Multipart/Mixed; q=0.1",
    ],
)
async def test_who_takes_parts(client: Client, accept: str) -> None:
    """However a client names our form of parts, it gets them."""
    assert (await client(NESTED, accept=accept)).data["group"]["member"]


async def test_nothing_to_defer(client: Client) -> None:
    """An answer that comes to be whole at once, or fails as a whole, is no multipart."""
    query = "query ($later: Boolean!) { groups { ... @defer(if: $later) { totalCount } } }"
    accept = "multipart/mixed, application/graphql-response+json"
    answer = await client.whole(query, accept=accept, variables={"later": False})
    assert isinstance(answer["data"]["groups"]["totalCount"], int)
    for wrong in ({"variables": {}}, {"operationName": "other"}):
        answer = await client.whole(query, accept=accept, **wrong)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "data" not in answer


async def test_errors_within_parts(client: Client, sandbox: Sandbox) -> None:
    """A deferred part fails alone, with the code, the path and the words of all other errors."""
    sandbox.use(faults=(FaultRule(kind="status", status=500, pattern="patient="),))
    parts = await client(PEOPLE)
    whole = await client.whole(PEOPLE)
    told = [(e["message"], e["path"], e["extensions"]["code"]) for e in whole["errors"]]
    assert {code for _, _, code in told} == {"UPSTREAM_UNAVAILABLE"}
    assert sorted(map(str, told)) == sorted(
        str((e["message"], e["path"], e["extensions"]["code"])) for e in parts.errors
    )
    assert all(error["extensions"]["correlationId"] for error in parts.errors)
    assert len(parts.data["group"]["member"]) == 3
    assert "errors" in parts.seen[-1]["incremental"][0]


def shelf() -> httpx.ASGITransport:
    """Return an upstream with a group whose member can't be read, and another."""
    broken = {"resourceType": "Group", "id": "1", "name": "A", "member": [7]}
    sound = {"resourceType": "Group", "id": "2", "name": "B"}
    groups = {group["id"]: json.dumps(group).encode() for group in (broken, sound)}
    return httpx.ASGITransport(app=Shelf(groups).app())


async def test_reported_errors_come_with_their_part(client: Client, gate: Gate) -> None:
    """An element that can't be shown is an error in the part that lacks it."""
    gate.upstream = shelf()
    another = gate.hold("Group/2")
    gate.hold(r"Group\?")
    query = """{
      a: group(id: "1") { name ... @defer { member { inactive } } }
      ... @defer { b: group(id: "1") { member { inactive } } groups { totalCount } }
      ... @defer { c: group(id: "2") { name } }
    }"""
    async with client.asking(query) as parts:
        while len(parts.seen) < 2 or len(parts.pending) > 2:
            await parts.next()
        assert [error["path"] for error in parts.errors] == [["a", "member"]]
        another.set()
        assert "errors" not in (await parts.next())["incremental"][0]
        gate.open()
        await parts.rest()
    told = parts.seen[-1]["incremental"][0]["errors"]
    assert ["b", "member"] in [error["path"] for error in told]
    assert {error["extensions"]["code"] for error in parts.errors} == {"UPSTREAM_INVALID_RESPONSE"}


async def test_reported_errors_of_what_is_not_deferred(client: Client, gate: Gate) -> None:
    """They are reported once, where the response comes as a whole."""
    gate.upstream = shelf()
    query = '{ group(id: "1") { name ... @defer(if: false) { member { inactive } } } }'
    assert len((await client.whole(query, accept=ACCEPT))["errors"]) == 1


async def test_the_number_of_parts_is_bounded(client: Client) -> None:
    """Of hundreds of deferred fragments a hundred are parts; others come with what holds them."""
    query = "{ groups(first: 200) { nodes { id ... @defer { name ... @defer { type } } } } }"
    parts = await client(query)
    pending = [place for part in parts.seen for place in part.get("pending", [])]
    assert len(pending) == incremental.MOST_PAYLOADS
    assert parts.data == (await client.whole(query))["data"]


async def test_the_number_of_streams_is_bounded(client: Client) -> None:
    """So it is with streamed lists within lists."""
    query = "{ groups(first: 200) { nodes { id characteristic @stream { exclude } } } }"
    parts = await client(query)
    pending = [place for part in parts.seen for place in part.get("pending", [])]
    assert len(pending) <= incremental.MOST_PAYLOADS
    assert parts.data == (await client.whole(query))["data"]


@pytest.mark.parametrize("count", [-1, None])
async def test_a_wrong_initial_count(client: Client, count: int | None) -> None:
    """A number of items that can't be is the client's mistake, and said to be."""
    query = "query ($n: Int) { groups { nodes @stream(initialCount: $n) { id } } }"
    answer = await client.whole(query, accept="multipart/mixed, */*", variables={"n": count})
    [error] = answer["errors"]
    assert error["message"] == "`initialCount` of `@stream` is a number from 0 on."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_mutation_and_what_it_shows(client: Client) -> None:
    """A write is over when the first part comes; what it is to show may come later."""
    query = f"""mutation {{
      updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: "Kidney clinic" }}) {{
        issues {{ code }} group {{ id ... @defer {{ name quantity }} }}
      }}
    }}"""
    parts = await client(query)
    assert parts.seen[0]["data"]["updateGroup"]["issues"] == []
    assert parts.data["updateGroup"]["group"]["name"] == "Kidney clinic"
    refused = query.replace("updateGroup(", "... @defer { updateGroup(") + "}"
    answer = await client.whole(refused, accept="multipart/mixed, application/json")
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_off(make_client: Callable[..., Any]) -> None:
    """Unless it is switched on the schema has no such directives."""
    client = await make_client(incremental_delivery=False)
    answer = await client.whole(NESTED, accept="multipart/mixed, application/json")
    assert answer["errors"][0]["message"].startswith("Unknown directive '@defer'")
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_the_schema(client: Client) -> None:
    """A client finds the directives in the schema; a router does not, for it has its own."""
    asked = "{ _service { sdl } __schema { directives { name } } }"
    data = (await client.whole(asked))["data"]
    assert {"defer", "stream"} <= {each["name"] for each in data["__schema"]["directives"]}
    assert data["_service"]["sdl"] == print_sdl().rstrip("\n")
    assert "@defer" not in Path(__file__).parents[2].joinpath("schema.graphql").read_text()


@pytest.mark.parametrize(
    "field", ["nodes @stream(initialCount: 5) { id }", "edges @stream { cursor }"]
)
async def test_pages_are_streamed_as_they_come(client: Client, gate: Gate, field: str) -> None:
    """What the first page of the upstream holds is shown while it still works on the second."""
    query = f"{{ groups(first: 150) {{ {field} }} }}"
    gate.hold("_offset=100")
    async with client.asking(query) as parts:
        items: list[Any] = []
        while len(items) < 100:
            await parts.next()
            [items] = parts.data["groups"].values()
        assert len(items) == 100
        await asyncio.wait_for(gate.waiting.wait(), 60)
        gate.open()
        await parts.rest()
    assert parts.data == (await client.whole(query))["data"]
    assert len(items) == 150


async def test_a_stream_that_breaks_off(client: Client, sandbox: Sandbox) -> None:
    """A list is never short silently: when a page fails, so does the stream."""
    sandbox.use(faults=(FaultRule(kind="status", status=500, pattern="_offset=100"),))
    parts = await client("{ groups(first: 150) { nodes @stream { id } } }")
    assert len(parts.data["groups"]["nodes"]) == 100
    [error] = parts.seen[-1]["completed"][0]["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert error["path"] == ["groups", "nodes"]


async def test_a_stream_from_the_end(client: Client) -> None:
    """What is read backward is streamed once it is all there."""
    query = "{ groups(last: 120) { nodes @stream(initialCount: 1) { id } } }"
    assert (await client(query)).data == (await client.whole(query))["data"]


async def test_a_total_beside_a_stream(client: Client, sandbox: Sandbox) -> None:
    """A total costs no call of its own, as beside lists that are not streamed."""
    parts = await client("{ groups(first: 5) { totalCount nodes @stream { id } } }")
    assert parts.data["groups"]["totalCount"] > 5
    assert len(sandbox.calls) == 1
