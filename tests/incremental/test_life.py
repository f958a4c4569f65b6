"""Operations that are answered in parts, from their admission to their end."""

import asyncio
import gc
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from frontdoor import COMPILED, post
from gateway.test_audit import records
from group_gateway.sandbox.wellknown import NESTED_GROUP_ID, SEED_GROUP_IDS, TEST_GROUP_ID
from incremental.conftest import PATIENCE, Gate
from incremental.multipart import ACCEPT, Client
from incremental.test_parts import NESTED, PEOPLE

SEARCH = r"\?.*patient="
WALK = """{ __typename ... @defer { groups(first: 250) { nodes { id } } } }"""


async def outcomes(client: Client, wanted: str) -> None:
    """Wait until the metrics count these numbers of requests by outcome."""
    async with asyncio.timeout(PATIENCE):
        while True:
            text = (await client.http.get("/metrics")).text
            found = re.findall(r'group_gateway_requests_total\{outcome="(\w+)"\} (\d+)', text)
            if ", ".join(f"{number} {outcome}" for outcome, number in sorted(found)) == wanted:
                return
            await asyncio.sleep(0.01)


async def test_one_record_at_the_end(
    make_client: Callable[..., Any], gate: Gate, tmp_path: Path
) -> None:
    """The audit log has one record, after the last part, with all ids that were read."""
    file = tmp_path / "audit.jsonl"
    client = await make_client(audit_file=str(file))
    gate.hold(r"\?.*_id=")
    async with client.asking(NESTED) as parts:
        await parts.next()
        await asyncio.wait_for(gate.waiting.wait(), PATIENCE)
        assert not file.exists() or file.read_bytes() == b""  # it is opened at the start
        gate.open()
        await parts.rest()
    [record] = await records(file, 1)
    assert (record["outcome"], record["codes"], record["fields"]) == ("complete", [], ["group"])
    assert NESTED_GROUP_ID in record["read"]
    assert len(record["read"]) > 1
    await outcomes(client, "1 complete")
    assert len(await records(file, 1)) == 1


async def test_codes_of_all_parts(
    make_client: Callable[..., Any], gate: Gate, tmp_path: Path
) -> None:
    """An operation with an error in any of its parts has ended with errors, and says which."""
    file = tmp_path / "audit.jsonl"
    client = await make_client(audit_file=str(file))
    await client('{ __typename ... @defer { group(id: "!") { name } } }')
    [record] = await records(file, 1)
    assert (record["outcome"], record["codes"]) == ("errors", ["BAD_USER_INPUT"])
    await outcomes(client, "1 errors")
    assert gate.waiting.is_set() is False


async def test_a_client_that_leaves(
    make_client: Callable[..., Any],
    gate: Gate,
    sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing more is asked of the upstream for it; what it was shown is recorded."""
    file = tmp_path / "audit.jsonl"
    client = await make_client(audit_file=str(file))
    gate.hold("_offset=100")
    async with client.asking(WALK) as parts:
        await parts.next()
        await asyncio.wait_for(gate.waiting.wait(), PATIENCE)
    [record] = await records(file, 1)
    assert record["outcome"] == "abandoned"
    await outcomes(client, "1 abandoned")
    gate.open()
    assert (await client.whole("{ groups(first: 1) { totalCount } }"))["data"]
    assert not [call for call in sandbox.calls if "_offset=200" in call]
    gc.collect()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_who_leaves_after_a_write(
    make_client: Callable[..., Any], gate: Gate, tmp_path: Path
) -> None:
    """A write is recorded, also if its client left before the parts about it."""
    file = tmp_path / "audit.jsonl"
    client = await make_client(audit_file=str(file))
    gate.hold(SEARCH)
    query = f"""mutation {{
      updateGroup(input: {{ id: "{TEST_GROUP_ID}", name: "Kidney clinic" }}) {{
        group {{ member {{ entity {{ resource {{ ... on Patient {{
          id ... @defer {{ groups {{ nodes {{ id }} }} }}
        }} }} }} }} }}
      }}
    }}"""
    async with client.asking(query) as parts:
        await parts.next()
    [record] = await records(file, 1)
    assert (record["outcome"], record["written"]) == ("abandoned", [TEST_GROUP_ID])


async def test_a_server_that_gives_up(client: Client, gate: Gate, sandbox: Sandbox) -> None:
    """A request that is cancelled before its first part takes the work on the others with it."""
    nested = NESTED.removeprefix("{").removesuffix("}").replace("group(", "nested: group(")
    query = f'{{ group(id: "{TEST_GROUP_ID}") {{ name }} ... @defer {{ {nested} }} }}'
    gate.hold("Group")
    body = json.dumps({"query": query}).encode()
    asking = asyncio.create_task(post(client.app, body, "sandbox", accept=ACCEPT))
    await asyncio.wait_for(gate.waiting.wait(), PATIENCE)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.open()
    assert (await client.whole("{ groups { totalCount } }"))["data"]
    assert not [call for call in sandbox.calls if "_id=" in call]


async def test_it_has_its_place_until_the_end(make_client: Callable[..., Any], gate: Gate) -> None:
    """While parts are still to come no other operation is taken beyond the bound."""
    client = await make_client(operations=1)
    gate.hold(SEARCH)
    async with client.asking(PEOPLE) as parts:
        await parts.next()
        refused = await client.whole("{ groups { totalCount } }")
        assert refused["errors"][0]["extensions"]["code"] == "OVERLOADED"
        gate.open()
        await parts.rest()
    assert "errors" not in await client.whole("{ groups { totalCount } }")


async def test_a_client_that_left_has_no_place(make_client: Callable[..., Any], gate: Gate) -> None:
    """The place of a client that left is free, also while the upstream does not answer."""
    client = await make_client(operations=1)
    gate.hold(SEARCH)
    async with client.asking(PEOPLE) as parts:
        await parts.next()
    await outcomes(client, "1 abandoned")
    assert "errors" not in await client.whole("{ __typename }")


async def test_the_deadline_holds_for_all_parts(
    make_client: Callable[..., Any], gate: Gate
) -> None:
    """A part that does not come in time fails; the answer comes to its end."""
    client = await make_client(deadline=0.5)
    gate.hold(SEARCH)
    parts = await client(PEOPLE)
    assert {e["extensions"]["code"] for e in parts.errors} == {"UPSTREAM_TIMEOUT"}
    assert len(parts.data["group"]["member"]) == 3


async def test_the_budget_holds_for_all_parts(make_client: Callable[..., Any]) -> None:
    """All parts share one budget of upstream calls, and the last part has the cost."""
    client = await make_client(upstream_calls=2)
    parts = await client(PEOPLE, extensions={"cost": True})
    codes = [error["extensions"]["code"] for error in parts.errors]
    assert codes == ["TOO_MANY_UPSTREAM_CALLS"] * 2
    cost = {"upstreamCalls": 2, "upstreamCallsAllowed": 2}
    assert [part.get("extensions") for part in parts.seen[:-1]] == [None] * (len(parts.seen) - 1)
    assert parts.seen[-1]["extensions"] == {"cost": cost}


async def test_parts_are_never_kept_ready(client: Client, sandbox: Sandbox) -> None:
    """Incremental responses are never cached; a ready complete response replaces one."""
    assert (await client(NESTED)).data == (await client(NESTED)).data
    await outcomes(client, "2 complete")
    whole = await client.whole(NESTED)
    assert await client.whole(NESTED, accept=ACCEPT) == whole
    await outcomes(client, "3 complete, 1 ready")
    assert len(sandbox.calls) == 2


async def test_callers_do_not_share_parts(client: Client, gate: Gate) -> None:
    """A caller without rights, or without a token, is shown nothing in any part."""
    query = f'{{ __typename ... @defer {{ group(id: "{SEED_GROUP_IDS[3]}") {{ name }} }} }}'
    assert (await client(query)).data["group"]["name"]
    for token, code in (("sandbox-other", "FORBIDDEN"), (None, "UNAUTHENTICATED")):
        parts = await client(query, token=token)
        assert parts.data["group"] is None
        assert [error["extensions"]["code"] for error in parts.errors] == [code]
    assert not gate.waiting.is_set()


async def test_trusted_documents(make_client: Callable[..., Any], tmp_path: Path) -> None:
    """A document on the list is answered in parts, and no other is."""
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"nested": NESTED}))
    client = await make_client(trusted_documents=str(file))
    assert (await client("", documentId="nested")).data["group"]["member"]
    answer = await client.whole(PEOPLE, accept=ACCEPT)
    assert answer["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"


async def test_a_get_is_answered_as_a_whole(client: Client) -> None:
    """What a browser may keep is one answer, with its entity tag."""
    headers = {"accept": ACCEPT, "authorization": "Bearer sandbox"}
    parameters = {"query": NESTED}
    answer = await client.http.get("/graphql", params=parameters, headers=headers)
    assert answer.json() == await client.whole(NESTED)
    headers["if-none-match"] = answer.headers["etag"]
    again = await client.http.get("/graphql", params=parameters, headers=headers)
    assert again.status_code == 304


async def test_operations_of_an_array_are_answered_as_wholes(
    make_client: Callable[..., Any],
) -> None:
    """An array of operations has an array of whole answers."""
    client = await make_client(batch_operations=2)
    headers = {"accept": ACCEPT, "authorization": "Bearer sandbox"}
    body = [{"query": NESTED}, {"query": PEOPLE}]
    answers = (await client.http.post("/graphql", json=body, headers=headers)).json()
    assert answers == [await client.whole(NESTED), await client.whole(PEOPLE)]


@pytest.mark.parametrize("settings", [{"compiled": True}, {"compiled": False}])
async def test_whole_answers_by_plans_and_without(
    make_client: Callable[..., Any], settings: dict[str, bool]
) -> None:
    """A client that accepts no parts gets a response as without the directives."""
    client = await make_client(**settings)
    query = f"""query ($later: Boolean!, $few: Int) {{ group(id: "{TEST_GROUP_ID}") {{
      name ... @defer(if: $later) {{ type }} member @stream(initialCount: $few) {{ inactive }}
    }} }}"""
    plain = await client.whole(re.sub(r"@\w+(\([^)]*\))?|query \([^)]*\)", "", query))
    for variables in ({"later": True}, {"later": False, "few": -1}, {"later": True, "few": 1}):
        assert await client.whole(query, variables=variables) == plain


async def test_plans_do_without_streams(client: Client) -> None:
    """However many items a stream is to begin with, one plan gives the whole answer."""
    query = "query ($n: Int) { groups { nodes @stream(initialCount: $n) { id } } }"
    planning = client.app.state.engine.planning
    compiled = planning.compiled
    for count in range(40):
        await client.whole(query, variables={"n": count})
    assert planning.compiled == compiled + (40 if COMPILED else 0)
